# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of the result of a prune, verify, drill, restore or scan is worth to be kept, and in which words. Pure.

Sentences name plans, members and repositories, and nothing that a mailbox holds: they go into the journal and onto reports.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._text import count_text, size_text

Result = t.Mapping[str, t.Any]

RUN = "run"
COMPLETE, PARTIAL, FAILED, DAMAGED = "complete", "partial", "failed", "damaged"
_FINDINGS_KEPT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a task has done: see L(task_records.TaskRecord)."""

    outcome: str
    sentence: str
    detail: str = ""
    finding_count: int = 0
    findings: tuple[dict[str, str], ...] = ()
    numbers: t.Mapping[str, float]
    scan: t.Mapping[str, t.Any] | None = None


def tell(verb: str, result: Result, *, has_failed: bool) -> Told | None:
    """The result of a task, also of one that failed and has a result all the same; None when it has none."""
    key, teller = _TELLERS[verb]
    return teller(result, has_failed) if key in result else None


def run_words(record: Result) -> str:
    """What a run did by its record, to go after its plan."""
    stopped = f" (stopped: {record['stopped']})" if record.get("stopped") else ""
    return (
        f"ended {record['outcome']}{stopped}: {count_text(len(record['members']), 'member')},"
        f" {count_text(record['counts']['total'], 'item')}, {size_text(record['stored_bytes'])} stored,"
        f" {count_text(run_findings(record), 'finding')}."
    )


def run_findings(record: Result) -> int:
    return sum(source["finding_count"] for member in record["members"] for source in member["sources"].values())


def _prune(result: Result, has_failed: bool) -> Told:
    removed, kept = result["snapshots_removed"], result["snapshots_kept"]
    numbers = _numbers(result, "snapshots_kept", "snapshots_removed", "bytes_freed", "bytes_rewritten")
    numbers["members_removed"] = len(result["members_removed"])
    if has_failed:
        sentence = (
            f"Nothing was pruned: {removed:,} of {count_text(removed + kept, 'restore point')} and"
            f" {count_text(len(result['members_removed']), 'former member')} would go, which is more than max_delete_percent allows."
        )
        return Told(outcome=FAILED, sentence=sentence, numbers={})
    former = f" {count_text(len(result['members_removed']), 'former member')} removed." if result["members_removed"] else ""
    sentence = f"{removed:,} of {count_text(removed + kept, 'restore point')} removed, {size_text(max(result['bytes_freed'], 0))} freed."
    return Told(outcome=COMPLETE, sentence=sentence + former, numbers=numbers)


def _verify(result: Result, _has_failed: bool) -> Told:
    subset = f" {result['subset']}" if result.get("subset") else ""
    words = {"sound": "is sound", "repaired": "was damaged and is repaired", "damaged": "is damaged"}[result["outcome"]]
    counted = f": {count_text(result['finding_count'], 'finding')}" if result["finding_count"] else ""
    return Told(
        outcome=DAMAGED if result["outcome"] == "damaged" else COMPLETE,
        sentence=f"The repository {result['repository']} {words}{counted}.",
        detail=f"{result['level']}{subset}",
        finding_count=result["finding_count"],
        findings=tuple(
            {"kind": str(one["severity"]), "object": str(one["object"]), "reason": str(one["problem"])}
            for one in result["findings"][:_FINDINGS_KEPT]
        ),
        numbers=_numbers(result, "snapshots", "packs", "packs_read", "bytes_read", "blobs", "trees"),
    )


def _drill(result: Result, _has_failed: bool) -> Told:
    drill = result["drill"]
    items, members = count_text(drill["items_restored"], "item"), count_text(len(drill["members"]), "member")
    ended = "All of them are as they were backed up." if result["outcome"] == "sound" else "The drill has failed."
    return Told(
        outcome=COMPLETE if result["outcome"] == "sound" else DAMAGED,
        sentence=f"{items} of {members} restored with the {drill['opened_with']} for comparison. {ended}",
        detail=drill["opened_with"],
        finding_count=result["finding_count"],
        numbers={**_numbers(drill, "items_restored", "bytes_restored", "population"), "members": len(drill["members"])},
    )


def _restore(result: Result, has_failed: bool) -> Told:
    written = sum(result[name] for name in ("restored", "copied", "replaced"))
    found = f" {count_text(result['finding_count'], 'finding')}." if result["finding_count"] else ""
    return Told(
        outcome=(PARTIAL if written else FAILED) if has_failed else COMPLETE,
        sentence=f"{count_text(written, 'item')} of {result['member']} ({size_text(result['restored_bytes'])}) restored.{found}",
        finding_count=result["finding_count"],
        numbers=_numbers(result, "restored", "copied", "replaced", "kept", "unchanged", "restored_bytes"),
    )


def _scan(result: Result, has_failed: bool) -> Told:
    left = f" {count_text(result['remaining'], 'content')} still to be scanned." if result["remaining"] else ""
    sentence = (
        f"{count_text(result['scanned'], 'content')} scanned with {result['engine']}, database {result['database']}:"
        f" {result['infected']:,} infected, {result['newly_infected']:,} of them newly; {result['unscannable']:,} unscannable.{left}"
    )
    counts = ("contents", "known", "scanned", "scanned_bytes", "remaining", "clean", "infected", "unscannable", "newly_infected")
    about = ("engine", "engine_version", "database", "database_released", "contents", "clean", "infected", "unscannable", "remaining")
    return Told(
        outcome=PARTIAL if has_failed or result["remaining"] else COMPLETE,
        sentence=sentence,
        finding_count=result["finding_count"],
        numbers=_numbers(result, *counts, "no_longer_infected"),
        scan={
            **{name: result.get(name) for name in about},
            "flagged": [
                {name: one.get(name) for name in ("member", "member_id", "source", "folder", "name", "verdict", "names")}
                for one in result["flagged"]
            ],
        },
    )


def _numbers(result: Result, *names: str) -> dict[str, float]:
    return {name: result[name] for name in names if result.get(name).__class__ in (int, float)}


# The key is one that only a result has, and no error.
_TELLERS: dict[str, tuple[str, t.Callable[[Result, bool], Told]]] = {
    "prune": ("snapshots_removed", _prune),
    "verify": ("outcome", _verify),
    "drill": ("drill", _drill),
    "restore": ("target", _restore),
    "scan": ("contents", _scan),
}
VERBS = tuple(_TELLERS)
