# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names inside a snapshot: fit for people and for every file system, and never two the same."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from random import Random

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import (
    distinct_names,
    is_of_plan,
    is_shard,
    message_path,
    outcome_of,
    safe_name,
    short_hash,
    shortened,
    snapshot_tags,
)

AWKWARD = st.one_of(
    st.text(max_size=300),
    st.text(alphabet="./\\ ~_a\u0000\u202e\ud800", max_size=12),
    st.sampled_from(
        ["", ".", "..", " ", ". .", "2026", "2026-05", "CON", "a/b", "a .", "\u3000", "😀" * 120, "漢" * 255, "../../etc/passwd"]
    ),
)


@given(text=AWKWARD)
@example(text="a . .")
@example(text="٢٠٢٦")
def test_a_safe_name_can_stand_in_any_file_system(text: str) -> None:
    name = safe_name(text)
    assert name
    assert name == name.strip()
    assert not name.startswith(".")
    assert not name.endswith(".")
    assert len(name) <= 100
    assert len(name.encode("utf-8")) <= 200
    assert not set(name) & set('/\\:*?"<>|\x00\r\n')
    assert name.isprintable()
    assert not is_shard(name)
    assert safe_name(text) == name


@given(text=AWKWARD)
def test_a_safe_name_is_safe_already(text: str) -> None:
    name = safe_name(text)
    assert safe_name(name) == name


@pytest.mark.parametrize("text", ["Inbox", "Gelöschte Elemente", "収信箱", "Q1 + Q2 (final)", "anna@contoso.example", "a.b"])
def test_ordinary_names_stay_as_they_are(text: str) -> None:
    assert safe_name(text) == text


def test_long_names_that_begin_alike_stay_apart() -> None:
    assert safe_name("x" * 150 + "1") != safe_name("x" * 150 + "2")


@given(wanted=st.dictionaries(st.text(max_size=8), AWKWARD, max_size=12))
def test_siblings_get_names_that_differ_without_case(wanted: dict[str, str]) -> None:
    names = distinct_names(wanted)
    assert names.keys() == wanted.keys()
    assert len({name.casefold() for name in names.values()}) == len(wanted)
    assert all(len(name) <= 100 and len(name.encode()) <= 200 and "/" not in name and not is_shard(name) for name in names.values())


@given(wanted=st.dictionaries(st.text(max_size=8), AWKWARD, max_size=8), random=st.randoms())
def test_names_of_siblings_do_not_depend_on_their_order(wanted: dict[str, str], random: Random) -> None:
    shuffled = list(wanted.items())
    random.shuffle(shuffled)
    assert distinct_names(dict(shuffled)) == distinct_names(wanted)


def test_a_folder_that_is_called_like_the_second_name_of_another_stays_apart() -> None:
    taken = f"X~{short_hash('c', 8)}"
    names = distinct_names({"a": taken, "b": "X", "c": "x"})
    assert len({name.casefold() for name in names.values()}) == 3
    assert names["a"] == taken


def test_the_first_by_key_keeps_its_plain_name() -> None:
    assert distinct_names({"2": "Inbox", "1": "INBOX"}) == {"1": "INBOX", "2": f"Inbox~{short_hash('2', 8)}"}


@given(
    text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=80), characters=st.integers(1, 60), size=st.integers(4, 100)
)
def test_a_shortened_name_is_a_beginning_that_fits(text: str, characters: int, size: int) -> None:
    short = shortened(text, characters, size)
    assert text.startswith(short)
    assert len(short) <= characters
    assert len(short.encode()) <= size


@given(
    first=st.text(min_size=1, max_size=20),
    second=st.text(min_size=1, max_size=20),
    when=st.datetimes(timezones=st.sampled_from([timezone.utc, timezone(timedelta(hours=14)), timezone(-timedelta(hours=12))])),
)
def test_a_message_lies_in_its_day_of_utc_under_a_name_of_its_own(first: str, second: str, when: datetime) -> None:
    assume(datetime(2, 1, 1, tzinfo=timezone.utc) < when < datetime(9998, 12, 31, tzinfo=timezone.utc))
    path = message_path(first, when)
    moment = when.astimezone(timezone.utc)
    assert is_shard(path[0])
    assert "".join(path[:-1]) == f"{moment.year:04d}{moment.month:02d}{moment.day:02d}"
    assert path[-1].endswith(".eml")
    assert path[-1].startswith(f"{moment:%H%M%S}-")
    assert message_path(first, moment) == path
    assert (message_path(second, when) == path) is (first == second)


def test_tags_tell_plan_and_outcome() -> None:
    tags = snapshot_tags("sales", "run-1", "partial")
    assert is_of_plan(tags, "sales")
    assert not is_of_plan(tags, "sale")
    assert not is_of_plan(("plan:sales",), "sales")
    assert outcome_of(tags) == "partial"
    assert outcome_of(["nightly"]) == ""
