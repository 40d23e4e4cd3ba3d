# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a scan of stored snapshots says: as the result of a module, and in sentences for an administrator.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .._text import count_text, size_text
from ..repository.types import Snapshot
from ..scan.verdict import VerdictKind
from .flagged_items import FlaggedItem
from .layout import META, is_parts
from .results import Finding, FindingKind, listed
from .scan_contents import State, Total
from .scanning_again import Scanned

_VERIFY = "Its content cannot be read any more, so it was not scanned; verify the repository."


class Numbers:
    """Contents, and their bytes, out of the totals of a scan."""

    def __init__(self, totals: t.Sequence[Total]) -> None:
        self._totals = totals

    def count(self, *states: State, kind: VerdictKind | None = None) -> int:
        return sum(total.contents for total in self._totals if total.state in (states or State) and kind in (None, total.kind))

    def size(self, *states: State) -> int:
        return sum(total.size for total in self._totals if total.state in (states or State))

    def became(self, kind: VerdictKind) -> int:
        """How many are so by this scan, and were not before."""
        return sum(total.contents for total in self._totals if total.kind is kind and total.earlier is not kind)

    def ceased(self, kind: VerdictKind) -> int:
        """How many were so before this scan, and are not any more."""
        return sum(total.contents for total in self._totals if total.kind not in (None, kind) and total.earlier is kind)


def scan_result(found: Scanned, plan_name: str, *, is_check: bool) -> dict[str, t.Any]:
    """The same shape in check mode. Lists are cut after a hundred; counts are whole."""
    numbers = Numbers(found.totals)
    findings = [*found.findings, *(_lost(one) for one in found.unreadable)]
    unreadable = numbers.count(State.DAMAGED)
    return {
        "changed": found.is_changed,
        "engine": found.engine.name,
        "engine_version": found.engine.version,
        "database": found.engine.database,
        "database_released": found.engine.released,
        "snapshots": [_snapshot(snapshot) for snapshot in found.snapshots],
        "contents": numbers.count(),
        "contents_bytes": numbers.size(),
        "known": numbers.count(State.KNOWN),
        "scanned": numbers.count(State.DONE),
        "scanned_bytes": numbers.size(State.DONE),
        "remaining": numbers.count(State.WAITING),
        "remaining_bytes": numbers.size(State.WAITING),
        "stopped": None if found.stopped is None else found.stopped.reason.value,
        "unreadable": unreadable,
        **{kind.value: numbers.count(kind=kind) for kind in VerdictKind},
        "newly_infected": numbers.became(VerdictKind.INFECTED),
        "no_longer_infected": numbers.ceased(VerdictKind.INFECTED),
        "flagged": [_item(one) for one in found.flagged],
        "cleared": [_item(one) for one in found.cleared],
        "finding_count": len(found.findings) + unreadable,
        "findings": listed(findings),
        "msg": scan_sentence(found, plan_name, is_check=is_check),
    }


def scan_sentence(found: Scanned, plan_name: str, *, is_check: bool) -> str:
    """What was scanned with what, what it found, and what is left to do."""
    numbers = Numbers(found.totals)
    where = f"{count_text(len(found.snapshots), 'snapshot')} of the plan {plan_name}"
    database = f"{found.engine.name}, database {found.engine.database}" + (f" of {found.engine.released}" if found.engine.released else "")
    waiting, known = numbers.count(State.WAITING), numbers.count(State.KNOWN)
    before = f"{known:,} {'was' if known == 1 else 'were'} judged by it before."
    if is_check:
        amount = f"{count_text(waiting, 'content')} ({size_text(numbers.size(State.WAITING))})"
        parts = [f"{amount} of {where} would be scanned with {database}; {before}"]
    else:
        amount = f"{count_text(numbers.count(State.DONE), 'content')} ({size_text(numbers.size(State.DONE))})"
        parts = [f"{amount} of {where} scanned with {database}; {before}"]
        parts += _left(found, waiting, numbers)
    parts += _what_was_found(found, numbers)
    if found.findings or found.unreadable:
        first = (*found.findings, *(_lost(one) for one in found.unreadable))[0]
        more = count_text(len(found.findings) + numbers.count(State.DAMAGED), "finding")
        parts.append(f"Not everything could be looked at: {more}. The first one, {first.object}: {first.reason}")
    return " ".join(parts)


def _left(found: Scanned, waiting: int, numbers: Numbers) -> list[str]:
    if not waiting:
        return []
    amount = f"{count_text(waiting, 'content')} ({size_text(numbers.size(State.WAITING))})"
    if found.stopped is not None:
        why = f"{found.stopped.words}."
    else:
        why = f"the malware engine gave no more answers: {found.down}" if found.down is not None else "the time was up."
    return [f"{amount} still without it, because {why} The next scan goes on from here."]


def _what_was_found(found: Scanned, numbers: Numbers) -> list[str]:
    infected, unscannable = numbers.count(kind=VerdictKind.INFECTED), numbers.count(kind=VerdictKind.UNSCANNABLE)
    if not infected:
        parts = ["None is infected."]
    else:
        news, parts = numbers.became(VerdictKind.INFECTED), []
        parts.append(f"{count_text(infected, 'content')} infected, {'none' if not news else f'{news:,}'} of them newly found.")
        first = next(iter(found.flagged), None)
        if first is not None and first.judged.kind is VerdictKind.INFECTED and first.judged.verdict is not None:
            since = f"{first.first.id[:8]} of {first.first.time:%Y-%m-%d %H:%M} UTC"
            parts.append(
                f"The first one: {first.item.name}: {', '.join(first.judged.verdict.names)}; in the backup since snapshot {since}."
            )
    if cleared := numbers.ceased(VerdictKind.INFECTED):
        parts.append(f"{count_text(cleared, 'content')} no longer infected.")
    if unscannable:
        parts.append(f"{count_text(unscannable, 'content')} could not be looked into.")
    return parts


def _lost(one: FlaggedItem) -> Finding:
    return Finding(kind=FindingKind.FAILED, object=one.item.name, reason=_VERIFY, code="unreadable")


def _item(one: FlaggedItem) -> dict[str, t.Any]:
    item, judged = one.item, one.judged
    verdict: dict[str, t.Any] = {"verdict": "" if judged.kind is None else judged.kind.value, "names": [], "reason": ""}
    return {
        "member": item.member,
        "member_id": item.member_id,
        "display_name": item.display_name,
        "source": item.source,
        "folder": item.folder,
        "name": item.subject,
        "part": _part(item.affected.path[3:]),
        "received": item.received,
        "id": item.id,
        "description": item.name,
        "size": judged.file.size,
        **verdict,
        **({} if judged.verdict is None else judged.verdict.as_dict()),
        "previous_verdict": "" if judged.earlier_kind is None else judged.earlier_kind.value,
        "previous_names": [] if judged.earlier is None else list(judged.earlier.names),
        "first_snapshot": _snapshot(one.first),
        "last_snapshot": _snapshot(one.last),
    }


def _part(path: t.Sequence[str]) -> str:
    """The file beside an item, or the earlier version; empty for the item itself."""
    if path[0] == META:
        return f"version {path[-1]}"
    return path[-1] if is_parts("".join(path[-2:-1])) else ""


def _snapshot(snapshot: Snapshot) -> dict[str, str]:
    return {"id": snapshot.id, "time": snapshot.time.isoformat(timespec="seconds")}
