# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading the mail of a member: what ends up in the tree, also when a run before this one broke off."""

from __future__ import annotations

import dataclasses
import sqlite3
import typing as t
from datetime import datetime, timezone

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup import compaction, mail_reader
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.catalogue import Catalogue
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_state import load_state
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.mail_pending import PendingChanges
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.mail_reader import preview_mail, read_mail
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Counts
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.source_read import SourceRead
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import walk
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import TreeId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.writer import Writer
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.mailbox_service import GONE, Mailbox, MailboxService
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.support import writing
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.graph.fakes import refusal

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
LOST = refusal(410, "SyncStateNotFound")


@pytest.fixture
def writer() -> t.Iterator[Writer]:
    with writing() as writer:
        yield writer


Offer = t.Callable[[TreeId], None]


def read(writer: Writer, mailbox: Mailbox, base: TreeId | None, offer: Offer = lambda tree: None) -> tuple[SourceRead, list[str]]:
    """One run, and the messages whose content it asked for."""
    service = MailboxService(u=mailbox)
    result = read_mail(service.client, UserId("u"), writer, base, now=NOW, offer=offer)
    return result, sorted(service.reads)


def check(writer: Writer, tree: TreeId, mailbox: Mailbox) -> None:
    """The tree holds exactly the messages of the mailbox: content, folder, catalogue and count."""
    state = load_state(writer, tree)
    records = {record["id"]: record for record in Catalogue(writer, tree, state.facts.lines).live()}
    assert records.keys() == mailbox.messages.keys()
    assert state.facts.items == len(records)
    assert state.facts.leaving == []
    assert {folder.id: folder.name for folder in state.folders.values()} == {key: name for key, (name, _parent) in mailbox.folders.items()}
    files = {path: node for path, node in walk(writer, tree) if path[-1].endswith(".eml")}
    by_number = {folder.number: folder for folder in state.folders.values()}
    expected = {}
    for key, record in records.items():
        folder = by_number[record["folder"]]
        assert folder.id == mailbox.messages[key]["parentFolderId"]
        path = (*folder.path, *record["file"].split("/"))
        expected[path] = mailbox.mime(key)
    assert {path: b"".join(writer.read_file(node)) for path, node in files.items()} == expected


def two_folders() -> Mailbox:
    mailbox = Mailbox(folders={"x": ("X", None), "y": ("Y", None)})
    mailbox.put("m1", "x")
    mailbox.put("m2", "x")
    mailbox.put("m3", "y")
    return mailbox


def test_a_first_run_stores_everything_and_a_second_one_nothing(writer: Writer) -> None:
    mailbox = two_folders()
    first, reads = read(writer, mailbox, None)
    assert reads == ["m1", "m2", "m3"]
    assert first.counts.added == 3
    check(writer, first.tree, mailbox)
    second, reads = read(writer, mailbox, first.tree)
    assert (second.tree, reads, second.counts) == (first.tree, [], Counts(total=3))


def test_changes_are_taken_over(writer: Writer) -> None:
    mailbox = two_folders()
    base = read(writer, mailbox, None)[0].tree
    mailbox.said = {
        "x": [{"id": "m1", **GONE}, {"id": "m2", **GONE}],
        "y": [mailbox.put("m1", "y", changeKey="K2"), mailbox.put("m3", "y", isRead=True, changeKey="K2"), mailbox.put("m4", "y")],
    }
    del mailbox.messages["m2"]
    result, reads = read(writer, mailbox, base)
    assert reads == ["m4"]
    counts = dataclasses.replace(result.counts, stored_bytes=0)
    assert counts == Counts(total=3, added=1, updated=1, moved=1, removed=1, fetched=1, fetched_bytes=len(mailbox.mime("m4")))
    check(writer, result.tree, mailbox)


def test_a_catalogue_sheds_lines_that_no_longer_count(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "SLACK", 0)
    mailbox = two_folders()
    tree = read(writer, mailbox, None)[0].tree
    lines = []
    for number in range(6):
        mailbox.said = {"x": [mailbox.put("m1", "x", isRead=number % 2 == 0, changeKey=f"K{number}")]}
        result, reads = read(writer, mailbox, tree)
        tree = result.tree
        assert (reads, result.counts.updated) == ([], 1)
        lines.append(load_state(writer, tree).facts.lines)
        check(writer, tree, mailbox)
    assert lines == [4, 5, 6, 3, 4, 5]
    assert read(writer, mailbox, tree)[0].tree == tree


def test_a_lost_cursor_finds_what_went_meanwhile_and_fetches_nothing(writer: Writer) -> None:
    mailbox = two_folders()
    base = read(writer, mailbox, None)[0].tree
    del mailbox.messages["m1"]
    mailbox.said = {"x": LOST, "": LOST}
    result, reads = read(writer, mailbox, base)
    assert (reads, result.counts.removed) == ([], 1)
    check(writer, result.tree, mailbox)


def test_a_message_that_only_a_foreign_folder_calls_removed_goes_when_its_own_listing_lacks_it(writer: Writer) -> None:
    mailbox = two_folders()
    base = read(writer, mailbox, None)[0].tree
    del mailbox.messages["m1"]
    mailbox.said = {"x": LOST, "y": [{"id": "m1", **GONE}]}
    result, _reads = read(writer, mailbox, base)
    check(writer, result.tree, mailbox)


def test_a_deleted_folder_takes_its_messages_along(writer: Writer) -> None:
    mailbox = two_folders()
    base = read(writer, mailbox, None)[0].tree
    folder_goes(mailbox, said_by_y=[{"id": "m2", **GONE}, mailbox.put("m1", "y")])
    result, reads = read(writer, mailbox, base)
    assert (reads, result.counts.removed, result.counts.moved) == ([], 1, 1)
    check(writer, result.tree, mailbox)


def folder_goes(mailbox: Mailbox, said_by_y: list[dict[str, t.Any]]) -> None:
    """The folder x is deleted with what is still in it."""
    del mailbox.folders["x"]
    mailbox.messages = {key: fields for key, fields in mailbox.messages.items() if fields["parentFolderId"] != "x"}
    mailbox.said = {"": [{"id": "x", **GONE}], "y": said_by_y}


@pytest.mark.parametrize("offers_taken", [1, 2, 3])
def test_inv02_a_run_goes_on_from_any_offered_tree_also_when_a_folder_went(
    writer: Writer, offers_taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_reader, "_OFFER_BYTES", 1)
    monkeypatch.setattr(mail_reader, "_AHEAD", 0)
    mailbox = two_folders()
    base = read(writer, mailbox, None)[0].tree
    folder_goes(mailbox, said_by_y=[mailbox.put("m1", "y"), *(mailbox.put(f"a{number}", "y") for number in range(6))])
    offers: list[TreeId] = []
    broken, _reads = read(writer, mailbox, base, offers.append)
    check(writer, broken.tree, mailbox)
    assert len(offers) >= 3
    result, reads = read(writer, mailbox, offers[offers_taken - 1])
    check(writer, result.tree, mailbox)
    assert len(reads) < 7
    assert read(writer, mailbox, result.tree)[0].tree == result.tree


def test_inv04_a_message_that_cannot_be_read_is_a_finding_and_is_asked_for_again(writer: Writer) -> None:
    mailbox = two_folders()
    mailbox.unreadable = {"m1": refusal(500, "ErrorCorruptData")}
    first, _reads = read(writer, mailbox, None)
    assert [(finding.code, finding.request_id) for finding in first.findings] == [("ErrorCorruptData", "req-1")]
    assert load_state(writer, first.tree).retries.keys() == {"m1"}
    mailbox.unreadable = {}
    second, reads = read(writer, mailbox, first.tree)
    assert (reads, second.findings) == (["m1"], ())
    check(writer, second.tree, mailbox)
    assert load_state(writer, second.tree).retries == {}


def test_a_message_that_went_between_listing_and_reading_is_no_finding(writer: Writer) -> None:
    mailbox = two_folders()
    mailbox.unreadable = {"m1": refusal(404, "ErrorItemNotFound")}
    result, _reads = read(writer, mailbox, None)
    assert result.findings == ()
    del mailbox.messages["m1"]
    check(writer, result.tree, mailbox)


def test_a_message_of_two_folders_is_asked_for(writer: Writer) -> None:
    mailbox = two_folders()
    base = read(writer, mailbox, None)[0].tree
    entry = mailbox.put("m1", "y")
    mailbox.said = {"x": [entry], "y": [entry]}
    result, reads = read(writer, mailbox, base)
    assert (reads, result.counts.moved) == ([], 1)
    check(writer, result.tree, mailbox)


def test_a_renamed_folder_and_a_changed_message_in_it_come_together(writer: Writer) -> None:
    mailbox = two_folders()
    base = read(writer, mailbox, None)[0].tree
    mailbox.folders["x"] = ("Renamed", "y")
    mailbox.said = {
        "": [{"id": "x", "displayName": "Renamed", "parentFolderId": "y"}],
        "x": [mailbox.put("m1", "x", isRead=True, changeKey="K2")],
    }
    result, reads = read(writer, mailbox, base)
    assert (reads, result.counts.updated) == ([], 1)
    check(writer, result.tree, mailbox)


def test_inv09_a_preview_counts_what_the_run_then_does_and_saves_nothing(writer: Writer) -> None:
    mailbox = two_folders()
    base = read(writer, mailbox, None)[0].tree
    mailbox.said = {"x": [{"id": "m2", **GONE}], "y": [mailbox.put("m4", "y"), mailbox.put("m3", "y", isRead=True)]}
    del mailbox.messages["m2"]
    before = writer.stats
    preview = preview_mail(MailboxService(u=mailbox).client, UserId("u"), writer, base, now=NOW)
    assert writer.stats == before
    counts = dataclasses.replace(read(writer, mailbox, base)[0].counts, fetched_bytes=0, stored_bytes=0)
    assert (preview.is_changed, preview.counts) == (True, counts)


def test_inv09_a_preview_of_nothing_is_no_change(writer: Writer) -> None:
    mailbox = two_folders()
    base = read(writer, mailbox, None)[0].tree
    assert not preview_mail(MailboxService(u=mailbox).client, UserId("u"), writer, base, now=NOW).is_changed


@pytest.mark.parametrize("reads", [read_mail, preview_mail])
def test_a_full_temporary_folder_is_said_in_words(writer: Writer, reads: t.Callable[..., object], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(pending: PendingChanges, folder: int, page: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(PendingChanges, "add_page", full)
    more = {"offer": print} if reads is read_mail else {}
    with pytest.raises(BackupError, match="disk is full"):
        reads(MailboxService(u=two_folders()).client, UserId("u"), writer, None, now=NOW, **more)
