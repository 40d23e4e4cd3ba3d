# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scanner dies, hangs, restarts or is killed together with its run: nothing is called clean without a verdict, nothing is lost."""

from __future__ import annotations

import collections
import threading
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Outcome, RunResult
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.scanner import ScannerDown, ScannerUnusable
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.self_test import EICAR
from ansible_collections.tenantvault.m365_backup.tests.integration import infected, killed_run
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup, mail_of, needs_restic
from ansible_collections.tenantvault.m365_backup.tests.integration.clamd_daemon import Clamd, needs_clamd, running_clamd
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import Playbook
from ansible_collections.tenantvault.m365_backup.tests.integration.scanned_contents import marks, records, verdicts
from ansible_collections.tenantvault.m365_backup.tests.integration.stored_plan import declare
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.killable import Warden
from tenant.harness import RunningTenant

pytestmark = [needs_clamd, needs_restic]
USERS = tuple(f"user{number}@contoso.com" for number in range(4))
ALICE = USERS[0]
MESSAGES = 30
PATIENCE = 60.0
TROUBLE = {"stop": Clamd.stop, "hang": Clamd.hang}


@pytest.fixture
def daemon() -> t.Iterator[Clamd]:
    with running_clamd(StreamMaxLength="1M") as daemon:
        yield daemon


@pytest.fixture
def tenant(tenant: RunningTenant) -> RunningTenant:
    control = tenant.control
    control.reset()
    control.add_group("Sales")
    for number, user in enumerate(USERS):
        control.add_user(user)
        control.add_member("Sales", user)
        control.deliver_generated(user, MESSAGES, folder=None, first=number * MESSAGES, size_limit=30_000)
        control.deliver(user, "inbox", infected.mail(infected.zipped(EICAR + user.encode()), "offer.zip"))
    control.deliver(ALICE, "inbox", infected.mail(bytes(2 << 20), "large.bin"))
    return tenant


def backup_of(tenant: RunningTenant, folder: Path, daemon: Clamd, *, patience: float = 1.0, **scan: t.Any) -> Backup:
    declared = {"engine": "clamav", "socket": daemon.socket, **scan}
    return Backup(tenant=tenant, folder=folder, users=USERS, malware_scan=declared, scanner_patience=patience)


def run_amid(backup: Backup, trouble: t.Callable[[], None], *, workers: int = 1) -> RunResult:
    """What happens to a run when there is trouble after some bodies were read."""
    control = backup.tenant.control
    control.reset_log()
    control.set_latency(30)

    def wait_and_do() -> None:
        end = time.monotonic() + PATIENCE
        while control.stats()["by_operation"].get("message_mime", 0) < MESSAGES and time.monotonic() < end:
            time.sleep(0.01)
        trouble()

    other = threading.Thread(target=wait_and_do)
    other.start()
    try:
        return backup.run(workers=workers)
    finally:
        other.join()
        control.set_latency(0)


def check_all(backup: Backup) -> None:
    """Everything is there and has a verdict, and all that is bad is marked."""
    found = verdicts(backup)
    kinds = sorted(verdict.kind.value for verdict in found.values() if verdict is not None and not verdict.is_clean)
    assert kinds == ["infected"] * len(USERS) + ["unscannable"]
    assert None not in found.values()
    backup.restic("check", "--read-data")
    assert sorted(backup.restored_by_restic().values()) == mail_of(backup.tenant, *USERS)


@pytest.mark.parametrize("how", ["stop", "hang"])
def test_inv11_what_could_not_be_scanned_is_not_stored_and_the_next_run_reads_it_again(
    tenant: RunningTenant, daemon: Clamd, tmp_path: Path, how: str
) -> None:
    backup = backup_of(tenant, tmp_path, daemon)
    result = run_amid(backup, lambda: TROUBLE[how](daemon))
    assert result.outcome in (Outcome.FAILED, Outcome.PARTIAL)
    assert result.scan is not None
    assert result.scan.counts.unscanned == 0
    failed = [source for member in result.members for source in member.sources if source.outcome is Outcome.FAILED]
    assert failed
    assert all("clamd" in finding.reason for source in failed for finding in source.findings)
    assert None not in verdicts(backup).values()
    backup.restic("check", "--read-data")

    if how == "hang":
        daemon.go_on()
    else:
        daemon.start()
    assert backup.run().outcome is Outcome.COMPLETE
    check_all(backup)


def test_inv04_what_was_stored_without_a_scan_is_said_and_scanned_first_by_the_next_run(
    tenant: RunningTenant, daemon: Clamd, tmp_path: Path
) -> None:
    backup = backup_of(tenant, tmp_path, daemon, on_scanner_down="backup_unscanned")
    first = run_amid(backup, daemon.kill, workers=2)
    assert first.scan is not None
    unscanned = first.scan.counts.unscanned
    findings = [finding for member in first.members for source in member.sources for finding in source.findings]
    assert (first.outcome, unscanned > 0) == (Outcome.PARTIAL, True)
    assert {finding.code for finding in findings} == {"unscanned"}
    assert sum(verdict is None for verdict in verdicts(backup).values()) == unscanned
    assert sorted(backup.restored_by_restic().values()) == mail_of(tenant, *USERS)
    told = sum(list(marks(records(backup, user, "mail")).values()).count("unscanned") for user in USERS)
    assert told == unscanned

    # As long as nobody can scan them, no run is a success.
    tenant.control.reset_log()
    still = backup.run()
    assert still.scan is not None
    assert (still.outcome, still.scan.counts.unscanned, still.scan.counts.scanned) == (Outcome.PARTIAL, unscanned, 0)
    daemon.start()
    healed = backup.run()
    assert healed.scan is not None
    assert (healed.outcome, healed.is_changed, healed.scan.counts.scanned) == (Outcome.COMPLETE, True, unscanned)
    assert "message_mime" not in tenant.control.stats()["by_operation"]
    bad = [one for result in (first, healed) if result.scan for one in result.scan.flagged if one.verdict != "unscanned"]
    assert {(one.member, one.folder) for one in bad if one.verdict == "infected"} == {(user, "Inbox") for user in USERS}
    check_all(backup)
    quiet = backup.run()
    assert (quiet.outcome, quiet.is_changed) == (Outcome.COMPLETE, False)


def test_a_daemon_that_restarts_with_another_database_is_waited_for(tenant: RunningTenant, daemon: Clamd, tmp_path: Path) -> None:
    def restart() -> None:
        daemon.set_signatures(version=2)
        daemon.reload()
        daemon.kill()
        time.sleep(0.5)
        daemon.start()

    backup = backup_of(tenant, tmp_path, daemon, patience=PATIENCE)
    result = run_amid(backup, restart)
    assert (result.outcome, [finding for member in result.members for source in member.sources for finding in source.findings]) == (
        Outcome.COMPLETE,
        [],
    )
    check_all(backup)


def test_nothing_is_read_when_the_engine_is_down_or_finds_nothing(tenant: RunningTenant, daemon: Clamd, tmp_path: Path) -> None:
    daemon.set_signatures({"Test.Other": b"something else"}, with_eicar=False)
    daemon.reload()
    backup = backup_of(tenant, tmp_path, daemon, on_scanner_down="backup_unscanned")
    tenant.control.reset_log()
    for run in (backup.run, backup.preview):
        with pytest.raises(ScannerUnusable, match="EICAR"):
            run()
    daemon.kill()
    with pytest.raises(ScannerDown):
        backup_of(tenant, tmp_path, daemon).run()
    assert tenant.control.stats()["requests"] == 0
    result = backup.run()
    assert result.scan is not None
    assert (result.outcome, result.scan.counts.scanned, result.scan.counts.unscanned) == (Outcome.PARTIAL, 0, result.counts.total)


def test_inv02_a_run_that_is_killed_loses_no_verdict_and_the_next_one_names_what_it_had_found(
    tenant: RunningTenant, daemon: Clamd, tmp_path: Path
) -> None:
    backup = backup_of(tenant, tmp_path, daemon)
    backup.repository()
    tenant.control.deliver_generated(ALICE, 200, folder=None, first=1000, size_limit=30_000)
    tenant.control.set_latency(50)
    warden, lives = Warden(killed_run.__file__), 1.0
    known: dict[str, int] = {}
    while not known.get("infected"):
        lives += 0.5
        assert warden.do(killed_run.job_of(backup), lives=lives).was_killed
        known = collections.Counter(verdict.kind.value for verdict in verdicts(backup).values() if verdict is not None)
    warden.close()
    tenant.control.set_latency(0)
    result = backup.run()
    assert result.scan is not None
    assert (result.outcome, result.scan.counts.scanned <= result.counts.total - sum(known.values())) == (Outcome.COMPLETE, True)
    assert result.scan.counts.infected < len(USERS)
    named = {(one.member, one.verdict) for one in result.scan.flagged}
    assert named == {*((user, "infected") for user in USERS), (ALICE, "unscannable")}
    check_all(backup)


def test_a_plan_may_have_its_run_fail_for_malware_after_everything_was_stored(tenant: RunningTenant, daemon: Clamd, tmp_path: Path) -> None:
    playbook = Playbook(tenant=tenant, folder=tmp_path)
    declare(playbook, malware_scan={"engine": "clamav", "socket": daemon.socket, "on_infected": "fail_run"})
    run = playbook.task("m365_backup_run", plan="sales")
    first, second = playbook.run(run, run).answers
    assert first["failed"]
    assert "stored everything, and fails because the plan says so of infected contents" in first["msg"]
    assert f"mail of {ALICE}, Inbox/An attachment: offer.zip (Test.Eicar.UNOFFICIAL)" in first["msg"]
    assert (first["outcome"], first["changed"], bool(first["snapshot_id"])) == ("complete", True, True)
    counts = {name: first["scan"][name] for name in ("infected", "unscannable", "unscanned", "engine", "database")}
    assert counts == {"infected": len(USERS), "unscannable": 1, "unscanned": 0, "engine": "clamav", "database": "1.4.6/1"}
    assert (second.get("failed", False), second["changed"], second["scan"]["scanned"]) == (False, False, 0)
    assert second["scan"]["engine_version"]
