# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept of a message, and when its content has to be read again."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.mail_record import (
    Need,
    file_of,
    is_whole,
    need,
    parse_time,
    received,
    updated,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.mail_fields import (
    FULL,
    partial_fields,
    whole_fields,
)


def stored(**changes: t.Any) -> dict[str, t.Any]:
    """The record of a message that has been backed up."""
    record = updated(None, {**FULL, **changes}, 0)
    return {**record, "file": file_of(record), "size": 4711}


@given(fields=whole_fields(), more=partial_fields(), folder=st.integers(0, 3))
def test_what_an_entry_does_not_name_stays(fields: dict[str, t.Any], more: dict[str, t.Any], folder: int) -> None:
    before = updated(None, fields, 0)
    after = updated(before, more, folder)
    assert after == {**updated(None, {**fields, **more}, folder)}


@given(fields=whole_fields(), folder=st.integers(0, 3))
def test_the_same_entry_again_asks_for_nothing(fields: dict[str, t.Any], folder: int) -> None:
    record = {**updated(None, fields, folder), "file": "f", "size": 0}
    again = updated(record, fields, folder)
    assert again == record
    assert need(record, again) is Need.NOTHING


@given(fields=whole_fields(), more=partial_fields(), folder=st.integers(0, 3))
def test_an_entry_that_was_taken_in_asks_for_nothing_when_it_is_replayed(
    fields: dict[str, t.Any], more: dict[str, t.Any], folder: int
) -> None:
    record = updated(updated(None, fields, folder), more, folder)
    assert need(record, updated(record, more, folder)) is Need.NOTHING


def test_the_first_folder_has_the_number_0_and_it_stays_in_the_record() -> None:
    assert updated(None, FULL, 0)["folder"] == 0
    assert updated(stored(), {"isRead": True}, 0)["folder"] == 0


def test_a_message_of_no_bytes_keeps_its_size() -> None:
    assert updated({**stored(), "size": 0}, {"isRead": True}, 0)["size"] == 0


def test_an_updated_record_leaves_the_old_one_alone() -> None:
    before = stored()
    copy = dict(before)
    updated(before, {"subject": "new"}, 5)
    assert before == copy


NEEDS: tuple[tuple[str, dict[str, t.Any], dict[str, t.Any], int, Need], ...] = (
    ("a replay", {}, {"changeKey": "K1"}, 0, Need.NOTHING),
    ("an empty entry", {}, {}, 0, Need.NOTHING),
    ("read, with a new key", {}, {"changeKey": "K2", "isRead": True}, 0, Need.RECORD),
    ("read, named alone", {}, {"isRead": True}, 0, Need.RECORD),
    ("read, as a string", {}, {"isRead": "true"}, 0, Need.RECORD),
    ("unread, as a string", {}, {"isRead": "false"}, 0, Need.NOTHING),
    ("flagged", {}, {"changeKey": "K2", "flag": {"flagStatus": "flagged"}}, 0, Need.RECORD),
    ("not flagged is no flag", {}, {"flag": {"flagStatus": "notFlagged"}}, 0, Need.NOTHING),
    ("categories", {}, {"changeKey": "K2", "categories": ["Blue"]}, 0, Need.RECORD),
    ("categories in another order", {"categories": ["A", "B"]}, {"categories": ["B", "A"]}, 0, Need.NOTHING),
    ("importance", {}, {"changeKey": "K2", "importance": "high"}, 0, Need.RECORD),
    ("moved, same key", {}, {"changeKey": "K1"}, 1, Need.RECORD),
    ("moved, new key", {}, {"changeKey": "K2"}, 1, Need.RECORD),
    ("moved and edited", {}, {"changeKey": "K2", "bodyPreview": "other"}, 1, Need.BODY),
    ("a new subject", {}, {"changeKey": "K2", "subject": "other"}, 0, Need.BODY),
    ("a new recipient", {}, {"changeKey": "K2", "toRecipients": []}, 0, Need.BODY),
    ("a body edit in the preview", {}, {"changeKey": "K2", "bodyPreview": "other"}, 0, Need.BODY),
    ("a body edit below the preview", {}, {"changeKey": "K2"}, 0, Need.BODY),
    ("read and edited visibly", {}, {"changeKey": "K2", "isRead": True, "subject": "other"}, 0, Need.BODY),
    ("an attachment was taken off", {"hasAttachments": True}, {"changeKey": "K2", "hasAttachments": False}, 0, Need.BODY),
    ("a draft that was saved", {"isDraft": True}, {"changeKey": "K2", "isDraft": True, "isRead": True}, 0, Need.BODY),
    ("a draft that was sent", {"isDraft": True}, {"changeKey": "K2", "isDraft": False}, 1, Need.BODY),
    ("a draft that was replayed", {"isDraft": True}, {"changeKey": "K1", "isDraft": True}, 0, Need.NOTHING),
)


@pytest.mark.parametrize(("before", "entry", "folder", "wanted"), [row[1:] for row in NEEDS], ids=[row[0] for row in NEEDS])
def test_what_a_change_costs(before: dict[str, t.Any], entry: dict[str, t.Any], folder: int, wanted: Need) -> None:
    old = stored(**before)
    assert need(old, updated(old, entry, folder)) is wanted


def test_a_new_message_is_read() -> None:
    assert need(None, stored()) is Need.BODY


@given(more=partial_fields(), folder=st.integers(0, 1))
def test_a_new_key_is_never_taken_for_nothing(more: dict[str, t.Any], folder: int) -> None:
    old = stored()
    assert need(old, updated(old, {**more, "changeKey": "K2"}, folder)) is not Need.NOTHING


def test_a_date_of_receipt_counts_more_than_one_of_creation() -> None:
    draft = updated(None, {"id": "m", "createdDateTime": "2026-01-01T00:00:00Z"}, 0)
    sent = updated(draft, {"receivedDateTime": "2026-02-02T00:00:00Z", "createdDateTime": "2026-01-01T00:00:00Z"}, 0)
    assert received(draft) == datetime(2026, 1, 1, tzinfo=timezone.utc)
    assert received(sent) == datetime(2026, 2, 2, tzinfo=timezone.utc)
    assert received(updated(sent, {"createdDateTime": "2026-03-03T00:00:00Z"}, 0)) == received(sent)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-05-17T08:12:05Z", datetime(2026, 5, 17, 8, 12, 5, tzinfo=timezone.utc)),
        ("2026-05-17T08:12:05.1234567Z", datetime(2026, 5, 17, 8, 12, 5, tzinfo=timezone.utc)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=timezone.utc)),
        ("", None),
        (None, None),
        ("soon", None),
    ],
)
def test_times_of_graph_are_understood(text: str | None, moment: datetime | None) -> None:
    assert parse_time(text) == moment


def test_a_message_without_any_date_lies_at_the_epoch() -> None:
    record = updated(None, {"id": "m", "changeKey": "K"}, 0)
    assert received(record) == datetime(1970, 1, 1, tzinfo=timezone.utc)
    assert file_of(record).startswith("1970/")


def test_odd_shapes_of_fields_are_taken_as_absent() -> None:
    record = updated(None, {"id": "m", "from": None, "toRecipients": None, "flag": None, "categories": None, "subject": None}, 0)
    assert record.keys() <= {"id", "folder", "from", "to", "flag", "categories", "subject"}
    assert not record.get("subject")
    assert not record.get("categories")


@pytest.mark.parametrize(
    ("fields", "whole"),
    [
        ({"changeKey": "K", "receivedDateTime": "2026-01-01T00:00:00Z"}, True),
        ({"changeKey": "K", "createdDateTime": "2026-01-01T00:00:00Z"}, True),
        ({"receivedDateTime": "2026-01-01T00:00:00Z"}, False),
        ({"isRead": True}, False),
    ],
)
def test_only_an_entry_with_key_and_date_describes_a_new_message(fields: dict[str, t.Any], whole: bool) -> None:
    assert is_whole(fields) is whole
