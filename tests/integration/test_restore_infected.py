# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Infected items from the scan of a run, by a real clamd, to a restore that refuses them or hands them out as samples."""

from __future__ import annotations

import base64
import io
import os
import shutil
import typing as t
from email.message import EmailMessage
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.zip_stream import ZipStream
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.self_test import EICAR
from ansible_collections.tenantvault.m365_backup.tests.integration.clamd_daemon import EICAR_NAME, Clamd, needs_clamd
from ansible_collections.tenantvault.m365_backup.tests.integration.page_commands import commands_of
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import PASSPHRASE, Answer, Playbook, Task
from ansible_collections.tenantvault.m365_backup.tests.integration.walked_page import Session
from tenant.harness import RunningTenant

pytestmark = needs_clamd
GUIDE = Path(__file__).resolve().parents[2] / "docs/docsite/rst/find_and_export.rst"
ALICE, BOB = "alice@contoso.com", "bob@contoso.com"
EVERYTHING = {"clean", "infected", "unscannable"}


@pytest.fixture
def playbook(tenant: RunningTenant, tmp_path: Path) -> Playbook:
    tenant.control.reset()
    for user in (ALICE, BOB):
        tenant.control.add_user(user)
    return Playbook(tenant=tenant, folder=tmp_path / "host")


def mail(subject: str, attachment: bytes) -> bytes:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "eve@elsewhere.example", ALICE
    message.set_content("See the attachment.")
    message.add_attachment(attachment, maintype="application", subtype="octet-stream", filename="offer.bin")
    return message.as_bytes()


def locked_zip(folder: Path) -> bytes:
    """What nobody without a password can look into."""
    output = io.BytesIO()
    archive = ZipStream(output, folder, password="secret")
    archive.add("inside.txt", 0, 5, [b"hello"])
    archive.close(lambda _digest: b"")
    return output.getvalue()


def backed_up(playbook: Playbook, clamd: Clamd, backup_type: str, *tasks: Task, **more: t.Any) -> list[Answer]:
    """The answers of the tasks after a run of a plan over Alice that scans."""
    scan = {"engine": "clamav", "socket": clamd.socket}
    declared = {"title": "Sales", "users": [ALICE], "backup_type": backup_type, "repository": str(playbook.repository)}
    plan = playbook.task("m365_group_backup_plan", **declared, malware_scan=scan, **more)
    answers = playbook.run(plan, playbook.task("m365_backup_run", plan="sales"), *tasks).answers
    assert [answer["failed"] for answer in answers[:2]] == [False, False], answers[:2]
    return answers[2:]


def restore(playbook: Playbook, **options: t.Any) -> Task:
    return playbook.task("m365_backup_restore", plan="sales", member=ALICE, **options)


def found(playbook: Playbook, *searches: dict[str, t.Any]) -> list[Answer]:
    """The answers of searches, which have no way to reach Microsoft 365."""
    tasks = [playbook.task("m365_backup_item_info", plan="sales", **search) for search in searches]
    answers = playbook.run(*tasks, defaults={"passphrase": PASSPHRASE, "state_path": str(playbook.state_path)}).answers
    assert not any(answer["failed"] for answer in answers), answers
    return answers


def listed(answer: Answer) -> dict[str, str]:
    return {item["subject"]: item["verdict"] for item in answer["matches"]}


def refused(answer: Answer) -> set[str]:
    """The names of what a restore has refused, which has failed for nothing else."""
    assert answer["failed"]
    assert {(each["kind"], each["code"]) for each in answer["findings"]} == {("skipped", "infected")}
    assert "include_infected" in answer["msg"]
    assert EICAR_NAME in answer["msg"]
    return {each["object"] for each in answer["findings"]}


def unpacked(archive: str, folder: Path) -> list[bytes]:
    """What comes out of it by the command of the guide, run in a folder that is made for it."""
    folder.mkdir()
    Session(folder, {f"{ALICE}.infected.zip": archive}, dict(os.environ)).do(commands_of(GUIDE)["Infected items"])
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != ".environment"]


def test_inv11_infected_mail_is_listed_refused_and_handed_out_in_an_encrypted_zip(playbook: Playbook, clamd: Clamd, tmp_path: Path) -> None:
    control, out = playbook.tenant.control, tmp_path / "out"
    for subject, content in (("bad", EICAR), ("fine", b"fine"), ("locked", locked_zip(tmp_path))):
        control.deliver(ALICE, "inbox", mail(subject, content))
    kind = {"@odata.type": "#microsoft.graph.fileAttachment", "contentType": "application/octet-stream", "name": "agenda.bin"}
    start, end = ({"dateTime": f"2026-11-23T{hour}:00:00", "timeZone": "UTC"} for hour in ("10", "11"))
    attached = [{**kind, "contentBytes": base64.b64encode(EICAR).decode()}]
    control.add_event(ALICE, {"subject": "meeting", "start": start, "end": end, "attachments": attached})
    control.add_event(ALICE, {"subject": "lunch", "start": start, "end": end})
    files = {"target_path": str(out)}
    first, wanted, into, as_is, drill = backed_up(
        playbook,
        clamd,
        "mailbox",
        restore(playbook, **files),
        restore(playbook, **files, include_infected=True),
        restore(playbook, target_mailbox=BOB),
        restore(playbook, target_mailbox=BOB, include_infected=True),
        playbook.task("m365_backup_verify", plan="sales", level="drill", drill_items=9, drill_path=str(tmp_path)),
    )
    every, infected = found(playbook, {}, {"verdict": "infected"})
    states = {"bad": "infected", "fine": "clean", "locked": "unscannable", "meeting": "infected", "lunch": "clean"}
    assert {name: state for name, state in listed(every).items() if name in states} == states
    assert listed(infected) == {"bad": "infected", "meeting": "infected"}
    assert infected["matches"][0]["scan"]["names"] == [EICAR_NAME]

    assert refused(first) == {"message bad", "event meeting"}
    assert (first["changed"], first["scan"]) == (True, {"refused": 2, "infected": 0, "unscannable": 1, "unscanned": 0})
    assert (wanted["failed"], wanted["scan"]["infected"], wanted["restored"], wanted["changed"]) == (False, 2, 2, True)
    assert wanted["infected_archive"] == str(out / f"{ALICE}.infected.zip")
    # Neither the samples nor the drill have left anything that can be opened by mistake; base64 hides it in both.
    hidden = (EICAR, base64.b64encode(EICAR)[:40])
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and any(each in path.read_bytes() for each in hidden)]
    if shutil.which("7zz"):
        samples = unpacked(wanted["infected_archive"], tmp_path / "samples")
        assert len(samples) == 2
        assert all(hidden[1] in content.replace(b"\r\n ", b"") for content in samples)

    assert refused(into) == {"message bad", "event meeting"}
    assert (as_is["failed"], as_is["restored"], as_is["scan"]["infected"]) == (False, 2, 2)
    assert sorted(message["subject"] for message in control.messages(BOB)) == ["bad", "fine", "locked"]
    sampled = {one["subject"]: one["verdict"] for member in drill["drill"]["members"] for one in member["sampled"]}
    assert {name: state for name, state in sampled.items() if name in states} == states


def test_inv11_an_infected_file_is_refused_and_of_another_only_its_infected_version(
    playbook: Playbook, clamd: Clamd, tmp_path: Path
) -> None:
    control, out = playbook.tenant.control, tmp_path / "out"
    for user in (ALICE, BOB):
        control.create_drive(user)
    control.put_file(ALICE, "/Offers/bad.bin", EICAR)
    control.put_file(ALICE, "/report.txt", EICAR)
    control.put_file(ALICE, "/report.txt", b"was cleaned")
    files, drive, everything = backed_up(
        playbook,
        clamd,
        "onedrive",
        restore(playbook, target_path=str(out)),
        restore(playbook, target_drive=BOB, target_folder="From Alice", versions=True),
        restore(playbook, target_drive=BOB, target_folder="All of it", versions=True, include_infected=True),
        versions=3,
    )
    [infected] = found(playbook, {"verdict": "infected"})
    assert listed(infected) == {"bad.bin": "infected", "report.txt": "clean"}
    assert {item["subject"]: item["scan"]["infected_versions"] for item in infected["matches"]} == {"bad.bin": 0, "report.txt": 1}
    assert refused(files) == {"file Offers/bad.bin"}
    assert [path.read_bytes() for path in out.rglob("*") if path.is_file()] == [b"was cleaned"]
    assert refused(drive) == {"file Offers/bad.bin", "version 1.0 of file report.txt"}
    assert (drive["restored"], everything["failed"], everything["restored"]) == (1, False, 2)
