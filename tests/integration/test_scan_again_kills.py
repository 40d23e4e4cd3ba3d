# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scans of stored backups that are killed or ended: no verdict is lost or made up, and the next scan goes on from what was saved."""

from __future__ import annotations

import hashlib
import os
import random
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.store import PlanStore, StoredPlan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.scanner import ScanSettings
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.self_test import EICAR
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.verdict import Verdict
from ansible_collections.tenantvault.m365_backup.tests.integration import infected, killed_scan
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup, needs_restic
from ansible_collections.tenantvault.m365_backup.tests.integration.clamd_daemon import needs_clamd, running_clamd
from ansible_collections.tenantvault.m365_backup.tests.integration.killed_scan import SAVED_AT_ONCE, Death
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import Playbook
from ansible_collections.tenantvault.m365_backup.tests.integration.scanned_contents import nodes, verdicts
from ansible_collections.tenantvault.m365_backup.tests.integration.test_stopping import run_and_end
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.killable import Ended, Warden
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.scan.packings import encrypted_zip
from tenant.harness import RunningTenant

ALICE, BOB = "alice@contoso.com", "bob@contoso.com"
MESSAGES = 16
MARKER = "a dropper that only every second version of the rules has heard of"
RULES = 'rule Version_{number} {{ strings: $text = "{text}" condition: $text }}'
ARCHIVES, FILES, JUDGED = 20, 1000, 3
DEATHS = (
    *(Death("content", number) for number in (1, 2 * SAVED_AT_ONCE + 2)),
    Death("data", 1, is_after=False),
    Death("data", 2),
    Death("index", 1, is_after=False),
    Death("index", 2),
    *(Death("snapshots", number, is_after=is_after) for number in (1, 3) for is_after in (False, True)),
)
RANDOM_DEATHS = 4 * int(os.environ.get("M365_TORTURE", "1"))


@pytest.fixture
def backup(tenant: RunningTenant, tmp_path: Path) -> Backup:
    """Two mailboxes that share messages, one of them of several blobs, one with EICAR, and one that nobody can look into."""
    control = tenant.control
    control.reset()
    chance = random.Random(1)
    shared = [infected.mail(EICAR), infected.mail(encrypted_zip(), "locked.zip"), infected.mail(MARKER.encode(), "offer.bin")]
    for user in (ALICE, BOB):
        control.add_user(user)
        control.deliver_many(user, "inbox", [*shared, infected.mail(chance.randbytes(100), "note.txt")])
    control.deliver(ALICE, "inbox", infected.mail(chance.randbytes(13 << 18), "large.bin"))
    control.deliver_generated(ALICE, MESSAGES, folder=None, size_limit=20_000)
    rules = tmp_path / "rules.yar"
    Backup(tenant=tenant, folder=tmp_path, users=(ALICE, BOB)).run()
    return Backup(tenant=tenant, folder=tmp_path, users=(ALICE, BOB), malware_scan={"engine": "yara", "rules": [str(rules)]})


@pytest.fixture
def warden() -> t.Iterator[Warden]:
    warden = Warden(killed_scan.__file__)
    yield warden
    warden.close()


class Engine:
    """The rules of the day, and everything that scans with them were told about contents."""

    def __init__(self, backup: Backup) -> None:
        repository = backup.repository()
        places = nodes(backup)
        self.backup = backup
        self.digests = {place: hashlib.sha256(b"".join(repository.read_file(node))).hexdigest() for place, node in places.items()}
        self.database = ""
        self._version = 0
        self._said: set[tuple[str, str, str]] = set()

    @property
    def knows_marker(self) -> bool:
        return self._version % 2 == 1

    def renew(self) -> None:
        """Other rules, which have judged nothing yet. Every second version knows the marker."""
        self._version += 1
        text = MARKER if self.knows_marker else "nothing of it"
        (self.backup.folder / "rules.yar").write_text(RULES.format(number=self._version, text=text), encoding="ascii")

    def scan(self, warden: Warden, death: Death | None = None, **more: t.Any) -> Ended:
        ended = warden.do(killed_scan.job_of(self.backup, self._version, death), **more)
        for line in ended.said.get("judged", ()):
            digest, kind, self.database = line.split()
            self._said.add((digest, kind, self.database))
        return ended

    def stored(self) -> dict[str, Verdict | None]:
        """{digest: what the repository says}, of which the engine has said every word."""
        found = {self.digests[place]: verdict for place, verdict in verdicts(self.backup).items()}
        stored = {(digest, verdict.kind.value, verdict.database) for digest, verdict in found.items() if verdict is not None}
        assert stored <= self._said
        return found


def judged(ended: Ended) -> list[str]:
    return [line.split()[0] for line in ended.said.get("judged", ())]


@needs_restic
def test_inv02_a_scan_that_is_killed_anywhere_loses_and_invents_no_verdict_and_the_next_one_scans_the_rest(
    backup: Backup, warden: Warden
) -> None:
    pytest.importorskip("boreal", reason="boreal-python has no wheel for Python 3.10")
    engine, chance = Engine(backup), random.Random(20261123)
    contents = len(set(engine.digests.values()))
    engine.renew()
    whole = engine.scan(warden)
    assert [whole.said["totals"], sorted(judged(whole))] == [[f"0 {contents} 0"], sorted(set(engine.digests.values()))]
    calls, now = int(whole.said["calls"][0]), engine.stored()
    sentences: list[dict[str, t.Any]] = [{"death": death} for death in DEATHS]
    for number in range(RANDOM_DEATHS):
        sentences.append({"dies_at": chance.randint(1, calls), "moment": ("amid", "before", "after")[number % 3]})
    for sentence in sentences:
        before, known = now, engine.database
        engine.renew()
        killed = engine.scan(warden, **sentence)
        assert killed.was_killed, sentence
        backup.restic("--no-lock", "check", "--read-data")
        after = engine.stored()
        saved = {digest for digest, verdict in after.items() if verdict != before[digest]}
        assert saved <= set(judged(killed))
        assert all(verdict is not None and (digest in saved) == (verdict.database != known) for digest, verdict in after.items())
        if sentence.get("death") in (Death("snapshots", 1), Death("snapshots", 3, is_after=False)):
            assert len(saved) >= SAVED_AT_ONCE // 2

        rest = engine.scan(warden)
        assert (sorted(judged(rest)), rest.said["totals"]) == (
            sorted(after.keys() - saved),
            [f"{len(saved)} {contents - len(saved)} 0"],
        ), sentence
        now = engine.stored()
        assert {digest: now[digest] for digest in saved} == {digest: after[digest] for digest in saved}
        assert {verdict and verdict.database for verdict in now.values()} == {engine.database}
    kinds = sorted(verdict.kind.value for verdict in now.values() if verdict is not None and not verdict.is_clean)
    assert kinds == ["infected"] * (1 + engine.knows_marker) + ["unscannable"]
    backup.restic("check", "--read-data")


@needs_clamd
@needs_restic
def test_a_scan_that_is_ended_saves_and_tells_what_it_has_found_though_its_engine_hangs(tenant: RunningTenant, tmp_path: Path) -> None:
    playbook, control = Playbook(tenant=tenant, folder=tmp_path), tenant.control
    control.reset()
    control.add_user(ALICE)
    # The daemon needs a while for an archive of so many files. Every second one is infected.
    others = [(f"{number}.txt", b"harmless") for number in range(FILES)]
    zips = [infected.zipped(EICAR if number % 2 else b"%d" % number, f"{number}.com", *others) for number in range(ARCHIVES)]
    mails = [infected.mail(content, f"{number}.zip") for number, content in enumerate(zips)]
    control.deliver_many(ALICE, "inbox", mails)
    backup = Backup(tenant=tenant, folder=tmp_path, users=(ALICE,))
    backup.run()
    PlanStore(playbook.state_path).save(StoredPlan(plan=backup.plan, repository_id=backup.repository().id))
    with running_clamd(LogClean="yes") as daemon:
        hangs_since = []

        def hangs_amid() -> bool:
            if (daemon.folder / "clamd.log").read_text(encoding="utf-8").count(": OK") < JUDGED:
                return False
            daemon.hang()
            hangs_since.append(time.monotonic())
            return True

        task = playbook.task("m365_backup_scan", plan="group", engine="clamav", socket=daemon.socket)
        (answer,) = run_and_end(playbook, task, when=hangs_amid, program="AnsiballZ_m365_backup_scan")
        assert time.monotonic() - hangs_since[0] < ScanSettings().patience / 2
        assert (answer["failed"], answer["stopped"], answer["newly_infected"]) == (True, "signal", answer["infected"])
        assert "still without it, because it got the signal SIGTERM. The next scan goes on from here." in answer["msg"]
        assert JUDGED <= answer["scanned"] < ARCHIVES
        backup.restic("check")

        daemon.go_on()
        (again,) = playbook.run(task).answers
    assert (again["known"], again["known"] + again["scanned"], again["remaining"]) == (answer["scanned"], ARCHIVES, 0)
    assert answer["infected"] + again["newly_infected"] == ARCHIVES // 2
