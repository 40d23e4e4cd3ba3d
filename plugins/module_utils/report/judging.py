# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether somebody is protected, by what a run has written into its record. Pure.

The words and their meaning are those of coverage, which asks the repository itself.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta

from ..plan.retention import is_in_future

NEVER, OLD, UNFINISHED, UNREACHABLE = "never", "old", "unfinished", "unreachable"
STALE, FINDINGS, INFECTED, ABSENT = "stale", "findings", "infected", "absent"
WORDS = (NEVER, OLD, UNFINISHED, UNREACHABLE, STALE, FINDINGS, INFECTED, ABSENT)
"""The worst first."""

UNPROTECTING = frozenset({NEVER, OLD, UNFINISHED, UNREACHABLE})

NO_ARCHIVE, DRIVE_LOCKED, REFUSED = "no_archive", "drive_locked", "refused: "
NOTHING_THERE = frozenset({"no_mailbox", "no_drive", "no_sharepoint_licence", "not_available_in_this_cloud", NO_ARCHIVE})
_STOPPED = "stopped"


def source_problems(source: t.Mapping[str, t.Any], *, now: datetime, max_age: timedelta | None) -> tuple[str, ...]:
    """What is wrong with a source as a run record has it; C(max_age) None promises nothing."""
    availability = source.get("availability") or ""
    if availability in NOTHING_THERE:
        # Most people have no archive.
        return () if availability == NO_ARCHIVE else (ABSENT,)
    if availability == DRIVE_LOCKED or availability.startswith(REFUSED):
        return (UNREACHABLE,)
    return tuple(_problems(source, last_success(source, now), now, max_age))


def last_success(source: t.Mapping[str, t.Any], now: datetime) -> datetime | None:
    """When all of it was last known to be in the backup. A time in the future is the work of a wrong clock, and proves nothing."""
    text = source.get("last_success")
    moment = None if not text else datetime.fromisoformat(text)
    return None if moment is None or is_in_future(moment, now) else moment


def is_there(source: t.Mapping[str, t.Any]) -> bool:
    """Whether there is something to be backed up, as far as anybody knows."""
    return source.get("availability") not in NOTHING_THERE


def worst_first(problems: t.Iterable[str]) -> tuple[str, ...]:
    """Each once."""
    found = set(problems)
    return tuple(word for word in WORDS if word in found)


def _problems(source: t.Mapping[str, t.Any], last: datetime | None, now: datetime, max_age: timedelta | None) -> t.Iterator[str]:
    is_left = any(finding.get("code") == _STOPPED for finding in source["findings"])
    if last is None:
        yield UNFINISHED if is_left else NEVER
    elif max_age is not None and now - last > max_age:
        yield OLD
    if source["outcome"] == "failed":
        yield STALE
    elif source["outcome"] == "partial":
        yield FINDINGS
