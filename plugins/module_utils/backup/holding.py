# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Set and release holds: choose restore points of a plan, and change their tags in the repository.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t
from datetime import tzinfo

from .._errors import InputError
from .._text import count_text
from ..plan.model import Plan
from ..repository.errors import StorageError
from ..repository.repository import Repository
from ..repository.snapshot_tags import TagChanges, change_tags
from ..repository.types import Snapshot
from .holds import check_label, holds_of, with_hold, without_hold
from .layout import CHECKPOINT, outcome_of
from .members import group_of, read_members
from .moments import parse_moment
from .restore_points import StoredPoint, newest_first, stored_points

LATEST = "latest"
_SHORTEST_ID = 8


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HoldRequest:
    """What a task declares. Without any choice, releasing a hold means each restore point that has it.

    ``snapshots`` are ids, their beginnings, or C(latest). ``since`` and ``up_to`` are inclusive, a date or a time in ISO
    8601, in the time zone of the plan unless they say another. ``member`` is an object id or a user principal name.
    """

    label: str
    is_present: bool
    snapshots: tuple[str, ...] | None = None
    since: str | None = None
    up_to: str | None = None
    member: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A chosen restore point: as it was, and as it is now, or would be."""

    before: Snapshot
    after: Snapshot


def change_holds(
    repository: Repository,
    plan: Plan,
    request: HoldRequest,
    *,
    is_check: bool,
    lock_timeout: float = 0.0,
) -> list[Held]:
    """Carry out a request; the chosen restore points, oldest first.

    Raises InputError when it cannot be carried out as it stands, and the errors of the repository room. The repository is
    locked only where something has to change.
    """
    request = dataclasses.replace(request, label=check_label(request.label))
    chosen = _choose(repository, plan, request)
    if not is_check and _changes(chosen, request):

        def choose_again() -> TagChanges:
            chosen[:] = _choose(repository, plan, request)
            return _changes(chosen, request)

        try:
            change_tags(repository, choose_again, lock_timeout=lock_timeout)
        except StorageError:
            # A storage that lets nothing go keeps the files without the hold, too; that does the hold no harm.
            if not request.is_present or _changes(_choose(repository, plan, request), request):
                raise
        after = {point.snapshot.first_id: point.snapshot for point in stored_points(repository, plan.name)}
    else:
        after = {}
    # What a prune has removed meanwhile is told of as it was changed.
    return [
        Held(
            before=point.snapshot,
            after=after.get(point.snapshot.first_id) or dataclasses.replace(point.snapshot, tags=_tags(point.snapshot, request)),
        )
        for point in chosen
    ]


def hold_result(held: t.Sequence[Held], plan: Plan, request: HoldRequest, *, is_check: bool, diff: bool) -> dict[str, t.Any]:
    """What was done as the result of a module; the same shape in check mode."""
    changed = [each for each in held if each.before.tags != each.after.tags]
    verb = ("would be" if is_check else "was" if len(changed) == 1 else "were") + (" held" if request.is_present else " released")
    result: dict[str, t.Any] = {
        "changed": bool(changed),
        "plan": plan.name,
        "label": request.label.strip(),
        "snapshots": [_shown(each, plan.time_zone) for each in held],
        "snapshots_changed": len(changed),
        "msg": (
            f"{count_text(len(changed), 'restore point')} of plan {plan.name} {verb} for {request.label.strip()};"
            f" {len(held) - len(changed):,} already {'had' if request.is_present else 'were without'} the hold."
        ),
    }
    if diff:
        sides = {"before": [each.before for each in held], "after": [each.after for each in held]}
        result["diff"] = {side: {"holds": {_title(each, plan): list(holds_of(each.tags)) for each in sides[side]}} for side in sides}
    return result


def _shown(held: Held, zone: tzinfo) -> dict[str, t.Any]:
    return {
        "id": held.after.id,
        "original_id": held.before.first_id,
        "time": held.before.time.astimezone(zone).isoformat(timespec="seconds"),
        "holds": list(holds_of(held.after.tags)),
        "changed": held.before.tags != held.after.tags,
    }


def _title(snapshot: Snapshot, plan: Plan) -> str:
    return f"{snapshot.time.astimezone(plan.time_zone).isoformat(timespec='seconds')} {snapshot.first_id[:8]}"


def _tags(snapshot: Snapshot, request: HoldRequest) -> tuple[str, ...]:
    change = with_hold if request.is_present else without_hold
    return change(snapshot.tags, request.label)


def _changes(chosen: t.Iterable[StoredPoint], request: HoldRequest) -> TagChanges:
    changing = [point for point in chosen if _tags(point.snapshot, request) != point.snapshot.tags]
    return TagChanges(
        tags={point.snapshot.id: _tags(point.snapshot, request) for point in changing},
        spare=[copy for point in changing for copy in point.copies],
    )


def _choose(repository: Repository, plan: Plan, request: HoldRequest) -> list[StoredPoint]:
    points = stored_points(repository, plan.name)
    if request.snapshots is not None:
        if request.is_present and not request.snapshots:
            raise _nothing_chosen()
        wanted = {point.snapshot.id for text in request.snapshots for point in _find(points, text, repository, plan)}
        return [point for point in points if point.snapshot.id in wanted]
    finished = [point for point in points if outcome_of(point.snapshot.tags) != CHECKPOINT]
    since = None if request.since is None else parse_moment(request.since, plan.time_zone, is_end=False)
    up_to = None if request.up_to is None else parse_moment(request.up_to, plan.time_zone, is_end=True)
    if since is None and up_to is None and request.member is None:
        if request.is_present:
            raise _nothing_chosen()
        return [point for point in points if request.label in holds_of(point.snapshot.tags)]
    chosen = [
        point
        for point in finished
        if (since is None or point.snapshot.time >= since)
        and (up_to is None or point.snapshot.time <= up_to)
        and (request.member is None or _has_member(repository, point.snapshot, request.member))
    ]
    if not chosen and request.is_present:
        what = f" that holds anything of {request.member}" if request.member else ""
        raise InputError(
            f"Plan {plan.name} has no restore point{what} in that time, so nothing is held.",
            hint=f"It has {count_text(len(finished), 'restore point')}: {_listed(finished, plan)}.",
        )
    return chosen


def _nothing_chosen() -> InputError:
    return InputError("The task does not say what to hold.", hint="Give snapshots, since, up_to or member.")


def _find(points: t.Sequence[StoredPoint], text: str, repository: Repository, plan: Plan) -> list[StoredPoint]:
    """The one that is meant; several only where interrupted changes left copies with different holds."""
    if text == LATEST:
        finished = [point.snapshot for point in points if outcome_of(point.snapshot.tags) != CHECKPOINT]
        latest = newest_first(finished, repository.clock.now())[:1]
        found = [point for point in points if point.snapshot in latest]
    elif len(text) < _SHORTEST_ID:
        found = []
    else:
        found = [point for point in points if any(name.startswith(text) for name in _ids(point))]
    if len({point.snapshot.first_id for point in found}) != 1:
        raise InputError(
            f"No single restore point of plan {plan.name} is called {text}.",
            hint=f"Give {LATEST}, or at least {_SHORTEST_ID} characters of an id. The newest ones are {_listed(points, plan)}.",
        )
    return found


def _ids(point: StoredPoint) -> tuple[str, ...]:
    return (point.snapshot.id, point.snapshot.first_id, *point.copies)


def _listed(points: t.Sequence[StoredPoint], plan: Plan) -> str:
    return ", ".join(_title(point.snapshot, plan) for point in points[-10:]) or "none"


def _has_member(repository: Repository, snapshot: Snapshot, wanted: str) -> bool:
    """Whether the snapshot has a directory of the member: good, carried over or half read, all may be wanted."""
    group = group_of(repository, snapshot)
    if group is None or group.subtree is None:
        return False
    directories = {node.name for node in repository.read_tree(group.subtree)}
    return any(
        wanted.casefold() in (member.id.casefold(), member.principal_name.casefold()) and member.directory in directories
        for member in read_members(repository, group.subtree).values()
    )
