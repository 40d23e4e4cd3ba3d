# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an archived item is recognised by. An export stream cannot be marked, and its search key survives an import.

Copies of an item have its search key. So the copies in a folder are numbered, here and there: which one is which does not
matter, but how many there are does.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from ..backup.fts_frames import Frames
from ..backup.temporary_databases import open_temporary_database

#: PidTagSearchKey as a binary property of 16 bytes: type, tag, length ([MS-OXCFXICS] 2.2.4.1).
_PROPERTY = b"\x02\x01\x0b\x30\x10\x00\x00\x00"
_SIZE = 16


def search_key_of(chunks: t.Iterable[bytes]) -> bytes:
    """The search key of an exported item; empty where its stream has none. The item's own properties stand before those of
    attached messages."""
    rest = b""
    wanted = len(_PROPERTY) + _SIZE
    for payload in Frames(chunks).payloads():
        rest += payload
        found = rest.find(_PROPERTY)
        if found >= 0 and len(rest) >= found + wanted:
            return rest[found + len(_PROPERTY) : found + wanted]
        rest = rest[-wanted:] if found < 0 else rest[found:]
    return b""


class CopyNumbers:
    """Numbers equal keys in the order in which they come, in a temporary database. For one thread."""

    def __init__(self) -> None:
        self._database = open_temporary_database()
        self._database.execute("CREATE TABLE copies (place TEXT, key BLOB, count INTEGER, PRIMARY KEY (place, key)) WITHOUT ROWID")
        self._database.execute("CREATE TABLE named (place TEXT, item TEXT, name TEXT, PRIMARY KEY (place, item)) WITHOUT ROWID")

    def next_name(self, place: str, key: bytes) -> str:
        """Key and number of one more copy."""
        row = self._database.execute("SELECT count FROM copies WHERE place = ? AND key = ?", (place, key)).fetchone()
        number = (row[0] if row else 0) + 1
        self._database.execute("INSERT OR REPLACE INTO copies VALUES (?, ?, ?)", (place, key, number))
        return f"{key.hex()}.{number}"

    def name_of(self, place: str, item: str, key_of: t.Callable[[], bytes]) -> str:
        """The name of an item, which it keeps when it is asked for again. Without a key its own id stands for it."""
        row = self._database.execute("SELECT name FROM named WHERE place = ? AND item = ?", (place, item)).fetchone()
        if row:
            return str(row[0])
        key = key_of()
        name = self.next_name(place, key) if key else f"id {item}"
        self._database.execute("INSERT INTO named VALUES (?, ?, ?)", (place, item, name))
        return name
