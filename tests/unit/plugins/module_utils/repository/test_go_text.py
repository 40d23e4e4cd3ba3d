# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import Malformed
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.go_text import (
    dump_json,
    format_time,
    load_json_object,
    name_bytes,
    parse_time,
    quote_name,
    unquote_name,
)

NAMES = st.binary(min_size=1, max_size=40).map(lambda data: data.decode("utf-8", "surrogateescape"))


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("plain name.eml", "plain name.eml"),
        ("Grüße 日本 🙂", "Grüße 日本 🙂"),
        ('a"b', 'a\\"b'),
        ("a\\b", "a\\\\b"),
        ("\a\b\f\n\r\t\v", "\\a\\b\\f\\n\\r\\t\\v"),
        ("\x01\x1f\x7f", "\\x01\\x1f\\x7f"),
        ("\u00a0\u200b\u2028", "\\u00a0\\u200b\\u2028"),
        ("\U000e0001", "\\U000e0001"),
        ("\udcff\udc80x", "\\xff\\x80x"),
        ("\ufffd", "\ufffd"),
    ],
)
def test_names_are_quoted_as_go_does(name: str, quoted: str) -> None:
    assert quote_name(name) == quoted
    assert unquote_name(quoted) == name


@given(NAMES)
def test_any_name_survives_quoting(name: str) -> None:
    assert name_bytes(unquote_name(quote_name(name))) == name_bytes(name)


@given(NAMES)
def test_a_quoted_name_is_printable_text(name: str) -> None:
    assert quote_name(name).isprintable()


@pytest.mark.parametrize("quoted", ["\\", "\\q", "\\x1", "\\ud800", "\\U00110000", "\\777", 'a"b', 'x\\n"', "a\nb", "\ud800"])
def test_what_go_would_not_unquote_is_refused(quoted: str) -> None:
    with pytest.raises(Malformed):
        unquote_name(quoted)


@given(st.text())
def test_unquoting_anything_answers_or_refuses(text: str) -> None:
    with contextlib.suppress(Malformed):
        name_bytes(unquote_name(text))


@given(st.datetimes(timezones=st.sampled_from([timezone.utc, timezone(timedelta(hours=5, minutes=30))])))
def test_times_survive(moment: datetime) -> None:
    assume(1 < moment.year < 9999)
    assert parse_time(format_time(moment)) == moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2014-12-06T17:50:23.34513538+01:00", datetime(2014, 12, 6, 16, 50, 23, 345135, timezone.utc)),
        ("2026-11-23T12:00:00Z", datetime(2026, 11, 23, 12, tzinfo=timezone.utc)),
        ("2026-11-23T12:00:00.5-08:00", datetime(2026, 11, 23, 20, 0, 0, 500000, timezone.utc)),
    ],
)
def test_times_of_restic_are_read(text: str, moment: datetime) -> None:
    assert parse_time(text) == moment


def test_times_have_no_trailing_zeros() -> None:
    assert format_time(datetime(2026, 1, 2, 3, 4, 50, 120000, timezone.utc)) == "2026-01-02T03:04:50.12Z"
    assert format_time(datetime(2026, 1, 2, 3, 4, 50, tzinfo=timezone.utc)) == "2026-01-02T03:04:50Z"


def test_a_time_without_zone_is_a_defect_of_the_caller() -> None:
    with pytest.raises(ValueError, match="zone"):
        format_time(datetime(2026, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    "text", [None, 5, "", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "0001-01-01T00:00:00+23:00", "２026-01-01T00:00:00Z"]
)
def test_what_is_no_time_is_refused(text: object) -> None:
    with pytest.raises(Malformed):
        parse_time(text)


def test_json_is_escaped_for_html_as_go_does() -> None:
    assert dump_json({"a": "<&>\u2028é"}) == '{"a":"\\u003c\\u0026\\u003e\\u2028é"}'.encode()


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5000])
def test_what_is_no_json_object_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        load_json_object(data)
