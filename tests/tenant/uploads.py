# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Upload sessions for large attachments (facts 4, 14.25): created at Graph, filled at outlook.office.com without a token."""

from __future__ import annotations

import dataclasses
import datetime
import re
import secrets
import time
import typing as t

from .attachment_store import FILE, Attachment
from .attachments import add_attachment, next_number
from .call import Answer, GraphError, json_answer
from .message_writes import refuse_sensitive_change

if t.TYPE_CHECKING:
    from .call import Call
    from .mail_items import Message
    from .mailbox import Mailbox
    from .state import Tenant

LARGEST_ATTACHMENT = 150 * 1024 * 1024
LARGEST_PIECE = 4 * 1024 * 1024
_ROOT = "https://outlook.office.com/api/v2.0"
_RANGE = re.compile(r"^bytes (\d+)-(\d+)/(\d+)$")


class Target(t.Protocol):
    """What the attachment is for."""

    @property
    def collection(self) -> str:
        """As in the URL of the upload: Messages, Events."""

    def item_id(self, *, immutable: bool) -> str: ...

    def add(self, upload: Upload) -> str:
        """Adds what was uploaded as an attachment; gives its id."""


@dataclasses.dataclass(frozen=True, slots=True)
class MessageTarget:
    """A message that gets an attachment."""

    mailbox: Mailbox
    message: Message
    collection: str = "Messages"

    def item_id(self, *, immutable: bool) -> str:
        return self.mailbox.message_id(self.message, immutable=immutable)

    def add(self, upload: Upload) -> str:
        number = next_number(self.message)
        add_attachment(self.mailbox, self.message, uploaded_file(upload, number))
        return self.mailbox.ids.attachment(self.message.number, number)


@dataclasses.dataclass(slots=True, eq=False)
class Upload:
    """A session: what is to come, and what has come."""

    token: str
    client_id: str
    mailbox: Mailbox
    target: Target
    name: str
    content_type: str
    size: int
    is_inline: bool
    content_id: str | None
    expires_at: float
    received: bytearray = dataclasses.field(default_factory=bytearray)


class UploadSessions:
    """Open sessions by their number in the URL."""

    def __init__(self) -> None:
        self.open: dict[str, Upload] = {}


def create_session(tenant: Tenant, call: Call) -> Answer:
    """C(POST .../attachments/createUploadSession): 201 with a URL on another host."""
    mailbox = tenant.mailbox(call)
    message = mailbox.message(call.values["message"])
    refuse_sensitive_change(tenant, call, message, {"attachments"} if tenant.settings.protect_attachments else frozenset())
    return open_session(tenant, call, mailbox, MessageTarget(mailbox, message))


def open_session(tenant: Tenant, call: Call, mailbox: Mailbox, target: Target) -> Answer:
    """The session for any target. Raises GraphError 400."""
    body = call.json()
    wanted = body.get("AttachmentItem") or body.get("attachmentItem") or {}
    size = wanted.get("size")
    if not isinstance(size, int) or not wanted.get("name") or str(wanted.get("attachmentType", "file")).lower() != "file":
        raise GraphError(400, "ErrorInvalidRequest", "The attachment item needs attachmentType, name and size.")
    if size > LARGEST_ATTACHMENT:
        raise GraphError(400, "ErrorAttachmentSizeLimitExceeded", "The attachment size exceeds the limit of 150 MB.")
    expires = time.time() + tenant.settings.upload_session_seconds
    number = secrets.token_hex(12)
    upload = Upload(
        token=secrets.token_urlsafe(24),
        client_id=call.client_id,
        mailbox=mailbox,
        target=target,
        name=str(wanted["name"]),
        content_type=str(wanted.get("contentType") or "application/octet-stream"),
        size=size,
        is_inline=bool(wanted.get("isInline", False)),
        content_id=wanted.get("contentId"),
        expires_at=expires,
    )
    tenant.uploads.open[number] = upload
    owner, item = f"{mailbox.owner_id}@{tenant.tenant_id}", target.item_id(immutable=call.immutable_ids)
    url = f"{_ROOT}/Users('{owner}')/{target.collection}('{item}')/AttachmentSessions('{number}')?authtoken={upload.token}"
    body = {
        "@odata.context": f"{call.root}/$metadata#microsoft.graph.uploadSession",
        "uploadUrl": url,
        "expirationDateTime": _stamp(expires),
        "nextExpectedRanges": ["0-"],
    }
    return json_answer(body, 201)


def session_of(tenant: Tenant, call: Call) -> Upload:
    """The session behind an upload URL. Raises GraphError 401, 403 or 404."""
    if "authorization" in call.headers:
        raise GraphError(
            401,
            "InvalidAuthenticationToken",
            "The upload URL is already authenticated; the request must not carry an Authorization header.",
        )
    segments = call.segments
    number = segments[segments.index("AttachmentSessions") + 1] if "AttachmentSessions" in segments[:-1] else ""
    upload = tenant.uploads.open.get(number)
    if upload is None:
        raise GraphError(404, "ErrorItemNotFound", "The upload session was not found.")
    if upload.token != call.query.get("authtoken"):
        raise GraphError(401, "InvalidAuthenticationToken", "The token of the upload URL is not valid.")
    if upload.expires_at <= time.time():
        raise GraphError(403, "ErrorAccessDenied", "The upload session has expired.")
    return upload


def answer_upload(tenant: Tenant, call: Call, upload: Upload) -> Answer:
    """GET, PUT and DELETE on an upload URL."""
    if call.method == "DELETE":
        _forget(tenant, upload)
        return Answer(204)
    if call.method == "PUT":
        return _take(tenant, call, upload)
    return json_answer(_progress(upload))


def _take(tenant: Tenant, call: Call, upload: Upload) -> Answer:
    match = _RANGE.match(call.headers.get("content-range", ""))
    if match is None:
        raise GraphError(400, "ErrorInvalidRequest", "The Content-Range header is missing or malformed.")
    start, end, total = (int(text) for text in match.groups())
    if total != upload.size or end - start + 1 != len(call.body) or len(call.body) > LARGEST_PIECE:
        raise GraphError(
            400, "ErrorInvalidRequest", "The Content-Range header does not fit the body, the size of the attachment, or the limit of 4 MB."
        )
    if start != len(upload.received):
        raise GraphError(416, "ErrorInvalidRange", f"The range is out of order: {len(upload.received)} is expected next.")
    upload.received += call.body
    if len(upload.received) < upload.size:
        return json_answer(_progress(upload))
    identifier = upload.target.add(upload)
    _forget(tenant, upload)
    item = upload.target.item_id(immutable=False)
    owner = f"{upload.mailbox.owner_id}@{tenant.tenant_id}"
    return Answer(201, b"", {"location": f"{_ROOT}/Users('{owner}')/{upload.target.collection}('{item}')/Attachments('{identifier}')"})


def uploaded_file(upload: Upload, number: int) -> Attachment:
    return Attachment(number, FILE, upload.name, upload.content_type, bytes(upload.received), upload.is_inline, upload.content_id)


def _progress(upload: Upload) -> dict[str, t.Any]:
    return {
        "@odata.context": f"{_ROOT}/$metadata#Users('x')/Messages('x')/AttachmentSessions/$entity",
        "ExpirationDateTime": _stamp(upload.expires_at),
        "nextExpectedRanges": [str(len(upload.received))],
    }


def _forget(tenant: Tenant, upload: Upload) -> None:
    tenant.uploads.open = {number: other for number, other in tenant.uploads.open.items() if other is not upload}


def _stamp(moment: float) -> str:
    return datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
