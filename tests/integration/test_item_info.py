# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding items and restoring them into files, as an administrator does it: without any connection to Microsoft 365."""

from __future__ import annotations

import mailbox
import typing as t
import zipfile
from pathlib import Path

import pytest
import vobject

from ansible_collections.tenantvault.m365_backup.tests.integration.backups import mail_of
from ansible_collections.tenantvault.m365_backup.tests.integration.page_commands import commands_of
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import PASSPHRASE, Answer, Playbook, Task
from ansible_collections.tenantvault.m365_backup.tests.integration.walked_page import Session, programs_path
from tenant.harness import RunningTenant

GUIDE = Path(__file__).resolve().parents[2] / "docs/docsite/rst/find_and_export.rst"
ALICE, BOB = "alice@contoso.com", "bob@contoso.com"
PLAN = "sales"
INVOICE = (
    b"From: Ben Brown <ben@fabrikam.com>\r\nTo: alice@contoso.com\r\nSubject: Invoice 4711\r\nMessage-ID: <4711@fabrikam.com>\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nFrom here on.\r\n"
    b'--b\r\nContent-Type: application/pdf; name="R\xc3\xa9sum\xc3\xa9 4711.pdf"\r\nContent-Transfer-Encoding: base64\r\n'
    b'Content-Disposition: attachment; filename="=?utf-8?B?UsOpc3Vtw6kgNDcxMS5wZGY=?="\r\n\r\nJVBERi0=\r\n--b--\r\n'
)
SERIES = {
    "subject": "Jour fixe",
    "start": {"dateTime": "2026-03-02T09:00:00", "timeZone": "W. Europe Standard Time"},
    "end": {"dateTime": "2026-03-02T10:00:00", "timeZone": "W. Europe Standard Time"},
    "recurrence": {
        "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"], "firstDayOfWeek": "monday"},
        "range": {"type": "endDate", "startDate": "2026-03-02", "endDate": "2026-04-27", "recurrenceTimeZone": "W. Europe Standard Time"},
    },
}


@pytest.fixture(scope="module")
def playbook(tenant: RunningTenant, tmp_path_factory: pytest.TempPathFactory) -> Playbook:
    """Two members and two runs; between them Alice deletes an invoice."""
    control = tenant.control
    control.reset()
    control.add_group("Sales")
    for user in (ALICE, BOB):
        control.add_user(user)
        control.add_member("Sales", user)
        control.deliver_generated(user, 10, folder=None, size_limit=20_000)
    invoice = control.deliver(ALICE, "inbox", INVOICE)
    event = control.add_event(ALICE, SERIES)
    control.cancel_occurrence(ALICE, event, "2026-03-30")
    control.change_occurrence(ALICE, event, "2026-04-13", subject="Jour fixe, moved")
    contact = control.add_contact(ALICE, {"givenName": "Carl", "surname": "Grün", "emailAddresses": [{"address": "carl@fabrikam.com"}]})
    control.set_contact_photo(ALICE, contact, b"\xff\xd8\xff" + b"photo" * 100)
    control.add_task(ALICE, {"title": "Call Carl"})
    playbook = Playbook(tenant=tenant, folder=tmp_path_factory.mktemp("find"))
    declared: dict[str, t.Any] = {"title": "Sales", "groups": ["Sales"], "backup_type": "mailbox", "repository": str(playbook.repository)}
    run = playbook.task("m365_backup_run", plan=PLAN)
    answers = playbook.run(playbook.task("m365_group_backup_plan", **declared, retention={"keep_last": 5}), run).answers
    assert [answer["changed"] for answer in answers] == [True, True]
    control.delete(ALICE, invoice)
    assert playbook.run(run).answers[0]["changed"]
    return playbook


def asked(playbook: Playbook, *tasks: Task) -> list[Answer]:
    """The answers of tasks that have no way to reach Microsoft 365."""
    defaults = {"passphrase": PASSPHRASE, "state_path": str(playbook.state_path)}
    return playbook.run(*tasks, defaults=defaults).answers


def find(playbook: Playbook, **options: t.Any) -> Task:
    return playbook.task("m365_backup_item_info", plan=PLAN, **options)


def restore(playbook: Playbook, target: Path, **options: t.Any) -> Task:
    return playbook.task("m365_backup_restore", plan=PLAN, member=ALICE, target_path=str(target), **options)


def test_a_deleted_message_is_found_with_its_last_snapshot_and_restored_from_it(playbook: Playbook, tmp_path: Path) -> None:
    latest, everywhere, by_id = asked(
        playbook,
        find(playbook, subject="invoice 4711"),
        find(playbook, subject="invoice", attachment="résumé", sender="ben@", snapshots=["all"], members=[ALICE], folder="inbox"),
        find(playbook, message_id="4711@fabrikam.com", snapshots=["all"], check_mode=True),
    )
    assert (latest["item_count"], latest["matches"], latest["changed"]) == (0, [], False)
    assert latest["msg"] == "No item found in 1 snapshot of the plan sales."
    (item,) = everywhere["matches"]
    assert (item["subject"], item["attachments"], item["folder"]) == ("Invoice 4711", ["Résumé 4711.pdf"], "Inbox")
    assert (item["snapshot_count"], item["first_snapshot"]) == (1, item["last_snapshot"])
    assert [snapshot["id"] for snapshot in everywhere["snapshots"]].index(item["last_snapshot"]["id"]) == 0
    assert by_id["matches"] == everywhere["matches"]
    options = {"sources": ["mail"], "snapshot": item["last_snapshot"]["id"], "item_ids": [item["id"]]}
    first, second = asked(playbook, restore(playbook, tmp_path, **options), restore(playbook, tmp_path, **options))
    assert (first["restored"], first["changed"], second["restored"], second["changed"]) == (1, True, 0, False)
    (file,) = tmp_path.rglob("*.eml")
    assert b"JVBERi0=" in file.read_bytes()


def test_items_of_all_sources_are_found_and_counted(playbook: Playbook) -> None:
    everything, few, series, contact = asked(
        playbook,
        find(playbook),
        find(playbook, limit=3),
        find(playbook, sources=["calendar"], after="2026-04-20T00:00:00Z", before="2026-04-21T00:00:00Z"),
        find(playbook, recipient="carl@fabrikam.com"),
    )
    sources = {(row["member"], row["source"]): row["item_count"] for row in everything["members"]}
    assert (sources[ALICE, "mail"], sources[BOB, "mail"], sources[ALICE, "calendar"], sources[ALICE, "contacts"]) == (10, 10, 1, 1)
    assert (few["truncated"], len(few["matches"]), few["item_count"]) == (True, 3, everything["item_count"])
    assert "Only the newest 3 are listed" in few["msg"]
    assert [(item["source"], item["subject"]) for item in series["matches"]] == [("calendar", "Jour fixe")]
    assert [(item["source"], item["member"]) for item in contact["matches"]] == [("contacts", ALICE)]


def test_everything_of_a_member_becomes_files_that_other_programs_read(playbook: Playbook, tmp_path: Path) -> None:
    files, again, boxes, maildir, zipped = asked(
        playbook,
        restore(playbook, tmp_path / "files"),
        restore(playbook, tmp_path / "files"),
        restore(playbook, tmp_path / "mboxrd", file_format="mboxrd"),
        restore(playbook, tmp_path / "maildir", file_format="maildir"),
        restore(playbook, tmp_path / "zip", file_format="zip"),
    )
    assert (files["finding_count"], again["changed"], again["unchanged"]) == (0, False, files["restored"])
    root = tmp_path / "files" / ALICE
    mail = mail_of(playbook.tenant, ALICE)
    assert sorted(path.read_bytes() for path in (root / "mail").rglob("*.eml")) == mail
    (calendar,) = [vobject.readOne(path.read_text("utf-8")) for path in (root / "calendar").rglob("*.ics")]
    assert [day.day for day in calendar.vevent.getrruleset(addRDate=False)] == [2, 9, 16, 23, 6, 13, 20, 27]
    assert [event.summary.value for event in calendar.vevent_list] == ["Jour fixe", "Jour fixe, moved"]
    (card,) = [vobject.readOne(path.read_text("utf-8")) for path in (root / "contacts").rglob("*.vcf")]
    assert (card.n.value.family, card.email.value, card.photo.value[:3]) == ("Grün", "carl@fabrikam.com", b"\xff\xd8\xff")
    (task,) = [vobject.readOne(path.read_text("utf-8")) for path in (root / "tasks").rglob("*.ics")]
    assert task.vtodo.summary.value == "Call Carl"
    assert {path.name for path in (root / "settings").rglob("*.json")} >= {"mailboxSettings.json"}
    assert boxes["restored"] == maildir["restored"] == zipped["restored"] == files["restored"]
    read = [mailbox.mbox(path, create=False) for path in (tmp_path / "mboxrd" / ALICE / "mail").rglob("*.mbox")]
    assert sum(len(box) for box in read) == len(mail)
    assert sorted(path.read_bytes() for path in (tmp_path / "maildir").rglob("cur/*")) == mail
    with zipfile.ZipFile(zipped["target"]) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
        }


def test_the_command_of_the_guide_finds_what_was_deleted(playbook: Playbook, tmp_path: Path) -> None:
    environment = playbook.environment(
        {
            "PATH": programs_path(),
            "M365_BACKUP_STATE_PATH": str(playbook.state_path),
            "M365_BACKUP_PASSPHRASE": PASSPHRASE,
        }
    )
    said = Session(tmp_path, {}, environment).do(commands_of(GUIDE)["Find an item"])
    assert "Invoice 4711" in said
    assert "4711.pdf" in said


def test_what_cannot_be_asked_gets_one_clear_sentence(playbook: Playbook) -> None:
    refused: list[tuple[dict[str, t.Any], str]] = [
        ({"members": ["carl@contoso.com"]}, "Their members are: alice@contoso.com, bob@contoso.com."),
        ({"after": "2026-05-01T00:00:00"}, "has no zone"),
        ({"snapshots": ["0" * 12]}, "No single snapshot"),
        ({"snapshots_after": "2999-01-01T00:00:00Z"}, "made in that time"),
        ({"limit": 0}, "Let limit be at least 1."),
    ]
    answers = asked(playbook, *(find(playbook, **options) for options, _words in refused))
    for answer, (_options, words) in zip(answers, refused, strict=True):
        assert answer["failed"]
        assert words in answer["msg"]
        assert "Traceback" not in str(answer)
