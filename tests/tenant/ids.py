# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exchange item and folder ids: opaque for clients, decodable for the tenant.

Nothing is looked up in a table: an id carries its mailbox, its item number and (REST form only) the place where the item
lies, so 100,000 messages cost no memory for ids, and a REST id dies by itself when its message moves.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
import typing as t
import uuid

_REST_HEAD = b"\x00\x03\x24\x00"
_REST_MIDDLE = b"\x00\x46\x00\x00\x00\x00\x00"
_ITEM_MARK = b"\x07\x00"
_FOLDER_MARK = b"\x01\x00"
_ATTACHMENT_MARK = b"\x12\x10"
_IMMUTABLE_HEAD = bytes.fromhex("0009002e00000000001d840311aa6611cd9bc800aa002fc45a0d00")
_REST_TAIL = struct.Struct(">IQQ")
_ONE_NUMBER = struct.Struct(">Q")
_ATTACHMENT_TAIL = struct.Struct(">QI")
_DAY = struct.Struct(">I")


class RestId(t.NamedTuple):
    """Where a REST id says that its message lies."""

    folder: int
    arrived: int
    message: int


class ItemPlace(t.NamedTuple):
    """What the id of any item says: the item, where the REST form says that it lies, and of a series the day of an occurrence."""

    number: int
    rest: RestId | None
    day: int | None


class ItemIds:
    """Encodes and decodes the ids of one mailbox."""

    def __init__(self, mailbox_guid: str) -> None:
        place = hashlib.md5(mailbox_guid.encode(), usedforsecurity=False).digest()
        head = _REST_HEAD + mailbox_guid.encode() + _REST_MIDDLE + place
        self._rest = head + _ITEM_MARK
        self._folder = head + _FOLDER_MARK
        self._attachment = head + _ATTACHMENT_MARK
        self._immutable = _IMMUTABLE_HEAD + place

    def rest(self, folder: int, arrived: int, message: int) -> str:
        """The default id: names the folder and the arrival there, so it changes with each move."""
        return _encode(self._rest + _REST_TAIL.pack(folder, arrived, message))

    def immutable(self, message: int) -> str:
        """The id under C(Prefer: IdType="ImmutableId"): stable across moves."""
        return _encode(self._immutable + _ONE_NUMBER.pack(message))

    def occurrence(self, series: str, day: int) -> str:
        """The id of an occurrence: that of its series, in either form, and its day."""
        return _encode((_decode(series) or b"") + _DAY.pack(day))

    def read_item(self, text: str) -> ItemPlace | None:
        """What the id of an item or of an occurrence says; None for an id of nothing in this mailbox."""
        place = self.read_message(text)
        day = None
        if place is None:
            raw = _decode(text)
            if raw is None or len(raw) <= _DAY.size:
                return None
            place = self.read_message(_encode(raw[: len(raw) - _DAY.size]))
            day = int(_DAY.unpack(raw[len(raw) - _DAY.size :])[0])
        if place is None:
            return None
        return ItemPlace(place.message, place, day) if isinstance(place, RestId) else ItemPlace(place, None, day)

    def folder(self, number: int) -> str:
        return _encode(self._folder + _ONE_NUMBER.pack(number))

    def attachment(self, message: int, number: int) -> str:
        return _encode(self._attachment + _ATTACHMENT_TAIL.pack(message, number))

    def read_message(self, text: str) -> RestId | int | None:
        """The place (REST form), the message number (immutable form), or None for an id of nothing in this mailbox."""
        raw = _decode(text)
        if raw is None:
            return None
        if raw.startswith(self._rest) and len(raw) == len(self._rest) + _REST_TAIL.size:
            return RestId(*_REST_TAIL.unpack_from(raw, len(self._rest)))
        if raw.startswith(self._immutable) and len(raw) == len(self._immutable) + _ONE_NUMBER.size:
            return int(_ONE_NUMBER.unpack_from(raw, len(self._immutable))[0])
        return None

    def read_folder(self, text: str) -> int | None:
        raw = _decode(text)
        if raw is None or not raw.startswith(self._folder) or len(raw) != len(self._folder) + _ONE_NUMBER.size:
            return None
        return int(_ONE_NUMBER.unpack_from(raw, len(self._folder))[0])

    def read_attachment(self, text: str) -> tuple[int, int] | None:
        """(message number, attachment number), or None."""
        raw = _decode(text)
        if raw is None or not raw.startswith(self._attachment) or len(raw) != len(self._attachment) + _ATTACHMENT_TAIL.size:
            return None
        message, number = _ATTACHMENT_TAIL.unpack_from(raw, len(self._attachment))
        return message, number


def stable_guid(*parts: object) -> str:
    """A GUID that is the same in every run for the same parts."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "tenant:" + ":".join(str(part) for part in parts)))


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw, b"_-").decode("ascii")


def _decode(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.encode("ascii"), b"_-", validate=True)
    except (binascii.Error, UnicodeEncodeError, ValueError):
        return None
