# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever happens in a mailbox, and whenever a client asks: who follows delta as documented ends with the truth."""

from __future__ import annotations

import asyncio
import json
import typing as t
from urllib.parse import urlsplit

import hypothesis
from hypothesis import strategies

from tenant.bodies import StoredBody
from tenant.call import Call, read_query, read_segments
from tenant.control_directory import DirectoryControl
from tenant.mail_items import now
from tenant.service import Service
from tenant.state import Tenant
from tenant.tokens import App

if t.TYPE_CHECKING:
    from tenant.mail_items import Folder

FOLDERS = ("inbox", "archive")
SHARED = Tenant()
APP = App("app")
TOKEN = SHARED.tokens.issue(APP, "graph.microsoft.com", "login.microsoftonline.com")


class Follower:
    """A client that knows a folder only by its delta pages."""

    def __init__(self, service: Service, user: str, folder: Folder, *, immutable: bool) -> None:
        self._service = service
        self._immutable = immutable
        self._link = f"https://graph.microsoft.com/v1.0/users/{user}/mailFolders/{folder.id}/messages/delta?$select=isRead,flag"
        self.known: dict[str, dict[str, t.Any]] = {}

    def take_page(self, size: int) -> bool:
        """Follows one link; says whether the round is over."""
        place = urlsplit(self._link)
        segments = read_segments(place.path)
        headers = {"authorization": f"Bearer {TOKEN}"}
        call = Call(
            "GET",
            place.netloc,
            "v1.0",
            segments,
            read_query(place.query),
            headers,
            b"",
            "id",
            immutable_ids=self._immutable,
            max_page_size=size,
        )
        ticket = self._service.begin(call)
        answer = asyncio.run(self._service.run(ticket))
        self._service.finish(ticket, answer, 0)
        assert answer.status == 200, answer.body
        assert isinstance(answer.body, bytes)
        page = json.loads(answer.body)
        for entry in page["value"]:
            if "@removed" in entry:
                self.known.pop(entry["id"], None)
            else:
                marks = {name: entry[name] for name in ("isRead", "flag") if name in entry}
                self.known[entry["id"]] = {**self.known.get(entry["id"], {}), **marks}
        self._link = page.get("@odata.deltaLink") or page["@odata.nextLink"]
        return "@odata.deltaLink" in page

    def take_round(self, size: int) -> None:
        assert any(self.take_page(size) for _page in range(200)), "the round does not end"


ACTIONS = ("deliver", "move", "move", "remove", "read", "flag", "page", "round")
STEP = strategies.tuples(strategies.sampled_from(ACTIONS), strategies.integers(0, 3), strategies.integers(1, 4))


BACK_WITHIN_A_ROUND = [
    ("page", 0, 1),
    ("deliver", 0, 1),
    ("deliver", 0, 1),
    ("page", 0, 1),
    ("move", 1, 2),
    ("page", 0, 1),
    ("move", 1, 2),
]
BACK_BEFORE_ITS_END_IS_TOLD = [
    ("deliver", 0, 1),
    ("deliver", 0, 1),
    ("round", 0, 3),
    ("flag", 1, 1),
    ("move", 0, 1),
    ("page", 0, 1),
    ("move", 0, 2),
]


@hypothesis.settings(max_examples=300)
@hypothesis.given(steps=strategies.lists(STEP, max_size=40), immutable=strategies.booleans())
@hypothesis.example(steps=BACK_WITHIN_A_ROUND, immutable=False)
@hypothesis.example(steps=BACK_BEFORE_ITS_END_IS_TOLD, immutable=False)
def test_who_follows_delta_knows_every_folder(steps: list[tuple[str, int, int]], immutable: bool) -> None:
    SHARED.reset()
    SHARED.limiter.limits.requests = None
    user = DirectoryControl(SHARED).add_user("a@contoso.com")
    mailbox = SHARED.mailboxes[user]
    service = Service(SHARED)
    folders = [mailbox.aliases[alias] for alias in FOLDERS]
    followers = [Follower(service, user, folder, immutable=immutable) for folder in folders]
    for action, choice, size in steps:
        messages = list(mailbox.messages.values())
        if action == "deliver":
            mailbox.add_message(folders[choice % 2], StoredBody(b""), now())
        elif action == "page":
            followers[choice % 2].take_page(size)
        elif action == "round":
            followers[choice % 2].take_round(size)
        elif messages:
            message = messages[choice % len(messages)]
            if action == "move":
                mailbox.move(message, folders[size % 2])
            elif action == "remove":
                mailbox.remove(message)
            elif action == "read":
                mailbox.set_read(message, not message.is_read)
            else:
                message.flagged = not message.flagged
                mailbox.touch(message)
    for folder, follower in zip(folders, followers, strict=True):
        for _round in range(2):  # the first may finish an old round, the second tells the rest
            follower.take_round(3)
        truth = {
            mailbox.message_id(message, immutable=immutable): {
                "isRead": message.is_read,
                "flag": {"flagStatus": "flagged" if message.flagged else "notFlagged"},
            }
            for message in folder.messages.values()
        }
        assert follower.known == truth
