# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors of the service in all their shapes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.error_bodies import parse_error_body

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["error", "code", "message", "innerError", "innererror", "details", "request-id", "x"]), inner, max_size=4
        )
    ),
    max_leaves=30,
)


@pytest.mark.parametrize(
    ("document", "code", "codes"),
    [
        ({"error": {"code": "ErrorItemNotFound", "message": "m"}}, "ErrorItemNotFound", {"erroritemnotfound"}),
        (
            {"error": {"code": "TooManyRequests", "innerError": {"code": "429", "status": "429"}}},
            "TooManyRequests",
            {"toomanyrequests", "429"},
        ),
        ({"error": {"code": "a", "innererror": {"code": "b", "innererror": {"code": "c"}}}}, "a", {"a", "b", "c"}),
        ({"error": {"code": "", "message": "", "details": [{"code": "Deep"}]}}, "Deep", {"deep"}),
        (
            {"error": {"code": "UnknownError", "message": json.dumps({"error": {"code": "Inner"}})}},
            "UnknownError",
            {"unknownerror", "inner"},
        ),
        ({"error": "invalid_client", "error_description": "AADSTS1"}, "invalid_client", {"invalid_client"}),
        ({"Message": "Invalid import session."}, "", set()),
        ({"odata.error": {"code": "x", "message": {"lang": "en", "value": "words"}}}, "x", {"x"}),
        ({"Error": {"Code": "Upper"}}, "Upper", {"upper"}),
        ([], "", set()),
    ],
)
def test_codes_are_found_wherever_they_stand(document: object, code: str, codes: set[str]) -> None:
    body = parse_error_body(json.dumps(document).encode())
    assert body.code == code
    assert set(body.codes) == codes


def test_the_outermost_message_is_the_one_shown() -> None:
    body = parse_error_body(b'{"error":{"code":"a","innerError":{"message":"inner"},"message":"outer"}}')
    assert body.message == "outer"


def test_a_message_that_is_an_object_is_understood() -> None:
    assert parse_error_body(b'{"odata.error":{"message":{"lang":"en","value":"words"}}}').message == "words"


def test_an_empty_body_is_known_as_empty() -> None:
    assert parse_error_body(b" \r\n").is_empty
    assert not parse_error_body(b"{}").is_empty


def test_a_web_page_is_called_a_web_page() -> None:
    assert parse_error_body(b"<html><body>Service Unavailable</body></html>").message == "the answer is a web page, not JSON"


def test_inv10_addresses_in_messages_are_not_shown() -> None:
    body = parse_error_body(b'{"error":{"message":"Put to https://outlook.office.com/x?authtoken=secret failed"}}')
    assert "secret" not in body.message
    assert "outlook" not in body.message


def test_a_long_message_is_cut() -> None:
    assert len(parse_error_body(json.dumps({"message": "x" * 5000}).encode()).message) == 300


def test_the_request_id_of_the_body_is_used_when_the_header_is_missing() -> None:
    raw = b'{"error":{"innerError":{"request-id":"abc"}}}'
    assert parse_error_body(raw).request_id == "abc"
    assert parse_error_body(raw, "header").request_id == "header"


@given(JSON)
def test_any_json_is_taken(document: object) -> None:
    body = parse_error_body(json.dumps(document).encode())
    assert all(code == code.lower() for code in body.codes)


@given(st.binary(max_size=200))
def test_any_bytes_are_taken(raw: bytes) -> None:
    assert len(parse_error_body(raw).message) <= 300


def test_deep_nesting_ends() -> None:
    assert parse_error_body(b'{"error":' * 50_000).codes == frozenset()
    assert parse_error_body(b'{"error":' * 300 + b"1" + b"}" * 300).codes == frozenset()
