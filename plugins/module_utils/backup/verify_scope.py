# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How thoroughly a verification looks: from the options of a task to the packs that are read. Pure functions.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from enum import Enum

from .._errors import InputError
from ..repository.check import ALL_DATA, STRUCTURE, Scope

#: The part of a pack follows from the first byte of its id.
MOST_PARTS = 256
_SUBSET = re.compile(r"\s*(\d{1,3})\s*/\s*(\d{1,3})\s*", re.ASCII)


class Level(str, Enum):
    """What a task asks for."""

    STRUCTURE = "structure"
    SUBSET = "subset"
    DATA = "data"
    DRILL = "drill"


def choose_scope(level: Level, subset: str | None, rotate_over: int, now: datetime) -> Scope:
    """Which packs are read in full. Raises InputError for a part that does not exist."""
    if level is Level.SUBSET:
        return _named_part(subset) if subset else _part_of_the_day(rotate_over, now)
    return ALL_DATA if level is Level.DATA else STRUCTURE


def _named_part(subset: str) -> Scope:
    found = _SUBSET.fullmatch(subset)
    scope = Scope(int(found.group(1)), int(found.group(2))) if found else Scope(0, 0)
    if not 1 <= scope.part <= scope.parts <= MOST_PARTS:
        raise InputError(f"The subset {subset!r} is no part of the data.", hint=f"Write n/t, such as 3/7, with t at most {MOST_PARTS}.")
    return scope


def _part_of_the_day(rotate_over: int, now: datetime) -> Scope:
    if not 1 <= rotate_over <= MOST_PARTS:
        raise InputError(f"The data cannot be read in {rotate_over} parts.", hint=f"Choose a number between 1 and {MOST_PARTS}.")
    day = now.astimezone(timezone.utc).date().toordinal()
    return Scope(day % rotate_over + 1, rotate_over)
