# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From an answer, or the lack of one, to the error class that callers act on, with words for an administrator.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from . import errors
from .drive_refusals import BLOCKED_HINT, classify_drive_refusal
from .error_bodies import ErrorBody
from .limits import LimitScope, ScopeKind
from .retry import Fault, FaultKind
from .traffic import RequestKind

_CURSOR_CODES = (
    "syncstatenotfound",
    "syncstateinvalid",
    "resyncrequired",
    "resyncchangesapplydifferences",
    "resyncchangesuploaddifferences",
    "resyncapplydifferences",
    "resyncuploaddifferences",
    "errorinvalidsyncstatedata",
    "directory_expiredpagetoken",
)
_MAILBOX_CODES = ("mailboxnotenabledforrestapi", "mailboxnotsupportedforrestapi", "errorinvaliduser", "errornonexistentmailbox")
_MAILBOX_TEXT = "rest api is not yet supported for this mailbox"
_NOT_FOUND_CODES = ("erroritemnotfound", "errorsyncfoldernotfound", "request_resourcenotfound", "resourcenotfound", "itemnotfound")
_UNREADABLE_CODES = ("errorcorruptdata", "errorinvalidrecipients", "errorcannotopenfileattachment")
_QUOTA_CODES = ("errorquotaexceeded", "quotalimitreached")
_CURSOR_TEXT = re.compile(r"\b(delta|skip|sync)\s*-?(token|state)\b", re.IGNORECASE)
_NO_DELTA_TEXT = re.compile(r"parameter '\$?deltatoken' not supported", re.IGNORECASE)
_LAPSED_TEXT = re.compile(r"subscription within the tenant has lapsed|AADSTS500014", re.IGNORECASE)

_MAILBOX_HINT = "Give the user an Exchange Online licence, or take the user out of the plan."
_SUBSCRIPTION_HINT = "Renew the Microsoft 365 subscription of the tenant."
_APP_HINT = "Check the app registration, its credential, and the option cloud."
_SCOPE_HINT = (
    "Exchange Online limits the app to certain mailboxes: add this one to its management scope, or take the user out of the plan; "
    "a change takes up to two hours to take effect."
)
_UNREADABLE_HINT = "Open the item in Outlook; the service cannot read it either."
_LATER_HINT = "Nothing is lost: the next run tries it again."


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a request is for. ``doing`` begins a sentence: "Reading message X of user Y".

    ``is_named``: the service itself has named the object, so a 404 that does not say why is no proof that it is gone.
    ``units``: what each attempt costs, see C(resource_units).
    """

    scope: LimitScope
    kind: RequestKind
    doing: str
    permission: str = ""
    is_fresh: bool = False
    is_named: bool = False
    units: int = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Attempt:
    """A request that failed for good, or that may have happened. ``path`` has no query, and is empty for a pre-authenticated address."""

    call: Call
    method: str
    path: str
    request_id: str
    is_ambiguous: bool = False


def error_of(fault: Fault, attempt: Attempt, reason: str = "") -> errors.GraphError:
    """``reason`` says what a fault without a status was."""
    if attempt.is_ambiguous:
        return _build(errors.AmbiguousOutcome, fault, attempt, "Look whether it happened before doing it again.", reason)
    if fault.kind is not FaultKind.STATUS:
        return _without_status(fault, attempt, reason)
    kind, hint = _classify_drive(fault, attempt) or classify(fault, attempt.call)
    error = _build(kind, fault, attempt, hint)
    if isinstance(error, errors.AccessDenied):
        error.permission = attempt.call.permission
        error.facts["permission"] = attempt.call.permission
    return error


def broken_stream(attempt: Attempt, reason: str) -> errors.StreamBroken:
    """For a body that began well."""
    error = _build(errors.StreamBroken, Fault(FaultKind.INCOMPLETE), attempt, _LATER_HINT, reason)
    return t.cast("errors.StreamBroken", error)


def not_tried(call: Call) -> errors.ServiceUnavailable:
    """For an operation that begins while nothing works."""
    return errors.ServiceUnavailable(
        f"{call.doing} was not tried: the service refuses or fails everything, and asks to wait.", hint=BLOCKED_HINT
    )


def classify(fault: Fault, call: Call) -> tuple[type[errors.GraphError], str]:
    """The class and the hint for an answer with an error status."""
    status, body = fault.status or 0, fault.body
    if fault.is_throttling:
        return errors.Throttled, f"Other programs may be using up the same limits. {_LATER_HINT}"
    for matches, kind, hint in _RULES:
        if matches(status, body, call):
            return kind, hint(call) if callable(hint) else hint
    if status >= 500 or status == 408:
        return errors.ServiceUnavailable, f"{_LATER_HINT} If it stays, tell Microsoft's support the request id."
    return errors.RequestRefused, "Tell Microsoft's support the request id if the code does not explain it."


def _classify_drive(fault: Fault, attempt: Attempt) -> tuple[type[errors.GraphError], str] | None:
    if attempt.call.scope.kind is not ScopeKind.DRIVES or fault.is_throttling:
        return None
    is_download = not attempt.path and attempt.call.kind is RequestKind.FILE
    return classify_drive_refusal(fault.status or 0, fault.body, attempt.path, is_download=is_download)


def _is_delta(call: Call) -> bool:
    return call.kind is RequestKind.DELTA


def _is_cursor_loss(status: int, body: ErrorBody, call: Call) -> bool:
    if body.names(*_CURSOR_CODES):
        return True
    return _is_delta(call) and (status == 410 or (status == 400 and _CURSOR_TEXT.search(body.message) is not None))


def _is_without_delta(status: int, body: ErrorBody, call: Call) -> bool:
    return _is_delta(call) and (body.names("errorquotaexceeded") or _NO_DELTA_TEXT.search(body.message) is not None)


def _is_scoped_out(status: int, body: ErrorBody, call: Call) -> bool:
    return status == 403 and "access to odata is disabled" in body.message.lower()


def _permission_hint(call: Call) -> str:
    if not call.permission:
        return "Grant the application permission that this needs, with admin consent."
    return f"Grant the application permission {call.permission} to the app, with admin consent; it takes some minutes to take effect."


_Matches: t.TypeAlias = t.Callable[[int, ErrorBody, Call], bool]
_Hint: t.TypeAlias = t.Union[str, t.Callable[[Call], str]]


def _is_about_mailbox(status: int, body: ErrorBody, call: Call) -> bool:
    return body.names(*_MAILBOX_CODES) or _MAILBOX_TEXT in body.message.lower()


def _is_missing(status: int, body: ErrorBody, call: Call) -> bool:
    return status == 404 or (400 <= status < 500 and body.names(*_NOT_FOUND_CODES))


def _is_doubtful(status: int, body: ErrorBody, call: Call) -> bool:
    """Real mailboxes answer so for objects that exist (graph-mailbox facts, section 4), sometimes longer than we are patient."""
    return call.is_named and status == 404 and body.is_empty


_RULES: tuple[tuple[_Matches, type[errors.GraphError], _Hint], ...] = (
    (_is_without_delta, errors.DeltaUnavailable, "Make room in the mailbox; until then it is listed without delta."),
    (_is_cursor_loss, errors.CursorLost, "Everything is listed again."),
    (_is_about_mailbox, errors.MailboxUnavailable, _MAILBOX_HINT),
    (lambda status, body, call: bool(_LAPSED_TEXT.search(body.message)), errors.AuthenticationFailed, _SUBSCRIPTION_HINT),
    (lambda status, body, call: status == 401, errors.AuthenticationFailed, _APP_HINT),
    (_is_scoped_out, errors.AccessDenied, _SCOPE_HINT),
    (lambda status, body, call: body.names(*_UNREADABLE_CODES), errors.ItemUnreadable, _UNREADABLE_HINT),
    (lambda status, body, call: status == 507 or body.names(*_QUOTA_CODES), errors.QuotaExceeded, "Make room in the mailbox and repeat."),
    (lambda status, body, call: status == 403, errors.AccessDenied, _permission_hint),
    (_is_doubtful, errors.ServiceUnavailable, _LATER_HINT),
    (_is_missing, errors.NotFound, "Check that it still exists."),
    (lambda status, body, call: status in (409, 412), errors.Conflict, "Look what is there already."),
    (lambda status, body, call: status == 413, errors.TooLarge, "Send it in smaller pieces."),
    (lambda status, body, call: status < 400, errors.BadAnswer, "Check whether a proxy answers in place of Microsoft Graph."),
)


def _without_status(fault: Fault, attempt: Attempt, reason: str) -> errors.GraphError:
    if fault.kind in (FaultKind.UNREACHABLE, FaultKind.MISCONFIGURED):
        hint = "Check the network, the options proxy and ca_bundle, and HTTPS_PROXY in the environment."
        return _build(errors.NetworkUnreachable, fault, attempt, hint, reason)
    if fault.kind is FaultKind.BROKEN:
        return _build(errors.ServiceUnavailable, fault, attempt, _LATER_HINT, reason)
    return _build(errors.BadAnswer, fault, attempt, f"{_LATER_HINT} If it stays, tell Microsoft's support the request id.", reason)


def _build(kind: type[errors.GraphError], fault: Fault, attempt: Attempt, hint: str, reason: str = "") -> errors.GraphError:
    body = fault.body
    marks = [f"HTTP {fault.status}" if fault.status else "", body.code, f"request id {attempt.request_id}" if attempt.request_id else ""]
    shown = ", ".join(mark for mark in marks if mark)
    said = reason or body.message or ("no explanation" if fault.status else fault.kind.value)
    outcome = "may or may not have happened" if attempt.is_ambiguous else "failed"
    return kind(
        f"{attempt.call.doing} {outcome}: {said.rstrip('.')}{f' ({shown})' if shown else ''}.",
        hint=hint,
        status=fault.status,
        code=body.code,
        request_id=attempt.request_id,
        method=attempt.method,
        path=attempt.path,
    )
