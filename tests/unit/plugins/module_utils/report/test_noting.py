# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks leave a record and an entry in the journal, whatever comes of them; check mode leaves neither."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._signals import StopSignal
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.store import PlanStore, StoredPlan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.journal import RUN_MESSAGE_ID, TASK_MESSAGE_ID, send_entry
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.noting import Noting, note_run, noted
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.task_records import KEPT_RECORDS, past_tasks, task_folder
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.report.records import (
    DAY,
    HOUR,
    LOST,
    NOON,
    did,
    member,
    plan,
    ran,
    source,
)

PRUNED = {
    "snapshots_removed": 3,
    "snapshots_kept": 27,
    "members_removed": [{}],
    "bytes_freed": 700 * 2**20,
    "bytes_rewritten": 5,
    "plan": "x",
}
VERIFIED = {
    "outcome": "damaged",
    "repository": "/srv/backup",
    "level": "data",
    "subset": "1/7",
    "finding_count": 30,
    "packs": 9,
    "trees": 4,
    "findings": [{"severity": "error", "object": f"pack {number}", "problem": "is gone", "affected": []} for number in range(30)],
}
DRILLED = {
    "outcome": "sound",
    "level": "drill",
    "finding_count": 0,
    "findings": [],
    "drill": {"items_restored": 12, "bytes_restored": 99, "population": 80, "opened_with": "recovery key", "members": [{}, {}]},
}
RESTORED = {
    "target": "/tmp/x",
    "member": "anna@x.example",
    "restored": 5,
    "copied": 1,
    "replaced": 0,
    "kept": 2,
    "unchanged": 0,
    "restored_bytes": 2048,
    "finding_count": 1,
    "findings": [{"object": "message Secret plans"}],
}
SCANNED = {
    "contents": 9,
    "known": 4,
    "scanned": 5,
    "scanned_bytes": 7,
    "remaining": 2,
    "clean": 6,
    "infected": 1,
    "unscannable": 0,
    "newly_infected": 1,
    "no_longer_infected": 0,
    "finding_count": 0,
    "engine": "clamav",
    "engine_version": "1.4",
    "database": "27",
    "database_released": "2026-05-01",
    "flagged": [{"member": "a@x.example", "name": "Invoice", "verdict": "infected", "size": 3}],
}


@pytest.fixture
def state_path(tmp_path: Path) -> Path:
    PlanStore(tmp_path).save(StoredPlan(plan=plan()))
    return tmp_path


class Journal:
    """A socket that stands where journald's does, and reads entries by the protocol of systemd's JOURNAL_NATIVE_PROTOCOL.md."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._socket.settimeout(0)

    def close(self) -> None:
        self._socket.close()

    def entries(self) -> list[dict[str, str]]:
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                found.append(self._parse(self._socket.recv(65536)))
        return found

    @staticmethod
    def _parse(data: bytes) -> dict[str, str]:
        fields = {}
        while data:
            line, _end, rest = data.partition(b"\n")
            name, equals, value = line.partition(b"=")
            if not equals:
                (length,) = struct.unpack("<Q", rest[:8])
                value, rest = rest[8 : 8 + length], rest[8 + length + 1 :]
            fields[name.decode()], data = value.decode(), rest
        return fields


@pytest.fixture
def journal(tmp_path: Path) -> t.Iterator[Journal]:
    listening = Journal(tmp_path)
    try:
        yield listening
    finally:
        listening.close()


def noting(state_path: Path, verb: str, *, warnings: list[str] | None = None, **more: t.Any) -> Noting:
    times = iter((NOON, NOON + HOUR))
    given = {"reference": "Sales", "is_check": False, "now": lambda: next(times), "journal": state_path / "journal"}
    return Noting(verb=verb, state_path=state_path, warn=([] if warnings is None else warnings).append, **{**given, **more})


@pytest.mark.parametrize(
    ("verb", "result", "outcome", "words", "numbers"),
    [
        ("prune", PRUNED, "complete", "3 of 30 restore points removed, 700.0 MiB freed. 1 former member removed.", {"snapshots_kept": 27}),
        ("verify", VERIFIED, "damaged", "The repository /srv/backup is damaged: 30 findings.", {"packs": 9, "trees": 4}),
        ("verify", {**VERIFIED, "outcome": "repaired", "finding_count": 0}, "complete", "was damaged and is repaired.", {"packs": 9}),
        ("drill", DRILLED, "complete", "12 items of 2 members restored with the recovery key", {"items_restored": 12, "members": 2}),
        ("restore", RESTORED, "complete", "6 items of anna@x.example (2.0 KiB) restored. 1 finding.", {"restored": 5, "copied": 1}),
        ("scan", SCANNED, "partial", "1 infected, 1 of them newly; 0 unscannable. 2 contents still", {"infected": 1, "remaining": 2}),
    ],
)
def test_a_task_leaves_what_it_has_done(
    state_path: Path, journal: Journal, verb: str, result: dict[str, t.Any], outcome: str, words: str, numbers: dict[str, float]
) -> None:
    assert noted(noting(state_path, verb), lambda: result) is result
    (record,) = past_tasks(state_path, "sales")
    assert (record.verb, record.outcome, record.start, record.end) == (verb, outcome, NOON, NOON + HOUR)
    assert words in record.sentence
    assert numbers.items() <= record.numbers.items()
    (entry,) = journal.entries()
    assert (entry["M365_PLAN"], entry["M365_TASK"], entry["M365_OUTCOME"], entry["M365_SECONDS"]) == ("sales", verb, outcome, "3600.0")
    assert (entry["MESSAGE_ID"], entry["PRIORITY"]) == (TASK_MESSAGE_ID, {"complete": "6", "partial": "4", "damaged": "3"}[outcome])
    assert entry["MESSAGE"].endswith(record.sentence)


def test_a_record_is_for_its_owner_and_names_nothing_that_a_mailbox_holds(state_path: Path, journal: Journal) -> None:
    noted(noting(state_path, "restore"), lambda: RESTORED)
    (path,) = task_folder(state_path, "sales").iterdir()
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert "Secret plans" not in path.read_text() + json.dumps(journal.entries())


def test_of_many_findings_the_first_are_kept_and_of_a_scan_what_it_flagged(state_path: Path) -> None:
    noted(noting(state_path, "verify"), lambda: VERIFIED)
    noted(noting(state_path, "scan"), lambda: SCANNED)
    scan, verify = sorted(past_tasks(state_path, "sales"), key=lambda record: record.verb)
    assert (verify.detail, verify.finding_count, len(verify.findings)) == ("data 1/7", 30, 20)
    assert verify.findings[0] == {"kind": "error", "object": "pack 0", "reason": "is gone"}
    assert scan.scan is not None
    assert [(one["name"], one["verdict"]) for one in scan.scan["flagged"]] == [("Invoice", "infected")]


@pytest.mark.parametrize(
    ("verb", "error", "outcome", "words"),
    [
        ("prune", BackupError("A run is writing.", hint="Wait."), "failed", "A run is writing."),
        ("prune", BackupError("No.", facts={**PRUNED, "snapshots_removed": 20}), "failed", "Nothing was pruned: 20 of 47 restore points"),
        ("restore", BackupError("No.", facts=RESTORED), "partial", "6 items"),
        ("restore", BackupError("No.", facts={**RESTORED, "restored": 0, "copied": 0}), "failed", "0 items"),
        ("scan", BackupError("No.", facts=SCANNED), "partial", "1 infected"),
        ("verify", BackupError("No key.", facts={"request_id": "r"}), "failed", "No key."),
        ("run", BackupError("The secret has expired."), "failed", "The secret has expired."),
        ("run", StopSignal("SIGTERM"), "failed", "It was stopped by SIGTERM before it was through."),
    ],
)
def test_a_task_that_fails_leaves_why_and_still_fails(
    state_path: Path, journal: Journal, verb: str, error: BaseException, outcome: str, words: str
) -> None:
    def fail() -> dict[str, t.Any]:
        raise error

    with pytest.raises(error.__class__):
        noted(noting(state_path, verb), fail)
    (record,) = past_tasks(state_path, "sales")
    assert (record.outcome, record.verb) == (outcome, verb)
    assert words in record.sentence
    assert [entry["M365_OUTCOME"] for entry in journal.entries()] == [outcome]


def fail() -> t.NoReturn:
    raise BackupError("No.")


def test_check_mode_leaves_nothing(state_path: Path, journal: Journal) -> None:
    noted(noting(state_path, "prune", is_check=True), lambda: PRUNED)
    with pytest.raises(BackupError):
        noted(noting(state_path, "prune", is_check=True), fail)
    assert not task_folder(state_path, "sales").exists()
    assert journal.entries() == []


def test_a_run_with_a_result_has_its_own_record_and_one_entry(state_path: Path, journal: Journal) -> None:
    result = ran(state_path, NOON, member("anna", source(last=NOON)), member("bob", source(last=NOON, findings=[LOST])))
    document = {**result.as_dict(), "notes": []}

    def run() -> dict[str, t.Any]:
        note_run(state_path, "sales", result.run_id, document, journal=journal.path)
        raise BackupError("It ended partial.", facts=document)

    with pytest.raises(BackupError):
        noted(noting(state_path, "run"), run)
    assert list(past_tasks(state_path, "sales")) == []
    (entry,) = journal.entries()
    expected = {
        "MESSAGE_ID": RUN_MESSAGE_ID,
        "M365_RUN_ID": result.run_id,
        "M365_MEMBERS": "2",
        "M365_FINDINGS": "1",
        "M365_ITEMS": "20",
        "M365_STORED_BYTES": "600",
        "M365_THROTTLED_SECONDS": "1.5",
        "M365_RESTORE_POINT": "ab12",
        "SYSLOG_IDENTIFIER": "m365-backup",
    }
    assert {name: entry[name] for name in expected} == expected
    assert entry["MESSAGE"] == "Run of plan sales ended complete: 2 members, 20 items, 600 bytes stored, 1 finding."


def test_a_plan_that_is_not_there_leaves_nothing_and_a_full_disk_is_a_warning(state_path: Path) -> None:
    warnings: list[str] = []
    noted(noting(state_path, "prune", reference="other", warnings=warnings), lambda: PRUNED)
    assert warnings == []
    (state_path / "tasks").write_text("in the way")
    noted(noting(state_path, "prune", warnings=warnings), lambda: PRUNED)
    assert len(warnings) == 1
    assert warnings[0].startswith("The prune of plan sales ended, but its record")


def test_the_newest_records_stay_and_what_is_none_is_passed_over(tmp_path: Path) -> None:
    for number in range(KEPT_RECORDS + 3):
        did(tmp_path, NOON + number * DAY)
    assert len(list(task_folder(tmp_path, "sales").iterdir())) == KEPT_RECORDS
    for name, content in (("29990101T000000Z-abc-verify.json", "{"), ("29990102T000000Z-abc-verify.json", '{"verb": "verify"}')):
        (task_folder(tmp_path, "sales") / name).write_text(content)
    assert next(past_tasks(tmp_path, "sales")).start == NOON + (KEPT_RECORDS + 2) * DAY
    assert list(past_tasks(tmp_path, "other")) == []


def test_an_entry_of_several_lines_keeps_them_and_one_that_is_long_is_cut(tmp_path: Path, journal: Journal) -> None:
    assert send_entry("one\ntwo=2\n", TASK_MESSAGE_ID, "failed", {"M365_PLAN": "sales", "M365_NONE": None}, journal.path)
    assert send_entry("x" * 100_000, TASK_MESSAGE_ID, "complete", {}, journal.path)
    first, second = journal.entries()
    assert (first["MESSAGE"], first["M365_PLAN"], "M365_NONE" in first) == ("one\ntwo=2\n", "sales", False)
    assert len(second["MESSAGE"]) == 4000


def test_without_a_journal_nothing_happens(tmp_path: Path) -> None:
    assert not send_entry("Hello", TASK_MESSAGE_ID, "complete", {}, tmp_path / "none")
