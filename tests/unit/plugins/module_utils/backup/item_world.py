# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A source of items that lives in memory and misbehaves in every way that a delta query may."""

from __future__ import annotations

import collections
import dataclasses
import random
import typing as t

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.catalogue import Record
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.folder_places import FolderRound, SeenFolder, placed_folders
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_parts import Parts
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_source import Found, ItemSource
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_state import ItemState
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import named_path
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.delta import Changed, Page, Removed
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import (
    CursorLost,
    DeltaUnavailable,
    ItemUnreadable,
    NotFound,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import Cursor

_PAGE = 50


@dataclasses.dataclass
class Item:
    folder: str
    version: int
    part: bytes | None = None


class World(ItemSource):
    """C(items) by id. C(misses) are ids whose part cannot be read, C(sick) those that cannot be read at all."""

    word = "thing"

    def __init__(self, seed: int = 0) -> None:
        self.places = {"x": "X", "y": "Y"}
        self.items: dict[str, Item] = {}
        self.sick: set[str] = set()
        self.misses: set[str] = set()
        self.lost: set[str] = set()
        self.has_delta = True
        self.looks: list[str] = []
        self._rounds = 0
        self._versions: collections.Counter[str] = collections.Counter()
        self._journal: list[tuple[str, str, bool]] = []
        self._random = random.Random(seed)

    def put(self, item_id: str, folder: str, part: bytes | None = None) -> None:
        before = self.items.get(item_id)
        if before is not None and before.folder != folder:
            self._journal.append((before.folder, item_id, False))
        # A change key never comes back, not even with an item that does.
        self.items[item_id] = Item(folder, self._versions[item_id], part)
        self._versions[item_id] += 1
        self._journal.append((folder, item_id, True))

    def drop(self, item_id: str) -> None:
        self._journal.append((self.items.pop(item_id).folder, item_id, False))

    def drop_folder(self, folder: str) -> None:
        del self.places[folder]
        for item_id in [key for key, item in self.items.items() if item.folder == folder]:
            self.drop(item_id)

    def folders(self, state: ItemState) -> FolderRound:
        placed, following = placed_folders((SeenFolder(key, name) for key, name in self.places.items()), state)
        return FolderRound(placed, None, following, {}, ())

    def changes(self, folder_id: str, cursor: Cursor | None) -> t.Iterator[Page]:
        if not self.has_delta:
            raise DeltaUnavailable("no delta")
        if cursor is not None and folder_id in self.lost:
            self.lost.discard(folder_id)
            raise CursorLost("forgotten")
        if cursor is None:
            said = [(item_id, True) for item_id, item in self.items.items() if item.folder == folder_id]
        else:
            # A round may begin with what the one before has told already.
            start = max(0, int(cursor.partition(".")[0]) - self._random.randrange(3))
            said = [(item_id, is_there) for place, item_id, is_there in self._journal[start:] if place == folder_id]
        said = [entry for entry in said for _copy in range(self._random.choice((1, 1, 2)))]
        self._random.shuffle(said)
        self._rounds += 1
        for start in range(0, len(said), _PAGE):
            yield Page(tuple(self._entry(item_id, is_there) for item_id, is_there in said[start : start + _PAGE]))
        yield Page((), Cursor(f"{len(self._journal)}.{self._rounds}"))

    def listing(self, folder_id: str) -> t.Iterator[Page]:
        yield Page(tuple(self._entry(key, True) for key, item in self.items.items() if item.folder == folder_id))

    def key(self, fields: t.Mapping[str, t.Any]) -> str:
        return str(fields.get("key", ""))

    def look(self, item_id: str, folder_ids: t.Sequence[str]) -> Found:
        self.looks.append(item_id)
        if item_id not in self.items:
            raise NotFound("gone")
        if item_id in self.sick:
            raise ItemUnreadable("sick", code="ErrorCorruptData")
        item = self.items[item_id]
        return Found(id=item_id, folder_id=item.folder, document={"id": item_id, "key": f"{item_id}{item.version}"})

    def record(self, found: Found) -> Record:
        return {"subject": f"name of {found.id}", "key": found.document["key"]}

    def file(self, record: Record) -> str:
        return "/".join(named_path(record["id"], str(record["subject"]), ".json"))

    def attach(self, found: Found, parts: Parts) -> None:
        part = self.items[found.id].part
        if part is None:
            return
        if found.id in self.misses:
            parts.fail("part", ItemUnreadable("sick part"))
        else:
            parts.add("attachment", "part.txt", [part], key="part", modified=None, facts={})

    def _entry(self, item_id: str, is_there: bool) -> Changed | Removed:
        if not is_there:
            return Removed(item_id, "deleted")
        item = self.items.get(item_id)
        fields = {"id": item_id} if item is None or self._random.random() < 0.3 else {"id": item_id, "key": f"{item_id}{item.version}"}
        return Changed(item_id, fields)
