# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom a selection means, as the result of a module.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .._text import count_text
from .seats import seats_of
from .selection_sentences import reasons_text

if t.TYPE_CHECKING:
    from .selection import Resolution


def preview_result(resolution: Resolution) -> dict[str, t.Any]:
    """Members, everybody who was chosen and is none, and what each entry brought."""
    seats = seats_of(resolution.members)
    return {
        "changed": False,
        "members": [member.as_dict() for member in resolution.members],
        "left_out": [left_out.as_dict() for left_out in resolution.left_out],
        "entries": [entry.as_dict() for entry in resolution.entries],
        "seats": {"used": seats.used, "free": seats.free},
        "msg": preview_sentence(resolution),
    }


def preview_sentence(resolution: Resolution) -> str:
    """How many members there are, how many of them use seats, and why others are left out."""
    seats = seats_of(resolution.members)
    sentence = f"The selection covers {count_text(len(resolution.members), 'member')}, who use {count_text(seats.used, 'seat')}."
    if not resolution.left_out:
        return sentence
    count, verb = len(resolution.left_out), "is" if len(resolution.left_out) == 1 else "are"
    return f"{sentence} {count_text(count, 'user')} who {verb} chosen {verb} left out ({reasons_text(resolution.left_out)})."
