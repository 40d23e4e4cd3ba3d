# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where every blob lies: a private SQLite database of about 60 bytes a blob.

Up to 16 MiB of it are memory; what is more SQLite keeps in a temporary file that has no name and dies with the process. So
a small repository touches no disk, and a large one takes no more memory: four times as much would open a million blobs an
eighth sooner (C(tests/benchmark/index_scale.py)). A look-up takes 3 to 5 microseconds.

Only entries whose index file and whose pack, with the size that the index implies, are in today's listing count as
present: a writer stores anything else again. The others are kept, so that a reader can still try them and can name the
pack.
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import threading
import typing as t
import weakref

from .blobs import PackContent, PackedBlob
from .crypto import OVERHEAD
from .errors import RepositoryError
from .packs import pack_size
from .types import BlobId, BlobKind, IndexId, PackId

KIND_NUMBERS = {BlobKind.DATA: 0, BlobKind.TREE: 1}
KINDS = {number: kind for kind, number in KIND_NUMBERS.items()}

_MEMORY_KIBIBYTES = 16 << 10
_ROWS_AT_ONCE = 4_096
_NAMES_AT_ONCE = 500
_SETTINGS = (
    "PRAGMA journal_mode = OFF",
    "PRAGMA synchronous = OFF",
    f"PRAGMA cache_size = -{_MEMORY_KIBIBYTES}",
)
# C(plain) is the plain length + 1, and 0 for a blob that is not compressed. C(used) is for L(UsedBlobs), and else 0.
_FILES = "CREATE TABLE files (number INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE)"
_PACKS = "CREATE TABLE packs (number INTEGER PRIMARY KEY, file INTEGER, id BLOB, size INTEGER, blobs INTEGER, present INTEGER)"
_BLOBS = """
    CREATE TABLE blobs (
        id BLOB, kind INTEGER, pack INTEGER, offset INTEGER, length INTEGER, plain INTEGER, used INTEGER,
        PRIMARY KEY (id, kind, pack, offset, length, plain)
    ) WITHOUT ROWID
"""
_STORED = "CREATE TEMP TABLE stored (id BLOB PRIMARY KEY, size INTEGER) WITHOUT ROWID"
_JUDGE = "UPDATE packs SET present = EXISTS (SELECT 1 FROM stored s WHERE s.id = packs.id AND s.size = packs.size)"
_HAS = "SELECT 1 FROM blobs b JOIN packs p ON p.number = b.pack WHERE b.id = ? AND b.kind = ? AND p.present LIMIT 1"
_PLACES = (
    "SELECT p.id, b.offset, b.length, b.plain FROM blobs b JOIN packs p ON p.number = b.pack"
    " WHERE b.id = ? AND b.kind = ? ORDER BY p.present DESC, p.number, b.offset"
)
_SIZES = "SELECT id, length, plain FROM blobs WHERE kind = ? AND id IN ({})"
_BY_PACK = (
    "SELECT p.id, b.kind, b.id, b.offset, b.length, b.plain FROM blobs b JOIN packs p ON p.number = b.pack"
    " ORDER BY p.id, b.offset, b.length, b.kind, b.id, b.plain"
)


class BlobPlace(t.NamedTuple):
    pack: PackId
    blob: PackedBlob


class IndexEntry(t.NamedTuple):
    """One pack as one index file names it, with so many blobs."""

    file: IndexId
    pack: PackId
    blobs: int


class IndexUnusable(RepositoryError):
    """The database of a blob index failed: a disk that is full or broken. The answer must come from the index files again."""


class BlobIndex:
    """Thread-safe. Every method raises IndexUnusable when the database fails; the object is of no use from then on."""

    def __init__(self, *, may_use_disk: bool = True) -> None:
        self._mutex = threading.RLock()
        self._is_broken = False
        with _explained():
            self.database = sqlite3.connect("" if may_use_disk else ":memory:", isolation_level=None, check_same_thread=False)
            weakref.finalize(self, self.database.close)
            for statement in (*_SETTINGS, _FILES, _PACKS, _BLOBS, _STORED):
                self.database.execute(statement)

    def has(self, kind: BlobKind, blob: BlobId) -> bool:
        return bool(self._query(_HAS, (bytes.fromhex(blob), KIND_NUMBERS[kind])))

    def find(self, kind: BlobKind, blob: BlobId) -> BlobPlace | None:
        """The best place known, which may be in a pack that is missing or has another size."""
        return next(iter(self.places(kind, blob)), None)

    def places(self, kind: BlobKind, blob: BlobId) -> tuple[BlobPlace, ...]:
        """All places known, each once, those in packs that are present first."""
        rows = self._query(_PLACES, (bytes.fromhex(blob), KIND_NUMBERS[kind]))
        return tuple(
            BlobPlace(PackId(pack.hex()), PackedBlob(kind, blob, offset, length, plain - 1 if plain else None))
            for pack, offset, length, plain in dict.fromkeys(rows)
        )

    def plain_sizes(self, kind: BlobKind, blobs: t.Collection[BlobId]) -> dict[BlobId, int]:
        """The plain size of each of these blobs that is known."""
        sizes: dict[BlobId, int] = {}
        names = iter(blobs)
        while batch := tuple(itertools.islice(names, _NAMES_AT_ONCE)):
            query = _SIZES.format(",".join("?" * len(batch)))
            rows = self._query(query, (KIND_NUMBERS[kind], *map(bytes.fromhex, batch)))
            sizes.update((BlobId(blob.hex()), plain - 1 if plain else length - OVERHEAD) for blob, length, plain in rows)
        return sizes

    def packs(self) -> t.Iterator[PackContent]:
        """Every pack that an index file names, by id, with what all index files together place in it."""
        empty = [pack.hex() for (pack,) in self._query("SELECT id FROM packs GROUP BY id HAVING SUM(blobs) = 0 ORDER BY id DESC")]
        for pack, rows in itertools.groupby(self.stream(_BY_PACK), key=lambda row: row[0]):
            while empty and empty[-1] < pack.hex():
                yield PackContent(PackId(empty.pop()), ())
            yield PackContent(PackId(pack.hex()), tuple(blob_of(row[1:]) for row in dict.fromkeys(rows)))
        for pack_without_blobs in reversed(empty):
            yield PackContent(PackId(pack_without_blobs), ())

    def copies(self) -> t.Iterator[tuple[BlobPlace, ...]]:
        """The places of every blob that has more than one."""
        for blob, kind in self.stream("SELECT id, kind FROM blobs GROUP BY id, kind HAVING COUNT(*) > 1"):
            places = self.places(KINDS[kind], BlobId(blob.hex()))
            if len(places) > 1:
                yield places

    def entries(self) -> t.Iterator[IndexEntry]:
        """What each index file names, by index file and pack."""
        statement = "SELECT f.name, p.id, p.blobs FROM packs p JOIN files f ON f.number = p.file ORDER BY f.name, p.id"
        for index, pack, blobs in self.stream(statement):
            yield IndexEntry(IndexId(index.hex()), PackId(pack.hex()), blobs)

    def __len__(self) -> int:
        """How many blobs are present, copies counted."""
        return int(self._query("SELECT TOTAL(blobs) FROM packs WHERE present")[0][0])

    def blob_counts(self) -> dict[IndexId, int]:
        """How many blobs each index file names."""
        rows = self._query("SELECT f.name, TOTAL(p.blobs) FROM files f LEFT JOIN packs p ON p.file = f.number GROUP BY f.number")
        return {IndexId(name.hex()): int(blobs) for name, blobs in rows}

    def index_files(self) -> set[IndexId]:
        """The index files whose content is in here."""
        return {IndexId(name.hex()) for (name,) in self._query("SELECT name FROM files")}

    def take_listing(self, index_files: t.Collection[IndexId], packs: t.Mapping[PackId, int]) -> None:
        """Forget what vanished index files said, and find out anew which packs are present: those of the right size."""
        vanished = [(bytes.fromhex(name),) for name in self.index_files().difference(index_files)]
        with self.changing():
            if vanished:
                self.database.execute("CREATE TEMP TABLE going AS SELECT number FROM packs WHERE FALSE")
                find = "INSERT INTO going SELECT p.number FROM packs p JOIN files f ON f.number = p.file WHERE f.name = ?"
                self.database.executemany(find, vanished)
                self.database.execute("DELETE FROM blobs WHERE pack IN (SELECT number FROM going)")
                self.database.execute("DELETE FROM packs WHERE number IN (SELECT number FROM going)")
                self.database.executemany("DELETE FROM files WHERE name = ?", vanished)
                self.database.execute("DROP TABLE going")
            self.database.execute("DELETE FROM stored")
            self.database.executemany("INSERT INTO stored VALUES (?, ?)", ((bytes.fromhex(pack), size) for pack, size in packs.items()))
            self.database.execute(_JUDGE)

    def add_file(self, index_file: IndexId, packs: t.Sequence[PackContent], *, are_stored: bool = False) -> None:
        """Take in an index file that is in the listing. Its packs are looked up there too, unless we know that they are stored."""
        name = bytes.fromhex(index_file)
        with self.changing():
            if self.database.execute("SELECT 1 FROM files WHERE name = ?", (name,)).fetchone() is not None:
                return
            file = self.database.execute("INSERT INTO files (name) VALUES (?)", (name,)).lastrowid
            rows = []
            for pack in packs:
                found = self.database.execute("SELECT size FROM stored WHERE id = ?", (bytes.fromhex(pack.id),)).fetchone()
                size = pack_size(pack.blobs)
                number = self.database.execute(
                    "INSERT INTO packs (file, id, size, blobs, present) VALUES (?, ?, ?, ?, ?)",
                    (file, bytes.fromhex(pack.id), size, len(pack.blobs), are_stored or found == (size,)),
                ).lastrowid
                rows += [
                    (
                        bytes.fromhex(blob.id),
                        KIND_NUMBERS[blob.kind],
                        number,
                        blob.offset,
                        blob.length,
                        0 if blob.plain_length is None else blob.plain_length + 1,
                    )
                    for blob in pack.blobs
                ]
            rows.sort()
            self.database.executemany("INSERT OR IGNORE INTO blobs VALUES (?, ?, ?, ?, ?, ?, 0)", rows)

    def copy_from(self, database: sqlite3.Connection) -> None:
        """Become what a database of the same tables holds."""
        with self._mutex, _explained():
            database.backup(self.database)

    def copy_to(self, database: sqlite3.Connection) -> None:
        with self._mutex:
            self.database.backup(database)

    def stream(self, statement: str, parameters: t.Sequence[object] = ()) -> t.Iterator[t.Any]:
        """The rows of a query, a few thousand in memory at a time."""
        with self._mutex, self._asking():
            cursor = self.database.execute(statement, parameters)
        while True:
            with self._mutex, self._asking():
                rows = cursor.fetchmany(_ROWS_AT_ONCE)
            if not rows:
                return
            yield from rows

    def _query(self, statement: str, parameters: t.Sequence[object] = ()) -> list[t.Any]:
        try:
            with self._mutex:
                if self._is_broken:
                    raise _unusable()
                return self.database.execute(statement, parameters).fetchall()
        except sqlite3.Error as error:
            raise _unusable() from error

    @contextlib.contextmanager
    def _asking(self) -> t.Iterator[None]:
        if self._is_broken:
            raise _unusable()
        with _explained():
            yield

    def change(self, statement: str, parameters: t.Sequence[object] = ()) -> int:
        """How many rows a statement has changed."""
        with self._mutex, self._asking():
            return self.database.execute(statement, parameters).rowcount

    @contextlib.contextmanager
    def changing(self) -> t.Iterator[None]:
        """Around what changes C(database). There is no journal, so a change that was interrupted spoils it."""
        with self._mutex, self._asking():
            try:
                self.database.execute("BEGIN")
                yield
                self.database.execute("COMMIT")
            except BaseException:
                self._is_broken = True
                raise


def blob_of(row: t.Sequence[t.Any]) -> PackedBlob:
    """A blob from its kind, id, offset, length and C(plain), as the tables hold them."""
    kind, blob, offset, length, plain = row
    return PackedBlob(KINDS[kind], BlobId(blob.hex()), offset, length, plain - 1 if plain else None)


@contextlib.contextmanager
def _explained() -> t.Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _unusable() from error


def _unusable() -> IndexUnusable:
    return IndexUnusable(
        "The temporary database of the repository's index failed.",
        hint="Check the free space and the health of the disk that holds /var/tmp, or set SQLITE_TMPDIR to another folder.",
    )
