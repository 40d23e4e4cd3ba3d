# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of folders and messages in a mail source of which parts cannot be read.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from ..repository.errors import RepositoryDamaged
from ..repository.reading import BlobReader
from ..repository.trees import find_node
from ..repository.types import Node, Path, TreeId
from .catalogue import ITEMS, Record
from .layout import FOLDER_FILE, META, is_shard
from .mail_record import received

_TIME = "%Y-%m-%d %H:%M:%S UTC"


@dataclass(frozen=True, slots=True)
class MessageName:
    """C(id) is empty where the record of the message cannot be read; C(subject) then, and where it has none."""

    id: str
    folder: str
    subject: str
    received: str


def split_shard(path: Path) -> tuple[Path, Path]:
    """The path of a folder, and what lies below it: year, month, day, file, or a part of these."""
    for depth, name in enumerate(path):
        if is_shard(name):
            return path[:depth], path[depth:]
    return path, ()


class MailNames:
    """What can still be told. ``tree`` is None where not even the top of the source can be read."""

    def __init__(self, reader: BlobReader, tree: TreeId | None) -> None:
        self._reader = reader
        self._tree = tree
        self._names: dict[Path, str] = {}
        self._numbers: dict[Path, int] = {}
        if tree is not None:
            self._find_folders(tree, ())

    def folder(self, path: Path) -> str:
        """The true names from the top to this folder; those of the directories where the true ones cannot be read."""
        return "/".join(self._names.get(path[: depth + 1], name) for depth, name in enumerate(path))

    def messages(self, wanted: t.Mapping[Path, bool]) -> dict[Path, list[MessageName]]:
        """The messages at these paths and below those that are directories, as the catalogue has them.

        A file that the catalogue does not name, because that is damaged too, goes by its path. Costs a pass over the catalogue
        and memory for what is wanted.
        """
        records = self._wanted_records(wanted)
        found: dict[Path, list[MessageName]] = {path: [] for path in wanted}
        for path, record in records.values():
            found[path].append(self._name(path, record))
        for path, is_directory in wanted.items():
            if not is_directory and not found[path]:
                found[path] = [self._nameless(path)]
        return found

    def _wanted_records(self, wanted: t.Mapping[Path, bool]) -> dict[str, tuple[Path, Record]]:
        """By message id; of several lines the last counts."""
        place = self._place_finder(wanted)
        records: dict[str, tuple[Path, Record]] = {}
        for record in self._lines():
            path = None if record.get("removed") else place(record)
            if path is not None:
                records[record["id"]] = (path, record)
            else:
                records.pop(record["id"], None)
        return records

    def _place_finder(self, wanted: t.Mapping[Path, bool]) -> t.Callable[[Record], Path | None]:
        """Which wanted path a record belongs to.

        The name of a file holds a hash of the message's id, so it is enough to know a file; of a directory also the folder
        counts. A folder that is lost as a whole has no number that we can read: what has an unknown number is in it.
        """
        files: dict[str, Path] = {}
        shards: dict[tuple[int | None, str], Path] = {}
        lost_folder: Path | None = None
        for path, is_directory in wanted.items():
            folder, shard = split_shard(path)
            if not is_directory:
                files["/".join(shard)] = path
            elif shard:
                shards[self._numbers.get(folder), "/".join(shard)] = path
            else:
                lost_folder = lost_folder or path
        known = frozenset(self._numbers.values())

        def place(record: Record) -> Path | None:
            file, number = str(record.get("file")), record.get("folder")
            parts = file.split("/")
            prefixes = ("/".join(parts[:depth]) for depth in range(1, len(parts)))
            by_shard = next((shards[number, prefix] for prefix in prefixes if (number, prefix) in shards), None)
            return files.get(file) or by_shard or (None if number in known else lost_folder)

        return place

    def _name(self, path: Path, record: Record) -> MessageName:
        return MessageName(
            record["id"], self.folder(split_shard(path)[0]), str(record.get("subject") or ""), received(record).strftime(_TIME)
        )

    def _nameless(self, path: Path) -> MessageName:
        folder, (year, month, day, file) = split_shard(path)
        return MessageName("", self.folder(folder), "", f"{year}-{month}-{day} {file[:2]}:{file[2:4]}:{file[4:6]} UTC")

    def _find_folders(self, tree: TreeId, path: Path) -> None:
        for node in self._nodes(tree):
            if node.name == FOLDER_FILE:
                document = self._json(node)
                self._names[path] = str(document.get("name") or path[-1])
                if isinstance(document.get("number"), int):
                    self._numbers[path] = document["number"]
            elif node.subtree is not None and node.name != META and not is_shard(node.name):
                self._find_folders(node.subtree, (*path, node.name))

    def _lines(self) -> t.Iterator[Record]:
        """Every line of the catalogue that can be read, in order."""
        try:
            top = None if self._tree is None else find_node(self._reader, self._tree, ITEMS)
        except RepositoryDamaged:
            return
        pending = [] if top is None else [top]
        while pending:
            node = pending.pop()
            if node.subtree is not None:
                pending.extend(reversed(self._nodes(node.subtree)))
                continue
            for line in self._content(node).splitlines():
                yield json.loads(line)

    def _nodes(self, tree: TreeId) -> tuple[Node, ...]:
        try:
            return self._reader.read_tree(tree)
        except RepositoryDamaged:
            return ()

    def _json(self, node: Node) -> dict[str, t.Any]:
        content = self._content(node)
        return json.loads(content) if content else {}

    def _content(self, node: Node) -> bytes:
        """Empty where it cannot be read."""
        try:
            return b"".join(self._reader.read_file(node))
        except RepositoryDamaged:
            return b""
