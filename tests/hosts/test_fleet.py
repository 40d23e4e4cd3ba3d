# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guide of backup hosts, done as it says: two bare machines become a fleet, live through what hosts live through, and go.

The tests share the machines and run in the order of this file, which is that of the page. Every file is written, and every command
run, in a folder as an operator has it. Only what would come from the internet comes from files.
"""

from __future__ import annotations

import json
import os
import shutil
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.tests.hosts.artefacts import tarball, wheels
from ansible_collections.tenantvault.m365_backup.tests.hosts.fleet import NAMES, Fleet, changed, make_mirror, populate, running_fleet
from ansible_collections.tenantvault.m365_backup.tests.hosts.scanning import served
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.object_store import running_seaweedfs
from tenant.harness import running_tenant

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/docsite/rst/backup_hosts.rst"
LOCK = ROOT / "roles/backup_host/files/requirements-3.11.txt"
FIRST, SECOND = NAMES
PEOPLE, MESSAGES = 12, 3


@pytest.fixture(scope="module")
def fleet(machine_root: Path, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Fleet]:
    if not shutil.which("restic"):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("restic is not on this machine, and has to judge")
    folder = tmp_path_factory.mktemp("fleet")
    tarballs = [tarball(folder, version) for version in ("1.0.0", "1.0.1")]
    make_mirror(folder / "mirror", wheels(LOCK, ROOT / ".build/wheels"))
    with running_tenant() as tenant, running_seaweedfs(folder / "seaweedfs") as store, served(folder / "mirror") as mirror:
        populate(tenant, PEOPLE, MESSAGES)
        with running_fleet(machine_root, folder, PAGE, tenant, store, mirror.url, tarballs) as running:
            yield running


def deliver(fleet: Fleet, seed: int) -> None:
    """A message more for everybody, so that each host has something to do; C(seed) makes them differ from those before."""
    for number in range(PEOPLE):
        fleet.tenant.control.deliver_generated(f"member{number}@contoso.com", 1, seed=seed + number, size_limit=5_000)
    fleet.tenant.control.reset_log()


def on_all(fleet: Fleet, command: str) -> list[str]:
    return [machine.says(command) for machine in fleet.machines.values()]


def test_check_mode_on_bare_machines_foretells_changes_and_makes_none(fleet: Fleet) -> None:
    assert fleet.do("A folder for it").count("SUCCESS") == 2
    fleet.choose_a_passphrase()
    for section in (
        "What every host knows",
        "Only if there is a proxy",
        "Only if hosts have no internet",
        "Who is backed up, when, and where to",
    ):
        fleet.do(section)
    vault = (fleet.folder / "group_vars/backup_hosts/vault.yml").read_text(encoding="utf-8")
    assert vault.startswith("$ANSIBLE_VAULT;")

    play, check, _apply = fleet.page["Look, then do it"]
    foretold = changed(fleet.session.do([play, check]))
    assert set(foretold) == set(NAMES)
    assert all(count > 0 for count in foretold.values())
    assert on_all(fleet, "ls -d /opt/m365_backup /etc/m365_backup /etc/systemd/system/m365* 2>/dev/null | wc -l") == ["0", "0"]


def test_the_play_makes_backup_hosts_and_a_recovery_key_that_is_left_nowhere(fleet: Fleet) -> None:
    *_before, apply = fleet.page["Look, then do it"]
    assert all(count > 0 for count in changed(fleet.session.do([apply])).values())
    get, forget = fleet.page["The recovery key"]
    key = fleet.session.do([get]).splitlines()[-1].strip()
    assert fleet.restic("list", "snapshots", password=key) == ""
    fleet.session.do([forget])
    assert on_all(fleet, "find / -xdev -name '*recovery-key*' | wc -l") == ["0", "0"]


def test_the_play_has_nothing_to_do_the_second_time(fleet: Fleet) -> None:
    *_before, apply = fleet.page["Look, then do it"]
    output = fleet.session.do([apply])
    assert changed(output) == dict.fromkeys(NAMES, 0), output


def test_both_hosts_back_up_their_part_and_no_message_is_fetched_twice(fleet: Fleet) -> None:
    fleet.tenant.control.reset_log()
    fleet.do("The first backup")
    assert fleet.fetched() == PEOPLE * MESSAGES
    assert len(fleet.restored()) == PEOPLE * MESSAGES
    hosts = {snapshot["hostname"] for snapshot in json.loads(fleet.restic("snapshots", "--json"))}
    assert hosts == {"backup1", "backup2"}


def test_the_operator_sees_that_it_is_there_and_restic_reads_every_byte(fleet: Fleet) -> None:
    seen = fleet.do("Is it there?")
    assert seen.count("m365-backup-run@sales.timer") >= 2
    assert "m365-backup-verify@sales.timer" in seen
    assert f"{PEOPLE}" in fleet.do("On a host")


def test_the_timers_of_both_hosts_fire(fleet: Fleet) -> None:
    deliver(fleet, 1000)
    for name in NAMES:
        fleet.wait_until_the_timer_has_fired(name)
    assert fleet.fetched() == PEOPLE
    assert len(fleet.restored()) == PEOPLE * (MESSAGES + 1)


def test_after_a_restart_the_timers_are_there_and_fire(fleet: Fleet) -> None:
    fleet.do("A host is restarted")
    machine = fleet.machines[SECOND]
    assert machine.power.times_booted == 2
    timers = machine.says("systemctl is-enabled m365-backup-run@sales.timer; systemctl is-active m365-backup-run@sales.timer")
    assert timers.split() == ["enabled", "active"]
    deliver(fleet, 2000)
    fleet.wait_until_the_timer_has_fired(SECOND)
    fleet.wait_until_the_timer_has_fired(FIRST)
    assert fleet.fetched() == PEOPLE
    assert len(fleet.restored()) == PEOPLE * (MESSAGES + 2)


def test_a_lost_host_is_replaced_by_the_same_play_and_goes_on_without_reading_all_again(fleet: Fleet) -> None:
    fleet.lose(SECOND)
    fleet.boot(SECOND)
    replaced = changed(fleet.do("A host is lost"))
    assert set(replaced) == {SECOND}
    deliver(fleet, 3000)
    for name in NAMES:
        fleet.wait_until_the_timer_has_fired(name)
    assert fleet.fetched() == PEOPLE
    assert len(fleet.restored()) == PEOPLE * (MESSAGES + 3)


def test_a_new_version_takes_the_place_of_the_one_before(fleet: Fleet) -> None:
    assert all(count > 0 for count in changed(fleet.do("A new version")).values())
    installed = "/opt/m365_backup/collections/ansible_collections/tenantvault/m365_backup/MANIFEST.json"
    assert [json.loads(text)["collection_info"]["version"] for text in on_all(fleet, f"cat {installed}")] == ["1.0.1", "1.0.1"]
    fleet.wait_until_the_timer_has_fired(FIRST)
    assert "no errors were found" in fleet.restic("check", "--read-data")


def test_at_the_end_nothing_is_left_on_the_hosts_and_restic_reads_the_bucket(fleet: Fleet) -> None:
    remove, purge = [block for block in fleet.page["The end"] if block.language == "bash"]
    before = fleet.restored()
    assert all(count > 0 for count in changed(fleet.session.do([remove])).values())
    assert on_all(fleet, "ls -d /opt/m365_backup /usr/local/bin/m365-backup /etc/systemd/system/m365* 2>/dev/null | wc -l") == ["0", "0"]
    assert on_all(fleet, "ls /etc/m365_backup/credentials | wc -l") == ["4", "4"]
    fleet.session.do([purge])
    assert on_all(fleet, "ls -d /etc/m365_backup /var/lib/m365_backup /var/log/m365_backup 2>/dev/null | wc -l") == ["0", "0"]
    assert fleet.restored() == before
    sections = {section for section, blocks in fleet.page.items() if blocks}
    assert sections - set(fleet.said) == {"Look, then do it", "The recovery key", "The end"}, "what was done block by block"
