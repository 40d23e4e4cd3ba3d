# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which items of a source are meant, decided on their catalogue records alone. Pure.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timezone

from .._errors import InputError
from .catalogue import Record
from .item_fields import parse_time

_NEVER = datetime.max.replace(tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFilter:
    """Every condition that is set has to hold; without any, every item is meant.

    Texts are looked for anywhere in the field, whatever the case and the Unicode form. ``sender`` is looked for in the
    name and address of who sent or organises it; ``recipient`` in those of the recipients or attendees, and in the
    addresses of a contact. ``after`` is inclusive, ``before`` exclusive, both with a zone: for mail the time of receipt
    counts, for an event any time at which it or an occurrence of its series may go on. Sizes are in bytes, both
    inclusive. C(message_id) is the internet message id of a message. An item that lacks what a condition looks at does not match.
    """

    subject: str | None = None
    sender: str | None = None
    recipient: str | None = None
    after: datetime | None = None
    before: datetime | None = None
    min_size: int | None = None
    max_size: int | None = None
    attachment: str | None = None
    message_id: str | None = None
    ids: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for moment in (self.after, self.before):
            if moment is not None and moment.tzinfo is None:
                raise InputError(f"The time {moment.isoformat()} has no zone.", hint="Write it with its zone, such as +02:00 or Z.")
        if self.after is not None and self.before is not None and self.after >= self.before:
            raise InputError("No item is both after the one and before the other time.", hint="Let before be later than after.")
        if self.min_size is not None and self.max_size is not None and self.min_size > self.max_size:
            raise InputError("No item has at least the one and at most the other size.", hint="Let max_size be at least min_size.")

    @property
    def is_empty(self) -> bool:
        """Whether every item is meant."""
        return self == _EVERYTHING

    def matches(self, record: Record) -> bool:
        return (
            (not self.ids or record["id"] in self.ids)
            and (self.message_id is None or str(record.get("mid", "")).strip("<>") == self.message_id.strip("<> "))
            and self._has_size(record)
            and self._has_time(record)
            and _contains((record.get("subject"),), self.subject)
            and _contains((record.get("from"),), self.sender)
            and _contains((*record.get("to", ()), *record.get("cc", ()), *record.get("bcc", ())), self.recipient)
            and _contains(record.get("attachment_names", ()), self.attachment)
        )

    def _has_size(self, record: Record) -> bool:
        size = record.get("size")
        if size is None:
            return self.min_size is None and self.max_size is None
        return (self.min_size is None or size >= self.min_size) and (self.max_size is None or size <= self.max_size)

    def _has_time(self, record: Record) -> bool:
        if self.after is None and self.before is None:
            return True
        span = item_span(record)
        if span is None:
            return False
        start, end = span
        # An event that ends at the very moment is over; something without a duration is not.
        is_after = self.after is None or end > self.after or start >= self.after
        return is_after and (self.before is None or start < self.before)


_EVERYTHING = ItemFilter()


def item_span(record: Record) -> tuple[datetime, datetime] | None:
    """From when to when an item lies in time: events go on, everything else has the moment of its receipt or creation."""
    start = parse_time(record.get("start"))
    if start is None:
        moment = parse_time(record.get("received"))
        return None if moment is None else (moment, moment)
    if record.get("series"):
        return start, max(start, parse_time(record.get("until")) or _NEVER)
    return start, max(start, parse_time(record.get("end")) or start)


def folded(text: str) -> str:
    """Equal for texts that differ in case or in the way their characters are composed."""
    return text.casefold() if text.isascii() else unicodedata.normalize("NFKC", unicodedata.normalize("NFKD", text).casefold())


def _contains(texts: t.Iterable[str | None], wanted: str | None) -> bool:
    if wanted is None:
        return True
    sought = folded(wanted)
    return any(sought in folded(text) for text in texts if text)
