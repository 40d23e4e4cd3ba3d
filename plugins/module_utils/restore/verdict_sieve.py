# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Of the items that a search has found those of which the malware scan says what is looked for.

Verdicts are looked up when all items of a source are known, tree by tree, so that directories are read in a row.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ..backup.catalogue import Record
from ..backup.small_files import to_json
from ..backup.temporary_databases import open_temporary_database
from .choice import ChosenItem
from .found_items import FoundItem, FoundItems, SearchedSource

if t.TYPE_CHECKING:
    from ..backup.item_verdicts import ScanState
    from ..repository.types import TreeId
    from .found_verdicts import FoundVerdicts

Span = tuple[int, int]
#: A folder, and the snapshots in which an item is there.
Place = tuple[tuple[str, ...], list[Span]]


class Sieve:
    """Takes the items of one source, and hands them to C(found): all at once if no verdict is C(wanted), else when it is left."""

    def __init__(self, verdicts: FoundVerdicts, wanted: ScanState | None, source: SearchedSource, found: FoundItems) -> None:
        self._verdicts = verdicts
        self._wanted = wanted
        self._source = source
        self._found = found
        self._database = open_temporary_database()
        self._database.execute("CREATE TABLE items (tree TEXT, id TEXT, record BLOB, places BLOB, PRIMARY KEY (tree, id)) WITHOUT ROWID")

    def __enter__(self) -> Sieve:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            if kind is None:
                self._let_pass()
        finally:
            self._database.close()

    def add(self, tree: TreeId, record: Record, places: t.Iterable[Place]) -> None:
        """An item that is in the folders and snapshots of C(places); C(tree) is the newest of the source that has this record."""
        if self._wanted is None:
            self._take(record, places)
            return
        self._database.execute(
            "INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?)", (tree, _key(record), to_json(record), to_json(list(places)))
        )

    def add_chosen(self, item: ChosenItem, spans: t.Iterable[Span]) -> None:
        """An item that was found with its contents."""
        if self._wanted is not None:
            parts = ((part.facts, part.node) for part in item.parts)
            if not self._verdicts.of_item(item.source, item.record, item.node, parts).matches(self._wanted):
                return
        self._take(item.record, [(item.folder, list(spans))])

    def _let_pass(self) -> None:
        for (tree,) in self._database.execute("SELECT DISTINCT tree FROM items").fetchall():
            rows = self._database.execute("SELECT record FROM items WHERE tree = ?", (tree,))
            for record, verdict in self._verdicts.of_records(self._source.source, tree, (_unpacked(packed) for (packed,) in rows)):
                if self._wanted is not None and verdict.matches(self._wanted):
                    row = self._database.execute("SELECT places FROM items WHERE tree = ? AND id = ?", (tree, _key(record))).fetchone()
                    self._take(record, ((tuple(folder), list(spans)) for folder, spans in _unpacked(row[0])))

    def _take(self, record: Record, places: t.Iterable[Place]) -> None:
        for folder, spans in places:
            self._found.add(self._source.member.id, self._source.source, folder, record, spans)


def with_verdicts(verdicts: FoundVerdicts, items: t.Sequence[FoundItem], sources: t.Iterable[SearchedSource]) -> list[FoundItem]:
    """The same items in their order, each with what the scan says of it as it is in the newest snapshot that has it."""
    by_key = {(source.member.id, source.source): source for source in sources}
    by_tree: dict[tuple[str, TreeId], dict[str, int]] = {}
    for number, item in enumerate(items):
        tree = by_key[item.member, item.source].tree_of(item.snapshots[-1])
        by_tree.setdefault((item.source, tree), {})[_key(item.record)] = number
    judged = list(items)
    for (source, tree), numbers in by_tree.items():
        for record, verdict in verdicts.of_records(source, tree, (items[number].record for number in numbers.values())):
            number = numbers[_key(record)]
            judged[number] = dataclasses.replace(items[number], scan=verdict)
    return judged


def _key(record: Record) -> str:
    """The id, as a database takes it."""
    return str(record["id"]).encode("utf-8", "replace").decode("utf-8")


def _unpacked(packed: bytes) -> t.Any:
    return json.loads(packed.decode("utf-8", "surrogatepass"))
