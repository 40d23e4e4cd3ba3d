# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run did, in sentences for an administrator.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .._text import count_text, listed_names, size_text
from .results import Outcome, RunResult
from .roster_sentences import roster_part, unresolved_part
from .scan_sentences import backlog_sentence, scan_part

if t.TYPE_CHECKING:
    from .stopping import Stopped


def run_sentence(result: RunResult, *, is_check: bool) -> str:
    """A run that ended complete, or partial where that was allowed."""
    if result.stopped is not None:
        return stopped_sentence(result, result.stopped)
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
        return f"{members} would be backed up: {changes or 'no item has changed'}.{roster_part(result.roster)}"
    if not result.is_changed:
        return f"{members} checked: nothing has changed since the last run, so nothing was written."
    total, stored = count_text(counts.total, "item"), size_text(result.stored_bytes)
    done = f"{members} backed up: {changes or 'no item changed'}; {total} of theirs in the restore point, {stored} stored."
    done += roster_part(result.roster)
    return done if result.scan is None else done + scan_part(result.scan)


def no_mailbox_sentence(names: t.Sequence[str]) -> str:
    """Members of whom there is nothing to back up, which may not be what the plan's author thinks."""
    have = "has" if len(names) == 1 else "have"
    return (
        f"{count_text(len(names), 'member')} {have} no mailbox in Exchange Online, so nothing of them is backed up: {listed_names(names)}."
        " Give them a licence with a mailbox, or leave them out of the plan."
    )


def no_drive_sentence(names: t.Sequence[str]) -> str:
    """Members without a OneDrive: an app cannot make one."""
    have = "has" if len(names) == 1 else "have"
    return (
        f"{count_text(len(names), 'member')} {have} no OneDrive, so nothing of them is backed up: {listed_names(names)}."
        " A OneDrive comes into being when its user opens it for the first time; it is looked for again once a day."
    )


def locked_drive_sentence(names: t.Sequence[str]) -> str:
    """Members whose site an administrator has locked."""
    have = "has" if len(names) == 1 else "have"
    return (
        f"{count_text(len(names), 'member')} {have} a OneDrive that is locked, so nothing of them is backed up: {listed_names(names)}."
        " An administrator of SharePoint can unlock it; the next run tries again."
    )


def failure_sentence(result: RunResult) -> str:
    """A run that did not end complete: who is concerned, the first reason, what it means, what happens next."""
    if result.stopped is not None:
        return stopped_sentence(result, result.stopped)
    bad = [member for member in result.members if member.outcome is not Outcome.COMPLETE]
    if not bad and result.roster.unresolved:
        return f"The run {result.run_id} of plan {result.plan} ended partial: {unresolved_part(result.roster)}"
    if not bad and result.scan is not None:
        return backlog_sentence(result, result.scan)
    reasons = [finding.reason for member in bad for source in member.sources for finding in source.findings]
    names = listed_names([member.principal_name for member in bad])
    ended = "failed" if result.outcome is Outcome.FAILED else "ended partial"
    have = "has" if len(bad) == 1 else "have"
    return (
        f"The run {result.run_id} of plan {result.plan} {ended}: {len(bad):,} of {count_text(len(result.members), 'member')} "
        f"{have} findings ({names}). The first one: {reasons[0] if reasons else 'none given.'} What could be read is in the "
        "repository; failed items are tried again by the next run; what could not be read keeps its last good state."
        f"{' ' + unresolved_part(result.roster) if result.roster.unresolved else ''}"
    )


def stopped_sentence(result: RunResult, stopped: Stopped) -> str:
    """A run that ended before it was through: why, how far it came, what happens next."""
    left = [member for member in result.members if any(source.is_left for source in member.sources)]
    members = f"{len(result.members) - len(left):,} of {count_text(len(result.members), 'member')}"
    kept = "What was read is kept as a checkpoint, and the" if result.is_changed else "The"
    return (
        f"The run {result.run_id} of plan {result.plan} was stopped because {stopped.words}; {members} had been read to their end by"
        f" then. {kept} next run goes on from there. Until then the others keep their last good state."
    )
