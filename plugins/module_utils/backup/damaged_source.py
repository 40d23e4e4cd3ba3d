# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of folders and items in a source of which parts cannot be read.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass

from ..repository.errors import RepositoryDamaged
from ..repository.reading import BlobReader
from ..repository.trees import find_node
from ..repository.types import Node, Path, TreeId
from .catalogue import ITEMS, Record
from .item_filter import item_span
from .layout import FOLDER_FILE, META, is_parts, is_shard

_TIME = "%Y-%m-%d %H:%M:%S UTC"


_DATED = re.compile(r"^(\d{4})/(\d\d)/(\d\d)/(\d\d)(\d\d)(\d\d)-")


@dataclass(frozen=True, slots=True)
class ItemName:
    """C(id) is empty where the record of the item cannot be read; C(subject) then, and where it has none.

    C(moment) is when it came in, when an event begins, or when a file was last changed; empty where nothing says so.
    C(part): not the item itself is meant, but something of it; the words go before those of the item. C(word) is for what is
    no item of its source, such as a folder.
    """

    id: str
    folder: str
    subject: str
    moment: str
    part: str = ""
    word: str = ""


class Readable:
    """What can be read of a tree."""

    def __init__(self, reader: BlobReader, tree: TreeId | None) -> None:
        self._reader = reader
        self._tree = tree

    def lines(self, items: Path) -> t.Iterator[Record]:
        """Every line of the log at a path that can be read, in order."""
        try:
            top = None if self._tree is None else find_node(self._reader, self._tree, items)
        except RepositoryDamaged:
            return
        pending = [] if top is None else [top]
        while pending:
            node = pending.pop()
            if node.subtree is not None:
                pending.extend(reversed(self.nodes(node.subtree)))
                continue
            for line in self.content(node).splitlines():
                yield json.loads(line)

    def nodes(self, tree: TreeId) -> tuple[Node, ...]:
        try:
            return self._reader.read_tree(tree)
        except RepositoryDamaged:
            return ()

    def content(self, node: Node) -> bytes:
        """Empty where it cannot be read."""
        try:
            return b"".join(self._reader.read_file(node))
        except RepositoryDamaged:
            return b""


def moment_of(record: Record) -> str:
    """When an item lies in time; empty where its record does not say."""
    span = item_span(record)
    return "" if span is None else span[0].strftime(_TIME)


def split_shard(path: Path) -> tuple[Path, Path]:
    """The path of a folder, and what lies below it: the directories and the file of an item, or a part of these."""
    for depth, name in enumerate(path):
        if is_shard(name):
            return path[:depth], path[depth:]
    # Settings lie beside the description of their one folder.
    is_file = len(path) == 1 and path[0] not in (META, FOLDER_FILE) and path[0].endswith(".json")
    return ((), path) if is_file else (path, ())


def is_item(path: Path, *, is_directory: bool) -> bool:
    """Whether a path below a source is an item, or belongs to the files beside one."""
    _folder, shard = split_shard(path)
    return bool(shard) and (not is_directory or _is_part(path))


class SourceNames:
    """What can still be told. ``tree`` is None where not even the top of the source can be read."""

    def __init__(self, reader: BlobReader, tree: TreeId | None) -> None:
        self._tree = Readable(reader, tree)
        self._names: dict[Path, str] = {}
        self._numbers: dict[Path, int] = {}
        if tree is not None:
            self._find_folders(tree, ())

    def is_item(self, path: Path, *, is_directory: bool) -> bool:
        """Whether a path is an item, or belongs to one."""
        return is_item(path, is_directory=is_directory)

    def holds_items(self, path: Path) -> bool:
        """Whether a directory at a path has items in it or below it."""
        return path[0] != META

    def directory(self, path: Path) -> tuple[str, str]:
        """The folder of a directory that holds items, and what to call the directory."""
        folder_path, shard = split_shard(path)
        folder = self.folder(folder_path)
        return folder, f"the directory of {'-'.join(shard)} in folder {folder}" if shard else f"the folder {folder}"

    def folder(self, path: Path) -> str:
        """The true names from the top to this folder; those of the directories where the true ones cannot be read."""
        return "/".join(self._names.get(path[: depth + 1], name) for depth, name in enumerate(path))

    def items(self, wanted: t.Mapping[Path, bool]) -> dict[Path, list[ItemName]]:
        """The items at these paths and below those that are directories, as the catalogue has them.

        A file that the catalogue does not name, because that is damaged too, goes by its path. Costs a pass over the catalogue
        and memory for what is wanted.
        """
        found: dict[Path, list[ItemName]] = {path: [] for path in wanted}
        for paths, record in self._wanted_records(wanted).values():
            for path in paths:
                found[path].append(self._name(path, record))
        for path, is_directory in wanted.items():
            if is_item(path, is_directory=is_directory) and not found[path]:
                found[path] = [self._nameless(path)]
        return found

    def _wanted_records(self, wanted: t.Mapping[Path, bool]) -> dict[str, tuple[list[Path], Record]]:
        """By item id; of several lines the last counts."""
        places = self._place_finder(wanted)
        records: dict[str, tuple[list[Path], Record]] = {}
        for record in self._tree.lines(ITEMS):
            paths = [] if record.get("removed") else places(record)
            if paths:
                records[record["id"]] = (paths, record)
            else:
                records.pop(record["id"], None)
        return records

    def _place_finder(self, wanted: t.Mapping[Path, bool]) -> t.Callable[[Record], list[Path]]:
        """Which wanted paths a record belongs to.

        The name of a file holds a hash of the item's id, so it is enough to know a file; of a directory also the folder
        counts. A folder that is lost as a whole has no number that we can read: what has an unknown number is in it.
        """
        files: dict[str, list[Path]] = {}
        shards: dict[tuple[int | None, str], Path] = {}
        lost_folder: Path | None = None
        for path, is_directory in wanted.items():
            folder, shard = split_shard(path)
            if is_item(path, is_directory=is_directory):
                files.setdefault(_stem(shard), []).append(path)
            elif shard:
                shards[self._numbers.get(folder), "/".join(shard)] = path
            else:
                lost_folder = lost_folder or path
        known = frozenset(self._numbers.values())

        def places(record: Record) -> list[Path]:
            number, parts = record.get("folder"), str(record.get("file")).split("/")
            if paths := files.get(_stem(tuple(parts))):
                return paths
            prefixes = ("/".join(parts[:depth]) for depth in range(1, len(parts)))
            by_shard = next((shards[number, prefix] for prefix in prefixes if (number, prefix) in shards), None)
            path = by_shard or (None if number in known else lost_folder)
            return [] if path is None else [path]

        return places

    def _name(self, path: Path, record: Record) -> ItemName:
        folder = self.folder(split_shard(path)[0])
        return ItemName(record["id"], folder, str(record.get("subject") or ""), moment_of(record), _part(path))

    def _nameless(self, path: Path) -> ItemName:
        folder, shard = split_shard(path)
        stem = _stem(shard)
        dated = _DATED.match(stem)
        if dated is None:
            name = stem.rpartition("/")[2].rpartition("~")[0] or stem.rpartition("/")[2]
            return ItemName("", self.folder(folder), name, "", _part(path))
        year, month, day, hour, minute, second = dated.groups()
        return ItemName("", self.folder(folder), "", f"{year}-{month}-{day} {hour}:{minute}:{second} UTC", _part(path))

    def _find_folders(self, tree: TreeId, path: Path) -> None:
        for node in self._tree.nodes(tree):
            if node.name == FOLDER_FILE:
                document = self._json(node)
                self._names[path] = str(document.get("name") or (path[-1] if path else ""))
                if isinstance(document.get("number"), int):
                    self._numbers[path] = document["number"]
            elif node.subtree is not None and node.name != META and not is_shard(node.name):
                self._find_folders(node.subtree, (*path, node.name))

    def _json(self, node: Node) -> dict[str, t.Any]:
        content = self._tree.content(node)
        return json.loads(content) if content else {}


def _stem(shard: Path) -> str:
    """What the path of an item and those of the files beside it have in common."""
    depth = next((depth for depth, name in enumerate(shard) if is_parts(name)), len(shard) - 1)
    return "/".join((*shard[:depth], shard[depth].rpartition(".")[0] or shard[depth]))


def _is_part(path: Path) -> bool:
    return any(is_parts(name) for name in split_shard(path)[1])


def _part(path: Path) -> str:
    return "a file that belongs to" if _is_part(path) else ""
