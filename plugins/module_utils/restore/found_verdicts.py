# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the malware scan has said of items that a search has found.

A record knows what was said when its item was backed up, unless that was good. For the rest the contents have to be found
by the directories, each of which is read once in a row, and their verdicts looked up, many at once. Where no verdict is
stored at all, nothing is read.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import itertools
import typing as t

from .._errors import BackupError
from ..backup.catalogue import Record
from ..backup.content_key import ContentKey
from ..backup.item_state import Folder
from ..backup.item_verdicts import NOT_SCANNED, ItemVerdict, ScanState, key_of, verdict_of_contents
from ..backup.layout import ONEDRIVE
from ..backup.recent_trees import RecentTrees
from ..backup.temporary_databases import temporary_databases
from ..repository.errors import RepositoryDamaged
from ..repository.trees import find_node
from ..repository.types import Node, TreeId
from .drive_files import VERSION, Facts, drive_files
from .salvage import state_or_directories

if t.TYPE_CHECKING:
    from ..backup.verdict_store import VerdictStore
    from ..repository.repository import Repository
    from ..scan.verdict import Verdict

_AT_ONCE = 1_000


class FoundVerdict(t.NamedTuple):
    """C(verdict) is of the item, of a file of its newest content; so many earlier versions of it are infected."""

    verdict: ItemVerdict
    infected_versions: int = 0

    def matches(self, wanted: ScanState) -> bool:
        """A file with an infected version is worth finding, too."""
        return self.verdict.state is wanted or (wanted is ScanState.INFECTED and self.infected_versions > 0)


NOTHING_SAID = FoundVerdict(NOT_SCANNED)


class _Contents(t.NamedTuple):
    """An item with its own content and what is scanned with it, and earlier versions of a file; no node of what is not found."""

    record: Record
    nodes: tuple[Node, ...]
    versions: tuple[tuple[t.Mapping[str, t.Any], tuple[Node, ...]], ...] = ()

    @property
    def keys(self) -> t.Iterator[ContentKey]:
        return map(key_of, (*self.nodes, *(node for _facts, nodes in self.versions for node in nodes)))


class FoundVerdicts:
    """For one thread."""

    def __init__(self, repository: Repository, store: VerdictStore) -> None:
        self._repository = repository
        self._store = store

    def of_records(self, source: str, tree: TreeId, records: t.Iterable[Record]) -> t.Iterator[tuple[Record, FoundVerdict]]:
        """Of items of which the tree of a source has these records, in any order. Raises StorageError."""
        if self._store.is_empty:
            found: t.Iterator[_Contents] = map(_not_found, records)
        elif source == ONEDRIVE:
            found = self._files(tree, records)
        else:
            found = self._items(source, tree, records)
        while batch := list(itertools.islice(found, _AT_ONCE)):
            known = _Known(self._store.find_each({key for each in batch for key in each.keys}))
            yield from ((each.record, _judged(each, known)) for each in batch)

    def of_item(self, source: str, record: Record, node: Node, parts: t.Iterable[tuple[t.Mapping[str, t.Any], Node]]) -> FoundVerdict:
        """Of an item whose contents are found already: its own, and those that belong to it, each with what is known of it."""
        contents = _contents_of(source, record, node, parts)
        return _judged(contents, _Known(self._store.find_each(set(contents.keys))))

    def _items(self, source: str, tree: TreeId, records: t.Iterable[Record]) -> t.Iterator[_Contents]:
        folders = self._folders(source, tree)
        trees = RecentTrees(self._repository)
        for record in records:
            folder = folders.get(record["folder"])

            def node_at(file: str, folder: Folder | None = folder) -> Node | None:
                return None if folder is None else find_node(trees, tree, (*folder.path, *file.split("/")))

            try:
                nodes = [node_at(record["file"]), *(node_at(facts["file"]) for facts in record.get("parts", ()))]
            except RepositoryDamaged:
                nodes = [None]
            # Of what is not all there nobody can say that it is clean.
            yield _not_found(record) if None in nodes else _Contents(record, tuple(node for node in nodes if node is not None))

    def _files(self, tree: TreeId, records: t.Iterable[Record]) -> t.Iterator[_Contents]:
        folders, lost = self._folders(ONEDRIVE, tree), list[Record]()

        def on_problem(record: Record, _folder: Folder, part: Facts, _error: BackupError) -> None:
            if not part:
                lost.append(record)

        def placed() -> t.Iterator[Record]:
            for record in records:
                if record["folder"] in folders:
                    yield record
                else:
                    lost.append(record)

        with temporary_databases():
            for file in drive_files(self._repository, tree, folders, placed(), on_problem):
                yield _contents_of(ONEDRIVE, file.record, file.node, file.parts)
                yield from (_not_found(lost.pop()) for _number in range(len(lost)))
        yield from map(_not_found, lost)

    def _folders(self, source: str, tree: TreeId) -> dict[int, Folder]:
        # Numbered as the search has found them; of damage it has told.
        state = state_or_directories(self._repository, source, tree, lambda _damage: None)
        return {folder.number: folder for folder in state.folders.values()}


class _Known(t.NamedTuple):
    """Verdicts that were looked up."""

    verdicts: t.Mapping[ContentKey, t.Sequence[Verdict]]

    def find_each(self, keys: t.Collection[ContentKey]) -> dict[ContentKey, t.Sequence[Verdict]]:
        return {key: self.verdicts[key] for key in keys if key in self.verdicts}


def _contents_of(source: str, record: Record, node: Node, parts: t.Iterable[tuple[t.Mapping[str, t.Any], Node]]) -> _Contents:
    if source == ONEDRIVE:
        return _Contents(record, (node,), tuple((facts, (each,)) for facts, each in parts if facts.get("kind") == VERSION))
    return _Contents(record, (node, *(each for _facts, each in parts)))


def _not_found(record: Record) -> _Contents:
    """Of which only the record can tell."""
    return _Contents(record, (), tuple((facts, ()) for facts in record.get("versions", ())))


def _judged(contents: _Contents, known: _Known) -> FoundVerdict:
    versions = (verdict_of_contents(facts.get("scan"), nodes, known) for facts, nodes in contents.versions)
    return FoundVerdict(
        verdict_of_contents(contents.record.get("scan"), contents.nodes, known), sum(version.is_infected for version in versions)
    )
