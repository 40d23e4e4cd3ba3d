# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A zip file of any number of entries written in one pass, with the list of its entries out of memory.

The format is PKWARE's APPNOTE.TXT 6.3.10; the extra field 0x5455 with times in UTC is Info-ZIP's. Python's own zipfile
keeps an object for every entry, which a mailbox has too many of. With a password, contents are encrypted, names are not.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import hashlib
import struct
import tempfile
import time
import typing as t
import zlib
from pathlib import Path

from . import zip_cipher

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END_64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_TIME = struct.Struct("<2HBi")

#: Data descriptor behind the data, names in UTF-8.
_FLAGS = 0x0808
_ENCRYPTED = 0x0001
_DEFLATED = 8
_UNIX_FILE = 0o100600 << 16
#: Also what MS-DOS calls a folder.
_UNIX_FOLDER = 0o040700 << 16 | 0x10
_LEVEL = 1
_IN_MEMORY = 4 << 20
_MOST_16, _MOST_32 = 0xFFFF, 0xFFFFFFFF


class _Form(t.NamedTuple):
    """How the data of an entry are written, as its headers say it. C(version) is what a reader has to know at least."""

    method: int
    flags: int
    extra: bytes
    version: int


_PLAIN = _Form(_DEFLATED, _FLAGS, b"", 20)
_SEALED = _Form(zip_cipher.METHOD, _FLAGS | _ENCRYPTED, zip_cipher.extra_field(_DEFLATED), zip_cipher.VERSION)


class Output(t.Protocol):
    """What a zip is written into."""

    def write(self, data: bytes, /) -> int: ...

    def truncate(self, size: int, /) -> object: ...


class ZipStream:
    """Writes entries and, with C(close), their directory. C(folder) is where a long directory waits.

    C(password) encrypts what is added. C(is_large_from) is the size that takes 64 bits to tell.
    """

    def __init__(self, output: Output, folder: Path, *, password: str | None = None, is_large_from: int = _MOST_32 - (1 << 20)) -> None:
        self._output = output
        self._password = None if password is None else password.encode()
        self._is_large_from = is_large_from
        self._digest = hashlib.sha256()
        self._offset = 0
        self._count = 0
        self._directory = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY, dir=str(folder))

    def add(self, name: str, modified: float, size: int, content: t.Iterable[bytes]) -> int:
        """Add an entry of about C(size) bytes; the number of its bytes.

        When the content raises something, the zip is as if the entry had never been begun.
        """
        start, digest = self._offset, self._digest.copy()
        try:
            return self._add(name.encode("utf-8", "replace"), modified, size >= self._is_large_from, content)
        except BaseException:
            self._output.truncate(start)
            self._offset, self._digest = start, digest
            raise

    def add_folder(self, name: str, modified: float) -> None:
        """Add an entry for a folder, which may be empty otherwise."""
        self._add(f"{name}/".encode("utf-8", "replace"), modified, False, (), _UNIX_FOLDER)

    def close(self, comment: t.Callable[[str], bytes]) -> None:
        """Write the directory. The comment is made of the SHA-256 of everything before the end record, in hexadecimal."""
        start = self._offset
        self._directory.seek(0)
        while chunk := self._directory.read(1 << 20):
            self._write(chunk)
        self._directory.close()
        size, end = self._offset - start, self._offset
        if self._count >= _MOST_16 or max(size, start) >= self._is_large_from:
            counts = (self._count, self._count)
            self._write(_END_64.pack(b"PK\x06\x06", 44, _made_by(45), 45, 0, 0, *counts, size, start))
            self._write(_LOCATOR.pack(b"PK\x06\x07", 0, end, 1))
            # What is to be looked up in the long record has all bits set.
            size, start = _MOST_32, _MOST_32
        count = min(self._count, _MOST_16)
        text = comment(self._digest.hexdigest())
        self._write(_END.pack(b"PK\x05\x06", 0, 0, count, count, size, start, len(text)) + text)

    def _add(self, name: bytes, modified: float, is_large: bool, content: t.Iterable[bytes], attributes: int = _UNIX_FILE) -> int:
        start = self._offset
        clock, day = _dos_time(modified)
        stamp = _TIME.pack(0x5455, 5, 1, int(modified)) if 0 <= modified < 1 << 31 else b""
        form = _PLAIN if self._password is None or attributes == _UNIX_FOLDER else _SEALED
        version, long_sizes, unknown = (45, struct.pack("<2H2Q", 1, 16, 0, 0), _MOST_32) if is_large else (20, b"", 0)
        extra = long_sizes + form.extra + stamp
        fields = (max(version, form.version), form.flags, form.method, clock, day, 0, unknown, unknown)
        self._write(_LOCAL.pack(b"PK\x03\x04", *fields, len(name), len(extra)) + name + extra)
        data_start = self._offset
        check, plain = self._write_content(content, None if form is _PLAIN else self._password)
        packed = self._offset - data_start
        self._write(struct.pack("<4sI2Q" if is_large else "<4s3I", b"PK\x07\x08", check, packed, plain))
        self._list(name, form, stamp, (clock, day), check, (packed, plain, start), attributes)
        return plain

    def _write_content(self, content: t.Iterable[bytes], password: bytes | None) -> tuple[int, int]:
        """The checksum that stands in the headers, and the size of the content."""
        cipher = None if password is None else zip_cipher.EntryCipher(password)
        check = plain = 0
        packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)

        def write(packed: bytes) -> None:
            self._write(packed if cipher is None else cipher.seal(packed))

        if cipher is not None:
            self._write(cipher.begin())
        for chunk in content:
            check = zlib.crc32(chunk, check)
            plain += len(chunk)
            write(packer.compress(chunk))
        write(packer.flush())
        if cipher is not None:
            self._write(cipher.end())
            # A checksum of what is secret would tell of it.
            check = 0
        return check, plain

    def _list(
        self,
        name: bytes,
        form: _Form,
        stamp: bytes,
        moment: tuple[int, int],
        check: int,
        numbers: tuple[int, int, int],
        attributes: int,
    ) -> None:
        """Put an entry into the directory. Numbers that are too large stand in an extra field, in this order."""
        packed, plain, start = numbers
        long = b"".join(struct.pack("<Q", number) for number in (plain, packed, start) if number >= self._is_large_from)
        extra = (struct.pack("<2H", 1, len(long)) + long if long else b"") + form.extra + stamp
        short = [_MOST_32 if number >= self._is_large_from else number for number in (packed, plain, start)]
        version = max(45 if long else 20, form.version)
        sizes = (*short[:2], len(name), len(extra), 0)
        fields = (_made_by(version), version, form.flags, form.method, *moment, check, *sizes, 0, 0, attributes, short[2])
        self._directory.write(_CENTRAL.pack(b"PK\x01\x02", *fields) + name + extra)
        self._count += 1

    def _write(self, data: bytes) -> None:
        if data:
            self._output.write(data)
            self._digest.update(data)
            self._offset += len(data)


def _made_by(version: int) -> int:
    """On Unix, so that the attributes count."""
    return 3 << 8 | version


def _dos_time(modified: float) -> tuple[int, int]:
    """Time and day as MS-DOS writes them, in UTC: the same zip whatever the zone of the host."""
    moment = time.gmtime(min(max(modified, 315532800.0), 4354819198.0))
    day = (moment.tm_year - 1980) << 9 | moment.tm_mon << 5 | moment.tm_mday
    return moment.tm_hour << 11 | moment.tm_min << 5 | moment.tm_sec // 2, day
