# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choose what to restore: a snapshot, a member in it, and the messages of some folders.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime

from .._errors import BackupError, InputError
from ..backup.catalogue import Catalogue, Record, SeenIds
from ..backup.layout import CHECKPOINT, MAIL, outcome_of
from ..backup.mail_state import Folder, MailState
from ..backup.members import MemberState, SourceStatus, group_of, source_tree
from ..backup.recent_trees import RecentTrees
from ..backup.restore_points import newest_first, plan_snapshots
from ..backup.results import Finding, finding_of
from ..backup.temporary_databases import temporary_databases
from ..repository.errors import RepositoryDamaged
from ..repository.trees import find_node
from ..repository.types import Node, Snapshot
from .salvage import members_or_directories, messages_of, state_or_directories

if t.TYPE_CHECKING:
    from ..repository.repository import Repository

LATEST = "latest"


@dataclass(frozen=True, slots=True)
class MailItem:
    """A message: its catalogue record, the true names of its folder from the top, and where its MIME lies."""

    record: Record
    folder: tuple[str, ...]
    node: Node


@dataclass(frozen=True, slots=True)
class MailChoice:
    """The mail of one member in one snapshot, narrowed to C(folders) (their numbers).

    C(damage) is what could not be read of the records that describe it; then folders are told from the directories.
    """

    snapshot: Snapshot
    member: MemberState
    state: MailState
    folders: dict[int, Folder]
    damage: tuple[RepositoryDamaged, ...] = ()

    @property
    def folder_names(self) -> dict[int, tuple[str, ...]]:
        return {folder.number: true_path(folder, self.state.folders) for folder in self.folders.values()}


def choose_snapshot(repository: Repository, plan_name: str, wanted: str, warn: t.Callable[[str], None] = lambda _warning: None) -> Snapshot:
    """C(latest), the beginning of a snapshot id (8 characters at least), or a time: the last snapshot before or at it.

    What a run has stored before it was interrupted is only meant by its id, or when there is nothing else. A snapshot
    that is damaged hides no other one; ``warn`` is told of it where it might be the one that was meant.
    """
    damage: list[RepositoryDamaged] = []
    snapshots = plan_snapshots(repository, plan_name, on_damage=damage.append)
    if not snapshots and damage:
        raise damage[0]
    if not snapshots:
        raise InputError(f"The repository holds no snapshot of the plan {plan_name}.", hint="Run the plan first.")
    if not _is_id(wanted):
        for each in damage:
            warn(f"{each} It may be of the plan {plan_name} and nearer to what was asked for than the snapshot that was taken.")
    ended = [snapshot for snapshot in snapshots if outcome_of(snapshot.tags) != CHECKPOINT] or snapshots
    if wanted == LATEST:
        return newest_first(ended, repository.clock.now())[0]
    if _is_id(wanted):
        matches = [snapshot for snapshot in snapshots if snapshot.id.startswith(wanted) or snapshot.first_id.startswith(wanted)]
        if not matches:
            _raise_damaged(damage, wanted)
    else:
        moment = _moment(wanted)
        matches = [snapshot for snapshot in ended if snapshot.time <= moment][-1:]
    if len(matches) != 1:
        known = ", ".join(f"{snapshot.id[:8]} ({snapshot.time:%Y-%m-%d %H:%M:%S} UTC)" for snapshot in snapshots[-10:])
        raise InputError(
            f"No single snapshot of the plan {plan_name} matches {wanted}.", hint=f"Use one of these, the newest last: {known}."
        )
    return matches[0]


def choose_mail(repository: Repository, snapshot: Snapshot, member: str, folder: str | None) -> MailChoice:
    """The member by object id or user principal name; a folder by its path of names, with everything below it."""
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
    tree = source_tree(repository, group.subtree, found[0].directory, MAIL)
    if tree is None:
        raise InputError(
            f"The snapshot {snapshot.id[:8]} holds no mail of {found[0].principal_name}: it was never read to a restorable state.",
            hint="Choose another snapshot, or look at the findings of the last run.",
        )
    state = state_or_directories(repository, tree, damage.append)
    return MailChoice(snapshot, found[0], state, _choose_folders(state.folders, folder), tuple(damage))


def state_warnings(choice: MailChoice) -> list[str]:
    """What whoever restores should know of the state that the mail is in."""
    source = choice.member.sources.get(MAIL)
    if source is None or source.is_good:
        return []
    name, snapshot = choice.member.principal_name, choice.snapshot.id[:8]
    if source.status is SourceStatus.STALE:
        return [f"The snapshot {snapshot} could not read the mailbox of {name}; it holds its last good state, of {source.last_success}."]
    return [f"The snapshot {snapshot} holds the mailbox of {name} as far as it had been read when the run was interrupted."]


def mail_items(repository: Repository, choice: MailChoice, findings: list[Finding]) -> t.Iterator[MailItem]:
    """Every chosen message. Reads the catalogue as a stream; bodies are not touched.

    A message whose content cannot be found in the repository becomes one of the C(findings). So do damaged records;
    messages that no readable record describes are found by their directories.
    """
    name = choice.member.principal_name
    findings.extend(finding_of(damage, f"records of the mailbox of {name}") for damage in choice.damage)
    with temporary_databases(), SeenIds() as seen:
        try:
            for item in _recorded(repository, choice, findings):
                seen.add(_place(item))
                yield item
            if not choice.damage:
                return
        except BackupError as error:
            findings.append(finding_of(error, f"catalogue of the mailbox of {name}"))
        yield from (item for item in _unrecorded(repository, choice, findings) if seen.add(_place(item)))


def _recorded(repository: Repository, choice: MailChoice, findings: list[Finding]) -> t.Iterator[MailItem]:
    tree = choice.state.tree
    names = choice.folder_names
    trees = RecentTrees(repository)
    for record in Catalogue(repository, tree, choice.state.facts.lines).live():
        folder = choice.folders.get(record["folder"])
        if folder is None or tree is None:
            continue
        try:
            node = find_node(trees, tree, (*folder.path, *record["file"].split("/")))
            if node is None:
                raise BackupError("The snapshot has no content for it.", hint="Verify the repository.")
        except BackupError as error:
            findings.append(finding_of(error, f"message {record.get('subject') or record['id']}"))
        else:
            yield MailItem(record, names[folder.number], node)


def _unrecorded(repository: Repository, choice: MailChoice, findings: list[Finding]) -> t.Iterator[MailItem]:
    names = choice.folder_names
    for folder in choice.folders.values():
        object_name = f"directory of the folder {'/'.join(names[folder.number])}"

        def report(damage: RepositoryDamaged, object_name: str = object_name) -> None:
            findings.append(finding_of(damage, object_name))

        if choice.state.tree is not None:
            for record, node in messages_of(repository, choice.state.tree, folder, report):
                yield MailItem(record, names[folder.number], node)


def _place(item: MailItem) -> str:
    return f"{item.record['folder']}/{item.record['file']}"


def true_path(folder: Folder, folders: t.Mapping[str, Folder]) -> tuple[str, ...]:
    names = [folder.name]
    seen = {folder.id}
    while (parent := folders.get(folder.parent or "")) is not None and parent.id not in seen:
        names.append(parent.name)
        seen.add(parent.id)
        folder = parent
    return tuple(reversed(names))


def _choose_folders(folders: t.Mapping[str, Folder], wanted: str | None) -> dict[int, Folder]:
    prefix = (wanted or "").strip("/").casefold()
    if not prefix:
        return {folder.number: folder for folder in folders.values()}
    paths = {folder.id: "/".join(true_path(folder, folders)) for folder in folders.values()}
    chosen = {
        folders[folder_id].number: folders[folder_id]
        for folder_id, path in paths.items()
        if path.casefold() == prefix or path.casefold().startswith(prefix + "/")
    }
    if not chosen:
        raise InputError(f"The backup has no folder {wanted}.", hint=f"It has these: {', '.join(sorted(paths.values()))}.")
    return chosen


def _is_id(wanted: str) -> bool:
    return len(wanted) >= 8 and all(char in "0123456789abcdef" for char in wanted)


def _raise_damaged(damage: t.Iterable[RepositoryDamaged], wanted: str) -> None:
    """The snapshot may be wanted that is damaged."""
    for each in damage:
        if f" {wanted}" in each.obj:
            raise each


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise InputError(
            f"{text} names no snapshot.", hint="Use latest, a snapshot id, or a time with its zone such as 2026-05-17T08:00:00+02:00."
        ) from None
    if moment.tzinfo is None:
        raise InputError(f"The time {text} has no zone.", hint=f"Write for example {moment.isoformat()}Z or {moment.isoformat()}+02:00.")
    return moment
