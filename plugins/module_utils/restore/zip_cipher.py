# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entries of a zip file that need a password: AES-256 as WinZip writes it, which 7-Zip, Keka, WinRAR and libarchive read.

The format is WinZip's "AES Encryption Information: Encryption Specification AE-1 and AE-2", version 1.04; AE-2 here, whose
entries carry no checksum of what is in them. An entry is C(salt (16) || verifier (2) || ciphertext || tag (10)): keys by
PBKDF2 with HMAC-SHA1 and 1,000 rounds, counter mode whose counter starts at 1 and is little-endian, HMAC-SHA1 over the
ciphertext.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import array
import hashlib
import hmac
import os
import struct
import sys
import typing as t

from .. import _deps

METHOD = 99
#: The least version of the format that a reader has to know.
VERSION = 51
OVERHEAD = 28
_SALT, _KEY, _VERIFIER, _TAG = 16, 32, 2, 10
_ROUNDS = 1000
_BLOCK = 16
_BLOCKS_AT_ONCE = 16 << 10


def extra_field(method: int) -> bytes:
    """What both headers of such an entry carry; C(method) is how it is compressed below."""
    return struct.pack("<2HH2sBH", 0x9901, 7, 2, b"AE", 3, method)


class EntryCipher:
    """Seals one entry. The salt is random and nobody can pass one in: one key stream never serves twice."""

    def __init__(self, password: bytes) -> None:
        self._salt = os.urandom(_SALT)
        keys = hashlib.pbkdf2_hmac("sha1", password, self._salt, _ROUNDS, 2 * _KEY + _VERIFIER)
        cipher = _deps.ciphers.Cipher(_deps.cipher_algorithms.AES(keys[:_KEY]), _deps.cipher_modes.ECB())
        self._encryptor = cipher.encryptor()
        self._tag = hmac.new(keys[_KEY : 2 * _KEY], digestmod="sha1")
        self._verifier = keys[2 * _KEY :]
        self._counter = 1
        self._stream = b""

    def begin(self) -> bytes:
        """What stands before the ciphertext."""
        return self._salt + self._verifier

    def seal(self, data: bytes) -> bytes:
        """The ciphertext of the next bytes, as many as they are."""
        sealed = b"".join(self._sealed(data))
        self._tag.update(sealed)
        return sealed

    def end(self) -> bytes:
        """What stands behind it."""
        return self._tag.digest()[:_TAG]

    def _sealed(self, data: bytes) -> t.Iterator[bytes]:
        # cryptography's own counter mode counts big-endian.
        while data:
            if not self._stream:
                self._stream = self._encryptor.update(self._counters(min(-(-len(data) // _BLOCK), _BLOCKS_AT_ONCE)))
            size = min(len(data), len(self._stream))
            mixed = int.from_bytes(data[:size], "little") ^ int.from_bytes(self._stream[:size], "little")
            yield mixed.to_bytes(size, "little")
            data, self._stream = data[size:], self._stream[size:]

    def _counters(self, count: int) -> bytes:
        """The next C(count) blocks of the counter, of which the upper half is never reached."""
        numbers = array.array("Q", bytes(_BLOCK * count))
        numbers[0::2] = array.array("Q", range(self._counter, self._counter + count))
        self._counter += count
        if sys.byteorder == "big":
            numbers.byteswap()
        return numbers.tobytes()
