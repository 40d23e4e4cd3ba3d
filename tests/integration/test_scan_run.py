# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of plans with a malware scan, against a real clamd: everything is looked at once, and nothing is lost or called clean."""

from __future__ import annotations

import base64
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Outcome
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import MAILBOX_SOURCES
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.self_test import EICAR
from ansible_collections.tenantvault.m365_backup.tests.integration import infected
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup, needs_restic
from ansible_collections.tenantvault.m365_backup.tests.integration.clamd_daemon import Clamd, needs_clamd, running_clamd
from ansible_collections.tenantvault.m365_backup.tests.integration.scanned_contents import marks, records, verdicts
from tenant.harness import RunningTenant

pytestmark = needs_clamd
ALICE, BOB = "alice@contoso.com", "bob@contoso.com"
CLEAN = 10


@pytest.fixture
def control(tenant: RunningTenant) -> t.Any:
    tenant.control.reset()
    for user in (ALICE, BOB):
        tenant.control.add_user(user)
    return tenant.control


def backup_of(tenant: RunningTenant, folder: Path, clamd: Clamd, *, users: tuple[str, ...] = (ALICE,), **options: t.Any) -> Backup:
    scan = {"engine": "clamav", "socket": clamd.socket, **options.pop("scan", {})}
    return Backup(tenant=tenant, folder=folder, users=users, malware_scan=scan, scanner_patience=1.0, **options)


def attachment(content: bytes) -> dict[str, t.Any]:
    kind = {"@odata.type": "#microsoft.graph.fileAttachment", "contentType": "application/octet-stream"}
    return {**kind, "name": "offer.bin", "contentBytes": base64.b64encode(content).decode()}


def event(subject: str, **fields: t.Any) -> dict[str, t.Any]:
    start, end = ({"dateTime": f"2026-11-23T{hour}:00:00", "timeZone": "UTC"} for hour in ("10", "11"))
    return {"subject": subject, "start": start, "end": end, **fields}


def fill_mailbox(control: t.Any) -> None:
    """Something infected of each kind, and as much that is not."""
    text = {"contentType": "text", "content": EICAR.decode()}
    control.deliver_generated(ALICE, CLEAN, folder="inbox", size_limit=20_000)
    for number, mime in enumerate(infected.mails().values()):
        control.deliver(ALICE, "inbox", mime.replace(b"Subject: ", b"Subject: %d " % number))
    control.add_event(ALICE, event("clean", body={"contentType": "text", "content": "Hello"}))
    control.add_event(ALICE, event("in the text", body=text))
    control.add_event(ALICE, event("attached", attachments=[attachment(infected.zipped(EICAR))]))
    control.add_contact(ALICE, {"displayName": "in the notes", "personalNotes": EICAR.decode()})
    control.add_contact(ALICE, {"displayName": "clean"})
    control.add_task(ALICE, {"title": "in the text", "body": text})
    archive = control.create_archive(ALICE)["archive"]
    control.create_folder(archive, "Old mail")
    control.deliver_generated(archive, CLEAN, folder=["Old mail"], size_limit=20_000)
    control.deliver_many(archive, ["Old mail"], [mime.replace(b"Subject: ", b"Subject: archived ") for mime in infected.mails().values()])


@needs_restic
@pytest.mark.parametrize("workers", [1, 2])
def test_whatever_a_mailbox_holds_is_scanned_once_and_the_infected_is_stored_marked_and_named(
    tenant: RunningTenant, control: t.Any, clamd: Clamd, tmp_path: Path, workers: int
) -> None:
    fill_mailbox(control)
    control.deliver_generated(BOB, CLEAN, folder="inbox", size_limit=20_000)
    backup = backup_of(tenant, tmp_path, clamd, users=(ALICE, BOB), sources=MAILBOX_SOURCES, archives=True)
    foreseen = backup.preview()
    assert foreseen.scan is not None
    assert (foreseen.scan.engine.name, foreseen.scan.counts.scanned, foreseen.snapshot_id) == ("clamav", 0, None)
    result = backup.run(workers=workers)
    assert result.scan is not None
    counts, mails = result.scan.counts, len(infected.mails())
    found = verdicts(backup)
    assert (result.outcome, counts.unscanned, counts.unscannable) == (Outcome.COMPLETE, 0, 0)
    assert all(verdict is not None for verdict in found.values())
    assert counts.scanned + counts.known == counts.clean + counts.infected == len(found)
    assert set(marks(records(backup, ALICE, "calendar"))) == {"in the text", "attached"}
    assert marks(records(backup, ALICE, "contacts")) == {"in the notes": "infected"}
    assert marks(records(backup, ALICE, "tasks")) == {"in the text": "infected"}
    assert set(marks(records(backup, ALICE, "mail")).values()) == {"infected"}
    assert len(marks(records(backup, ALICE, "mail"))) == mails
    named = [(one.source, one.part) for one in result.scan.flagged]
    assert (named.count(("mail", "")), named.count(("archive", "")), named.count(("calendar", "attachment offer.bin"))) == (mails, mails, 1)
    assert counts.infected == len(named) == 2 * mails + 4
    assert result.refused == ()
    assert "include_infected" in " ".join(result.warnings)
    backup.restic("check", "--read-data")

    again = backup.run(workers=workers)
    assert again.scan is not None
    assert (again.is_changed, again.scan.counts.scanned, again.scan.flagged, again.stored_bytes) == (False, 0, (), 0)
    # Known contents under another name are not scanned again, and what was read or moved stays marked.
    control.deliver_many(BOB, "inbox", [control.mime(ALICE, message["id"]) for message in control.messages(ALICE, "inbox")])
    control.move(ALICE, [message["id"] for message in control.messages(ALICE, "inbox")], "archive")
    third = backup.run(workers=workers)
    assert third.scan is not None
    assert (third.scan.counts.scanned, third.scan.counts.known, third.scan.counts.infected) == (0, CLEAN + mails, mails)
    assert {one.member for one in third.scan.flagged} == {BOB}
    assert len(marks(records(backup, ALICE, "mail"))) == mails


def test_files_of_a_drive_are_scanned_with_their_versions_and_a_new_database_scans_what_comes_by(
    tenant: RunningTenant, control: t.Any, tmp_path: Path
) -> None:
    control.create_drive(ALICE)
    for name, content in infected.files().items():
        control.put_file(ALICE, f"/Bad/{name}", content)
    control.put_file(ALICE, "/report.txt", EICAR)
    control.put_file(ALICE, "/report.txt", b"clean by now")
    control.put_file(ALICE, "/large.bin", bytes(2 << 20))
    control.put_file(ALICE, "/later.txt", b"known to be bad later on")
    with running_clamd() as daemon:
        backup = backup_of(tenant, tmp_path, daemon, backup_type="onedrive", versions=3, scan={"size_limit_mb": 1})
        result = backup.run()
        assert result.scan is not None
        named = {(one.folder, one.name, one.part, one.verdict) for one in result.scan.flagged}
        assert {one for one in named if one[0] != "Bad"} == {
            ("", "report.txt", "version 1.0", "infected"),
            ("", "large.bin", "", "unscannable"),
        }
        assert {one[1] for one in named if one[0] == "Bad"} == set(infected.files())
        stored = records(backup, ALICE, "onedrive")
        assert "scan" not in stored["report.txt"]
        assert stored["report.txt"]["versions"][0]["scan"]["verdict"] == "infected"
        assert "larger than the limit" in stored["large.bin"]["scan"]["reason"]
        assert all(verdict is not None for verdict in verdicts(backup).values())

        daemon.set_signatures({"Test.Later": b"known to be bad"}, version=2)
        daemon.reload()
        control.put_file(ALICE, "/copy of later.txt", b"known to be bad later on")
        second = backup.run()
        assert second.scan is not None
        assert (second.scan.engine.database, second.scan.counts.scanned) == ("1.4.6/2", 1)
        assert [one.name for one in second.scan.flagged] == ["copy of later.txt"]
        # The verdict belongs to the content, so the file that was stored before has it as well.
        now_known = verdicts(backup)[ALICE, "onedrive", "later.txt"]
        assert now_known is not None
        assert now_known.names == ("Test.Later.UNOFFICIAL",)


def test_a_higher_limit_scans_what_was_too_large(tenant: RunningTenant, control: t.Any, clamd: Clamd, tmp_path: Path) -> None:
    control.create_drive(ALICE)
    control.put_file(ALICE, "/large.bin", bytes(2 << 20))
    options: dict[str, t.Any] = {"backup_type": "onedrive"}
    first = backup_of(tenant, tmp_path, clamd, scan={"size_limit_mb": 1}, **options).run()
    control.put_file(ALICE, "/same.bin", bytes(2 << 20))
    second = backup_of(tenant, tmp_path, clamd, scan={"size_limit_mb": 3}, **options).run()
    assert first.scan is not None
    assert second.scan is not None
    assert (first.scan.counts.unscannable, second.scan.counts.clean, second.scan.counts.scanned) == (1, 1, 1)
