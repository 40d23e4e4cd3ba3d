# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that the options of a task describe.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from datetime import datetime

from .._errors import InputError
from .item_filter import ItemFilter


def filter_of(params: t.Mapping[str, t.Any]) -> ItemFilter:
    """Raises InputError for what no item could ever match, and for times without a zone."""
    return ItemFilter(
        subject=params["subject"],
        sender=params["sender"],
        recipient=params["recipient"],
        after=moment_of(params["after"]),
        before=moment_of(params["before"]),
        min_size=params["min_size"],
        max_size=params["max_size"],
        attachment=params["attachment"],
        message_id=params["message_id"],
        ids=frozenset(params["item_ids"]),
    )


def moment_of(text: str | None) -> datetime | None:
    """A time as tasks write it; whoever takes it refuses one without a zone."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise InputError(f"{text} is no time.", hint="Write for example 2026-05-17T08:00:00+02:00.") from None
