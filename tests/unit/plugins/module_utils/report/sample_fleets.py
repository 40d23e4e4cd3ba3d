# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fleets as hosts would summarise them, made up and always the same: all well, some not protected, empty, huge.

Run as a program it writes the report of each into a folder, to be looked at.
"""

from __future__ import annotations

import pathlib
import random
import sys
import typing as t
from datetime import datetime, timedelta, timezone

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.html_report import html_report
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.summary import (
    FindingSummary,
    FlaggedSummary,
    HostSummary,
    MemberSummary,
    PlanSummary,
    RunPoint,
    ScanSummary,
    SourceSummary,
    TaskPoint,
)

NOW = datetime(2026, 11, 23, 21, 10, tzinfo=timezone.utc)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MAIL = ("mail", "calendar", "contacts", "tasks", "settings")
_FIRST = ("Adele", "Alex", "Diego", "Grady", "Henrietta", "Isaiah", "Johanna", "Joni", "Lee", "Lidia", "Lynne", "Megan", "Søren", "Łukasz")
_LAST = ("Vance", "Wilber", "Siciliani", "Archie", "Müller", "Langer", "Lorenz", "Sherman", "Gu", "Holloway", "Robbins", "Bowen", "Åberg")


def source(name: str = "mail", *, age: timedelta | None = 22 * HOUR, problems: tuple[str, ...] = (), **more: t.Any) -> SourceSummary:
    """A good one unless C(problems) say otherwise; C(age) None never had a success."""
    findings: tuple[FindingSummary, ...] = more.get("findings", ())
    return SourceSummary(
        name=name,
        outcome="failed" if {"never", "stale", "unreachable"} & set(problems) else "partial" if findings else "complete",
        availability="available",
        last_success=None if age is None else NOW - age,
        is_protected=not {"never", "old", "unfinished", "incomplete", "unreachable"} & set(problems),
        problems=problems,
        items=more.get("items", 1_200),
        finding_count=more.get("finding_count", len(findings)),
        findings=findings,
    )


def member(name: str, sources: t.Sequence[SourceSummary] = (), *, number: int = 0, kind: str = "user") -> MemberSummary:
    taken = tuple(sources) or tuple(source(each, items=40 + 97 * number % 5_000) for each in MAIL)
    times = [each.last_success for each in taken if "absent" not in each.problems]
    return MemberSummary(
        id=f"{name.encode().hex():>032}-{number}",
        principal_name=f"{name.replace(' ', '.').lower()}{number or ''}@contoso.com",
        display_name=name,
        kind=kind,
        outcome="complete",
        is_protected=all(each.is_protected for each in taken),
        problems=tuple(dict.fromkeys(problem for each in taken for problem in each.problems)),
        last_success=None if None in times else min((time for time in times if time is not None), default=None),
        sources=taken,
    )


def run(
    start: datetime, *, seconds: float = 600, outcome: str = "complete", members: int = 40, protected: int | None = 40, **more: t.Any
) -> RunPoint:
    values: dict[str, t.Any] = {
        "run_id": f"{start:%Y%m%dT%H%M%SZ}-abcdef",
        "stopped": None,
        "is_changed": True,
        "items": 100_000,
        "added": 420,
        "updated": 61,
        "moved": 12,
        "removed": 33,
        "fetched": 430,
        "fetched_bytes": 61_000_000,
        "stored_bytes": 38_000_000,
        "members_complete": members,
        "oldest_success": start,
        "findings": 0,
        "requests": 1_400,
        "throttled_seconds": 0.0,
        "scanned": None,
        "infected": None,
        "unscannable": None,
        "unscanned": None,
        "warnings": 0,
    }
    return RunPoint(start=start, seconds=seconds, outcome=outcome, members=members, members_protected=protected, **(values | more))


def history(
    days: int, members: int, *, failed: t.Collection[int] = (), partial: t.Collection[int] = (), seed: int = 1
) -> tuple[RunPoint, ...]:
    """A run each night; C(failed) and C(partial) are nights ago. The first one reads everything."""
    dice = random.Random(seed)
    runs: list[RunPoint] = []
    oldest = NOW - days * DAY
    items = members * 2_300
    for ago in reversed(range(days)):
        start = (NOW - ago * DAY).replace(hour=20, minute=30)
        first = not runs
        outcome = "failed" if ago in failed else "partial" if ago in partial else "complete"
        oldest = oldest if outcome == "failed" else start
        added = 0 if outcome == "failed" else items if first else int(members * dice.uniform(4, 14))
        items += 0 if first else added
        runs.append(
            run(
                start,
                seconds=25 if outcome == "failed" else members * (95 if first else dice.uniform(6, 11)),
                outcome=outcome,
                members=members,
                protected=members - (2 if outcome == "failed" and ago + 1 in failed else 0),
                members_complete=0 if outcome == "failed" else members - (outcome == "partial"),
                items=items,
                added=added,
                fetched_bytes=added * 142_000,
                stored_bytes=added * 91_000,
                oldest_success=oldest,
                findings=3 if outcome == "partial" else 0,
                throttled_seconds=dice.choice((0.0, 0.0, 0.0, 41.0)),
            )
        )
    return tuple(runs)


def task(verb: str, age: timedelta, *, outcome: str = "complete", detail: str = "", sentence: str = "", seconds: float = 95) -> TaskPoint:
    return TaskPoint(verb=verb, start=NOW - age, seconds=seconds, outcome=outcome, detail=detail, sentence=sentence, findings=0, numbers={})


def plan(title: str = "Sales", members: t.Sequence[MemberSummary] = (), runs: t.Sequence[RunPoint] = (), **more: t.Any) -> PlanSummary:
    name = more.get("name", "-".join(title.lower().split()))
    values: dict[str, t.Any] = {
        "name": name,
        "backup_type": "mailbox",
        "repository": f"/srv/m365_backup/{name}",
        "is_encrypted": True,
        "scans_malware": False,
        "schedule": "every day at 20:30 (Europe/Berlin)",
        "next_run": NOW + 23 * HOUR,
        "max_age_seconds": 48 * 3600,
        "restore_point": "5ab1c2d3" * 8 if runs else None,
        "restore_point_time": runs[-1].start if runs else None,
        "former": 0,
        "tasks": (),
        "scan": None,
        "flagged": (),
        "unresolved": (),
        "warnings": (),
    }
    return PlanSummary(title=title, members=tuple(members), runs=tuple(runs), **(values | more))


def host(
    *plans: PlanSummary, name: str = "backup1.contoso.com", age: timedelta = timedelta(minutes=4), warnings: tuple[str, ...] = ()
) -> HostSummary:
    return HostSummary(host=name, generated=NOW - age, plans=plans, warnings=warnings)


def people(count: int, *, offset: int = 0) -> list[MemberSummary]:
    names = [f"{first} {last}" for last in _LAST for first in _FIRST]
    return [member(names[number % len(names)], number=number) for number in range(offset, offset + count)]


def all_well() -> list[HostSummary]:
    tasks = (
        task("prune", 3 * DAY, sentence="41 restore points are kept, 7 were removed, and 3.1 GiB with them."),
        task(
            "verify", 2 * DAY, detail="structure", sentence="Every blob of 48 restore points is there and where it should be.", seconds=212
        ),
        task("drill", 9 * DAY, detail="7 members", sentence="All 812 items came back byte by byte.", seconds=341),
    )
    sales = plan("Sales and everyone in it", people(43), history(64, 43), tasks=tasks, former=3)
    drives = [member(each.display_name, [source("onedrive", items=3_000)], number=number) for number, each in enumerate(people(38))]
    files = plan("Files of Sales", drives, history(40, 38, seed=2), backup_type="onedrive", tasks=tasks[1:2])
    return [host(sales, files)]


def some_unprotected() -> list[HostSummary]:
    """Two hosts, one of them silent, with everything that can be wrong at once."""
    broken = FindingSummary(
        kind="failed",
        object="Inbox/Re: offer 4711",
        reason="Exchange cannot give this message.",
        code="ErrorMessageSizeExceeded",
        request_id="8f2c-11",
    )
    crowd = people(57)
    crowd[3] = member("Grady Archie", [source("mail", age=75 * HOUR, problems=("old", "stale")), source("calendar")], number=3)
    crowd[8] = member("Lee Gu", [source(each, age=None, problems=("never",), items=0) for each in MAIL], number=8)
    crowd[12] = member(
        "Miriam Graham", [source("mail", problems=("findings",), findings=(broken,), finding_count=7), source("calendar")], number=12
    )
    crowd[20] = member("Room Rainier", [source("mail", age=None, problems=("absent",), items=0)], number=20, kind="room")
    caught = tuple(
        FlaggedSummary(
            time=NOW - number * DAY,
            member="patti.fernandez@contoso.com",
            source="mail",
            folder="Inbox",
            name=name,
            verdict=verdict,
            words=words,
        )
        for number, (name, verdict, words) in enumerate(
            (("Your invoice 4711", "infected", ("Win.Dropper.Agent",)), ("Holiday pictures", "unscannable", ("encrypted archive",)))
        )
    )
    checked = ScanSummary(
        time=NOW - 5 * HOUR,
        engine="clamd",
        engine_version="1.4.3",
        database="27990",
        database_released="22 Nov 2026",
        contents=184_220,
        clean=181_004,
        infected=1,
        unscannable=215,
        remaining=3_000,
    )
    tasks = (
        task("verify", 4 * DAY, detail="structure", sentence="Nothing is missing."),
        task("restore", 2 * DAY, sentence="14 items went into files."),
    )
    sales = plan(
        "Sales",
        crowd,
        history(90, 57, failed=(0, 1, 2, 41), partial=(17, 30, 31)),
        scans_malware=True,
        scan=checked,
        flagged=caught,
        tasks=tasks,
        former=4,
    )
    board = plan("Board", people(9, offset=100), history(90, 9, seed=3), unresolved=("group Board (old)",))
    fresh = plan("Interns 2027")
    damage = (task("verify", 2 * DAY, outcome="damaged", detail="data 3/10", sentence="2 packs do not hold what their names say."),)
    finance = plan("Finance", people(14, offset=200), history(25, 14, partial=(0,), seed=4), tasks=damage)
    old = people(6, offset=300)
    lab = plan("Laboratory", old, history(30, 6, seed=5), max_age_seconds=None, schedule=None, next_run=None, is_encrypted=False)
    return [
        host(sales, board, fresh),
        host(finance, lab, name="backup2.contoso.com", age=61 * HOUR, warnings=("The plan file old.json is damaged and was passed over.",)),
    ]


def empty() -> list[HostSummary]:
    return [host()]


def huge(plans: int = 50, members: int = 1_000) -> list[HostSummary]:
    """Everybody is in three of the plans; two hosts share them all in one object store."""
    crowd = people(members)
    crowd[10] = member("Lidia Lorenz", [source("mail", age=None, problems=("never",), items=0), source("calendar")], number=10)
    hosts = []
    for part, name in enumerate(("backup1.contoso.com", "backup2.contoso.com")):
        stored = []
        for number in range(plans):
            chosen = [each for place, each in enumerate(crowd) if (place + number) % plans in (0, 7, 21) and place % 2 == part]
            failed = (0,) if number == 4 and part else (number % 60,)
            runs = history(400, len(chosen), failed=failed, seed=number)
            stored.append(plan(f"Department {number + 1:02}", chosen, runs, repository="s3://backup/m365"))
        hosts.append(host(*stored, name=name))
    return hosts


FLEETS: dict[str, t.Callable[[], list[HostSummary]]] = {
    "all_well": all_well,
    "some_unprotected": some_unprotected,
    "empty": empty,
    "huge": huge,
}


def write_all(folder: pathlib.Path) -> None:
    for name, fleet in FLEETS.items():
        text = html_report(fleet(), title="Microsoft 365 backup of Contoso", now=NOW)
        (folder / f"{name}.html").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_all(pathlib.Path(sys.argv[1]))
