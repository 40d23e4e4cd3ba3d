# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From damaged paths of a repository to what people know: the member, the source, the folder, the item.

Whatever names things may be damaged as well. Then the names of directories and files serve, which were chosen for people.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import itertools
import typing as t
from dataclasses import dataclass, replace
from enum import Enum

from ..repository.affected import Affected
from ..repository.errors import RepositoryDamaged
from ..repository.reading import BlobReader
from ..repository.types import Snapshot, TreeId
from .damaged_drive import DriveNames
from .damaged_source import ItemName, SourceNames
from .layout import CALENDAR, FOLDER_FILE, MAIL, MEMBERS_FILE, META, ONEDRIVE, RETRY_FILE, RUN_FILE, SOURCE_FILE, TAG, plan_of
from .members import MemberState, group_of, read_members, source_tree
from .source_words import SOURCES, item_word, source_words
from .verdict_heads import is_verdicts

#: How a sentence goes on to the time of an item.
_MOMENTS = {MAIL: "received", CALENDAR: "on", ONEDRIVE: "last changed"}


class ItemKind(str, Enum):
    """What a damaged path is, those first that mean most to people.

    C(ITEM) is one of another source than mail. C(FILE) is one in a snapshot that another program made, or that this version does not know.
    C(VERDICTS) are what the malware scan said; nothing that was backed up suffers.
    """

    RESTORE_POINT = "restore_point"
    MEMBER = "member"
    SOURCE = "source"
    FOLDER = "folder"
    MESSAGE = "message"
    ITEM = "item"
    FILE = "file"
    MEMBER_LIST = "member_list"
    CATALOGUE = "catalogue"
    STATE = "state"
    RUN_RECORD = "run_record"
    VERDICTS = "verdicts"


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedItem:
    """Something that people know and that suffers. C(name) fits into a sentence; what is unknown is empty.

    C(id) is the item's; C(member_id) the member's object id. C(received) of an event is when it begins.
    """

    kind: ItemKind
    name: str
    affected: Affected
    plan: str = ""
    member_id: str = ""
    member: str = ""
    display_name: str = ""
    source: str = ""
    folder: str = ""
    subject: str = ""
    received: str = ""
    id: str = ""

    def as_dict(self) -> dict[str, t.Any]:
        newest, oldest = self.affected.newest, self.affected.oldest
        return {
            "kind": self.kind.value,
            "name": self.name,
            "plan": self.plan,
            "member": self.member,
            "display_name": self.display_name,
            "source": self.source,
            "folder": self.folder,
            "subject": self.subject,
            "received": self.received,
            "path": "/" + "/".join(self.affected.path),
            "snapshots": self.affected.snapshots,
            "newest_snapshot": {"id": newest.id, "time": newest.time.isoformat(timespec="seconds")},
            "oldest_snapshot": {"id": oldest.id, "time": oldest.time.isoformat(timespec="seconds")},
        }


def name_items(reader: BlobReader, affected: t.Sequence[Affected]) -> list[DamagedItem]:
    """The items in the order of ``affected``, which is by newest snapshot and path. A directory of items becomes its items."""
    items: list[DamagedItem] = []
    for snapshot, of_snapshot in itertools.groupby(affected, key=lambda one: one.newest):
        if TAG not in snapshot.tags:
            items.extend(_foreign(one) for one in of_snapshot)
            continue
        if is_verdicts(snapshot.tags):
            items.extend(_verdicts(one) for one in of_snapshot)
            continue
        names = _SnapshotNames(reader, snapshot)
        for directory, of_member in itertools.groupby(of_snapshot, key=lambda one: one.path[1:2]):
            items.extend(names.items("".join(directory), list(of_member)))
    return items


def _foreign(one: Affected) -> DamagedItem:
    path = "/" + "/".join(one.path)
    return DamagedItem(
        kind=ItemKind.FILE, name=f"{path} in {_point(one.newest)} of {one.newest.hostname or 'another program'}", affected=one
    )


def _verdicts(one: Affected) -> DamagedItem:
    what = "a part of what the malware scan has said, which it says anew when it comes by the same contents (no backup suffers)"
    return DamagedItem(kind=ItemKind.VERDICTS, name=what, affected=one)


def _point(snapshot: Snapshot) -> str:
    return f"the restore point {snapshot.id[:8]} of {snapshot.time:%Y-%m-%d %H:%M} UTC"


class _SnapshotNames:
    def __init__(self, reader: BlobReader, snapshot: Snapshot) -> None:
        self._reader = reader
        self._snapshot = snapshot
        self._plan = plan_of(snapshot.tags)
        self._group: TreeId | None = None
        self._members: dict[str, MemberState] = {}
        with contextlib.suppress(RepositoryDamaged):
            group = group_of(reader, snapshot)
            self._group = None if group is None else group.subtree
            if self._group is not None:
                self._members = {member.directory: member for member in read_members(reader, self._group).values()}

    def items(self, directory: str, affected: t.Sequence[Affected]) -> t.Iterator[DamagedItem]:
        """The items of one directory of the group."""
        if directory in ("", META):
            for one in affected:
                yield self._group_item(one)
            return
        member = self._members.get(directory) or MemberState(id="", principal_name=directory, display_name="", directory=directory)
        for one in affected:
            if len(one.path) <= 3 or one.path[2] not in SOURCES:
                yield self._member_item(one, member)
        for source in SOURCES:
            inside = [one for one in affected if len(one.path) > 3 and one.path[2] == source]
            if inside:
                yield from self._source_items(inside, member, source)

    def _group_item(self, one: Affected) -> DamagedItem:
        point = _point(self._snapshot)
        if len(one.path) < 2:
            return self._item(ItemKind.RESTORE_POINT, f"everything in {point}", one)
        if one.path[-1] == RUN_FILE:
            return self._item(ItemKind.RUN_RECORD, f"the report of the run that made {point}", one)
        what = "the list of members" if one.path[-1] in (MEMBERS_FILE, META) else one.path[-1]
        return self._item(ItemKind.MEMBER_LIST, f"{what} of {point}", one)

    def _member_item(self, one: Affected, member: MemberState) -> DamagedItem:
        if len(one.path) == 2:
            return self._item(ItemKind.MEMBER, f"everything of {_who(member)}", one, member)
        source = one.path[2] if one.path[2] in SOURCES else ""
        if len(one.path) == 3 and source:
            return self._item(ItemKind.SOURCE, f"the {source_words(source)} of {_who(member)}", one, member, source=source)
        return self._item(ItemKind.FILE, f"{'/'.join(one.path[2:])} of {_who(member)}", one, member)

    def _source_items(self, affected: t.Sequence[Affected], member: MemberState, source: str) -> t.Iterator[DamagedItem]:
        names = self._source_names(member, source)
        items = {one.path: one for one in affected if _is_item(one, names) or (one.is_directory and names.holds_items(one.path[3:]))}
        found = names.items({path[3:]: one.is_directory for path, one in items.items()})
        for one in affected:
            path = one.path[3:]
            if one.path not in items:
                yield self._state_item(one, member, source, names)
                continue
            if not _is_item(one, names):
                yield self._directory_item(one, member, source, names)
            for item in found.get(path, ()):
                yield self._named_item(one, member, source, item)

    def _source_names(self, member: MemberState, source: str) -> SourceNames | DriveNames:
        tree: TreeId | None = None
        with contextlib.suppress(RepositoryDamaged):
            tree = None if self._group is None else source_tree(self._reader, self._group, member.directory, source)
        return DriveNames(self._reader, tree) if source == ONEDRIVE else SourceNames(self._reader, tree)

    def _state_item(self, one: Affected, member: MemberState, source: str, names: SourceNames | DriveNames) -> DamagedItem:
        path, what = one.path[3:], f"the {source_words(source)} of {_who(member)}"
        if path[-1] == FOLDER_FILE and len(path) > 1:
            folder = names.folder(path[:-1])
            name = f"the state of folder {folder} of {_who(member)}"
            return self._item(ItemKind.STATE, name, one, member, source=source, folder=folder)
        if path[-1] in (FOLDER_FILE, SOURCE_FILE, RETRY_FILE):
            return self._item(ItemKind.STATE, f"the state of {what}", one, member, source=source)
        if path[0] != META:
            return self._item(ItemKind.FILE, f"{'/'.join(path)} of {what}", one, member, source=source)
        return self._item(ItemKind.CATALOGUE, f"the catalogue of {what}", one, member, source=source)

    def _directory_item(self, one: Affected, member: MemberState, source: str, names: SourceNames | DriveNames) -> DamagedItem:
        folder, name = names.directory(one.path[3:])
        return self._item(ItemKind.FOLDER, f"{name} of {_who(member)}", one, member, source=source, folder=folder)

    def _named_item(self, one: Affected, member: MemberState, source: str, item: ItemName) -> DamagedItem:
        subject = f'"{item.subject}"' if item.subject else "of an unknown name" if source == ONEDRIVE else "without a subject"
        name = f"the {item.word or item_word(source)} {subject}{f' in {item.folder}' if item.folder else ''} of {_who(member)}"
        if item.moment:
            name += f", {_MOMENTS.get(source, 'of')} {item.moment}"
        if item.part:
            name = f"{item.part} {name}"
        kind = ItemKind.MESSAGE if source == MAIL else ItemKind.ITEM
        made = self._item(kind, name, one, member, source=source, folder=item.folder)
        return replace(made, subject=item.subject, received=item.moment, id=item.id)

    def _item(
        self, kind: ItemKind, name: str, one: Affected, member: MemberState | None = None, *, source: str = "", folder: str = ""
    ) -> DamagedItem:
        return DamagedItem(
            kind=kind,
            name=name,
            affected=one,
            plan=self._plan,
            member_id="" if member is None else member.id,
            member="" if member is None else member.principal_name,
            display_name="" if member is None else member.display_name,
            source=source,
            folder=folder,
        )


def _who(member: MemberState) -> str:
    return f"{member.display_name} ({member.principal_name})" if member.display_name else member.principal_name


def _is_item(one: Affected, names: SourceNames | DriveNames) -> bool:
    return names.is_item(one.path[3:], is_directory=one.is_directory)
