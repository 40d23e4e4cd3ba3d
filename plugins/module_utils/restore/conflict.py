# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do with an item, given what is in the place that it goes to. Pure.

Three things tell that an item is there already: its own id (the backup keeps ids that never change, so in the mailbox
that it came from the item itself is recognised), the mark of a restore with that id, and a key of its content: the
internet message id of a message, the iCalUId of an event, names and addresses of a contact.

What this very restore has made counts by its mark alone: two messages of one internet message id were two in the
backup, and become two.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from enum import Enum

from .marks import Mark
from .results import Restored


class Policy(str, Enum):
    """What becomes of an item that is there: left as it is; left, with the restored one beside it; replaced."""

    SKIP = "skip"
    COPY = "copy"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Existing:
    """An item in the mailbox. C(is_bound): taking it away would mail people, so it has to stay."""

    id: str
    mark: Mark | None = None
    key: str = ""
    is_bound: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """An item of the backup as this restore would mark it. C(key) is empty where its content gives none."""

    mark: Mark
    key: str = ""

    def is_made_here(self, existing: Existing) -> bool:
        """Whether this very restore has made it, perhaps not to its end."""
        mark = existing.mark
        return mark is not None and (mark.restore, mark.origin) == (self.mark.restore, self.mark.origin)

    def is_same(self, existing: Existing) -> bool:
        """Whether it was there before this restore and is the same item."""
        if existing.mark is not None and existing.mark.restore == self.mark.restore:
            return False
        if existing.id == self.mark.origin or (existing.mark is not None and existing.mark.origin == self.mark.origin):
            return True
        return self.key != "" and existing.key == self.key


@dataclass(frozen=True, slots=True)
class Decision:
    """First take away C(half_built), then create if C(creates), then take away C(surplus).

    C(is_bound): it is skipped although it should be replaced.
    """

    outcome: Restored
    creates: bool = False
    half_built: tuple[str, ...] = ()
    surplus: tuple[str, ...] = ()
    is_bound: bool = False

    @property
    def is_settled(self) -> bool:
        return not (self.creates or self.half_built or self.surplus)


def decide(wanted: Wanted, existing: t.Iterable[Existing], policy: Policy) -> Decision:
    """C(existing) is everything in the place that L(Wanted) might recognise; more does no harm."""
    found = list(existing)
    own = [each for each in found if wanted.is_made_here(each)]
    whole = [each.id for each in own if each.mark is not None and each.mark.is_whole]
    half_built = tuple(each.id for each in own if each.id not in whole)
    others = [each for each in found if wanted.is_same(each)]
    is_bound = policy is Policy.REPLACE and any(each.is_bound for each in others)
    replaced = tuple(each.id for each in others) if policy is Policy.REPLACE and not is_bound else ()
    if whole:
        return Decision(Restored.UNCHANGED, half_built=half_built, surplus=(*whole[1:], *replaced))
    if is_bound or (others and not own and policy is Policy.SKIP):
        return Decision(Restored.SKIPPED, half_built=half_built, is_bound=is_bound)
    outcome = Restored.WRITTEN
    if others:
        outcome = Restored.REPLACED if policy is Policy.REPLACE else Restored.COPIED
    return Decision(outcome, creates=True, half_built=half_built, surplus=replaced)
