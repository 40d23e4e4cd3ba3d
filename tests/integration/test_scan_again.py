# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scanning stored backups as an administrator does it: with a real clamd, with its next signatures, and with rules of his own."""

from __future__ import annotations

import base64
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.self_test import EICAR
from ansible_collections.tenantvault.m365_backup.tests.integration import infected
from ansible_collections.tenantvault.m365_backup.tests.integration.clamd_daemon import EICAR_NAME, Clamd, needs_clamd, running_clamd
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import PASSPHRASE, Answer, Playbook, Task
from tenant.harness import RunningTenant

pytestmark = needs_clamd

ALICE, BOB = "alice@contoso.com", "bob@contoso.com"
PLAN = "sales"
MARKER = b"a dropper that nobody has heard of yet"


@pytest.fixture(scope="module")
def daemon() -> t.Iterator[Clamd]:
    with running_clamd() as daemon:
        yield daemon


@pytest.fixture(scope="module")
def playbook(tenant: RunningTenant, tmp_path_factory: pytest.TempPathFactory) -> Playbook:
    """A plan that scans nothing, with two runs: EICAR in a mail, an event and an archive, and a mail that is deleted in between."""
    control = tenant.control
    control.reset()
    control.add_group("Sales")
    for user in (ALICE, BOB):
        control.add_user(user)
        control.add_member("Sales", user)
        control.deliver_generated(user, 5, folder=None, size_limit=20_000)
    event = {
        "subject": "Kick-off",
        "body": {"contentType": "text", "content": "Agenda\r\n" + MARKER.decode()},
        "start": {"dateTime": "2026-03-02T09:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-03-02T10:00:00", "timeZone": "UTC"},
        "attachments": [
            {
                "@odata.type": "#microsoft.graph.fileAttachment",
                "name": "agenda.zip",
                "contentBytes": base64.b64encode(infected.zipped(EICAR)).decode(),
            }
        ],
    }
    control.add_event(BOB, event)
    archive = control.create_archive(BOB)["archive"]
    control.create_folder(archive, "Old mail")
    control.deliver(archive, ["Old mail"], infected.mail(infected.zipped(EICAR), "eicar.zip"))
    deleted = control.deliver(ALICE, "inbox", infected.mail(MARKER, "offer.bin"))
    playbook = Playbook(tenant=tenant, folder=tmp_path_factory.mktemp("scan"))
    declared: dict[str, t.Any] = {
        "title": "Sales",
        "groups": ["Sales"],
        "backup_type": "mailbox",
        "archive_mailboxes": True,
        "repository": str(playbook.repository),
        "retention": {"keep_last": 5},
    }
    run = playbook.task("m365_backup_run", plan=PLAN)
    assert [answer["changed"] for answer in playbook.run(playbook.task("m365_group_backup_plan", **declared), run).answers] == [True, True]
    control.delete(ALICE, deleted)
    control.deliver(ALICE, "inbox", infected.mail(EICAR))
    assert playbook.run(run).answers[0]["changed"]
    return playbook


def asked(playbook: Playbook, *tasks: Task) -> list[Answer]:
    """The answers of tasks that have no way to reach Microsoft 365."""
    return playbook.run(*tasks, defaults={"passphrase": PASSPHRASE, "state_path": str(playbook.state_path)}).answers


def scan(playbook: Playbook, daemon: Clamd, *, check_mode: bool = False, **options: t.Any) -> Task:
    return playbook.task(
        "m365_backup_scan", check_mode=check_mode, **{"plan": PLAN, "engine": "clamav", "socket": daemon.socket, **options}
    )


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_stored_backups_are_scanned_once_by_each_database_and_what_is_found_is_named(playbook: Playbook, daemon: Clamd) -> None:
    before = files_below(playbook.repository)
    (foreseen,) = asked(playbook, scan(playbook, daemon, check_mode=True))
    assert files_below(playbook.repository) == before
    first, again, foreseen_again = asked(
        playbook, scan(playbook, daemon), scan(playbook, daemon), scan(playbook, daemon, check_mode=True, fail_on="any")
    )
    assert (foreseen["changed"], foreseen["failed"], foreseen["remaining"]) == (True, False, first["contents"])
    assert first["remaining_bytes"] == 0 < foreseen["remaining_bytes"] == first["scanned_bytes"]
    assert (first["failed"], first["changed"], first["scanned"], first["database"].rpartition("/")[2]) == (
        True,
        True,
        first["contents"],
        "1",
    )
    assert (first["infected"], first["newly_infected"], first["unscannable"], first["remaining"]) == (3, 3, 0, 0)
    found = {(row["member"], row["source"], row["folder"], row["name"], row["part"]) for row in first["flagged"]}
    assert found == {
        (ALICE, "mail", "Inbox", "An attachment: eicar.com", ""),
        (BOB, "calendar", "Calendar", "Kick-off", "agenda.zip"),
        (BOB, "archive", "Old mail", "An attachment: eicar.zip", ""),
    }
    assert all((row["names"], row["verdict"], row["previous_verdict"]) == ([EICAR_NAME], "infected", "") for row in first["flagged"])
    mail = next(row for row in first["flagged"] if row["source"] == "mail")
    assert [mail[which]["id"] for which in ("first_snapshot", "last_snapshot")] == [first["snapshots"][-1]["id"]] * 2
    assert mail["received"].endswith(" UTC")
    assert "3 contents infected, 3 of them newly found." in first["msg"]
    assert (again["failed"], again["changed"], again["scanned"], again["known"]) == (False, False, 0, first["contents"])
    assert [row["previous_verdict"] for row in again["flagged"]] == ["infected"] * 3
    assert (foreseen_again["failed"], foreseen_again["changed"], foreseen_again["remaining"]) == (True, False, 0)

    daemon.set_signatures({"Test.Dropper": MARKER}, version=2)
    daemon.reload()
    (newer,) = asked(playbook, scan(playbook, daemon))
    assert (newer["database"].rpartition("/")[2], newer["scanned"]) == ("2", first["contents"])
    assert (newer["failed"], newer["infected"], newer["newly_infected"]) == (True, 5, 2)
    news = [(row["source"], row["name"], row["names"], row["previous_verdict"]) for row in newer["flagged"][:2]]
    assert sorted(news) == [
        ("calendar", "Kick-off", ["Test.Dropper.UNOFFICIAL"], "clean"),
        ("mail", "An attachment: offer.bin", ["Test.Dropper.UNOFFICIAL"], "clean"),
    ]
    deleted = next(row for row in newer["flagged"] if row["name"] == "An attachment: offer.bin")
    assert deleted["last_snapshot"]["id"] == newer["snapshots"][0]["id"]


def test_rules_of_ones_own_are_looked_for_in_one_mailbox_without_a_daemon(playbook: Playbook, daemon: Clamd, tmp_path: Path) -> None:
    rules = tmp_path / "incident.yar"
    rules.write_text(f'rule dropper {{ strings: $a = "{MARKER.decode()}" condition: $a }}\n', encoding="ascii")
    looking: dict[str, t.Any] = {"engine": "yara", "rules": [str(rules)], "fail_on": "any"}
    alice, latest, unknown, unusable = asked(
        playbook,
        scan(playbook, daemon, members=[ALICE], **looking),
        scan(playbook, daemon, members=[ALICE], snapshots=["latest"], **looking),
        scan(playbook, daemon, members=["carl@contoso.com"], **looking),
        scan(playbook, daemon, engine="yara"),
    )
    assert (alice["failed"], alice["engine"], {row["member"] for row in alice["flagged"]}) == (True, "yara", {ALICE})
    # Every engine knows the test virus.
    assert sorted(row["name"] for row in alice["flagged"]) == ["An attachment: eicar.com", "An attachment: offer.bin"]
    assert next(row["names"] for row in alice["flagged"] if "offer" in row["name"]) == ["dropper"]
    assert ([row["name"] for row in latest["flagged"]], latest["scanned"]) == (["An attachment: eicar.com"], 0)
    assert "has a member carl@contoso.com" in unknown["msg"]
    assert (unusable["failed"], "rules" in unusable["msg"]) == (True, True)
