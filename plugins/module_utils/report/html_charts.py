# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Charts over time as SVG: pure functions of points, with colours by class only, so that the style sheet has the last word.

Every chart is one picture with a sentence that says the same in words.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import itertools
import math
import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta

from .html_markup import Markup, joined, tag
from .html_words import day_text

_WIDTH, _HEIGHT = 360, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 8, 8, 24
_TICKS = 3
_LABEL_HEIGHT = 4
_NARROWEST, _WIDEST = 1.5, 14.0


class Point(t.NamedTuple):
    """A value at a moment."""

    time: datetime
    value: float


class Column(t.NamedTuple):
    """A value that has a look (a class of the style sheet) and words that appear when one points at it."""

    time: datetime
    value: float
    look: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Where moments and values lie on the picture. C(top) is more than 0, C(words) writes a value on the axis."""

    start: datetime
    end: datetime
    top: float
    words: t.Callable[[float], str]

    def x(self, moment: datetime) -> float:
        whole = (self.end - self.start) / timedelta(seconds=1)
        part = (moment - self.start) / timedelta(seconds=1)
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (min(1.0, max(0.0, part / whole)) if whole > 0 else 1.0)

    def y(self, value: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * min(1.0, max(0.0, value / self.top))


def frame_of(points: t.Sequence[Point | Column], until: datetime, words: t.Callable[[float], str], step: float = 10.0) -> Frame:
    """One that shows all of the points. C(step) is the base of round numbers: 10, or 1024 for bytes."""
    return Frame(
        start=min((point.time for point in points), default=until),
        end=max([until, *(point.time for point in points)]),
        top=round_top(max((point.value for point in points), default=0.0), step),
        words=words,
    )


def round_top(value: float, base: float = 10.0) -> float:
    """The smallest round number that is not below: 1, 2, 4, 5 or 8 (of 1,024: powers of two) times a power of the base."""
    if value <= 0:
        return 1.0
    unit = base ** math.floor(math.log(value, base))
    steps = (1.0, 2.0, 4.0, 5.0, 8.0, 10.0) if base == 10.0 else tuple(float(2**power) for power in range(11))
    return next((unit * each for each in steps if unit * each >= value * 0.999_999), unit * base)


def picture(words: str, *content: Markup) -> Markup:
    """The drawing, which a screen reader reads as that sentence."""
    return tag("svg", tag("title", words), *content, viewBox=f"0 0 {_WIDTH} {_HEIGHT}", role="img", aria_label=words, class_="chart")


def axes(frame: Frame) -> Markup:
    """Lines for nothing, half and all, and days below."""
    lines = "".join(f"M{_LEFT} {_short(frame.y(frame.top * part))}H{_WIDTH - _RIGHT}" for part in (0, 0.5, 1))
    labels = [
        tag("text", frame.words(frame.top * part), x=_LEFT - 7, y=frame.y(frame.top * part) + _LABEL_HEIGHT, class_="end")
        for part in (0, 0.5, 1)
    ]
    return joined(tag("path", d=lines, class_="grid"), *labels, *_days(frame))


def area(frame: Frame, points: t.Sequence[Point]) -> Markup:
    """A line with what lies below it; a single point is a dot."""
    ordered = sorted(points)
    if not ordered:
        return joined()
    line = _path((frame.x(point.time), frame.y(point.value)) for point in ordered)
    last = ordered[-1]
    filled = f"{line}V{_short(frame.y(0))}H{_short(frame.x(ordered[0].time))}Z"
    return joined(
        tag("path", d=filled, class_="area"),
        tag("path", d=line, class_="line"),
        tag("circle", cx=frame.x(last.time), cy=frame.y(last.value), r=3, class_="dot"),
    )


def columns(frame: Frame, bars: t.Sequence[Column]) -> Markup:
    """One bar each, at least as high that it is seen."""
    ordered = sorted(bars)
    gap = min((frame.x(b.time) - frame.x(a.time) for a, b in itertools.pairwise(ordered)), default=_WIDEST)
    wide = min(_WIDEST, max(_NARROWEST, gap * 0.7))
    floor = frame.y(0)

    def drawn(each: Column) -> Markup:
        high = max(2.0, floor - frame.y(each.value))
        left = min(max(_LEFT, frame.x(each.time) - wide / 2), _WIDTH - _RIGHT - wide)
        return tag("rect", tag("title", each.words), x=left, y=floor - high, width=wide, height=high, class_=each.look)

    return joined(*map(drawn, ordered))


def promise_line(frame: Frame, value: float, words: str) -> Markup:
    """A level that shall not be passed, with its name on it."""
    height = frame.y(value)
    return joined(
        tag("path", d=f"M{_LEFT} {_short(height)}H{_WIDTH - _RIGHT}", class_="promise"),
        tag("text", words, x=_LEFT + 6, y=height - 5, class_="promised"),
    )


def ages(frame: Frame, renewed: t.Sequence[Point], promise: float | None) -> Markup:
    """A saw: at each point the age falls to that value, and grows again by itself until the next one or the frame's end.

    Where it stands above the promise it is painted once more, as broken. Values are hours.
    """
    ordered = sorted(renewed)
    if not ordered:
        return joined()
    corners: list[tuple[datetime, float]] = []
    for here, following in zip(ordered, [*(point.time for point in ordered[1:]), frame.end], strict=True):
        corners += [(here.time, here.value), (following, here.value + (following - here.time) / timedelta(hours=1))]
    line = _path((frame.x(time), frame.y(hours)) for time, hours in corners)
    floor = _short(frame.y(0))
    pieces = [
        tag("path", d=f"{line}V{floor}H{_short(frame.x(corners[0][0]))}Z", class_="area"),
        tag("path", d=line, class_="line"),
    ]
    if promise is not None:
        broken = "".join(_above(frame, begin, end, promise) for begin, end in zip(corners[::2], corners[1::2], strict=True))
        pieces += [tag("path", d=broken, class_="broken")] if broken else []
    return joined(*pieces)


def _above(frame: Frame, begin: tuple[datetime, float], end: tuple[datetime, float], promise: float) -> str:
    """The part of a rising edge that lies above the promise, down to it."""
    if end[1] <= promise:
        return ""
    if begin[1] < promise:
        begin = (begin[0] + timedelta(hours=promise - begin[1]), promise)
    level = _short(frame.y(promise))
    return _path((frame.x(time), frame.y(hours)) for time, hours in (begin, end)) + f"V{level}H{_short(frame.x(begin[0]))}Z"


def _days(frame: Frame) -> t.Iterator[Markup]:
    """Some days along the bottom; a frame of less than some days names its ends."""
    span = frame.end - frame.start
    count = _TICKS if span >= timedelta(days=_TICKS) else 1
    for number in range(count + 1):
        moment = frame.start + span * number / count
        where = "start" if number == 0 else "end" if number == count else "middle"
        yield tag("text", day_text(moment), x=frame.x(moment), y=_HEIGHT - 6, class_=where)
        if span <= timedelta():
            return


def _path(corners: t.Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{_short(x)} {_short(y)}" for x, y in corners)


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
