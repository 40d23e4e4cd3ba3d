# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Metrics are Prometheus' text format, and the alert rules are about metrics that there are."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Outcome
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.metrics import METRICS, PREFIX, metrics_text
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.summarising import summarise_host
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.report.promtool import promtool
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.report.records import (
    DAY,
    HOUR,
    LOST,
    NOON,
    about,
    did,
    member,
    plan,
    ran,
    source,
)

ROOT = Path(__file__).resolve().parents[5]
RULES = ROOT / "docs" / "monitoring" / "m365_backup.rules.yml"
SCANNED = {"scanned": 4, "known": 0, "clean": 3, "infected": 1, "unscannable": 0, "unscanned": 2, "flagged": []}


def told(state_path: Path, **more: t.Any) -> str:
    return metrics_text(summarise_host([plan(**more)], about(state_path)))


def samples(text: str) -> dict[str, float]:
    """By name and labels."""
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if not line.startswith("#")}


def everything(state_path: Path) -> None:
    """Records in which every metric has a value."""
    ran(state_path, NOON - 2 * DAY, member("anna", source(last=NOON - 2 * DAY)), scanned=SCANNED)
    did(state_path, NOON - DAY, outcome="damaged", finding_count=3)
    did(state_path, NOON - DAY + HOUR, "scan", scan={"clean": 8, "infected": 1, "flagged": []})
    anna = member("anna", source(last=NOON - 3 * HOUR, findings=[LOST], outcome=Outcome.PARTIAL))
    bob = member("bob", source(last=NOON - 3 * DAY, findings=[LOST], outcome=Outcome.FAILED))
    ran(state_path, NOON - 3 * HOUR, anna, bob, scanned=SCANNED)


def test_a_host_is_told_in_numbers(tmp_path: Path) -> None:
    everything(tmp_path)
    found = samples(told(tmp_path))
    last = (NOON - 2 * HOUR).timestamp()
    expected = {
        'run_outcome{plan="sales",outcome="partial"}': 1,
        'run_outcome{plan="sales",outcome="failed"}': 0,
        'run_duration_seconds{plan="sales"}': 3600,
        'run_throttled_seconds{plan="sales"}': 1.5,
        'last_success_time_seconds{plan="sales"}': (NOON - 2 * DAY + HOUR).timestamp(),
        'last_useful_run_time_seconds{plan="sales"}': last,
        'promised_age_seconds{plan="sales"}': 48 * 3600,
        'members{plan="sales"}': 2,
        'members_protected{plan="sales"}': 1,
        'members_with_problem{plan="sales",problem="old"}': 1,
        'members_with_problem{plan="sales",problem="never"}': 0,
        'oldest_member_success_time_seconds{plan="sales"}': (NOON - 3 * DAY).timestamp(),
        'member_last_success_time_seconds{plan="sales",member="anna@x.example"}': (NOON - 3 * HOUR).timestamp(),
        'member_protected{plan="sales",member="bob@x.example"}': 0,
        'run_infected_contents{plan="sales"}': 1,
        'scan_contents{plan="sales",verdict="clean"}': 8,
        'task_outcome{plan="sales",task="verify",outcome="damaged"}': 1,
        'task_findings{plan="sales",task="verify"}': 3,
    }
    assert {name: found[f"{PREFIX}{name}"] for name in expected} == expected
    assert found[f"{PREFIX}report_time_seconds"] == NOON.timestamp()


def test_what_is_not_known_has_no_sample(tmp_path: Path) -> None:
    never = told(tmp_path, schedule=None)
    assert {name.partition("{")[0].removeprefix(PREFIX) for name in samples(never)} == {
        *("report_time_seconds", "host_warnings", "plan_info", "members", "members_protected"),
        *("former_members", "unresolved_entries", "flagged_items"),
    }
    ran(tmp_path, NOON - HOUR, member("anna", source(last=None, outcome=Outcome.FAILED)), member("bob", source(last=NOON)))
    text = told(tmp_path)
    assert "oldest_member_success" not in text
    assert f'{PREFIX}members_protected{{plan="sales"}} 1' in text


def test_a_run_that_failed_before_it_began_counts_until_the_next_one(tmp_path: Path) -> None:
    ran(tmp_path, NOON - DAY, member("anna", source(last=NOON - DAY)))
    did(tmp_path, NOON - HOUR, "run", outcome="failed")
    assert samples(told(tmp_path))[f'{PREFIX}run_outcome{{plan="sales",outcome="failed"}}'] == 1
    ran(tmp_path, NOON - HOUR / 2, member("anna", source(last=NOON)))
    assert samples(told(tmp_path))[f'{PREFIX}run_outcome{{plan="sales",outcome="complete"}}'] == 1


def test_a_run_that_was_refused_beside_another_one_says_nothing_of_how_that_ended(tmp_path: Path) -> None:
    did(tmp_path, NOON - 2 * HOUR, "run", outcome="failed", sentence="A run of sales is going on.")
    ran(tmp_path, NOON - 2.5 * HOUR, member("anna", source(last=NOON)), ended=NOON)
    assert samples(told(tmp_path))[f'{PREFIX}run_outcome{{plan="sales",outcome="complete"}}'] == 1


def test_names_are_escaped_as_the_format_wants(tmp_path: Path) -> None:
    text = told(tmp_path, title='A "B" \\ C', name="sales")
    assert r'title="A \"B\" \\ C"' in text
    promtool("check", "metrics", stdin=text)


def test_the_text_is_what_prometheus_reads(tmp_path: Path) -> None:
    everything(tmp_path)
    text = told(tmp_path)
    families = [line.split()[2].removeprefix(PREFIX) for line in text.splitlines() if line.startswith("# TYPE")]
    assert families == ["report_time_seconds", "host_warnings", *(metric.name for metric in METRICS)]
    promtool("check", "metrics", stdin=text)


def test_the_rules_are_about_metrics_that_there_are_and_the_guide_names_all(tmp_path: Path) -> None:
    known = {f"{PREFIX}{metric.name}" for metric in METRICS} | {f"{PREFIX}report_time_seconds", f"{PREFIX}host_warnings"}
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    used = {name for rule in rules for name in re.findall(rf"{PREFIX}\w+", rule["expr"])}
    assert used <= known
    guide = (ROOT / "docs" / "docsite" / "rst" / "monitoring.rst").read_text()
    assert set(re.findall(rf"\* - ``({PREFIX}\w+)``", guide)) == known
    assert {rule["alert"] for rule in rules} == set(re.findall(r"``(M365Backup\w+)``", guide))
    promtool("check", "rules", str(RULES))


def fired(text: str, folder: Path, at: str) -> set[str]:
    """The alerts that have fired after that time, when the same samples are scraped all the while from NOON on."""
    series = []
    for name, value in samples(text).items():
        metric, _brace, labels = name.partition("{")
        shifted = value - NOON.timestamp() if metric.endswith("_time_seconds") else value
        labelled = f'{metric}{{instance="b1",job="node",{labels or "}"}'
        series.append({"series": labelled, "values": f"{shifted}+0x720"})
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    expected = [{"eval_time": at, "alertname": rule["alert"], "exp_alerts": []} for rule in rules]
    test = {"interval": "5m", "input_series": series, "alert_rule_test": expected}
    path = folder / "rules_test.yml"
    path.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "5m", "tests": [test]}))
    return set(re.findall(r"alertname: *(\w+)", promtool("test", "rules", str(path), may_fail=True)))


@pytest.mark.parametrize(
    ("outcome", "at", "alerts"),
    [
        pytest.param(Outcome.COMPLETE, "2h", set(), id="well"),
        pytest.param(Outcome.COMPLETE, "49h", {"M365BackupTooOld", "M365BackupSilent"}, id="silent"),
        pytest.param(Outcome.FAILED, "2h", {"M365BackupRunFailed"}, id="failed"),
        pytest.param(Outcome.PARTIAL, "2h", set(), id="findings"),
        pytest.param(Outcome.PARTIAL, "27h", {"M365BackupRunPartial"}, id="findings-for-long"),
    ],
)
def test_an_alert_fires_when_it_should_and_no_other(tmp_path: Path, outcome: Outcome, at: str, alerts: set[str]) -> None:
    ran(tmp_path, NOON - 2 * HOUR, member("anna", source(last=NOON - HOUR, outcome=outcome)))
    assert fired(told(tmp_path), tmp_path, at) == alerts


def test_all_that_is_wrong_with_a_plan_is_alerted(tmp_path: Path) -> None:
    everything(tmp_path)
    assert fired(told(tmp_path), tmp_path, "20m") == {
        "M365BackupMembersNotProtected",
        "M365BackupTooOld",
        "M365BackupInfected",
        "M365BackupDamaged",
    }
    (tmp_path / "never").mkdir()
    assert fired(told(tmp_path / "never"), tmp_path, "27h") == {"M365BackupNeverRan"}
