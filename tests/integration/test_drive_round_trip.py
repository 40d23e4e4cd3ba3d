# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files from a drive through the repository into another, empty drive: the same bytes, times and names, or names that are mapped and said.

C(M365_CORPUS) adds all office files and names of the sample data, C(M365_TORTURE) a file of 2 GiB.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter import ItemFilter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Outcome
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.results import RestoreResult
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.run import IntoDrive, IntoFiles, Wanted, restore
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup, needs_restic
from ansible_collections.tenantvault.m365_backup.tests.integration.graph_tenant import settings_for
from tenant.control import ControlClient
from tenant.harness import RunningTenant

ALICE, BOB = "alice@contoso.com", "bob@contoso.com"
CORPUS = os.environ.get("M365_CORPUS", "")
LARGE = 2 << 30 if "M365_TORTURE" in os.environ else 24 << 20

#: Names that a drive has, and names that only old files have, from before today's rules (facts H.42).
NAMES = (
    "x" * 250 + ".docx",
    "ä" * 250 + ".txt",
    ".hidden",
    "a#b%20c+d&e='f'.txt",
    "cafe\u0301.txt",
    "caf\u00e9.txt",
    "🦊 notes 👩‍👩‍👧.md",
    "\u202eright to left.txt",
    "ends with a dot.",
    "CON.txt",
    "100 %.txt",
    "two  spaces.txt",
    "semi;colon, comma.txt",
    "[brackets] {braces} (2).txt",
    "~temporary.tmp",
    "ends in a version 1.0",
)


@pytest.fixture
def drives(tenant: RunningTenant) -> dict[str, str]:
    """{user: id of an empty drive}."""
    tenant.control.reset()
    for user in (ALICE, BOB):
        tenant.control.add_user(user)
    return {user: tenant.control.create_drive(user) for user in (ALICE, BOB)}


def fill(control: ControlClient) -> None:
    moments = ("2019-02-03T04:05:06Z", "2021-12-31T23:59:59Z")
    for number, name in enumerate((*NAMES, *_names_of_the_corpus())):
        control.put_file(ALICE, f"/Names/{name}", f"file {number}".encode(), created=moments[0], modified=moments[1])
    control.put_file(ALICE, "/nothing.txt", b"", modified=moments[0])
    control.put_file(ALICE, f"/{'/'.join('deep' for _level in range(30))}/below.txt", b"deep down")
    control.make_folder(ALICE, "/Empty/Inner", created=moments[0], modified=moments[1])
    control.put_file(ALICE, "/Films/large.mp4", seed=7, size=LARGE, modified=moments[0])
    if CORPUS:
        control.load_files(ALICE, Path(CORPUS, "files"), path="/Corpus")


def _names_of_the_corpus() -> t.Iterator[str]:
    """Those that a drive can have."""
    if CORPUS:
        with Path(CORPUS, "NAMES.tsv").open(encoding="utf-8") as file:
            for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                if row[0] != "name" and not set(row[0]) & set('"*:<>?/\\|'):
                    yield f"corpus {row[0]}"


def marks(control: ControlClient, user: str, below: str = "/") -> dict[str, tuple[t.Any, ...]]:
    """{path below a folder: kind, hash of the bytes, times}."""
    found = {}
    for line in control.drive_listing(user):
        if line["path"].startswith(below) and line["path"] != below.rstrip("/"):
            times = (line["created"], line["modified"])
            found[line["path"][len(below) :]] = (line["kind"], line.get("quick_xor"), line["size"], times if line["kind"] == "file" else ())
    return found


def restored(backup: Backup, target: IntoDrive | IntoFiles, *, is_check: bool = False) -> RestoreResult:
    wanted = Wanted(plan_name="group", snapshot="latest", member=ALICE, sources=(), folder=None, item_filter=ItemFilter(), target=target)
    settings = dataclasses.replace(settings_for(backup.tenant), tenant_licenses=100_000)
    return restore(wanted, backup.repository(), settings_of=lambda: settings, lock_timeout=0.0, is_check=is_check)


@needs_restic
def test_a_drive_comes_back_in_another_drive_with_the_same_bytes_times_and_names(
    tenant: RunningTenant, drives: dict[str, str], tmp_path: Path
) -> None:
    control = tenant.control
    fill(control)
    backup = Backup(tenant=tenant, folder=tmp_path, users=(ALICE,), backup_type="onedrive")
    result = backup.run()
    assert (result.outcome, [source.findings for member in result.members for source in member.sources]) == (Outcome.COMPLETE, [()])
    backup.restic("check", "--read-data")

    before = marks(control, BOB)
    foreseen = restored(backup, IntoDrive(drive=BOB, is_original=True), is_check=True)
    assert marks(control, BOB) == before
    done = restored(backup, IntoDrive(drive=BOB, is_original=True))
    assert done.is_changed
    assert foreseen.restored == done.restored
    assert [source.findings for source in done.sources.values()] == [[]]
    _compare(control, done)

    again = restored(backup, IntoDrive(drive=BOB, is_original=True))
    assert not again.is_changed
    _compare(control, done)
    _compare_by_rclone(tenant, drives, tmp_path, done)


def _compare(control: ControlClient, done: RestoreResult) -> None:
    """Everything is there under its own name, or under the one that the result names."""
    mapped = {line["original"]: line["restored"] for source in done.sources.values() for line in source.as_dict()["renamed"]}
    truth, found = marks(control, ALICE), marks(control, BOB)
    expected = {_mapped(path, mapped): mark for path, mark in truth.items()}
    extra = {path for path in found if path not in expected and found[path][0] == "folder"}
    assert {path: found.get(path) for path in expected} == expected
    assert found.keys() - expected.keys() == extra


def _mapped(path: str, mapped: t.Mapping[str, str]) -> str:
    for original in sorted(mapped, key=len, reverse=True):
        if path == original or path.startswith(f"{original}/"):
            return mapped[original] + path[len(original) :]
    return path


def _compare_by_rclone(tenant: RunningTenant, drives: t.Mapping[str, str], folder: Path, done: RestoreResult) -> None:
    """rclone, which other people wrote, finds the same hashes under the same names."""
    if shutil.which("rclone") is None:
        return
    tenant.control.settings(drive_refuses_token=False)
    config = folder / "rclone.conf"
    config.write_text("".join(_section(tenant.control, user, drive) for user, drive in drives.items()))
    renamed = [line["original"] for source in done.sources.values() for line in source.as_dict()["renamed"]]
    (folder / "filter").write_text("".join(f"- /{_escaped(path)}\n- /{_escaped(path)}/**\n" for path in renamed))
    finished = subprocess.run(
        ["rclone", "check", "alice:", "bob:", "--one-way", "--filter-from", folder / "filter", "--config", config],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=tenant.environment(),
    )
    assert finished.returncode == 0, finished.stdout


def _section(control: ControlClient, user: str, drive: str) -> str:
    token = {"access_token": "x", "token_type": "Bearer", "refresh_token": control.sign_in(user), "expiry": "2001-01-01T00:00:00Z"}
    name = user.partition("@")[0]
    return f"[{name}]\ntype = onedrive\ntoken = {json.dumps(token)}\ndrive_id = {drive}\ndrive_type = business\n\n"


def _escaped(path: str) -> str:
    return "".join(f"\\{one}" if one in "*?[]{}\\" else one for one in path)
