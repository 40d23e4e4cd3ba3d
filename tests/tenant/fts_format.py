# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pieces of Exchange's export stream: the record framing (facts 8.7, as decoded from Microsoft's sample) and the FastTransfer
property encoding of [MS-OXCFXICS] 2.2.4. What a message is made of is in L(fts)."""

from __future__ import annotations

import datetime
import struct
import typing as t
import uuid

CONFIG = 1
TRANSFER_BUFFER = 2
IS_INTERFACE_OK = 3
TELL_PARTNER_VERSION = 4
BUFFER_SIZE = 31_680
PARTNER_VERSION = bytes.fromhex("140fd6918617")  # 15.20, as in Microsoft's sample
SMALLEST_VERSION = 0x0E00

START_EMBED, END_EMBED = 0x40010003, 0x40020003
START_RECIPIENT, END_RECIPIENT = 0x40030003, 0x40040003
NEW_ATTACHMENT, END_ATTACHMENT = 0x40000003, 0x400E0003
ERROR_INFO = 0x40180003
DELETED_PROPERTIES = 0x40160003  # PidTagFXDelProp: followed by a tag
MARKERS = frozenset({START_EMBED, END_EMBED, START_RECIPIENT, END_RECIPIENT, NEW_ATTACHMENT, END_ATTACHMENT, ERROR_INFO})

INT16, INT32, DOUBLE, BOOLEAN, OBJECT, INT64, STRING8, STRING, TIME, GUID, BINARY = (
    0x0002, 0x0003, 0x0005, 0x000B, 0x000D, 0x0014, 0x001E, 0x001F, 0x0040, 0x0048, 0x0102,
)  # fmt: skip
MULTIPLE = 0x1000
_CODE_PAGE = 0x8000
_UNICODE_PAGE = 0x84B0  # a string in code page 1200, which is how Exchange writes Unicode
_FIXED: dict[int, str] = {
    0x0002: "<h",
    0x0003: "<i",
    0x0004: "<f",
    0x0005: "<d",
    0x0006: "<q",
    0x0007: "<d",
    0x000A: "<I",
    0x000B: "<H",
    0x0014: "<q",
}
_FIRST_NAMED = 0x8000
_EPOCH = datetime.datetime(1601, 1, 1, tzinfo=datetime.timezone.utc)
_LATEST = (datetime.datetime.max.replace(tzinfo=datetime.timezone.utc) - _EPOCH) // datetime.timedelta(microseconds=1)
_RECORD = struct.Struct("<II")
_INTERFACE = struct.pack("<I16sI", 1, uuid.UUID("00020307-0000-0000-c000-000000000046").bytes_le, 0x80002400)
_CONFIGURATION = struct.pack("<II", 0, 1)


class FtsError(ValueError):
    """Bytes that are no export stream, and why."""


class Named(t.NamedTuple):
    """A property with a name instead of a number: a set of names, a name or a number in it, and the type."""

    space: str
    name: str | int
    type: int


Key = int | Named  # a number with its type: 0x0037001F
Properties = dict[Key, t.Any]


def frame(properties: bytes) -> bytes:
    """A whole export stream around a property stream."""
    records = [(CONFIG, _CONFIGURATION), (IS_INTERFACE_OK, _INTERFACE), (TELL_PARTNER_VERSION, PARTNER_VERSION)]
    records += [(TRANSFER_BUFFER, properties[start : start + BUFFER_SIZE]) for start in range(0, len(properties), BUFFER_SIZE)]
    return b"".join([piece for opcode, payload in records for piece in (_RECORD.pack(opcode, len(payload)), payload)])


def unframe(stream: bytes) -> bytes:
    """The property stream inside an export stream. Raises FtsError."""
    buffers = []
    version = None
    at = 0
    while at < len(stream):
        if at + _RECORD.size > len(stream):
            raise FtsError("the stream ends inside the head of a record")
        opcode, length = _RECORD.unpack_from(stream, at)
        at += _RECORD.size
        if at + length > len(stream):
            raise FtsError("the stream ends inside a record")
        if opcode == TRANSFER_BUFFER:
            buffers.append(stream[at : at + length])
        elif opcode == TELL_PARTNER_VERSION and length >= 2:
            version = int.from_bytes(stream[at : at + 2], "little")
        elif opcode not in (CONFIG, IS_INTERFACE_OK):
            raise FtsError(f"unknown record {opcode}")
        at += length
    if version is None or version < SMALLEST_VERSION:
        raise FtsError("the stream does not say which server version wrote it")
    return b"".join(buffers)


class Writer:
    """Builds a property stream; named properties get their numbers in order of appearance."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._names: dict[tuple[str, str | int], int] = {}

    def marker(self, marker: int) -> None:
        self._pieces.append(marker.to_bytes(4, "little"))

    def properties(self, properties: Properties) -> None:
        for key, value in properties.items():
            self._property(key, value)

    def content(self) -> bytes:
        return b"".join(self._pieces)

    def _property(self, key: Key, value: t.Any) -> None:
        kind = key.type if isinstance(key, Named) else key & 0xFFFF
        written = _UNICODE_PAGE if kind == STRING else kind
        if isinstance(key, Named):
            number = self._names.setdefault((key.space, key.name), _FIRST_NAMED + len(self._names))
            space = uuid.UUID(key.space).bytes_le
            name = b"\x01" + _text(key.name) if isinstance(key.name, str) else b"\x00" + key.name.to_bytes(4, "little")
            self._pieces += [struct.pack("<HH", written, number), space, name]
        else:
            self._pieces.append(struct.pack("<HH", written, key >> 16))
        self._pieces += _value(kind, value)


class Reader:
    """Walks through a property stream. All methods raise FtsError where the bytes make no sense."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def peek_marker(self) -> int | None:
        """The marker that comes next; None when a property does, or nothing."""
        if self._at + 4 > len(self._content):
            return None
        value = int.from_bytes(self._content[self._at : self._at + 4], "little")
        return value if value in MARKERS else None

    @property
    def at_end(self) -> bool:
        return self._at >= len(self._content)

    def skip_marker(self) -> None:
        self._at += 4

    def properties(self) -> Properties:
        """All properties up to the next marker or the end."""
        found: Properties = {}
        while not self.at_end and self.peek_marker() is None:
            kind, number = self._unpack("<HH")
            if number << 16 | kind == DELETED_PROPERTIES:
                self._take(4)
                continue
            key, value = self._property(kind, number)
            found[key] = value
        return found

    def _property(self, kind: int, number: int) -> tuple[Key, t.Any]:
        space, name = None, None
        if number >= _FIRST_NAMED:
            space = str(uuid.UUID(bytes_le=self._take(16)))
            name = self._name() if self._take(1) == b"\x01" else self._unpack("<I")[0]
        page = kind & ~_CODE_PAGE if kind & _CODE_PAGE else None
        plain = STRING if page is not None else kind
        value = self._single_or_many(plain, page)
        if plain == STRING8:
            plain = STRING
        if space is not None and name is not None:
            return Named(space, name, plain), value
        return number << 16 | plain, value

    def _single_or_many(self, kind: int, page: int | None) -> t.Any:
        if kind & MULTIPLE:
            count = self._unpack("<I")[0]
            return [self._single(kind & ~MULTIPLE, None) for _unused in range(count)]
        return self._single(kind, page)

    def _single(self, kind: int, page: int | None) -> t.Any:
        if kind == TIME:
            ticks = self._unpack("<q")[0]
            return _EPOCH + datetime.timedelta(microseconds=min(max(ticks // 10, 0), _LATEST))
        if kind == GUID:
            return uuid.UUID(bytes_le=self._take(16))
        if kind in _FIXED:
            value = self._unpack(_FIXED[kind])[0]
            return bool(value) if kind == BOOLEAN else value
        if kind not in (STRING, STRING8, BINARY, OBJECT, 0x00FB):
            raise FtsError(f"unknown property type 0x{kind:04X} before byte {self._at}")
        raw = self._take(self._unpack("<I")[0])
        if kind == STRING and page in (None, 1200):
            return raw.decode("utf-16-le", "replace").rstrip("\0")
        if kind in (STRING, STRING8):
            return _decode_page(raw, page)
        return raw

    def _name(self) -> str:
        end = self._at
        while self._content[end : end + 2] not in (b"\0\0", b""):
            end += 2
        name = self._take(end - self._at).decode("utf-16-le", "replace")
        self._take(2)
        return name

    def _unpack(self, pattern: str) -> tuple[t.Any, ...]:
        return struct.unpack(pattern, self._take(struct.calcsize(pattern)))

    def _take(self, length: int) -> bytes:
        if self._at + length > len(self._content):
            raise FtsError(f"the stream ends {self._at + length - len(self._content)} bytes too early")
        self._at += length
        return self._content[self._at - length : self._at]


def _value(kind: int, value: t.Any) -> list[bytes]:
    if kind & MULTIPLE:
        pieces = [len(value).to_bytes(4, "little")]
        for one in value:
            pieces += _value(kind & ~MULTIPLE, one)
        return pieces
    if kind == STRING:
        text = _text(value)
        return [len(text).to_bytes(4, "little"), text]
    if kind in (BINARY, OBJECT):
        return [len(value).to_bytes(4, "little"), value]
    if kind == TIME:
        return [struct.pack("<q", (value - _EPOCH) // datetime.timedelta(microseconds=1) * 10)]
    if kind == GUID:
        return [value.bytes_le]
    return [struct.pack(_FIXED[kind], value)]


def _text(text: t.Any) -> bytes:
    return str(text).encode("utf-16-le", "replace") + b"\0\0"


def _decode_page(raw: bytes, page: int | None) -> str:
    try:
        return raw.decode("utf-8" if page == 65001 else f"cp{page or 1252}", "replace").rstrip("\0")
    except LookupError:
        return raw.decode("latin-1").rstrip("\0")
