# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.host_jobs import Job, jobs_of

DAILY = {"schedule": {"every": "daily", "at": "12:00"}}
SALES: dict[str, t.Any] = {
    "name": "sales",
    "repository": "s3://bucket/sales",
    "schedule": {"every": "daily", "at": "22:30", "timezone": "Europe/Berlin"},
}
JOBS: dict[str, t.Any] = {"run": {}, "verify": DAILY, "scan": DAILY}


def jobs(
    *plans: t.Mapping[str, t.Any], host: str = "one", hosts: t.Sequence[str] = (), is_maintained_here: bool = True, **given: t.Any
) -> list[Job]:
    chosen = {"jobs": JOBS, "report": {"enabled": False}, **given}
    return jobs_of(plans, host=host, hosts=hosts, is_maintained_here=is_maintained_here, **chosen)


def test_a_plan_runs_by_its_own_schedule_and_is_maintained_in_its_time_zone() -> None:
    assert [(job["unit"], job["on_calendar"], job["catches_up"]) for job in map(Job.to_dict, jobs(SALES))] == [
        ("m365-backup-run@sales", ["*-*-* 22:30:00 Europe/Berlin"], True),
        ("m365-backup-verify@sales", ["*-*-* 12:00:00 Europe/Berlin"], True),
    ]


def test_a_run_is_not_made_up_for_outside_of_the_window_of_its_plan() -> None:
    windowed = {**SALES, "schedule": {"every": "hourly", "window": {"start": "20:00", "end": "06:00"}}}
    assert [(job["verb"], job["catches_up"]) for job in map(Job.to_dict, jobs(windowed))] == [("run", False), ("verify", True)]


def test_a_plan_without_a_schedule_is_run_by_somebody_else_and_maintained_all_the_same() -> None:
    assert [job.verb for job in jobs({**SALES, "schedule": None})] == ["verify"]


def test_an_absent_plan_has_no_jobs() -> None:
    assert jobs({"name": "sales", "state": "absent"}) == []


@pytest.mark.parametrize(
    ("malware_scan", "scans"),
    [(True, True), ("yes", True), ({"engine": "yara"}, True), ({"enabled": False}, False), (False, False), (None, False)],
)
def test_backups_are_scanned_again_where_the_plan_scans(malware_scan: object, scans: bool) -> None:
    assert ("scan" in [job.verb for job in jobs({**SALES, "malware_scan": malware_scan})]) is scans


def test_a_plan_says_otherwise_key_by_key() -> None:
    own = {"verify": {"variables": {"m365_backup_verify_level": "data"}}, "scan": True, "run": {"enabled": False}}
    found = jobs({**SALES, "jobs": own})
    assert [(job.verb, job.variables) for job in found] == [("verify", {"m365_backup_verify_level": "data"}), ("scan", {})]
    assert found[0].schedule == jobs(SALES)[1].schedule


def test_only_the_host_for_it_does_more_than_run() -> None:
    assert [job.verb for job in jobs(SALES, is_maintained_here=False)] == ["run"]


def test_hosts_share_the_members_of_plans_in_object_stores_only() -> None:
    local = {**SALES, "name": "local", "repository": "/srv/m365_backup/local"}
    shares = [job.variables for job in jobs(SALES, local, host="two", hosts=["one", "two"], is_maintained_here=False)]
    assert shares == [{"m365_backup_shard": "two", "m365_backup_shards": ["one", "two"]}, {}]
    assert [job.variables for job in jobs(SALES, host="one", hosts=["one"], is_maintained_here=False)] == [{}]


def test_the_report_is_about_all_plans_and_has_units_of_its_own() -> None:
    [job] = jobs(report={**DAILY, "variables": {"m365_backup_html_file": "/srv/report.html"}})
    found = job.to_dict()
    assert (found["plan"], found["unit"], found["variables_file"]) == ("", "m365-backup-report", "report.json")
    assert found["on_calendar"] == ["*-*-* 12:00:00 UTC"]


@pytest.mark.parametrize(
    ("plans", "given", "words"),
    [
        ([{"title": "Sales"}], {}, "Entry 1 of group_backup_plans ('Sales') has no name"),
        ([{**SALES, "name": "Sales/../x"}], {}, "has no name"),
        (["sales"], {}, "In entry 1 of group_backup_plans there have to be keys and values"),
        ([SALES, SALES], {}, "more than one plan of the name sales"),
        ([SALES], {"jobs": {"prone": {}}}, "Unknown in group_backup_jobs: prone. There are run, prune"),
        ([{**SALES, "jobs": {"verify": {"when": "now"}}}], {}, "Unknown in the job verify of the plan sales: when"),
        ([{**SALES, "jobs": {"run": DAILY}}], {}, "There is a schedule in the job run of the plan sales"),
        ([{**SALES, "jobs": {"verify": {"schedule": None}}}], {}, "There is no schedule in the job verify of the plan sales"),
        ([{**SALES, "jobs": {"verify": {"schedule": {"at": "12:00"}}}}], {}, "needs either every or calendar"),
        ([{**SALES, "jobs": {"verify": {"schedule": {"every": "fortnight"}}}}], {}, "means nothing: every: 'fortnight'"),
        (
            [{**SALES, "jobs": {"verify": {"schedule": {"every": "daily", "at": 1380}}}}],
            {},
            "The schedule of the job verify of the plan sales",
        ),
        ([{**SALES, "jobs": {"verify": {"schedule": {"calendar": "at noon"}}}}], {}, "no calendar expression"),
        ([{**SALES, "jobs": {"verify": {"schedule": {"every": "daily", "timezone": "Europe/Bonn"}}}}], {}, "does not know: Europe/Bonn"),
        ([SALES], {"host": "three", "hosts": ["one", "two"]}, "The host three is not one of group_backup_hosts: one, two."),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(plans: list[t.Any], given: dict[str, t.Any], words: str) -> None:
    with pytest.raises(InputError) as refused:
        jobs(*plans, **given)
    assert words in str(refused.value)
