# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The figures as a table for people. Pure functions: results in, lines out."""

from __future__ import annotations

import dataclasses
import typing as t

from .figures import bound, cpu_bound, per_message, rate, what_limits

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from .figures import EngineRun
    from .scenarios import DelayedResult, FullResult, IncrementalResult, MemoryResult, SweepResult

CPU_TARGET_MS = 1.5
"""CPU milliseconds for a message of C(TARGET_SIZE) bytes (architecture, section 7)."""
TARGET_SIZE = 75_000
BESIDES_TARGET = 64 * 1024
SWEEP_TARGET_MS = 1.0
"""CPU milliseconds for a request of a run that finds no change."""
_MB = 1e6
_MIB = 1 << 20


@dataclasses.dataclass(frozen=True, slots=True)
class Machine:
    """Where it was measured."""

    cores: int
    python: str
    way: str
    repeat: int


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as they need; the first to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  "
        + "  ".join(
            cell.rjust(width) if column else cell.ljust(width) for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def machine_lines(machine: Machine) -> list[str]:
    median = f"medians of {machine.repeat} runs" if machine.repeat > 1 else "one run each; use --repeat 3 for a claim"
    return [
        f"{machine.cores} cores, Python {machine.python}, {median}. No malware scan. MB is 10^6 bytes.",
        f"The tenant is a process of its own on this machine, reached {machine.way}.",
    ]


def full_lines(result: FullResult, cores: int) -> list[str]:
    run, other = result.engine, result.restic
    rows = [["", "CPU ms/message", "messages/s", "MB/s", "peak MiB", "stored MB"]]

    def row(name: str, cpu: float | None, wall: float, peak: int | None, written: int | None) -> None:
        rows.append(
            [
                name,
                "" if cpu is None else f"{per_message(cpu, run.messages):.2f}",
                f"{rate(run.messages, wall):,.0f}",
                f"{rate(result.size, wall) / _MB:.1f}",
                "" if peak is None else f"{peak / _MIB:,.0f}",
                "" if written is None else f"{written / _MB:,.1f}",
            ]
        )

    row("our engine, whole process", run.process.cpu, run.process.wall, run.process.peak, run.written)
    row("  of that the run itself", run.cpu, run.wall, None, None)
    row("  of that the bodies, after the listing", None, result.bodies_wall, None, None)
    if other is not None:
        row(f"{result.restic_version}, whole process", other.process.cpu, other.process.wall, other.process.peak, other.written)
        pairs = (
            (run.process.cpu, other.process.cpu),
            (rate(1, run.process.wall), rate(1, other.process.wall)),
            (rate(1, run.process.wall), rate(1, other.process.wall)),
            (run.process.peak, other.process.peak),
            (run.written, other.written),
        )
        rows.append(["ratio, ours to restic's", *(f"{rate(ours, theirs):.2f}" for ours, theirs in pairs)])
    average = result.size / max(1, run.messages)
    cpu = per_message(run.cpu, run.messages)
    lines = [
        f"Full run: {_volume(run, result.mailboxes)}, {result.size / _MB:,.1f} MB, {average / 1000:.0f} KB a message",
        *table(rows),
        f"  CPU of the run itself: {cpu:.2f} ms for a message of {average / 1000:.0f} KB; {_against_target(cpu, average)}",
        f"  Login, folders and listing took {run.wall - result.bodies_wall:.1f} s of the run's {run.wall:.1f} s.",
        f"  Limited by: {what_limits(run, cores)}",
    ]
    if other is None:
        lines.append("  restic is not on this machine, so there is nothing to compare with (apt install restic).")
    else:
        lines.append(
            "  Ours fetches each message over HTTPS and re-opens each blob before storing it; restic reads files from the page cache."
        )
    return lines


def delayed_lines(result: DelayedResult, cores: int) -> list[str]:
    run = result.engine
    service, machine = bound(result.mailboxes, result.latency), cpu_bound(run, cores)
    most = min(service, machine)
    rows = [
        ["", "messages/s", "of the lower bound"],
        [f"bound of the service: 4 x {result.mailboxes} / {result.latency:g} s", f"{service:,.0f}", ""],
        [f"bound of the CPU: {cores} cores / (run's + tenant's CPU of a message)", f"{machine:,.0f}", ""],
        ["bodies alone", *_of_bound(run.messages, result.bodies_wall, most)],
        ["the run: login, folders, listing, bodies", *_of_bound(run.messages, run.wall, most)],
        ["whole process", *_of_bound(run.messages, run.process.wall, most)],
    ]
    return [
        f"Slow answers, {result.latency * 1000:.0f} ms added to each: {_volume(run, result.mailboxes)}",
        *table(rows),
        f"  Limited by: {what_limits(run, cores)}",
    ]


def sweep_lines(result: SweepResult, cores: int) -> list[str]:
    run = result.unchanged
    a_request = per_message(run.cpu, run.requests)
    minutes = rate(run.wall * 1000 / result.mailboxes, 60)
    return [
        f"Sweep: {result.mailboxes} mailboxes of {result.folders} folders with all sources, nothing changed, {run.outcome}",
        *table(
            [
                ["", "requests", "requests a mailbox", "run s", "run CPU s", "CPU ms/request", "peak MiB"],
                *(
                    [
                        name,
                        f"{one.requests:,}",
                        f"{rate(one.requests, result.mailboxes):.1f}",
                        f"{one.wall:.2f}",
                        f"{one.cpu:.2f}",
                        f"{per_message(one.cpu, one.requests):.2f}",
                        f"{one.process.peak / _MIB:,.0f}",
                    ]
                    for name, one in (("first run", result.first), ("nothing changed", run))
                ),
            ]
        ),
        f"  Target {SWEEP_TARGET_MS:g} ms of our CPU a request: {_met(a_request <= SWEEP_TARGET_MS)}",
        f"  1,000 such mailboxes would take {minutes:.1f} minutes.",
        f"  Limited by: {what_limits(run, cores)}",
    ]


def memory_lines(result: MemoryResult) -> list[str]:
    rows = [["messages in the mailbox", "peak MiB", "CPU ms/message"]]
    for messages, run in result.runs.items():
        rows.append([f"{messages:,}", f"{run.process.peak / _MIB:,.0f}", f"{per_message(run.cpu, run.messages):.2f}"])
    return ["Memory of full runs over one mailbox", *table(rows)]


def incremental_lines(result: IncrementalResult, words: str) -> list[str]:
    besides = result.besides
    rows = [["", "bodies", "requests", "written KiB", "besides bodies KiB", "run s", "run CPU s", "process CPU s"]]
    for name, run, extra in ((words, result.changed, besides), ("nothing changed", result.unchanged, result.unchanged.written)):
        rows.append(
            [
                name,
                f"{run.messages:,}",
                f"{run.requests:,}",
                f"{run.written / 1024:.1f}",
                f"{extra / 1024:.1f}",
                f"{run.wall:.2f}",
                f"{run.cpu:.2f}",
                f"{run.process.cpu:.2f}",
            ]
        )
    return [
        f"Incremental run, changes in one mailbox of {result.mailbox_messages:,} messages, {result.changed.outcome}",
        *table(rows),
        f"  Besides bodies: {besides / 1024:.1f} KiB, target below {BESIDES_TARGET // 1024} KiB: {_met(besides < BESIDES_TARGET)}",
        f"  The second run says changed: {str(result.unchanged.is_changed).lower()}",
    ]


def _volume(run: EngineRun, mailboxes: int) -> str:
    return f"{run.messages:,} messages in {mailboxes} mailboxes, {run.requests:,} requests, {run.outcome}"


def _against_target(cpu: float, average: float) -> str:
    """The target holds for messages of one size; a mix that is larger on average meets it only if it costs no more."""
    target = f"the target is {CPU_TARGET_MS} ms for one of {TARGET_SIZE / 1000:.0f} KB"
    if cpu <= CPU_TARGET_MS and average >= TARGET_SIZE:
        return f"{target}: met"
    if cpu > CPU_TARGET_MS and average <= 1.1 * TARGET_SIZE:
        return f"{target}: NOT met"
    return f"{target} (--size-limit 1200000 gives about that average)"


def _of_bound(messages: int, wall: float, most: float) -> tuple[str, str]:
    return f"{rate(messages, wall):,.0f}", f"{rate(rate(messages, wall), most):.0%}"


def _met(is_met: bool) -> str:
    return "met" if is_met else "NOT met"
