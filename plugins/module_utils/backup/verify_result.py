# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a verification says: as the result of a module, and in sentences for an administrator.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import typing as t

from .._text import count_text, size_text
from ..repository.check import ALL_DATA, STRUCTURE, Examination, Scope
from ..repository.findings import Finding, Severity
from .damaged_items import DamagedItem, ItemKind
from .source_words import SOURCES, item_word, source_words
from .verdict_heads import is_verdicts
from .verifying import Mending, Verification

_LISTED = 100
_NAMED = 3

SOUND, REPAIRED, DAMAGED = "sound", "repaired", "damaged"


def outcome(verification: Verification) -> str:
    """C(repaired): there was damage, and it is gone."""
    if not verification.is_sound:
        return DAMAGED
    return SOUND if verification.examination.is_sound else REPAIRED


def verification_result(verification: Verification, scope: Scope, location: str, *, is_check: bool) -> dict[str, t.Any]:
    """The same shape in check mode. Long lists are cut after a hundred; their counts are whole."""
    examination, mending = verification.examination, verification.mending
    by_finding: dict[int, list[DamagedItem]] = collections.defaultdict(list)
    for item in verification.items:
        by_finding[item.affected.finding].append(item)
    findings = [_finding(finding, by_finding[number]) for number, finding in enumerate(examination.findings)]
    part = {"subset": f"{scope.part}/{scope.parts}"} if scope not in (STRUCTURE, ALL_DATA) else {}
    return {
        "changed": mending is not None and mending.is_changed,
        "outcome": outcome(verification),
        **part,
        **_counts(examination),
        "finding_count": len(findings),
        "findings": sorted(findings, key=lambda finding: str(finding["severity"]))[:_LISTED],
        "members": _members(verification.items),
        "repair": None if mending is None else _repair(mending),
        "msg": verification_sentence(verification, location, is_check=is_check),
    }


def verification_sentence(verification: Verification, location: str, *, is_check: bool) -> str:
    """What was found, who suffers, what was done, what to do."""
    examination, mending = verification.examination, verification.mending
    errors = [finding for finding in examination.findings if finding.severity is Severity.ERROR]
    if not errors:
        return f"The repository {location} is sound: {_looked_at(examination)}.{_warnings(examination)}"
    first, number = errors[0], examination.findings.index(errors[0])
    suffering = [item for item in verification.items if item.affected.finding == number] or list(verification.items)
    parts = [f"The repository {location} is damaged: {count_text(len(errors), 'finding')}. The first one: {first}."]
    if verification.items:
        parts.append(f"What suffers: {_some(suffering)}.")
    elif mending is None:
        parts.append("No item of a restore point is known to suffer from it.")
    if mending is not None:
        parts.append(_repair_sentence(mending, is_check=is_check))
    if mending is None or not mending.is_changed:
        parts.append(f"What to do: {first.next_step}")
    return " ".join(parts)


def _repair_sentence(mending: Mending, *, is_check: bool) -> str:
    if not mending.is_changed and not mending.lost:
        return "There was nothing that a repair could put in order."
    done = "A repair would put in order what can be" if is_check else "What could be put in order was"
    if not mending.lost and not mending.lost_points:
        return f"{done}; nothing would stay lost." if is_check else f"{done}, and nothing is lost."
    lost = [f"the restore point {point[:8]}, which cannot be read" for point in mending.lost_points[:_NAMED]]
    lost += [_some(mending.lost)] if mending.lost else []
    return f"{done}; what {'would stay' if is_check else 'stays'} lost: {'; '.join(lost)}.{_asked_sentence(mending)}"


def _asked_sentence(mending: Mending) -> str:
    items, sources = _asked(mending)
    wishes = [f"asks for {count_text(number, f'lost {item_word(source)}')} again" for source, number in items.items()]
    wishes += [f"reads the {source_words(source)} of {count_text(number, 'member')} in full" for source, number in sources.items()]
    return f" The next run {' and '.join(wishes)}." if wishes else ""


def _asked(mending: Mending) -> tuple[dict[str, int], dict[str, int]]:
    """By source how many items, and how many members' sources in full, the next runs read again."""
    items, sources = dict.fromkeys(SOURCES, 0), dict.fromkeys(SOURCES, 0)
    for wishes in mending.wishes:
        for (_member, source), ids in wishes.items.items():
            items[source] += len(ids)
        for _member, source in wishes.afresh:
            sources[source] += 1
    return {name: number for name, number in items.items() if number}, {name: number for name, number in sources.items() if number}


def _some(items: t.Sequence[DamagedItem]) -> str:
    """The first of each, those first that mean most to people."""
    order = list(ItemKind)
    named = "; ".join(item.name for item in sorted(items, key=lambda item: order.index(item.kind))[:_NAMED])
    return named if len(items) <= _NAMED else f"{named}; and {len(items) - _NAMED:,} more"


def _looked_at(examination: Examination) -> str:
    read = f"{count_text(examination.packs_read, 'pack')} of {len(examination.packs):,} read in full ({size_text(examination.bytes_read)})"
    return f"{count_text(_points(examination), 'restore point')}, {count_text(len(examination.index), 'blob')}, {read}"


def _points(examination: Examination) -> int:
    return sum(1 for snapshot in examination.snapshots if not is_verdicts(snapshot.tags))


def _warnings(examination: Examination) -> str:
    if not examination.findings:
        return ""
    return f" {count_text(len(examination.findings), 'warning')}, the first one: {examination.findings[0]}."


def _counts(examination: Examination) -> dict[str, int]:
    return {
        "snapshots": _points(examination),
        "packs": len(examination.packs),
        "packs_read": examination.packs_read,
        "bytes_read": examination.bytes_read,
        "blobs": len(examination.index),
        "trees": examination.trees,
    }


def _finding(finding: Finding, items: t.Sequence[DamagedItem]) -> dict[str, t.Any]:
    return {
        "severity": finding.severity.value,
        "object": finding.obj,
        "problem": finding.problem,
        "next_step": finding.next_step,
        "affected_count": len(items),
        "affected": [item.as_dict() for item in items[:_LISTED]],
    }


def _members(items: t.Iterable[DamagedItem]) -> list[dict[str, t.Any]]:
    """Who suffers, and in how many items."""
    counts = collections.Counter((item.plan, item.member, item.display_name) for item in items if item.member)
    return [
        {"plan": plan, "member": member, "display_name": name, "items": count} for (plan, member, name), count in sorted(counts.items())
    ]


def _repair(mending: Mending) -> dict[str, t.Any]:
    plan, result = mending.plan, mending.result
    items, sources = _asked(mending)
    return {
        "blobs_salvaged": plan.blobs_salvaged,
        "packs_indexed": len(plan.indexed),
        "packs_dropped": len(plan.packs_dropped),
        "files_quarantined": len(plan.quarantined) if result is None else len(result.quarantined),
        "quarantined": [] if result is None else list(result.quarantined[:_LISTED]),
        "items_asked_for": sum(items.values()),
        "sources_read_again": sum(sources.values()),
        "restore_points_lost": list(mending.lost_points),
        "lost_count": len(mending.lost),
        "lost": [item.as_dict() for item in mending.lost[:_LISTED]],
    }
