# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders, rounds of changes, and contents, against the tenant in all its moods."""

from __future__ import annotations

import typing as t

import pytest
from integration.graph_tenant import connected, new_user

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph import errors
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.delta import Changed, Page, Removed
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import Cursor, FolderId, MessageId, UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.mail_folders import (
    folder_changes,
    folder_from,
    list_folders,
    read_folder,
    well_known_folders,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.mail_messages import (
    list_messages,
    message_changes,
    read_message,
    read_mime,
)
from tenant.harness import RunningTenant

SELECT = ("id", "subject", "receivedDateTime", "isRead", "parentFolderId")


def inbox(client: GraphClient, user: UserId) -> FolderId:
    return read_folder(client, user, "inbox").id


def round_of(pages: t.Iterable[Page]) -> tuple[dict[str, Changed], set[str], Cursor]:
    """What remains of a round when entries are merged by id, and its cursor."""
    changed: dict[str, Changed] = {}
    removed: set[str] = set()
    cursor = None
    for page in pages:
        for entry in page.entries:
            if isinstance(entry, Removed):
                removed.add(entry.id)
                changed.pop(entry.id, None)
            else:
                changed[entry.id] = entry
        cursor = page.cursor
    assert cursor is not None
    return changed, removed, cursor


def messages(
    client: GraphClient, user: UserId, cursor: Cursor | None = None, **options: t.Any
) -> tuple[dict[str, Changed], set[str], Cursor]:
    return round_of(message_changes(client, user, inbox(client, user), cursor, SELECT, **options))


def test_the_round_of_folders_tells_the_whole_tree_and_then_only_changes(tenant: RunningTenant, client: GraphClient, user: UserId) -> None:
    top = tenant.control.create_folder(user, "a/b")
    for number in range(30):
        tenant.control.create_folder(user, f"sub {number}", parent=top)
    changed, removed, cursor = round_of(folder_changes(client, user, None))
    folders = [folder_from(entry.fields) for entry in changed.values()]
    assert {"a/b", "sub 29"} <= {folder.display_name for folder in folders}
    assert sum(folder.parent_id == top for folder in folders) == 30
    tenant.control.rename_folder(user, top, "c")
    changed, removed, cursor = round_of(folder_changes(client, user, cursor))
    assert ([*changed], removed) == ([top], set())
    tenant.control.delete_folder(user, top)
    _changed, removed, cursor = round_of(folder_changes(client, user, cursor))
    assert top in removed
    assert round_of(folder_changes(client, user, cursor))[:2] == ({}, set())


def test_the_walk_finds_hidden_nested_and_search_folders(tenant: RunningTenant, client: GraphClient, user: UserId) -> None:
    hidden = tenant.control.create_folder(user, "secret", hidden=True)
    nested = tenant.control.create_folder(user, "nested", parent=hidden)
    search = tenant.control.create_folder(user, "found", search=True)
    found = {folder.id: folder for folder in list_folders(client, user)}
    assert (found[FolderId(hidden)].is_hidden, found[FolderId(nested)].parent_id, found[FolderId(search)].is_search) == (True, hidden, True)


def test_well_known_folders_are_found_whatever_their_language(tenant: RunningTenant, client: GraphClient) -> None:
    user = new_user(tenant, "heinz", folder_names={"inbox": "Posteingang"})
    found = well_known_folders(client, user, ("inbox", "sentitems", "no-such-alias"))
    assert sorted(found) == ["inbox", "sentitems"]
    assert read_folder(client, user, found["inbox"]).display_name == "Posteingang"


def test_changes_of_messages_come_round_by_round_and_ids_survive_moves(tenant: RunningTenant, client: GraphClient, user: UserId) -> None:
    ids = tenant.control.deliver_generated(user, 25, size_limit=3000)
    tenant.control.update(user, ids[2], is_read=False)
    changed, _removed, cursor = messages(client, user, page_size=10)
    assert set(changed) == set(ids)
    tenant.control.move(user, ids[0], "archive")
    tenant.control.delete(user, ids[1])
    tenant.control.update(user, ids[2], is_read=True)
    changed, removed, _cursor = messages(client, user, cursor)
    assert (set(changed), removed) == ({ids[2]}, {ids[0], ids[1]})
    assert changed[ids[2]].fields["isRead"] is True
    assert read_message(client, user, MessageId(ids[0]), ("id", "subject"))["id"] == ids[0]


def test_nothing_new_is_one_request(tenant: RunningTenant, client: GraphClient, user: UserId) -> None:
    tenant.control.deliver_generated(user, 30, size_limit=3000)
    folder = inbox(client, user)
    cursor = round_of(message_changes(client, user, folder, None, SELECT))[2]
    before = client.traffic().requests["delta"]
    assert round_of(message_changes(client, user, folder, cursor, SELECT))[:2] == ({}, set())
    assert client.traffic().requests["delta"] == before + 1


@pytest.mark.parametrize(
    "variant",
    [
        {},
        {"code": "syncStateNotFound"},
        {"code": "resyncRequired"},
        {"variant": "location"},
        {"status": 400, "code": "SyncStateInvalid"},
        {"status": 404, "code": "SYNCSTATENOTFOUND"},
    ],
)
def test_a_lost_cursor_is_recognised_in_every_shape(
    tenant: RunningTenant, client: GraphClient, user: UserId, variant: dict[str, t.Any]
) -> None:
    ids = tenant.control.deliver_generated(user, 5, size_limit=3000)
    cursor = messages(client, user)[2]
    tenant.control.arm({"name": "cursor_lost", "mailbox": user, **variant})
    with pytest.raises(errors.CursorLost):
        messages(client, user, cursor)
    assert set(messages(client, user)[0]) == set(ids)


def test_a_round_may_lose_its_links_in_the_middle(tenant: RunningTenant, client: GraphClient, user: UserId) -> None:
    tenant.control.deliver_generated(user, 25, size_limit=3000)
    pages = message_changes(client, user, inbox(client, user), None, SELECT, page_size=10)
    assert len(next(pages).entries) == 10
    tenant.control.expire_cursors(user)
    with pytest.raises(errors.CursorLost):
        list(pages)


def test_a_folder_that_went_is_not_found(tenant: RunningTenant, client: GraphClient, user: UserId) -> None:
    folder = FolderId(tenant.control.create_folder(user, "short-lived"))
    cursor = round_of(message_changes(client, user, folder, None, SELECT))[2]
    tenant.control.delete_folder(user, folder)
    with pytest.raises(errors.NotFound):
        list(message_changes(client, user, folder, cursor, SELECT))


@pytest.mark.parametrize("fault", ["delta_quota_exceeded", "delta_not_supported"])
def test_a_mailbox_without_delta_is_listed_plainly(tenant: RunningTenant, client: GraphClient, user: UserId, fault: str) -> None:
    ids = tenant.control.deliver_generated(user, 25, size_limit=3000)
    folder = inbox(client, user)
    tenant.control.arm({"name": fault, "mailbox": user, "times": None})
    with pytest.raises(errors.DeltaUnavailable):
        list(message_changes(client, user, folder, None, SELECT))
    pages = list(list_messages(client, user, folder, SELECT, page_size=10))
    assert [len(page.entries) for page in pages] == [10, 10, 5]
    assert {entry.id for page in pages for entry in page.entries} == set(ids)


@pytest.mark.parametrize(
    "fault", ["empty_page", "duplicate_entries", "reordered_entries", "string_booleans", "truncated_json", "gateway_timeout"]
)
def test_odd_pages_change_nothing_in_the_end(tenant: RunningTenant, client: GraphClient, user: UserId, fault: str) -> None:
    ids = tenant.control.deliver_generated(user, 25, size_limit=3000)
    tenant.control.arm({"name": fault, "mailbox": user, "times": 3, "match": {"operation": "messages_delta"}})
    changed, removed, _cursor = messages(client, user, page_size=10)
    assert (set(changed), removed) == (set(ids), set())
    assert {type(entry.fields["isRead"]) for entry in changed.values()} == {bool}


def test_pages_that_are_too_heavy_are_read_in_smaller_ones(tenant: RunningTenant, client: GraphClient, user: UserId) -> None:
    ids = tenant.control.deliver_generated(user, 60, size_limit=3000)
    heavy = {"name": "truncated_json", "mailbox": user, "times": None, "match": {"operation": "messages_delta", "page_over": 20}}
    tenant.control.arm(heavy)
    assert set(messages(client, user, page_size=64)[0]) == set(ids)


def test_inv10_links_to_another_host_are_refused_and_nothing_is_sent_there(
    tenant: RunningTenant, client: GraphClient, user: UserId
) -> None:
    tenant.control.deliver_generated(user, 15, size_limit=3000)
    folder = inbox(client, user)
    tenant.control.arm({"name": "foreign_link", "mailbox": user, "times": None})
    tenant.control.reset_log()
    with pytest.raises(errors.LinkRefused, match=r"graph\.microsoft\.com\.attacker\.example"):
        list(message_changes(client, user, folder, None, SELECT, page_size=10))
    assert {request["host"] for request in tenant.control.requests()} == {"graph.microsoft.com"}


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("not_enabled", errors.MailboxUnavailable),
        ("on_premises", errors.MailboxUnavailable),
        ("invalid_user", errors.MailboxUnavailable),
        ("access_denied", errors.AccessDenied),
        ("odata_disabled", errors.AccessDenied),
    ],
)
def test_a_mailbox_that_cannot_be_read_is_told_by_its_class(
    tenant: RunningTenant, client: GraphClient, user: UserId, state: str, kind: type[errors.GraphError]
) -> None:
    tenant.control.set_mailbox_state(user, state)
    with pytest.raises(kind) as caught:
        list(folder_changes(client, user, None))
    assert caught.value.__class__ is kind
    assert caught.value.request_id
    assert str(user) in caught.value.what


def test_a_missing_permission_is_named(tenant: RunningTenant, user: UserId) -> None:
    tenant.control.set_roles(tenant.client_id, ["User.Read.All"])
    try:
        with connected(tenant) as client, pytest.raises(errors.AccessDenied, match=r"application permission Mail\.Read"):
            list(message_changes(client, user, FolderId("inbox"), None, SELECT))
    finally:
        tenant.control.set_roles(
            tenant.client_id, ["User.Read.All", "Group.Read.All", "GroupMember.Read.All", "Directory.Read.All", "Mail.ReadWrite"]
        )


def test_content_is_byte_identical_to_what_is_served(tenant: RunningTenant, client: GraphClient, user: UserId) -> None:
    for identity in tenant.control.deliver_generated(user, 40):
        with read_mime(client, user, MessageId(identity)) as body:
            assert b"".join(body.chunks()) == tenant.control.mime(user, identity)


@pytest.mark.parametrize("size", [8 << 20, (8 << 20) + 1, 20 << 20])
def test_large_content_is_whole_also_when_its_first_reading_broke(
    tenant: RunningTenant, client: GraphClient, user: UserId, size: int
) -> None:
    head = b"From: a@x.example\r\nSubject: large\r\n\r\n"
    mime = head + (b"0123456789abcde\n" * (size // 16 + 1))[: size - len(head)]
    identity = tenant.control.deliver(user, "inbox", mime)
    served = tenant.control.mime(user, identity)
    tenant.control.arm({"name": "cut_body", "mailbox": user, "times": 1, "at": 0.9})
    with read_mime(client, user, MessageId(identity)) as body:
        assert b"".join(body.chunks()) == served
        assert body.size == len(served)
        assert (body.bytes is None) == (len(served) > 8 << 20)


@pytest.mark.parametrize(
    "fault",
    [
        {"name": "cut_body", "how": "end"},
        {"name": "cut_body", "how": "reset"},
        {"name": "cut_body", "at": 1},
        {"name": "reset"},
        {"name": "not_found_empty"},
        {"name": "unavailable", "body": "html"},
        {"name": "unavailable", "body": "empty"},
        {"name": "mailbox_stale"},
        {"name": "gateway_timeout"},
        {"name": "status", "status": 509},
        {"name": "token_expired"},
    ],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)
def test_passing_faults_leave_no_trace_in_content(
    tenant: RunningTenant, client: GraphClient, user: UserId, fault: dict[str, t.Any]
) -> None:
    (identity,) = tenant.control.deliver_generated(user, 1, seed=5)
    times = 1 if fault["name"] == "token_expired" else 2
    tenant.control.arm({"times": times, "mailbox": user, "match": {"operation": "message_mime"}, **fault})
    with read_mime(client, user, MessageId(identity)) as body:
        assert body.bytes == tenant.control.mime(user, identity)
    assert client.traffic().retries == times


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("corrupt_item", errors.ItemUnreadable),
        ("invalid_recipients", errors.ItemUnreadable),
        ("item_not_found", errors.NotFound),
        ("mailbox_failure", errors.AccessDenied),
    ],
)
def test_what_can_never_be_read_is_told_after_one_request(
    tenant: RunningTenant, client: GraphClient, user: UserId, fault: str, kind: type[errors.GraphError]
) -> None:
    (identity,) = tenant.control.deliver_generated(user, 1, size_limit=3000)
    tenant.control.arm({"name": fault, "mailbox": user, "times": None, "match": {"operation": "message_mime"}})
    with pytest.raises(kind, match=rf"(?s){identity[:20]}.*request id"):
        read_mime(client, user, MessageId(identity))
    assert client.traffic().requests["mime"] == 1


def test_a_body_that_breaks_every_time_is_an_error_and_never_half_a_message(
    tenant: RunningTenant, client: GraphClient, user: UserId
) -> None:
    (identity,) = tenant.control.deliver_generated(user, 1, size_limit=3000)
    tenant.control.arm({"name": "cut_body", "mailbox": user, "times": None})
    with pytest.raises(errors.BadAnswer, match="ended before its end"):
        read_mime(client, user, MessageId(identity))
