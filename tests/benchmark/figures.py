# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one measurement gives, and the arithmetic on it. Pure functions.

Times are in seconds, sizes in bytes; MB means 10^6 bytes.
"""

from __future__ import annotations

import dataclasses
import statistics
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Sequence

_HEAVY_SHARE = 0.85


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a process used, from its start to its end. ``peak`` is its largest resident size."""

    wall: float
    cpu: float
    peak: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EngineRun:
    """One run of a plan by our engine, in a process of its own.

    ``process`` covers everything from the interpreter's start; ``wall`` and ``cpu`` the run alone: login, members, backup.
    ``tenant_cpu`` and ``others_cpu`` are what the tenant and everybody else on the machine used during the process.
    ``written`` is what the repository grew by on disk, ``scanned`` how many contents an engine looked at.
    """

    process: Usage
    wall: float
    cpu: float
    tenant_cpu: float
    others_cpu: float
    messages: int
    fetched_bytes: int
    requests: int
    written: int
    outcome: str
    is_changed: bool
    scanned: int = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ResticRun:
    """One C(restic backup) of the same bytes from disk."""

    process: Usage
    others_cpu: float
    written: int


Figures = t.TypeVar("Figures", Usage, EngineRun, ResticRun)


def median_of(runs: Sequence[Figures]) -> Figures:
    """Every number is the median of its own; what is no number must be the same in all runs. Raises ValueError if it is not."""
    return dataclasses.replace(
        runs[0], **{field.name: _median([getattr(run, field.name) for run in runs], field.name) for field in dataclasses.fields(runs[0])}
    )


def _median(values: list[t.Any], name: str) -> t.Any:
    if isinstance(values[0], Usage):
        return median_of(values)
    if isinstance(values[0], float):
        return statistics.median(values)
    if isinstance(values[0], int) and not isinstance(values[0], bool):
        return statistics.median_low(values)
    if len(set(values)) > 1:
        raise ValueError(f"runs disagree on {name}: {', '.join(map(str, values))}")
    return values[0]


def per_message(seconds: float, messages: int) -> float:
    """Milliseconds."""
    return 1000 * seconds / messages if messages else 0.0


def rate(amount: float, seconds: float) -> float:
    return amount / seconds if seconds else 0.0


def bound(mailboxes: int, latency: float, at_once: int = 4) -> float:
    """Messages a second that Microsoft's limit of four requests at a time allows when each answer takes C(latency) seconds."""
    return at_once * mailboxes / latency


def cpu_bound(run: EngineRun, cores: int) -> float:
    """Messages a second that the cores of this machine allow, with what one costs the run and the tenant beside it."""
    return rate(run.messages * cores, run.cpu + run.tenant_cpu)


def what_limits(run: EngineRun, cores: int) -> str:
    """Who sets the speed of a run, from how busy everybody was while it lasted."""
    wall = run.process.wall
    tenant, ours, others = (rate(cpu, wall) for cpu in (run.tenant_cpu, run.process.cpu, run.others_cpu))
    busy = f"tenant {tenant:.0%} of a core, client {ours:.0%}, everybody else on the machine {others:.0%}"
    if tenant + ours + others >= _HEAVY_SHARE * cores:
        who = "the machine: all cores are busy"
        if others > 0.25:
            who += ", also with other work; believe the CPU figures, not the rates"
    elif tenant >= _HEAVY_SHARE and tenant > ours:
        who = "the tenant, not the client"
    elif ours >= _HEAVY_SHARE:
        who = "the client"
    else:
        who = "waiting (locks, network, disk), neither side's CPU"
    return f"{who} ({busy})"
