# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decide from what the folders said what becomes of a message. Pure functions.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from enum import Enum

from .catalogue import Record
from .mail_pending import Said, Statement
from .mail_record import is_whole, updated


class Step(Enum):
    NOTHING = "nothing"
    REMOVE = "remove"
    STORE = "store"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Decision:
    """C(folder) and C(fields) are set for STORE."""

    step: Step
    folder: int = -1
    fields: t.Mapping[str, t.Any] | None = None


def decide(old: Record | None, statements: t.Sequence[Statement]) -> Decision:
    """One message, everything that was said of it, and what we have of it.

    A removal counts only from the folder in which we have the message: after a move the old folder's removal may come a
    run later than the new folder's addition.
    """
    changed = [statement for statement in statements if statement.said is Said.CHANGED]
    if len(changed) > 1 or any(statement.said is Said.UNCLEAR for statement in statements):
        return Decision(Step.ASK)
    if changed:
        only = changed[0]
        if not _is_enough(old, only):
            return Decision(Step.ASK)
        return Decision(Step.STORE, only.folder, only.fields)
    if old is not None and any(statement.folder == old["folder"] for statement in statements):
        return Decision(Step.REMOVE)
    return Decision(Step.NOTHING)


def _is_enough(old: Record | None, only: Statement) -> bool:
    """Whether a statement tells what has changed.

    Of a read mark Graph tells nothing but that. An entry in part that says nothing new, or that the message is in another
    folder, stands for changes that it does not name.
    """
    if old is None or is_whole(only.fields):
        return is_whole(only.fields)
    if only.fields.get("changeKey"):
        return bool(only.fields["changeKey"] == old.get("key"))
    return only.folder == old["folder"] and updated(old, {"id": old["id"], **only.fields}, only.folder) != old
