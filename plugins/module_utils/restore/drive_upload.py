# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put a file into a drive as it was decided, whatever becomes of answers on the way.

When it is not certain what happened, the folder is asked, and it is decided anew. A name that an unfinished upload
holds (of a restore that was killed, until the service forgets it) cannot be used, so the file goes beside it and gets
its name at once if the service lets it, or else by the next start of the restore.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..graph.drive_errors import NameHeld, NameTaken
from ..graph.drive_write import FRAGMENT
from ..graph.errors import AmbiguousOutcome, BadAnswer, Conflict, RequestRefused, ServiceUnavailable
from ..graph.ids import DriveItemId
from ..graph.resource_units import CHANGE
from .drive_children import ask, child_of
from .drive_decide import Deed, DriveDecision, WantedFile, choose_beside, decide_file
from .estimate import Estimate
from .results import Restored

if t.TYPE_CHECKING:
    from ..graph.drive_write import DriveWriter
    from ..graph.ids import Fields
    from ..repository.repository import Repository
    from ..repository.types import Node
    from .conflict import Policy
    from .drive_places import Place

_ATTEMPTS = 4
FOLDER_IN_THE_WAY = "A folder has its name."
NAME_HELD = "An unfinished upload holds its name; a later start of the same restore gives it back."


@dataclasses.dataclass(frozen=True, slots=True)
class FileTask:
    """C(contents) are the nodes of the versions of C(wanted), the oldest first, and of the newest content. C(others) are the
    names that it may have beside its own, and C(beside) is the one that was decided on. In check mode there may be no C(place)."""

    wanted: WantedFile
    contents: tuple[Node, ...]
    place: Place | None
    others: tuple[str, ...]
    beside: str
    decision: DriveDecision

    @property
    def name(self) -> str:
        """The one that was decided on."""
        return self.beside if self.decision.is_beside else self.wanted.name


@dataclasses.dataclass(frozen=True, slots=True)
class Uploaded:
    """What became of a file. C(reason) says why it has another name than it should; C(is_unlike): the service states another
    size or hash than those of what it was sent, for a file that it does not write into."""

    outcome: Restored
    item_id: DriveItemId
    name: str
    is_mended: bool = False
    is_unlike: bool = False
    reason: str = ""


def foreseen(task: FileTask) -> Uploaded:
    """What will have become of it if all goes well; there is no id of what is not there yet."""
    decision = task.decision
    is_mended = decision.deed in (Deed.SET_TIMES, Deed.RENAME)
    reason = FOLDER_IN_THE_WAY if decision.is_blocked else ""
    return Uploaded(decision.outcome, DriveItemId(decision.item_id), task.name, is_mended=is_mended, reason=reason)


class FileUploader:
    """Thread-safe."""

    def __init__(self, repository: Repository, writer: DriveWriter, policy: Policy) -> None:
        self._repository = repository
        self._writer = writer
        self._policy = policy

    def carry_out(self, task: FileTask) -> Uploaded:
        """Raises GraphError, RepositoryDamaged, StorageError; then nothing half is there, but perhaps an older version."""
        attempts = 0
        while True:
            attempts += 1
            try:
                return self._act(task, task.decision)
            except (AmbiguousOutcome, Conflict) as error:
                decision = task.decision
                task = self._decided_again(task)
                again = task.decision
                if again.deed is Deed.NOTHING:
                    outcome = decision.outcome if again.outcome is Restored.UNCHANGED else again.outcome
                    return dataclasses.replace(foreseen(task), outcome=outcome)
                if again.deed is Deed.CREATE and not again.is_beside and isinstance(error, NameHeld):
                    return self._beside_and_renamed(task, error)
                if attempts == _ATTEMPTS or (isinstance(error, NameHeld) and again == decision):
                    raise

    def _decided_again(self, task: FileTask) -> FileTask:
        place = _place(task)
        there = ask(self._writer, place.id, task.wanted.name)
        found = [(name, ask(self._writer, place.id, name)) for name in task.others]
        beside, copy = choose_beside(task.wanted, found, is_own_folder=place.is_own)
        decision = decide_file(task.wanted, there, copy, self._policy, is_own_folder=place.is_own)
        return dataclasses.replace(task, beside=beside, decision=decision)

    def _act(self, task: FileTask, decision: DriveDecision) -> Uploaded:
        wanted = task.wanted
        if decision.deed is Deed.NOTHING:
            return foreseen(task)
        if decision.deed is Deed.SET_TIMES:
            self._writer.update(DriveItemId(decision.item_id), created=wanted.created, modified=wanted.modified)
            return foreseen(task)
        if decision.deed is Deed.RENAME:
            return self._renamed(task, Uploaded(Restored.UNCHANGED, DriveItemId(decision.item_id), task.beside))
        made = self._upload_all(task, task.name, decision)
        return dataclasses.replace(foreseen(task), item_id=DriveItemId(str(made["id"])), is_unlike=_is_unlike(wanted, made))

    def _beside_and_renamed(self, task: FileTask, held: NameHeld) -> Uploaded:
        """Under the first of the other names that nothing has and nothing holds."""
        for name in task.others:
            try:
                made = self._upload_all(task, name, task.decision)
            except NameTaken as error:
                held = error if isinstance(error, NameHeld) else held
                continue
            is_unlike = _is_unlike(task.wanted, made)
            return self._renamed(task, Uploaded(task.decision.outcome, DriveItemId(str(made["id"])), name, is_unlike=is_unlike))
        raise held

    def _renamed(self, task: FileTask, made: Uploaded) -> Uploaded:
        """Give a file that is beside its place its own name, with its times, for a new name is a change."""
        wanted = task.wanted
        try:
            self._writer.update(made.item_id, name=wanted.name, created=wanted.created, modified=wanted.modified)
        except (Conflict, RequestRefused, ServiceUnavailable):
            return dataclasses.replace(made, reason=NAME_HELD)
        return dataclasses.replace(made, name=wanted.name, is_mended=made.outcome is Restored.UNCHANGED)

    def _upload_all(self, task: FileTask, name: str, decision: DriveDecision) -> Fields:
        """The versions that are to come, and the newest content. Each one that follows another becomes the newest."""
        wanted = task.wanted
        times = [modified for _size, modified in wanted.versions]
        conflict: t.Literal["fail", "replace"] = "fail" if decision.deed is Deed.CREATE else "replace"
        made: Fields = {}
        for number, modified in [*enumerate([*times, wanted.modified])][decision.first_version :]:
            made = self._upload(_place(task).id, name, task.contents[number], wanted.created, modified, conflict)
            conflict = "replace"
        return made

    def _upload(
        self, folder: DriveItemId, name: str, node: Node, created: str, modified: str, conflict: t.Literal["fail", "replace"]
    ) -> Fields:
        if node.size == 0:
            # An upload session takes no empty file (onedrive-api-docs; rclone does the same).
            made = self._writer.put(folder, name, b"", conflict)
            return self._writer.update(DriveItemId(str(made["id"])), created=created, modified=modified)
        return self._writer.upload(
            folder,
            name,
            node.size,
            lambda: self._repository.read_file(node),
            created=created,
            modified=modified,
            conflict=conflict,
        )


def upload_cost(contents: t.Iterable[Node], first: int = 0) -> Estimate:
    """What sending these contents takes at least, from the one with the number C(first) on."""
    total = Estimate(items=1)
    for node in [*contents][first:]:
        fragments = max(1, -(-node.size // FRAGMENT))
        total += Estimate(upload_bytes=node.size, requests=1 + fragments, resource_units=CHANGE * (1 + fragments))
    return total


def _place(task: FileTask) -> Place:
    if task.place is None:
        raise BadAnswer("The folder to restore into was not made.", hint="Repeat the restore.")
    return task.place


def _is_unlike(wanted: WantedFile, made: Fields) -> bool:
    """Whether what the service has is not what it was sent, as far as it says."""
    child = child_of({"file": {}, **made})
    return not wanted.is_rewritten and child.content.hash != "" and not wanted.is_content_of(child)
