# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the settings of one member's mailbox: three small files in one folder, asked for as a whole at every run.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from .._errors import BackupError
from ..graph.delta import Changed, Page
from ..graph.errors import AccessDenied
from ..graph.ids import Cursor, UserId
from ..graph.mailbox_settings import list_categories, list_rules, read_mailbox_settings
from ..repository.types import TreeId
from .catalogue import Record
from .folder_places import FolderRound, SeenFolder, placed_folders
from .item_decide import digest
from .item_failures import MAYBE_ALL, ONE_OBJECT
from .item_reader import preview_items, read_items
from .item_source import Document, Found, ItemSource
from .item_state import ItemState
from .layout import SETTINGS
from .source_read import SourcePreview, SourceRead

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..repository.repository import Repository
    from ..repository.writer import Writer
    from .contents import Contents

MAILBOX_SETTINGS = "mailboxSettings"
RULES = "rules"
CATEGORIES = "categories"
#: What each is called in lists of items.
TITLES = {MAILBOX_SETTINGS: "Mailbox settings", RULES: "Inbox rules", CATEGORIES: "Categories"}


def read_settings(
    client: GraphClient,
    user: UserId,
    writer: Writer,
    base: TreeId | None,
    *,
    now: datetime,
    offer: t.Callable[[TreeId], None],
    contents: Contents | None = None,
) -> SourceRead:
    """Bring the tree of a mailbox's settings up to date.

    Raises BackupError when none of them can be read.
    """
    del offer
    return read_items(SettingsSource(client, user), writer, base, now=now, contents=contents)


def preview_settings(client: GraphClient, user: UserId, store: Repository | Writer, base: TreeId | None, *, now: datetime) -> SourcePreview:
    """What L(read_settings) would do. Writes nothing."""
    return preview_items(SettingsSource(client, user), store, base, now=now)


class SettingsSource(ItemSource):
    """One folder that lies at the root of the source, and three items. One of them may be refused while others are not."""

    word = "setting"
    is_scanned = False
    item_errors = (*ONE_OBJECT, AccessDenied)
    sick_kinds = (*MAYBE_ALL, AccessDenied)
    sick_after = len(TITLES)

    def __init__(self, client: GraphClient, user: UserId) -> None:
        self._client = client
        self._user = user
        self._answers: dict[str, Document | BackupError] = {}

    def folders(self, state: ItemState) -> FolderRound:
        placed, following = placed_folders([SeenFolder(SETTINGS, SETTINGS)], state)
        at_root = {folder_id: dataclasses.replace(folder, path=()) for folder_id, folder in placed.items()}
        return FolderRound(at_root, None, following, {}, ())

    def changes(self, folder_id: str, cursor: Cursor | None) -> t.Iterator[Page]:
        """Everything is asked for. The cursor has the digests of the answers, so that it tells what is no news."""
        del folder_id
        self._ask()
        before = json.loads(cursor or "{}")
        after = {name: digest(answer) for name, answer in self._answers.items() if not isinstance(answer, BackupError)}
        changed = tuple(Changed(name, {}) for name in TITLES if name not in after or before.get(name) != after[name])
        yield Page(changed, Cursor(json.dumps(after)))

    def listing(self, folder_id: str) -> t.Iterator[Page]:
        return self.changes(folder_id, None)

    def look(self, item_id: str, folder_ids: t.Sequence[str]) -> Found:
        del folder_ids
        answer = self._answers[item_id]
        if isinstance(answer, BackupError):
            raise answer
        return Found(id=item_id, folder_id=SETTINGS, document=answer)

    def record(self, found: Found) -> Record:
        return {"subject": TITLES[found.id], "purpose": found.document.get("userPurpose")}

    def file(self, record: Record) -> str:
        return f"{record['id']}.json"

    def _ask(self) -> None:
        with ThreadPoolExecutor(len(TITLES), thread_name_prefix="setting") as pool:
            asked = {name: pool.submit(self._read, name) for name in TITLES}
        for name, answer in asked.items():
            try:
                self._answers[name] = dict(answer.result())
            except self.item_errors as error:
                self._answers[name] = error

    def _read(self, item_id: str) -> t.Mapping[str, t.Any]:
        if item_id == MAILBOX_SETTINGS:
            return read_mailbox_settings(self._client, self._user)
        if item_id == RULES:
            return {"value": list_rules(self._client, self._user)}
        return {"value": list_categories(self._client, self._user)}
