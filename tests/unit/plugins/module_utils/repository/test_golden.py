# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every repository frozen in tests/golden: read by us, by the recovery tool, and judged by restic."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import ALL_DATA, check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import WrongPassphrase
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.findings import Severity
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repair import repair
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository, open_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import TreeId

ROOT = Path(__file__).resolve().parents[5]
GOLDEN = ROOT / "tests/golden"
TOOL = ROOT / "docs/recovery/m365_recover.py"
EXPECTED: dict[str, dict[str, t.Any]] = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))
for expected in EXPECTED.values():
    if "like" in expected:
        expected.update({**EXPECTED[expected["like"]], "is_clean": False, **expected})
READABLE_BY_US = [name for name, expected in EXPECTED.items() if not expected.get("is_refused") and not expected.get("refused_by_us")]

Contents = dict[str, str]  # path → SHA-256


@pytest.fixture(params=sorted(EXPECTED))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def folder(name: str, tmp_path: Path) -> Path:
    with tarfile.open(GOLDEN / f"{name}.tar.gz") as archive:
        archive.extractall(tmp_path, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    return tmp_path / name


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def left(expected: dict[str, t.Any], lost: str) -> dict[str, Contents]:
    """{snapshot: {path: SHA-256}} of what has to be restored."""
    return {
        snapshot: {path: digest for path, digest in files.items() if path not in expected.get(lost, {}).get(snapshot, ())}
        for snapshot, files in expected["snapshots"].items()
        if snapshot not in expected.get("lost_snapshots", ())
    }


def restored_by_us(repository: Repository, tree: TreeId, above: str = "") -> Contents:
    """Everything below a tree that can be read; what raises anything but a BackupError fails the test."""
    found: Contents = {}
    try:
        nodes = repository.read_tree(tree)
    except BackupError:
        return {}
    for node in nodes:
        path = f"{above}/{node.name}"
        if node.subtree is not None:
            found |= restored_by_us(repository, node.subtree, path)
        elif node.kind.value == "file":
            try:
                found[path] = sha256(b"".join(repository.read_file(node)))
            except BackupError:
                continue
    return found


def as_shown(files: Contents) -> Contents:
    """Nasty names as the recovery tool shows them, whose paths are in the manifest."""
    shown = {}
    for path, digest in files.items():
        text = os.fsencode(path).decode(errors="backslashreplace")
        shown["".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)] = digest
    return shown


def test_we_read_all_that_is_left_and_name_what_is_damaged(name: str, folder: Path) -> None:
    expected = EXPECTED[name]
    storage, passphrase = LocalStorage(folder), expected["passphrases"][0]
    if name not in READABLE_BY_US:
        with pytest.raises(BackupError, match=expected.get("refused_by_us", "version 3")):
            open_repository(storage, passphrase)
        return
    repository = open_repository(storage, passphrase)
    damaged: list[t.Any] = []
    snapshots = {str(snapshot.id): snapshot for snapshot in repository.snapshots(on_damage=damaged.append)}
    restored = {snapshot: as_shown(restored_by_us(repository, found.tree)) for snapshot, found in snapshots.items()}
    wanted = left(expected, "lost")
    if expected.get("needs_repair"):
        assert all(files.items() <= wanted[snapshot].items() for snapshot, files in restored.items())
    else:
        assert restored == wanted
    findings = check(repository, read_data=True)
    said = "\n".join(f"{finding.obj}: {finding.problem}" for finding in findings)
    assert [damage for damage in expected.get("named", ()) if damage[:8] not in said] == []
    if name != "ours-foreign-pack":  # which no index names: harmless, and prune takes it away
        assert any(finding.severity is Severity.ERROR for finding in findings) is not expected["is_clean"], said


@pytest.mark.parametrize("name", ["ours-good"], indirect=True)
def test_each_passphrase_and_the_recovery_key_open_and_a_rotated_one_does_not(name: str, folder: Path) -> None:
    for passphrase in EXPECTED[name]["passphrases"]:
        assert len(open_repository(LocalStorage(folder), passphrase).snapshots()) == 2
        assert recover(folder, passphrase, "list").returncode == 0
    for passphrase in EXPECTED[name]["old_passphrases"]:
        with pytest.raises(WrongPassphrase):
            open_repository(LocalStorage(folder), passphrase)
        assert recover(folder, passphrase, "list").returncode == 2


def recover(folder: Path, passphrase: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    finished = subprocess.run(
        [sys.executable, TOOL, "--repository", folder, *arguments],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "RESTIC_PASSWORD": passphrase},
    )
    assert "Traceback" not in finished.stderr
    return finished


def files_below(folder: Path) -> Contents:
    return as_shown({f"/{path.relative_to(folder)}": sha256(path.read_bytes()) for path in folder.rglob("*") if path.is_file()})


def test_the_recovery_tool_restores_all_that_anybody_could_and_names_the_rest(name: str, folder: Path, tmp_path: Path) -> None:
    expected = EXPECTED[name]
    passphrase = expected["passphrases"][0]
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    verified = recover(folder, passphrase, "verify", "--read-data")
    if expected.get("is_refused"):
        assert (verified.returncode, verified.stdout) == (2, "")
        assert "version 3" in verified.stderr
        return
    lost = {path for paths in expected.get("lost_for_good", {}).values() for path in paths}
    assert (verified.returncode == 0) is expected["is_clean"], verified.stderr
    assert [damage for damage in expected.get("named", ()) if damage[:8] not in verified.stderr] == []
    said = [line.removeprefix("LOST ") for line in verified.stderr.splitlines() if line.startswith("LOST ")]
    assert all(any(path == line.partition(": ")[0] or path.startswith(line.partition(": ")[0] + "/") for line in said) for path in lost)
    for snapshot, files in left(expected, "lost_for_good").items():
        extracted = recover(folder, passphrase, "extract", snapshot, tmp_path / snapshot)
        assert files_below(tmp_path / snapshot) == files, extracted.stderr
        missing = [*expected.get("left_out", ()), *expected.get("lost_for_good", {}).get(snapshot, ())]
        assert extracted.returncode == 1 or not missing
        assert f"{len(files):,} files" in extracted.stdout
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.skipif(shutil.which("restic") is None, reason="the restic binary is not installed (apt install restic)")
def test_restic_agrees(name: str, folder: Path, tmp_path: Path) -> None:
    expected = EXPECTED[name]
    if expected["restic"] is None:
        pytest.skip("its versions differ in what they say of it, or try again for a minute")
    settings = {"RESTIC_REPOSITORY": str(folder), "RESTIC_PASSWORD": expected["passphrases"][0]}
    command = ["restic", "--no-cache", "--no-lock", "--quiet"]

    def restic(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*command, *arguments], check=False, capture_output=True, text=True, env={**os.environ, **settings})

    checked = restic("check", "--read-data")
    assert (checked.returncode == 0) is expected["restic"], checked.stdout + checked.stderr
    if expected["restic"]:
        for snapshot, files in expected["snapshots"].items():
            restic("restore", snapshot, "--target", tmp_path / snapshot)
            restored = files_below(tmp_path / snapshot)
            for link in expected.get("left_out", ()):
                restored.pop(link)
            assert restored == files


@pytest.mark.parametrize("name", [name for name in READABLE_BY_US if not EXPECTED[name]["is_clean"]], indirect=True)
def test_a_repair_brings_back_what_can_be_and_takes_nothing_from_the_recovery_tool(name: str, folder: Path, tmp_path: Path) -> None:
    expected = EXPECTED[name]
    contents = {path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    repair(open_repository(LocalStorage(folder), expected["passphrases"][0]), ALL_DATA)
    assert contents <= {path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    repository = open_repository(LocalStorage(folder), expected["passphrases"][0])
    restored = {str(found.id): as_shown(restored_by_us(repository, found.tree)) for found in repository.snapshots()}
    assert restored == left(expected, "lost" if name == "ours-quarantined-pack" else "lost_for_good")
    for snapshot, files in left(expected, "lost_for_good").items():
        recover(folder, expected["passphrases"][0], "extract", snapshot, tmp_path / snapshot)
        assert files_below(tmp_path / snapshot) == files
