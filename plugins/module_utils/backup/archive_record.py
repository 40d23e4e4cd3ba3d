# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept of an archived item beside its export stream, and when it has to be exported again. Pure functions.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone
from enum import Enum

from .catalogue import Record
from .item_fields import parse_time, without_empty
from .layout import message_path

SUFFIX = ".fts"
_LISTED = (
    ("key", "changeKey"),
    ("modified", "lastModifiedDateTime"),
    ("created", "createdDateTime"),
    ("class", "type"),
    ("reported", "size"),
    ("categories", "categories"),
)
_OF_LISTS = ("id", "folder", *(key for key, _name in _LISTED))


class Need(Enum):
    """What a listed item asks of us."""

    NOTHING = "nothing"
    RECORD = "record"
    EXPORT = "export"


def listed_record(fields: t.Mapping[str, t.Any], folder: int) -> Record:
    """The record of an item as a list names it; C(reported) is its size inside the mailbox."""
    record = {"id": fields["id"], "folder": folder, **{key: fields.get(name) for key, name in _LISTED}}
    if not isinstance(record["reported"], int):
        record["reported"] = None
    if not isinstance(record["categories"], list):
        record["categories"] = None
    return without_empty(record)


def need(old: Record | None, new: Record) -> Need:
    """A change key that moved, or a later modification where there is none, is a new export; another folder is not."""
    if old is None or old.get("key") != new.get("key"):
        return Need.EXPORT
    if "key" not in new and old.get("modified") != new.get("modified"):
        return Need.EXPORT
    return Need.NOTHING if old["folder"] == new["folder"] else Need.RECORD


def moved_record(old: Record, new: Record) -> Record:
    """What we have of an item, in its new folder."""
    return {**old, "folder": new["folder"]}


def exported_record(listed: Record, parsed: Record, size: int) -> Record:
    """The record of an item whose export stream was read: what a list says wins over what the stream says."""
    record = {**parsed, **{key: listed[key] for key in _OF_LISTS if key in listed}, "size": size}
    record["file"] = file_of(record)
    return record


def when(record: Record) -> datetime:
    """The time that an item is filed under: when it came in, or was made; the epoch where nothing says."""
    for key in ("received", "created", "modified"):
        moment = parse_time(record.get(key))
        if moment is not None:
            return moment
    return datetime.fromtimestamp(0, timezone.utc)


def file_of(record: Record) -> str:
    """Where the stream lies inside its folder: year/month/day/file."""
    *days, name = message_path(record["id"], when(record))
    return "/".join((*days, name.rpartition(".")[0] + SUFFIX))


def title_of(record: Record) -> str:
    """How findings call an item."""
    subject = record.get("subject")
    return f"archived item {subject or record['id']}" + ("" if subject else f" ({record.get('class', 'of unknown class')})")
