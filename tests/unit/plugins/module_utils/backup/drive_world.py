# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drive that lives in memory, and tells of its changes in every way that a delta query may."""

from __future__ import annotations

import collections
import dataclasses
import random
import typing as t

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.delta import Changed, Page, Removed
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import CursorLost, GraphError, NotFound, RequestRefused
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import Cursor, Fields
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.quick_xor import quick_xor

ROOT = "root-id"
_PAGE = 7


@dataclasses.dataclass
class Thing:
    """A file, or a folder where there is no content. C(facets) are added to what the service says of it."""

    name: str
    parent: str
    content: bytes | None = None
    modified: int = 0
    tag: int = 0
    facets: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    versions: list[bytes] = dataclasses.field(default_factory=list)
    grants: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)


class DriveWorld:
    """C(sick) are errors by item id, raised by whoever reads the content. C(tells_below): a deleted folder has tombstones for what was
    in it. C(requests) counts what was asked."""

    def __init__(self, seed: int = 0) -> None:
        self.things: dict[str, Thing] = {}
        self.sick: dict[str, GraphError] = {}
        self.tells_below = True
        self.is_tidy = False
        self.versions_fail = False
        self.repeats = 0.3
        self.oldest_cursor = 0
        self.failing_pages: list[GraphError] = []
        self.requests: collections.Counter[str] = collections.Counter()
        self.fetched: list[str] = []
        self._random = random.Random(seed)
        self._journal: list[str] = []
        self._count = 0

    def make(self, name: str, parent: str = ROOT, content: bytes | None = None, **facets: t.Any) -> str:
        self._count += 1
        item_id = f"01{'FILE' if content is not None else 'DIR'}{self._count}"
        self.things[item_id] = Thing(self._free(name, parent), parent, content, self._count, facets=facets)
        self._note(item_id)
        return item_id

    def write(self, item_id: str, content: bytes) -> None:
        thing = self.things[item_id]
        thing.versions.append(thing.content or b"")
        thing.content, thing.modified = content, thing.modified + 1
        self._note(item_id)

    def place(self, item_id: str, *, name: str | None = None, parent: str | None = None) -> None:
        """Rename and move. Two items swap their names where the new one is taken."""
        thing = self.things[item_id]
        new_parent = thing.parent if parent is None else parent
        if new_parent in self.below(item_id):
            return
        wanted = thing.name if name is None else name
        other = next((key for key, one in self.things.items() if (one.parent, one.name) == (new_parent, wanted) and key != item_id), None)
        if other is not None:
            if new_parent != thing.parent:
                wanted = self._free(wanted, new_parent)
            else:
                self.things[other].name = thing.name
                self._note(other)
        thing.name, thing.parent = wanted, new_parent
        self._note(item_id)

    def touch(self, item_id: str, **facets: t.Any) -> None:
        self.things[item_id].facets.update(facets)
        self._note(item_id)

    def drop(self, item_id: str) -> None:
        for below in sorted(self.below(item_id)):
            del self.things[below]
            if below == item_id or self.tells_below:
                self._journal.append(below)

    def below(self, item_id: str) -> set[str]:
        """An item and everything in it."""
        children = [key for key, thing in self.things.items() if thing.parent == item_id]
        return {item_id}.union(*(self.below(child) for child in children))

    def path(self, item_id: str) -> str:
        thing = self.things.get(item_id)
        return "" if thing is None else f"{self.path(thing.parent)}/{thing.name}"

    def files(self) -> dict[str, bytes]:
        return {self.path(key): thing.content for key, thing in self.things.items() if thing.content is not None}

    def folders(self) -> set[str]:
        return {self.path(key) for key, thing in self.things.items() if thing.content is None}

    def delta(self, cursor: Cursor | None, *, permissions: bool) -> t.Iterator[Page]:
        del permissions
        start = 0 if cursor is None else int(cursor)
        if cursor is not None and start < self.oldest_cursor:
            raise CursorLost("lost")
        named = list(self.things) if cursor is None else list(dict.fromkeys(self._journal[start:]))
        entries: list[Changed | Removed] = []
        for key in named:
            if key in self.things:
                entries += [self._entry(above) for above in self._ancestors(key)]
                if self._random.random() < self.repeats:
                    entries.append(self._stale(key))
            entries.append(self._entry(key) if key in self.things else Removed(key, "deleted"))
        if not self.is_tidy:
            entries = self._mixed(entries)
        entries = [Changed(ROOT, {"id": ROOT, "root": {}, "folder": {}}), *entries]
        ends = range(0, len(entries), _PAGE)
        for page in ends:
            self.requests["delta"] += 1
            if self.failing_pages:
                raise self.failing_pages.pop()
            is_last = page + _PAGE >= len(entries)
            yield Page(tuple(entries[page : page + _PAGE]), Cursor(str(len(self._journal))) if is_last else None)

    def item(self, item_id: str) -> Fields:
        self.requests["item"] += 1
        if item_id == "root":
            return {"id": ROOT, "root": {}}
        if item_id not in self.things:
            raise NotFound(f"no {item_id}")
        return self._fields(item_id)

    def content(self, item: Fields) -> t.Iterator[bytes]:
        self.requests["content"] += 1
        item_id = item["id"]
        self.fetched.append(item_id)
        if item_id in self.sick:
            raise self.sick[item_id]
        if item_id not in self.things:
            raise NotFound(f"no {item_id}")
        content = self.things[item_id].content or b""
        yield content[: len(content) // 2]
        yield content[len(content) // 2 :]

    def versions(self, item_id: str) -> t.Iterator[Fields]:
        self.requests["versions"] += 1
        if self.versions_fail:
            raise RequestRefused("no")
        thing = self.things[item_id]
        for number in range(len(thing.versions), -1, -1):
            yield {"id": f"{number + 1}.0", "lastModifiedDateTime": f"2026-01-{number + 1:02d}T00:00:00Z"}

    def version_content(self, item_id: str, version: str) -> t.Iterator[bytes]:
        self.requests["version_content"] += 1
        yield self.things[item_id].versions[int(version.partition(".")[0]) - 1]

    def permissions(self, item_id: str) -> t.Iterator[Fields]:
        self.requests["permissions"] += 1
        yield from self.things[item_id].grants

    def _note(self, item_id: str) -> None:
        self.things[item_id].tag += 1
        self._journal.append(item_id)

    def _free(self, name: str, parent: str) -> str:
        taken = {thing.name for thing in self.things.values() if thing.parent == parent}
        while name in taken:
            name = f"_{name}"
        return name

    def _ancestors(self, item_id: str) -> list[str]:
        parent = self.things[item_id].parent
        return [] if parent == ROOT else [*self._ancestors(parent), parent]

    def _entry(self, item_id: str) -> Changed:
        return Changed(item_id, self._fields(item_id))

    def _stale(self, item_id: str) -> Changed:
        """The item as it may have been earlier in the pass: under another name, with another content."""
        fields = {**self._fields(item_id), "name": "stale", "eTag": "stale"}
        if "file" in fields:
            fields |= {"size": 3, "file": {"hashes": {"quickXorHash": quick_xor([b"old"])}}}
        return Changed(item_id, fields)

    def _fields(self, item_id: str) -> dict[str, t.Any]:
        thing = self.things[item_id]
        moment = f"2026-02-01T00:{thing.modified // 60 % 60:02d}:{thing.modified % 60:02d}.1234567Z"
        fields: dict[str, t.Any] = {
            "id": item_id,
            "name": thing.name,
            "eTag": f'"{{{item_id}}},{thing.tag}"',
            "parentReference": {"id": thing.parent},
            "fileSystemInfo": {"createdDateTime": "2026-01-01T00:00:00Z", "lastModifiedDateTime": moment},
        }
        if thing.content is None:
            fields["folder"] = {"childCount": 0}
        else:
            fields |= {
                "size": len(thing.content),
                "file": {"mimeType": "text/plain", "hashes": {"quickXorHash": quick_xor([thing.content])}},
            }
        return {**fields, **thing.facets}

    def _mixed(self, entries: list[Changed | Removed]) -> list[Changed | Removed]:
        """Any order, as long as of one item the last entry is the true one."""
        order = list(range(len(entries)))
        self._random.shuffle(order)
        slots: dict[str, list[int]] = {}
        for place, number in enumerate(order):
            slots.setdefault(entries[number].id, []).append(place)
        mixed: list[Changed | Removed] = list(entries)
        queues = {key: iter([entry for entry in entries if entry.id == key]) for key in slots}
        for key, places in slots.items():
            for place in places:
                mixed[place] = next(queues[key])
        return mixed
