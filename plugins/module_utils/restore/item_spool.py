# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Chosen items put into an order without being held in memory.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import json
import typing as t
from datetime import datetime

from ..backup.small_files import to_json
from ..backup.temporary_databases import open_temporary_database
from ..repository.types import BlobId, Node, NodeKind
from .choice import ChosenItem

_AT_ONCE = 500


class ItemSpool:
    """Takes messages by the place that they belong to, and gives those of a place back by time. Parts are not kept."""

    def __init__(self) -> None:
        self._database = open_temporary_database()
        self._database.execute(
            "CREATE TABLE items (place TEXT, moment TEXT, file TEXT, item BLOB, PRIMARY KEY (place, moment, file)) WITHOUT ROWID"
        )

    def __enter__(self) -> ItemSpool:
        return self

    def __exit__(self, *exception: object) -> None:
        self._database.close()

    def add(self, place: str, moment: datetime, item: ChosenItem) -> None:
        node = item.node
        document = [item.source, item.record, item.folder, node.name, node.modified.isoformat(), node.size, node.content]
        key = (place, moment.isoformat(), f"{item.record['file']} {'/'.join(item.folder)}".encode("utf-8", "replace").decode("utf-8"))
        self._database.execute("INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?)", (*key, to_json(document)))

    def places(self) -> list[str]:
        return [place for (place,) in self._database.execute("SELECT DISTINCT place FROM items ORDER BY place")]

    def items(self, place: str) -> t.Iterator[ChosenItem]:
        """By time. The spool may be read by others meanwhile."""
        last = ("", "")
        while True:
            rows = self._database.execute(
                "SELECT moment, file, item FROM items WHERE place = ? AND (moment, file) > (?, ?) ORDER BY moment, file LIMIT ?",
                (place, *last, _AT_ONCE),
            ).fetchall()
            if not rows:
                return
            for _moment, _file, packed in rows:
                yield _item(packed)
            last = (rows[-1][0], rows[-1][1])


def _item(packed: bytes) -> ChosenItem:
    source, record, folder, name, modified, size, content = json.loads(packed.decode("utf-8", "surrogatepass"))
    node = Node(name, NodeKind.FILE, datetime.fromisoformat(modified), size, tuple(BlobId(blob) for blob in content))
    return ChosenItem(source, record, tuple(folder), node)
