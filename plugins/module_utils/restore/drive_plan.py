# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a file of the backup to what is to be done with it in a drive.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t
from urllib.parse import unquote, urlsplit

from .choice import ChosenItem, Part, item_name
from .drive_decide import Content, Deed, DriveDecision, WantedFile, choose_beside, decide_file
from .drive_files import PERMISSIONS, VERSION
from .drive_names import TOO_LONG, Names, Paths, beside, problem_of, reason_text
from .drive_upload import FileTask, Uploaded
from .results import Restored

if t.TYPE_CHECKING:
    from ..graph.drive import Drive
    from ..graph.ids import UserId
    from ..repository.types import Node
    from .conflict import Policy
    from .drive_children import Children
    from .drive_places import Places

#: Each restore that is killed may leave one more name that nobody can use until the service forgets its upload.
_MORE_NAMES = (2, 3)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DriveTarget:
    """C(top) is the path of the folder that receives everything; None for the places that the files came from.

    C(permissions) and C(versions): they are restored, too. C(label) is what a name gets that goes beside another.
    """

    user: UserId
    principal_name: str
    top: str | None
    label: str
    policy: Policy
    permissions: bool = False
    versions: bool = False

    def __str__(self) -> str:
        return f"{self.top or 'the original folders'} in the OneDrive of {self.principal_name}"

    def paths(self, drive: Drive) -> Paths:
        """Where folders and files go.

        Whether the path of the drive itself counts for the length of a path, Microsoft's pages leave open: it is counted, but not
        for the places that files came from, where they have been.
        """
        top = tuple(name for name in (self.top or "").split("/") if name)
        own = unquote(urlsplit(drive.web_url).path).strip("/")
        return Paths(Paths(()).folder(top), len(own) + 1 if own and top else 0)


@dataclasses.dataclass(frozen=True, slots=True)
class Task:
    """C(permissions) is the file of the backup that holds them, for a file that gets them back. C(path) is where it goes."""

    item: ChosenItem
    file: FileTask
    path: Names
    permissions: Node | None

    @property
    def name(self) -> str:
        """What findings call it."""
        return name_of(self.item)


class Planner:
    """For one thread."""

    def __init__(self, target: DriveTarget, places: Places, children: Children) -> None:
        self._target = target
        self._places = places
        self._children = children

    def task(self, item: ChosenItem) -> Task:
        """Finds or makes the folder, looks into it, and decides. Raises GraphError."""
        paths, target = self._places.paths, self._target
        names, name = paths.file(item.folder, _file_name(item))
        place = self._places.of(names)
        versions = sorted(filter(_is_version, item.parts), key=_age) if target.versions else []
        wanted = _wanted(item, name, [(part.node.size, str(part.facts.get("modified") or "")) for part in versions])
        labels = (target.label, *(f"{target.label} {number}" for number in _MORE_NAMES))
        others = tuple(beside(name, label, room=paths.room_in(names)) for label in labels)
        other = others[0]
        decision = DriveDecision(Restored.WRITTEN, Deed.CREATE)
        if place is not None:
            there = self._children.named(place.id, name)
            decision = decide_file(wanted, there, None, target.policy, is_own_folder=place.is_own)
            if decision.deed is Deed.CREATE:
                found = [(each, self._children.named(place.id, each)) for each in others]
                other, copy = choose_beside(wanted, found, is_own_folder=place.is_own)
                decision = decide_file(wanted, there, copy, target.policy, is_own_folder=place.is_own)
            if decision.deed in (Deed.CREATE, Deed.OVERWRITE, Deed.RENAME):
                self._places.fill(place)
        contents = (*(part.node for part in versions), item.node)
        permissions = next((part.node for part in item.parts if part.facts.get("kind") == PERMISSIONS), None)
        file = FileTask(wanted, contents, place, others, other, decision)
        return Task(item, file, (*names, name), permissions if target.permissions else None)

    def renaming(self, task: Task, uploaded: Uploaded) -> tuple[str, str, str] | None:
        """The path that a file had, the one that it has, and why; None where nothing but the top differs."""
        item, name = task.item, _file_name(task.item)
        path = (*task.path[:-1], uploaded.name)
        reason = uploaded.reason
        if not reason and task.path != (*self._places.paths.folder(item.folder), name):
            reason = _reason(problem_of(name, is_at_top=len(path) == 1))
        return ("/".join((*item.folder, name)), "/".join(path), reason) if reason else None

    def folder_renaming(self, names: Names) -> tuple[str, str, str] | None:
        """The same of a folder."""
        path = self._places.paths.folder(names)
        if path == (*self._places.paths.folder(names[:-1]), names[-1]):
            return None
        return "/".join(names), "/".join(path), _reason(problem_of(names[-1], is_folder=True, is_at_top=len(path) == 1))


def name_of(item: ChosenItem) -> str:
    """What findings call a file."""
    return item_name(item.source, item.record, item.folder)


def _is_version(part: Part) -> bool:
    return part.facts.get("kind") == VERSION


def _age(part: Part) -> tuple[str, float]:
    """By time, and by number where several versions came in one second."""
    number = str(part.facts.get("id") or "")
    return str(part.facts.get("modified") or ""), float(number) if number.replace(".", "", 1).isdecimal() else 0.0


def _reason(problem: str) -> str:
    return reason_text(problem) if problem else TOO_LONG


def _wanted(item: ChosenItem, name: str, versions: t.Iterable[tuple[int, str]]) -> WantedFile:
    record = item.record
    own = Content(item.node.size, str(record.get("own_hash") or record.get("hash") or ""))
    stated = Content(int(record.get("stated_size") or item.node.size), str(record.get("hash") or ""))
    return WantedFile(
        name=name,
        contents=(own,) if own == stated else (own, stated),
        created=str(record.get("created") or ""),
        modified=str(record.get("modified") or "") or item.node.modified.strftime("%Y-%m-%dT%H:%M:%SZ"),
        versions=tuple(versions),
    )


def _file_name(item: ChosenItem) -> str:
    return str(item.record.get("subject") or item.record.get("file") or item.node.name)
