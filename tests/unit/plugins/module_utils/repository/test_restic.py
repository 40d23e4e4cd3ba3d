# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The judge: a restic binary that other people wrote reads, checks, extends and prunes what we write, and the reverse."""

from __future__ import annotations

import json
import os
import random
import re
import typing as t
from pathlib import Path as FilePath

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.prune import prune
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import (
    Repository,
    create_repository,
    open_repository,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import walk
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import NodeKind, Path
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.restic_program import Restic, needs_restic
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    CHEAP,
    NOON,
    PASSPHRASE,
    back_up,
    restore,
    save_files,
)

pytestmark = needs_restic

CHANCE = random.Random(7)
FILES: dict[Path, bytes] = {
    ("Sales", "anna", "mail", "2026-11", f"{number:04}.eml"): b"From: a\r\nSubject: %d\r\n\r\n" % number + CHANCE.randbytes(2000)
    for number in range(50)
} | {
    ("Sales", "anna", "onedrive", "large.bin"): CHANCE.randbytes(9_500_000),
    ("Sales", "anna", "onedrive", "empty"): b"",
    ("Sales", 'björn \\ "quoted" <&>', "tab\t\u200b\U0001f600"): b"names",
    ("Sales", "same"): b"From: a\r\nSubject: 1\r\n\r\n",
}
NEWER: dict[Path, bytes] = {("Sales", "anna", "mail", "2026-12", "0001.eml"): b"new mail"}


@pytest.fixture
def restic(tmp_path: FilePath) -> Restic:
    return Restic(tmp_path)


@pytest.fixture
def ours(restic: Restic) -> Repository:
    return create_repository(LocalStorage(restic.repository), PASSPHRASE, kdf=CHEAP)


def reopen(repository: Repository) -> Repository:
    return open_repository(LocalStorage(repository.storage.location), PASSPHRASE)


def test_inv05_restic_finds_no_error_and_restores_every_byte(restic: Restic, ours: Repository) -> None:
    snapshot = back_up(ours, FILES)
    restic.check()
    assert restic.restore(snapshot.id) == FILES


def test_inv05_restic_finds_no_error_after_an_increment(restic: Restic, ours: Repository) -> None:
    first = back_up(ours, FILES)
    second = back_up(reopen(ours), NEWER, base=first.tree)
    restic.check()
    assert restic.restore(first.id) == FILES
    assert restic.restore(second.id) == FILES | NEWER


def test_inv05_restic_finds_no_error_after_a_run_that_broke_off(restic: Restic, ours: Repository) -> None:
    first = back_up(ours, FILES)
    run = ours.writing()
    writer = run.__enter__()
    save_files(writer, NEWER)
    writer.flush()
    save_files(writer, {("more",): b"more"})
    assert not run.__exit__(KeyError, KeyError(), None)
    restic.check()
    assert restic.restore(first.id) == FILES


def test_restic_shows_our_snapshot_as_we_meant_it(restic: Restic, ours: Repository) -> None:
    snapshot = back_up(ours, FILES)
    (shown,) = json.loads(restic.run("snapshots", "--json"))
    assert (shown["id"], shown["hostname"], shown["paths"], shown["tags"], shown["time"]) == (
        snapshot.id,
        "backup1",
        ["/m365"],
        ["m365"],
        "2026-11-23T12:00:00Z",
    )


def test_restic_deduplicates_against_what_we_wrote(restic: Restic, ours: Repository, tmp_path: FilePath) -> None:
    back_up(ours, FILES)
    source = tmp_path / "source"
    source.mkdir()
    for number, content in enumerate(content for path, content in FILES.items() if path[-1].endswith(".eml")):
        (source / str(number)).write_bytes(content)
    summary = json.loads(restic.run("backup", "--json", source).splitlines()[-1])
    assert summary["data_blobs"] == 0
    assert summary["files_new"] == 50
    restic.check()


def test_we_read_what_restic_wrote_and_add_to_it(restic: Restic, tmp_path: FilePath) -> None:
    source = tmp_path / "source"
    (source / "deep" / "er").mkdir(parents=True)
    (source / "deep" / "er" / "large").write_bytes(CHANCE.randbytes(6_000_000))
    (source / 'odd " \\ name\n').write_bytes(b"odd")
    (source / os.fsdecode(b"not utf-8 \xff")).write_bytes(b"odder")
    (source / "link").symlink_to("deep")
    restic.run("init")
    restic.run("backup", source)

    repository = open_repository(LocalStorage(restic.repository), PASSPHRASE)
    (snapshot,) = repository.snapshots()
    found = {path[len(source.parts) - 1 :]: node for path, node in walk(repository, snapshot.tree)}
    contents = {path: b"".join(repository.read_file(node)) for path, node in found.items() if node.kind is NodeKind.FILE}
    expected = {path.relative_to(source).parts: path.read_bytes() for path in source.rglob("*") if path.is_file() and not path.is_symlink()}
    assert contents == expected
    assert found[("link",)].kind is NodeKind.OTHER
    assert check(repository, read_data=True) == []

    ours = back_up(repository, FILES)
    restic.check()
    assert restic.restore(ours.id) == FILES


def test_inv05_restic_finds_no_error_after_our_prune(restic: Restic, ours: Repository) -> None:
    first = back_up(ours, FILES)
    second = back_up(ours, NEWER, base=first.tree)
    third = back_up(ours, NEWER)
    result = prune(reopen(ours), [first.id, second.id], tolerated_waste=0.0)
    assert result.bytes_freed > 9_000_000
    restic.check()
    assert restic.restore(third.id) == NEWER
    summary = restic.run("prune", "--dry-run", "--max-unused", "0")
    assert re.search(r"to repack: +0 blobs", summary)
    assert re.search(r"to delete: +0 blobs", summary)


def test_we_read_on_after_restic_has_pruned(restic: Restic, ours: Repository) -> None:
    first = back_up(ours, FILES)
    second = back_up(ours, NEWER)
    long_open = reopen(ours)
    assert restore(long_open, second) == NEWER
    restic.run("forget", first.id, "--prune", "--max-unused", "0")
    assert check(reopen(ours), read_data=True) == []
    assert restore(long_open, second) == NEWER
    third = back_up(long_open, FILES)
    restic.check()
    assert restore(reopen(ours), third) == FILES


def test_inv08_our_lock_keeps_restic_from_pruning(restic: Restic, ours: Repository) -> None:
    back_up(ours, NEWER)
    with ours.writing() as writer:
        save_files(writer, FILES)
        assert "already locked" in restic.run("prune", fails=True)
        snapshot = writer.save_snapshot(save_files(writer, FILES), time=NOON, paths=["/m365"])
    restic.run("prune")
    assert restic.restore(snapshot.id) == FILES


def test_inv08_restic_may_write_beside_us_but_not_beside_our_prune(restic: Restic, ours: Repository, tmp_path: FilePath) -> None:
    (tmp_path / "source").mkdir()
    with ours.writing():
        restic.run("backup", tmp_path / "source")
    with ours.exclusive():
        assert "locked exclusively" in restic.run("backup", tmp_path / "source", fails=True)
    restic.check()


def test_restic_opens_a_repository_by_its_recovery_passphrase(restic: Restic) -> None:
    repository = create_repository(LocalStorage(restic.repository), "daily", recovery_passphrase=PASSPHRASE, kdf=CHEAP)
    snapshot = back_up(repository, NEWER)
    assert restic.restore(snapshot.id) == NEWER


def test_inv07_restic_detects_our_repository_under_a_wrong_passphrase(restic: Restic) -> None:
    create_repository(LocalStorage(restic.repository), "another", kdf=CHEAP)
    assert "wrong password" in restic.run("snapshots", fails=True)


def test_a_key_that_restic_added_opens_for_us(restic: Restic, ours: Repository, tmp_path: FilePath) -> None:
    (tmp_path / "new").write_text("added by restic")
    restic.run("key", "add", "--new-password-file", tmp_path / "new")
    assert open_repository(LocalStorage(restic.repository), "added by restic").id == ours.id


def test_restic_lists_the_names_that_we_gave(restic: Restic, ours: Repository) -> None:
    snapshot = back_up(ours, FILES)
    listed: t.Any = [json.loads(line) for line in restic.run("ls", "--json", snapshot.id).splitlines()[1:]]
    paths = {tuple(entry["path"].split("/")[1:]) for entry in listed if entry["type"] == "file"}
    assert paths == set(FILES)
