# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers of the service become errors that callers can act on and administrators can read."""

from __future__ import annotations

import dataclasses
import json

import pytest
from unit.plugins.module_utils.graph.fakes import ANNA, READING

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph import errors
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.error_bodies import parse_error_body
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.refusals import Attempt, Call, error_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.retry import Fault, FaultKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.traffic import RequestKind

DELTA = Call(scope=ANNA, kind=RequestKind.DELTA, doing="Asking for changed messages", permission="Mail.Read")


def refused(status: int, code: str = "", message: str = "", call: Call = READING, *, inner: str = "") -> errors.GraphError:
    raw = json.dumps({"error": {"code": code, "message": message, "innerError": {"code": inner}}}).encode() if code or message else b""
    fault = Fault(FaultKind.STATUS, status, parse_error_body(raw))
    return error_of(fault, Attempt(call, "GET", "/v1.0/users/anna/messages/m", "req-1"))


@pytest.mark.parametrize(
    ("status", "code", "message", "expected"),
    [
        (
            404,
            "MailboxNotEnabledForRESTAPI",
            "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
            errors.MailboxUnavailable,
        ),
        (404, "MailboxNotSupportedForRESTAPI", "", errors.MailboxUnavailable),
        (404, "x", "REST API is not yet supported for this mailbox.", errors.MailboxUnavailable),
        (404, "ErrorInvalidUser", "The requested user 'x' is invalid.", errors.MailboxUnavailable),
        (404, "Request_ResourceNotFound", "", errors.NotFound),
        (404, "ErrorItemNotFound", "The specified object was not found in the store.", errors.NotFound),
        (404, "", "", errors.NotFound),
        (400, "ErrorItemNotFound", "", errors.NotFound),
        (403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.", errors.AccessDenied),
        (403, "ErrorAccessDenied", "Access to OData is disabled.", errors.AccessDenied),
        (403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.", errors.AccessDenied),
        (401, "InvalidAuthenticationToken", "", errors.AuthenticationFailed),
        (403, "AuthenticationError", "AADSTS500014: a subscription within the tenant has lapsed", errors.AuthenticationFailed),
        (429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.", errors.Throttled),
        (503, "", "", errors.ServiceUnavailable),
        (504, "UnknownError", "", errors.ServiceUnavailable),
        (500, "ErrorCorruptData", "Data is corrupt.,Invalid global object ID:", errors.ItemUnreadable),
        (400, "ErrorInvalidRecipients", "", errors.ItemUnreadable),
        (409, "ErrorFolderExists", "", errors.Conflict),
        (413, "", "", errors.TooLarge),
        (507, "", "", errors.QuotaExceeded),
        (400, "ErrorQuotaExceeded", "", errors.QuotaExceeded),
        (400, "ErrorInvalidRequest", "The OData request is not supported.", errors.RequestRefused),
        (302, "", "", errors.BadAnswer),
    ],
)
def test_each_refusal_has_its_class(status: int, code: str, message: str, expected: type[errors.GraphError]) -> None:
    assert refused(status, code, message).__class__ is expected


@pytest.mark.parametrize(
    ("status", "code", "message", "inner"),
    [
        (410, "SyncStateNotFound", "The sync state generation is not found; generation=149;[highest=157].", ""),
        (410, "syncStateNotFound", "", ""),
        (410, "resyncRequired", "", ""),
        (410, "", "", ""),
        (400, "SyncStateInvalid", "", ""),
        (404, "SYNCSTATENOTFOUND", "", ""),
        (400, "BadRequest", "", "resyncRequired"),
        (400, "BadRequest", "Badly formed sync state.", ""),
        (400, "Directory_ExpiredPageToken", "", ""),
    ],
)
def test_a_lost_cursor_is_recognised_in_every_shape(status: int, code: str, message: str, inner: str) -> None:
    assert refused(status, code, message, DELTA, inner=inner).__class__ is errors.CursorLost


@pytest.mark.parametrize("code", ["ErrorItemNotFound", "ErrorSyncFolderNotFound"])
def test_a_folder_that_went_is_no_lost_cursor(code: str) -> None:
    assert refused(404, code, "", DELTA).__class__ is errors.NotFound


@pytest.mark.parametrize(
    ("code", "message"), [("ErrorQuotaExceeded", ""), ("BadRequest", "Parameter 'DeltaToken' not supported for this request.")]
)
def test_a_mailbox_without_delta_is_told_apart(code: str, message: str) -> None:
    assert refused(400, code, message, DELTA).__class__ is errors.DeltaUnavailable


def test_a_bad_request_without_a_word_about_cursors_is_no_lost_cursor() -> None:
    assert refused(400, "BadRequest", "Unsupported segment.", DELTA).__class__ is errors.RequestRefused


def test_an_error_says_what_failed_on_which_object_with_code_request_id_and_hint() -> None:
    error = refused(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
    assert str(error) == (
        "Reading message m of user anna failed: Access is denied. Check credentials and try again "
        "(HTTP 403, ErrorAccessDenied, request id req-1). "
        "Grant the application permission Mail.Read to the app, with admin consent; it takes some minutes to take effect."
    )
    assert isinstance(error, errors.AccessDenied)
    assert error.permission == "Mail.Read"
    assert error.facts == {
        "status": 403,
        "code": "ErrorAccessDenied",
        "request_id": "req-1",
        "method": "GET",
        "path": "/v1.0/users/anna/messages/m",
        "permission": "Mail.Read",
    }


def test_a_mailbox_outside_the_apps_scope_gets_another_hint_than_a_missing_permission() -> None:
    assert "management scope" in refused(403, "ErrorAccessDenied", "Access to OData is disabled.").hint


def test_an_ambiguous_write_says_so() -> None:
    error = error_of(Fault(FaultKind.BROKEN), Attempt(READING, "POST", "/p", "id", is_ambiguous=True), "the connection broke")
    assert error.__class__ is errors.AmbiguousOutcome
    assert "may or may not have happened: the connection broke" in error.what


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (FaultKind.UNREACHABLE, errors.NetworkUnreachable),
        (FaultKind.MISCONFIGURED, errors.NetworkUnreachable),
        (FaultKind.BROKEN, errors.ServiceUnavailable),
        (FaultKind.INCOMPLETE, errors.BadAnswer),
        (FaultKind.NO_JSON, errors.BadAnswer),
    ],
)
def test_faults_without_a_status_have_their_classes(kind: FaultKind, expected: type[errors.GraphError]) -> None:
    assert error_of(Fault(kind), Attempt(READING, "GET", "/p", "id"), "why").__class__ is expected


def test_a_404_without_a_word_does_not_prove_that_what_the_service_has_named_is_gone() -> None:
    named = dataclasses.replace(READING, is_named=True)
    assert refused(404, call=named).__class__ is errors.ServiceUnavailable
    assert refused(404, "ErrorItemNotFound", call=named).__class__ is errors.NotFound
    assert refused(404).__class__ is errors.NotFound
