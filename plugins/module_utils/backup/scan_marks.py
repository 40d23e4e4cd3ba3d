# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the record of an item says of its malware scan, when that is not "clean".

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from datetime import datetime

from ..scan.verdicts import time_text
from .item_verdicts import SEVERITY, ScanState

UNSCANNED = ScanState.UNSCANNED.value
#: The key of a record under which its mark is.
SCAN = "scan"

#: A verdict as a dictionary, or C({"verdict": "unscanned", "reason": ..., "time": ...}).
Mark = dict[str, t.Any]


def unscanned_mark(reason: str, moment: datetime) -> Mark:
    """For a content that nobody could scan."""
    return {"verdict": UNSCANNED, "reason": reason, "time": time_text(moment)}


def worst_mark(marks: t.Iterable[Mark | None]) -> Mark | None:
    """The one that counts for an item of several contents, with the names of everything that was found. None for none."""
    found = sorted(filter(None, marks), key=severity)
    if not found:
        return None
    names = sorted({name for mark in found for name in mark.get("names", ())})
    return {**found[0], **({"names": names} if names else {})}


def severity(mark: Mark) -> int:
    """Small for what is bad."""
    return SEVERITY.index(mark["verdict"])
