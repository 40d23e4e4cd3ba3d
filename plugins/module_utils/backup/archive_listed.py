# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The items that the lists of an archive name, outside memory.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import hashlib
import json
import threading
import typing as t
from itertools import groupby

from ..graph.delta import Changed, Page
from .archive_record import listed_record, when
from .catalogue import Record
from .temporary_databases import open_temporary_database


class ListedItems:
    """{item id: its record in each folder that names it}. A temporary database that leaves memory when it grows.

    Several threads may add at the same time.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._database = open_temporary_database()
        self._database.execute(
            "CREATE TABLE listed (id TEXT, folder INTEGER, modified TEXT, place TEXT, record TEXT, PRIMARY KEY (id, folder)) WITHOUT ROWID"
        )
        self._database.execute("CREATE INDEX by_folder ON listed (folder)")

    def __contains__(self, item_id: str) -> bool:
        return self._database.execute("SELECT 1 FROM listed WHERE id = ? LIMIT 1", (item_id,)).fetchone() is not None

    def add_page(self, folder: int, page: Page) -> None:
        """Of two entries for one item the one that was modified later counts."""
        with self._lock:
            self._database.execute("BEGIN")
            for entry in page.entries:
                if isinstance(entry, Changed):
                    record = listed_record({**entry.fields, "id": entry.id}, folder)
                    self._database.execute(
                        "INSERT INTO listed VALUES (?, ?, ?, ?, ?) ON CONFLICT (id, folder) DO UPDATE"
                        " SET modified = excluded.modified, record = excluded.record WHERE excluded.modified >= modified",
                        (entry.id, folder, record.get("modified") or "", when(record).date().isoformat(), json.dumps(record)),
                    )
            self._database.execute("COMMIT")

    def forget(self, folder: int) -> None:
        """Drop what a folder named; its list starts over."""
        with self._lock:
            self._database.execute("DELETE FROM listed WHERE folder = ?", (folder,))

    def count(self, folder: int) -> int:
        with self._lock:
            return int(self._database.execute("SELECT count(*) FROM listed WHERE folder = ?", (folder,)).fetchone()[0])

    def last_modified(self, folder: int) -> str:
        """The latest time of modification that a folder named; empty where it named none."""
        found = self._database.execute("SELECT max(modified) FROM listed WHERE folder = ?", (folder,)).fetchone()[0]
        return str(found or "")

    def fingerprint(self, folder: int, second: str | None = None) -> str:
        """The same for two lists of a folder that name the same items with the same changes; of one second of modification only
        where one is given."""
        rows = self._database.execute("SELECT id, modified, record FROM listed WHERE folder = ? ORDER BY id", (folder,))
        digest = hashlib.sha256()
        for item_id, modified, record in rows:
            if second is None or modified[:19] == second[:19]:
                key = json.loads(record).get("key") or modified
                digest.update(f"{item_id} {key}\n".encode("utf-8", "surrogatepass"))
        return digest.hexdigest()[:16]

    def ids(self, folder: int, size: int) -> t.Iterator[list[str]]:
        """The items of a folder in batches."""
        rows = self._database.execute("SELECT id FROM listed WHERE folder = ?", (folder,))
        while batch := [str(row[0]) for row in rows.fetchmany(size)]:
            yield batch

    def batches(self, size: int) -> t.Iterator[list[list[Record]]]:
        """For each item its records, by folder and day: a directory that one batch touches is not touched by later ones."""
        rows = self._database.execute(
            "SELECT id, record FROM listed"
            " JOIN (SELECT id, max(printf('%09d', folder) || place) AS first FROM listed GROUP BY id) USING (id)"
            " ORDER BY first, id, folder"
        )
        batch: list[list[Record]] = []
        for _item_id, group in groupby(rows, key=lambda row: str(row[0])):
            batch.append([json.loads(row[1]) for row in group])
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch

    def close(self) -> None:
        self._database.close()
