# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The figures of the OneDrive benchmark as tables for people, with the bars that we set ourselves. Pure functions."""

from __future__ import annotations

import statistics
import typing as t

from .figures import per_message, rate, what_limits
from .report import table

if t.TYPE_CHECKING:
    from .figures import EngineRun
    from .onedrive_figures import BoundResult, CopyResult, LargeResult, ScaleResult

COPY_BAR = 1.0
"""Our throughput, at least so many times rclone's."""
BOUND_BAR = 0.9
"""Share of the service's limit that a first backup uses, at least."""
BESIDES_BAR = 64 * 1024
"""Bytes that a run writes after a folder with many files was renamed, at most."""
GROWTH_BAR = 1.5
"""Memory of a run over many files, at most so many times that over few."""
CHANGE_BAR = 16 << 20
"""Bytes that a run stores after a megabyte of a large file was overwritten or inserted, at most: 5 MB on average, rarely more than 10."""
_MB = 1e6
_MIB = 1 << 20


def copy_lines(result: CopyResult, cores: int) -> list[str]:
    rows = [["", "wall s", "MB/s", "files/s", "CPU s", "CPU ms/file", "peak MiB", "stored MB"]]

    def row(name: str, wall: float, cpu: float, peak: float, stored: float) -> None:
        speed = [f"{rate(result.size, wall) / _MB:.1f}", f"{rate(result.files, wall):.0f}"]
        work = [f"{cpu:.2f}", f"{per_message(cpu, result.files):.2f}", f"{peak / _MIB:,.0f}", f"{stored / _MB:,.0f}"]
        rows.append([name, f"{wall:.2f}", *speed, *work])

    middle = _middle(result.ours)
    row("our first backup, whole process", middle.process.wall, middle.process.cpu, middle.process.peak, middle.written)
    if result.rclone:
        usages = result.rclone
        walls, cpus = (statistics.median(usage.wall for usage in usages), statistics.median(usage.cpu for usage in usages))
        row(f"{result.rclone_version} copy", walls, cpus, max(usage.peak for usage in usages), result.size)
    volume = f"{result.files:,} files, {result.size / _MB:,.0f} MB"
    lines = [
        f"First backup of {_drives(result)}: {volume}, {result.transfers} files at a time, {middle.outcome}",
        *table(rows),
    ]
    if result.throughput is None or result.cpu is None:
        lines.append("  rclone is not on this machine, so there is nothing to compare with (apt install rclone).")
    else:
        met = _met(result.throughput >= COPY_BAR)
        lines.append(f"  Throughput: {result.throughput:.2f} x rclone's, bar >= {COPY_BAR:g}: {met}. CPU: {result.cpu:.2f} x rclone's.")
        lines.append(
            "  Ours finds equal pieces, compresses, encrypts and re-opens everything; rclone writes plain files. Both compare hashes."
        )
    lines.append(f"  Limited by: {what_limits(middle, cores)}")
    return lines


def bound_lines(result: BoundResult) -> list[str]:
    rows = [["", "units", "refused", "wall s", "of the limit"]]
    for name, run in (("our first backup, whole process", result.ours), ("rclone copy", result.rclone)):
        if run is not None:
            rows.append([name, f"{run.units:,}", f"{run.refused:,}", f"{run.wall:.1f}", f"{result.share(run):.0%}"])
    share = result.share(result.ours)
    clock = f"{result.seconds:g} s stand for the minute, {60 / result.seconds:g} times as fast"
    return [
        f"The service's limit: {result.files:,} small files, {result.units:,} resource units allowed in {result.seconds:g} s",
        *table(rows),
        f"  Bar >= {BOUND_BAR:.0%}: {_met(share >= BOUND_BAR)}. The clock is shortened: {clock}.",
        f"  In life our run would take {result.ours.wall / result.seconds:.1f} minutes.",
    ]


def scale_lines(result: ScaleResult) -> list[str]:
    rows = [["", "files fetched", "requests to drives", "written KiB", "run s", "run CPU s", "peak MiB"]]
    asked = ("", "", *map(str, result.drive_requests))
    names = (
        f"first run, {result.small_files:,} files",
        f"first run, {result.files:,} files",
        "nothing changed",
        f"a folder with {result.below:,} files renamed",
        "the same folder moved",
    )
    runs = (result.small, result.first, result.unchanged, result.renamed, result.moved)
    for name, run, requests in zip(names, runs, asked, strict=True):
        numbers = [f"{run.written / 1024:,.1f}", f"{run.wall:.2f}", f"{run.cpu:.2f}", f"{run.process.peak / _MIB:,.0f}"]
        rows.append([name, f"{run.messages:,}", requests, *numbers])
    growth = rate(result.first.process.peak, result.small.process.peak)
    return [
        f"Many files: a drive with {result.files:,} files, {result.first.outcome}",
        *table(rows),
        f"  Memory: {growth:.2f} x that of {result.small_files:,} files, bar <= {GROWTH_BAR:g}: {_met(growth <= GROWTH_BAR)}",
        f"  Nothing changed: {result.drive_requests[0]} request, bar 1: {_met(_is_idle(result))}",
        f"  Renamed or moved: nothing fetched, less than {BESIDES_BAR // 1024} KiB written: {_met(not _rename_misses(result))}",
    ]


def large_lines(result: LargeResult) -> list[str]:
    rows = [["", "wall s", "MB/s", "CPU s", "peak MiB", "stored MB"]]
    names = ("first backup", f"{result.changed_bytes:,} bytes overwritten", f"{result.changed_bytes:,} bytes inserted")
    for name, run in zip(names, (result.first, result.changed, result.inserted), strict=True):
        speed = [f"{run.process.wall:.1f}", f"{rate(result.size, run.process.wall) / _MB:.1f}"]
        rows.append([name, *speed, f"{run.process.cpu:.1f}", f"{run.process.peak / _MIB:,.0f}", f"{run.written / _MB:,.1f}"])
    back = result.restored
    rows.append(
        [
            "restored into another drive",
            f"{back.wall:.1f}",
            f"{rate(result.size, back.wall) / _MB:.1f}",
            f"{back.cpu:.1f}",
            f"{back.peak / _MIB:,.0f}",
            "",
        ]
    )
    same = "identical" if result.is_identical else "DIFFERENT"
    judged = "rclone check finds no difference" if result.is_checked_by_rclone else "rclone is not on this machine"
    return [
        f"One file of {result.size / _MIB:,.0f} MiB",
        *table(rows),
        f"  Stored after a change: bar <= {CHANGE_BAR >> 20} MiB: {_met(not _change_misses(result))}",
        f"  The restored file is {same} by the tenant's own hash of its bytes; {judged}.",
    ]


def misses(found: t.Sequence[CopyResult | BoundResult | ScaleResult | LargeResult]) -> list[str]:
    """Every bar that was not reached, in words."""
    lines: list[str] = []
    for result in found:
        lines += _MISSES[result.__class__.__name__](result)
    return lines


def _copy_misses(result: CopyResult) -> list[str]:
    if result.throughput is None or result.throughput >= COPY_BAR:
        return []
    return [f"{_drives(result)}: {result.throughput:.2f} x rclone's throughput, less than {COPY_BAR:g}"]


def _bound_misses(result: BoundResult) -> list[str]:
    share = result.share(result.ours)
    return [] if share >= BOUND_BAR else [f"service's limit: {share:.0%} of it used, less than {BOUND_BAR:.0%}"]


def _scale_misses(result: ScaleResult) -> list[str]:
    growth = rate(result.first.process.peak, result.small.process.peak)
    lines = [] if growth <= GROWTH_BAR else [f"memory grows {growth:.2f} times from {result.small_files:,} to {result.files:,} files"]
    if not _is_idle(result):
        lines.append(f"nothing changed: {result.drive_requests[0]} requests, changed: {result.unchanged.is_changed}")
    return lines + _rename_misses(result)


def _large_misses(result: LargeResult) -> list[str]:
    lines = [] if result.is_identical else ["the large file came back with other bytes"]
    return lines + _change_misses(result)


_MISSES: dict[str, t.Callable[[t.Any], list[str]]] = {
    "CopyResult": _copy_misses,
    "BoundResult": _bound_misses,
    "ScaleResult": _scale_misses,
    "LargeResult": _large_misses,
}


def _change_misses(result: LargeResult) -> list[str]:
    runs = (("overwritten in", result.changed), ("inserted into", result.inserted))
    stored = [(words, run.written) for words, run in runs if run.written > CHANGE_BAR]
    return [f"{result.changed_bytes:,} bytes {words} the large file stored {size / _MB:.1f} MB" for words, size in stored]


def _rename_misses(result: ScaleResult) -> list[str]:
    lines = []
    for words, run in (("renamed", result.renamed), ("moved", result.moved)):
        if run.messages or run.written >= BESIDES_BAR:
            lines.append(f"folder {words}: {run.messages:,} files fetched, {run.written / 1024:.1f} KiB written")
    return lines


def _is_idle(result: ScaleResult) -> bool:
    return result.drive_requests[0] == 1 and not result.unchanged.is_changed


def _drives(result: CopyResult) -> str:
    return "one drive" if result.drives == 1 else f"{result.drives} drives"


def _middle(runs: t.Sequence[EngineRun]) -> EngineRun:
    return sorted(runs, key=lambda run: run.process.wall)[(len(runs) - 1) // 2]


def _met(is_met: bool) -> str:
    return "met" if is_met else "MISSED"
