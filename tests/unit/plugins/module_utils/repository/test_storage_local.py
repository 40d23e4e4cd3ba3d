# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os
import stat
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import ObjectExists, StorageError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind, StoredFile
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage

NAME = "ab" * 32
OTHER = "cd" * 32


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    storage = LocalStorage(tmp_path / "parent" / "repository")
    storage.prepare()
    return storage


def test_files_lie_where_restic_looks_for_them(storage: LocalStorage) -> None:
    for kind in FileKind:
        storage.put(kind, NAME, b"")
    root = Path(storage.location)
    found = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    assert found == {"config", f"data/ab/{NAME}", *(f"{folder}/{NAME}" for folder in ("index", "keys", "locks", "snapshots"))}


def test_nobody_else_may_read(storage: LocalStorage) -> None:
    storage.put(FileKind.DATA, NAME, b"x")
    root = Path(storage.location)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (root, *root.rglob("*")) if path.is_dir()}
    assert modes == {0o700}
    assert stat.S_IMODE((root / "data" / "ab" / NAME).stat().st_mode) == 0o600


def test_what_does_not_belong_there_is_not_listed(storage: LocalStorage) -> None:
    root = Path(storage.location)
    for stray in (f"data/ab/{NAME}-tmp-12ab", f"data/ab/{OTHER}", "data/ab/readme", "data/stray", f"locks/{NAME}-tmp-99"):
        (root / stray).write_bytes(b"")
    (root / "locks" / OTHER).mkdir()
    assert list(storage.list(FileKind.DATA)) == []
    assert list(storage.list(FileKind.LOCK)) == []


def test_leftovers_are_removed_and_nothing_else(storage: LocalStorage) -> None:
    root = Path(storage.location)
    storage.put(FileKind.DATA, NAME, b"x")
    leftovers = [f"data/ab/{NAME}-tmp-12ab", f"index/{NAME}-tmp-1234", "config-tmp-12"]
    for leftover in leftovers:
        (root / leftover).write_bytes(b"")
    (root / "index" / "notes").write_bytes(b"")
    assert storage.remove_leftovers() == 3
    assert not any((root / leftover).exists() for leftover in leftovers)
    assert (root / "index" / "notes").exists()
    assert storage.get(FileKind.DATA, NAME) == b"x"


def test_a_write_is_synced_renamed_and_its_folder_synced(storage: LocalStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    fsync, replace, mkdir = os.fsync, os.replace, os.mkdir

    def record_fsync(descriptor: int) -> None:
        steps.append("sync " + os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")).partition("-tmp-")[0])
        fsync(descriptor)

    def record_replace(old: str, new: str) -> None:
        steps.append("rename")
        replace(old, new)

    def record_mkdir(path: str, mode: int) -> None:
        steps.append("mkdir " + os.path.basename(path))
        mkdir(path, mode)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "replace", record_replace)
    monkeypatch.setattr(os, "mkdir", record_mkdir)
    os.rmdir(os.path.join(storage.location, "data", "ab"))
    storage.put(FileKind.DATA, NAME, b"x")
    storage.delete(FileKind.DATA, NAME)
    assert steps == ["mkdir ab", "sync data", f"sync {NAME}", "rename", "sync ab", "sync ab"]


def test_every_folder_of_packs_is_there_and_synced_before_the_first_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[str, int]] = []
    fsync = os.fsync

    def record_fsync(descriptor: int) -> None:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        synced.append((os.path.basename(path), len(os.listdir(path))))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record_fsync)
    for _again in range(2):
        LocalStorage(tmp_path / "repository").prepare()
        assert synced[-1] == ("data", 256)
        synced.clear()


def test_a_folder_that_another_writer_has_just_made_is_synced_all_the_same(storage: LocalStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    fsync, mkdir = os.fsync, os.mkdir

    def record_fsync(descriptor: int) -> None:
        synced.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        fsync(descriptor)

    def lose_the_race(path: str, mode: int) -> None:
        mkdir(path, mode)
        raise FileExistsError(errno.EEXIST, "somebody was faster")

    os.rmdir(os.path.join(storage.location, "data", "ab"))
    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "mkdir", lose_the_race)
    storage.put(FileKind.DATA, NAME, b"x")
    assert synced[0] == "data"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission is denied"),
        (errno.EIO, "disk reports an error"),
        (errno.EMFILE, os.strerror(errno.EMFILE)),
    ],
)
@pytest.mark.parametrize("call", ["open", "write", "fsync", "replace"])
def test_a_write_that_fails_says_why_and_leaves_nothing(
    storage: LocalStorage, monkeypatch: pytest.MonkeyPatch, call: str, code: int, words: str
) -> None:
    def fail(*_args: t.Any, **_options: t.Any) -> t.NoReturn:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(os, call, fail)
        with pytest.raises(StorageError) as caught:
            storage.put(FileKind.INDEX, NAME, b"x")
    assert words in caught.value.what
    assert caught.value.hint
    assert not list((Path(storage.location) / "index").iterdir())


def test_a_config_is_never_replaced(storage: LocalStorage) -> None:
    storage.put(FileKind.CONFIG, "config", b"first")
    with pytest.raises(ObjectExists):
        storage.put(FileKind.CONFIG, "config", b"second")
    assert storage.get(FileKind.CONFIG, "config") == b"first"
    assert [path.name for path in Path(storage.location).iterdir() if path.is_file()] == ["config"]


def test_a_file_system_without_links_is_accepted(storage: LocalStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_old: str, _new: str) -> t.NoReturn:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    storage.put(FileKind.CONFIG, "config", b"first")
    assert storage.get(FileKind.CONFIG, "config") == b"first"
    assert [path.name for path in Path(storage.location).iterdir() if path.is_file()] == ["config"]


def test_a_disk_that_takes_a_part_of_a_write_at_a_time_still_gets_all(storage: LocalStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:1000]))
    storage.put(FileKind.DATA, NAME, bytes(range(256)) * 40)
    assert storage.get(FileKind.DATA, NAME) == bytes(range(256)) * 40


def test_a_file_system_that_cannot_sync_folders_is_accepted(storage: LocalStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def refuse_folders(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "invalid")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    storage.put(FileKind.DATA, NAME, b"x")
    assert storage.get(FileKind.DATA, NAME) == b"x"


def test_an_unmounted_disk_is_not_filled_with_a_new_folder(storage: LocalStorage) -> None:
    root = Path(storage.location)
    root.rename(root.with_name("elsewhere"))
    with pytest.raises(StorageError, match="is gone"):
        storage.put(FileKind.DATA, NAME, b"x")
    with pytest.raises(StorageError, match="is gone"):
        list(storage.list(FileKind.SNAPSHOT))
    assert not root.exists()


@pytest.mark.parametrize("kind", [FileKind.SNAPSHOT, FileKind.INDEX, FileKind.DATA, FileKind.KEY])
def test_a_lost_folder_is_not_taken_for_an_empty_one(storage: LocalStorage, kind: FileKind) -> None:
    folder = Path(storage.location) / kind.value
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(StorageError, match=f"folder {folder} is missing"):
        list(storage.list(kind))


def test_a_missing_folder_of_locks_holds_no_locks_since_copies_of_a_repository_lack_it(storage: LocalStorage) -> None:
    (Path(storage.location) / "locks").rmdir()
    assert list(storage.list(FileKind.LOCK)) == []
    storage.put(FileKind.LOCK, NAME, b"x")
    assert list(storage.list(FileKind.LOCK)) == [StoredFile(NAME, 1)]
