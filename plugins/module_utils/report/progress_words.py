# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Progress in words: a line for a log, a bar for a terminal, and when a line is worth it.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._text import size_text

if t.TYPE_CHECKING:
    from .progress import Progress

#: A line a percent, but not more than one a second. Where a percent takes long, or nobody knows how much there is: at first every few
#: seconds, later every half minute, so that nobody wonders whether the task still works.
_LINE_EVERY_SHARE, _LINE_EVERY_SECONDS = 0.01, 1.0
_QUIET_AT_FIRST, _QUIET_AT_MOST, _QUIET_SHARE = 3.0, 30.0, 0.1
#: Of what is less than that done nobody knows how long the rest takes.
_FORESEEN_FROM_SHARE, _FORESEEN_FROM_SECONDS = 0.02, 5.0
_RATE_OVER_SECONDS = 30.0
_BAR_CELLS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast it went lately: C(done) and C(size) a second. None where it cannot be told."""

    done: float
    size: float


class Paces:
    """Remembers what was heard of a task in the last half minute."""

    def __init__(self) -> None:
        self._heard: list[Progress] = []

    def hear(self, progress: Progress) -> Pace | None:
        """The pace up to here; None at the beginning of a phase."""
        last = self._heard[-1] if self._heard else None
        if last is None or (last.phase, last.unit) != (progress.phase, progress.unit) or progress.done < last.done:
            self._heard = []
        self._heard.append(progress)
        while len(self._heard) > 2 and progress.elapsed - self._heard[1].elapsed >= _RATE_OVER_SECONDS:
            del self._heard[0]
        first = self._heard[0]
        seconds = progress.elapsed - first.elapsed
        if seconds <= 0:
            return None
        return Pace(done=(progress.done - first.done) / seconds, size=(progress.bytes_done - first.bytes_done) / seconds)


def share(progress: Progress) -> float | None:
    """How much of the phase is done, from 0 to 1; None where nobody knows how much there is."""
    for done, total in (
        (progress.bytes_done, progress.bytes_total),
        (progress.done, progress.total),
        (progress.members_done, progress.members_total),
    ):
        if total:
            return min(1.0, done / total)
    return None


def seconds_left(progress: Progress, seconds_in_phase: float) -> float | None:
    """How long the rest of the phase takes if it goes on like this; None where that would be a guess."""
    part = share(progress)
    if part is None or part < _FORESEEN_FROM_SHARE or seconds_in_phase < _FORESEEN_FROM_SECONDS:
        return None
    return seconds_in_phase * (1 - part) / part


def is_worth_a_line(progress: Progress, told: Progress | None, seconds_since: float) -> bool:
    """Whether somebody who reads a log wants to know: something happened, but not more than a line a second or a percent."""
    if told is None or progress.phase != told.phase:
        return True
    if seconds_since < _LINE_EVERY_SECONDS:
        return False
    if seconds_since >= min(_QUIET_AT_MOST, max(_QUIET_AT_FIRST, _QUIET_SHARE * progress.elapsed)):
        return True
    part, before = share(progress), share(told)
    return part is not None and part - (before or 0.0) >= _LINE_EVERY_SHARE


def progress_line(progress: Progress, pace: Pace | None = None, left: float | None = None) -> str:
    """Such as "run of sales, reading members: 3 of 12 members, 1,204 items, 92 MiB, 3.1 MiB/s, 4 min left"."""
    phase = f", {progress.phase}" if progress.phase else ""
    return f"{progress.task} of {progress.plan}{phase}: {', '.join(_parts(progress, pace, left)) or 'begun'}"


def progress_bar(progress: Progress, pace: Pace | None = None, left: float | None = None, *, columns: int, in_unicode: bool = True) -> str:
    """The same with a bar, in one line of a terminal."""
    name = f"{progress.task} of {progress.plan} {_bar(share(progress), in_unicode=in_unicode)} "
    said = ", ".join(_parts(progress, pace, left))
    text = name + (f"{progress.phase}, {said}" if progress.phase and said else progress.phase or said)
    if len(text) > columns and said:
        text = name + said
    return text if len(text) <= columns else text[: max(0, columns - 1)] + ("…" if in_unicode else ">")


def time_text(seconds: float) -> str:
    """Such as 45 s, 12 min 5 s, 3 h 20 min; seconds are left out where they say nothing."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest and minutes < 15 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"


def _parts(progress: Progress, pace: Pace | None, left: float | None) -> list[str]:
    part = share(progress)
    parts = [] if part is None else [f"{100 * part:.0f} %"]
    if progress.members_total is not None:
        parts.append(f"{progress.members_done:,} of {progress.members_total:,} members")
    if progress.total is not None:
        parts.append(f"{progress.done:,} of {progress.total:,} {progress.unit}")
    elif progress.done:
        parts.append(f"{progress.done:,} {progress.unit}")
    if progress.bytes_total is not None:
        parts.append(f"{size_text(progress.bytes_done)} of {size_text(progress.bytes_total)}")
    elif progress.bytes_done:
        parts.append(size_text(progress.bytes_done))
    if pace is not None and pace.size >= 1:
        parts.append(f"{size_text(round(pace.size))}/s")
    elif pace is not None and pace.done > 0 and not progress.bytes_done:
        parts.append(f"{pace.done:,.1f} {progress.unit}/s")
    if progress.throttled_seconds >= 1:
        parts.append(f"throttled {time_text(progress.throttled_seconds)}")
    if left is not None:
        parts.append(f"about {time_text(left)} left")
    return parts


def _bar(part: float | None, *, in_unicode: bool) -> str:
    full, empty = ("█", "░") if in_unicode else ("#", ".")
    cells = round((part or 0.0) * _BAR_CELLS)
    return full * cells + empty * (_BAR_CELLS - cells)
