# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recovery keys: random secrets that people can print, read aloud and type.

A recovery key is 32 random bytes and the first 3 bytes of the SHA-256 of a fixed word and these bytes, written in
Crockford's Base32 (digits and capital letters without I, L, O and U): exactly 56 characters, in 14 groups of 4 joined by
hyphens. The text with its hyphens is the secret from which restic's key file is derived, so C(restic) takes it as a
password, typed just so. We also take small letters, other blanks, and the letters that look like digits; the three check
bytes tell a typing error from a key of another repository.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import hashlib
import re
import typing as t

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)} | {"O": 0, "I": 1, "L": 1}
_SECRET_BYTES = 32
_CHECK_BYTES = 3
_CHARACTERS = (_SECRET_BYTES + _CHECK_BYTES) * 8 // 5
_GROUP = 4
_DOMAIN = b"m365_backup recovery key 1"
_SEPARATORS = re.compile(r"[\s\-\u2010-\u2015]+")


def generate_recovery_key(random: t.Callable[[int], bytes]) -> str:
    """A recovery key from 32 bytes of C(random), which must be fit for secrets."""
    return _encode(random(_SECRET_BYTES))


def canonical_recovery_key(text: str) -> str | None:
    """The recovery key that was typed, in its one spelling; None when the text is not exactly one."""
    values = _values(text)
    if values is None:
        return None
    number = 0
    for value in values:
        number = number * 32 + value
    content = number.to_bytes(_SECRET_BYTES + _CHECK_BYTES, "big")
    secret = content[:_SECRET_BYTES]
    return _encode(secret) if content == secret + _check(secret) else None


def canonical_secret(text: str) -> str:
    """A recovery key in its one spelling, everything else as it is: what shall open a repository."""
    return canonical_recovery_key(text) or text


def is_mistyped_recovery_key(text: str) -> bool:
    """Whether the text has the shape of a recovery key, and its check characters do not fit."""
    return _values(text) is not None and canonical_recovery_key(text) is None


def _values(text: str) -> list[int] | None:
    compact = _SEPARATORS.sub("", text).upper()
    if len(compact) != _CHARACTERS or any(character not in _VALUES for character in compact):
        return None
    return [_VALUES[character] for character in compact]


def _encode(secret: bytes) -> str:
    number = int.from_bytes(secret + _check(secret), "big")
    characters = [_ALPHABET[number >> shift & 31] for shift in range(5 * (_CHARACTERS - 1), -1, -5)]
    return "-".join("".join(characters[start : start + _GROUP]) for start in range(0, _CHARACTERS, _GROUP))


def _check(secret: bytes) -> bytes:
    return hashlib.sha256(_DOMAIN + secret).digest()[:_CHECK_BYTES]
