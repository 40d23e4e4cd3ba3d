# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The mark that every restored item carries, so that a restore that is started again creates nothing twice. Pure.

A mark is an extended property of the item with one value: the restore that made it, whether it is whole, and the id
that the item had when it was backed up. Outlook does not show it.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import dataclass

from ..graph.extended_properties import value_of

PROPERTY = "String {5e1b5d0c-0d7f-4b1e-9d5c-2f9a7c6e41d3} Name M365BackupRestore"
#: Shown as a category of an item that is not whole yet.
UNFINISHED = "Restore not finished"
_WHOLE = "whole"
_BUILDING = "building"


@dataclass(frozen=True, slots=True)
class Mark:
    """C(restore) is from L(restore_id), C(origin) the id of the item in the backup."""

    restore: str
    origin: str
    is_whole: bool = True

    def as_property(self) -> dict[str, str]:
        """What goes into C(singleValueExtendedProperties)."""
        return {"id": PROPERTY, "value": f"{self.restore} {_WHOLE if self.is_whole else _BUILDING} {self.origin}"}


def restore_id(plan: str, snapshot_id: str, member_id: str, source: str) -> str:
    """The same for every start of the same restore: what was restored before, by whatever host, is recognised."""
    return hashlib.sha256(f"{plan}\n{snapshot_id}\n{member_id}\n{source}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def mark_of(fields: t.Mapping[str, t.Any]) -> Mark | None:
    """The mark of an item that was asked for with its extended properties; None where there is none that we know."""
    restore, state, origin = (*(value_of(fields, PROPERTY) or "").split(" ", 2), "", "", "")[:3]
    if not origin or state not in (_WHOLE, _BUILDING):
        return None
    return Mark(restore, origin, is_whole=state == _WHOLE)
