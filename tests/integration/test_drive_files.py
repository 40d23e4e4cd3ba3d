# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A OneDrive as an administrator finds files in it, restores them into a folder, and keeps the backup sound."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import typing as t
import zipfile
from datetime import datetime, timezone
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import ONEDRIVE
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import open_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import find_node, walk
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobId, BlobKind, NodeKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Path as StoredPath
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.snapshot_choice import choose_snapshot
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import PASSPHRASE, Answer, Playbook, Task
from tenant.harness import RunningTenant

ALICE, BOB = "alice@contoso.com", "bob@contoso.com"
PLAN = "drives"
LONG = "漢" * 120 + ".docx"
NASTY = ("#1 100% & more +.txt", "it's.txt", ".hidden", "😀.txt", "e\u0301.txt", "\u00e9.txt", "\u202egpj.exe", "2026", ".folder.json")
TOP = ("Drives", ALICE, ONEDRIVE)
REPORT = "/Documents/Reports/forecast.xlsx"
Drive = dict[str, tuple[str, float]]


@dataclasses.dataclass(frozen=True)
class Stored:
    """A plan over two drives with two restore points, and what Alice's drive was like at each: path to digest and time."""

    playbook: Playbook
    first: Drive
    second: Drive


@pytest.fixture(scope="module")
def stored(tenant: RunningTenant, tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """Between the runs a folder is renamed, a report changes, a file goes."""
    control = tenant.control
    control.reset()
    control.add_group("Drives")
    for user in (ALICE, BOB):
        control.add_user(user)
        control.add_member("Drives", user)
        control.create_drive(user)
    control.put_file(BOB, "/Documents/Reports/forecast.xlsx", b"of Bob", by=BOB)
    control.make_folder(ALICE, "/Documents/Reports", modified="2024-02-03T04:05:06Z")
    control.make_folder(ALICE, "/Documents/Empty/Emptier", modified="2023-01-01T00:00:00Z")
    for number, name in enumerate(NASTY):
        control.put_file(ALICE, f"/Names/{name}", name.encode(), modified=f"2025-03-0{number + 1}T10:00:00Z", by=ALICE)
    control.put_file(ALICE, f"/Names/{LONG}", b"long", modified="2025-04-01T10:00:00Z", by=ALICE)
    control.put_file(ALICE, "/zero.bin", b"", modified="2022-01-01T00:00:00Z", by=ALICE)
    control.put_file(ALICE, "/Media/film.mp4", seed=7, size=9_000_001, modified="2021-01-01T00:00:00Z", by=ALICE)
    control.put_file(ALICE, "/Documents/minutes.txt", b"minutes", modified="2025-05-01T00:00:00Z", by=BOB)
    control.put_file(ALICE, REPORT, b"as it was", modified="2025-06-01T00:00:00Z", by=ALICE)
    control.add_shortcut(ALICE, "/Shared by Bob", BOB, "/Documents")
    playbook = Playbook(tenant=tenant, folder=tmp_path_factory.mktemp("drives"))
    declared: dict[str, t.Any] = {
        "title": "Drives",
        "groups": ["Drives"],
        "backup_type": "onedrive",
        "repository": str(playbook.repository),
    }
    plan = playbook.task("m365_group_backup_plan", **declared, versions=2, retention={"keep_last": 9})
    answers = playbook.run(plan, run()).answers
    assert [answer["changed"] for answer in answers] == [True, True], answers
    first = drive_of(tenant)
    control.rename_item(ALICE, "/Media", "Films")
    control.put_file(ALICE, REPORT, b"spoilt by somebody", modified="2025-07-01T00:00:00Z", by=BOB)
    control.delete_item(ALICE, "/Documents/minutes.txt")
    (answer,) = playbook.run(run()).answers
    assert (answer["outcome"], answer["counts"]["fetched"]) == ("complete", 1)
    return Stored(playbook, first, drive_of(tenant))


def run(**options: t.Any) -> Task:
    return Playbook.task("m365_backup_run", plan=PLAN, **options)


def find(**options: t.Any) -> Task:
    return Playbook.task("m365_backup_item_info", plan=PLAN, **options)


def verify(**options: t.Any) -> Task:
    return Playbook.task("m365_backup_verify", plan=PLAN, **options)


def restore(target: Path, **options: t.Any) -> Task:
    return Playbook.task("m365_backup_restore", plan=PLAN, member=ALICE, target_path=str(target), **options)


def asked(stored: Stored, *tasks: Task) -> list[Answer]:
    """The answers of tasks that have no way to reach Microsoft 365."""
    return stored.playbook.run(*tasks, defaults={"passphrase": PASSPHRASE, "state_path": str(stored.playbook.state_path)}).answers


def drive_of(tenant: RunningTenant) -> Drive:
    """What Alice's drive has, as the tenant knows it; no digest for folders, and none for the shortcut, which we describe."""
    found = {}
    for line in tenant.control.drive_listing(ALICE):
        path = line["path"].strip("/")
        if path:
            digest = tenant.control.file(ALICE, line["path"])["sha256"] if line["kind"] == "file" else ""
            moment = datetime.fromisoformat(line["modified"].replace("Z", "+00:00")).astimezone(timezone.utc)
            found[path] = (digest, moment.timestamp())
    return found


def folder_of(target: Path) -> Drive:
    """The same of what was restored. A name that was mapped has its true one again, and a shortcut no digest."""
    top = target / ALICE / ONEDRIVE
    found = {}
    for path in top.rglob("*"):
        name = path.relative_to(top).as_posix()
        is_plain = path.is_file() and name != "Shared by Bob"
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if is_plain else ""
        found[f"Names/{LONG}" if name.startswith("Names/漢") else name] = (digest, path.stat().st_mtime)
    return found


def times_of_shortcuts(drive: Drive) -> Drive:
    """Without the time of the shortcut, which the service states for the pointer."""
    return {path: (digest, 0.0 if path == "Shared by Bob" else moment) for path, (digest, moment) in drive.items()}


def test_a_whole_drive_is_a_folder_with_the_same_names_contents_and_times_at_each_point_in_time(stored: Stored, tmp_path: Path) -> None:
    snapshots = asked(stored, find(snapshots=["all"], limit=1))[0]["snapshots"]
    foreseen, latest, again, first = asked(
        stored,
        restore(tmp_path / "now", check_mode=True),
        restore(tmp_path / "now"),
        restore(tmp_path / "now"),
        restore(tmp_path / "then", snapshot=snapshots[0]["id"]),
    )
    assert times_of_shortcuts(folder_of(tmp_path / "now")) == times_of_shortcuts(stored.second)
    assert times_of_shortcuts(folder_of(tmp_path / "then")) == times_of_shortcuts(stored.first)
    files = len([digest for digest, _moment in stored.second.values() if digest]) + 1
    assert (latest["changed"], latest["restored"], latest["finding_count"]) == (True, files, 0)
    assert (again["changed"], again["restored"], again["unchanged"], again["new_folders"]) == (False, 0, files, 0)
    assert {name: foreseen[name] for name in ("changed", "restored", "new_folders", "restored_bytes")} == {
        name: latest[name] for name in ("changed", "restored", "new_folders", "restored_bytes")
    }
    renamed = latest["sources"][ONEDRIVE]["renamed"]
    assert [each["original"] for each in renamed] == [f"Names/{LONG}"]
    assert first["restored"] == files + 1


def test_a_zip_of_a_folder_has_it_with_its_path(stored: Stored, tmp_path: Path) -> None:
    zipped, again = asked(stored, *[restore(tmp_path, folder="documents", file_format="zip")] * 2)
    with zipfile.ZipFile(tmp_path / f"{ALICE}.zip") as archive:
        assert sorted(archive.namelist()) == [
            f"{ONEDRIVE}/Documents/",
            f"{ONEDRIVE}/Documents/Empty/",
            f"{ONEDRIVE}/Documents/Empty/Emptier/",
            f"{ONEDRIVE}/Documents/Reports/",
            f"{ONEDRIVE}{REPORT}",
        ]
        assert archive.read(f"{ONEDRIVE}{REPORT}") == b"spoilt by somebody"
    assert (zipped["changed"], zipped["new_folders"], again["changed"]) == (True, 4, False)


def test_files_are_found_with_what_they_were_like_and_given_back_as_they_were(stored: Stored, tmp_path: Path) -> None:
    everywhere, deleted, by_author, below = asked(
        stored,
        find(subject="FORECAST", members=[ALICE], snapshots=["all"]),
        find(subject="minutes", snapshots=["all"]),
        find(sender="bob", sources=[ONEDRIVE]),
        find(folder="films", after="2020-06-01T00:00:00Z", before="2022-01-01T00:00:00Z", min_size=9_000_000),
    )
    (report,) = everywhere["matches"]
    paths = [(state["path"], state["size"], state["snapshot_count"]) for state in report["states"]]
    assert paths == [(REPORT.strip("/"), 9, 1), (REPORT.strip("/"), 18, 1)]
    assert (report["source"], report["folder"], report["snapshot_count"]) == (ONEDRIVE, "Documents/Reports", 2)
    (minutes,) = deleted["matches"]
    assert (minutes["snapshot_count"], minutes["folder"]) == (1, "Documents")
    assert {(match["member"], match["subject"]) for match in by_author["matches"]} >= {(BOB, "forecast.xlsx")}
    assert [match["subject"] for match in below["matches"]] == ["film.mp4"]

    good = report["states"][0]["last_snapshot"]["id"]
    before, gone, unknown = asked(
        stored,
        restore(tmp_path, snapshot=good, item_ids=[report["id"]]),
        restore(tmp_path, snapshot=minutes["last_snapshot"]["id"], subject="minutes.txt"),
        restore(tmp_path, folder="Documents/Report"),
    )
    assert (before["restored"], gone["restored"]) == (1, 1)
    top = tmp_path / ALICE / ONEDRIVE
    assert {path.relative_to(top).as_posix(): path.read_bytes() for path in top.rglob("*") if path.is_file()} == {
        REPORT.strip("/"): b"as it was",
        "Documents/minutes.txt": b"minutes",
    }
    assert unknown["failed"]
    assert "Documents/Reports" in unknown["msg"]


def stored_versions(stored: Stored) -> list[StoredPath]:
    """Where the earlier contents of Alice's files lie in the latest restore point, below her drive."""
    repository = open_repository(LocalStorage(stored.playbook.repository), PASSPHRASE)
    versions = find_node(repository, choose_snapshot(repository, PLAN, "latest").tree, (*TOP, ".m365", "versions"))
    assert versions is not None
    assert versions.subtree is not None
    return [(".m365", "versions", *path) for path, node in walk(repository, versions.subtree) if node.kind is NodeKind.FILE]


def flip_a_byte(stored: Stored, *path: str) -> None:
    """In the middle of the first piece of a file, or of a directory, of Alice's drive as the latest restore point has it."""
    repository = open_repository(LocalStorage(stored.playbook.repository), PASSPHRASE)
    node = find_node(repository, choose_snapshot(repository, PLAN, "latest").tree, (*TOP, *path))
    assert node is not None
    kind, blob = (BlobKind.DATA, node.content[0]) if node.subtree is None else (BlobKind.TREE, BlobId(node.subtree))
    place = repository.known_index.index().find(kind, blob)
    assert place is not None
    pack = stored.playbook.repository / "data" / place.pack[:2] / place.pack
    os.chmod(pack, 0o600)
    with pack.open("r+b") as file:
        file.seek(place.blob.offset + place.blob.length // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes((byte[0] ^ 1,)))


def test_a_damaged_version_is_named_and_healed_and_with_it_the_restore_point_of_then(stored: Stored) -> None:
    (version,) = stored_versions(stored)
    flip_a_byte(stored, *version)
    repaired, healed, sound = stored.playbook.run(
        verify(level="data", repair=True, fail_on_findings=False), run(), verify(level="data")
    ).answers
    names = [item["name"] for item in repaired["repair"]["lost"]]
    assert [name.split(" of alice (")[0] for name in names] == [
        'version 1.0 of the file "forecast.xlsx" in Documents/Reports',
        'the file "forecast.xlsx" in Documents/Reports',
    ]
    assert (repaired["repair"]["items_asked_for"], healed["outcome"], sound["outcome"]) == (1, "complete", "sound")


def test_a_damaged_file_is_named_repaired_and_healed_and_nothing_else_is_read_again(stored: Stored, tmp_path: Path) -> None:
    flip_a_byte(stored, "Films", "film.mp4")
    found, drill, partly, repaired = asked(
        stored,
        verify(level="data", fail_on_findings=False),
        verify(level="drill", drill_items=100, drill_members=5, fail_on_findings=False),
        restore(tmp_path),
        verify(level="data", repair=True, fail_on_findings=False),
    )
    (suffering,) = [finding["affected"] for finding in found["findings"]]
    assert [(each["member"], each["source"], each["folder"], each["subject"]) for each in suffering] == [
        (ALICE, ONEDRIVE, "Films", "film.mp4"),
        (ALICE, ONEDRIVE, "Media", "film.mp4"),
    ]
    assert 'file "film.mp4" in Films' in found["msg"]
    assert drill["outcome"] == "damaged"
    assert "film.mp4" in drill["msg"]
    assert [finding["object"] for finding in partly["findings"]] == ["file Films/film.mp4"]
    assert partly["restored"] == len(folder_of(tmp_path)) - partly["new_folders"]
    assert repaired["repair"]["items_asked_for"] == 1

    healed, sound, drill, whole = stored.playbook.run(
        run(), verify(level="data"), verify(level="drill", drill_items=100, drill_members=5), restore(tmp_path)
    ).answers
    assert (healed["outcome"], healed["counts"]["fetched"]) == ("complete", 1)
    assert (sound["outcome"], drill["outcome"], whole["restored"]) == ("sound", "sound", 1)
    assert times_of_shortcuts(folder_of(tmp_path)) == times_of_shortcuts(stored.second)


@pytest.mark.parametrize("path", [("Names",), (".m365", "folders"), ()])
def test_a_lost_directory_or_record_is_healed_by_reading_the_drive_again(stored: Stored, path: tuple[str, ...], tmp_path: Path) -> None:
    flip_a_byte(stored, *path)
    (repaired,) = asked(stored, verify(level="data", repair=True, fail_on_findings=False))
    assert repaired["repair"]["sources_read_again"] == 1, repaired["msg"]
    healed, whole = stored.playbook.run(run(), restore(tmp_path)).answers
    assert healed["outcome"] == "complete", healed["msg"]
    assert times_of_shortcuts(folder_of(tmp_path)) == times_of_shortcuts(stored.second)
    assert whole["finding_count"] == 0
