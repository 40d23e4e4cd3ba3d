# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Import sessions and what is posted to their address on another host (facts 8.6, 14.48-51)."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import datetime
import json
import secrets
import time
import typing as t

from . import fts
from .call import Answer, GraphError, json_answer, json_bytes
from .exchange_folders import archive_refused
from .exchange_items import reads_as, short_change_key
from .fts import read_stream
from .fts_format import FtsError
from .fts_mail import MapiBody
from .mail_items import MailboxState, now

if t.TYPE_CHECKING:
    from .call import Call
    from .exchange_mailboxes import ExchangeMailbox, Place
    from .fts import MapiMessage
    from .mail_items import Folder, Message
    from .state import Tenant

IMPORT_HOST = "outlook.office365.com"


@dataclasses.dataclass(frozen=True, slots=True)
class ImportSession:
    """Leave to put items into one mailbox until C(expires_at). C(generation) is g and the version of the API."""

    token: str
    client_id: str
    place: Place
    scope: str
    generation: str
    expires_at: float


class ImportSessions:
    """Sessions by their token."""

    def __init__(self) -> None:
        self.open: dict[str, ImportSession] = {}


def create_session(tenant: Tenant, call: Call) -> Answer:
    """C(POST .../createImportSession). Archives take imports as C(archive_import) says: refused, beta or v1.0 too."""
    place = tenant.exchange.at(call)
    allowed = {"refused": (), "beta": ("beta",), "everywhere": ("beta", "v1.0")}[tenant.settings.archive_import]
    if place.exchange.is_archive and call.version not in allowed:
        raise archive_refused(tenant)
    generation = "gbeta" if call.version == "beta" else "gv1.0"
    expires = time.time() + tenant.settings.import_session_seconds
    token = ".".join(secrets.token_urlsafe(size) for size in (30, 120, 60))
    tenant.imports.open[token] = ImportSession(token, call.client_id, place, call.mailbox_key or "", generation, expires)
    body = {
        "@odata.context": f"{call.root}/$metadata#microsoft.graph.mailboxItemImportSession",
        "importUrl": f"https://{IMPORT_HOST}/api/{generation}/Mailboxes('{place.mailbox_id}')/importItem?authtoken={token}",
        "expirationDateTime": datetime.datetime.fromtimestamp(expires, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f") + "6Z",
    }
    return json_answer(body, tenant.settings.import_session_status)


def import_session_of(tenant: Tenant, call: Call) -> ImportSession:
    """The session of an import address. Raises GraphError 401 or, for an expired one, what C(import_expired_status) says."""
    if "authorization" in call.headers:
        raise GraphError(
            401,
            "InvalidAuthenticationToken",
            "The import URL is already authenticated; the request must not carry an Authorization header.",
        )
    session = tenant.imports.open.get(call.query.get("authtoken", ""))
    if session is None or session.place.mailbox_id not in call.segments or session.generation not in call.segments:
        raise GraphError(401, "InvalidAuthenticationToken", "The token of the import URL is not valid.")
    return session


def answer_import(tenant: Tenant, call: Call, session: ImportSession) -> Answer:
    """C(POST importUrl): one item, created or updated."""
    if session.expires_at <= time.time():
        raise GraphError(tenant.settings.import_expired_status, "ErrorAccessDenied", "The import session has expired.")
    if call.method != "POST":
        raise GraphError(405, "ErrorInvalidRequest", "The import URL takes POST requests only.")
    exchange = session.place.exchange
    tenant.refuse_in_state(exchange.mailbox, session.place.mailbox_id)
    if exchange.mailbox.state is MailboxState.QUOTA_EXCEEDED:
        raise GraphError(403, "ErrorQuotaExceeded", "The mailbox has exceeded its quota.")
    wanted = _wanted(call)
    folder = _folder(exchange, wanted)
    if exchange.home(folder) != session.place.mailbox_id:
        return wrong_mailbox(exchange.home(folder))
    message = _update(exchange, folder, wanted) if wanted.mode == "update" else _create(exchange, folder, wanted)
    body = {
        "@odata.context": f"https://{call.host}/api/{session.generation}/$metadata#microsoft.graph.importMailboxItemResponse",
        "itemId": exchange.item_id(message),
        "changeKey": short_change_key(exchange, message),
    }
    return json_answer(body)


def wrong_mailbox(expected: str) -> Answer:
    """409 without the usual envelope: the folder lies in another mailbox of the archive (facts 14.50)."""
    text = f"Invalid import session. The target session is expected in mailbox {expected}."
    return Answer(409, json_bytes({"Message": text}), {"content-type": "application/json"}, code="409")


def put_item(exchange: ExchangeMailbox, folder: Folder, mapi: MapiMessage) -> Message:
    """Puts an item into a folder with its own dates and marks; the store's dates are of now."""
    received = mapi.properties.get(fts.RECEIVED)
    flags = mapi.number(fts.MESSAGE_FLAGS)
    moment = now()
    message = exchange.mailbox.add_message(
        folder,
        MapiBody(mapi),
        received if isinstance(received, datetime.datetime) else moment,
        is_read=bool(flags & fts.READ),
        is_draft=bool(flags & fts.UNSENT),
        flagged=mapi.number(fts.FLAG_STATUS) == fts.FLAGGED,
        categories=_categories(mapi),
    )
    message.created = message.modified = moment
    return message


@dataclasses.dataclass(frozen=True, slots=True)
class _Wanted:
    folder: str
    mode: str
    data: MapiMessage
    item: str | None
    key: str | None


def _wanted(call: Call) -> _Wanted:
    try:
        body = json.loads(call.body)
    except ValueError:
        raise _refused("Unable to read JSON request payload.") from None
    if not isinstance(body, dict):
        raise _refused("Empty Payload. JSON content expected.")
    folder, mode, data = body.get("FolderId"), str(body.get("Mode", "")).lower(), body.get("Data")
    if not isinstance(folder, str) or not folder:
        raise _refused("The FolderId is missing.")
    if mode not in ("create", "update"):
        raise _refused("The Mode must be create or update.")
    item, key = body.get("ItemId"), body.get("ChangeKey")
    if mode == "create" and (item or key):
        raise _refused("ItemId and ChangeKey must not be given to create an item.")
    if mode == "update" and not (isinstance(item, str) and isinstance(key, str) and item and key):
        raise _refused("ItemId and ChangeKey must be given to update an item.")
    try:
        stream = base64.b64decode(str(data or ""), validate=True)
        return _Wanted(folder, mode, read_stream(stream), item, key)
    except (binascii.Error, FtsError) as error:
        raise GraphError(400, "ErrorCorruptData", f"The Data is not an exported item: {error}.") from None


def _folder(exchange: ExchangeMailbox, wanted: _Wanted) -> Folder:
    try:
        return exchange.folder(wanted.folder)
    except GraphError:
        raise GraphError(404, "ErrorItemNotFound", "The folder of FolderId was not found in the store.") from None


def _create(exchange: ExchangeMailbox, folder: Folder, wanted: _Wanted) -> Message:
    return put_item(exchange, folder, wanted.data)


def _update(exchange: ExchangeMailbox, folder: Folder, wanted: _Wanted) -> Message:
    message = exchange.item(wanted.item or "")
    if message.folder is not folder:
        raise _refused("The item of ItemId does not lie in the folder of FolderId.")
    if not reads_as(exchange, message, wanted.key or ""):
        raise GraphError(412, "ErrorIrresolvableConflict", "The ChangeKey does not match the current state of the item.")
    message.body = MapiBody(wanted.data)
    message.properties = message.attachments = message.extended = None
    flags = wanted.data.number(fts.MESSAGE_FLAGS)
    exchange.mailbox.set_read(message, bool(flags & fts.READ))
    message.flagged = wanted.data.number(fts.FLAG_STATUS) == fts.FLAGGED
    message.categories = _categories(wanted.data)
    received = wanted.data.properties.get(fts.RECEIVED)
    if isinstance(received, datetime.datetime):
        message.received = received
    exchange.mailbox.touch(message)
    return message


def _categories(mapi: MapiMessage) -> tuple[str, ...]:
    names = mapi.properties.get(fts.KEYWORDS)
    return tuple(str(name) for name in names) if isinstance(names, list) else ()


def _refused(text: str) -> GraphError:
    return GraphError(400, "ErrorInvalidRequest", text)
