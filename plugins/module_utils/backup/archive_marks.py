# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a folder of an archive is known, and when it has to be listed in full again. Pure functions.

A list of what was modified since the last time names new and changed items. It does not name what was deleted or moved away,
and perhaps not what was moved in with its old date. So a small folder is always listed in full, a larger one when its number of
items does not follow from what was listed, and all of them from time to time.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from .item_fields import parse_time

SWEEP_AFTER = timedelta(days=7)
SMALL_FOLDER = 100
"""Items up to which a folder is listed in full each time: that is one request, too."""
_NEVER = "1970-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class FolderMark:
    """C(modified) is the latest time of modification that was seen, in whole seconds and never later than the true one; C(count)
    the items that the service counted in the folder; C(held) those that the catalogue has in it; C(seen) a fingerprint of what the
    next list shows if nothing changes. None where it is not known."""

    modified: str
    count: int | None = None
    held: int | None = None
    seen: str | None = None

    def as_text(self) -> str:
        return " ".join((self.modified, *("-" if value is None else str(value) for value in (self.count, self.held, self.seen))))


def parse_mark(text: str | None) -> FolderMark | None:
    """None for no mark, and for one that makes no sense: then the folder is listed in full."""
    words = (text or "").split()
    if len(words) != 4 or len(words[0]) != len(_NEVER) or parse_time(words[0]) is None:
        return None
    if not all(word == "-" or (word.isascii() and word.isdecimal()) for word in words[1:3]):
        return None
    count, held = (None if word == "-" else int(word) for word in words[1:3])
    return FolderMark(words[0], count, held, None if words[3] == "-" else words[3])


def latest(before: FolderMark | None, seen: t.Iterable[str], now: datetime) -> str:
    """The latest time of modification after a listing that showed these.

    Fractions are cut off, so that the second is read again next time; a time in the future does not hide what is modified
    before it comes.
    """
    found = [_NEVER if before is None else before.modified]
    found += [text[:19] + "Z" for text in seen if len(text) >= 19 and parse_time(text) is not None]
    return min(max(found), now.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))


def must_sweep(mark: FolderMark | None, count: int | None, new_items: int, pages: int) -> bool:
    """Whether the items modified since the mark may not tell the whole story of a folder.

    C(new_items) of them were not known in the folder, on so many pages: what is modified while one page after the other is
    asked for may shift out of sight.
    """
    if mark is None or pages > 1 or mark.held != mark.count:
        return True
    return mark.count is None or count is None or count - mark.count != new_items


def is_sweep_due(last: str | None, now: datetime) -> bool:
    """Whether all folders are to be listed in full."""
    moment = parse_time(last)
    return moment is None or not timedelta(0) <= now - moment < SWEEP_AFTER
