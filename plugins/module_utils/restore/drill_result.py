# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a restore drill says: as the result of a module, and in a sentence.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._text import count_text, size_text
from ..backup.layout import MAIL, ONEDRIVE
from ..backup.source_words import item_word, source_words
from .drill import Drill, MemberDrill, Sampled

_MOMENTS = {MAIL: "received", ONEDRIVE: "last changed"}
_NEXT_STEP = "Verify all data of the repository, which says what is damaged and what to do about it."


def drill_result(drill: Drill, location: str, *, opened_with: str, is_check: bool) -> dict[str, t.Any]:
    """C(opened_with) says which key opened the repository."""
    findings = [finding for member in drill.members for finding in _findings(member)]
    return {
        "changed": False,
        "outcome": "sound" if drill.is_passed else "damaged",
        "finding_count": len(findings),
        "findings": findings,
        "drill": {
            "snapshot": {"id": drill.snapshot.id, "time": drill.snapshot.time.isoformat(timespec="seconds")},
            "seed": drill.seed,
            "opened_with": opened_with,
            "population": drill.population,
            "items_restored": sum(len(member.sampled) for member in drill.members),
            "bytes_restored": sum(one.size for member in drill.members for one in member.sampled),
            "members": [_member(member) for member in drill.members],
        },
        "msg": drill_sentence(drill, location, opened_with=opened_with, is_check=is_check),
    }


def drill_sentence(drill: Drill, location: str, *, opened_with: str, is_check: bool) -> str:
    """How it went, with the first problem."""
    items = sum(len(member.sampled) for member in drill.members)
    size = sum(one.size for member in drill.members for one in member.sampled)
    done = "read" if is_check else "restored"
    what = (
        f"{count_text(items, 'item')} ({size_text(size)}) of {count_text(len(drill.members), 'member')} from the repository "
        f"{location}, opened with the {opened_with}"
    )
    if drill.is_passed:
        return f"The drill {done} {what}; everything is as its records say. Seed: {drill.seed}."
    findings = [finding for member in drill.members for finding in _findings(member)]
    first = findings[0]
    return (
        f"The drill {done} {what}, and found {count_text(len(findings), 'problem')}. The first one, {first['object']}: "
        f"{first['problem']}. {_NEXT_STEP} Seed: {drill.seed}."
    )


def _findings(drill: MemberDrill) -> list[dict[str, t.Any]]:
    who = drill.member.principal_name
    problems = [(f"the {source_words(source)} of {who}", problem) for source, problem in drill.problems]
    problems += [(_name(one, who), one.problem) for one in drill.sampled if one.problem]
    return [
        {"severity": "error", "object": name, "problem": problem, "next_step": _NEXT_STEP, "affected_count": 0, "affected": []}
        for name, problem in problems
    ]


def _name(one: Sampled, who: str) -> str:
    subject = f'"{one.subject}"' if one.subject else "without a subject"
    when = f", {_MOMENTS.get(one.source, 'of')} {one.received}" if one.received else ""
    return f"the {item_word(one.source)} {subject}{f' in {one.folder}' if one.folder else ''} of {who}{when}"


def _member(drill: MemberDrill) -> dict[str, t.Any]:
    return {
        "member": drill.member.principal_name,
        "display_name": drill.member.display_name,
        "items": dict(drill.items),
        "sampled": [dataclasses.asdict(one) for one in drill.sampled],
    }
