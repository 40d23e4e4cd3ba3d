# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Contents that a scan of stored snapshots has to tell of, as the items that people know.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ..repository.affected import Affected
from ..repository.types import Snapshot
from .damaged_items import DamagedItem, name_items
from .scan_contents import Judged
from .scan_places import ScanPlaces, Spot
from .scan_walk import Walk, find_places, read_group
from .stored_contents import AheadReader

if t.TYPE_CHECKING:
    from ..repository.repository import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class FlaggedItem:
    """An item that has a content, and the snapshots in which it has it first and last."""

    judged: Judged
    item: DamagedItem
    first: Snapshot
    last: Snapshot


def name_contents(
    repository: Repository, walk: Walk, places: ScanPlaces, lists: t.Sequence[t.Sequence[Judged]], limit: int
) -> list[list[FlaggedItem]]:
    """For each list of contents the items that have them, in this order, at most so many; of a content the newest places first.

    Costs a pass over all directories, and one over the catalogue of each source that has one of them. Raises StorageError.
    """
    contents = [one for of_list in lists for one in of_list]
    find_places(repository, {one.file.blobs: one.file.number for one in contents}, places)
    directories = _Directories(repository, walk.snapshots)
    affected: list[Affected] = []
    for of_list in lists:
        left = limit
        for one in of_list:
            spots = places.spots(one.file.number)[:left]
            left -= len(spots)
            affected.extend(directories.affected(one, spot) for spot in spots)
    affected.sort(key=lambda one: (-one.newest.time.timestamp(), one.path))
    named = _named(repository, affected, {one.file.number: one for one in contents})
    return [[item for one in of_list for item in named.get(one.file.number, ())] for of_list in lists]


def _named(repository: Repository, affected: t.Sequence[Affected], contents: t.Mapping[int, Judged]) -> dict[int, list[FlaggedItem]]:
    """By the number of the content."""
    found: dict[int, dict[tuple[str, str, str], FlaggedItem]] = {}
    for item in name_items(AheadReader(repository), affected):
        place = item.affected
        items = found.setdefault(place.finding, {})
        # An item that was moved has had several places.
        key = (item.member_id, item.source, item.id or "/".join(place.path))
        if key not in items:
            items[key] = FlaggedItem(judged=contents[place.finding], item=item, first=place.oldest, last=place.newest)
        elif place.oldest.time < items[key].first.time:
            items[key] = replace(items[key], first=place.oldest)
    return {number: list(items.values()) for number, items in found.items()}


class _Directories:
    """How members and the group were called in each snapshot."""

    def __init__(self, repository: Repository, snapshots: t.Sequence[Snapshot]) -> None:
        self._repository = repository
        self._snapshots = snapshots
        self._known: dict[int, tuple[str, dict[str, str]]] = {}

    def affected(self, judged: Judged, spot: Spot) -> Affected:
        if spot.last not in self._known:
            group = read_group(self._repository, self._snapshots[spot.last], [])
            self._known[spot.last] = (group.name, {member.id: member.directory for member in group.members})
        name, directories = self._known[spot.last]
        return Affected(
            path=(name, directories.get(spot.member, ""), spot.source, *spot.path),
            is_directory=False,
            size=judged.file.size,
            finding=judged.file.number,
            newest=self._snapshots[spot.last],
            oldest=self._snapshots[spot.first],
            snapshots=spot.snapshots,
        )
