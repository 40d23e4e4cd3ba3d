# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task shows while it works: lines, a bar in a terminal, nothing where a program reads the output."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import threading
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import CHECKPOINT, outcome_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.progress import progress_of
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import Playbook, Task
from ansible_collections.tenantvault.m365_backup.tests.integration.stored_plan import declare
from ansible_collections.tenantvault.m365_backup.tests.integration.test_stopping import asked, children, process_of, until
from tenant.harness import RunningTenant, running_tenant

ALICE, BOB = "alice@contoso.com", "bob@contoso.com"
UP_AND_CLEAR = "\x1b[1A\x1b[2K"


@pytest.fixture
def tenant() -> t.Iterator[RunningTenant]:
    with running_tenant() as running:
        running.control.add_group("Sales")
        for user in (ALICE, BOB):
            running.control.add_user(user)
            running.control.add_member("Sales", user)
            running.control.deliver_generated(user, 60, folder=None, size_limit=10_000)
        yield running


@pytest.fixture
def playbook(tenant: RunningTenant, tmp_path: Path) -> Playbook:
    return Playbook(tenant=tenant, folder=tmp_path)


def run(playbook: Playbook, **options: t.Any) -> Task:
    return playbook.task("m365_backup_run", plan="sales", **options)


def slow(playbook: Playbook, seconds: float = 0.4) -> None:
    """A message takes so long; by default, reading all of them takes six seconds, on any machine."""
    playbook.tenant.control.arm({"name": "slow", "seconds": seconds, "times": None, "match": {"operation": "message_mime"}})


def nothing_is_left() -> bool:
    """Files of tasks beside this test go with these."""
    seen = set(Path("/tmp").glob("m365_backup-*.progress*"))
    until(lambda: not any(path.exists() for path in seen))
    return True


def test_lines_say_how_far_a_run_is_and_at_last_what_it_did(playbook: Playbook) -> None:
    declare(playbook, sources=["mail"])
    slow(playbook)
    report = playbook.run(run(playbook, workers=2))
    (answer,) = report.answers
    assert answer["changed"] is True
    lines = re.findall(r"^run of sales, reading members: .*of 2 members, ([\d,]+) items, [\d.]+ \w+.*$", report.output, re.MULTILINE)
    assert lines, report.output
    assert all(0 < int(items) < 120 for items in lines)
    assert re.search(rf"^{re.escape(answer['msg'])} It took \d+ s\.$", report.output, re.MULTILINE)
    assert "\x1b[1A" not in report.output
    assert nothing_is_left()


def in_terminal(playbook: Playbook, *tasks: Task, more: t.Mapping[str, str] | None = None) -> str:
    """What a terminal gets, if ansible-playbook runs in one."""
    ours, theirs = pty.openpty()
    shown = bytearray()

    def read() -> None:
        with contextlib.suppress(OSError):  # the other end is closed
            while piece := os.read(ours, 65536):
                shown.extend(piece)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        playbook.run(*tasks, environment={"TERM": "xterm", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", **(more or {})}, output=theirs)
    finally:
        os.close(theirs)
        reader.join()
        os.close(ours)
    return shown.decode(errors="replace").replace("\r\n", "\n")


def test_a_terminal_has_a_bar_that_gives_way_to_the_sentence(playbook: Playbook) -> None:
    declare(playbook, sources=["mail"])
    slow(playbook)
    shown = in_terminal(playbook, run(playbook))
    assert re.search(
        r"^\x1b\[1A\x1b\[2Krun of sales [█░]{20} (reading members, )?\d+ %, \d of 2 members, \d+ items", shown, re.MULTILINE
    ), shown
    last = shown[shown.rindex(UP_AND_CLEAR) :]
    assert re.match(r"\x1b\[1A\x1b\[2K2 members backed up: 120 added; .* It took \d+ s\.\nchanged: \[localhost\]", last), shown
    assert not re.search(r"^run of sales, ", shown, re.MULTILINE)
    as_awx = in_terminal(playbook, run(playbook), more={"ANSIBLE_STDOUT_CALLBACK": "minimal"})
    assert UP_AND_CLEAR not in as_awx
    assert re.search(r"It took \d+ s\.$", as_awx, re.MULTILINE)


def test_nothing_is_shown_to_programs_in_check_mode_in_the_background_and_where_it_is_switched_off(playbook: Playbook) -> None:
    declare(playbook, sources=["mail"])
    sentence = "It took "
    check = {**run(playbook), "check_mode": True}
    off = {**run(playbook), "vars": {"m365_backup_progress": False}}
    background = {**run(playbook), "async": 120, "poll": 1}
    report = playbook.run(check, off, background)
    assert sentence not in report.output
    assert [answer["changed"] for answer in report.answers] == [True, True, False]
    assert sentence not in playbook.run(run(playbook), environment={"M365_BACKUP_PROGRESS": "no"}).output
    assert nothing_is_left()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become root without a password")
def test_every_task_has_its_lines_also_when_somebody_else_does_the_work(playbook: Playbook, tmp_path: Path) -> None:
    declare(playbook, sources=["mail"])
    files = tmp_path / "files"
    restore = playbook.task("m365_backup_restore", plan="sales", member=ALICE, target_path=str(files))
    tasks = [
        run(playbook),
        playbook.task("m365_backup_verify", plan="sales", level="data"),
        restore,
        playbook.task("m365_backup_prune", plan="sales"),
    ]
    elsewhere: Task = {"become": True, "become_method": "su"}
    slow(playbook)
    report = playbook.run(*({**task, **elsewhere} for task in tasks), environment={"ANSIBLE_BECOME_ALLOW_SAME_USER": "true"})
    assert [answer["failed"] for answer in report.answers] == [False] * 4, report.output
    assert re.search(r"^run of sales, reading members: .* items", report.output, re.MULTILINE), report.output
    assert [f"{answer['msg']} It took " in report.output for answer in report.answers] == [True] * 4
    assert nothing_is_left()


def test_the_file_has_numbers_and_goes_with_the_task(playbook: Playbook, tmp_path: Path) -> None:
    declare(playbook, sources=["mail"])
    path = tmp_path / "progress.json"
    slow(playbook)
    seen: list[str] = []
    is_over = threading.Event()

    def look() -> None:
        while not is_over.wait(0.05):
            with contextlib.suppress(FileNotFoundError):
                seen.append(path.read_text(encoding="utf-8"))

    looker = threading.Thread(target=look)
    looker.start()
    playbook.run(run(playbook, progress_file=str(path)))
    is_over.set()
    looker.join()
    heard = [progress_of(text) for text in seen]
    assert heard
    assert all(progress is not None for progress in heard)
    assert any(progress is not None and 0 < progress.done <= 120 and progress.members_total == 2 for progress in heard)
    assert not [text for text in seen if "contoso" in text or playbook.tenant.client_secret in text]
    assert not path.exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=lambda number: number.name)
def test_inv02_whoever_ends_ansible_playbook_leaves_a_checkpoint_and_no_process(playbook: Playbook, number: signal.Signals) -> None:
    repository = declare(playbook, sources=["mail"])
    control = playbook.tenant.control
    slow(playbook)

    def play() -> None:
        with contextlib.suppress(AssertionError):
            playbook.run(run(playbook, workers=1))

    thread = threading.Thread(target=play)
    thread.start()
    until(lambda: asked(playbook.tenant, "message_mime") >= 30)
    control.disarm()
    slow(playbook, 3)  # the first member has twelve seconds to go, also where ansible-playbook needs long to end
    module, victim = process_of("AnsiballZ_"), process_of("ansible-playbook")
    assert module is not None
    assert victim is not None
    everybody = set(children())
    os.kill(victim, number)
    thread.join()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in everybody if pid not in children()))
    until(lambda: not Path(f"/proc/{module}").exists())
    assert [outcome_of(snapshot.tags) for snapshot in repository.snapshots()] == [CHECKPOINT]
    assert not list((playbook.repository / "locks").iterdir())
    control.disarm()
    had = asked(playbook.tenant, "message_mime")
    (answer,) = playbook.run(run(playbook)).answers
    assert (answer["outcome"], answer["counts"]["total"]) == ("complete", 120)
    assert asked(playbook.tenant, "message_mime") <= 120 + 8
    assert had < 120
    assert nothing_is_left()
