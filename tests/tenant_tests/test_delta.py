# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delta queries over messages and folders."""

from __future__ import annotations

import typing as t

import pytest
from tenant_tests.support import GRAPH, IMMUTABLE, Client

if t.TYPE_CHECKING:
    from tenant.control import ControlClient

MIME = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: one\r\nDate: Mon, 02 Feb 2026 10:00:00 +0000\r\n\r\nbody\r\n"


def inbox_delta(user: str, options: str = "") -> str:
    return f"/users/{user}/mailFolders/inbox/messages/delta{options}"


def test_an_initial_round_lists_every_message_once_in_pages_of_the_wanted_size(client: Client, control: ControlClient, adele: str) -> None:
    ids = control.deliver_generated(adele, 23)
    page = client.page(inbox_delta(adele), prefer=f"{IMMUTABLE}, odata.maxpagesize=10")
    assert len(page["value"]) == 10
    entries, _link = client.round(inbox_delta(adele), prefer=f"{IMMUTABLE}, odata.maxpagesize=10")
    assert [entry["id"] for entry in entries] == ids


def test_the_default_page_holds_ten_and_a_page_never_more_than_five_hundred(client: Client, control: ControlClient, adele: str) -> None:
    control.deliver_generated(adele, 510)
    assert len(client.page(inbox_delta(adele, "?$select=id"))["value"]) == 10
    assert len(client.page(inbox_delta(adele, "?$select=id"), prefer="odata.maxpagesize=5000")["value"]) == 500


def test_a_round_tells_only_what_changed_since_the_last(client: Client, control: ControlClient, adele: str) -> None:
    ids = control.deliver_generated(adele, 5)
    _entries, link = client.round(inbox_delta(adele), prefer=IMMUTABLE)
    assert client.round(link, prefer=IMMUTABLE)[0] == []
    new = control.deliver(adele, "inbox", MIME)
    control.delete(adele, ids[0])
    control.update(adele, ids[1], flagged=True)
    entries, _link = client.round(link, prefer=IMMUTABLE)
    assert [(entry["id"], "@removed" in entry) for entry in entries] == [(new, False), (ids[0], True), (ids[1], False)]
    assert entries[1] == {"@odata.type": "#microsoft.graph.message", "id": ids[0], "@removed": {"reason": "deleted"}}


def test_a_move_is_a_removal_here_and_an_addition_there(client: Client, control: ControlClient, adele: str) -> None:
    message = control.deliver(adele, "inbox", MIME)
    _entries, inbox = client.round(inbox_delta(adele), prefer=IMMUTABLE)
    _entries, archive = client.round(f"/users/{adele}/mailFolders/archive/messages/delta", prefer=IMMUTABLE)
    control.move(adele, message, "archive")
    assert [("@removed" in entry, entry["id"]) for entry in client.round(inbox, prefer=IMMUTABLE)[0]] == [(True, message)]
    assert [("@removed" in entry, entry["id"]) for entry in client.round(archive, prefer=IMMUTABLE)[0]] == [(False, message)]


def test_rest_ids_change_with_a_move_and_immutable_ids_do_not(client: Client, control: ControlClient, adele: str) -> None:
    message = control.deliver(adele, "inbox", MIME)
    before = client.round(inbox_delta(adele))[0][0]["id"]
    control.move(adele, message, "archive")
    after = client.round(f"/users/{adele}/mailFolders/archive/messages/delta")[0][0]["id"]
    assert before != after
    assert client.get(f"/users/{adele}/messages/{before}").code == "ErrorItemNotFound"
    assert client.get(f"/users/{adele}/messages/{after}").status == 200
    assert client.get(f"/users/{adele}/messages/{message}").status == 200


def test_the_id_format_follows_the_header_of_each_request(client: Client, control: ControlClient, adele: str) -> None:
    control.deliver_generated(adele, 2)
    first = client.page(inbox_delta(adele), prefer=f"{IMMUTABLE}, odata.maxpagesize=1")
    second = client.page(first["@odata.nextLink"], prefer="odata.maxpagesize=1")
    assert first["value"][0]["id"].startswith("AAkALg")
    assert second["value"][0]["id"].startswith("AAMkA")


def test_a_read_mark_is_told_only_if_it_was_selected_and_then_partially(client: Client, control: ControlClient, adele: str) -> None:
    (message,) = control.deliver_generated(adele, 1)
    folder = control.messages(adele)[0]["folder_id"]
    _entries, without = client.round(inbox_delta(adele, "?$select=subject"), prefer=IMMUTABLE)
    _entries, selected = client.round(inbox_delta(adele, "?$select=subject,isRead"), prefer=IMMUTABLE)
    control.update(adele, message, is_read=not control.messages(adele)[0]["is_read"])
    assert client.round(without, prefer=IMMUTABLE)[0] == []
    (entry,) = client.round(selected, prefer=IMMUTABLE)[0]
    assert {name for name in entry if not name.startswith("@")} == {"id", "isRead", "parentFolderId"}
    assert entry["parentFolderId"] == folder


def test_a_read_mark_together_with_another_change_gives_the_whole_entry(client: Client, control: ControlClient, adele: str) -> None:
    (message,) = control.deliver_generated(adele, 1)
    _entries, link = client.round(inbox_delta(adele, "?$select=subject,isRead,flag"), prefer=IMMUTABLE)
    control.update(adele, message, flagged=True)
    control.update(adele, message, is_read=True)
    (entry,) = client.round(link, prefer=IMMUTABLE)[0]
    assert entry["flag"] == {"flagStatus": "flagged"}


def test_selected_properties_are_those_of_the_first_request(client: Client, control: ControlClient, adele: str) -> None:
    control.deliver_generated(adele, 2)
    entries, link = client.round(inbox_delta(adele, "?$select=subject"), prefer="odata.maxpagesize=1")
    control.deliver(adele, "inbox", MIME)
    for entry in entries + client.round(link)[0]:
        assert {name for name in entry if not name.startswith("@")} == {"id", "subject"}


def test_changes_during_a_round_are_told_at_the_latest_by_the_next(client: Client, control: ControlClient, adele: str) -> None:
    ids = control.deliver_generated(adele, 30)
    page = client.page(inbox_delta(adele), prefer=IMMUTABLE)
    control.delete(adele, ids[0])
    control.delete(adele, ids[25])
    late = control.deliver(adele, "inbox", MIME)
    entries, link = client.round(page["@odata.nextLink"], prefer=IMMUTABLE)
    more, _link = client.round(link, prefer=IMMUTABLE)
    known = {entry["id"] for entry in page["value"]}
    for entry in entries + more:
        known.discard(entry["id"]) if "@removed" in entry else known.add(entry["id"])
    assert known == {*ids, late} - {ids[0], ids[25]}


def test_expired_cursors_answer_410_on_delta_and_next_links(client: Client, control: ControlClient, adele: str) -> None:
    control.deliver_generated(adele, 12)
    middle = client.page(inbox_delta(adele))["@odata.nextLink"]
    _entries, link = client.round(inbox_delta(adele))
    control.expire_cursors(adele)
    for lost in (middle, link):
        reply = client.get(lost)
        assert (reply.status, reply.code) == (410, "SyncStateNotFound")
        assert "generation is not found; generation=150" in reply.error["message"]
    assert client.page(inbox_delta(adele))["value"]


def test_only_a_date_filter_is_taken_and_caps_the_round(client: Client, control: ControlClient, adele: str) -> None:
    control.deliver(adele, "inbox", MIME, received="2026-02-02T10:00:00Z")
    new = control.deliver(adele, "inbox", MIME, received="2026-03-02T10:00:00Z")
    entries, _link = client.round(inbox_delta(adele, "?$filter=receivedDateTime+ge+2026-03-01T00:00:00Z"), prefer=IMMUTABLE)
    assert [entry["id"] for entry in entries] == [new]
    assert client.get(inbox_delta(adele, "?$filter=isRead+eq+true")).status == 400
    assert client.get(inbox_delta(adele, "?$search=x")).status == 400


def test_a_change_type_narrows_later_rounds(client: Client, control: ControlClient, adele: str) -> None:
    ids = control.deliver_generated(adele, 2)
    entries, link = client.round(inbox_delta(adele, "?changeType=created"), prefer=IMMUTABLE)
    assert len(entries) == 2
    control.delete(adele, ids[0])
    control.update(adele, ids[1], flagged=True)
    new = control.deliver(adele, "inbox", MIME)
    assert [entry["id"] for entry in client.round(link, prefer=IMMUTABLE)[0]] == [new]


def test_a_full_mailbox_refuses_delta_and_lists_all_the_same(client: Client, control: ControlClient, adele: str) -> None:
    control.deliver_generated(adele, 1)
    control.set_mailbox_state(adele, "quota_exceeded")
    assert client.get(inbox_delta(adele)).code == "ErrorQuotaExceeded"
    assert len(client.page(f"/users/{adele}/mailFolders/inbox/messages")["value"]) == 1


def test_a_garbled_token_is_a_bad_request(client: Client, adele: str) -> None:
    assert client.get(inbox_delta(adele, "?$deltatoken=nonsense")).status == 400


def test_folder_delta_is_flat_and_misses_the_root(client: Client, control: ControlClient, adele: str) -> None:
    deep = control.create_folder(adele, "a/b", parent=["inbox"])
    deeper = control.create_folder(adele, "c", parent=deep)
    root = client.page(f"/users/{adele}/mailFolders/msgfolderroot")["id"]
    entries, link = client.round(f"/users/{adele}/mailFolders/delta", prefer="odata.maxpagesize=3")
    found = {entry["id"]: entry for entry in entries}
    assert deep in found
    assert found[deeper]["parentFolderId"] == deep
    assert root not in found
    assert all("wellKnownName" not in entry for entry in entries)
    assert link.startswith(GRAPH)


def test_folder_delta_tells_new_renamed_moved_and_deleted_folders_but_no_messages(
    client: Client, control: ControlClient, adele: str
) -> None:
    renamed = control.create_folder(adele, "old name")
    moved = control.create_folder(adele, "moved")
    gone = control.create_folder(adele, "gone")
    _entries, link = client.round(f"/users/{adele}/mailFolders/delta")
    control.deliver_generated(adele, 3)
    assert client.round(link)[0] == []
    new = control.create_folder(adele, "new")
    control.rename_folder(adele, renamed, "new name")
    control.move_folder(adele, moved, renamed)
    control.delete_folder(adele, gone)
    entries = {entry["id"]: entry for entry in client.round(link)[0]}
    assert set(entries) == {new, renamed, moved, gone}
    assert entries[renamed]["displayName"] == "new name"
    assert entries[moved]["parentFolderId"] == renamed
    assert entries[gone] == {"id": gone, "@removed": {"reason": "deleted"}}


@pytest.mark.parametrize("alias", ["inbox", "Inbox", "INBOX"])
def test_well_known_names_work_in_any_case(client: Client, adele: str, alias: str) -> None:
    assert client.page(f"/users/{adele}/mailFolders/{alias}/messages/delta")["value"] == []


def test_what_left_and_came_back_gets_a_new_rest_id_and_the_old_one_is_removed(client: Client, control: ControlClient, adele: str) -> None:
    message = control.deliver(adele, "inbox", MIME)
    entries, link = client.round(inbox_delta(adele))
    control.move(adele, message, "archive")
    control.move(adele, message, "inbox")
    removed, added = client.round(link)[0]
    assert removed["id"] == entries[0]["id"]
    assert "@removed" in removed
    assert added["id"] == control.messages(adele)[0]["rest_id"] != removed["id"]
    (alone,) = client.round(link, prefer=IMMUTABLE)[0]
    assert alone["id"] == message


def test_pages_of_one_entry_get_past_what_left_and_came_back(client: Client, control: ControlClient, adele: str) -> None:
    message = control.deliver(adele, "inbox", MIME)
    _entries, link = client.round(inbox_delta(adele))
    control.move(adele, message, "archive")
    control.move(adele, message, "inbox")
    first = client.page(link, prefer="odata.maxpagesize=1")
    second = client.page(first["@odata.nextLink"], prefer="odata.maxpagesize=1")
    assert ["@removed" in page["value"][0] for page in (first, second)] == [True, False]
    assert "@odata.deltaLink" in second
