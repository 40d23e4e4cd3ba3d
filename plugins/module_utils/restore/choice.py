# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choose what to restore: a member of a snapshot, one of its sources, and the items of some folders.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._errors import BackupError, InputError
from ..backup.catalogue import Catalogue, Record, SeenIds
from ..backup.item_filter import ItemFilter
from ..backup.item_state import Folder, ItemState
from ..backup.members import MemberState, SourceStatus, group_of, source_tree
from ..backup.recent_trees import RecentTrees
from ..backup.results import Finding, finding_of
from ..backup.source_words import item_word, source_words
from ..backup.temporary_databases import temporary_databases
from ..repository.errors import RepositoryDamaged
from ..repository.trees import find_node
from ..repository.types import Node, Snapshot
from .salvage import items_of, members_or_directories, state_or_directories, with_wanted_id

if t.TYPE_CHECKING:
    from ..repository.repository import Repository


@dataclass(frozen=True, slots=True)
class Part:
    """A file that belongs to an item and lies beside it, such as a photo. C(facts) are what the item's record says of it."""

    facts: t.Mapping[str, t.Any]
    node: Node


@dataclass(frozen=True, slots=True)
class ChosenItem:
    """An item: its catalogue record, the true names of its folder from the top, where its content lies, and what belongs to it."""

    source: str
    record: Record
    folder: tuple[str, ...]
    node: Node
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One source of one member in one snapshot, narrowed to C(folders) (their numbers).

    C(damage) is what could not be read of the records that describe it; then folders are told from the directories.
    """

    snapshot: Snapshot
    member: MemberState
    source: str
    state: ItemState
    folders: dict[int, Folder]
    damage: tuple[RepositoryDamaged, ...] = ()

    @property
    def folder_names(self) -> dict[int, tuple[str, ...]]:
        return {folder.number: true_path(folder, self.state.folders) for folder in self.folders.values()}


def choose(repository: Repository, snapshot: Snapshot, member: str, source: str, folder: str | None) -> Choice:
    """The member by object id or user principal name; a folder by its path of names, with everything below it.

    Raises InputError for a member, source or folder that the snapshot does not hold, RepositoryDamaged where nothing of
    it can be told.
    """
    damage: list[RepositoryDamaged] = []
    group = group_of(repository, snapshot)
    members = {} if group is None or group.subtree is None else members_or_directories(repository, group.subtree, damage.append)
    if damage and not members:
        raise damage[0]
    found = [state for state in members.values() if member.casefold() in (state.id.casefold(), state.principal_name.casefold())]
    if group is None or group.subtree is None or len(found) != 1:
        names = ", ".join(sorted(state.principal_name for state in members.values())) or "nobody"
        raise InputError(
            f"The snapshot {snapshot.id[:8]} has {'no' if not found else 'more than one'} member {member}.",
            hint=f"Name one of its members by user principal name or object id: {names}.",
        )
    tree = source_tree(repository, group.subtree, found[0].directory, source)
    if tree is None:
        raise InputError(
            f"The snapshot {snapshot.id[:8]} holds no {source_words(source)} of {found[0].principal_name}: it was never read to a"
            " restorable state.",
            hint="Choose another snapshot, or look at the findings of the last run.",
        )
    state = state_or_directories(repository, tree, damage.append)
    return Choice(snapshot, found[0], source, state, choose_folders(state.folders, folder), tuple(damage))


def state_warnings(choice: Choice) -> list[str]:
    """What whoever restores should know of the state that the source is in."""
    source = choice.member.sources.get(choice.source)
    if source is None or source.is_good:
        return []
    what, snapshot = f"the {source_words(choice.source)} of {choice.member.principal_name}", choice.snapshot.id[:8]
    if source.status is SourceStatus.STALE:
        return [f"The snapshot {snapshot} could not read {what}; it holds the last good state, of {source.last_success}."]
    return [f"The snapshot {snapshot} holds {what} as far as it had been read when the run was interrupted."]


def chosen_items(repository: Repository, choice: Choice, item_filter: ItemFilter, findings: list[Finding]) -> t.Iterator[ChosenItem]:
    """Every chosen item that the filter lets pass. Reads the catalogue as a stream; contents are not touched.

    An item whose content cannot be found in the repository becomes one of the C(findings). So do damaged records;
    items that no readable record describes are found by their directories, with what can be told from their content.
    """
    what = f"the {source_words(choice.source)} of {choice.member.principal_name}"
    findings.extend(finding_of(damage, f"records of {what}") for damage in choice.damage)
    with temporary_databases(), SeenIds() as seen:
        try:
            for item in _recorded(repository, choice, item_filter, findings):
                seen.add(_place(item))
                yield item
            if not choice.damage:
                return
        except BackupError as error:
            findings.append(finding_of(error, f"catalogue of {what}"))
        yield from (item for item in _unrecorded(repository, choice, item_filter, findings) if seen.add(_place(item)))


def _recorded(repository: Repository, choice: Choice, item_filter: ItemFilter, findings: list[Finding]) -> t.Iterator[ChosenItem]:
    tree = choice.state.tree
    names = choice.folder_names
    trees = RecentTrees(repository)
    for record in _records(Catalogue(repository, tree, choice.state.facts.lines), item_filter):
        folder = choice.folders.get(record["folder"])
        if folder is None or tree is None or not item_filter.matches(record):
            continue

        def node_at(file: str, folder: Folder = folder) -> Node:
            node = find_node(trees, tree, (*folder.path, *file.split("/")))
            if node is None:
                raise BackupError("The snapshot has no content for it.", hint="Verify the repository.")
            return node

        name = f"{item_word(choice.source)} {record.get('subject') or record['id']}"
        try:
            node = node_at(record["file"])
        except BackupError as error:
            findings.append(finding_of(error, name))
            continue
        parts = []
        for facts in record.get("parts", ()):
            try:
                parts.append(Part(facts, node_at(facts["file"])))
            except BackupError as error:
                findings.append(finding_of(error, f"{facts.get('name') or facts.get('kind')} of {name}"))
        yield ChosenItem(choice.source, record, names[folder.number], node, tuple(parts))


def _records(catalogue: Catalogue, item_filter: ItemFilter) -> t.Iterable[Record]:
    return catalogue.find(item_filter.ids).values() if item_filter.ids else catalogue.live()


def _unrecorded(repository: Repository, choice: Choice, item_filter: ItemFilter, findings: list[Finding]) -> t.Iterator[ChosenItem]:
    names = choice.folder_names
    for folder in choice.folders.values():
        object_name = f"directory of the folder {'/'.join(names[folder.number])}"

        def report(damage: RepositoryDamaged, object_name: str = object_name) -> None:
            findings.append(finding_of(damage, object_name))

        if choice.state.tree is not None:
            for told, node, found in items_of(repository, choice.source, choice.state.tree, folder, report):
                record = with_wanted_id(told, item_filter.ids)
                if item_filter.matches(record):
                    parts = tuple(Part(facts, file) for facts, file in found)
                    yield ChosenItem(choice.source, record, names[folder.number], node, parts)


def _place(item: ChosenItem) -> str:
    return f"{item.record['folder']}/{item.record['file']}"


def true_path(folder: Folder, folders: t.Mapping[str, Folder]) -> tuple[str, ...]:
    names = [folder.name]
    seen = {folder.id}
    while (parent := folders.get(folder.parent or "")) is not None and parent.id not in seen:
        names.append(parent.name)
        seen.add(parent.id)
        folder = parent
    return tuple(reversed(names))


def is_below(path: tuple[str, ...], wanted: str) -> bool:
    """Whether a folder is the wanted one or below it; names are joined by slashes, case does not matter."""
    prefix, joined = wanted.strip("/").casefold(), "/".join(path).casefold()
    return not prefix or joined == prefix or joined.startswith(prefix + "/")


def choose_folders(folders: t.Mapping[str, Folder], wanted: str | None) -> dict[int, Folder]:
    """By number the wanted folder and those below it; all where nothing is wanted."""
    paths = {folder.id: true_path(folder, folders) for folder in folders.values()}
    chosen = {folder.number: folder for folder in folders.values() if is_below(paths[folder.id], wanted or "")}
    if not chosen and wanted:
        names = ", ".join(sorted("/".join(path) for path in paths.values()))
        raise InputError(f"The backup has no folder {wanted}.", hint=f"It has these: {names}.")
    return chosen
