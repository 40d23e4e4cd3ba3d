# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find items in the snapshots of a plan by what the catalogues know of them. No content is read.

A source that has not changed from one snapshot to the next is looked at once, and the catalogues of one that has changed
are read in one pass (see catalogue_history).

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from datetime import datetime

from .._errors import BackupError, InputError
from ..backup.catalogue import Record
from ..backup.item_filter import ItemFilter
from ..backup.item_state import ItemState, load_facts, load_state
from ..backup.item_verdicts import ScanState
from ..backup.layout import ONEDRIVE
from ..backup.listed_snapshots import ListedSnapshots
from ..backup.members import MemberState, group_of
from ..backup.recent_trees import RecentTrees
from ..backup.results import Finding, finding_of
from ..backup.source_words import SOURCES, source_words
from ..backup.temporary_databases import temporary_databases
from ..repository.errors import RepositoryDamaged
from ..repository.trees import find_node
from ..repository.types import Snapshot, TreeId
from .catalogue_history import histories
from .choice import Choice, chosen_items, is_below, true_path
from .folder_history import FolderHistory, FolderLists, FolderNames
from .found_items import FoundItem, FoundItems, SearchedSource, Totals
from .found_verdicts import FoundVerdicts
from .infected_items import stored_verdicts
from .salvage import members_or_directories, state_or_directories
from .snapshot_choice import choose_snapshots
from .verdict_sieve import Sieve, Span, with_verdicts

if t.TYPE_CHECKING:
    from ..repository.repository import Repository

_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to look for. C(members) and C(sources) are empty for all; C(snapshots) as C(choose_snapshots) takes them. C(verdict) is
    what the malware scan says of an item."""

    plan_name: str
    snapshots: tuple[str, ...]
    snapshots_after: datetime | None
    snapshots_before: datetime | None
    members: tuple[str, ...]
    sources: tuple[str, ...]
    folder: str | None
    item_filter: ItemFilter
    verdict: ScanState | None
    limit: int


@dataclass(slots=True, kw_only=True)
class Search:
    """What was found. C(items) are the first of C(count); C(names) has the principal names of members by their ids."""

    snapshots: list[Snapshot]
    names: dict[str, str] = field(default_factory=dict)
    items: list[FoundItem] = field(default_factory=list)
    totals: dict[tuple[str, str], Totals] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return sum(totals.items for totals in self.totals.values())


def search(repository: Repository, wish: Wish) -> Search:
    """Raises InputError for snapshots and members that are not there, BackupError, StorageError. Damage becomes findings."""
    warnings: list[str] = []
    listed = ListedSnapshots(repository)
    snapshots = choose_snapshots(listed, wish.plan_name, wish.snapshots, wish.snapshots_after, wish.snapshots_before, warnings.append)
    result = Search(snapshots=snapshots, warnings=warnings)
    with stored_verdicts(repository, listed, warnings.append) as store, temporary_databases(), FoundItems() as found:
        verdicts = FoundVerdicts(repository, store)
        sources = _sources(repository, wish, result)
        for source in sources:
            with Sieve(verdicts, wish.verdict, source, found) as sieve:
                _look_into(repository, wish, source, result, sieve)
        result.totals = found.totals()
        result.items = with_verdicts(verdicts, found.newest(wish.limit), sources)
    return result


def _sources(repository: Repository, wish: Wish, result: Search) -> list[SearchedSource]:
    """Every source that is wanted, with its trees in the snapshots. The newest name of a member counts."""
    wanted = {name.casefold() for name in wish.members}
    sources: dict[tuple[str, str], SearchedSource] = {}
    all_names: dict[str, set[str]] = {}
    trees = RecentTrees(repository)
    for place, snapshot in enumerate(result.snapshots):
        for member, group in _members(repository, snapshot, result):
            result.names[member.id] = member.principal_name
            all_names.setdefault(member.id, set()).update((member.id.casefold(), member.principal_name.casefold()))
            for name in wish.sources or SOURCES:
                tree = _tree_of(trees, group, member, name, result)
                if tree is not None:
                    source = sources.setdefault((member.id, name), SearchedSource(member, name))
                    source.member = member
                    source.trees.setdefault(tree, []).append(place)
    unknown = sorted(name for name in wish.members if not any(name.casefold() in names for names in all_names.values()))
    if unknown:
        known = ", ".join(sorted(result.names.values())) or "nobody"
        raise InputError(f"No snapshot that was looked at has a member {', '.join(unknown)}.", hint=f"Their members are: {known}.")
    return [source for source in sources.values() if not wanted or all_names[source.member.id] & wanted]


def _members(repository: Repository, snapshot: Snapshot, result: Search) -> t.Iterator[tuple[MemberState, TreeId]]:
    try:
        group = group_of(repository, snapshot)
    except RepositoryDamaged as damage:
        result.findings.append(finding_of(damage, f"snapshot {snapshot.id[:8]}"))
        return
    if group is None or group.subtree is None:
        return

    def report(damage: RepositoryDamaged) -> None:
        result.findings.append(finding_of(damage, f"list of members of the snapshot {snapshot.id[:8]}"))

    for member in members_or_directories(repository, group.subtree, report).values():
        yield member, group.subtree


def _tree_of(trees: RecentTrees, group: TreeId, member: MemberState, source: str, result: Search) -> TreeId | None:
    try:
        node = find_node(trees, group, (member.directory, source)) if member.directory else None
    except RepositoryDamaged as damage:
        result.findings.append(finding_of(damage, f"directory of {member.principal_name}"))
        return None
    return None if node is None else node.subtree


def _look_into(repository: Repository, wish: Wish, source: SearchedSource, result: Search, sieve: Sieve) -> None:
    what = f"the {source_words(source.source)} of {source.member.principal_name}"
    states: list[ItemState] = []
    for tree in source.trees:
        try:
            states.append(_state(repository, source.source, tree))
        except RepositoryDamaged:
            _look_at_directories(repository, wish, source, tree, result, sieve)
    try:
        chains = histories(repository, states)
    except RepositoryDamaged:
        chains = [history for state in states for history in histories(repository, [state])]
    for history in chains:
        trees = [state.tree for state in history.states if state.tree is not None]
        folders = FolderHistory(repository, trees) if source.source == ONEDRIVE else FolderLists(history.states)
        matches = _Matches(wish, [source.trees[tree] for tree in trees], folders)
        try:
            for record, first, end in history.versions():
                if wish.item_filter.matches(record) and (places := matches.places(record, first, end)):
                    sieve.add(trees[end - 1], record, places)
            lost = sorted(folders.unreadable)
        except BackupError as error:
            result.findings.append(finding_of(error, f"catalogue of {what}"))
            lost = list(range(len(trees)))
        for place in lost:
            _look_at_directories(repository, wish, source, trees[place], result, sieve)


def _state(repository: Repository, source: str, tree: TreeId) -> ItemState:
    """The state of a source; without the folders of a drive, which may be many."""
    if source == ONEDRIVE:
        return ItemState(tree, load_facts(repository, tree), {}, {})
    return load_state(repository, tree)


class _Matches:
    """In which snapshots a version of an item is in a wanted folder. Remembered, since most items share the answer.

    C(snapshots) are the places of the snapshots that have each of the trees.
    """

    def __init__(self, wish: Wish, snapshots: t.Sequence[t.Sequence[int]], folders: FolderNames) -> None:
        self._wanted = wish.folder or ""
        self._snapshots = snapshots
        self._folders = folders
        self._known: dict[tuple[int, int, int], list[tuple[tuple[str, ...], list[Span]]]] = {}

    def places(self, record: Record, first: int, end: int) -> list[tuple[tuple[str, ...], list[Span]]]:
        """The folder with the snapshots in which the item is there; several where the folder was renamed meanwhile."""
        key = (record["folder"], first, end)
        if key not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            by_name: dict[tuple[str, ...], list[int]] = {}
            for names, start, stop in self._folders.of(record["folder"], first, end):
                if is_below(names, self._wanted):
                    readable = (number for number in range(start, stop) if number not in self._folders.unreadable)
                    by_name.setdefault(names, []).extend(place for number in readable for place in self._snapshots[number])
            self._known[key] = [(names, _spans(places)) for names, places in by_name.items()]
        return self._known[key]


def _spans(places: t.Iterable[int]) -> list[Span]:
    spans: list[Span] = []
    for place in sorted(set(places)):
        if spans and spans[-1][1] == place - 1:
            spans[-1] = (spans[-1][0], place)
        else:
            spans.append((place, place))
    return spans


def _look_at_directories(repository: Repository, wish: Wish, source: SearchedSource, tree: TreeId, result: Search, sieve: Sieve) -> None:
    """The long way, for a source whose records cannot be read: what its directories and contents tell."""
    places = source.trees[tree]
    damage: list[RepositoryDamaged] = []
    state = state_or_directories(repository, source.source, tree, damage.append)
    folders = {folder.number: folder for folder in state.folders.values() if is_below(true_path(folder, state.folders), wish.folder or "")}
    choice = Choice(result.snapshots[places[-1]], source.member, source.source, state, folders, tuple(damage))
    for item in chosen_items(repository, choice, wish.item_filter, result.findings):
        sieve.add_chosen(item, _spans(places))
