# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an administrator should know of the OneDrives of members before the first backup: who may lose theirs.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .._text import count_text, listed_names
from .selection import Member


def unlicensed_sentence(members: t.Sequence[Member]) -> str:
    """Members whose OneDrive becomes unreadable for everybody; all of them are known to have no licence."""
    have = "has" if len(members) == 1 else "have"
    names = listed_names([_named(member) for member in members])
    return (
        f"{count_text(len(members), 'member')} {have} no licence for OneDrive: {names}. Microsoft archives a OneDrive 93 days"
        " after its licence is gone, and nobody can read it then. Give the licence back, or let a backup run before."
    )


def unlicensed(members: t.Iterable[Member]) -> list[Member]:
    """Those of whom the directory says that they have no licence, not those of whom it says nothing."""
    return [member for member in members if member.drive_licence is not None and not member.drive_licence.is_held]


def _named(member: Member) -> str:
    until = None if member.drive_licence is None else member.drive_licence.readable_until
    return member.principal_name if until is None else f"{member.principal_name} (readable until {until:%Y-%m-%d} or later)"
