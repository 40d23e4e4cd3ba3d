# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who has joined and left, in sentences for an administrator.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .._text import listed_names
from ..plan.roster import LeftReason

if t.TYPE_CHECKING:
    from ..plan.roster import KnownMember
    from .run_roster import RunRoster

_NAMED = 3
_WHY = {
    LeftReason.NOT_SELECTED: "no longer selected",
    LeftReason.EXCLUDED: "excluded",
    LeftReason.GUEST: "a guest",
    LeftReason.UNLICENSED: "without a licence",
    LeftReason.MAILBOX_KIND: "with a kind of mailbox that the plan does not cover",
    LeftReason.DELETED: "deleted in Entra",
    LeftReason.PURGED: "purged from Entra",
}


def roster_part(roster: RunRoster) -> str:
    """The end of the sentence that tells what a run did; empty where nobody came or went. Of the first run it says nothing."""
    said = ""
    if roster.joiners and not roster.is_first:
        said += f" {len(roster.joiners):,} joined: {listed_names([member.principal_name for member in roster.joiners])}."
    if roster.leavers:
        said += f" {len(roster.leavers):,} left, and what is stored of them stays: {listed_names(list(map(_leaver, roster.leavers)))}."
    return said


def unresolved_part(roster: RunRoster) -> str:
    """Why a run is partial although everything was stored of everybody whom it found."""
    count = len(roster.unresolved)
    entries = "1 entry of the plan means" if count == 1 else f"{count:,} entries of the plan mean"
    return f"{entries} nobody any more, so somebody may be missing. {' '.join(roster.unresolved[:_NAMED])}"


def _leaver(member: KnownMember) -> str:
    return member.principal_name if member.left_reason is None else f"{member.principal_name} ({_WHY[member.left_reason]})"
