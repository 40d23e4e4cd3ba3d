# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a restore into a mailbox asks of the writer of a source.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .._errors import BackupError
from .choice import ChosenItem
from .conflict import Existing
from .estimate import Estimate
from .marks import Mark


class PartlyRestored(BackupError):
    """The item is there, and the service refused a part of it for good."""

    @classmethod
    def because(cls, error: BackupError, part: str) -> PartlyRestored:
        return cls(f"It is restored without {part}. {error.what}", hint=error.hint, facts=error.facts)


class SourceWriter(t.Protocol):
    """C(write) and C(remove) are called from several threads, the others from one.

    A place is the id of what items go into: a mail folder, a calendar, a folder of contacts.
    """

    def origin(self, item: ChosenItem) -> str:
        """What stands in a mark for the item: the same whenever it is asked for, and for no other item of its folder."""

    def place_of(self, item: ChosenItem, *, make: bool) -> str | None:
        """Where the item goes; made if it is not there and C(make). None: it is not there."""

    def existing(self, place: str) -> t.Iterable[Existing]:
        """What is in the place, in one pass of pages."""

    def key(self, item: ChosenItem) -> str:
        """What the content is recognised by; empty where it gives nothing. May read the content."""

    def write(self, item: ChosenItem, place: str, mark: Mark) -> None:
        """Create the item with its mark. Whole, or not at all, unless the process dies on the way.

        :raises AmbiguousOutcome: it may be there.
        :raises PartlyRestored: it is there, and the service refuses a part of it.
        """

    def remove(self, place: str, item_id: str) -> None:
        """Take an item away; one that is gone is fine."""

    def cost(self, item: ChosenItem) -> Estimate:
        """What C(write) sends, at least."""
