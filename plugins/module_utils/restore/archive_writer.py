# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore the items of an archive mailbox by importing their export streams, whole and with all that they had.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from ..graph.exchange_import import ImportMailbox
from ..graph.ids import FolderId
from .choice import ChosenItem
from .conflict import Existing
from .estimate import Estimate, base64_size
from .marks import Mark
from .search_keys import CopyNumbers, search_key_of

if t.TYPE_CHECKING:
    from ..repository.repository import Repository

_CLASSES = {
    "ipm.appointment": "IPF.Appointment",
    "ipm.contact": "IPF.Contact",
    "ipm.distlist": "IPF.Contact",
    "ipm.task": "IPF.Task",
    "ipm.stickynote": "IPF.StickyNote",
    "ipm.activity": "IPF.Journal",
}
_NAMELESS = "(no name)"
#: What surrounds the data in a request.
_OVERHEAD = 400


class ArchiveWriter:
    """A L(SourceWriter). C(top) is the path of the folder that receives everything; with C(is_new) all that lies below it is ours.

    C(root) is the folder below which it is made, None for the uppermost level.
    """

    def __init__(
        self, repository: Repository, mailbox: ImportMailbox, restore: str, top: tuple[str, ...], root: str | None, *, is_new: bool
    ) -> None:
        self._repository = repository
        self._mailbox = mailbox
        self._restore = restore
        self._top = top
        self._root = root
        self._is_new = is_new
        self._numbers = CopyNumbers()
        self._known: dict[tuple[str | None, str], FolderId] = {}

    def origin(self, item: ChosenItem) -> str:
        return self._numbers.name_of("\n".join(item.folder), str(item.record["id"]), lambda: self._key(item))

    def place_of(self, item: ChosenItem, *, make: bool) -> str | None:
        place: str | None = self._root
        for name in (*self._top, *item.folder):
            found = self._child(place, name.strip() or _NAMELESS, item, make=make)
            if found is None:
                return None
            place = found
        return place

    def existing(self, place: str) -> t.Iterator[Existing]:
        """With the search keys as what they are recognised by; in a folder of ours they stand for marks."""
        numbers = CopyNumbers()
        for item_id, key in self._mailbox.search_keys(FolderId(place)):
            name = numbers.next_name(place, key) if key else ""
            mark = Mark(self._restore, name) if self._is_new and name else None
            yield Existing(item_id, mark, name)

    def key(self, item: ChosenItem) -> str:
        return self.origin(item)

    def write(self, item: ChosenItem, place: str, mark: Mark) -> None:
        del mark
        self._mailbox.import_item(FolderId(place), b"".join(self._repository.read_file(item.node)))

    def remove(self, place: str, item_id: str) -> None:
        self._mailbox.delete_item(FolderId(place), item_id)

    def cost(self, item: ChosenItem) -> Estimate:
        return Estimate(1, base64_size(item.node.size) + _OVERHEAD, 1)

    def _key(self, item: ChosenItem) -> bytes:
        known = item.record.get("search_key")
        return bytes.fromhex(known) if known else search_key_of(self._repository.read_file(item.node))

    def _child(self, parent: str | None, name: str, item: ChosenItem, *, make: bool) -> FolderId | None:
        key = (parent, name.casefold())
        if key not in self._known:
            found = self._mailbox.find_folder(parent, name)
            if found is None and make:
                found = self._mailbox.create_folder(parent, name, folder_class(str(item.record.get("class") or "")))
            if found is None:
                return None
            self._known[key] = found
        return self._known[key]


def folder_class(item_class: str) -> str:
    """The class of a folder that is made for an item of this class, such as C(IPM.Appointment)."""
    kind = ".".join(item_class.lower().split(".")[:2])
    return _CLASSES.get(kind, "IPF.Note")
