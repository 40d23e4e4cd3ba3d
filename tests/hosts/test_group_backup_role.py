# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role group_backup on a booted copy of this machine that is laid out as a backup host: units, timers, cron, and what ends a run.

The tests share the copy and run in the order of this file, which ends with a host that has no timer any more.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import re
import shlex
import shutil
import threading
import time
import typing as t
from dataclasses import dataclass

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import CHECKPOINT
from ansible_collections.tenantvault.m365_backup.tests.hosts.copies import Copy, booted_copy, missing
from ansible_collections.tenantvault.m365_backup.tests.hosts.laid_out import (
    ACCOUNT,
    PASSPHRASE,
    ROOT,
    Outcome,
    lay_out,
    play,
    shown,
    write,
)
from ansible_collections.tenantvault.m365_backup.tests.integration.page_commands import commands_of
from tenant.harness import RunningTenant, running_tenant

PAGE = ROOT / "roles/backup_host/README.md"
PATIENCE = 90.0
MOST_EXPOSED = 2.0
"""Of 10; systemd calls it OK."""
ON_THEIR_WAY = 8
"""So many messages may be asked for when the run is stopped, and are asked for again."""
VERBS = ("run", "prune", "verify", "scan", "drill")
SERVICE = "m365-backup-run@sales.service"
SALES = {
    "name": "sales",
    "title": "Sales",
    "groups": ["Sales"],
    "backup_type": "mailbox",
    "sources": ["mail"],
    "repository": "/srv/m365_backup/sales",
    "schedule": {"every": "daily", "at": "03:00"},
    "jobs": {"run": {"variables": {"m365_backup_max_minutes": 600}}},
}
BOARD = {**SALES, "name": "board", "title": "Board", "users": ["carla@contoso.com"], "groups": [], "repository": "/mnt/board/repository"}
TIMERS = ["m365-backup-prune@{}.timer", "m365-backup-run@{}.timer", "m365-backup-verify@{}.timer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A backup host, the tenant, what was predicted before it was one, and what came of the first play."""

    copy: Copy
    tenant: RunningTenant
    predicted: Outcome
    applied: Outcome

    def play(self, *arguments: str, plans: t.Sequence[t.Mapping[str, t.Any]] = (SALES, BOARD), **variables: t.Any) -> Outcome:
        return play(
            self.copy, *arguments, group_backup_plans=list(plans), group_backup_accuracy_seconds=1, group_backup_notify=True, **variables
        )

    def timers(self) -> list[str]:
        listed = self.copy.run("systemctl list-timers --all --no-legend --plain 'm365-backup-*'").stdout
        return sorted(word for word in listed.split() if word.endswith(".timer"))

    def snapshots(self) -> int:
        return int(self.copy.run("ls /srv/m365_backup/sales/snapshots 2>/dev/null | wc -l").stdout)

    def restic(self, command: str) -> str:
        """What restic says that is no heading, of the repository of the sales."""
        secret = {"RESTIC_PASSWORD": PASSPHRASE, "RESTIC_REPOSITORY": "/srv/m365_backup/sales"}
        return self.copy.run(f"restic {command} --no-cache --no-lock --quiet", environment=secret).stdout

    def newest_tags(self) -> list[str]:
        return list(json.loads(self.restic("snapshots --latest 1 --json"))[-1]["tags"])

    def asked(self) -> int:
        """How often a message was asked for since the log began."""
        return int(self.tenant.control.stats()["by_operation"].get("message_mime", 0))

    def is_active(self, unit: str) -> bool:
        return self.copy.run(f"systemctl show --property=ActiveState --value {unit}").stdout.strip() in (
            "activating",
            "active",
            "deactivating",
        )

    def wait_for(self, condition: t.Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(self.copy.run("systemctl status --no-pager 'm365*'; journalctl --no-pager -n 80", check=False).stdout)
            time.sleep(0.2)


@contextlib.contextmanager
def listening() -> t.Iterator[tuple[str, list[dict[str, t.Any]]]]:
    """A place to post notices to, and those that came."""
    told: list[dict[str, t.Any]] = []

    class Webhook(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_arguments: t.Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Webhook) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/the-secret-part-of-the-address", told
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Host]:
    reason = missing() or ("" if shutil.which("restic") else "restic is not on this machine")
    if reason and os.environ.get("CI"):
        pytest.fail(f"There have to be machines in CI: {reason}")
    if reason:
        pytest.skip(reason)
    with running_tenant() as tenant, booted_copy(tmp_path_factory.mktemp("host"), shown=shown()) as copy:
        control = tenant.control
        control.add_group("Sales")
        for name in ("anna", "ben", "carla"):
            control.add_user(f"{name}@contoso.com")
            control.deliver_generated(f"{name}@contoso.com", 5, size_limit=5_000)
        for name in ("anna", "ben"):
            control.add_member("Sales", f"{name}@contoso.com")
        bare = Host(
            copy=copy,
            tenant=tenant,
            predicted=Outcome(changed=0, is_good=False, output=""),
            applied=Outcome(changed=0, is_good=False, output=""),
        )
        predicted = bare.play("--check")
        copy.run("test ! -e /etc/m365_backup && ! ls /etc/systemd/system/m365-backup-* 2>/dev/null")
        lay_out(copy, tenant)
        copy.run(f"install -d -o {ACCOUNT} -m 0700 /mnt/board")
        yield Host(copy=copy, tenant=tenant, predicted=predicted, applied=bare.play())


def test_check_mode_before_there_is_a_backup_host_predicts_a_change_and_the_role_then_makes_it(host: Host) -> None:
    assert host.predicted.is_good, host.predicted.output
    assert host.predicted.changed > 0
    assert host.applied.is_good, host.applied.output
    assert host.timers() == sorted(timer.format(plan) for plan in ("sales", "board") for timer in TIMERS)


def test_a_second_play_changes_nothing(host: Host) -> None:
    again = host.play()
    assert again.is_good, again.output
    assert again.changed == 0, again.output


def test_systemd_finds_nothing_wrong_with_the_units_and_they_may_do_next_to_nothing(host: Host) -> None:
    assert host.copy.run("systemd-analyze verify --man=no /etc/systemd/system/m365-backup-*.service 2>&1").stdout == ""
    units = [f"m365-backup-{verb}@sales.service" for verb in VERBS] + ["m365-backup-report.service", "m365-backup-failed@run:sales.service"]
    for unit in units:
        exposure = host.copy.run(f"systemd-analyze security --no-pager {unit} | tail -1").stdout
        assert float(re.findall(r"[0-9]+[.][0-9]", exposure)[-1]) <= MOST_EXPOSED, exposure


def test_a_job_has_the_variables_that_were_declared_for_it_and_only_root_changes_them(host: Host) -> None:
    file = "/etc/m365_backup/plans/sales.run.json"
    assert host.copy.run(f"stat -c '%U %G %a' {file}").stdout.split() == ["root", ACCOUNT, "640"]
    assert json.loads(host.copy.run(f"cat {file}").stdout) == {"m365_backup_max_minutes": 600}


def test_a_run_that_was_missed_is_made_up_for_and_the_backup_is_there(host: Host) -> None:
    timer = "m365-backup-run@sales.timer"
    host.copy.run(f"systemctl stop {timer}; touch -d '3 days ago' /var/lib/systemd/timers/stamp-{timer}; systemctl start {timer}")
    host.wait_for(lambda: host.snapshots() == 1 and not host.is_active(SERVICE))
    assert host.copy.run(f"systemctl show --property=Result --value {SERVICE}").stdout.strip() == "success"
    assert host.restic("check --read-data") == ""
    assert sum(line.endswith(".eml") for line in host.restic("ls latest").splitlines()) == 10
    owners = host.copy.run("find /srv/m365_backup/sales /var/lib/m365_backup -not -user m365backup -o -perm /077 | head")
    assert owners.stdout == ""


def test_a_second_run_is_refused_and_stopping_the_first_keeps_what_it_has_read(host: Host) -> None:
    control = host.tenant.control
    control.deliver_generated("anna@contoso.com", 200, first=1_000, size_limit=5_000)
    control.reset_log()
    control.set_latency(1_000)
    host.copy.run(f"systemctl start --no-block {SERVICE}")
    host.wait_for(lambda: host.asked() >= 12)
    second = host.copy.run("/usr/local/bin/m365-backup run sales", check=False)
    assert second.returncode != 0
    assert "A run of plan sales is going on on this host" in second.stdout + second.stderr
    assert host.is_active(SERVICE)

    host.copy.run(f"systemctl stop {SERVICE}")
    control.set_latency(0)
    assert host.copy.run("pgrep --full m365_backup", check=False).stdout == ""
    assert host.copy.run(f"systemctl show --property=Result --value {SERVICE}").stdout.strip() == "success"
    assert [CHECKPOINT in tag for tag in host.newest_tags()].count(True) == 1
    had = host.asked()
    assert had < 200 - ON_THEIR_WAY

    control.reset_log()
    host.copy.run(f"systemctl start {SERVICE}")
    assert host.asked() <= 200 - had + ON_THEIR_WAY
    assert host.restic("check --read-data") == ""
    assert sum(line.endswith(".eml") for line in host.restic("ls latest").splitlines()) == 210


def test_the_command_of_a_host_does_what_its_page_shows(host: Host) -> None:
    host.tenant.control.deliver_generated("ben@contoso.com", 1, first=2_000, size_limit=5_000)
    before = host.snapshots()
    usual = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    (commands,) = commands_of(PAGE)["The command"]
    said = host.copy.run(commands.text, environment=usual).stdout
    assert host.snapshots() == before + 1
    assert "sound" in said
    assert "Usage: m365-backup VERB PLAN" in said


def test_a_job_that_fails_has_somebody_told(host: Host) -> None:
    credentials = "/etc/m365_backup/credentials"
    with listening() as (url, told):
        write(host.copy, f"{credentials}/webhook_url", url)
        write(host.copy, f"{credentials}/board.passphrase", "another passphrase, which is wrong")
        assert host.copy.run("systemctl start m365-backup-run@board.service", check=False).returncode != 0
        host.wait_for(lambda: len(told) == 1)
        host.wait_for(lambda: not host.is_active("m365-backup-failed@run:board.service"))
    assert "passphrase" in told[0]["text"]
    assert "Board" in told[0]["text"]
    journal = host.copy.run("journalctl --no-pager --unit='m365-backup-*'").stdout
    assert PASSPHRASE not in journal
    assert host.tenant.client_secret not in journal
    assert url not in journal
    host.copy.run(f"rm {credentials}/board.passphrase {credentials}/webhook_url")


def test_a_plan_that_is_absent_loses_its_timers_and_one_that_is_not_listed_is_named(host: Host) -> None:
    outcome = host.play(plans=[{"name": "board", "state": "absent"}])
    assert outcome.is_good, outcome.output
    assert host.timers() == [timer.format("sales") for timer in TIMERS]
    assert "left as they are: m365-backup-prune@sales.timer" in outcome.output
    assert (
        host.copy.run(
            "ls /etc/systemd/system /etc/systemd/system/timers.target.wants /etc/m365_backup/plans | grep board", check=False
        ).stdout
        == ""
    )
    removed = host.play("--check", plans=[], group_backup_remove_unlisted=True)
    assert removed.is_good, removed.output
    assert "changed: [host] => (item=m365-backup-run@sales.timer)" in removed.output
    assert host.copy.run("ls /mnt/board/repository").stdout.split() == ["config", "data", "index", "keys", "locks", "snapshots"]


def test_cron_takes_over_where_systemd_is_not_to_do_it(host: Host) -> None:
    outcome = host.play(plans=[SALES], group_backup_scheduler="cron")
    assert outcome.is_good, outcome.output
    assert host.timers() == []
    lines = host.copy.run("cat /etc/cron.d/m365_backup_sales").stdout.splitlines()
    jobs = [line.split(maxsplit=6) for line in lines if line[:1].isdigit()]
    assert [(" ".join(job[:5]), job[5]) for job in jobs] == [("0 3 * * *", ACCOUNT), ("1 9 * * 6", ACCOUNT), ("1 12 * * *", ACCOUNT)]
    host.copy.run(f"runuser -u {ACCOUNT} -- sh -c {shlex.quote(jobs[2][6])}")
    assert "failed=0" in host.copy.run("cat /var/log/m365_backup/cron.log").stdout

    again = host.play("--check", plans=[SALES], group_backup_scheduler="cron")
    assert (again.is_good, again.changed) == (True, 0), again.output
    elsewhere = {**SALES, "schedule": {"every": "daily", "timezone": "Europe/Berlin"}}
    refused = host.play("--check", plans=[elsewhere], group_backup_scheduler="cron")
    assert not refused.is_good
    assert "cron cannot start m365-backup-run@sales" in refused.output


def test_absent_leaves_plans_and_backups_and_nothing_else(host: Host) -> None:
    removed = host.play(group_backup_state="absent")
    assert removed.is_good, removed.output
    left = "ls /etc/systemd/system/m365-backup* /etc/systemd/system/*.wants/m365-backup* /etc/cron.d/m365* /etc/m365_backup/plans"
    assert host.copy.run(left, check=False).stdout == ""
    host.copy.run("test -e /var/lib/m365_backup/plans/sales.json && test -e /srv/m365_backup/sales/config")
    again = host.play(group_backup_state="absent")
    assert (again.is_good, again.changed) == (True, 0), again.output
