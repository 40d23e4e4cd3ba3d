# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes that the message deltas of a mailbox name, merged by message, outside memory.

A delta may name a message several times, in any order and with any part of its fields, and a move is named by two
folders. So everything is collected first and decided afterwards, message by message.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import typing as t
from dataclasses import dataclass
from enum import Enum
from itertools import groupby

from ..graph.delta import Changed, Page, Removed
from .temporary_databases import open_temporary_database

_NO_FOLDER = -1


class Said(str, Enum):
    """What a folder said of a message."""

    CHANGED = "changed"
    REMOVED = "removed"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Statement:
    folder: int
    said: Said
    fields: dict[str, t.Any]


class PendingChanges:
    """{message id: what each folder said of it}. A temporary database that leaves memory when it grows.

    Several threads may add at the same time.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened: sqlite3.Connection | None = None

    def __len__(self) -> int:
        return 0 if self._opened is None else int(self._database.execute("SELECT count(DISTINCT id) FROM pending").fetchone()[0])

    def __contains__(self, message_id: str) -> bool:
        return self._has("SELECT 1 FROM pending WHERE id = ? LIMIT 1", message_id)

    def has_folder(self, folder: int) -> bool:
        return self._has("SELECT 1 FROM pending WHERE folder = ? LIMIT 1", folder)

    def add_page(self, folder: int, page: Page) -> None:
        if not page.entries:
            # The usual case of a run without changes.
            return
        with self._lock:
            self._database.execute("BEGIN")
            for entry in page.entries:
                self._add(folder, entry)
            self._database.execute("COMMIT")

    def ask_for(self, message_id: str) -> None:
        """Have a message looked at, though no folder said anything of it."""
        self._put(message_id, _NO_FOLDER, Said.UNCLEAR, {})

    def forget(self, folder: int) -> None:
        """Drop what a folder said; its listing starts over."""
        with self._lock:
            if self._opened is not None:
                self._opened.execute("DELETE FROM pending WHERE folder = ?", (folder,))

    def batches(self, size: int) -> t.Iterator[list[tuple[str, list[Statement]]]]:
        if self._opened is None:
            return
        # By folder and day, so that a directory that one batch touches is not touched again by later ones.
        rows = self._database.execute(
            "SELECT id, folder, said, fields FROM pending"
            " JOIN (SELECT id, max(printf('%09d', folder) || day) AS place FROM pending GROUP BY id) USING (id) ORDER BY place, id"
        )
        batch: list[tuple[str, list[Statement]]] = []
        for message_id, group in groupby(rows, key=lambda row: str(row[0])):
            batch.append((message_id, [Statement(row[1], Said(row[2]), json.loads(row[3])) for row in group]))
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()

    def _has(self, query: str, value: str | int) -> bool:
        return self._opened is not None and self._opened.execute(query, (value,)).fetchone() is not None

    @property
    def _database(self) -> sqlite3.Connection:
        if self._opened is None:
            self._opened = open_temporary_database()
            self._opened.execute(
                "CREATE TABLE pending (id TEXT, folder INTEGER, said TEXT, fields TEXT, day TEXT, PRIMARY KEY (id, folder)) WITHOUT ROWID"
            )
            self._opened.execute("CREATE INDEX by_folder ON pending (folder)")
        return self._opened

    def _add(self, folder: int, entry: Changed | Removed) -> None:
        row = self._database.execute("SELECT said, fields FROM pending WHERE id = ? AND folder = ?", (entry.id, folder)).fetchone()
        said = Said.REMOVED if isinstance(entry, Removed) else Said.CHANGED
        fields: dict[str, t.Any] = {} if isinstance(entry, Removed) else dict(entry.fields)
        if row is not None:
            before, old = Said(row[0]), json.loads(row[1])
            # The order of entries is not promised: two that disagree are settled by asking for the message itself.
            if before is not said or any(old[name] != fields[name] for name in old.keys() & fields.keys()):
                said = Said.UNCLEAR
            fields = {**old, **fields}
        self._put(entry.id, folder, said, fields)

    def _put(self, message_id: str, folder: int, said: Said, fields: dict[str, t.Any]) -> None:
        self._database.execute(
            "INSERT OR REPLACE INTO pending VALUES (?, ?, ?, ?, ?)",
            (message_id, folder, said.value, json.dumps(fields), str(fields.get("receivedDateTime") or "")[:10]),
        )
