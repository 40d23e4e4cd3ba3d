# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The directories of many snapshots in a temporary database: each once, with the directories that it lies in.

So the places of a few files are found by going up from them, and the directories are read in the order that costs least.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..repository.types import Path, TreeId
from .temporary_databases import open_temporary_database

_TABLES = (
    "CREATE TABLE trees (number INTEGER PRIMARY KEY, source TEXT, zone TEXT, tree BLOB, UNIQUE (source, zone, tree))",
    "CREATE TABLE edges (child INTEGER, parent INTEGER, name BLOB, PRIMARY KEY (child, parent, name)) WITHOUT ROWID",
    """
    CREATE TABLE roots (
        tree INTEGER, member TEXT, first INTEGER, last INTEGER, snapshots INTEGER, PRIMARY KEY (tree, member)
    ) WITHOUT ROWID
    """,
    "CREATE TABLE files (content INTEGER, tree INTEGER, name BLOB, PRIMARY KEY (content, tree, name)) WITHOUT ROWID",
)
_PUT_ROOT = """
    INSERT INTO roots VALUES (?, ?, ?, ?, 1) ON CONFLICT (tree, member)
    DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last), snapshots = snapshots + 1
"""
_ROOTS = "SELECT t.source, r.member, r.first, r.last, r.snapshots FROM roots r JOIN trees t ON t.number = r.tree WHERE r.tree = ?"
_TREES_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """A directory below a source. C(zone) is the caller's word for what it holds."""

    number: int
    source: str
    zone: str
    tree: TreeId


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where a content lies: below a source of a member (object id), and the places of the first and the last snapshot with it."""

    member: str
    source: str
    path: Path
    first: int
    last: int
    snapshots: int


class ScanPlaces:
    """For one thread. Raises what L(temporary_databases) turns into words."""

    def __init__(self) -> None:
        self._database = open_temporary_database()
        for table in _TABLES:
            self._database.execute(table)
        # One transaction for all: nothing in here outlives the process, so nothing needs a journal of its own.
        self._database.execute("BEGIN")

    def __enter__(self) -> ScanPlaces:
        return self

    def __exit__(self, *exception: object) -> None:
        self._database.close()

    def put_root(self, source: str, zone: str, tree: TreeId, member: str, place: int) -> Directory | None:
        """A source of a member in the snapshot at this place; None when the directory was known."""
        number, is_new = self._put_tree(source, zone, tree)
        self._database.execute(_PUT_ROOT, (number, member, place, place))
        return Directory(number=number, source=source, zone=zone, tree=tree) if is_new else None

    def put_child(self, parent: Directory, name: str, zone: str, tree: TreeId) -> Directory | None:
        """What lies in a directory under a name; None when it was known."""
        number, is_new = self._put_tree(parent.source, zone, tree)
        self._database.execute("INSERT OR IGNORE INTO edges VALUES (?, ?, ?)", (number, parent.number, _packed(name)))
        return Directory(number=number, source=parent.source, zone=zone, tree=tree) if is_new else None

    def directories(self) -> t.Iterator[list[Directory]]:
        """All of them, some at a time."""
        last = 0
        query = "SELECT number, source, zone, tree FROM trees WHERE number > ? ORDER BY number LIMIT ?"
        while rows := self._database.execute(query, (last, _TREES_AT_ONCE)).fetchall():
            last = rows[-1][0]
            yield [Directory(number=number, source=source, zone=zone, tree=TreeId(tree.hex())) for number, source, zone, tree in rows]

    def put_file(self, content: int, directory: Directory, name: str) -> None:
        """That the content of a number lies in a directory under a name."""
        self._database.execute("INSERT OR IGNORE INTO files VALUES (?, ?, ?)", (content, directory.number, _packed(name)))

    def spots(self, content: int) -> list[Spot]:
        """Where a content lies, as far as L(put_file) was told: each path once, those of the newest snapshots first."""
        found: dict[tuple[str, str, Path], tuple[int, int, int]] = {}
        rows = self._database.execute("SELECT tree, name FROM files WHERE content = ?", (content,)).fetchall()
        pending: list[tuple[int, Path]] = [(tree, (_unpacked(name),)) for tree, name in rows]
        while pending:
            tree, path = pending.pop()
            for source, member, first, last, snapshots in self._database.execute(_ROOTS, (tree,)).fetchall():
                known = found.get((member, source, path), (first, last, 0))
                found[member, source, path] = (min(first, known[0]), max(last, known[1]), snapshots + known[2])
            above = self._database.execute("SELECT parent, name FROM edges WHERE child = ?", (tree,)).fetchall()
            pending.extend((parent, (_unpacked(name), *path)) for parent, name in above)
        spots = [
            Spot(member=member, source=source, path=path, first=first, last=last, snapshots=snapshots)
            for (member, source, path), (first, last, snapshots) in found.items()
        ]
        return sorted(spots, key=lambda spot: (-spot.last, spot.member, spot.source, spot.path))

    def _put_tree(self, source: str, zone: str, tree: TreeId) -> tuple[int, bool]:
        key = (source, zone, bytes.fromhex(tree))
        cursor = self._database.execute("INSERT OR IGNORE INTO trees (source, zone, tree) VALUES (?, ?, ?)", key)
        if cursor.rowcount == 1 and cursor.lastrowid is not None:
            return cursor.lastrowid, True
        row = self._database.execute("SELECT number FROM trees WHERE source = ? AND zone = ? AND tree = ?", key).fetchone()
        return int(row[0]), False


def _packed(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")


def _unpacked(name: bytes) -> str:
    return name.decode("utf-8", "surrogatepass")
