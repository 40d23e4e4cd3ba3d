# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folders of a drive that restored files go to: found by their names, made where they are not.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..graph.ids import DriveItemId
from ..graph.resource_units import CHANGE
from .drive_decide import same_time
from .drive_names import Names, Paths, beside
from .estimate import Estimate

if t.TYPE_CHECKING:
    from ..backup.catalogue import Record
    from ..graph.drive_write import DriveWriter
    from .drive_children import Children
    from .results import SourceRestore

#: A folder is made, and gets its times when everything is in it.
_MAKING = Estimate(requests=2, resource_units=2 * CHANGE)
_IN_THE_WAY = "A file or shortcut has the name of the folder."


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A folder of the drive. C(is_own): a restore made it; C(is_new): this one, just now. Times are those that it had when it
    was found."""

    id: DriveItemId
    names: Names
    is_own: bool = False
    is_new: bool = False
    is_made_by_app: bool = False
    created: str = ""
    modified: str = ""


class Places:
    """For one thread. C(label) is what the name of a folder gets that goes beside a file of its name.

    With C(make) false nothing is made, and what would be is counted.
    """

    def __init__(
        self, writer: DriveWriter, children: Children, root: DriveItemId, paths: Paths, label: str, result: SourceRestore, *, make: bool
    ) -> None:
        self.paths = paths
        self._writer = writer
        self._children = children
        self._label = label
        self._result = result
        self._make = make
        self._known: dict[Names, Place | None] = {(): Place(root, ())}
        self._filled: set[DriveItemId] = set()

    def of(self, names: Names) -> Place | None:
        """The folder with these names; None where it is not there and is not to be made. Raises GraphError."""
        if names not in self._known:
            self._known[names] = self._place(self.of(names[:-1]), names)
        return self._known[names]

    def knows(self, names: Names) -> bool:
        """Whether something was to go into the folder, or below it."""
        return names in self._known

    def fill(self, place: Place) -> None:
        """Something goes into the folder, so its time of modification changes."""
        self._filled.add(place.id)

    def is_filled(self, names: Names) -> bool:
        """Whether something went into the folder, or it was made."""
        place = self._known.get(names)
        return place is None or place.is_new or place.id in self._filled

    def lacks_times_of(self, record: Record, names: Names) -> bool:
        """Whether a folder that a restore made has yet to get the times that it had."""
        place = self._known.get(names)
        created, modified = _times(record)
        if place is None or not modified:
            return False
        was_created_then = same_time(place.created, created or place.created)
        if not place.is_own:
            # One in an original place that a restore had made before it was killed; folders of people keep their times.
            return place.is_made_by_app and not was_created_then
        return self.is_filled(names) or not (same_time(place.modified, modified) and was_created_then)

    def set_times(self, record: Record, names: Names) -> None:
        """Thread-safe. Raises GraphError."""
        place = self._known[names]
        created, modified = _times(record)
        if place is not None:
            self._writer.update(place.id, created=created, modified=modified)

    def _place(self, above: Place | None, names: Names) -> Place | None:
        name = names[-1]
        found = None if above is None else self._children.named(above.id, name)
        if above is not None and found is not None and not found.is_folder:
            # A folder cannot have the name of a file or shortcut, which is not ours to move.
            name = beside(name, self._label, is_folder=True, room=self.paths.room_in(names[:-1]))
            self._result.rename("/".join(names[len(self.paths.top) :]), "/".join((*names[:-1], name)), _IN_THE_WAY)
            found = self._children.named(above.id, name)
        if above is not None and found is not None and found.is_folder:
            is_own = above.is_own or (found.is_made_by_app and names == self.paths.top[: len(names)])
            return Place(
                DriveItemId(found.id), names, is_own, is_made_by_app=found.is_made_by_app, created=found.created, modified=found.modified
            )
        self._result.estimate += _MAKING
        if above is None or not self._make:
            self._result.new_folders += 1
            return None
        made = DriveItemId(str(self._writer.folder(above.id, name)["id"]))
        self._children.is_new(made)
        self.fill(above)
        self._result.new_folders += 1
        return Place(made, names, is_own=True, is_new=True)


def _times(record: Record) -> tuple[str, str]:
    return str(record.get("created") or ""), str(record.get("modified") or "")
