# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ids of drives and of what lies in them: opaque for clients, decodable for the tenant, so that they cost no table."""

from __future__ import annotations

import base64
import binascii
import hashlib
import uuid

_HEAD = "01"


class DriveIds:
    """Ids of one drive. Item ids compare with case, as the service's do."""

    __slots__ = ("_key", "_prefix", "drive_id", "list_id", "site_id")

    def __init__(self, owner_id: str, library: str) -> None:
        seed = hashlib.sha256(f"{owner_id}:{library}".encode()).digest()
        guids = [uuid.UUID(bytes=hashlib.md5(seed + bytes([n]), usedforsecurity=False).digest(), version=4) for n in range(3)]
        self.drive_id = "b!" + base64.urlsafe_b64encode(b"".join(guid.bytes_le for guid in guids)).decode()
        self.site_id = f"contoso-my.sharepoint.com,{guids[0]},{guids[1]}"
        self.list_id = str(guids[2])
        self._prefix = _HEAD + base64.b32encode(seed[:5]).decode()[:6]
        self._key = seed[8:24]

    def item(self, number: int) -> str:
        return self._prefix + base64.b32encode(self._raw(number)).decode("ascii")[:26]

    def guid(self, number: int) -> str:
        """The list item's unique id, in capitals; the tags name it, too."""
        text = self._raw(number).hex().upper()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def _raw(self, number: int) -> bytes:
        check = hashlib.blake2b(number.to_bytes(8, "big"), key=self._key, digest_size=8).digest()
        return check + (number ^ self._mask(check)).to_bytes(8, "big")

    def _mask(self, check: bytes) -> int:
        return int.from_bytes(hashlib.blake2b(check, key=self._key, digest_size=8).digest(), "big")

    def read_item(self, text: str) -> int | None:
        """The number behind an item's id; None for an id of nothing in this drive."""
        if not text.startswith(self._prefix) or len(text) != len(self._prefix) + 26:
            return None
        try:
            raw = base64.b32decode(text[len(self._prefix) :] + "======")
        except (binascii.Error, ValueError):
            return None
        number = int.from_bytes(raw[8:], "big") ^ self._mask(raw[:8])
        return number if self._raw(number) == raw else None
