# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the contacts of one member.

Each folder's delta names what changed; every such contact is read with its extended properties and its photo, which is
part of the contact and moves its change key. The tree of folders is walked when their own delta names one of them.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from datetime import datetime

from ..graph.contacts import (
    DEFAULT_FOLDER,
    contact_changes,
    contact_folder_changes,
    default_folder,
    list_contact_folders,
    list_contacts,
    read_contact,
    read_photo,
)
from ..graph.errors import BadAnswer, CursorLost, DeltaUnavailable, ItemUnreadable, NotFound, RequestRefused, ServiceUnavailable
from ..graph.ids import ContactId, Cursor, FolderId, UserId
from ..repository.types import TreeId
from .catalogue import Record
from .contacts_record import contact_file, contact_record, photo_type
from .folder_places import FolderRound, SeenFolder, placed_folders
from .item_fields import parse_time
from .item_parts import Parts
from .item_reader import preview_items, read_items
from .item_source import Found, ItemSource
from .item_state import ItemState
from .source_read import SourcePreview, SourceRead

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..graph.delta import Page
    from ..repository.repository import Repository
    from ..repository.writer import Writer
    from .contents import Contents

_LEFT_OUT = "personal distribution lists (Microsoft Graph does not hand them out)"


def read_contacts(
    client: GraphClient,
    user: UserId,
    writer: Writer,
    base: TreeId | None,
    *,
    now: datetime,
    offer: t.Callable[[TreeId], None],
    contents: Contents | None = None,
) -> SourceRead:
    """Bring the tree of a member's contacts up to date.

    Raises BackupError when the contacts as a whole cannot be read.
    """
    del offer
    return read_items(ContactsSource(client, user), writer, base, now=now, contents=contents)


def preview_contacts(client: GraphClient, user: UserId, store: Repository | Writer, base: TreeId | None, *, now: datetime) -> SourcePreview:
    """What L(read_contacts) would do. Writes nothing."""
    return preview_items(ContactsSource(client, user), store, base, now=now)


class ContactsSource(ItemSource):
    """Contact folders as folders, contacts as items."""

    word = "contact"

    def __init__(self, client: GraphClient, user: UserId) -> None:
        self._client = client
        self._user = user

    def folders(self, state: ItemState) -> FolderRound:
        before = state.facts.cursor
        following, is_changed = self._hear_folders(before)
        if is_changed or not state.folders:
            seen = self._walk()
        else:
            seen = [SeenFolder(folder.id, folder.name, folder.parent) for folder in state.folders.values()]
        placed, number = placed_folders(seen, state)
        default = next((folder.id for folder in seen if folder.parent is None), "")
        facts = {DEFAULT_FOLDER: state.facts.well_known.get(DEFAULT_FOLDER) or default}
        is_due = following is not None and (before is None or is_changed)
        return FolderRound(placed, following, number, facts, (), is_due=is_due)

    def changes(self, folder_id: str, cursor: Cursor | None) -> t.Iterator[Page]:
        return contact_changes(self._client, self._user, FolderId(folder_id), cursor)

    def listing(self, folder_id: str) -> t.Iterator[Page]:
        return list_contacts(self._client, self._user, FolderId(folder_id))

    def key(self, fields: t.Mapping[str, t.Any]) -> str:
        return str(fields.get("changeKey") or "")

    def look(self, item_id: str, folder_ids: t.Sequence[str]) -> Found:
        document = dict(read_contact(self._client, self._user, ContactId(item_id)))
        return Found(id=item_id, folder_id=str(document.get("parentFolderId") or next(iter(folder_ids), "")), document=document)

    def record(self, found: Found) -> Record:
        return contact_record(found.document)

    def file(self, record: Record) -> str:
        return contact_file(record)

    def attach(self, found: Found, parts: Parts) -> None:
        contact_id = ContactId(str(found.document["id"]))
        try:
            with read_photo(self._client, self._user, contact_id) as body:
                content = b"".join(body.chunks())
        except NotFound:
            return
        except (BadAnswer, ItemUnreadable, RequestRefused) as error:
            parts.fail("photo", error)
            return
        content_type, suffix = photo_type(content)
        modified = parse_time(found.document.get("lastModifiedDateTime"))
        parts.add("photo", f"photo{suffix}", [content], key="photo", modified=modified, facts={"type": content_type})

    def left_out(self) -> tuple[str, ...]:
        return (_LEFT_OUT,)

    def _hear_folders(self, before: str | None) -> tuple[str | None, bool]:
        """The cursor for the next time, and whether the folders have to be walked."""
        try:
            if before is not None:
                try:
                    return self._round(Cursor(before))
                except CursorLost:
                    pass
            following, _is_changed = self._round(None)
        except (BadAnswer, CursorLost, DeltaUnavailable, NotFound, RequestRefused, ServiceUnavailable):
            return None, True
        return following, True

    def _round(self, cursor: Cursor | None) -> tuple[str | None, bool]:
        following, is_changed = None, False
        for page in contact_folder_changes(self._client, self._user, cursor):
            following = page.cursor or following
            is_changed = is_changed or bool(page.entries)
        return following, is_changed

    def _walk(self) -> list[SeenFolder]:
        default = default_folder(self._client, self._user)
        below = [folder for folder in list_contact_folders(self._client, self._user) if folder.id != default.id]
        return [SeenFolder(folder.id, folder.name, folder.parent_id) for folder in (default, *below)]
