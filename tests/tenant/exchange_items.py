# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Items as the import/export API gives them (facts 8.4): eight properties, and extended ones when they are asked for."""

from __future__ import annotations

import base64
import datetime
import hashlib
import re
import typing as t

from . import fts
from .bodies import GeneratedBody
from .fts_format import BINARY, BOOLEAN, DOUBLE, GUID, INT16, INT32, INT64, STRING, TIME, Named
from .fts_mail import MapiBody, head_properties, mail_to_mapi
from .message_view import PROPERTIES, View, stamp

if t.TYPE_CHECKING:
    from .exchange_mailboxes import ExchangeMailbox
    from .fts import MapiMessage
    from .fts_format import Key, Properties
    from .mail_items import Message

_TYPES = {
    "string": STRING,
    "integer": INT32,
    "boolean": BOOLEAN,
    "binary": BINARY,
    "systemtime": TIME,
    "long": INT64,
    "short": INT16,
    "double": DOUBLE,
    "clsid": GUID,
}
_NUMBERED = re.compile(r"^\s*(\w+)\s+0x0*([0-9a-fA-F]+)\s*$")
_NAMED = re.compile(r"^\s*(\w+)\s+\{([0-9a-fA-F-]{36})\}\s+(?:Id\s+0x0*([0-9a-fA-F]+)|Name\s+(.+?))\s*$", re.IGNORECASE)
_WANTED = re.compile(r"id\s+eq\s+'([^']*)'")
_IN_CONTENT = frozenset({fts.BODY, fts.HTML, fts.CODE_PAGE})
_MICROSECOND = datetime.timedelta(microseconds=1)


def item_json(exchange: ExchangeMailbox, message: Message, select: tuple[str, ...] | None, size_share: float) -> dict[str, t.Any]:
    """A mailboxItem; C(size_share) is which part of its size the store admits (facts 8.5: it is no guide)."""
    key = change_key(exchange, message)
    full = {
        "createdDateTime": stamp(message.created),
        "lastModifiedDateTime": stamp(message.modified),
        "changeKey": key,
        "categories": list(message.categories),
        "type": item_class(message),
        "size": int(store_size(message) * size_share),
    }
    kept = full if select is None else {name: full[name] for name in select if name in full}
    return {"@odata.type": "#microsoft.graph.mailboxItem", "@odata.etag": f'W/"{key}"', "id": exchange.item_id(message), **kept}


def change_key(exchange: ExchangeMailbox, message: Message) -> str:
    """The long form of a change key, as in lists."""
    return base64.b64encode(b"\x09\0\0\0\x16\0\0\0" + _change(exchange, message)).decode()


def short_change_key(exchange: ExchangeMailbox, message: Message) -> str:
    """The form in which an import answers."""
    return base64.b64encode(_change(exchange, message)).decode()


def reads_as(exchange: ExchangeMailbox, message: Message, key: str) -> bool:
    """Whether a change key, in either form, is that of the item as it is."""
    try:
        return base64.b64decode(key, validate=True).endswith(_change(exchange, message))
    except ValueError:
        return False


def exact_modified(message: Message) -> datetime.datetime:
    """When an item changed, to the microsecond: what filters compare with. Answers show seconds only (facts 8.4)."""
    return message.modified + _MICROSECOND * (1 + message.changed % 999_999)


def item_class(message: Message) -> str:
    return message.body.mapi.text(fts.MESSAGE_CLASS) if isinstance(message.body, MapiBody) else "IPM.Note"


def store_size(message: Message) -> int:
    """About the bytes that an item takes; nothing is generated to find out."""
    if isinstance(message.body, GeneratedBody):
        return message.body.expected_size
    return message.body.size or 0


def search_key(exchange: ExchangeMailbox, message: Message) -> bytes:
    """PidTagSearchKey: what stays of an item through export and import."""
    if isinstance(message.body, MapiBody) and isinstance(message.body.mapi.properties.get(fts.SEARCH_KEY), bytes):
        return bytes(message.body.mapi.properties[fts.SEARCH_KEY])
    return hashlib.md5(f"{exchange.store_guid}/{message.number}".encode(), usedforsecurity=False).digest()


def item_mapi(exchange: ExchangeMailbox, message: Message) -> MapiMessage:
    """All properties of an item, with its state in the store."""
    if isinstance(message.body, MapiBody):
        whole = fts.MapiMessage(dict(message.body.mapi.properties), message.body.mapi.recipients, message.body.mapi.attachments)
    else:
        whole = mail_to_mapi(message)
    _overlay(whole.properties, exchange, message)
    return whole


def item_head(exchange: ExchangeMailbox, message: Message) -> Properties:
    """The properties of an item that need no reading of its content."""
    found = dict(head_properties(message.body))
    _overlay(found, exchange, message)
    return found


def expanded_properties(exchange: ExchangeMailbox, message: Message, expand: str) -> list[dict[str, t.Any]]:
    """The values of C($expand=singleValueExtendedProperties($filter=id eq '...' or ...)), under normalised ids (facts 14.43)."""
    found: Properties | None = None
    values = []
    for text in dict.fromkeys(_WANTED.findall(expand)):
        key = property_key(text)
        if found is None or (key in _IN_CONTENT and key not in found):
            found = item_mapi(exchange, message).properties if key in _IN_CONTENT else item_head(exchange, message)
        if key is not None and key in found:
            values.append({"id": normal_id(text), "value": _written(found[key])})
    return values


def property_key(text: str) -> Key | None:
    """The property behind an id like C(String 0x0037) or C(String {guid} Name x); None for text that is no id."""
    match = _NUMBERED.match(text)
    if match is not None and match[1].lower() in _TYPES:
        return int(match[2], 16) << 16 | _TYPES[match[1].lower()]
    match = _NAMED.match(text)
    if match is not None and match[1].lower() in _TYPES:
        return Named(match[2].lower(), int(match[3], 16) if match[3] else match[4], _TYPES[match[1].lower()])
    return None


def normal_id(text: str) -> str:
    """C(Boolean 0x10F4) as C(Boolean 0x10f4), C(String 0x0037) as C(String 0x37)."""
    match = _NUMBERED.match(text)
    if match is not None:
        return f"{match[1]} 0x{match[2].lower()}"
    match = _NAMED.match(text)
    if match is not None:
        return f"{match[1]} {{{match[2].lower()}}} " + (f"Id 0x{match[3].lower()}" if match[3] else f"Name {match[4]}")
    return text


def _overlay(found: Properties, exchange: ExchangeMailbox, message: Message) -> None:
    """Writes what the store knows better than the message."""
    is_mail = not isinstance(message.body, MapiBody)
    if message.properties is not None and "subject" in message.properties:
        found[fts.SUBJECT] = str(PROPERTIES["subject"](message, View(exchange.mailbox, True, None)) or "")
    if is_mail or fts.RECEIVED in found:
        found[fts.RECEIVED] = message.received
    attached = fts.HAS_ATTACH if found.get(fts.HAS_ATTACHMENTS) else 0
    found[fts.MESSAGE_FLAGS] = (fts.READ if message.is_read else 0) | (fts.UNSENT if message.is_draft else 0) | attached
    found.pop(fts.FLAG_STATUS, None)
    if message.flagged:
        found[fts.FLAG_STATUS] = fts.FLAGGED
    found.pop(fts.KEYWORDS, None)
    if message.categories:
        found[fts.KEYWORDS] = list(message.categories)
    found[fts.SEARCH_KEY] = search_key(exchange, message)
    found[fts.CREATED] = message.created
    found[fts.MODIFIED] = exact_modified(message)


def _written(value: t.Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return stamp(value) if isinstance(value, datetime.datetime) else str(value)


def _change(exchange: ExchangeMailbox, message: Message) -> bytes:
    return exchange.store_bytes + message.changed.to_bytes(6, "big")
