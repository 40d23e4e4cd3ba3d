# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mailboxes behind a client: answers to what a backup asks, without a network and without time passing."""

from __future__ import annotations

import dataclasses
import typing as t
import urllib.parse

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.clouds import CLOUDS
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limiter import Limiter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.requester import Requester
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.traffic import Meter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.transport import Incoming, Outgoing
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.mail_fields import FULL, Fields
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.graph.fakes import Answer, FakeClock, FakeTokens, refusal

GONE = {"@removed": {"reason": "deleted"}}


@dataclasses.dataclass
class Mailbox:
    """What is in it now, and what its deltas say to somebody who comes with a cursor.

    ``said`` has the entries for the folder list under the key "", for the messages of a folder under its id; an
    L(Answer) there is given as it is. ``refusal`` is the answer to everything.
    """

    folders: dict[str, tuple[str, str | None]] = dataclasses.field(default_factory=dict)
    messages: dict[str, Fields] = dataclasses.field(default_factory=dict)
    said: dict[str, list[Fields] | Answer] = dataclasses.field(default_factory=dict)
    unreadable: dict[str, Answer] = dataclasses.field(default_factory=dict)
    refusal: Answer | None = None

    def put(self, message: str, folder: str, **fields: t.Any) -> Fields:
        """Put a message into a folder, or change it; its entry in a delta comes back."""
        before = self.messages.get(message, FULL)
        entry = {**before, "id": message, "parentFolderId": folder, "subject": message, **fields}
        self.messages[message] = entry
        return entry

    def mime(self, message: str) -> bytes:
        return f"Subject: {self.messages[message]['subject']}\r\n\r\nBody of {message}\r\n".encode()


class MailboxService:
    """Answers for the mailboxes of some users. ``reads`` lists the messages whose content was asked for."""

    def __init__(self, **mailboxes: Mailbox) -> None:
        self.mailboxes = mailboxes
        self.reads: list[str] = []
        clock, meter = FakeClock(), Meter()
        requester = Requester(self, FakeTokens(), Limiter(clock), meter=meter, clock=clock, random=lambda: 1.0)
        self.client = GraphClient(CLOUDS["global"], requester, meter)

    def send(self, request: Outgoing) -> Incoming:
        return self._answer(request.target).incoming(request.host)

    def close(self) -> None:
        pass

    def _answer(self, target: str) -> Answer:
        path, _unused, query = target.partition("?")
        _unused, _version, _users, user, *rest = [urllib.parse.unquote(part) for part in path.split("/")]
        mailbox = self.mailboxes.get(user)
        if mailbox is None:
            return refusal(404, "MailboxNotEnabledForRESTAPI")
        if mailbox.refusal is not None:
            return mailbox.refusal
        if rest[-1] == "delta":
            key = rest[1] if len(rest) == 4 else ""
            return _round(mailbox, key, path, has_cursor="deltatoken" in query)
        if rest == ["mailFolders"] or rest[-1] == "childFolders":
            return _children(mailbox, rest[1] if len(rest) > 1 else None)
        if rest[0] == "mailFolders":
            return _one(mailbox.folders.keys(), rest[1], lambda: _folder(mailbox, rest[1]))
        if rest[-1] == "$value":
            self.reads.append(rest[1])
            return mailbox.unreadable.get(rest[1]) or _one(mailbox.messages.keys(), rest[1], lambda: mailbox.mime(rest[1]))
        return _one(mailbox.messages.keys(), rest[1], lambda: mailbox.messages[rest[1]])


def _round(mailbox: Mailbox, key: str, path: str, *, has_cursor: bool) -> Answer:
    if key and key not in mailbox.folders:
        return refusal(404, "ErrorItemNotFound")
    entries: list[Fields] | Answer
    if has_cursor:
        entries = mailbox.said.get(key, [])
    elif key:
        entries = [fields for fields in mailbox.messages.values() if fields["parentFolderId"] == key]
    else:
        entries = [_folder(mailbox, folder) for folder in mailbox.folders]
    if isinstance(entries, Answer):
        return entries
    return Answer(200, {"value": entries, "@odata.deltaLink": f"https://graph.microsoft.com{path}?$deltatoken=1"})


def _children(mailbox: Mailbox, parent: str | None) -> Answer:
    return Answer(200, {"value": [_folder(mailbox, key) for key, (_name, above) in mailbox.folders.items() if above == parent]})


def _folder(mailbox: Mailbox, folder: str) -> Fields:
    name, parent = mailbox.folders[folder]
    return {"id": folder, "displayName": name, "parentFolderId": parent}


def _one(known: t.Collection[str], key: str, body: t.Callable[[], object]) -> Answer:
    return Answer(200, body()) if key in known else refusal(404, "ErrorItemNotFound")
