# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decide from what the folders of a source said what becomes of an item. Pure functions.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from .catalogue import Record
from .item_fields import parse_time
from .mail_pending import Said, Statement

#: A prime that is no multiple of a week, so that runs on one weekday only come round to every item, too.
WATCH_DAYS = 29


class Step(Enum):
    NOTHING = "nothing"
    LOOK = "look"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Decision:
    """C(folders) are the numbers of those in which a LOOK may find the item, the most likely first; none: anywhere."""

    step: Step
    folders: tuple[int, ...] = ()


def decide(
    old: Record | None, statements: t.Sequence[Statement], key: t.Callable[[t.Mapping[str, t.Any]], str], gone: t.Collection[int]
) -> Decision:
    """One item, everything that was said of it, and what we have of it.

    C(gone) are folders in which it would have been named if it were still there. A removal counts only from the folder
    in which we have the item: after a move the old folder's removal may come a run later than the new folder's addition.
    """
    there = [statement for statement in statements if statement.said is not Said.REMOVED]
    if there:
        if old is not None and len(there) == 1 and _is_known(old, there[0], key):
            return Decision(Step.NOTHING)
        places = dict.fromkeys(statement.folder for statement in there if statement.folder >= 0)
        if old is not None and old["folder"] not in gone:
            places[old["folder"]] = None
        return Decision(Step.LOOK, tuple(places))
    if old is not None and (old["folder"] in gone or any(statement.folder == old["folder"] for statement in statements)):
        return Decision(Step.REMOVE)
    return Decision(Step.NOTHING)


def digest(document: t.Mapping[str, t.Any]) -> str:
    """The same for two answers that say the same."""
    plain = {name: value for name, value in document.items() if name != "@odata.context"}
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]


def is_due(item_id: str, until: str, now: datetime) -> bool:
    """Whether it is the turn of an item that may change without being named: each one once in C(WATCH_DAYS) daily runs."""
    end = parse_time(until)
    if end is not None and end < now:
        return False
    turn = int.from_bytes(hashlib.sha256(item_id.encode("utf-8", "surrogatepass")).digest()[:4], "big")
    return turn % WATCH_DAYS == now.toordinal() % WATCH_DAYS


def _is_known(old: Record, statement: Statement, key: t.Callable[[t.Mapping[str, t.Any]], str]) -> bool:
    """Whether a folder names an item where we have it, as we have it."""
    if statement.said is not Said.CHANGED or statement.folder != old["folder"] or old.get("series"):
        return False
    said = key(statement.fields)
    return bool(said) and said == old.get("key")
