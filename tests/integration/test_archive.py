# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives against the tenant: what is stored, how changes are found, and what that costs."""

from __future__ import annotations

import typing as t
from datetime import timedelta

import pytest
from integration.archives import NOW, Archive

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup import archive_hearing, archive_reader
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.catalogue import Catalogue
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_state import load_state
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph import exchange_folders
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import UserId
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.support import writing
from tenant.harness import RunningTenant


@pytest.fixture
def archive(tenant: RunningTenant, client: GraphClient, user: UserId) -> t.Iterator[Archive]:
    with writing() as writer:
        yield Archive(tenant, client, user, writer)


def test_a_first_run_stores_every_item_byte_for_byte_and_a_second_one_nothing(archive: Archive) -> None:
    archive.create(25)
    archive.tenant.control.add_item(archive.mailbox, ["Old mail"], "appointment", "Board meeting")
    first = archive.read()
    assert (first.counts.added, first.counts.fetched, first.findings, first.availability) == (26, 26, (), "backed_up")
    archive.check(first.tree)
    second = archive.read(first.tree)
    assert (second.tree, second.counts.fetched, second.counts.total, second.findings) == (first.tree, 0, 26, ())


def test_a_run_without_changes_costs_a_request_a_folder_and_a_handful_more(archive: Archive) -> None:
    archive.create(12)
    for number in range(5):
        archive.tenant.control.create_folder(archive.mailbox, f"below {number}", parent=["Old mail"])
    tree = archive.read().tree
    folders = len(load_state(archive.writer, tree).folders)
    asked = archive.requests(lambda: archive.read(tree))
    # v1.0 refuses to list an archive, beta lists the top; one folder has children.
    listed = {"exchange_settings": 1, "exchange_folders_list": 2, "exchange_folder_children": 1}
    assert asked == {**listed, "exchange_items_list": folders}


def test_items_that_come_change_go_and_move_cost_their_own_exports_only(archive: Archive) -> None:
    control = archive.tenant.control
    archive.create(8)
    control.create_folder(archive.mailbox, "Other")
    base = archive.read().tree
    items = control.exchange_items(archive.mailbox)
    control.deliver_generated(archive.mailbox, 2, folder=["Old mail"], first=100, size_limit=3000)
    control.update(archive.mailbox, items[0]["message_id"], subject="Another subject")
    control.delete(archive.mailbox, items[1]["message_id"])
    control.move(archive.mailbox, items[2]["message_id"], ["Other"])
    preview = archive.preview(base)
    read = archive.read(base)
    archive.check(read.tree)
    # An item that moves has another id, and is exported under that.
    assert (read.counts.fetched, read.counts.total) == (4, 9)
    assert (preview.is_changed, preview.counts.fetched, preview.counts.total) == (True, 4, 9)
    assert not archive.preview(read.tree).is_changed
    assert "Another subject" in {record["subject"] for record in archive.live(read.tree)}


def test_folders_that_are_renamed_and_moved_cost_no_export(archive: Archive) -> None:
    control = archive.tenant.control
    archive.create(6)
    control.create_folder(archive.mailbox, "a/b", parent=["Old mail"], hidden=True)
    control.deliver_generated(archive.mailbox, 3, folder=["Old mail", "a/b"], first=50, size_limit=3000)
    control.create_folder(archive.mailbox, "Top")
    base = archive.read()
    control.rename_folder(archive.mailbox, ["Old mail"], "Older mail")
    control.move_folder(archive.mailbox, ["Older mail"], ["Top"])
    read = archive.read(base.tree)
    archive.check(read.tree)
    assert (read.counts.fetched, read.tree == base.tree) == (0, False)
    hidden = [folder for folder in load_state(archive.writer, read.tree).folders.values() if folder.name == "a/b"]
    assert [(folder.is_hidden, folder.path[-3:]) for folder in hidden] == [(True, ("Top", "Older mail", "a_b"))]
    control.delete_folder(archive.mailbox, ["Top", "Older mail"])
    gone = archive.read(read.tree)
    archive.check(gone.tree)
    assert gone.counts.removed == 9


def test_search_folders_are_named_and_left_out(archive: Archive) -> None:
    archive.create(3)
    archive.tenant.control.create_folder(archive.mailbox, "Unread", search=True)
    read = archive.read()
    archive.check(read.tree)
    assert (read.left_out, len(load_state(archive.writer, read.tree).folders)) == (("Unread",), 2)


def test_a_search_folder_that_is_not_recognised_does_no_harm(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange_folders, "_SEARCH", "unknown")
    archive.create(3)
    archive.tenant.control.create_folder(archive.mailbox, "Unread", search=True)
    tree = None
    for number in range(6):
        # The items come into sight and out of sight of the search folder, and stay where they are.
        items = archive.tenant.control.exchange_items(archive.mailbox, ["Old mail"])
        archive.tenant.control.update(archive.mailbox, [item["message_id"] for item in items], is_read=number % 3 == 0)
        read = archive.read(tree)
        assert (read.counts.total, len(archive.live(read.tree)), read.findings) == (3, 3, ())
        tree = read.tree


def test_a_run_without_changes_looks_up_nothing_in_the_catalogue(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    archive.create(110, size_limit=2000)
    archive.tenant.control.create_folder(archive.mailbox, "Small")
    archive.tenant.control.deliver_generated(archive.mailbox, 5, folder=["Small"], first=500, size_limit=2000)
    base = archive.read().tree
    monkeypatch.setattr(Catalogue, "find", None)
    monkeypatch.setattr(Catalogue, "live", None)
    assert archive.read(base).tree == base
    assert not archive.preview(base).is_changed


def test_more_folders_than_one_page_has_are_all_found(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange_folders, "_PAGE", 3)
    archive.create(2)
    for number in range(8):
        archive.tenant.control.create_folder(archive.mailbox, f"folder {number}")
    names = {folder.name for folder in load_state(archive.writer, archive.read().tree).folders.values()}
    assert {f"folder {number}" for number in range(8)} <= names


def test_52_a_change_within_the_second_of_the_watermark_is_not_lost(archive: Archive) -> None:
    archive.create(3)
    moment = "2026-11-20T10:00:00Z"
    archive.tenant.control.add_item(archive.mailbox, ["Old mail"], "note", "First", moment=moment)
    base = archive.read().tree
    archive.tenant.control.add_item(archive.mailbox, ["Old mail"], "note", "Second", moment=moment)
    read = archive.read(base)
    archive.check(read.tree)
    assert read.counts.fetched == 1


@pytest.mark.parametrize("offers_taken", [1, 2])
def test_inv02_a_run_that_broke_off_goes_on_without_exporting_again(
    archive: Archive, offers_taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_reader, "_OFFER_BYTES", 1)
    monkeypatch.setattr(archive_reader, "_AHEAD", 0)
    archive.create(24)
    whole = archive.read()
    assert len(archive.offers) >= 3
    read = archive.read(archive.offers[offers_taken])
    archive.check(read.tree)
    assert 0 < read.counts.fetched < 24
    assert {record["id"] for record in archive.live(read.tree)} == {record["id"] for record in archive.live(whole.tree)}


def test_a_lost_watermark_lists_everything_and_exports_nothing(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    archive.create(6)
    base = archive.read().tree
    item = archive.tenant.control.exchange_items(archive.mailbox, ["Old mail"])[0]
    archive.tenant.control.delete(archive.mailbox, item["message_id"])
    monkeypatch.setattr(archive_hearing, "parse_mark", lambda text: None)
    read = archive.read(base)
    archive.check(read.tree)
    assert (read.counts.fetched, read.counts.removed) == (0, 1)


def test_everything_is_listed_in_full_once_a_week(archive: Archive) -> None:
    archive.create(6)
    base = archive.read()
    archive.now = NOW + timedelta(days=8)
    asked = archive.requests(lambda: archive.preview(base.tree))
    folders = len(load_state(archive.writer, base.tree).folders)
    assert asked["exchange_items_list"] == folders
    swept = archive.read(base.tree)
    assert (swept.counts.fetched, swept.tree == base.tree) == (0, False)
    assert archive.read(swept.tree).tree == swept.tree


def test_items_of_every_kind_are_found_by_what_is_in_them(archive: Archive) -> None:
    control = archive.tenant.control
    archive.create()
    mime = (
        b"From: Anna <anna@fabrikam.com>\r\nTo: bob@contoso.com\r\nCc: Carl <carl@contoso.com>\r\nSubject: The offer\r\n"
        b"Date: Tue, 05 May 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
        b"--x\r\nContent-Type: text/plain\r\n\r\nHello\r\n--x\r\nContent-Type: application/pdf; name=offer.pdf\r\n"
        b"Content-Disposition: attachment; filename=offer.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n--x--\r\n"
    )
    control.deliver(archive.mailbox, ["Old mail"], mime, received="2026-05-05T10:00:03Z", is_read=True)
    for kind in ("appointment", "contact", "distribution_list", "task", "note", "journal"):
        control.add_item(archive.mailbox, ["Old mail"], kind, f"A {kind}")
    read = archive.read()
    archive.check(read.tree)
    assert read.warnings == ()
    by_subject = archive.records(read.tree)
    assert {f"A {kind}" for kind in ("appointment", "contact", "task", "note", "journal")} <= by_subject.keys()
    mail = by_subject["The offer"]
    assert (mail["from"], mail["to"], mail["cc"]) == ("Anna <anna@fabrikam.com>", ["bob@contoso.com"], ["Carl <carl@contoso.com>"])
    assert (mail["class"], mail["read"], mail["attachment_names"]) == ("IPM.Note", True, ["offer.pdf"])
    assert (mail["received"], mail["sent"]) == ("2026-05-05T10:00:03Z", "2026-05-05T10:00:00Z")
    assert mail["file"].startswith("2026/05/05/")


@pytest.mark.parametrize("query", ["orderby", "filter"])
def test_a_service_that_takes_no_order_or_filter_is_listed_without(archive: Archive, query: str) -> None:
    archive.create(110, size_limit=2000)
    base = archive.read().tree
    archive.tenant.control.deliver_generated(archive.mailbox, 2, folder=["Old mail"], first=700, size_limit=2000)
    refusal = {"name": "status", "status": 400, "code": "InefficientFilter", "times": None, "mailbox": archive.mailbox}
    archive.tenant.control.arm({**refusal, "match": {"operation": "exchange_items_list", "path": f"{query}="}})
    read = archive.read(base)
    archive.check(read.tree)
    assert (read.counts.fetched, read.findings) == (2, ())


def test_a_large_folder_is_asked_for_what_was_modified(archive: Archive) -> None:
    archive.create(110, size_limit=2000)
    base = archive.read().tree
    archive.tenant.control.reset_log()
    archive.tenant.control.add_item(archive.mailbox, ["Old mail"], "note", "New", moment="2026-11-20T10:00:00Z")
    read = archive.read(base)
    archive.check(read.tree)
    asked = [str(line["path"]) for line in archive.tenant.control.requests() if line["operation"] == "exchange_items_list"]
    # Both folders once; only the large one by its watermark.
    assert (read.counts.fetched, sorted("$filter" in path for path in asked)) == (1, [False, True])
    item = archive.tenant.control.exchange_items(archive.mailbox, ["Old mail"])[7]
    archive.tenant.control.delete(archive.mailbox, item["message_id"])
    gone = archive.read(read.tree)
    archive.check(gone.tree)
    assert (gone.counts.removed, gone.counts.fetched) == (1, 0)
