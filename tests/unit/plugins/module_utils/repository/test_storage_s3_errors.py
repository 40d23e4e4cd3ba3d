# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts as obstore 0.12.1 wrote them, and texts that nobody has ever seen."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import ObjectMissing, StorageError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_s3_errors import read_refusal
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_s3_settings import S3Settings

SETTINGS = S3Settings(
    bucket="bucket", prefix="m365", endpoint="https://host", region="us-east-1", path_style=True, certificates=None, credentials=None
)
ANSWERED = (
    "Generic S3 error: Error performing GET https://host/bucket/a in 1ms - Server returned non-2xx status code: {status} X:"
    " <?xml version='1.0'?><Error><Code>{code}</Code><Message>m</Message><RequestId>18EA</RequestId></Error>\n\nDebug source:\n..."
)


def told(text: str, kind: type[Exception] = RuntimeError) -> StorageError:
    return read_refusal(kind(text)).as_error("read", "data/ab", SETTINGS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ANSWERED.format(status=403, code="AccessDenied"), "is not allowed to do that (AccessDenied, request 18EA)."),
        (ANSWERED.format(status=404, code="NoSuchBucket"), "the bucket does not exist (NoSuchBucket, request 18EA)."),
        (ANSWERED.format(status=503, code="Unheard.Of"), "busy or not available, in several attempts (Unheard.Of, request 18EA)."),
        ("DeleteObjects request failed for key a/b: Access Denied. (code: AccessDenied)", "is not allowed to do that (AccessDenied)."),
        ("Received redirect without LOCATION, this normally indicates an incorrectly configured region", "is in another region."),
        ("HTTP error: error sending request ... Os { code: 111, kind: ConnectionRefused }", "https://host refuses connections."),
        ("HTTP error: ... error: InvalidCertificate(UnknownIssuer)", "is not from an authority that is trusted."),
        ("HTTP error: ... InvalidCertificate(Expired)", "the certificate of https://host has expired."),
        ("HTTP error: ... TimedOut", "https://host did not answer, in several attempts."),
        (
            "Error performing PUT http://169.254.169.254/latest/api/token in 1s - HTTP error",
            "there are no credentials for the object store.",
        ),
    ],
)
def test_the_reason_is_read_from_the_text(text: str, words: str) -> None:
    assert told(text).what.startswith("Could not read s3://bucket/m365/data/ab: ")
    assert told(text).what.endswith(words)
    assert told(text).hint


def test_only_a_missing_object_is_a_missing_file() -> None:
    assert isinstance(told(ANSWERED.format(status=404, code="NoSuchKey"), FileNotFoundError), ObjectMissing)
    assert isinstance(told("Object at location a not found", FileNotFoundError), ObjectMissing)
    assert not isinstance(told(ANSWERED.format(status=404, code="NoSuchBucket"), FileNotFoundError), ObjectMissing)


@given(st.text() | st.from_regex(r"(status code: \d{1,4}|<Code>.{0,80}</Code>|<RequestId>.{0,150}</RequestId>|\(code: .{0,70}\))*"))
def test_nothing_of_the_text_is_passed_on_but_a_code_and_a_request_id(text: str) -> None:
    error = told(text)
    reason = error.what.removeprefix("Could not read s3://bucket/m365/data/ab: ")
    assert re.fullmatch(r"[a-z][A-Za-z0-9 ,':/-]*( \([A-Za-z0-9.]{0,64}(, )?(request [A-Za-z0-9/+=_-]{1,128})?\))?\.", reason), reason
    assert error.facts.keys() <= {"status", "code", "request_id"}
