# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalogue of a source: what is known of every item, as an append-only log inside the snapshot's tree.

One JSON line an item and change; the last line of an id counts, a line with C(removed) takes the item away. 32 lines
make a file, and a full file is never written again. Beside it, in the same order, lie 8-byte hashes of the ids, so that
an item is found by reading 8 bytes an item instead of its whole line. Two ids of the same hash do no harm.

A drive has two of them: one of its files, and one of its folders at C(FOLDERS).

Why a log: a new, changed or removed item costs one line and the few nodes above it, in a mailbox of any size, and
nothing about the items needs to be in memory.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import hashlib
import json
import sys
import typing as t

from .._errors import BackupError
from ..repository.trees import find_node
from ..repository.types import Node, Path, TreeId
from .edit_spool import EditSpool
from .layout import META, META_TIME
from .recent_trees import RecentTrees
from .small_files import FileReader, to_json
from .temporary_databases import open_temporary_database, temporary_databases

if t.TYPE_CHECKING:
    from ..repository.writer import Writer

Record = dict[str, t.Any]

ITEMS = (META, "items")
IDS = (META, "ids")
#: Where the second catalogue of a drive lies, with its own C(items) and C(ids).
FOLDERS: Path = (META, "folders")
LINES_PER_FILE = 32
HASHES_PER_FILE = 256
_HASH_SIZE = 8
_FAN_OUT = 32


class Catalogue:
    """The catalogue as the tree of one source has it: read only. lines is what the source's facts say, where the directory of it."""

    def __init__(self, store: FileReader, tree: TreeId | None, lines: int, *, where: Path = (META,)) -> None:
        self._store = RecentTrees(store)
        self._tree = tree
        self._digests: bytes | None = None
        self.lines = lines
        self.where = where

    def find(self, ids: t.Collection[str]) -> dict[str, Record]:
        """The current records of those of ids that are in the catalogue and not removed.

        The hashes stay in memory from the first call on: 8 MB for a million lines.
        """
        places = self._places({id_hash(item_id) for item_id in ids})
        wanted, found = set(ids), dict[str, Record]()
        # The last line of a hash counts, unless it is of another id: then the one before may be ours.
        while places:
            for record in self._lines(ordinals.pop() for ordinals in places.values()):
                if record["id"] in wanted:
                    wanted.remove(record["id"])
                    if not record.get("removed"):
                        found[record["id"]] = record
            open_digests = {id_hash(item_id) for item_id in wanted}
            places = {digest: ordinals for digest, ordinals in places.items() if ordinals and digest in open_digests}
        return found

    def live(self) -> t.Iterator[Record]:
        """Every record that counts, the newest first. Costs a pass over the whole log."""
        with temporary_databases(), SeenIds() as seen:
            for record in self._lines_backwards():
                if seen.add(record["id"]) and not record.get("removed"):
                    yield record

    def tail(self) -> tuple[list[bytes], bytes]:
        """The lines and the hashes of the last, unfinished files; what an appender goes on with."""
        lines: list[bytes] = []
        if self.lines % LINES_PER_FILE:
            lines = self._read("items", item_file(self.lines // LINES_PER_FILE)).splitlines(keepends=True)
        hashes = b""
        if self.lines % HASHES_PER_FILE:
            hashes = self._read("ids", id_file(self.lines // HASHES_PER_FILE))
        return lines, hashes

    def _places(self, digests: t.Collection[bytes]) -> dict[bytes, list[int]]:
        """The ordinals of the lines of each hash, ascending; hashes without a line are left out."""
        if self._digests is None:
            self._digests = b"".join(self._read("ids", id_file(number)) for number in range(-(-self.lines // HASHES_PER_FILE)))
        wanted = {int.from_bytes(digest, sys.byteorder): digest for digest in digests}
        places: dict[bytes, list[int]] = {}
        for ordinal, number in enumerate(memoryview(self._digests).cast("Q")):
            if number in wanted:
                places.setdefault(wanted[number], []).append(ordinal)
        return places

    def _lines_backwards(self) -> t.Iterator[Record]:
        for number in reversed(range(-(-self.lines // LINES_PER_FILE))):
            for line in reversed(self._read("items", item_file(number)).splitlines()):
                yield json.loads(line)

    def _lines(self, ordinals: t.Iterable[int]) -> t.Iterator[Record]:
        number, lines = -1, []
        for ordinal in sorted(ordinals):
            if ordinal // LINES_PER_FILE != number:
                number = ordinal // LINES_PER_FILE
                lines = self._read("items", item_file(number)).splitlines()
            yield json.loads(lines[ordinal % LINES_PER_FILE])

    def _read(self, log: str, file: Path) -> bytes:
        path = (*self.where, log, *file)
        node = None if self._tree is None else find_node(self._store, self._tree, path)
        if node is None:
            raise BackupError(f"The catalogue of a source lacks its file {'/'.join(path)}.", hint="Verify the repository.")
        return b"".join(self._store.read_file(node))


class CatalogueAppender:
    """Adds lines behind a catalogue; full files go to storage at once, edits of the tree into the spool."""

    def __init__(self, base: Catalogue, writer: Writer, edits: EditSpool) -> None:
        self._writer = writer
        self._edits = edits
        self._where = base.where
        self.lines = base.lines
        self._base: Catalogue | None = base
        self._items: list[bytes] = []
        self._hashes = b""
        self._is_dirty = False

    def append(self, record: Record) -> None:
        if self._base is not None:
            # Not before: most runs append nothing.
            self._items, self._hashes = self._base.tail()
            self._base = None
        self._items.append(to_json(record) + b"\n")
        self._hashes += id_hash(record["id"])
        self.lines += 1
        self._is_dirty = True
        if self.lines % LINES_PER_FILE == 0:
            self._save_items(self.lines // LINES_PER_FILE - 1)
        if self.lines % HASHES_PER_FILE == 0:
            self._save_hashes(self.lines // HASHES_PER_FILE - 1)

    def remove(self, item_id: str) -> None:
        self.append({"id": item_id, "removed": True})

    def save_tail(self) -> None:
        """Write the unfinished files too, so that the tree is complete as it stands."""
        if not self._is_dirty:
            return
        if self._items:
            self._save_items(self.lines // LINES_PER_FILE, keep=True)
        if self._hashes:
            self._save_hashes(self.lines // HASHES_PER_FILE, keep=True)
        self._is_dirty = False

    def _save_items(self, number: int, *, keep: bool = False) -> None:
        self._save((*self._where, "items", *item_file(number)), b"".join(self._items))
        if not keep:
            self._items = []

    def _save_hashes(self, number: int, *, keep: bool = False) -> None:
        self._save((*self._where, "ids", *id_file(number)), self._hashes)
        if not keep:
            self._hashes = b""

    def _save(self, path: Path, content: bytes) -> None:
        self._edits.put(path, Node.file(path[-1], META_TIME, self._writer.save_file([content])))


class SeenIds:
    """A set of ids in a temporary database that leaves memory when it grows."""

    def __init__(self) -> None:
        self._database = open_temporary_database()
        self._database.execute("CREATE TABLE seen (digest BLOB PRIMARY KEY) WITHOUT ROWID")

    def __enter__(self) -> SeenIds:
        return self

    def __exit__(self, *exception: object) -> None:
        self._database.close()

    def add(self, item_id: str) -> bool:
        """Whether the id is new to the set."""
        digest = hashlib.sha256(item_id.encode("utf-8", "surrogatepass")).digest()
        return self._database.execute("INSERT OR IGNORE INTO seen VALUES (?)", (digest,)).rowcount == 1


def id_hash(item_id: str) -> bytes:
    return hashlib.sha256(item_id.encode("utf-8", "surrogatepass")).digest()[:_HASH_SIZE]


def item_file(number: int) -> Path:
    """Three levels of 32, so that the path to the newest file stays small."""
    return (f"{number // _FAN_OUT**2:04d}", f"{number // _FAN_OUT % _FAN_OUT:02d}", f"{number % _FAN_OUT:02d}.jsonl")


def id_file(number: int) -> Path:
    return (f"{number // _FAN_OUT:04d}", f"{number % _FAN_OUT:02d}")
