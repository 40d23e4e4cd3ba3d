# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whoever wants to hear how far a long operation of the repository is.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t


class Advance(t.Protocol):
    """Hears of an operation while it works, from any of its threads."""

    def phase(self, phase: str, *, unit: str = "items", total: int | None = None, bytes_total: int | None = None) -> None:
        """Something begins, of which there is so much; None where nobody knows."""

    def add(self, done: int = 0, size: int = 0) -> None:
        """So many more are done, with so many bytes."""


class Unheard:
    """Nobody wants to hear it."""

    def phase(self, phase: str, *, unit: str = "items", total: int | None = None, bytes_total: int | None = None) -> None:
        del phase, unit, total, bytes_total

    def add(self, done: int = 0, size: int = 0) -> None:
        del done, size


UNHEARD: Advance = Unheard()
