# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why members have left a plan: by what the selection says of them, else by what has become of their account.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._text import listed_names
from ..graph.errors import AccessDenied, BadAnswer, GraphError, RequestRefused, ServiceUnavailable, Throttled
from ..graph.ids import UserId
from ..graph.users import deleted_user, user_by_id
from ..plan.roster import LeftReason
from ..plan.side_by_side import side_by_side

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..plan.roster import KnownMember
    from ..plan.selection import Resolution


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """Why somebody is no member. ``deleted`` is when Entra deleted the account, in ISO 8601, None where it does not say."""

    reason: LeftReason
    deleted: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Departures:
    """What a run has found out about its selection. ``unresolved`` are sentences about entries that the directory knows no more."""

    by_id: t.Mapping[str, Departure] = dataclasses.field(default_factory=dict)
    unresolved: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


NOBODY = Departures()


def find_departures(client: GraphClient, known: t.Iterable[KnownMember], resolution: Resolution) -> Departures:
    """Find out about those who leave, and again about those whose account was deleted: it may be back, or gone for good.

    Where the app may not look, or Graph fails, the reason stays open, and the next run asks again.
    """
    selected = {str(member.id) for member in resolution.members}
    left_out = {str(one.id): LeftReason(one.reason.value) for one in resolution.left_out}
    open_cases = [member for member in known if member.id not in selected and is_open(member)]
    found = {member.id: Departure(reason=left_out[member.id]) for member in open_cases if member.id in left_out}
    asked = [member for member in open_cases if member.id not in found]
    answers = side_by_side(lambda member: _what_became_of(client, UserId(member.id)), asked)
    failed = []
    for member, answer in zip(asked, answers, strict=True):
        if isinstance(answer, Departure):
            found[member.id] = answer
        else:
            failed.append((member.principal_name, answer))
    warnings = (f"Why {listed_names([name for name, _error in failed])} left the plan is not known. {failed[0][1]}",) if failed else ()
    return Departures(by_id=found, unresolved=resolution.unresolved, warnings=warnings)


def is_open(member: KnownMember) -> bool:
    """Whether something may have changed about why somebody is no member."""
    return member.left is None or member.left_reason in (None, LeftReason.DELETED)


def _what_became_of(client: GraphClient, user: UserId) -> Departure | GraphError:
    try:
        if user_by_id(client, user) is not None:
            return Departure(reason=LeftReason.NOT_SELECTED)
        gone = deleted_user(client, user)
    except (AccessDenied, BadAnswer, RequestRefused, ServiceUnavailable, Throttled) as error:
        return error
    if gone is None:
        return Departure(reason=LeftReason.PURGED)
    return Departure(reason=LeftReason.DELETED, deleted=None if gone.deleted is None else gone.deleted.isoformat())
