# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a backed-up drive with their contents, folder by folder.

The catalogue names files in the order in which they changed. Looking each of them up would read directories again and
again, so what is wanted is put in order in a temporary database first, and every directory is read once.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import json
import typing as t
from datetime import timezone

from .._errors import BackupError
from ..backup.catalogue import Record
from ..backup.item_state import Folder
from ..backup.recent_trees import RecentTrees
from ..backup.small_files import FileReader, to_json
from ..backup.temporary_databases import open_temporary_database
from ..repository.errors import RepositoryDamaged
from ..repository.trees import find_node
from ..repository.types import Node, NodeKind, Path, TreeId, TreeReader

VERSION, PERMISSIONS = "version", "permissions"

Facts = dict[str, t.Any]


class DriveFile(t.NamedTuple):
    """A file. C(parts) lie apart from it: its older versions, the oldest first, and its permissions, each with what is known of it."""

    record: Record
    folder: Folder
    node: Node
    parts: tuple[tuple[Facts, Node], ...]


class OnProblem(t.Protocol):
    """Is told what cannot be found of a file: C(part) is empty for the file itself."""

    def __call__(self, record: Record, folder: Folder, part: Facts, error: BackupError, /) -> None: ...


def drive_files(
    store: FileReader, tree: TreeId, folders: t.Mapping[int, Folder], records: t.Iterable[Record], on_problem: OnProblem
) -> t.Iterator[DriveFile]:
    """Those of C(records) that lie in one of C(folders), by number: a folder before those below it, files by name.

    Raises StorageError, sqlite3.Error, and, after those before it, the BackupError that the records end with.
    """
    directories = OpenDirectories(store, tree)
    trees = RecentTrees(store)
    end: BackupError | None = None
    with _Spool() as spool:
        try:
            for record in records:
                if record["folder"] in folders:
                    spool.add(record)
        except BackupError as error:
            end = error
        for folder in sorted(folders.values(), key=lambda folder: folder.path):
            for record in spool.of(folder.number):
                try:
                    node = directories.at(folder.path).get(record["file"])
                    if node is None:
                        raise _no_content()
                except BackupError as error:
                    on_problem(record, folder, {}, error)
                    continue
                parts = tuple(_parts(trees, tree, record, folder, on_problem))
                yield DriveFile(record, folder, node, parts)
    if end is not None:
        raise end


def unrecorded_files(
    store: FileReader, tree: TreeId, folders: t.Mapping[int, Folder], on_damage: t.Callable[[Folder, RepositoryDamaged], None]
) -> t.Iterator[DriveFile]:
    """Every file that lies in one of the folders, with what its directory tells of it, in the same order.

    A directory that cannot be read is told of once, not again for each below it.
    """
    directories = OpenDirectories(store, tree)
    last: RepositoryDamaged | None = None
    for folder in sorted(folders.values(), key=lambda folder: folder.path):
        try:
            nodes = directories.at(folder.path)
        except RepositoryDamaged as damage:
            if damage is not last:
                on_damage(folder, damage)
            last = damage
            continue
        for name, node in nodes.items():
            if node.kind is NodeKind.FILE:
                yield DriveFile(_told_by_node(folder, name, node), folder, node, ())


class OpenDirectories:
    """The directories on the way to the one that was asked for last: asked for in the order of their paths, each is read once."""

    def __init__(self, store: TreeReader, tree: TreeId) -> None:
        self._store = store
        self._path: Path = ()
        self._open: list[dict[str, Node] | RepositoryDamaged] = [self._read(tree)]

    def at(self, path: Path) -> t.Mapping[str, Node]:
        """What lies in a directory by name; nothing where there is no such directory. Raises RepositoryDamaged, StorageError."""
        depth = 0
        while depth < min(len(path), len(self._path)) and path[depth] == self._path[depth]:
            depth += 1
        del self._open[depth + 1 :]
        for name in path[depth:]:
            above = self._open[-1]
            node = None if isinstance(above, RepositoryDamaged) else above.get(name)
            if isinstance(above, RepositoryDamaged):
                self._open.append(above)
            else:
                self._open.append({} if node is None or node.subtree is None else self._read(node.subtree))
        self._path = path
        found = self._open[-1]
        if isinstance(found, RepositoryDamaged):
            raise found
        return found

    def _read(self, tree: TreeId) -> dict[str, Node] | RepositoryDamaged:
        try:
            return {node.name: node for node in self._store.read_tree(tree)}
        except RepositoryDamaged as damage:
            return damage


def parts_facts(record: Record) -> t.Iterator[Facts]:
    """What a record of a file or a folder says of what lies apart from it."""
    for version in sorted(record.get("versions", ()), key=lambda version: str(version.get("modified"))):
        yield {"kind": VERSION, **version}
    if record.get("permissions"):
        yield {"kind": PERMISSIONS, "file": record["permissions"]}


def part_node(store: TreeReader, tree: TreeId, facts: Facts) -> Node:
    """Where such a thing lies. Raises BackupError where it is not, RepositoryDamaged."""
    node = find_node(store, tree, tuple(str(facts["file"]).split("/")))
    if node is None:
        raise _no_content()
    return node


def _told_by_node(folder: Folder, name: str, node: Node) -> Record:
    moment = node.modified.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "id": "/".join((*folder.path, name)),
        "folder": folder.number,
        "file": name,
        "subject": name,
        "size": node.size,
        "modified": moment,
        "received": moment,
    }


def _parts(trees: RecentTrees, tree: TreeId, record: Record, folder: Folder, on_problem: OnProblem) -> t.Iterator[tuple[Facts, Node]]:
    for facts in parts_facts(record):
        try:
            yield facts, part_node(trees, tree, facts)
        except BackupError as error:
            on_problem(record, folder, facts, error)


def _no_content() -> BackupError:
    return BackupError("The snapshot has no content for it.", hint="Verify the repository.")


class _Spool:
    """Records by folder, out of memory when they are many."""

    def __init__(self) -> None:
        self._database = open_temporary_database()
        self._database.execute("CREATE TABLE files (folder INTEGER, file BLOB, record BLOB, PRIMARY KEY (folder, file)) WITHOUT ROWID")

    def __enter__(self) -> _Spool:
        return self

    def __exit__(self, *exception: object) -> None:
        self._database.close()

    def add(self, record: Record) -> None:
        key = str(record["file"]).encode("utf-8", "surrogatepass")
        self._database.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", (record["folder"], key, to_json(record)))

    def of(self, folder: int) -> t.Iterator[Record]:
        for (packed,) in self._database.execute("SELECT record FROM files WHERE folder = ? ORDER BY file", (folder,)):
            yield json.loads(packed)
