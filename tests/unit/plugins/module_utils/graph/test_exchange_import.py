# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Import sessions: whom they are asked for, how long they are used, and what goes to their address."""

from __future__ import annotations

import base64
import json
import typing as t
from datetime import datetime, timezone

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.clouds import CLOUDS
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import (
    AmbiguousOutcome,
    Conflict,
    LinkRefused,
    RequestRefused,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.exchange_import import ImportMailbox
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.exchange_redirects import ExchangeMailbox, MailboxId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import FolderId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limiter import Limiter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limits import LimitScope
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.requester import Requester
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.traffic import Meter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.transport import Incoming, Outgoing
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.graph.fakes import Answer, FakeClock, FakeTokens, refusal

HOST = "outlook.office365.com"
FOLDER = FolderId("folder")


class Service:
    """Opens sessions that live so many seconds, and answers imports from a script; with an item when that is at its end."""

    def __init__(self, *script: Answer, lives: float = 3600.0, host: str = HOST) -> None:
        self.sessions: list[str] = []
        self.imports: list[Outgoing] = []
        self._script = list(script)
        self._lives = lives
        self._host = host
        self.now = 1_790_000_000.0
        clock, meter = FakeClock(), Meter()
        requester = Requester(self, FakeTokens(), Limiter(clock), meter=meter, clock=clock, random=lambda: 1.0)
        client = GraphClient(CLOUDS["global"], requester, meter)
        mailbox = ExchangeMailbox(client, MailboxId("MBX:main@t"))
        self.mailbox = ImportMailbox(mailbox, LimitScope.mailbox("anna"), lambda: self.now)

    def send(self, request: Outgoing) -> Incoming:
        if request.target.endswith("/createImportSession"):
            assert "Authorization" in request.headers
            self.sessions.append(request.target.split("/")[5])
            expires = datetime.fromtimestamp(self.now + self._lives, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.0000006Z")
            link = f"https://{self._host}/api/gv1.0/importItem?authtoken={len(self.sessions)}"
            return Answer(200, {"importUrl": link, "expirationDateTime": expires}).incoming(request.host)
        self.imports.append(request)
        answer = self._script.pop(0) if self._script else Answer(200, {"itemId": "i", "changeKey": "c"})
        return answer.incoming(request.host)

    def close(self) -> None:
        pass


def wrong_mailbox(mailbox: str) -> Answer:
    return Answer(409, {"Message": f"Invalid import session. The target session is expected in mailbox {mailbox}."})


def test_one_session_serves_many_items_and_its_address_never_sees_a_token() -> None:
    service = Service()
    for number in range(3):
        service.mailbox.import_item(FOLDER, bytes([number]))
    assert len(service.sessions) == 1
    assert {request.host for request in service.imports} == {HOST}
    assert not any("authorization" in {name.lower() for name in request.headers} for request in service.imports)
    bodies = [json.loads(request.body or b"") for request in service.imports]
    assert bodies[1] == {"FolderId": "folder", "Mode": "create", "Data": base64.b64encode(b"\x01").decode()}


@pytest.mark.parametrize(("passes", "sessions"), [(3200.0, 1), (3400.0, 2)])
def test_a_session_is_renewed_before_it_expires(passes: float, sessions: int) -> None:
    service = Service()
    service.mailbox.import_item(FOLDER, b"1")
    service.now += passes
    # The second session lives as long as the first one, so the third item needs no other.
    service.mailbox.import_item(FOLDER, b"2")
    service.mailbox.import_item(FOLDER, b"3")
    assert len(service.sessions) == sessions


@pytest.mark.parametrize("status", [401, 403])
def test_a_session_that_is_refused_is_replaced_once(status: int) -> None:
    service = Service(refusal(status, "ErrorAccessDenied"))
    service.mailbox.import_item(FOLDER, b"1")
    assert (len(service.sessions), len(service.imports)) == (2, 2)
    stubborn = Service(refusal(status, "ErrorAccessDenied"), refusal(status, "ErrorAccessDenied"))
    with pytest.raises(RequestRefused):
        stubborn.mailbox.import_item(FOLDER, b"1")


def test_the_mailbox_that_a_refusal_names_is_used_from_then_on() -> None:
    service = Service(wrong_mailbox("MBX:aux@t"))
    service.mailbox.import_item(FOLDER, b"1")
    service.mailbox.import_item(FOLDER, b"2")
    assert service.sessions == ["MBX:main@t".replace(":", "%3A"), "MBX:aux@t".replace(":", "%3A")]
    assert len(service.imports) == 3


@pytest.mark.parametrize(
    "answers",
    [["MBX:main@t"], ["MBX:a@t", "MBX:b@t", "MBX:a@t"], ["somewhere else"], ["MBX:../../users/x"]],
    ids=lambda answers: answers[0],
)
def test_mailboxes_that_name_one_another_or_nothing_are_given_up(answers: list[str]) -> None:
    with pytest.raises(Conflict):
        Service(*map(wrong_mailbox, answers)).mailbox.import_item(FOLDER, b"1")


def test_a_lost_answer_is_not_repeated() -> None:
    service = Service(Answer(503))
    with pytest.raises(AmbiguousOutcome):
        service.mailbox.import_item(FOLDER, b"1")
    assert len(service.imports) == 1


@pytest.mark.parametrize("host", ["evil.example", "outlook.office365.com.evil.example", "graph.microsoft.com@evil.example"])
def test_an_address_elsewhere_gets_nothing_and_is_never_shown(host: str) -> None:
    service = Service(host=host)
    with pytest.raises(LinkRefused) as refused:
        service.mailbox.import_item(FOLDER, b"1")
    assert service.imports == []
    assert "authtoken" not in str(refused.value)


def test_errors_never_show_the_address_of_a_session() -> None:
    service = Service(refusal(400, "ErrorCorruptData"))
    with pytest.raises(Exception, match="ErrorCorruptData") as failed:
        service.mailbox.import_item(FOLDER, b"1")
    assert "authtoken" not in f"{failed.value} {t.cast('t.Any', failed.value).facts}"
