# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept of a message beside its MIME, and when its MIME has to be read again. Pure functions.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import hashlib
import typing as t
from datetime import datetime, timezone
from enum import Enum

from .catalogue import Record
from .item_fields import address, addresses, parse_time, without_empty
from .layout import message_path

#: What a delta asks for. isRead must be named, or a change of it is not reported (graph-mailbox facts, section 2).
SELECT: tuple[str, ...] = (
    "id",
    "changeKey",
    "subject",
    "from",
    "toRecipients",
    "ccRecipients",
    "bccRecipients",
    "receivedDateTime",
    "sentDateTime",
    "createdDateTime",
    "isRead",
    "isDraft",
    "flag",
    "categories",
    "importance",
    "hasAttachments",
    "bodyPreview",
    "inferenceClassification",
    "internetMessageId",
    "parentFolderId",
)

#: What a list asks for where larger pages fail: enough to see which messages have to be asked for one by one.
THIN_SELECT: tuple[str, ...] = ("id", "changeKey", "isRead", "parentFolderId")

_STATE_KEYS = ("read", "flag", "follow_up", "categories", "importance", "inference")
_CONTENT_KEYS = ("subject", "from", "to", "cc", "bcc", "sent", "draft", "attachments", "preview")


class Need(Enum):
    """What an entry of a delta asks of us."""

    NOTHING = "nothing"
    RECORD = "record"
    BODY = "body"


def is_whole(fields: t.Mapping[str, t.Any]) -> bool:
    """Whether an entry carries enough to describe a message that we have not seen; a delta may name a few fields only."""
    return bool(fields.get("changeKey")) and bool(fields.get("receivedDateTime") or fields.get("createdDateTime"))


def updated(record: Record | None, fields: t.Mapping[str, t.Any], folder: int) -> Record:
    """The record after a delta entry. Only the fields that the entry carries change.

    C(file) (the path inside the folder) and C(size) are the reader's business: it sets them when the MIME is stored.
    """
    new: Record = dict(record or {})
    new["id"] = fields.get("id") or new["id"]
    new["folder"] = folder
    for key, name, convert in _FIELDS:
        if name in fields:
            new[key] = convert(fields[name])
    for date in ("receivedDateTime", "createdDateTime"):
        if fields.get(date) and (date == "receivedDateTime" or "received" not in new):
            new["received"] = fields[date]
    return without_empty(new)


def need(old: Record | None, new: Record) -> Need:
    """Decide what a changed entry costs.

    Graph does not say whether it was the content of a message that changed or only its state (read, flag, categories),
    and the change key moves with both. So: visible content differs, or the change key moved and nothing visible did:
    read the MIME. Only state or folder differs: keep it as metadata. A draft is read whenever its key moves.
    """
    if old is None:
        return Need.BODY
    if any(old.get(key) != new.get(key) for key in _CONTENT_KEYS):
        return Need.BODY
    is_key_moved = old.get("key") != new.get("key")
    if is_key_moved and new.get("draft"):
        return Need.BODY
    is_state_changed = any(old.get(key) != new.get(key) for key in _STATE_KEYS)
    if is_state_changed or old["folder"] != new["folder"]:
        return Need.RECORD
    return Need.BODY if is_key_moved else Need.NOTHING


def file_of(record: Record) -> str:
    """Where the MIME lies inside its folder: year/month/day/file."""
    return "/".join(message_path(record["id"], received(record)))


def received(record: Record) -> datetime:
    """When the message came in; the epoch where Graph does not say."""
    return parse_time(record.get("received")) or datetime.fromtimestamp(0, timezone.utc)


def _text(value: t.Any) -> str:
    return str(value or "")


def _truth(value: t.Any) -> bool:
    # Graph's own sample shows a boolean as a string (graph-mailbox facts, section 2).
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _flag(value: t.Any) -> str:
    status = (value or {}).get("flagStatus") or ""
    return "" if status == "notFlagged" else str(status)


def _follow_up(value: t.Any) -> dict[str, str] | None:
    """Start, due and completion of a flag, in UTC where the mailbox says so, else with the name of its time zone."""
    found = {}
    for key, name in (("start", "startDateTime"), ("due", "dueDateTime"), ("completed", "completedDateTime")):
        moment = (value or {}).get(name) or {}
        if moment.get("dateTime"):
            zone = str(moment.get("timeZone") or "UTC")
            found[key] = str(moment["dateTime"]) + ("Z" if zone == "UTC" else f" {zone}")
    return found or None


def _inference(value: t.Any) -> str:
    return "" if value in (None, "focused") else str(value)


def _kind(value: t.Any) -> str:
    name = str(value or "").rpartition(".")[2]
    return "" if name == "message" else name


def _importance(value: t.Any) -> str:
    return "" if value in (None, "normal") else str(value)


def _preview(value: t.Any) -> str:
    return hashlib.sha256(str(value or "").encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _list(value: t.Any) -> list[str]:
    return sorted(value or ())


_FIELDS: tuple[tuple[str, str, t.Callable[[t.Any], t.Any]], ...] = (
    ("key", "changeKey", _text),
    ("subject", "subject", _text),
    ("from", "from", address),
    ("to", "toRecipients", addresses),
    ("cc", "ccRecipients", addresses),
    ("bcc", "bccRecipients", addresses),
    ("sent", "sentDateTime", _text),
    ("draft", "isDraft", _truth),
    ("attachments", "hasAttachments", _truth),
    ("preview", "bodyPreview", _preview),
    ("read", "isRead", _truth),
    ("flag", "flag", _flag),
    ("follow_up", "flag", _follow_up),
    ("categories", "categories", _list),
    ("importance", "importance", _importance),
    ("inference", "inferenceClassification", _inference),
    ("mid", "internetMessageId", _text),
    ("kind", "@odata.type", _kind),
)
