# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What OneDrive refuses, in all the shapes that were seen, becomes one class for each thing that it can mean."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph import drive_errors, errors
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.error_bodies import parse_error_body
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limits import LimitScope
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.refusals import Attempt, Call, error_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.retry import Fault, FaultKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.traffic import RequestKind

ITEM = "/v1.0/drives/b!1/items/01A"
DRIVE = "/v1.0/users/anna/drive"
LOCK_TOKEN = "The file is locked: the lock token does not match."
BLOCKED = "Access to this site has been blocked. Please contact the administrator to resolve this problem."


def refused(status: int, raw: t.Any, path: str = ITEM, kind: RequestKind = RequestKind.DRIVE) -> errors.GraphError:
    content = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
    call = Call(scope=LimitScope.drives(), kind=kind, doing="Reading 'a.txt' of user anna", permission="Files.Read.All")
    return error_of(Fault(FaultKind.STATUS, status, parse_error_body(content)), Attempt(call, "GET", path, "req-1"))


def body(code: str, message: str = "", *inner: str) -> dict[str, t.Any]:
    error: dict[str, t.Any] = {"code": code, "message": message}
    level = error
    for one in inner:
        level["innererror"] = {"code": one}
        level = level["innererror"]
    return {"error": error}


@pytest.mark.parametrize(
    ("status", "answer", "path", "expected"),
    [
        (404, body("ResourceNotFound", "User's mysite not found."), DRIVE, drive_errors.DriveMissing),
        (404, body("itemNotFound", "404 FILE NOT FOUND"), DRIVE, drive_errors.DriveMissing),
        (404, body("UnknownError", "404 FILE NOT FOUND"), DRIVE, drive_errors.DriveMissing),
        (404, body("UnknownError", "404 FILE NOT FOUND"), ITEM, errors.NotFound),
        (404, body("UnknownError", "Unable to retrieve user's mysite URL."), DRIVE, drive_errors.DriveMissing),
        (400, body("invalidRequest", "A call to the default drive isn't supported for app-only tokens."), DRIVE, drive_errors.DriveMissing),
        (403, body("accessDenied", "x", "provisioningNotAllowed"), DRIVE, drive_errors.DriveMissing),
        (503, body("serviceNotAvailable", "x", "resourceBeingProvisioned"), DRIVE, drive_errors.DriveMissing),
        (400, body("BadRequest", "Tenant does not have a SPO license."), DRIVE, drive_errors.NoSharePointLicence),
        (404, body("Request_ResourceNotFound", "Resource 'anna' does not exist."), DRIVE, errors.NotFound),
        (423, body("notAllowed", BLOCKED), ITEM, drive_errors.DriveLocked),
        (423, body("resourceLocked", BLOCKED), ITEM, drive_errors.DriveLocked),
        (403, body("accessDenied", BLOCKED), ITEM, drive_errors.DriveLocked),
        (423, body("resourceLocked", LOCK_TOKEN), ITEM, drive_errors.FileLocked),
        (423, body("accessDenied", LOCK_TOKEN), ITEM, drive_errors.FileLocked),
        (403, body("malwareDetected", "x"), ITEM, drive_errors.MalwareBlocked),
        (403, body("accessDenied", "x", "one", "two", "virusSuspicious"), ITEM, drive_errors.MalwareBlocked),
        (507, b"", ITEM, errors.QuotaExceeded),
        (400, body("quotaLimitReached", "x"), ITEM, errors.QuotaExceeded),
        (409, body("nameAlreadyExists", "x"), ITEM, drive_errors.NameTaken),
        (409, body("conflict", "x"), ITEM, errors.Conflict),
        (412, body("resourceModified", "x"), ITEM, drive_errors.ContentChanged),
        (416, body("invalidRange", "x", "fragmentOverlap"), ITEM, drive_errors.RangeRefused),
        (400, body("invalidRequest", "x", "pathIsTooLong"), ITEM, drive_errors.NameRefused),
        (400, body("invalidRequest", "The provided name cannot contain illegal characters."), ITEM, drive_errors.NameRefused),
        (400, body("invalidRequest", "The request is malformed."), ITEM, errors.RequestRefused),
        (403, body("accessDenied", "The item is under a retention label and cannot be deleted."), ITEM, drive_errors.RetentionHeld),
        (400, body("noResolvedUsers", "x"), ITEM, drive_errors.RecipientsRefused),
        (400, body("invalidRequest", "One or more users could not be resolved."), ITEM, drive_errors.RecipientsRefused),
        (403, body("accessDenied", "x", "sharingDisabled"), ITEM, drive_errors.SharingDisabled),
        (403, body("accessDenied", "Access denied"), ITEM, errors.AccessDenied),
        (404, body("itemNotFound", "Item not found"), ITEM, errors.NotFound),
        (503, b"<html>" + b"x" * 960 + b"</html>", ITEM, errors.ServiceUnavailable),
        (503, b"", ITEM, errors.ServiceUnavailable),
        (429, body("TooManyRequests", "x", "429"), ITEM, errors.Throttled),
        (503, body("activityLimitReached", "x", "throttledRequest"), ITEM, errors.Throttled),
        (509, b"", ITEM, errors.Throttled),
    ],
)
def test_a_refusal_gets_the_class_that_fits(status: int, answer: t.Any, path: str, expected: type[errors.GraphError]) -> None:
    error = refused(status, answer, path)
    assert error.__class__ is expected
    assert error.hint
    assert str(error).startswith("Reading 'a.txt' of user anna failed: ")


@pytest.mark.parametrize("spelling", ["innererror", "innerError", "InnerError"])
def test_codes_count_in_any_spelling_and_depth_and_in_json_inside_of_a_message(spelling: str) -> None:
    inner = {"error": {"code": "", "message": "x", spelling: {"code": "a", spelling: {"code": "MALWAREDETECTED"}}}}
    assert refused(403, inner).__class__ is drive_errors.MalwareBlocked
    assert refused(403, body("UnknownError", json.dumps(inner))).__class__ is drive_errors.MalwareBlocked


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (410, body("resyncRequired", "Resync required.", "resyncApplyDifferences")),
        (410, body("resyncChangesUploadDifferences")),
        (410, b""),
        (400, body("invalidRequest", "Provided sync token is malformed")),
        (404, body("syncStateNotFound")),
    ],
)
def test_a_cursor_that_is_lost_is_found_in_all_its_forms(status: int, answer: t.Any) -> None:
    assert refused(status, answer, "/v1.0/drives/b!1/root/delta", RequestKind.DELTA).__class__ is errors.CursorLost


def test_a_missing_permission_is_named() -> None:
    error = refused(403, body("accessDenied", "Access denied"))
    assert isinstance(error, errors.AccessDenied)
    assert error.permission == "Files.Read.All"
    assert "Files.Read.All" in str(error)


def test_the_availability_of_a_missing_drive_is_a_word_for_results() -> None:
    assert refused(404, body("x", "User's mysite not found."), DRIVE).availability == "no_drive"  # type: ignore[attr-defined]
    assert refused(400, body("x", "Tenant does not have a SPO license."), DRIVE).availability == "no_sharepoint_licence"  # type: ignore[attr-defined]
