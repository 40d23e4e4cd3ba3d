# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which restore points stay and which may go: a pure decision with a reason for each.

The rules are those of C(restic forget): each rule names the points that it keeps, and whatever no rule keeps goes
(restic C(doc/060_forget.rst)). Whatever the rules say, these stay: what a hold protects, and the newest good state of
every member. Checkpoints of interrupted runs go as soon as a later run has finished.

A wrong clock must not make good points expire. Days are counted back from the newest point, as restic does, not from
this host's idea of today; and a point that is dated in the future stays, but does not count for any rule until then. Only the minimum
age asks for today: a clock that is ahead takes no more with it than the other rules let go.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import typing as t

from .._text import count_text

Bucket = t.Callable[[datetime.datetime], tuple[object, ...]]

CLOCK_TOLERANCE = datetime.timedelta(minutes=10)
"""How far the clocks of hosts may differ. A point further in the future was made by a host with a wrong clock."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How many restore points to keep of each sort. With no rule at all everything is kept, as with ``forever``.

    Whatever the other rules say, nothing goes before it is ``minimum_age_days`` old.
    """

    keep_last: int | None = None
    keep_hourly: int | None = None
    keep_daily: int | None = None
    keep_weekly: int | None = None
    keep_monthly: int | None = None
    keep_yearly: int | None = None
    keep_days: int | None = None
    minimum_age_days: int | None = None
    forever: bool = False

    @property
    def keeps_everything(self) -> bool:
        """Whether no restore point ever expires."""
        rules = (
            self.keep_last,
            self.keep_hourly,
            self.keep_daily,
            self.keep_weekly,
            self.keep_monthly,
            self.keep_yearly,
            self.keep_days,
        )
        return self.forever or all(rule is None for rule in rules)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RestorePoint:
    """One snapshot of a plan, as far as retention cares.

    ``holds`` are the labels that protect it. ``last_good_of`` and ``last_partial_of`` are the object ids of the members of
    which it is the newest point with their last good state, or, where there is none, with what was read so far.
    """

    snapshot_id: str
    time: datetime.datetime
    is_checkpoint: bool
    holds: tuple[str, ...] = ()
    last_good_of: frozenset[str] = frozenset()
    last_partial_of: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RetentionDecision:
    """What happens to one restore point, and why, in words."""

    point: RestorePoint
    is_kept: bool
    reasons: tuple[str, ...]

    def as_dict(self, time_zone: datetime.tzinfo) -> dict[str, t.Any]:
        """For results of modules, with the time as the clocks of ``time_zone`` show it."""
        return {
            "id": self.point.snapshot_id,
            "time": self.point.time.astimezone(time_zone).isoformat(timespec="seconds"),
            "kept": self.is_kept,
            "is_checkpoint": self.point.is_checkpoint,
            "holds": list(self.point.holds),
            "reasons": list(self.reasons),
        }


Kept = t.Iterator[tuple[RestorePoint, str]]


def is_in_future(time: datetime.datetime, now: datetime.datetime) -> bool:
    """Whether a clock must have been wrong: the one of the host that gave something this time, or the one that says ``now``."""
    return time > now + CLOCK_TOLERANCE


def decide_retention(
    points: t.Iterable[RestorePoint],
    retention: Retention,
    *,
    now: datetime.datetime,
    time_zone: datetime.tzinfo,
) -> tuple[RetentionDecision, ...]:
    """Decide about every restore point of one plan, oldest first.

    ``now`` and the times of the points are aware. Hours, days, weeks, months and years are those of ``time_zone``; the
    hour that is repeated when daylight saving ends counts as two.
    """
    oldest_first = sorted(points, key=_age_order)
    counting = [point for point in oldest_first if not is_in_future(point.time, now)]
    finished = [point for point in counting if not point.is_checkpoint]
    reasons: dict[str, list[str]] = collections.defaultdict(list)
    for point, reason in (
        *_kept_by_holds(oldest_first),
        *_kept_by_rules(finished, retention, time_zone),
        *_kept_as_young(counting, retention, now, time_zone),
        *_kept_as_progress(counting),
        *_kept_as_last_state(oldest_first),
        *((point, "dated in the future; it counts for no rule until then") for point in oldest_first[len(counting) :]),
    ):
        reasons[point.snapshot_id].append(reason)
    return tuple(
        RetentionDecision(
            point=point,
            is_kept=point.snapshot_id in reasons,
            reasons=tuple(reasons.get(point.snapshot_id) or [_why_it_goes(point)]),
        )
        for point in oldest_first
    )


def _age_order(point: RestorePoint) -> tuple[datetime.datetime, str]:
    return (point.time, point.snapshot_id)


def _why_it_goes(point: RestorePoint) -> str:
    if point.is_checkpoint:
        return "checkpoint of an interrupted run; a later run has finished"
    return "no retention rule keeps it"


def _kept_by_holds(points: list[RestorePoint]) -> Kept:
    for point in points:
        for label in point.holds:
            yield point, f"held: {label}" if label else "held"


def _kept_by_rules(finished: list[RestorePoint], retention: Retention, time_zone: datetime.tzinfo) -> Kept:
    if retention.keeps_everything:
        yield from ((point, "kept forever") for point in finished)
        return
    newest_first = finished[::-1]
    for number, point in enumerate(newest_first[: retention.keep_last or 0], start=1):
        yield point, f"number {number} of the last {retention.keep_last}"
    for word, count, bucket in (
        ("hourly", retention.keep_hourly, _hour),
        ("daily", retention.keep_daily, _day),
        ("weekly", retention.keep_weekly, _week),
        ("monthly", retention.keep_monthly, _month),
        ("yearly", retention.keep_yearly, _year),
    ):
        if count:
            yield from _kept_by_bucket(newest_first, word, count, bucket, time_zone)
    if retention.keep_days and finished:
        limit = _days_before(finished[-1].time, retention.keep_days, time_zone)
        for point in finished:
            if point.time >= limit:
                yield point, f"not more than {retention.keep_days} days older than the newest"


def _kept_as_young(counting: list[RestorePoint], retention: Retention, now: datetime.datetime, time_zone: datetime.tzinfo) -> Kept:
    if retention.minimum_age_days:
        limit = _days_before(now, retention.minimum_age_days, time_zone)
        for point in counting:
            if point.time > limit:
                yield point, f"less than {count_text(retention.minimum_age_days, 'day')} old"


def _days_before(moment: datetime.datetime, days: int, time_zone: datetime.tzinfo) -> datetime.datetime:
    """The same time of day in ``time_zone``, so many days earlier."""
    local = moment.astimezone(time_zone).replace(tzinfo=None)
    return (local - datetime.timedelta(days=days)).replace(tzinfo=time_zone)


def _kept_by_bucket(newest_first: list[RestorePoint], word: str, count: int, bucket: Bucket, time_zone: datetime.tzinfo) -> Kept:
    """The newest point of each of the newest ``count`` buckets; the oldest point of all while there are fewer buckets.

    The oldest one is kept as restic does since 0.16: else a plan with only monthly points would, in its first months,
    always have just today's.
    """
    number = 0
    last: tuple[object, ...] | None = None
    for point in newest_first:
        if number == count:
            return
        current = bucket(point.time.astimezone(time_zone))
        if current != last:
            number += 1
            last = current
            yield point, f"{word} {number} of {count}"
        elif point is newest_first[-1]:
            yield point, f"oldest restore point, as long as there are fewer than {count} {word} ones"


def _hour(local: datetime.datetime) -> tuple[object, ...]:
    return (local.date(), local.hour, local.utcoffset())


def _day(local: datetime.datetime) -> tuple[object, ...]:
    return (local.date(),)


def _week(local: datetime.datetime) -> tuple[object, ...]:
    year, week, _day_of_week = local.isocalendar()
    return (year, week)


def _month(local: datetime.datetime) -> tuple[object, ...]:
    return (local.year, local.month)


def _year(local: datetime.datetime) -> tuple[object, ...]:
    return (local.year,)


def _kept_as_progress(counting: list[RestorePoint]) -> Kept:
    for point in reversed(counting):
        if not point.is_checkpoint:
            return
        yield point, "checkpoint from which the next run continues"


def _kept_as_last_state(points: list[RestorePoint]) -> Kept:
    for point in points:
        for members, what in ((point.last_good_of, "last good state of"), (point.last_partial_of, "all that was ever read of")):
            if members:
                yield point, f"{what} {count_text(len(members), 'member')}"
