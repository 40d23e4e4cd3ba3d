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
from ..backup.layout import ONEDRIVE
from ..backup.members import MemberState, SourceStatus, group_of, source_tree
from ..backup.recent_trees import RecentTrees
from ..backup.results import Finding, finding_of
from ..backup.source_words import item_word, source_words
from ..backup.temporary_databases import temporary_databases
from ..repository.errors import RepositoryDamaged
from ..repository.trees import find_node
from ..repository.types import Node, Path, Snapshot
from .drive_files import PERMISSIONS, Facts, drive_files, unrecorded_files
from .salvage import items_of, members_or_directories, state_or_directories, with_wanted_id

if t.TYPE_CHECKING:
    from ..repository.repository import Repository


_MOST_NAMED = 20


class NothingStored(InputError):
    """The snapshot has nothing of the source."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file that belongs to an item and lies beside it, such as a photo. C(facts) are what the item's record says of it."""

    facts: t.Mapping[str, t.Any]
    node: Node


@dataclass(frozen=True, slots=True)
class ChosenItem:
    """An item: its catalogue record, the true names of its folder from the top, where its content lies, and what belongs to it.

    C(path) of a file is the one that it is stored at.
    """

    source: str
    record: Record
    folder: tuple[str, ...]
    node: Node
    parts: tuple[Part, ...] = ()
    path: Path = ()


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
        raise NothingStored(
            f"The snapshot {snapshot.id[:8]} holds no {source_words(source)} of {found[0].principal_name}: it was never read to a"
            " restorable state.",
            hint="Choose another snapshot, or look at the findings of the last run.",
            facts={"snapshot": snapshot.id[:8], "member": found[0].principal_name},
        )
    state = state_or_directories(repository, source, tree, damage.append)
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
    if choice.source == ONEDRIVE:
        yield from _recorded_files(repository, choice, item_filter, findings)
        return
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

        name = item_name(choice.source, record, names[folder.number])
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
                findings.append(finding_of(error, part_name(facts, name)))
        yield ChosenItem(choice.source, record, names[folder.number], node, tuple(parts))


def _recorded_files(repository: Repository, choice: Choice, item_filter: ItemFilter, findings: list[Finding]) -> t.Iterator[ChosenItem]:
    names = choice.folder_names

    def report(record: Record, folder: Folder, part: Facts, error: BackupError) -> None:
        name = item_name(ONEDRIVE, record, names[folder.number])
        findings.append(finding_of(error, part_name(part, name) if part else name))

    if choice.state.tree is None:
        return
    records = _records(Catalogue(repository, choice.state.tree, choice.state.facts.lines), item_filter)
    wanted = (record for record in records if item_filter.matches(record))
    for file in drive_files(repository, choice.state.tree, choice.folders, wanted, report):
        parts = tuple(Part(facts, node) for facts, node in file.parts)
        path = (*file.folder.path, file.record["file"])
        yield ChosenItem(ONEDRIVE, file.record, names[file.folder.number], file.node, parts, path)


def item_name(source: str, record: Record, folder: tuple[str, ...]) -> str:
    """What findings call an item. A file is known by its path."""
    name = str(record.get("subject") or record["id"])
    return f"{item_word(source)} {'/'.join((*folder, name)) if source == ONEDRIVE else name}"


def part_name(facts: t.Mapping[str, t.Any], item: str) -> str:
    """What findings call something that belongs to an item of this name."""
    if facts.get("kind") == PERMISSIONS:
        return f"permissions of {item}"
    return f"{facts.get('name') or ' '.join(str(facts[key]) for key in ('kind', 'id') if facts.get(key))} of {item}"


def _records(catalogue: Catalogue, item_filter: ItemFilter) -> t.Iterable[Record]:
    return catalogue.find(item_filter.ids).values() if item_filter.ids else catalogue.live()


def _unrecorded(repository: Repository, choice: Choice, item_filter: ItemFilter, findings: list[Finding]) -> t.Iterator[ChosenItem]:
    if choice.source == ONEDRIVE:
        yield from _unrecorded_files(repository, choice, item_filter, findings)
        return
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


def _unrecorded_files(repository: Repository, choice: Choice, item_filter: ItemFilter, findings: list[Finding]) -> t.Iterator[ChosenItem]:
    names = choice.folder_names

    def report(folder: Folder, damage: RepositoryDamaged) -> None:
        findings.append(finding_of(damage, f"directory of the folder {'/'.join(names[folder.number]) or '/'}"))

    if choice.state.tree is not None:
        for file in unrecorded_files(repository, choice.state.tree, choice.folders, report):
            if item_filter.matches(file.record):
                path = (*file.folder.path, file.record["file"])
                yield ChosenItem(ONEDRIVE, file.record, names[file.folder.number], file.node, path=path)


def _place(item: ChosenItem) -> str:
    return f"{item.record['folder']}/{item.record['file']}"


def true_path(folder: Folder, folders: t.Mapping[str, Folder]) -> tuple[str, ...]:
    """The names from the top. The top of a drive has none."""
    trail = [folder]
    seen = {folder.id}
    while (parent := folders.get(folder.parent or "")) is not None and parent.id not in seen:
        trail.append(parent)
        seen.add(parent.id)
        folder = parent
    return tuple(each.name for each in reversed(trail) if each.name or each.path)


def is_below(path: tuple[str, ...], wanted: str) -> bool:
    """Whether a folder is the wanted one or below it; names are joined by slashes, case does not matter."""
    prefix, joined = wanted.strip("/").casefold(), "/".join(path).casefold()
    return not prefix or joined == prefix or joined.startswith(prefix + "/")


def choose_folders(folders: t.Mapping[str, Folder], wanted: str | None) -> dict[int, Folder]:
    """By number the wanted folder and those below it; all where nothing is wanted."""
    paths = {folder.id: true_path(folder, folders) for folder in folders.values()}
    chosen = {folder.number: folder for folder in folders.values() if is_below(paths[folder.id], wanted or "")}
    if not chosen and wanted:
        raise InputError(f"The backup has no folder {wanted}.", hint=_known_folders(wanted, {path for path in paths.values() if path}))
    return chosen


def _known_folders(wanted: str, paths: t.Collection[tuple[str, ...]]) -> str:
    """The folders that there are; of many, those beside the first name that is not there."""
    if len(paths) <= _MOST_NAMED:
        return f"It has these: {', '.join(sorted('/'.join(path) for path in paths))}."
    folded = {"/".join(path).casefold() for path in paths}
    names = wanted.strip("/").split("/")
    depth = next(depth for depth in range(len(names), -1, -1) if depth == 0 or "/".join(names[:depth]).casefold() in folded)
    above = "/".join(names[:depth])
    known = sorted("/".join(path) for path in paths if len(path) == depth + 1 and is_below(path, above))
    where = f"In {above}" if above else "At the top"
    more = f", and {len(known) - _MOST_NAMED:,} more" if len(known) > _MOST_NAMED else ""
    return f"{where} it has {', '.join(known[:_MOST_NAMED]) or 'none'}{more}."
