# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which errors concern one object, and when many of them concern the whole source.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from .._errors import BackupError
from ..graph.errors import BadAnswer, ItemUnreadable, NotFound, RequestRefused, ServiceUnavailable, Throttled

#: Errors that concern one item or folder; everything else ends the source.
ONE_OBJECT = (BadAnswer, ItemUnreadable, NotFound, RequestRefused, ServiceUnavailable, Throttled)
#: Of these, the ones that a sick mailbox gives for every object.
MAYBE_ALL = (BadAnswer, ServiceUnavailable, Throttled)
SICK_AFTER = 8


class Sickness:
    """Counts failures in a row: single objects may fail, a mailbox that fails with every object is sick."""

    def __init__(self, after: int = SICK_AFTER, kinds: tuple[type[BackupError], ...] = MAYBE_ALL) -> None:
        self._in_a_row = 0
        self._after = after
        self._kinds = kinds

    def passed(self) -> None:
        self._in_a_row = 0

    def failed(self, error: BackupError) -> None:
        """Raises the error when it is one too many."""
        self._in_a_row += isinstance(error, self._kinds)
        if self._in_a_row >= self._after:
            raise error
