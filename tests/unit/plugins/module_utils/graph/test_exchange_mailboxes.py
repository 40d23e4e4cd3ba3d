# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding archives, following their redirects, and reading their folders."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import BadAnswer, LinkRefused, NotFound, RequestRefused
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.exchange_discovery import (
    ExchangeMailboxes,
    mailboxes_from,
    read_exchange_mailboxes,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.exchange_folders import (
    exchange_folder_from,
    list_exchange_folders,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.exchange_items import list_exchange_items
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.exchange_redirects import (
    BETA,
    MAX_HOPS,
    ExchangeMailbox,
    MailboxId,
    mailbox_path,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import FolderId, UserId
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.graph.fakes import Answer, Scene, refusal

PRIMARY, ARCHIVE = "MBX:e0643f21@a7809c93", "MBX:d0143f21@a7809c93"
BOTH = {"primaryMailboxId": PRIMARY, "inPlaceArchiveMailboxId": ARCHIVE}
FOUND = ExchangeMailboxes(MailboxId(PRIMARY), MailboxId(ARCHIVE))


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (BOTH, FOUND),
        ({"value": [BOTH]}, FOUND),
        ({"value": BOTH}, FOUND),
        ({"PrimaryMailboxId": PRIMARY, "InPlaceArchiveMailboxID": ARCHIVE}, FOUND),
        ({"primaryMailboxId": PRIMARY}, ExchangeMailboxes(MailboxId(PRIMARY))),
        ({"primaryMailboxId": PRIMARY, "inPlaceArchiveMailboxId": None}, ExchangeMailboxes(MailboxId(PRIMARY))),
        ({"inPlaceArchiveMailboxId": "MBX:00000000-0000-0000-0000-000000000000@a7809c93"}, ExchangeMailboxes()),
        ({"inPlaceArchiveMailboxId": "MBX:a/../../x"}, ExchangeMailboxes()),
        ({"inPlaceArchiveMailboxId": 7}, ExchangeMailboxes()),
        ({"value": []}, ExchangeMailboxes()),
        ({"value": ["x", None]}, ExchangeMailboxes()),
        ({}, ExchangeMailboxes()),
    ],
)
def test_mailboxes_are_read_from_every_shape(document: dict[str, t.Any], expected: ExchangeMailboxes) -> None:
    assert mailboxes_from(document) == expected


@pytest.mark.parametrize(
    "first", [Answer(200, {"primaryMailboxId": PRIMARY}), refusal(400, "BadRequest"), refusal(404, "ResourceNotFound")]
)
def test_beta_is_asked_unless_v1_names_an_archive(first: Answer) -> None:
    scene = Scene(first, Answer(200, BOTH))
    assert read_exchange_mailboxes(scene.client, UserId("anna")) == FOUND
    assert [request.target for request in scene.sender.requests] == [
        f"/{version}/users/anna/settings/exchange" for version in ("v1.0", "beta")
    ]


def test_no_archive_is_only_said_when_beta_says_so() -> None:
    scene = Scene(Answer(200, {"primaryMailboxId": PRIMARY}), refusal(400, "BadRequest"))
    with pytest.raises(RequestRefused):
        read_exchange_mailboxes(scene.client, UserId("anna"))


@pytest.mark.parametrize(
    ("path", "rest"),
    [
        ("/v1.0/admin/exchange/mailboxes/MBX:a@t/folders/F%2F1%3D/items?$top=1", ("folders", "F/1=", "items")),
        ("/BETA/Admin/Exchange/Mailboxes/MBX%3Aa@t", ()),
    ],
)
def test_paths_of_mailboxes_are_taken_apart(path: str, rest: tuple[str, ...]) -> None:
    found = mailbox_path(path)
    assert found is not None
    assert (found.mailbox, found.rest) == ("MBX:a@t", rest)


@pytest.mark.parametrize(
    "path",
    [
        "/v2.0/admin/exchange/mailboxes/MBX:a@t/folders",
        "/v1.0/users/anna/messages",
        "/v1.0/admin/exchange/mailboxes/",
        "/v1.0/admin/exchange/mailboxes/MBX:a@t/../../../users",
        "/v1.0/admin/exchange/mailboxes/MBX:a@t/folders//items",
        "/v1.0/admin/exchange/mailboxes/MBX:a%2Fb@t/folders",
        "/v1.0/admin/exchange/mailboxes/MBX:a%20b@t/folders",
        "x/v1.0/admin/exchange/mailboxes/MBX:a@t/folders",
    ],
)
def test_other_paths_are_none_of_mailboxes(path: str) -> None:
    assert mailbox_path(path) is None


def redirect(mailbox: str, rest: str = "folders/F/items", host: str = "https://graph.microsoft.com") -> Answer:
    return Answer(308, b"", headers={"Location": f"{host}/beta/admin/Exchange/Mailboxes/{mailbox}/{rest}"})


def archive_of(scene: Scene) -> ExchangeMailbox:
    mailbox = ExchangeMailbox(scene.client, MailboxId(ARCHIVE))
    mailbox.version = BETA
    return mailbox


def items_of(scene: Scene) -> list[str]:
    mailbox = archive_of(scene)
    return [entry.id for page in list_exchange_items(mailbox, FolderId("F"), None, page_size=9) for entry in page.entries]


def test_a_redirected_folder_is_read_where_it_is_and_found_there_next_time() -> None:
    page = Answer(200, {"value": [{"id": "i"}]})
    scene = Scene(redirect("MBX:aux@t"), page, page)
    mailbox = archive_of(scene)
    for _run in range(2):
        assert len(list(list_exchange_items(mailbox, FolderId("F"), None, page_size=9))) == 1
    targets = [request.target for request in scene.sender.requests]
    assert targets[1] == targets[2] != targets[0]
    # The address had no query; what was asked for stays what is asked for.
    assert [target.partition("?")[2] for target in targets] == [targets[0].partition("?")[2]] * 3
    assert mailbox.mailbox_of("F") == "MBX:aux@t"
    assert mailbox.mailbox_of("G") == ARCHIVE


@pytest.mark.parametrize(
    "answer",
    [
        redirect("MBX:aux@t", host="https://evil.example"),
        redirect("MBX:aux@t", host="http://graph.microsoft.com"),
        redirect("MBX:aux@t", host="https://graph.microsoft.com@evil.example"),
        redirect("MBX:aux@t", rest="folders/G/items"),
        redirect("MBX:aux@t", rest="folders/F/items/x"),
        redirect("anna@contoso.com"),
        Answer(308, b"", headers={"Location": "//evil.example/v1.0/admin/exchange/mailboxes/MBX:aux@t/folders/F/items"}),
        Answer(308, b""),
    ],
)
def test_a_redirect_to_anything_but_the_same_folder_is_refused(answer: Answer) -> None:
    scene = Scene(answer)
    with pytest.raises(LinkRefused):
        items_of(scene)
    assert {request.host for request in scene.sender.requests} == {"graph.microsoft.com"}


def test_redirects_in_a_circle_end_at_once_and_long_chains_soon() -> None:
    with pytest.raises(BadAnswer, match="circle"):
        items_of(Scene(redirect("MBX:aux@t"), redirect(ARCHIVE.lower())))
    scene = Scene(*(redirect(f"MBX:aux{number}@t") for number in range(20)))
    with pytest.raises(BadAnswer, match="circle"):
        items_of(scene)
    assert len(scene.sender.requests) == MAX_HOPS + 1


def test_the_next_page_may_lead_to_no_other_place() -> None:
    scene = Scene(Answer(200, {"value": [{"id": "i"}], "@odata.nextLink": "https://graph.microsoft.com/v1.0/users/anna/messages"}))
    with pytest.raises(LinkRefused):
        items_of(scene)


@pytest.mark.parametrize(
    ("more", "is_hidden", "is_search"),
    [
        ({}, False, False),
        ({"singleValueExtendedProperties": [{"id": "Boolean 0x10f4", "value": "true"}]}, True, False),
        ({"singleValueExtendedProperties": [{"id": "Integer 0x3601", "value": "2"}, "odd"]}, False, True),
        ({"@odata.type": "#microsoft.graph.mailboxSearchFolder", "singleValueExtendedProperties": None}, False, True),
    ],
)
def test_hidden_and_search_folders_are_told_by_their_properties(more: dict[str, t.Any], is_hidden: bool, is_search: bool) -> None:
    folder = exchange_folder_from({"id": "F", "displayName": None, "totalItemCount": "7", **more})
    assert folder is not None
    assert (folder.is_hidden, folder.is_search, folder.display_name, folder.total_count) == (is_hidden, is_search, "", None)


def test_every_folder_comes_once_also_when_lists_overlap_and_rings_end() -> None:
    folders = [{"id": "A", "childFolderCount": 1}, {"id": "B", "childFolderCount": 0}, {"id": ""}]
    scene = Scene(
        Answer(200, {"value": folders}),
        Answer(200, {"value": [{"id": "B", "childFolderCount": 0}, {"id": "C"}, {"id": "A", "childFolderCount": 1}]}),
        refusal(404, "ErrorItemNotFound"),
    )
    mailbox = ExchangeMailbox(scene.client, MailboxId(ARCHIVE))
    assert [folder.id for folder in list_exchange_folders(mailbox)] == ["A", "B", "C"]


def test_a_mailbox_that_is_gone_is_not_one_without_folders() -> None:
    with pytest.raises(NotFound):
        list(list_exchange_folders(ExchangeMailbox(Scene(refusal(404, "ErrorItemNotFound")).client, MailboxId(ARCHIVE))))
