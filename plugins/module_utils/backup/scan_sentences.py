# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the malware scan of a run found, in sentences for an administrator.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .._text import count_text
from ..scan.verdict import VerdictKind
from .scan_marks import UNSCANNED

if t.TYPE_CHECKING:
    from .results import RunResult
    from .scan_results import Flagged, RunScanned

_NAMED = 5


def scan_warnings(scanned: RunScanned) -> t.Iterator[str]:
    """What somebody has to look at, though the backup itself is fine."""
    infected = scanned.of(VerdictKind.INFECTED.value)
    if infected:
        yield (
            f"The malware scan found {_count(scanned.counts.infected, infected)} infected: {_listed(infected)}. All of it is stored"
            " and marked, and neither restored nor exported unless asked for with include_infected."
        )
    unscannable = scanned.of(VerdictKind.UNSCANNABLE.value)
    if unscannable:
        number = _count(scanned.counts.unscannable, unscannable)
        yield f"The malware scan could not look into {number}: {_listed(unscannable)}. All of it is stored, and marked."


def scan_part(scanned: RunScanned) -> str:
    """The end of the sentence that tells what a run did."""
    counts = scanned.counts
    number = counts.scanned + counts.known
    if not number:
        return ""
    known = f" ({counts.known:,} of them known)" if counts.known else ""
    found = ", ".join(
        f"{number:,} {what}"
        for number, what in ((counts.infected, "infected"), (counts.unscannable, "not scannable"), (counts.clean, "clean"))
        if number
    )
    return f" Malware scan of {count_text(number, 'content')}{known}: {found}."


def backlog_sentence(result: RunResult, scanned: RunScanned) -> str:
    """A run that stored everything, while earlier contents wait for the scanner."""
    number = count_text(scanned.counts.unscanned, "content")
    reason = next((one.mark.get("reason", "") for one in scanned.of(UNSCANNED)), "")
    return (
        f"The run {result.run_id} of plan {result.plan} ended partial: {number} that an earlier run stored without a malware scan"
        f" could not be scanned yet. {reason} The next run tries again."
    )


def refused_sentence(result: RunResult) -> str:
    """A run that stored everything, and that the plan wants to fail."""
    words = " and ".join(sorted({one.verdict for one in result.refused}))
    return (
        f"The run {result.run_id} of plan {result.plan} stored everything, and fails because the plan says so of {words} contents:"
        f" {_listed(result.refused)}."
    )


def _count(contents: int, items: t.Sequence[Flagged]) -> str:
    """Those of an interrupted run are named, and counted nowhere."""
    return count_text(max(contents, len(items)), "content")


def _listed(items: t.Sequence[Flagged]) -> str:
    more = f" and {len(items) - _NAMED:,} more" if len(items) > _NAMED else ""
    return "; ".join(map(_named, items[:_NAMED])) + more


def _named(one: Flagged) -> str:
    place = "/".join(filter(None, (one.folder, one.name)))
    part = f", {one.part}" if one.part else ""
    why = ", ".join(one.mark.get("names", ())) or one.mark.get("reason", "")
    return f"{one.source} of {one.member}, {place}{part} ({why})"
