# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses of the import/export API, and an archive to try it on."""

from __future__ import annotations

import base64
import dataclasses
import json
import typing as t
from urllib.parse import quote

from tenant.fts import read_stream

if t.TYPE_CHECKING:
    from tenant_tests.support import Client, Reply

    from tenant.control import ControlClient
    from tenant.fts import MapiMessage

BETA = "https://graph.microsoft.com/beta/admin/exchange/mailboxes/"
V1 = "/admin/exchange/mailboxes/"
MAIL = (
    b"From: Bob <bob@example.com>\r\nTo: Adele <adele.vance@contoso.com>\r\nSubject: %s\r\n"
    b"Date: Mon, 02 Mar 2026 10:00:00 +0000\r\n\r\nHello\r\n"
)


@dataclasses.dataclass(frozen=True)
class Archive:
    """Adele's archive with one folder of three messages, and her primary, by their mailbox ids."""

    client: Client
    control: ControlClient
    user: str
    archive: str
    auxiliary: str
    primary: str

    def folder(self, name: str = "Old mail", mailbox: str | None = None) -> str:
        """The id of a folder by name."""
        return next(str(folder["id"]) for folder in self.control.exchange_folders(mailbox or self.archive) if folder["name"] == name)

    def items(self, folder: str = "Old mail", mailbox: str | None = None, **options: str) -> list[dict[str, t.Any]]:
        """Items of a folder as the beta lists them; options are query options."""
        return self.client.all(self.items_link(folder, mailbox, **options))

    def items_link(self, folder: str = "Old mail", mailbox: str | None = None, **options: str) -> str:
        query = "&".join(f"${name}={quote(value, safe='')}" for name, value in options.items())
        return f"{BETA}{mailbox or self.archive}/folders/{self.folder(folder, mailbox)}/items" + (f"?{query}" if query else "")

    def export(self, ids: list[str], mailbox: str | None = None) -> Reply:
        return self.client.call("POST", f"{V1}{mailbox or self.archive}/exportItems", {"itemIds": ids})

    def exported(self, item: str, mailbox: str | None = None) -> bytes:
        (entry,) = self.export([item], mailbox).json()["value"]
        return base64.b64decode(entry["data"])

    def message(self, item: str, mailbox: str | None = None) -> MapiMessage:
        return read_stream(self.exported(item, mailbox))

    def session(self, mailbox: str | None = None) -> str:
        """The address of a new import session."""
        return str(self.client.call("POST", f"{BETA}{mailbox or self.primary}/createImportSession").json()["importUrl"])

    def put(self, address: str, **values: t.Any) -> Reply:
        """What is posted to an import address: FolderId, Mode, Data (bytes), ItemId, ChangeKey."""
        if isinstance(values.get("Data"), bytes):
            values["Data"] = base64.b64encode(values["Data"]).decode()
        return self.client.raw("POST", address, json.dumps(values).encode(), {"Content-Type": "application/json"})


def make_archive(client: Client, control: ControlClient, user: str) -> Archive:
    ids = control.create_archive(user, auxiliaries=1)
    control.create_exchange_folder(ids["archive"], "Old mail")
    for number in range(3):
        control.deliver(ids["archive"], ["Old mail"], MAIL % f"Mail {number}".encode(), received=f"2026-03-0{number + 1}T10:00:00Z")
    return Archive(client, control, user, ids["archive"], ids["auxiliaries"][0], control.exchange_ids(user)["primary"])
