# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Items that may change without their folder naming them: each is looked at in turn, whatever was said of it.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import json

from ..repository.types import Path, TreeId
from .catalogue import Record
from .item_source import ItemSource
from .layout import META
from .small_files import FileReader, read_file, to_json

WATCH_PATH: Path = (META, "watched.json")


class Watched:
    """{item id: until when it may change (ISO, UTC; empty: for ever)}, kept in the tree of the source."""

    def __init__(self, source: ItemSource, store: FileReader, tree: TreeId | None) -> None:
        self._source = source
        document = read_file(store, tree, WATCH_PATH) if source.has_watched and tree is not None else None
        self.ids: dict[str, str] = json.loads(document or b"{}")

    def keep(self, record: Record) -> None:
        until = self._source.watch(record)
        if until is None:
            self.ids.pop(record["id"], None)
        else:
            self.ids[record["id"]] = until

    def remove(self, item_id: str) -> None:
        self.ids.pop(item_id, None)

    def files(self) -> dict[Path, bytes | None]:
        """What a tree keeps of it."""
        return {WATCH_PATH: to_json(dict(sorted(self.ids.items()))) if self.ids else None}
