# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The measurements of the malware scan: its client alone, and whole runs with and without it."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import statistics
import threading
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import MAIL
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.self_test import BytesContent
from ansible_collections.tenantvault.m365_backup.tests.integration.scan_contents import scanner_of

from .engine_runs import EngineRuns
from .figures import EngineRun, median_of
from .mail import Batch, deliver, fill_mailbox, folder_names, letters
from .processes import cpu_of

if t.TYPE_CHECKING:
    from pathlib import Path

    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.scanner import Scanner
    from ansible_collections.tenantvault.m365_backup.tests.integration.clamd_daemon import Clamd

    from .route import Route

_SIZE_LIMIT = 5_000_000
_LIMIT_SECONDS = 900.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClientResult:
    """Mails given to clamd by our client, and nothing else done with them."""

    at_once: int
    messages: int
    size: int
    wall: float
    our_cpu: float
    clamd_cpu: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """First runs without and with the scan, one that finds no change, and one over other mailboxes that hold the same mails.

    C(beside) is one without the scan while somebody else keeps clamd as busy: two programs on one core slow each other down,
    which is seen as CPU time of both.
    """

    mailboxes: int
    plain: EngineRun
    beside: EngineRun
    scanned: EngineRun
    clamd_cpu: float
    unchanged: EngineRun
    unchanged_cpu: float
    copies: EngineRun
    copies_cpu: float

    @property
    def extra(self) -> float:
        """Seconds of our CPU that are there because of what we do for the scan."""
        return self.scanned.process.cpu - self.beside.process.cpu

    @property
    def slower(self) -> float:
        """Seconds of our CPU that are there because of clamd's company, whoever has it work."""
        return self.beside.process.cpu - self.plain.process.cpu

    def named(self) -> tuple[tuple[str, EngineRun, float], ...]:
        return (
            ("without the scan", self.plain, 0.0),
            ("without it, clamd busy", self.beside, 0.0),
            ("with it", self.scanned, self.clamd_cpu),
            ("no change", self.unchanged, self.unchanged_cpu),
            ("the same mails for others", self.copies, self.copies_cpu),
        )


def measure_client(clamd: Clamd, messages: int, at_once: int, rounds: int) -> ClientResult:
    batch = Batch(mailbox="scanned@contoso.com", count=messages, size_limit=_SIZE_LIMIT)
    contents = [BytesContent(letter.mime) for letter in letters(batch, folder_names(messages))]
    walls, ours, theirs = [], [], []
    with scanner_of(clamd.socket, at_once=at_once) as scanner, ThreadPoolExecutor(at_once) as pool:
        for _round in range(rounds):
            wall, our, their = time.monotonic(), time.process_time(), cpu_of(clamd.pid)
            verdicts = list(pool.map(scanner.scan, contents))
            walls.append(time.monotonic() - wall)
            ours.append(time.process_time() - our)
            theirs.append(cpu_of(clamd.pid) - their)
    if not all(verdict.is_clean for verdict in verdicts):
        raise ValueError("generated mails are harmless, but not all of them were called clean")
    return ClientResult(
        at_once=at_once,
        messages=messages,
        size=sum(content.size for content in contents),
        wall=statistics.median(walls),
        our_cpu=statistics.median(ours),
        clamd_cpu=statistics.median(theirs),
    )


def measure_runs(route: Route, folder: Path, clamd: Clamd, mailboxes: int, messages: int, rounds: int) -> RunResult:
    """C(messages) in each of the mailboxes. With and without in turn, so that both have the same machine."""
    control = route.tenant.control
    control.limits(requests=None)
    runs = EngineRuns(route, folder, None, _LIMIT_SECONDS)
    for group in ("first", "copies"):
        control.add_group(group)
    for number in range(mailboxes):
        batch = Batch(mailbox=f"first-{number}@contoso.com", count=messages, size_limit=_SIZE_LIMIT)
        for group in ("first", "copies"):
            control.add_user(f"{group}-{number}@contoso.com")
            control.add_member(group, f"{group}-{number}@contoso.com")
        fill_mailbox(control, batch, None)
        _fill_copy(route, batch, f"copies-{number}@contoso.com")

    def scanned_run(group: str, repository: Path) -> tuple[EngineRun, float]:
        before = cpu_of(clamd.pid)
        run = runs.run(group, repository, [MAIL], scanner=clamd.socket)
        return run, cpu_of(clamd.pid) - before

    plain, beside, scanned, unchanged, copies = [], [], [], [], []
    for _round in range(rounds):
        plain.append(runs.run("first", runs.new_repository("plain"), [MAIL]))
        with _busy(clamd):
            beside.append(runs.run("first", runs.new_repository("plain"), [MAIL]))
        repository = runs.new_repository("scanned")
        scanned.append(scanned_run("first", repository))
        unchanged.append(scanned_run("first", repository))
        copies.append(scanned_run("copies", repository))
    return RunResult(
        mailboxes=mailboxes,
        plain=median_of(plain),
        beside=median_of(beside),
        scanned=median_of([run for run, _cpu in scanned]),
        clamd_cpu=statistics.median(cpu for _run, cpu in scanned),
        unchanged=median_of([run for run, _cpu in unchanged]),
        unchanged_cpu=statistics.median(cpu for _run, cpu in unchanged),
        copies=median_of([run for run, _cpu in copies]),
        copies_cpu=statistics.median(cpu for _run, cpu in copies),
    )


@contextlib.contextmanager
def _busy(clamd: Clamd) -> t.Iterator[None]:
    """Have it scan, in this process, as many mails at a time as there are cores."""
    cores = len(os.sched_getaffinity(0))
    batch = Batch(mailbox="others@contoso.com", count=200, size_limit=_SIZE_LIMIT)
    contents = itertools.cycle([BytesContent(letter.mime) for letter in letters(batch, folder_names(200))])
    is_over, lock = threading.Event(), threading.Lock()

    def scan_on(scanner: Scanner) -> None:
        while not is_over.is_set():
            with lock:
                content = next(contents)
            scanner.scan(content)

    with scanner_of(clamd.socket, at_once=cores) as scanner, ThreadPoolExecutor(cores) as pool:
        scans = [pool.submit(scan_on, scanner) for _core in range(cores)]
        try:
            yield
        finally:
            is_over.set()
        for scan in scans:
            scan.result()


def _fill_copy(route: Route, batch: Batch, mailbox: str) -> None:
    control = route.tenant.control
    names = folder_names(batch.count)
    for name in names:
        control.create_folder(mailbox, name)
    for letter in letters(batch, names):
        deliver(control, mailbox, letter)
    control.messages(mailbox)
