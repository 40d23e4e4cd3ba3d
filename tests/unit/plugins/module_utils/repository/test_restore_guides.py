# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two pages for a bad day: every command on them is run as it stands, with places of the test for those of the page."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import typing as t
from datetime import datetime, timedelta, timezone
from pathlib import Path as FilePath

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import create_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import Storage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_open import open_storage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Path
from ansible_collections.tenantvault.m365_backup.tests.integration.page_commands import commands_of
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.object_store import ObjectStore
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import CHEAP, save_files

ROOT = FilePath(__file__).resolve().parents[5]
PAGES = ROOT / "docs/docsite/rst"
TOOL = ROOT / "docs/recovery/m365_recover.py"
PASSPHRASE = "a passphrase of the tests that is long enough to be one"
RECOVERY_KEY = "9MRB-1WS0-61N8-63JR-F3AX-TZXR-TRR0-BBHQ-GNM2-T99W-V838-P4AJ-H9BS-MN9M"
ADELE: Path = ("Sales", "adele@example.com", "mail")
MESSAGE: Path = (*ADELE, "Inbox", "2026", "05", "17", "081500-1f0c6a1b2c3d4e5f.eml")
FILES: dict[Path, bytes] = {
    MESSAGE: b"Subject: Offer for June\r\n\r\nHello\r\n",
    (*ADELE, "Inbox", ".folder.json"): b'{"number": 1}',
    (
        *ADELE,
        ".m365",
        "items",
        "0000",
        "00",
        "00.jsonl",
    ): b'{"subject": "Offer for June", "folder": 1}\n{"subject": "Lunch", "folder": 1}\n',
    ("Sales", "bo@example.com", "mail", "Inbox", "2026", "05", "17", "090000-aa.eml"): b"Subject: for Bo\r\n\r\n",
    ("Sales", ".m365", "run.json"): b'{"outcome": "complete"}',
    ("Sales", ".m365", "members.json"): b'{"members": []}',
}
DRIVE: Path = ("Sales files", "adele@example.com", "onedrive")
DRIVE_FILES: dict[Path, bytes] = {
    (*DRIVE, "Notes.txt"): b"Buy milk",
    (*DRIVE, "Documents", "Budget 2026.xlsx"): b"a budget",
    (*DRIVE, ".m365", "source.json"): b"{}",
}


def commands(page: str) -> list[str]:
    """Its blocks of shell commands, in their order."""
    return [block.text for blocks in commands_of(PAGES / page).values() for block in blocks]


def make_repository(storage: Storage) -> None:
    repository = create_repository(storage, PASSPHRASE, recovery_passphrase=RECOVERY_KEY, kdf=CHEAP)
    with repository.writing(hostname="backup1") as writer:
        now = datetime.now(timezone.utc)
        drives = save_files(writer, DRIVE_FILES)
        writer.save_snapshot(drives, time=now - timedelta(hours=1), paths=["/m365"], tags=["m365", "plan:sales-files"])
        tree = save_files(writer, FILES)
        writer.save_snapshot(tree, time=now, paths=["/m365"], tags=["m365", "plan:sales"])


@pytest.fixture
def root(tmp_path: FilePath) -> FilePath:
    """What stands for / on the pages."""
    for folder in ("srv/safe", "etc/m365_backup", "root/.ansible", "mnt"):
        (tmp_path / folder).mkdir(parents=True)
    make_repository(LocalStorage(tmp_path / "srv/m365_backup/sales"))
    (tmp_path / "etc/m365_backup/passphrase").write_text(f"{PASSPHRASE}\n")
    (tmp_path / "etc/m365_backup/passphrase_of_the_copy").write_text("another passphrase for the copy of the repository\n")
    (tmp_path / "root/recovery_key").write_text(f"{RECOVERY_KEY}\n")
    collections = tmp_path / "root/.ansible/collections/ansible_collections/tenantvault"
    collections.mkdir(parents=True)
    (collections / "m365_backup").symlink_to(ROOT)
    return tmp_path


def shell(root: FilePath, blocks: t.Iterable[str], **names: str) -> str:
    """What the commands print. AssertionError as soon as one fails, a pipe's members included."""
    script = re.sub(r"(?<=[\s=])/(srv|etc|root|mnt)/", rf"{root}/\1/", "set -x\n" + "\n".join(blocks))
    for name, value in names.items():
        script = script.replace(name, value)
    finished = subprocess.run(
        ["bash", "-eu", "-o", "pipefail"],
        input=script,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=root,
        env={
            "PATH": f"{FilePath(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(root / "root"),
            "XDG_CACHE_HOME": str(root / "cache"),
        },
    )
    assert finished.returncode == 0, finished.stdout
    return finished.stdout


def messages(folder: FilePath) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.eml"))


def contents(folder: FilePath) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


needs_restic = pytest.mark.skipif(shutil.which("restic") is None, reason="the restic binary is not installed (apt install restic)")


@needs_restic
def test_every_command_of_the_page_on_restic_works(root: FilePath) -> None:
    blocks = [block for block in commands("restore_with_restic.rst") if "restic mount" not in block and "AWS_" not in block]
    assert len(blocks) == len(commands("restore_with_restic.rst")) - 2
    said = shell(root, blocks)
    assert messages(root / "srv/restored") == ["/".join(MESSAGE)]
    assert messages(root / "srv/restored_member") == ["/".join(MESSAGE)]
    assert (root / "srv/message.eml").read_bytes() == FILES[MESSAGE]
    assert contents(root / "srv/restored_files") == {"/".join(path): content for path, content in DRIVE_FILES.items()}
    assert contents(root / "srv/restored_documents") == {
        "/".join(path): content for path, content in DRIVE_FILES.items() if "Documents" in path
    }
    for words in (
        "/".join(MESSAGE),
        '"subject": "Offer for June"',
        '"outcome": "complete"',
        "no errors were found",
        "Found matching entries",
    ):
        assert words in said
    assert '"Lunch"' not in said
    copy = shell(root, ["restic -r /srv/copy --password-file /etc/m365_backup/passphrase_of_the_copy check --read-data"])
    assert "no errors were found" in copy


@needs_restic
def test_the_mounted_repository_shows_the_messages(root: FilePath) -> None:
    (mount,) = (block for block in commands("restore_with_restic.rst") if "restic mount" in block)
    if not os.access("/dev/fuse", os.W_OK) or shutil.which("fusermount") is None:
        pytest.skip("FUSE is not to be had on this machine")
    setup = commands("restore_with_restic.rst")[0].replace("restic snapshots", "")
    script = re.sub(r"(?<=[\s=])/(srv|etc|mnt)/", rf"{root}/\1/", setup + mount.replace("restic mount", "exec restic --no-cache mount"))
    process = subprocess.Popen(["bash", "-c", script], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        found = root / "mnt/backup/snapshots/latest" / "/".join(MESSAGE)
        for _attempt in range(200):
            if found.exists() or process.poll() is not None:
                break
            time.sleep(0.05)
        if process.poll() is not None:
            pytest.skip("mounting is not allowed on this machine")
        assert found.read_bytes() == FILES[MESSAGE]
    finally:
        subprocess.run(["fusermount", "-u", root / "mnt/backup"], check=False, capture_output=True)
        process.terminate()
        process.wait(timeout=20)


@needs_restic
def test_the_commands_for_a_bucket_work(root: FilePath, object_store: ObjectStore, s3_location: str) -> None:
    make_repository(open_storage(s3_location, object_store.options()))
    opening, *_others = commands("restore_with_restic.rst")
    (bucket,) = (block for block in commands("restore_with_restic.rst") if "AWS_" in block)
    address = f"s3:{object_store.endpoint}/{s3_location.removeprefix('s3://')}"
    names = {
        "s3:https://s3.example.com/m365-backup/sales": address,
        "the-secret": object_store.credentials.secret_access_key,
        "eu-central-1": "us-east-1",
    }
    shell(root, [opening, bucket], **names)
    assert messages(root / "srv/restored_from_bucket") == ["/".join(MESSAGE)]


def test_every_command_of_the_page_on_the_recovery_tool_works(root: FilePath) -> None:
    said = shell(root, commands("restore_without_restic.rst"))
    assert messages(root / "srv/extracted") == ["/".join(MESSAGE)]
    everything = sorted("/".join(path) for path in FILES if path[-1].endswith(".eml"))
    assert messages(root / "srv/extracted_group") == messages(root / "srv/extracted_anyway") == everything
    for words in ("/Sales/adele@example.com\n", "/Sales/bo@example.com\n", "Checked 2 snapshots"):
        assert words in said
    assert "DAMAGED" not in said


def test_the_page_states_the_checksum_of_the_recovery_tool() -> None:
    assert hashlib.sha256(TOOL.read_bytes()).hexdigest() in (PAGES / "restore_without_restic.rst").read_text(encoding="utf-8")
