# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the comparison found, as a table for people, with the bars that we set ourselves. Pure functions."""

from __future__ import annotations

import dataclasses
import statistics
import typing as t

from .figures import Usage
from .report import table

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OURS, MEASURE = "ours", "restic"
PEAK_BAR = 150e6
"""Bytes that each of our processes may hold."""
GAIN_BAR = 1.7
"""How much sooner two workers are done than one, on two cores."""
_MB = 1e6


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """What people read, and how much of restic's wall time and CPU time ours may take; None: no bar."""

    words: str
    wall: float | None = None
    cpu: float | None = None


STEPS = {
    "initial": Step("initial backup", 0.8, 1.0),
    "unchanged": Step("unchanged", 0.3, 0.3),
    "compared": Step("unchanged, files compared"),
    "verify": Step("verify all data", 0.8, 0.8),
    "restore": Step("restore", 0.8, 0.8),
    "second": Step("backup of changes"),
    "prune": Step("prune", 0.5, 0.5),
}

Round = t.Mapping[str, t.Mapping[str, Usage]]
"""Step -> tool -> what it used."""


def median(usages: Sequence[Usage]) -> Usage:
    """Each figure by itself; of the peak the largest."""
    return Usage(
        wall=statistics.median(usage.wall for usage in usages),
        cpu=statistics.median(usage.cpu for usage in usages),
        peak=max(usage.peak for usage in usages),
    )


def ratio(rounds: Sequence[Round], step: str, figure: str) -> float | None:
    """The median of the rounds' ratios, since what disturbs a round disturbs both tools; None where restic did not run."""
    pairs = [(usages[OURS], usages[MEASURE]) for usages in (one[step] for one in rounds) if {OURS, MEASURE} <= usages.keys()]
    ratios = [getattr(mine, figure) / getattr(theirs, figure) for mine, theirs in pairs]
    return statistics.median(ratios) if ratios else None


def step_lines(rounds: Sequence[Round]) -> list[str]:
    rows = [["", "", "wall s", "CPU s", "peak MB", "wall/restic", "CPU/restic", "bar"]]
    for name, step in STEPS.items():
        if name not in rounds[0]:
            continue
        for tool in rounds[0][name]:
            usage = median([one[name][tool] for one in rounds])
            row = ["" if tool != OURS else step.words, tool, f"{usage.wall:.2f}", f"{usage.cpu:.2f}", f"{usage.peak / _MB:.0f}"]
            rows.append([*row, *(_judged(rounds, name, step) if tool == OURS else ["", "", ""])])
    return table(rows)


def misses(rounds: Sequence[Round], gain: float | None) -> list[str]:
    """Every bar that was not reached, in words."""
    found = []
    for name, step in STEPS.items():
        for figure, limit in (("wall", step.wall), ("cpu", step.cpu)):
            value = ratio(rounds, name, figure) if name in rounds[0] and limit is not None else None
            if value is not None and limit is not None and value > limit:
                found.append(f"{step.words}: {figure} {value:.2f} x restic, more than {limit}")
    peak = max(usage.peak for one in rounds for usages in one.values() for tool, usage in usages.items() if tool == OURS)
    if peak > PEAK_BAR:
        found.append(f"peak of our processes: {peak / _MB:.0f} MB, more than {PEAK_BAR / _MB:.0f}")
    if gain is not None and gain < GAIN_BAR:
        found.append(f"two workers: {gain:.2f} x as fast as one, less than {GAIN_BAR}")
    return found


def stored_line(rounds: Sequence[Mapping[str, int]], words: str) -> str:
    sizes = ", ".join(f"{tool} {statistics.median(one[tool] for one in rounds) / _MB:,.0f}" for tool in rounds[0])
    return f"  Stored {words}, MB: {sizes}"


def workers_line(ones: Sequence[Usage], twos: Sequence[Sequence[Usage]], walls: Sequence[float]) -> tuple[str, float]:
    """The line about two workers, and their gain."""
    gain = statistics.median(one.wall / wall for one, wall in zip(ones, walls, strict=True))
    peak = max(usage.peak for pair in twos for usage in pair)
    cpu = statistics.median(sum(usage.cpu for usage in pair) for pair in twos)
    one = median(ones)
    line = (
        f"  Two worker processes: {statistics.median(walls):.2f} s, one: {one.wall:.2f} s, so {gain:.2f} x as fast "
        f"(bar >= {GAIN_BAR}: {_met(gain >= GAIN_BAR)}); CPU {cpu:.2f} s and {one.cpu:.2f} s, peak {peak / _MB:.0f} MB each."
    )
    return line, gain


def _judged(rounds: Sequence[Round], name: str, step: Step) -> list[str]:
    wall, cpu = ratio(rounds, name, "wall"), ratio(rounds, name, "cpu")
    if wall is None or cpu is None:
        return ["", "", ""]
    if step.wall is None or step.cpu is None:
        return [f"{wall:.2f}", f"{cpu:.2f}", "none"]
    bars = f"<= {step.wall:g} {_met(wall <= step.wall)}, <= {step.cpu:g} {_met(cpu <= step.cpu)}"
    return [f"{wall:.2f}", f"{cpu:.2f}", bars]


def _met(is_met: bool) -> str:
    return "met" if is_met else "MISSED"
