# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of the control client for archives and items of every kind; see L(control_exchange)."""

from __future__ import annotations

import base64
import datetime
import typing as t

from .control_connection import ControlConnection

if t.TYPE_CHECKING:
    from collections.abc import Sequence

FolderKey = str | t.Sequence[str]


class ExchangeControlClient(ControlConnection):
    """A mailbox is named by user (the primary) or by mailbox id; folders by alias, id, name or path."""

    def create_archive(self, user: str, *, auxiliaries: int = 0) -> dict[str, t.Any]:
        """Gives C({"archive": "MBX:...", "auxiliaries": [...]}); mail functions take these ids as mailboxes, too."""
        return dict(self._call("create_archive", user=user, auxiliaries=auxiliaries))

    def remove_archive(self, user: str) -> None:
        self._call("remove_archive", user=user)

    def exchange_ids(self, user: str) -> dict[str, t.Any]:
        """C({"primary", "archive", "auxiliaries"}); no archive: None."""
        return dict(self._call("exchange_ids", user=user))

    def create_exchange_folder(
        self, mailbox: str, name: str, *, parent: FolderKey = "msgfolderroot", folder_type: str = "IPF.Note", hidden: bool = False
    ) -> str:
        return str(
            self._call("create_exchange_folder", mailbox=mailbox, name=name, parent=_folder(parent), folder_type=folder_type, hidden=hidden)
        )

    def expand_folder(self, mailbox: str, folder: FolderKey, *, auxiliary: int = 1) -> str:
        """The folder stays in the main archive's tree, its content is read under the id that this gives."""
        return str(self._call("expand_folder", mailbox=mailbox, folder=_folder(folder), auxiliary=auxiliary))

    def add_item(
        self,
        mailbox: str,
        folder: FolderKey,
        kind: str,
        subject: str,
        text: str = "",
        *,
        moment: datetime.datetime | str | None = None,
        **facts: t.Any,
    ) -> str:
        """C(kind): message, appointment, contact, distribution_list, task, note, journal; C(attachment_size=n) adds a file."""
        when = moment.isoformat() if isinstance(moment, datetime.datetime) else moment
        return str(
            self._call("add_item", mailbox=mailbox, folder=_folder(folder), kind=kind, subject=subject, text=text, moment=when, facts=facts)
        )

    def put_stream(self, mailbox: str, folder: FolderKey, stream: bytes) -> str:
        """Puts an item from an export stream into a folder; gives its id in the import/export API."""
        return str(self._call("put_stream", mailbox=mailbox, folder=_folder(folder), stream={"$bytes": base64.b64encode(stream).decode()}))

    def stream(self, mailbox: str, item: str) -> bytes:
        return base64.b64decode(self._call("stream", mailbox=mailbox, item=item)["$bytes"])

    def exchange_items(self, mailbox: str, folder: FolderKey | None = None) -> list[dict[str, t.Any]]:
        """C(id), C(message_id) (for the mail functions), C(folder_path), C(type), C(subject), C(search_key), ... of each item."""
        return list(self._call("exchange_items", mailbox=mailbox, folder=None if folder is None else _folder(folder)))

    def exchange_folders(self, mailbox: str) -> list[dict[str, t.Any]]:
        return list(self._call("exchange_folders", mailbox=mailbox))

    def hold(self, mailbox: str, items: Sequence[str] | None = None, *, on: bool = True) -> None:
        self._call("hold", mailbox=mailbox, items=None if items is None else list(items), on=on)


def _folder(key: FolderKey) -> str | list[str]:
    return key if isinstance(key, str) else list(key)
