# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole repositories in a bucket: restic beside us, Object Lock below us, and keys that may not delete."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import (
    RepositoryExists,
    RepositoryMissing,
    StorageError,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.prune import prune
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import (
    Repository,
    create_repository,
    open_repository,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind, Storage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_open import open_storage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_s3 import S3Storage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_s3_bucket import Patience
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_s3_settings import resolve_settings
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.fault_proxy import FaultProxy, refused
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.object_store import ObjectStore
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.restic_program import needs_restic
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    CHEAP,
    PASSPHRASE,
    Files,
    back_up,
    restore,
)

ONE: Files = {("a", "1.eml"): b"one" * 1000, ("b", "2.eml"): b"two" * 1000}
TWO: Files = {("a", "1.eml"): b"one" * 1000, ("b", "3.eml"): b"three" * 1000}


@pytest.fixture(scope="session")
def locked_bucket(object_store: ObjectStore) -> str:
    """A bucket in which nothing can be deleted for good for two days."""
    object_store.make_bucket("locked", lock_days=2)
    return "locked"


def new_repository(storage: Storage) -> Repository:
    return create_repository(storage, PASSPHRASE, kdf=CHEAP)


@needs_restic
def test_inv05_restic_reads_checks_writes_and_prunes_the_same_bucket(object_store: ObjectStore, s3_location: str, tmp_path: Path) -> None:
    repository = new_repository(open_storage(s3_location, object_store.options()))
    ours = back_up(repository, ONE)
    assert "no errors were found" in object_store.restic(s3_location, PASSPHRASE, "check", "--read-data").stdout
    object_store.restic(s3_location, PASSPHRASE, "restore", ours.id, "--target", str(tmp_path / "restored"))
    assert {path: (tmp_path / "restored").joinpath(*path).read_bytes() for path in ONE} == ONE
    (tmp_path / "file").write_bytes(b"by restic" * 1000)
    object_store.restic(s3_location, PASSPHRASE, "backup", str(tmp_path / "file"))
    second = back_up(repository, TWO)
    theirs = next(snapshot for snapshot in repository.snapshots() if snapshot.id not in (ours.id, second.id))
    assert list(restore(repository, theirs).values()) == [b"by restic" * 1000]
    object_store.restic(s3_location, PASSPHRASE, "forget", "--prune", ours.id)
    assert restore(open_repository(repository.storage, PASSPHRASE), second) == TWO
    prune(repository, [theirs.id])
    assert "no errors were found" in object_store.restic(s3_location, PASSPHRASE, "check", "--read-data").stdout
    assert check(repository, read_data=True) == []


@needs_restic
def test_inv08_locks_in_a_bucket_keep_restic_and_us_apart(object_store: ObjectStore, s3_location: str) -> None:
    repository = new_repository(open_storage(s3_location, object_store.options()))
    back_up(repository, ONE)
    with repository.writing():
        refused_prune = object_store.restic(s3_location, PASSPHRASE, "prune", check=False)
    assert refused_prune.returncode != 0
    assert "locked" in refused_prune.stdout
    assert list(repository.storage.list(FileKind.LOCK)) == []
    object_store.restic(s3_location, PASSPHRASE, "prune")


def test_a_bucket_without_a_repository_is_ready_for_one_and_only_one(object_store: ObjectStore, s3_location: str) -> None:
    storage = open_storage(s3_location, object_store.options())
    with pytest.raises(RepositoryMissing, match=s3_location):
        open_repository(storage, PASSPHRASE)
    new_repository(storage)
    with pytest.raises(RepositoryExists, match=s3_location):
        new_repository(storage)


def test_repositories_side_by_side_in_a_bucket_do_not_see_one_another(object_store: ObjectStore, s3_location: str) -> None:
    inner, outer = (new_repository(open_storage(place, object_store.options())) for place in (f"{s3_location}/x", s3_location))
    first = back_up(inner, ONE)
    second = back_up(outer, TWO)
    assert [snapshot.id for snapshot in inner.snapshots()] == [first.id]
    assert [snapshot.id for snapshot in outer.snapshots()] == [second.id]
    prune(outer, [second.id])
    assert restore(inner, first) == ONE


@needs_restic
def test_a_prune_in_a_bucket_with_object_lock_succeeds_and_destroys_nothing(
    object_store: ObjectStore, locked_bucket: str, s3_location: str
) -> None:
    location = s3_location.replace("s3://backups/", f"s3://{locked_bucket}/")
    repository = new_repository(open_storage(location, object_store.options()))
    first, second = back_up(repository, ONE), back_up(repository, TWO)
    result = prune(repository, [first.id])
    assert result.bytes_freed > 0
    assert [snapshot.id for snapshot in repository.snapshots()] == [second.id]
    assert restore(repository, second) == TWO
    assert "no errors were found" in object_store.restic(location, PASSPHRASE, "check", "--read-data").stdout
    key = f"{location.removeprefix(f's3://{locked_bucket}/')}/snapshots/{first.id}"
    (version,) = versions(object_store, locked_bucket, key)["Version"]
    answer = object_store.try_request("DELETE", f"/{locked_bucket}/{key}", {"versionId": version})
    assert answer.status == 403


@needs_restic
def test_everything_that_was_deleted_under_object_lock_comes_back_without_its_delete_markers(
    object_store: ObjectStore, locked_bucket: str, s3_location: str
) -> None:
    location = s3_location.replace("s3://backups/", f"s3://{locked_bucket}/")
    repository = new_repository(open_storage(location, object_store.options()))
    first = back_up(repository, ONE)
    for kind in FileKind:
        for stored in list(repository.storage.list(kind)):
            repository.storage.delete(kind, stored.name)
    with pytest.raises(RepositoryMissing):
        open_repository(repository.storage, PASSPHRASE)
    prefix = location.removeprefix(f"s3://{locked_bucket}/")
    for key, markers in delete_markers(object_store, locked_bucket, f"{prefix}/").items():
        if "/locks/" not in key:
            for marker in markers:
                object_store.request("DELETE", f"/{locked_bucket}/{key}", {"versionId": marker})
    assert restore(open_repository(repository.storage, PASSPHRASE), first) == ONE
    assert "no errors were found" in object_store.restic(location, PASSPHRASE, "check", "--read-data").stdout


def versions(object_store: ObjectStore, bucket: str, prefix: str) -> dict[str, list[str]]:
    """The ids of versions and delete markers below a prefix."""
    listing = object_store.request("GET", f"/{bucket}", {"versions": "", "prefix": prefix}).body.decode()
    return {kind: re.findall(rf"<{kind}>.*?<VersionId>([^<]+)", listing) for kind in ("Version", "DeleteMarker")}


def delete_markers(object_store: ObjectStore, bucket: str, prefix: str) -> dict[str, list[str]]:
    listing = object_store.request("GET", f"/{bucket}", {"versions": "", "prefix": prefix}).body.decode()
    found: dict[str, list[str]] = {}
    for key, version in re.findall(r"<DeleteMarker><Key>([^<]+)</Key><VersionId>([^<]+)", listing):
        found.setdefault(key, []).append(version)
    return found


@pytest.fixture
def add_only(object_store: ObjectStore) -> t.Iterator[FaultProxy]:
    """The way to the store for a key that may add and not delete."""
    with FaultProxy(object_store.port).running() as proxy:
        proxy.break_requests("DELETE", refused(403, "AccessDenied"), times=float("inf"))
        yield proxy


def test_a_run_succeeds_with_a_key_that_may_not_delete(object_store: ObjectStore, s3_location: str, add_only: FaultProxy) -> None:
    repository = new_repository(open_storage(s3_location, object_store.options(endpoint=add_only.endpoint)))
    first, second = back_up(repository, ONE), back_up(repository, TWO)
    assert [restore(repository, snapshot) for snapshot in (first, second)] == [ONE, TWO]
    assert check(open_repository(open_storage(s3_location, object_store.options()), PASSPHRASE), read_data=True) == []


def test_a_storage_that_is_full_for_a_while_costs_one_run_and_no_restore_point(object_store: ObjectStore, s3_location: str) -> None:
    with FaultProxy(object_store.port).running() as proxy:
        storage = S3Storage(resolve_settings(s3_location, object_store.options(endpoint=proxy.endpoint)), Patience(retries=0))
        repository = new_repository(storage)
        first = back_up(repository, ONE)
        proxy.break_requests("PUT", refused(507, "InsufficientStorage"), times=float("inf"), part_of_path="/data/")
        with pytest.raises(StorageError, match="the storage is full"):
            back_up(repository, TWO)
        assert list(storage.list(FileKind.LOCK)) == []
        assert restore(open_repository(storage, PASSPHRASE), first) == ONE
        proxy.heal()
        assert restore(repository, back_up(repository, TWO)) == TWO
        assert check(repository, read_data=True) == []


def test_a_prune_with_a_key_that_may_not_delete_says_so_and_changes_nothing(
    object_store: ObjectStore, s3_location: str, add_only: FaultProxy
) -> None:
    repository = new_repository(open_storage(s3_location, object_store.options()))
    first, second = back_up(repository, ONE), back_up(repository, TWO)
    limited = open_repository(open_storage(s3_location, object_store.options(endpoint=add_only.endpoint)), PASSPHRASE)
    with pytest.raises(StorageError, match=rf"Could not delete {s3_location}/snapshots/{first.id}.*not allowed.*AccessDenied") as caught:
        prune(limited, [first.id])
    assert "Object Lock or policy" in caught.value.hint
    assert [restore(repository, snapshot) for snapshot in (first, second)] == [ONE, TWO]
