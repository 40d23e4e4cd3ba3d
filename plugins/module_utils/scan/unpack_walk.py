# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that is packed in a content, piece by piece, within limits.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .unpack import found_in
from .unpack_budget import Budget
from .unpack_piece import Part, Piece, Unreadable

See = t.Callable[[Piece], tuple[bool, str]]
"""Looks at a piece: whether that is enough, and why it could not be looked at (empty when it could)."""


def look_through(whole: Piece, budget: Budget, see: See) -> tuple[str, ...]:
    """Show the content, then what was unpacked from it, until C(see) has enough. Why not all of it could be shown, each once.

    At most as many pieces are open at a time as packings lie in one another. Raises ScannerDown, and what C(see) raises.
    """
    walk = _Walk(budget, see)
    try:
        walk.at(whole, 0, is_message=False)
    except Unreadable as limit:
        walk.note(limit.reason)
    return tuple(walk.reasons)


class _Walk:
    def __init__(self, budget: Budget, see: See) -> None:
        self.reasons: dict[str, None] = {}
        self._budget = budget
        self._see = see

    def note(self, reason: str) -> None:
        if reason:
            self.reasons[reason] = None

    def at(self, piece: Piece, depth: int, *, is_message: bool) -> bool:
        """Whether it is enough."""
        enough, reason = self._see(piece)
        self.note(reason)
        if enough:
            return True
        for found in found_in(piece, is_message=is_message):
            self._budget.opened(depth + 1)
            if not isinstance(found, Part):
                self.note(found.reason)
            elif self._open(found, depth + 1):
                return True
        return False

    def _open(self, part: Part, depth: int) -> bool:
        with Piece(self._budget.counted(part.chunks)) as piece:
            self.note(piece.damage)
            return piece.size > 0 and self.at(piece, depth, is_message=part.is_message)
