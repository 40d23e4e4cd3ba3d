# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages back into a mailbox: folders as they were, and what is refused spoils nothing else."""

from __future__ import annotations

import dataclasses
import json
import types
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter import ItemFilter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.clouds import CLOUDS
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import AuthenticationFailed
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limiter import Limiter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.requester import Requester
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.traffic import Meter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.transport import Incoming, Outgoing
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.choice import choose
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.conflict import Policy
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.engine import MailboxTarget, check_policy, restore_to_mailbox
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.mail_writer import _INLINE_BYTES, _split
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.message_payload import Attachment
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.results import RestoreResult
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.snapshot_choice import choose_snapshot
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.groups import Group, mailbox, member
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.graph.fakes import Answer, FakeClock, FakeTokens, refusal
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.restore.said import nothing_said

ANNA = member("anna")


@pytest.fixture(scope="module")
def group() -> Group:
    group = Group()
    box = mailbox("a1")
    box.folders["sub"] = ("Sub / 2026", "in")
    box.put("a2", "sub", isRead=True)
    box.put("a3", "in")
    group.run([ANNA], anna=box)
    return group


class Receiver:
    """A mailbox that takes folders and messages, and remembers them; ids are names. Refuses the subjects it is told to."""

    def __init__(self, **refused: Answer) -> None:
        self.folders: list[tuple[str, str]] = []
        self.messages: dict[str, dict[str, t.Any]] = {}
        self.asked: list[str] = []
        self._refused = refused
        clock, meter = FakeClock(), Meter()
        requester = Requester(self, FakeTokens(), Limiter(clock), meter=meter, clock=clock, random=lambda: 1.0)
        self.client = GraphClient(CLOUDS["global"], requester, meter)

    def send(self, request: Outgoing) -> Incoming:
        parent, kind = request.target.partition("?")[0].removeprefix("/v1.0/users/ben/mailFolders/").split("/")
        self.asked.append(f"{request.method} {kind}")
        if request.method == "GET":
            return Answer(200, {"value": []}).incoming(request.host)
        body = json.loads(request.body or b"")
        if kind == "childFolders":
            self.folders.append((parent, body["displayName"]))
            return Answer(201, {"id": body["displayName"].split()[0]}).incoming(request.host)
        if body["subject"] in self._refused:
            return self._refused[body["subject"]].incoming(request.host)
        self.messages[body["subject"]] = {**body, "folder": parent}
        return Answer(201, {"id": body["subject"]}).incoming(request.host)

    def close(self) -> None:
        pass


def restored(group: Group, receiver: Receiver, *, is_check: bool = False) -> RestoreResult:
    repository = group.place.reopen()
    choice = choose(repository, choose_snapshot(repository, "sales", "latest"), "anna", "mail", None)
    target = MailboxTarget(user=UserId("ben"), principal_name="ben@x.example", top="Restored", policy=Policy.SKIP)
    return restore_to_mailbox(
        repository, [choice], ItemFilter(), receiver.client, target, plan="sales", now=lambda: 0.0, sifter=nothing_said(), is_check=is_check
    )


def test_folders_are_made_below_the_top_once_and_messages_in_them(group: Group) -> None:
    receiver = Receiver()
    result = restored(group, receiver)
    assert (result.restored, result.findings) == (3, [])
    assert receiver.folders == [("msgfolderroot", "Restored"), ("Restored", "Inbox"), ("Inbox", "Sub / 2026")]
    assert {name: (body["folder"], body["isRead"]) for name, body in receiver.messages.items()} == {
        "a1": ("Inbox", False),
        "a2": ("Sub", True),
        "a3": ("Inbox", False),
    }


def test_a_refused_message_is_a_finding_and_the_others_are_restored(group: Group) -> None:
    receiver = Receiver(a2=refusal(400, "ErrorInvalidRecipients"))
    result = restored(group, receiver)
    assert (result.restored, set(receiver.messages)) == (2, {"a1", "a3"})
    assert [(finding.object, finding.code) for finding in result.findings] == [("message a2", "ErrorInvalidRecipients")]


def test_an_error_of_the_whole_mailbox_ends_its_source_and_says_how_far_it_came(group: Group) -> None:
    result = restored(group, Receiver(a2=refusal(403, "ErrorAccessDenied")))
    [finding] = result.findings
    assert (finding.object, finding.code) == ("mail", "ErrorAccessDenied")
    assert "stopped after" in finding.reason
    assert "Mail.ReadWrite" in finding.reason
    assert result.sources["mail"].is_stopped


def test_a_login_that_is_refused_ends_everything(group: Group) -> None:
    with pytest.raises(AuthenticationFailed):
        restored(group, Receiver(a2=refusal(401, "InvalidAuthenticationToken")))


def test_inv09_check_mode_only_asks_and_counts_the_same(group: Group) -> None:
    receiver = Receiver()
    predicted = restored(group, receiver, is_check=True)
    assert {asked.partition(" ")[0] for asked in receiver.asked} == {"GET"}
    assert predicted.as_dict() == restored(group, receiver).as_dict()
    assert (predicted.estimate.items, predicted.estimate.requests) == (3, 3)


@pytest.mark.parametrize("policy", [Policy.COPY, Policy.REPLACE])
def test_archived_items_cannot_be_doubled_or_replaced_where_they_were(policy: Policy) -> None:
    choice: t.Any = types.SimpleNamespace(source="archive")
    target = MailboxTarget(user=UserId("ben"), principal_name="ben", top=None, policy=policy)
    with pytest.raises(InputError, match="cannot be copied or replaced"):
        check_policy([choice], target)
    check_policy([choice], dataclasses.replace(target, policy=Policy.SKIP))
    check_policy([choice], dataclasses.replace(target, top="Restored"))


@given(sizes=st.lists(st.integers(0, 3_000_000), max_size=6), body=st.integers(0, 4_000_000))
def test_what_goes_with_the_message_fits_into_one_request(sizes: list[int], body: int) -> None:
    blank = bytes(3_000_000)
    attachments = [Attachment(str(number), "x/y", blank[:size], is_inline=False, content_id=None) for number, size in enumerate(sizes)]
    inline, later = _split(attachments, body)
    assert sorted([*inline, *later], key=lambda one: int(one.name)) == attachments
    assert not inline or sum(len(one.content) for one in inline) + body <= _INLINE_BYTES
