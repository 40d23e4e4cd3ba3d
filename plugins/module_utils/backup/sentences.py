# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run did, in sentences for an administrator.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from .._text import count_text, size_text
from .results import Outcome, RunResult

_NAMED = 5


def run_sentence(result: RunResult, *, is_check: bool) -> str:
    """A run that ended complete, or partial where that was allowed."""
    members = count_text(len(result.members), "member")
    counts = result.counts
    changes = ", ".join(
        f"{number:,} {what}"
        for number, what in (
            (counts.added, "added"),
            (counts.updated, "updated"),
            (counts.moved, "moved"),
            (counts.removed, "removed"),
        )
        if number
    )
    if is_check:
        return f"{members} would be backed up: {changes or 'no message has changed'}."
    if not result.is_changed:
        return f"{members} checked: nothing has changed since the last run, so nothing was written."
    total = count_text(counts.total, "message")
    return f"{members} backed up: {changes or 'no message changed'}; {total} in the restore point, {size_text(result.stored_bytes)} stored."


def failure_sentence(result: RunResult) -> str:
    """A run that did not end complete: who is concerned, the first reason, what it means, what happens next."""
    bad = [member for member in result.members if member.outcome is not Outcome.COMPLETE]
    reasons = [finding.reason for member in bad for source in member.sources for finding in source.findings]
    names = ", ".join(member.principal_name for member in bad[:_NAMED])
    if len(bad) > _NAMED:
        names += f" and {len(bad) - _NAMED:,} more"
    ended = "failed" if result.outcome is Outcome.FAILED else "ended partial"
    have = "has" if len(bad) == 1 else "have"
    return (
        f"The run {result.run_id} of plan {result.plan} {ended}: {len(bad):,} of {count_text(len(result.members), 'member')} "
        f"{have} findings ({names}). The first one: {reasons[0] if reasons else 'none given.'} What could be read is in the "
        "repository; failed items are tried again by the next run; a mailbox that could not be read keeps its last good state."
    )
