# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What systemd says of calendar expressions, and expressions that hypothesis makes up."""

from __future__ import annotations

import datetime
import itertools
import shutil
import subprocess
import typing as t

import pytest
from hypothesis import strategies as st

_PROGRAM = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(
    _PROGRAM is None, reason="systemd-analyze is not installed, and nobody else can say when systemd starts a timer"
)

_WEEKDAYS = ("Mon", "tuesday", "Wed", "thu", "Friday", "SAT", "Sun")


def systemd_next(expressions: t.Iterable[str], *, after: datetime.datetime, count: int) -> list[str] | None:
    """The next times in UTC at which a timer with these expressions elapses; None when it does not understand one."""
    found: set[str] = set()
    for expression in expressions:
        base = f"{after.astimezone(datetime.timezone.utc):%Y-%m-%d %H:%M:%S} UTC"
        command = [str(_PROGRAM), "calendar", f"--iterations={count}", f"--base-time={base}", "--", expression]
        finished = subprocess.run(command, check=False, capture_output=True, text=True, env={"TZ": "UTC", "LC_ALL": "C"})
        if finished.returncode:
            return None
        lines = [line.strip().partition(": ") for line in finished.stdout.splitlines()]
        answers = [answer.split() for name, _colon, answer in lines if name.startswith(("Next elapse", "Iter"))]
        found.update(" ".join(answer[1:3]) for answer in answers if answer != ["never"])
    return sorted(found)[:count]


def in_utc(moments: t.Iterable[datetime.datetime]) -> list[str]:
    """The moments in the form of L(systemd_next)."""
    return [f"{moment.astimezone(datetime.timezone.utc):%Y-%m-%d %H:%M:%S}" for moment in moments]


CHANGES = [
    datetime.datetime.fromisoformat(f"{time}+00:00")
    for time in ("2026-03-29T00:10", "2026-10-25T00:10", "2026-03-08T06:50", "2026-11-01T05:10", "2026-04-04T14:20", "2026-10-03T15:00")
]
"""Shortly before clocks are changed, in Berlin, New York and on Lord Howe Island."""


def _part(draw: st.DrawFn, lowest: int, highest: int) -> str:
    """One value, a range, or a repetition that systemd carries over nothing: with an end, or one that divides the whole."""
    start = draw(st.integers(lowest, highest))
    form = draw(st.sampled_from(["value", "value", "range", "steps", "repetition"]))
    if form == "repetition" and (lowest, highest) in ((0, 23), (0, 59)):
        step = draw(st.sampled_from([each for each in (2, 3, 4, 6, 12) if (highest + 1) % each == 0]))
        return f"{start % step}/{step}"
    if form == "value" or start == highest:
        return str(start)
    stop = draw(st.integers(start + 1, highest))
    return f"{start}..{stop}" if form == "range" else f"{start}..{stop}/{draw(st.integers(1, 7))}"


def _component(draw: st.DrawFn, lowest: int, highest: int) -> str:
    if draw(st.booleans()):
        return "*"
    return ",".join(_part(draw, lowest, highest) for _number in range(draw(st.integers(1, 3))))


@st.composite
def expressions(draw: st.DrawFn) -> str:
    """Expressions that systemd understands, and that name no time more often than each minute."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from(["minutely", "hourly", "Daily", "weekly", "monthly", "quarterly", "yearly", "semi-annually", "05-10"]))
    pieces = []
    if draw(st.booleans()):
        days = draw(st.lists(st.sampled_from(range(7)), min_size=1, max_size=3))
        first, last = draw(st.tuples(st.integers(0, 6), st.integers(0, 6)).map(sorted))
        ranges = [f"{_WEEKDAYS[first]}..{_WEEKDAYS[last]}"] if draw(st.booleans()) else []
        pieces.append(",".join([_WEEKDAYS[day] for day in days] + ranges))
    if draw(st.booleans()):
        years = draw(st.sampled_from(["*-", "*-", "", "2026..2028-", "27-", "2026/2-"]))
        day = f"-{_component(draw, 1, 31)}" if draw(st.booleans()) else f"~{_component(draw, 1, 22)}"
        pieces.append(f"{years}{_component(draw, 1, 12)}{day}")
    if not pieces or draw(st.booleans()):
        seconds = draw(st.sampled_from(["", ":00", ":30", ":05/20"]))
        pieces.append(f"{_component(draw, 0, 23)}:{_component(draw, 0, 59)}{seconds}")
    return draw(st.sampled_from([" ", "  "])).join(pieces)


@st.composite
def scrawls(draw: st.DrawFn) -> str:
    """Expressions with a piece taken out, doubled, or swapped for something else: most mean nothing."""
    text = draw(expressions())
    place = draw(st.integers(0, len(text) - 1))
    swapped = draw(st.sampled_from(["", "", text[place] * 2, "/", "-", "~", ",", ":", "..", " ", "*", "0", "9", "Mon", "61"]))
    return text[:place] + swapped + text[place + 1 :]


def distinct_pairs(moments: t.Sequence[datetime.datetime]) -> t.Iterator[tuple[datetime.datetime, datetime.datetime]]:
    """Each with its next, in UTC."""
    return itertools.pairwise(moment.astimezone(datetime.timezone.utc) for moment in moments)
