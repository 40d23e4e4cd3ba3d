# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a folder of an archive is listed in full, and what a mark may forget."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.archive_marks import (
    SWEEP_AFTER,
    FolderMark,
    is_sweep_due,
    latest,
    must_sweep,
    parse_mark,
)

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
MOMENTS = st.integers(0, 22 * 10**8 * 10**6).map(lambda micros: datetime.fromtimestamp(0, timezone.utc) + timedelta(microseconds=micros))
COUNTS = st.none() | st.integers(0, 10**7)


def shown(moment: datetime, digits: int = 0) -> str:
    """As the service writes it, with so many digits of the fraction."""
    fraction = f".{moment.microsecond:06d}0"[: digits + 1] if digits else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"


@given(moment=MOMENTS, count=COUNTS, held=COUNTS, seen=st.none() | st.just("0f" * 8))
def test_a_mark_is_read_as_it_was_written(moment: datetime, count: int | None, held: int | None, seen: str | None) -> None:
    mark = FolderMark(shown(moment), count, held, seen)
    assert parse_mark(mark.as_text()) == mark


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "2026-11-23T12:00:00Z",
        "2026-11-23T12:00:00Z 1",
        "x 1 1 -",
        "2026-13-23T12:00:00Z 1 1 -",
        "2026-11-23T12:00:00Z 1 1",
        "2026-11-23T12:00:00Z 1 -1 -",
        "https://graph.microsoft.com/beta/x?$deltatoken=1",
        "2026-11-23T12:00:00Z 1 1 1 1",
        "2026-11-23T12:00:00.5Z 1 1 -",
        "2026-11-23T12:00:00Z ² ² -",
    ],
)
def test_a_mark_that_makes_no_sense_is_none(text: str | None) -> None:
    assert parse_mark(text) is None


@given(text=st.text(max_size=40))
def test_any_text_is_a_mark_or_none(text: str) -> None:
    mark = parse_mark(text)
    assert mark is None or parse_mark(mark.as_text()) == mark


@given(before=st.none() | MOMENTS, seen=st.lists(MOMENTS, max_size=5), digits=st.sampled_from([0, 3, 7]))
def test_inv04_the_watermark_never_passes_what_was_seen_nor_the_present(before: datetime | None, seen: list[datetime], digits: int) -> None:
    mark = None if before is None else FolderMark(shown(before))
    text = latest(mark, [shown(moment, digits) for moment in seen], NOW)
    moments = [*seen, *([] if before is None else [before])]
    assert text <= shown(NOW)
    assert text <= max((shown(moment) for moment in moments), default="1970-01-01T00:00:00Z")
    if moments and max(moments) <= NOW:
        # Not later than the last change, and in the same second: the boundary is read again.
        assert text == shown(max(moments))


def test_times_that_make_no_sense_move_no_watermark() -> None:
    assert latest(None, ["", "soon", "2026-99-01T00:00:00Z"], NOW) == "1970-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("mark", "count", "new_items", "pages", "expected"),
    [
        (None, 5, 0, 1, True),
        (FolderMark("x", 200, 200), 200, 0, 1, False),
        (FolderMark("x", 200, 200), 203, 3, 1, False),
        (FolderMark("x", 200, 200), 203, 2, 1, True),
        (FolderMark("x", 200, 200), 199, 0, 1, True),
        (FolderMark("x", 200, 200), 200, 1, 1, True),
        (FolderMark("x", 200, 200), 200, 0, 2, True),
        (FolderMark("x", None), 200, 0, 1, True),
        (FolderMark("x", 200, 199), 200, 0, 1, True),
        (FolderMark("x", 200, None), 200, 0, 1, True),
        (FolderMark("x", 200, 200), None, 0, 1, True),
    ],
)
def test_a_folder_is_listed_in_full_unless_its_count_follows_from_what_was_listed(
    mark: FolderMark | None, count: int | None, new_items: int, pages: int, expected: bool
) -> None:
    assert must_sweep(mark, count, new_items, pages) is expected


@given(age=st.timedeltas(timedelta(days=-30), timedelta(days=30)))
def test_everything_is_listed_in_full_when_the_last_time_is_long_ago_or_in_the_future(age: timedelta) -> None:
    age = timedelta(seconds=int(age.total_seconds()))
    assert is_sweep_due((NOW - age).isoformat(), NOW) is not (timedelta(0) <= age < SWEEP_AFTER)


@pytest.mark.parametrize("text", [None, "", "soon"])
def test_no_last_time_is_long_ago(text: str | None) -> None:
    assert is_sweep_due(text, NOW)
