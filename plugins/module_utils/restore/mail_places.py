# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The mail folders that restored messages go to.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from ..backup.mail_recoverable import recoverable_ids
from ..graph.errors import NotFound, RequestRefused
from ..graph.ids import FolderId, UserId
from ..graph.mail_folders import MailFolder, read_folder
from ..graph.mail_write import create_folder, find_folder

if t.TYPE_CHECKING:
    from ..backup.item_state import Folder
    from ..graph.client import GraphClient
    from .choice import Choice

_ROOT = "msgfolderroot"
_DELETED = "deleteditems"
#: Graph takes no folder without a name; mailboxes have them.
_NAMELESS = "(no name)"


class FolderMaker:
    """Folders by their path of names below the root of a mailbox, each looked for and made once."""

    def __init__(self, client: GraphClient, user: UserId) -> None:
        self._client = client
        self._user = user
        self._known: dict[tuple[str, str], FolderId] = {}

    def child(self, parent: FolderId | str, name: str, *, make: bool, is_hidden: bool = False) -> FolderId | None:
        name = name.strip() or _NAMELESS
        key = (parent, name.casefold())
        if key not in self._known:
            if make:
                found: FolderId | None = create_folder(self._client, self._user, parent, name, is_hidden=is_hidden).id
            else:
                found = find_folder(self._client, self._user, parent, name)
            if found is None:
                return None
            self._known[key] = found
        return self._known[key]

    def path(self, names: t.Iterable[str], *, make: bool) -> FolderId | None:
        place: FolderId | str = _ROOT
        for name in names:
            found = self.child(place, name, make=make)
            if found is None:
                return None
            place = found
        return FolderId(place)


class OriginalFolders:
    """The folder that a message came from: by its id, which never changes, in the mailbox of the backup; else by its
    well-known role, whatever the language of the mailbox; else by its name in its parent.

    A folder that was deleted is made anew: nobody looks for restored mail among the deleted items. Nothing can be created
    among the recoverable items, so they go into a folder of their own that everybody sees.
    """

    def __init__(self, client: GraphClient, user: UserId, choice: Choice, maker: FolderMaker) -> None:
        self._client = client
        self._user = user
        self._folders = choice.state.folders
        self._aliases = {folder_id: alias for alias, folder_id in choice.state.facts.well_known.items()}
        self._is_own_mailbox = choice.member.id == user
        self._maker = maker
        self._recoverable = recoverable_ids(choice.state)
        self._known: dict[str, FolderId] = {}
        self._deleted: FolderId | None = None

    def place_of(self, folder: Folder, *, make: bool) -> FolderId | None:
        if folder.id not in self._known:
            there = None if folder.id in self._recoverable else self._by_id(folder) or self._by_role(folder)
            found = there or self._by_name(folder, make=make)
            if found is None:
                return None
            self._known[folder.id] = found
        return self._known[folder.id]

    def _by_id(self, folder: Folder) -> FolderId | None:
        there = self._read(folder.id) if self._is_own_mailbox else None
        if there is None or (self._is_deleted(there) and not self._was_deleted(folder)):
            return None
        return there.id

    def _by_role(self, folder: Folder) -> FolderId | None:
        alias = self._aliases.get(folder.id)
        there = None if alias is None else self._read(alias)
        return None if there is None else there.id

    def _by_name(self, folder: Folder, *, make: bool) -> FolderId | None:
        parent = self._folders.get(folder.parent or "")
        place: FolderId | str | None = _ROOT if parent is None else self.place_of(parent, make=make)
        if place is None:
            return None
        is_hidden = folder.is_hidden and folder.id not in self._recoverable
        return self._maker.child(place, folder.name, make=make, is_hidden=is_hidden)

    def _is_deleted(self, there: MailFolder) -> bool:
        if self._deleted is None:
            deleted = self._read(_DELETED)
            self._deleted = FolderId("") if deleted is None else deleted.id
        seen: set[str] = set()
        parent = there.parent_id
        while parent is not None and parent not in seen:
            if parent == self._deleted:
                return True
            seen.add(parent)
            above = self._read(parent)
            parent = None if above is None else above.parent_id
        return False

    def _was_deleted(self, folder: Folder) -> bool:
        seen: set[str] = set()
        parent: str | None = folder.parent
        while parent and parent not in seen:
            if self._aliases.get(parent) == _DELETED:
                return True
            seen.add(parent)
            above = self._folders.get(parent)
            parent = None if above is None else above.parent
        return False

    def _read(self, key: str) -> MailFolder | None:
        try:
            return read_folder(self._client, self._user, key)
        except (NotFound, RequestRefused):
            # Refused: what a damaged backup calls a folder need not be an id.
            return None
