# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalogue of faults: every misbehaviour of the real service that control can arm (facts 14, C3, C4, H).

An effect works before the handler (it answers in its place) or after it (it spoils the answer, the change is made).
"""

from __future__ import annotations

import dataclasses
import datetime
import email.utils
import math
import typing as t

from . import fault_pages as pages
from .call import Answer, Cut, GraphError, json_bytes
from .envelope import error_answer
from .limiter import throttled
from .tokens import unauthorized

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from .call import Call
    from .faults import Fault
    from .state import Tenant

    Before = Callable[[Tenant, Call, Fault], Answer]
    After = Callable[[Tenant, Call, Fault, Answer], Answer | None]

_HTML = b"<html><head><title>Service Unavailable</title></head><body><h2>Our services aren't available right now</h2></body></html>\r\n"
_DELTA = (
    "messages_delta",
    "folders_delta",
    "events_delta",
    "calendar_view_delta",
    "contacts_delta",
    "contact_folders_delta",
    "tasks_delta",
    "task_lists_delta",
)
_LISTS = (
    *_DELTA,
    "messages_list",
    "calendars_list",
    "events_list",
    "event_instances",
    "calendar_view",
    "contacts_list",
    "contact_folders_list",
    "tasks_list",
    "task_lists_list",
    "folders_list",
    "folder_children",
    "users_list",
    "groups_list",
    "group_members",
    "group_transitive_members",
)


@dataclasses.dataclass(frozen=True, slots=True)
class Effect:
    """What a fault does, and what it matches unless its spec says otherwise. An C(after) that gives None did not apply."""

    before: Before | None = None
    after: After | None = None
    defaults: dict[str, t.Any] = dataclasses.field(default_factory=dict)


def _error(fault: Fault, call: Call, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Answer:
    error = GraphError(
        int(fault.option("status", status)), str(fault.option("code", code)), str(fault.option("message", message)), headers=headers
    )
    return error_answer(call, error)


def _simple(status: int, code: str, message: str) -> Before:
    return lambda tenant, call, fault: _error(fault, call, status, code, message)


def retry_after_header(value: t.Any) -> dict[str, str]:
    """C(None) no header, a number as it is (fractions too), C("date:N") an HTTP date N seconds ahead."""
    if value is None:
        return {}
    text = str(value)
    if text.startswith("date:"):
        moment = datetime.datetime.now(datetime.timezone.utc).timestamp() + float(text[5:])
        text = email.utils.formatdate(math.ceil(moment), usegmt=True)
    return {"retry-after": text}


def _status(tenant: Tenant, call: Call, fault: Fault) -> Answer:
    """Any status: C(body) is json (the default), nested, empty or html."""
    headers = retry_after_header(fault.option("retry_after", None))
    kind = fault.option("body", "json")
    if kind == "json":
        return _error(fault, call, 503, "ServiceUnavailable", "The service is temporarily unavailable.", headers)
    if kind == "nested":
        inner = {"code": str(fault.option("code", "ServiceUnavailable")), "message": "deep down"}
        error = {"code": "", "message": "", "innererror": {"code": "UnknownError", "innererror": inner}}
        return Answer(int(fault.option("status", 503)), json_bytes({"error": error}), {"content-type": "application/json", **headers})
    body = _HTML if kind == "html" else b""
    return Answer(int(fault.option("status", 503)), body, {"content-type": "text/html", **headers})


def _throttled(tenant: Tenant, call: Call, fault: Fault) -> Answer:
    error = throttled("Application is over its MailboxConcurrency limit.", 1)
    return _error(fault, call, 429, error.code, error.message, retry_after_header(fault.option("retry_after", 1)))


def _token_throttled(tenant: Tenant, call: Call, fault: Fault) -> Answer:
    text = "AADSTS90055: The server is temporarily too busy. Please try again later."
    body = json_bytes({"error": "temporarily_unavailable", "error_description": text, "error_codes": [90055]})
    return Answer(
        429,
        body,
        {"content-type": "application/json; charset=utf-8", **retry_after_header(fault.option("retry_after", 1))},
        code="AADSTS90055",
    )


def _token_expired(tenant: Tenant, call: Call, fault: Fault) -> Answer:
    return error_answer(call, unauthorized("Lifetime validation failed, the token is expired.", 'error="invalid_token"'))


def _claims_challenge(tenant: Tenant, call: Call, fault: Fault) -> Answer:
    claims = "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxNzk1MzkyMDAwIn19fQ=="
    return error_answer(
        call, unauthorized("Continuous access evaluation resulted in challenge.", f'error="insufficient_claims", claims="{claims}"')
    )


def _cursor_lost(tenant: Tenant, call: Call, fault: Fault) -> Answer:
    """410; C(variant=location) has a Location and no body."""
    if fault.option("variant", "body") == "location":
        clean = call.path.partition("?")[0]
        return Answer(410, b"", {"location": f"https://{call.host}{clean}?$deltatoken="}, code="410")
    text = "The sync state generation is not found; generation=149;[highest=157][157][155][156]."
    return _error(fault, call, 410, "SyncStateNotFound", text)


def _not_found_empty(tenant: Tenant, call: Call, fault: Fault) -> Answer:
    return Answer(404, b"", {"content-type": "text/plain"})


def _reset(tenant: Tenant, call: Call, fault: Fault) -> Answer:
    return Answer(200, b" ", cut=Cut.RESET)


def _cut_body(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    """Ends the body early (C(how=end)) or resets the connection (C(how=reset)) after C(at) bytes or a share below 1."""
    if answer.status >= 300:
        return None
    if isinstance(answer.body, bytes):
        length = len(answer.body)
    elif "content-length" in answer.headers:
        length = int(answer.headers["content-length"])
    else:
        whole = b"".join(answer.body)
        length, answer.body = len(whole), pages.in_chunks(whole)
    at = fault.option("at", 0.5)
    answer.cut_after = max(1, int(length * at) if at < 1 else min(int(at), max(1, length - 1)))
    answer.cut = Cut.RESET if fault.option("how", "end") == "reset" else Cut.EARLY_END
    return answer


def _answer_lost(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    """The change was made, the answer is lost: C(how) is 503, 500, 504 or reset."""
    if answer.status >= 300:
        return None
    how = str(fault.option("how", "503"))
    if how == "reset":
        return Answer(200, b" ", cut=Cut.RESET)
    return error_answer(
        call, GraphError(int(how), "UnknownError" if how == "504" else "ServiceUnavailable", "" if how == "504" else "The server is busy.")
    )


_WRITES = (
    "folder_create",
    "message_create",
    "attachment_create",
    "message_move",
    "message_update",
    "message_delete",
    "upload_part",
    "calendar_create",
    "event_create",
    "event_update",
    "event_delete",
    "event_attachment_create",
    "contact_folder_create",
    "contact_create",
    "contact_update",
    "contact_photo_put",
    "mailbox_settings_update",
    "rule_create",
    "category_create",
    "drive_content_put",
    "drive_upload_session",
    "drive_upload_part",
    "drive_upload_commit",
    "drive_folder_create",
    "drive_item_update",
    "drive_item_delete",
    "drive_invite",
    "drive_link_create",
    "drive_permission_update",
    "drive_permission_delete",
    "drive_version_restore",
)
_ITEM = ("message_get", "message_mime", "attachments_list", "event_get", "event_attachments_list", "contact_get", "task_get")
_ATTACHMENTS = (
    "attachments_list",
    "attachment_get",
    "attachment_value",
    "event_attachments_list",
    "event_attachment_get",
    "event_attachment_value",
)
_MIME = {"operation": "message_mime"}

EFFECTS: dict[str, Effect] = {
    # Whole requests
    "status": Effect(_status),
    "unavailable": Effect(_status),
    "throttled": Effect(_throttled),
    "mailbox_stale": Effect(
        _simple(503, "MailboxInfoStale", "Target resource 'mailbox' hosted on database 'DB1' is currently on backend 'Unknown'")
    ),
    "gateway_timeout": Effect(_simple(504, "UnknownError", "")),
    "reset": Effect(_reset),
    "slow": Effect(),
    "token_expired": Effect(_token_expired),
    "claims_challenge": Effect(_claims_challenge),
    "not_found_empty": Effect(_not_found_empty, defaults={"operation": _ITEM}),
    "mailbox_failure": Effect(_simple(403, "ErrorAccessDenied", "Access to OData is disabled.")),
    # Answers that are spoiled on their way
    "truncated_json": Effect(after=pages.truncate_json, defaults={"operation": _LISTS}),
    "control_characters": Effect(after=pages.control_characters),
    "cut_body": Effect(after=_cut_body, defaults=_MIME),
    "answer_lost": Effect(after=_answer_lost, defaults={"operation": _WRITES}),
    # Delta
    "cursor_lost": Effect(_cursor_lost, defaults={"operation": _DELTA, "phase": "delta"}),
    "delta_not_supported": Effect(
        _simple(400, "BadRequest", "Parameter 'DeltaToken' not supported for this request."), defaults={"operation": _DELTA}
    ),
    "delta_quota_exceeded": Effect(
        _simple(403, "ErrorQuotaExceeded", "The mailbox has exceeded its quota."), defaults={"operation": _DELTA}
    ),
    "folder_gone": Effect(
        _simple(404, "ErrorItemNotFound", "The specified object was not found in the store."), defaults={"operation": "messages_delta"}
    ),
    "duplicate_entries": Effect(after=pages.duplicate_entries, defaults={"operation": _DELTA}),
    "reordered_entries": Effect(after=pages.reorder_entries, defaults={"operation": _DELTA}),
    "partial_entries": Effect(after=pages.partial_entries, defaults={"operation": "messages_delta"}),
    "lost_entries": Effect(after=pages.lost_entries, defaults={"operation": "messages_list"}),
    "string_booleans": Effect(after=pages.string_booleans, defaults={"operation": "messages_delta"}),
    "unknown_removal": Effect(after=pages.unknown_removal, defaults={"operation": _DELTA}),
    "empty_page": Effect(after=pages.empty_page, defaults={"operation": _DELTA}),
    "replayed_round": Effect(after=pages.replayed_round, defaults={"operation": _DELTA}),
    "foreign_link": Effect(after=pages.foreign_link, defaults={"operation": _LISTS}),
    # Single messages
    "corrupt_item": Effect(_simple(500, "ErrorCorruptData", "Data is corrupt.,Invalid global object ID:"), defaults={"operation": _ITEM}),
    "invalid_recipients": Effect(
        _simple(400, "ErrorInvalidRecipients", "At least one recipient isn't valid."), defaults={"operation": _ITEM}
    ),
    "item_not_found": Effect(
        _simple(404, "ErrorItemNotFound", "The specified object was not found in the store."), defaults={"operation": _ITEM}
    ),
    "attachment_unreadable": Effect(
        _simple(500, "ErrorCannotOpenFileAttachment", "OLE conversion failed for an attachment."),
        defaults={"operation": _ATTACHMENTS},
    ),
    "too_many_attachments": Effect(
        _simple(500, "ErrorTooManyObjectsOpened", "Too many objects are open."),
        defaults={"operation": ("attachments_list", "event_attachments_list")},
    ),
    # Directory
    "expired_page_token": Effect(
        _simple(
            400, "Directory_ExpiredPageToken", "The specified page token value has expired and can no longer be included in your request."
        ),
        defaults={"operation": ("users_list", "groups_list", "group_members", "group_transitive_members"), "phase": "next"},
    ),
    "limited_members": Effect(after=pages.limited_members, defaults={"operation": ("group_members", "group_transitive_members")}),
    "empty_members": Effect(after=pages.empty_members, defaults={"operation": ("group_members", "group_transitive_members")}),
    # Login
    "token_unavailable": Effect(
        lambda tenant, call, fault: Answer(503, _HTML, {"content-type": "text/html"}), defaults={"operation": "token"}
    ),
    "token_throttled": Effect(_token_throttled, defaults={"operation": "token"}),
}
