# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Marks in an index what snapshots need, and says of every pack what of it that is. Memory grows with the packs, not with the blobs."""

from __future__ import annotations

import typing as t

from .blob_index import KIND_NUMBERS, KINDS, BlobIndex, BlobPlace, blob_of
from .blobs import PackedBlob
from .packs import COMPRESSED_ENTRY_SIZE, PLAIN_ENTRY_SIZE, pack_size
from .prune_plan import MissingBlobs, PackFacts
from .types import BlobId, BlobKind, PackId

# The column C(used) is 1 for the copy of a needed blob that stays, and 2 for one that may go because of it.
_EXAMPLES = 5
_FIND_TWINS = """
    CREATE TEMP TABLE twins AS
    SELECT p.number AS number, (SELECT MIN(number) FROM packs WHERE id = p.id) AS first
    FROM packs p WHERE p.id IN (SELECT id FROM packs GROUP BY id HAVING COUNT(*) > 1)
"""
_MERGE_TWINS = (
    _FIND_TWINS,
    "DELETE FROM twins WHERE number = first",
    "UPDATE OR IGNORE blobs SET pack = (SELECT first FROM twins WHERE number = pack) WHERE pack IN (SELECT number FROM twins)",
    "DELETE FROM blobs WHERE pack IN (SELECT number FROM twins)",
    "CREATE TEMP TABLE missing (id BLOB, kind INTEGER, PRIMARY KEY (id, kind)) WITHOUT ROWID",
)
_MARK = "UPDATE blobs SET used = 1 WHERE id = ? AND kind = ? AND NOT used"
_SUMMARY = """
    SELECT
        p.number, p.id, s.size,
        TOTAL(b.length), COUNT(b.length), COUNT(CASE WHEN b.plain = 0 THEN 1 END), MIN(b.kind), MAX(b.kind),
        COUNT(CASE WHEN b.used = 1 THEN 1 END), TOTAL(CASE WHEN b.used = 1 THEN b.length END)
    FROM packs p LEFT JOIN blobs b INDEXED BY by_pack ON b.pack = p.number LEFT JOIN stored s ON s.id = p.id
    WHERE p.number NOT IN (SELECT number FROM twins) GROUP BY p.number
"""
_FIND_COPIES = "CREATE TEMP TABLE shared AS SELECT id, kind FROM blobs WHERE used = 1 GROUP BY id, kind HAVING COUNT(*) > 1"
_SPARE_THE_REST = "UPDATE blobs SET used = 2 WHERE id = ? AND kind = ? AND (pack, offset, length, plain) <> (?, ?, ?, ?)"
_CONTENT = "SELECT kind, id, offset, length, plain FROM blobs INDEXED BY by_pack WHERE pack = ? ORDER BY offset"
_KEPT = "SELECT kind, id, offset, length, plain FROM blobs INDEXED BY by_pack WHERE pack = ? AND used = 1 ORDER BY offset"
_VOUCHERS = """
    SELECT p.id, k.kind, k.id, k.offset, k.length, k.plain FROM blobs k JOIN packs p ON p.number = k.pack
    WHERE k.used = 1 AND k.pack NOT IN (SELECT number FROM going) AND (k.id, k.kind) IN
        (SELECT c.id, c.kind FROM going g JOIN blobs c INDEXED BY by_pack ON c.pack = g.number WHERE c.used = 2)
    ORDER BY p.id, k.offset
"""


class UsedBlobs:
    """Belongs to an index that nobody else has. First L(add) what is needed, then L(settle), then ask."""

    def __init__(self, index: BlobIndex) -> None:
        self._index = index
        with index.changing():
            for statement in _MERGE_TWINS:
                index.database.execute(statement)
        index.change("BEGIN")

    def add(self, kind: BlobKind, blob: str) -> bool:
        """Note that snapshots need a blob; whether that is news."""
        key = (bytes.fromhex(blob), KIND_NUMBERS[kind])
        if self._index.change(_MARK, key):
            return True
        is_known = bool(self._index.places(kind, BlobId(blob)))
        return not is_known and self._index.change("INSERT OR IGNORE INTO missing VALUES (?, ?)", key) > 0

    def settle(self) -> tuple[PackFacts, ...]:
        """Choose the copy that stays of each blob that is needed: in the healthy pack with most of use. All packs, by id."""
        self._index.change("COMMIT")
        with self._index.changing():
            self._index.database.execute("CREATE INDEX by_pack ON blobs (pack, offset, length, plain, used)")
        packs = self._summarise()
        if self._settle_copies(packs):
            packs = self._summarise()
        return tuple(sorted(packs, key=lambda pack: pack.id))

    def missing(self) -> MissingBlobs:
        """What is needed and in no index."""
        ((count,),) = self._index.stream("SELECT COUNT(*) FROM missing")
        first = self._index.stream("SELECT kind, id FROM missing ORDER BY kind DESC, id LIMIT ?", (_EXAMPLES,))
        return MissingBlobs(count, tuple((KINDS[kind], BlobId(blob.hex())) for kind, blob in first))

    def unindexed(self) -> dict[PackId, int]:
        """Packs in the listing that no index file names, with their sizes."""
        rows = self._index.stream("SELECT id, size FROM stored WHERE id NOT IN (SELECT id FROM packs)")
        return {PackId(pack.hex()): size for pack, size in rows}

    def kept(self, pack: PackFacts) -> tuple[PackedBlob, ...]:
        """The blobs of a pack that are needed and have no better copy elsewhere, by offset."""
        return tuple(blob_of(row) for row in self._index.stream(_KEPT, (pack.number,)))

    def content(self, pack: PackFacts) -> tuple[PackedBlob, ...]:
        """All blobs of a pack, by offset."""
        return tuple(blob_of(row) for row in self._index.stream(_CONTENT, (pack.number,)))

    def vouchers(self, going: t.Iterable[PackFacts]) -> t.Iterator[BlobPlace]:
        """The copies that stay, outside the packs that go, of blobs that have another copy in one of them; by pack and offset."""
        with self._index.changing():
            self._index.database.execute("DROP TABLE IF EXISTS going")
            self._index.database.execute("CREATE TEMP TABLE going (number INTEGER PRIMARY KEY)")
            self._index.database.executemany("INSERT INTO going VALUES (?)", ((pack.number,) for pack in going))
        for pack, *row in self._index.stream(_VOUCHERS):
            yield BlobPlace(PackId(pack.hex()), blob_of(row))

    def _summarise(self) -> list[PackFacts]:
        return [
            PackFacts(
                number=number,
                id=PackId(pack.hex()),
                stored_size=stored,
                implied_size=pack_size(()) + int(length) + plain * PLAIN_ENTRY_SIZE + (blobs - plain) * COMPRESSED_ENTRY_SIZE,
                kinds=frozenset() if first is None else frozenset((KINDS[first], KINDS[last])),
                blobs=blobs,
                length=int(length),
                kept_blobs=kept,
                kept_length=int(kept_length),
            )
            for number, pack, stored, length, blobs, plain, first, last, kept, kept_length in self._index.stream(_SUMMARY)
        ]

    def _settle_copies(self, packs: t.Iterable[PackFacts]) -> bool:
        """Whether there are any."""
        by_use = sorted(packs, key=lambda pack: (not pack.is_healthy, pack.stored_size is None, -pack.kept_length, pack.id))
        rank = {pack.number: number for number, pack in enumerate(by_use)}
        with self._index.changing():
            self._index.database.execute(_FIND_COPIES)
        are_there = False
        for key in self._index.stream("SELECT id, kind FROM shared"):
            are_there = True
            with self._index.changing():
                execute = self._index.database.execute
                places = execute("SELECT pack, offset, length, plain FROM blobs WHERE id = ? AND kind = ?", key).fetchall()
                best = min(places, key=lambda place: (rank[place[0]], place))
                execute(_SPARE_THE_REST, (*key, *best))
        return are_there
