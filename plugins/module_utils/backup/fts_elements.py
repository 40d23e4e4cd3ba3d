# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The property stream of an export: properties and markers, one after the other, as [MS-OXCFXICS] 2.2.4 has them.

Values that are not small are read only on demand, in pieces; what nobody reads is skipped. Lengths are never believed
further than the bytes that really come.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import codecs
import functools
import struct
import typing as t
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from .fts_frames import ByteSource

SMALL_VALUE = 64 << 10
"""Bytes up to which a value is in memory."""
_MOST_VALUES = 4096
_FIRST_NAMED = 0x8000
_CODE_PAGE = 0x8000
_UNICODE_PAGE = 1200
_MULTIPLE = 0x1000
_INT16, _INT32, _FLOAT, _DOUBLE, _CURRENCY, _APP_TIME, _ERROR, _BOOLEAN = 2, 3, 4, 5, 6, 7, 10, 11
_INT64, _TIME, _GUID = 0x14, 0x40, 0x48
STRING8, STRING, BINARY, OBJECT, SERVER_ID = 0x1E, 0x1F, 0x102, 0x0D, 0xFB
_FIXED = {
    _INT16: 2, _INT32: 4, _FLOAT: 4, _DOUBLE: 8, _CURRENCY: 8, _APP_TIME: 8, _ERROR: 4, _BOOLEAN: 2, _INT64: 8, _TIME: 8, _GUID: 16,
}  # fmt: skip
_VARIABLE = (STRING8, STRING, BINARY, OBJECT, SERVER_ID)
_NAME_LIMIT = 1024
_EPOCH = datetime(1601, 1, 1, tzinfo=timezone.utc)

#: Markers [MS-OXCFXICS] 2.2.4.1.4 that open and close the parts of one message.
NEW_ATTACHMENT, END_ATTACHMENT = 0x40000003, 0x400E0003
START_EMBEDDED, END_EMBEDDED = 0x40010003, 0x40020003
START_RECIPIENT, END_RECIPIENT = 0x40030003, 0x40040003
ERROR_INFO = 0x40180003
_OTHER_MARKERS = (0x40090003, 0x400A0003, 0x400B0003, 0x400C0003, 0x400D0003, 0x40100003)
MARKERS = frozenset(
    (NEW_ATTACHMENT, END_ATTACHMENT, START_EMBEDDED, END_EMBEDDED, START_RECIPIENT, END_RECIPIENT, ERROR_INFO, *_OTHER_MARKERS)
)
#: Properties of the transfer itself, not of the message: ids 0x4000 to 0x40FF.
_META = range(0x4000, 0x4100)


class UnknownElement(Exception):
    """A kind of value whose length cannot be known: what follows cannot be read."""


class Named(t.NamedTuple):
    """A property that has a name instead of a number: C(space) is the GUID of its set in lower case."""

    space: str
    name: str | int


Key = t.Union[int, Named]


@dataclass(slots=True)
class Value:
    """One property. C(raw) has the parts of a small value: one, or those of a list. A large one is None there and is read
    from C(pieces) before the next element is asked for."""

    key: Key
    kind: int
    page: int | None
    size: int
    raw: list[bytes] | None
    pieces: t.Iterator[bytes] = field(default_factory=lambda: iter(()))
    is_list: bool = False


def elements(source: ByteSource, is_stream: t.Callable[[Key], bool]) -> t.Iterator[int | Value]:
    """Markers as numbers, and properties. Those of C(is_stream) are given as pieces whatever their size.

    :raises StreamEnds, UnknownElement: the rest cannot be read.
    """
    while not source.is_at_end:
        kind, number = struct.unpack("<HH", source.take(4))
        if (number << 16 | kind) in MARKERS:
            yield number << 16 | kind
            continue
        key: Key = number if number < _FIRST_NAMED else _name(source)
        value = _value(source, key, kind, is_stream(key))
        if number not in _META:
            yield value
        _exhaust(value)


def decoded(value: Value, default_page: int = 1252) -> t.Any:
    """A small value as Python has it: int, float, bool, str, bytes, an aware datetime, UUID, or a list of them; None for one
    that makes no sense."""
    found = [_decoded(value.kind, raw, value.page or default_page) for raw in value.raw or ()]
    return found if value.is_list else (found[0] if found else None)


def decoded_text(raw: bytes, kind: int, page: int | None) -> str:
    """A string as the stream has it, without the zero at its end."""
    if kind == STRING or page == _UNICODE_PAGE:
        return raw.decode("utf-16-le", "replace").rstrip("\0")
    return raw.decode(codec_of(page or 0), "replace").rstrip("\0")


@functools.lru_cache(maxsize=64)
def codec_of(page: int) -> str:
    """The Python codec for a Windows code page; windows-1252 for one that is not known."""
    names = {65001: "utf-8", 20127: "ascii", 1200: "utf-16-le", 28591: "latin-1"}
    name = names.get(page) or (f"iso8859-{page - 28590}" if 28592 <= page <= 28606 else f"cp{page}")
    try:
        codecs.lookup(name)
    except LookupError:
        return "cp1252"
    return name


def _name(source: ByteSource) -> Named:
    space = str(uuid.UUID(bytes_le=source.take(16)))
    if source.take(1) == b"\0":
        return Named(space, int.from_bytes(source.take(4), "little"))
    name = bytearray()
    while (unit := source.take(2)) != b"\0\0":
        name += unit
        if len(name) > _NAME_LIMIT:
            raise UnknownElement("a property has a name without end")
    return Named(space, name.decode("utf-16-le", "replace"))


def _value(source: ByteSource, key: Key, kind: int, is_stream: bool) -> Value:
    page = None
    is_list = False
    if kind & _CODE_PAGE:
        page = kind & ~_CODE_PAGE
        is_list = page == _UNICODE_PAGE | _MULTIPLE
        page, kind = (_UNICODE_PAGE, STRING) if page in (_UNICODE_PAGE, _UNICODE_PAGE | _MULTIPLE) else (page, STRING8)
    elif kind & _MULTIPLE:
        is_list, kind = True, kind & ~_MULTIPLE
    if kind not in _FIXED and kind not in _VARIABLE:
        raise UnknownElement(f"a property of unknown type 0x{kind:04X} at byte {source.offset:,}")
    if is_list:
        return _list(source, key, kind, page)
    size = _FIXED.get(kind) or int.from_bytes(source.take(4), "little")
    if size > SMALL_VALUE or (is_stream and kind in _VARIABLE):
        return Value(key, kind, page, size, None, source.pieces(size))
    return Value(key, kind, page, size, [source.take(size)])


def _list(source: ByteSource, key: Key, kind: int, page: int | None) -> Value:
    count = int.from_bytes(source.take(4), "little")
    kept: list[bytes] = []
    total = 0
    for _number in range(count):
        size = _FIXED.get(kind) or int.from_bytes(source.take(4), "little")
        total += size
        if total <= SMALL_VALUE and len(kept) < _MOST_VALUES:
            kept.append(source.take(size))
        else:
            source.skip(size)
    return Value(key, kind, page, total, kept, is_list=True)


def _exhaust(value: Value) -> None:
    for _piece in value.pieces:
        pass


def _decoded(kind: int, raw: bytes, page: int) -> t.Any:
    if kind in (STRING, STRING8):
        return decoded_text(raw, kind, page)
    if kind == _BOOLEAN:
        return raw != b"\0\0"
    if kind in (_FLOAT, _DOUBLE):
        return struct.unpack("<f" if kind == _FLOAT else "<d", raw)[0]
    if kind == _GUID:
        return uuid.UUID(bytes_le=raw)
    if kind in _FIXED:
        number = int.from_bytes(raw, "little", signed=True)
        return _moment(number) if kind == _TIME else number
    return raw


def _moment(ticks: int) -> datetime | None:
    """Tenths of microseconds since 1601."""
    try:
        return _EPOCH + timedelta(microseconds=ticks // 10)
    except OverflowError:
        return None
