# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept of archived items, and what their lists say."""

from __future__ import annotations

import contextlib
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.archive_listed import ListedItems
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.archive_record import (
    Need,
    exported_record,
    listed_record,
    need,
    title_of,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.delta import Changed, Page

FIELDS = {
    "id": "i1",
    "changeKey": "K1",
    "lastModifiedDateTime": "2026-05-17T08:12:05Z",
    "createdDateTime": "2026-05-16T08:12:05Z",
    "type": "IPM.Note",
    "size": 71133,
    "categories": ["Red"],
}


def stored(folder: int = 0, **changes: t.Any) -> dict[str, t.Any]:
    return exported_record(listed_record({**FIELDS, **changes}, folder), {"subject": "Offer", "received": "2026-05-15T01:02:03Z"}, 4711)


def test_a_record_has_what_the_list_says_and_what_the_stream_says() -> None:
    parsed = {"subject": "Offer", "received": "2026-05-15T01:02:03Z", "class": "IPM.Other", "categories": ["Blue"]}
    record = exported_record(listed_record(FIELDS, 3), parsed, 4711)
    assert record.pop("file").startswith("2026/05/15/010203-")
    assert record == {
        "id": "i1",
        "folder": 3,
        "key": "K1",
        "modified": "2026-05-17T08:12:05Z",
        "created": "2026-05-16T08:12:05Z",
        "class": "IPM.Note",
        "reported": 71133,
        "categories": ["Red"],
        "subject": "Offer",
        "received": "2026-05-15T01:02:03Z",
        "size": 4711,
    }


def test_what_an_old_stream_said_does_not_outlive_it() -> None:
    old = {**stored(), "subject": "Old", "unparsed": "something"}
    assert exported_record(old, {"received": "2026-05-15T01:02:03Z"}, 1).keys() & {"subject", "unparsed"} == set()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (None, FIELDS, Need.EXPORT),
        (stored(), FIELDS, Need.NOTHING),
        (stored(1), FIELDS, Need.RECORD),
        (stored(), {**FIELDS, "lastModifiedDateTime": "2027-01-01T00:00:00Z"}, Need.NOTHING),
        (stored(), {**FIELDS, "changeKey": "K2"}, Need.EXPORT),
        (stored(), {**FIELDS, "changeKey": None}, Need.EXPORT),
        (stored(changeKey=None), {**FIELDS, "changeKey": None}, Need.NOTHING),
        (stored(changeKey=None), {**FIELDS, "changeKey": None, "lastModifiedDateTime": "2027-01-01T00:00:00Z"}, Need.EXPORT),
    ],
)
def test_only_a_changed_item_is_exported_again(old: dict[str, t.Any] | None, new: dict[str, t.Any], expected: Need) -> None:
    assert need(old, listed_record(new, 0)) is expected


@given(
    values=st.dictionaries(st.sampled_from([*FIELDS][1:]), st.none() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=3)))
)
def test_odd_values_in_a_list_do_no_harm(values: dict[str, t.Any]) -> None:
    texts = {key: value if key in ("size", "categories") else str(value or "") for key, value in values.items()}
    record = exported_record(listed_record({"id": "x", **texts}, 0), {}, 1)
    assert record["file"].endswith(".fts")
    assert record.get("reported", 0).__class__ is int


def test_findings_call_an_item_by_its_subject_or_its_class() -> None:
    assert title_of(stored()) == "archived item Offer"
    assert title_of(listed_record(FIELDS, 0)) == "archived item i1 (IPM.Note)"


def entry(item: str, modified: str, key: str) -> Changed:
    return Changed(item, {"id": item, "lastModifiedDateTime": modified, "changeKey": key})


@given(
    entries=st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from("abcdef"), st.integers(0, 5), st.sampled_from(["K1", "K2"])), max_size=30
    ),
    size=st.integers(1, 4),
)
def test_each_item_comes_once_with_what_each_folder_said_last(entries: list[tuple[int, str, int, str]], size: int) -> None:
    expected: dict[str, dict[int, tuple[int, str]]] = {}
    with contextlib.closing(ListedItems()) as listed:
        for folder, item, second, key in entries:
            listed.add_page(folder, Page((entry(item, f"2026-05-17T08:12:{second:02d}Z", key),)))
            if expected.setdefault(item, {}).get(folder, (-1, ""))[0] <= second:
                expected[item][folder] = (second, key)
        batches = list(listed.batches(size))
        found = {
            records[0]["id"]: {r["folder"]: (int(r["modified"][17:19]), r["key"]) for r in records}
            for batch in batches
            for records in batch
        }
        assert found == expected
        assert sum(map(len, batches)) == len(expected)
        for folder in range(4):
            ids = {item for item, places in expected.items() if folder in places}
            assert {item for batch in listed.ids(folder, size) for item in batch} == ids
            assert listed.count(folder) == len(ids)
        listed.forget(0)
        assert listed.count(0) == 0
