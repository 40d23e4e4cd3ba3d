# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Graph's values become in the records of all sources: times, addresses. Pure functions.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone


def parse_time(text: str | None) -> datetime | None:
    """A Graph time such as 2026-05-17T08:12:05Z, also with up to seven fractional digits; None when it is none."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text[:19])
    except ValueError:
        return None
    return moment.replace(tzinfo=timezone.utc)


def address(value: t.Any) -> str:
    """C(Name <address>) of a recipient, attendee or organizer; the address alone where there is no other name."""
    parts = (value or {}).get("emailAddress") or {}
    name, mailbox = parts.get("name") or "", parts.get("address") or ""
    return mailbox if name in ("", mailbox) else f"{name} <{mailbox}>"


def addresses(values: t.Any) -> list[str]:
    return [address(value) for value in values or ()]


def without_empty(record: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What goes into a record: values that say nothing are left out."""
    return {key: value for key, value in record.items() if not (value is None or value is False or value == "" or value == [])}
