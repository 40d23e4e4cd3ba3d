# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""State of one drive: its tree and its journal. Knows nothing of HTTP."""

from __future__ import annotations

import array
import bisect
import time
import typing as t

from .call import GraphError
from .drive_ids import DriveIds
from .drive_store import ROOT, Identity, Item, folded, item_not_found

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .drive_content import Content


class Drive:
    """A document library. C(version) counts its changes: line n of the journal names the item of change n + 1."""

    def __init__(self, owner_id: str, library: str = "OneDrive", *, quota: int = 1 << 40, clock: Callable[[], float] = time.time) -> None:
        self.owner_id = owner_id
        self.library = library
        self.ids = DriveIds(owner_id, library)
        self.quota = quota
        self.used = 0
        self.journal = array.array("Q")
        self._moments = array.array("d")  # when each change happened
        self.generation = self.oldest_generation = 1
        self._clock = clock
        self.created = self.now()
        self.items: list[Item] = [Item(ROOT, "root", None, self.created, self.created, self.created, self.created, children={})]
        self.note(self.root)

    @property
    def id(self) -> str:
        return self.ids.drive_id

    @property
    def root(self) -> Item:
        return self.items[ROOT]

    @property
    def version(self) -> int:
        return len(self.journal)

    def now(self) -> int:
        return int(self._clock())

    # Finding

    def by_id(self, text: str) -> Item:
        """A living item. Raises GraphError 404."""
        number = self.ids.read_item(text)
        if number is None or number >= len(self.items) or self.items[number].deleted:
            raise item_not_found()
        return self.items[number]

    def child(self, folder: Item, name: str) -> Item | None:
        number = (folder.children or {}).get(folded(name))
        return None if number is None else self.items[number]

    def at_path(self, path: str, start: Item | None = None) -> Item:
        """The item at a path below C(start) (the root). Raises GraphError 404."""
        item = self.root if start is None else start
        for name in path.split("/"):
            if name:
                found = self.child(item, name)
                if found is None:
                    raise item_not_found()
                item = found
        return item

    def find(self, key: str) -> Item:
        """The item of an id or of a path. Raises GraphError 404."""
        return self.by_id(key) if self.ids.read_item(key) is not None else self.at_path(key)

    def ancestors(self, item: Item) -> list[Item]:
        """From the parent up to the root."""
        found: list[Item] = []
        while item.parent is not None:
            item = self.items[item.parent]
            found.append(item)
        return found

    def path(self, item: Item) -> str:
        """C(/a/b), C(/) for the root."""
        return "/" + "/".join(one.name for one in [*reversed(self.ancestors(item)[:-1]), *([item] if item.parent is not None else [])])

    def subtree(self, item: Item) -> Iterator[Item]:
        """The item and all below it, parents first."""
        waiting = [item]
        while waiting:
            here = waiting.pop()
            yield here
            waiting.extend(self.items[number] for number in reversed((here.children or {}).values()))

    # Changing

    def add(
        self,
        parent: Item,
        name: str,
        *,
        content: Content | None = None,
        folder: bool = False,
        by: Identity | None = None,
        created: int | None = None,
        modified: int | None = None,
        touch: bool = True,
    ) -> Item:
        """A new file (C(content)), folder, or (neither) shortcut; times are the client's. Raises GraphError 409."""
        self._refuse_taken(parent, name)
        now = self.now()
        client_modified = now if modified is None else modified
        client_created = client_modified if created is None else created
        item = Item(len(self.items), name, parent.number, now, now, client_created, client_modified, content, {} if folder else None)
        item.created_by = item.modified_by = by
        self.items.append(item)
        self._enter(item, parent, touch=touch)
        self.used += content.size if content is not None else 0
        self.note(item)
        return item

    def replace(self, item: Item, content: Content, *, by: Identity | None = None, modified: int | None = None) -> None:
        """New bytes: the present ones become an earlier version."""
        item.more.versions.extend(item.current())
        item.revision += 1
        item.content = content
        item.modified_by = by
        item.modified = self.now()
        item.client_modified = item.modified if modified is None else modified
        if item.details is not None:
            item.details.stated_size = item.details.stated_hash = None
        self.used += content.size
        item.ctag += 1
        self.note(item)

    def rename(self, item: Item, name: str) -> None:
        """Another name in the same folder; changes the time of modification, as measured. Raises GraphError 409."""
        parent = self.items[item.parent or ROOT]
        self._refuse_taken(parent, name, item)
        self._leave(item)
        item.name = name
        item.modified = self.now()
        self._enter(item, parent)
        self.note(item)

    def move(self, item: Item, parent: Item, name: str | None = None) -> None:
        """Another folder; keeps the time of modification, as measured. Raises GraphError 409, 400 for a folder into itself."""
        if item in (parent, *self.ancestors(parent)):
            raise GraphError(400, "invalidRequest", "The target of a move cannot be the item itself or below it.")
        self._refuse_taken(parent, name or item.name, item)
        self._leave(item)
        item.name = name or item.name
        self._enter(item, parent)
        self.note(item)

    def set_times(self, item: Item, created: int | None, modified: int | None) -> None:
        """fileSystemInfo after the fact, which makes a version of its own (facts A6)."""
        if item.content is not None:
            item.more.versions.extend(item.current())
            item.revision += 1
            self.used += item.content.size
        item.client_created = item.client_created if created is None else created
        item.client_modified = item.client_modified if modified is None else modified
        item.modified = self.now()
        self.note(item)

    def delete(self, item: Item) -> None:
        """The item and all below it: one tombstone each."""
        self._leave(item)
        for one in list(self.subtree(item)):
            self.used -= one.content.size if one.content is not None else 0
            self.used -= sum(version.content.size for version in one.details.versions) if one.details is not None else 0
            one.deleted = True
            one.content = one.children = one.details = None
            self.note(one)

    def note(self, item: Item) -> None:
        """A change that delta tells of."""
        item.etag += 1
        self._log(item)
        item.changed = self.version

    def note_sharing(self, item: Item) -> None:
        """A change of permissions, which delta tells of only to those who ask."""
        self._log(item)
        item.more.sharing_changed = self.version

    def expire_cursors(self) -> None:
        """Forgets every delta token handed out so far."""
        self.generation += 1
        self.oldest_generation = self.generation

    def version_at(self, moment: float) -> int:
        """The version that was current at a moment."""
        return bisect.bisect_right(self._moments, moment)

    def _log(self, item: Item) -> None:
        self.journal.append(item.number)
        self._moments.append(self._clock())

    def _refuse_taken(self, parent: Item, name: str, item: Item | None = None) -> None:
        if parent.children is None:
            raise item_not_found()
        if self.child(parent, name) not in (None, item):
            raise GraphError(409, "nameAlreadyExists", "An item with the same name already exists under the parent.")

    def _enter(self, item: Item, parent: Item, *, touch: bool = True) -> None:
        item.parent = parent.number
        if parent.children is not None:
            parent.children[folded(item.name)] = item.number
        if touch and parent.parent is not None:
            parent.modified = parent.client_modified = self.now()

    def _leave(self, item: Item) -> None:
        parent = self.items[item.parent or ROOT]
        if parent.children is not None:
            del parent.children[folded(item.name)]
