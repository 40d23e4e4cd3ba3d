# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which restore points a retention leaves once a plan has run for long: a simulation that needs no repository. Pure.

Runs back to any year are thought of, each of which leaves a restore point. Really there can be fewer, since a run that finds nothing
changed leaves none, and a few more: those that a hold or the last good state of a member keeps.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from .._text import count_text
from .calendar_spec import FIRST_YEAR, CalendarSpec
from .retention import RestorePoint, Retention, RetentionDecision, decide_retention
from .schedule import Schedule
from .schedule_times import run_specs, runs_on, zone_of

MOST_POINTS = 20_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RetentionForecast:
    """What stays after a prune at ``now``, newest first. ``is_cut``: there would be more than the simulation counts."""

    kept: tuple[RetentionDecision, ...]
    now: datetime.datetime
    is_cut: bool = False

    @property
    def count(self) -> int:
        """How many restore points stay."""
        return len(self.kept)

    @property
    def oldest(self) -> datetime.datetime | None:
        """The time of the oldest of them."""
        return self.kept[-1].point.time if self.kept else None

    def sentence(self) -> str:
        """For results: how many, and how far back."""
        if self.oldest is None:
            return "The schedule has had no run."
        at_least = "at least " if self.is_cut else ""
        age = count_text((self.now - self.oldest).days, "day")
        return f"With a run whenever it is due, {at_least}{count_text(self.count, 'restore point')} would stay, the oldest {age} old."


def retention_forecast(schedule: Schedule, retention: Retention, plan_name: str, *, now: datetime.datetime) -> RetentionForecast | None:
    """Simulate a plan that has always run. None when everything is kept: then the number only grows."""
    if retention.keeps_everything:
        return None
    zone = zone_of(schedule)
    wanted = _Wanted(retention, now.astimezone(zone).date())
    specs = run_specs(schedule, plan_name)
    points = [_point(run) for run in _runs_that_may_stay(specs, zone, now, wanted)]
    decisions = decide_retention(points, retention, now=now, time_zone=zone)
    kept = tuple(decision for decision in reversed(decisions) if decision.is_kept)
    return RetentionForecast(kept=kept, now=now, is_cut=wanted.is_cut)


def _point(run: datetime.datetime) -> RestorePoint:
    return RestorePoint(snapshot_id=run.isoformat(), time=run, is_checkpoint=False)


def _runs_that_may_stay(
    specs: t.Sequence[CalendarSpec], zone: datetime.tzinfo, now: datetime.datetime, wanted: _Wanted
) -> t.Iterator[datetime.datetime]:
    """Newest first: all runs of the days that rules need as a whole, then the last run of each day that is the newest of something."""
    last = [dataclasses.replace(spec, hours=spec.hours[-1:], minutes=spec.minutes[-1:], seconds=spec.seconds[-1:]) for spec in specs]
    for day in _days_back(specs[0], now.astimezone(zone).date()):
        if wanted.needs_all_of(day):
            runs = [run for run in runs_on(specs, zone, day) if run.astimezone(datetime.timezone.utc) <= now]
        elif not wanted.needs_newest_of(day):
            if wanted.has_all:
                return
            continue
        else:
            runs = (runs_on(last, zone, day) or runs_on(specs, zone, day))[-1:]
        for run in reversed(runs):
            wanted.count(run)
            yield run


def _days_back(spec: CalendarSpec, today: datetime.date) -> t.Iterator[datetime.date]:
    """The days of the schedule from today backwards."""
    for year in range(today.year, FIRST_YEAR - 1, -1):
        for month in range(today.month if year == today.year else 12, 0, -1):
            for number in reversed(spec.days_of(year, month)):
                day = datetime.date(year, month, number)
                if day <= today:
                    yield day


class _Wanted:
    """What the rules of a retention still need while one goes back in time."""

    def __init__(self, retention: Retention, today: datetime.date) -> None:
        self._retention = retention
        self._today = today
        self._newest: datetime.date | None = None
        self._runs = 0
        self._hours: set[object] = set()
        self._buckets: dict[str, set[object]] = {"keep_daily": set(), "keep_weekly": set(), "keep_monthly": set(), "keep_yearly": set()}
        self.is_cut = False

    @property
    def has_all(self) -> bool:
        """Whether nothing older can stay."""
        return all(len(seen) >= (getattr(self._retention, rule) or 0) for rule, seen in self._buckets.items())

    def needs_all_of(self, day: datetime.date) -> bool:
        """Whether each run of the day may stay."""
        if self._runs >= MOST_POINTS:
            self.is_cut = self.is_cut or self._is_fine(day)
            return False
        return self._is_fine(day)

    def needs_newest_of(self, day: datetime.date) -> bool:
        """Whether the last run of the day may stay, being the newest one of the day or of something longer."""
        return any(
            bucket not in self._buckets[rule] and len(self._buckets[rule]) < (getattr(self._retention, rule) or 0)
            for rule, bucket in _buckets_of(day).items()
        )

    def count(self, run: datetime.datetime) -> None:
        """Take note of a run."""
        self._runs += 1
        self._newest = self._newest or run.date()
        self._hours.add((run.date(), run.hour, run.utcoffset()))
        for rule, bucket in _buckets_of(run.date()).items():
            self._buckets[rule].add(bucket)

    def _is_fine(self, day: datetime.date) -> bool:
        """A day more than the rules say does no harm, and covers changes of the clocks."""
        retention = self._retention
        return (
            self._newest is None
            or self._runs < (retention.keep_last or 0)
            or len(self._hours) < (retention.keep_hourly or 0)
            or (self._newest - day).days <= (retention.keep_days or 0)
            or (self._today - day).days <= (retention.minimum_age_days or 0)
        )


def _buckets_of(day: datetime.date) -> dict[str, object]:
    year, week, _day_of_week = day.isocalendar()
    return {"keep_daily": day, "keep_weekly": (year, week), "keep_monthly": (day.year, day.month), "keep_yearly": day.year}
