# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every file of a repository, damaged in every way: detected, named, and everything else can still be restored."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import subprocess
import typing as t
from datetime import timedelta
from pathlib import Path as FilePath

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.blobs import blob_id
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import ALL_DATA, Finding, Severity, check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import (
    RepositoryDamaged,
    RepositoryMissing,
    WrongPassphrase,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.index_files import read_index
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repair import repair
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import (
    create_repository,
    open_repository,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import (
    BlobKind,
    IndexId,
    Path,
    Snapshot,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.damages import DAMAGES, restorable
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    CHEAP,
    NOON,
    PASSPHRASE,
    FakeClock,
    MemoryStorage,
    Place,
    back_up,
    new_place,
    restore,
)

CHANCE = random.Random(3)
ONE: dict[Path, bytes] = {("one", str(number)): CHANCE.randbytes(3000) for number in range(5)}
TWO: dict[Path, bytes] = {("two", str(number)): CHANCE.randbytes(3000) for number in range(5)}
WORDS = {
    FileKind.CONFIG: "file",
    FileKind.KEY: "key",
    FileKind.DATA: "pack",
    FileKind.INDEX: "index",
    FileKind.SNAPSHOT: "snapshot",
    FileKind.LOCK: "lock",
}
SWEEP = [(kind, damage) for kind in WORDS for damage in DAMAGES]
JUDGED = ("flipped at 6/12", "truncated to half", "deleted")
Blob = tuple[BlobKind, str]


class Twin(t.NamedTuple):
    """A repository with two snapshots that share nothing, two keys and a lock; and where each blob lies."""

    place: Place
    storage: MemoryStorage
    first: Snapshot
    second: Snapshot
    blobs: dict[Blob, tuple[str, bytes]]

    def with_files(self, storage: MemoryStorage) -> Place:
        return Place(storage, self.place.repository, self.place.clock)


@pytest.fixture(scope="module")
def sound() -> Twin:
    storage, clock = MemoryStorage(), FakeClock()
    repository = create_repository(storage, PASSPHRASE, recovery_passphrase="another", kdf=CHEAP, clock=clock)
    place = Place(storage, repository, clock)
    first, second = back_up(repository, ONE), back_up(repository, TWO, time=NOON + timedelta(hours=1))
    blobs: dict[Blob, tuple[str, bytes]] = {}
    for index in storage.names(FileKind.INDEX):
        for pack in read_index(repository.files, IndexId(index)):
            data = storage.files[FileKind.DATA, pack.id]
            blobs.update({(blob.kind, blob.id): (pack.id, data[blob.offset : blob.offset + blob.length]) for blob in pack.blobs})
    with repository.reading():
        (lock,) = storage.names(FileKind.LOCK)
        content = storage.files[FileKind.LOCK, lock]
    storage.files[FileKind.LOCK, lock] = content
    return Twin(place, storage, first, second, blobs)


def errors(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity is Severity.ERROR]


def undamaged(sound: Twin, storage: MemoryStorage) -> dict[Path, bytes]:
    """The files that a restore must give back: those whose every byte is still where it was."""
    indexed: set[Blob] = {
        (blob.kind, blob.id)
        for name in sound.storage.names(FileKind.INDEX)
        if storage.files.get((FileKind.INDEX, name)) == sound.storage.files[FileKind.INDEX, name]
        for pack in read_index(sound.place.repository.files, IndexId(name))
        for blob in pack.blobs
    }
    intact: set[Blob] = {
        blob for blob, (pack, sealed) in sound.blobs.items() if blob in indexed and sealed in storage.files.get((FileKind.DATA, pack), b"")
    }
    files: dict[Path, bytes] = {}
    for snapshot, content in ((sound.first, ONE), (sound.second, TWO)):
        key = (FileKind.SNAPSHOT, snapshot.id)
        if storage.files.get(key) != sound.storage.files[key] or (BlobKind.TREE, snapshot.tree) not in intact:
            continue
        (folder,) = sound.place.repository.read_tree(snapshot.tree)
        if (BlobKind.TREE, str(folder.subtree)) in intact:
            files |= {path: data for path, data in content.items() if (BlobKind.DATA, blob_id(data)) in intact}
    return files


def verdict(sound: Twin, storage: MemoryStorage) -> set[str]:
    """Open and examine a damaged repository and restore what can be; the objects that were named."""
    place = sound.with_files(storage)
    try:
        repository = place.reopen()
    except RepositoryDamaged as error:
        return {error.obj}
    except RepositoryMissing:
        assert not storage.names(FileKind.CONFIG)
        return {"file config"}
    except WrongPassphrase:
        assert len(storage.names(FileKind.KEY)) == 1
        return {f"key {name}" for name in sound.storage.names(FileKind.KEY)}
    assert restorable(repository) == undamaged(sound, storage)
    findings = check(repository, read_data=True)
    return {" ".join(finding.obj.split()[-2:]) for finding in findings if finding.severity is Severity.ERROR or "lock" in finding.obj}


@pytest.mark.parametrize(("kind", "damage"), SWEEP, ids=[f"{kind.value}, {damage}" for kind, damage in SWEEP])
def test_inv07_damage_is_detected_named_and_contained(sound: Twin, kind: FileKind, damage: str) -> None:
    for name in sound.storage.names(kind):
        storage = sound.storage.copy()
        damaged = DAMAGES[damage](storage.files.pop((kind, name)))
        if damaged is not None:
            storage.files[kind, name] = damaged
        named = verdict(sound, storage)
        if damaged is not None or kind in (FileKind.CONFIG, FileKind.DATA):
            assert f"{WORDS[kind]} {name}" in named
        elif kind is FileKind.INDEX:
            assert named


@pytest.mark.parametrize("kind", [kind for kind in WORDS if kind not in (FileKind.CONFIG, FileKind.LOCK)])
def test_inv07_files_that_changed_places_are_both_named(sound: Twin, kind: FileKind) -> None:
    for one, other in itertools.combinations(sound.storage.names(kind), 2):
        storage = sound.storage.copy()
        storage.files[kind, one], storage.files[kind, other] = storage.files[kind, other], storage.files[kind, one]
        named = verdict(sound, storage)
        expected = {f"{WORDS[kind]} {one}", f"{WORDS[kind]} {other}"}
        assert named & expected if kind is FileKind.KEY else expected <= named


@pytest.mark.parametrize(("kind", "damage"), SWEEP, ids=[f"{kind.value}, {damage}" for kind, damage in SWEEP])
def test_inv07_repair_deletes_nothing_brings_back_what_is_there_and_is_done_after_once(
    sound: Twin, tmp_path: FilePath, kind: FileKind, damage: str
) -> None:
    for name in sound.storage.names(kind):
        storage, clock = sound.storage.copy(), FakeClock()
        clock.move(3600)
        damaged = DAMAGES[damage](storage.files.pop((kind, name)))
        if damaged is not None:
            storage.files[kind, name] = damaged
        try:
            repository = open_repository(storage, PASSPHRASE, clock=clock)
        except (RepositoryMissing, RepositoryDamaged, WrongPassphrase):
            assert kind in (FileKind.CONFIG, FileKind.KEY)
            continue
        before = without_locks(storage)
        expected = ONE | TWO if kind is FileKind.INDEX else undamaged(sound, storage)
        result = repair(repository, ALL_DATA)
        assert before <= without_locks(storage)
        assert restorable(open_repository(storage, PASSPHRASE, clock=clock)) == expected
        assert errors(check(open_repository(storage, PASSPHRASE, clock=clock), read_data=True)) == errors(result.after.findings)
        again = repair(open_repository(storage, PASSPHRASE, clock=clock), ALL_DATA)
        assert not again.plan.changes
        assert again.quarantined == ()
        if damage in JUDGED:
            sound_to_restic = not errors(result.after.findings)
            assert restic_finds_no_error(storage, tmp_path / name) in (None, sound_to_restic)
        for files in (ONE, TWO):
            back_up(open_repository(storage, PASSPHRASE, clock=clock), files, time=NOON + timedelta(days=1))
        assert restorable(open_repository(storage, PASSPHRASE, clock=clock)) == ONE | TWO
        assert errors(check(open_repository(storage, PASSPHRASE, clock=clock), read_data=True)) == []


def without_locks(storage: MemoryStorage) -> set[bytes]:
    """The content of every file, wherever it lies."""
    kept = [content for (kind, _name), content in storage.files.items() if kind is not FileKind.LOCK]
    return {*kept, *(content for kind, _name, content in storage.quarantined if kind is not FileKind.LOCK)}


def restic_finds_no_error(storage: MemoryStorage, folder: FilePath) -> bool | None:
    """None where restic is not to be had."""
    if shutil.which("restic") is None:
        return None
    disk = LocalStorage(folder)
    disk.prepare()
    for (kind, name), data in storage.files.items():
        disk.put(kind, name, data)
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "RESTIC_PASSWORD": PASSPHRASE}
    command = ["restic", "--no-cache", "--no-lock", "-r", str(folder), "check", "--read-data"]
    return subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("target", [FileKind.KEY, FileKind.DATA, FileKind.INDEX, FileKind.SNAPSHOT])
@pytest.mark.parametrize("source", [FileKind.KEY, FileKind.DATA, FileKind.INDEX, FileKind.SNAPSHOT, FileKind.LOCK])
def test_inv07_a_file_in_the_wrong_folder_is_named_and_harms_nothing(sound: Twin, source: FileKind, target: FileKind) -> None:
    name = sound.storage.names(source)[0]
    if source is target:
        return
    storage = sound.storage.copy()
    storage.files[target, name] = storage.files[source, name]
    findings = check(sound.with_files(storage).reopen(), read_data=True)
    assert f"{WORDS[target]} {name}" in {finding.obj for finding in findings}
    assert restorable(sound.with_files(storage).reopen()) == ONE | TWO


def test_a_sound_repository_has_no_findings(sound: Twin) -> None:
    assert check(sound.place.reopen(), read_data=True) == []
    assert restorable(sound.place.reopen()) == undamaged(sound, sound.storage) == ONE | TWO


def test_a_damaged_snapshot_does_not_hide_the_others(sound: Twin) -> None:
    storage = sound.storage.copy()
    storage.files[FileKind.SNAPSHOT, sound.first.id] = b"rubbish"
    repository = Place(storage, sound.place.repository, sound.place.clock).reopen()
    damaged: list[str] = []
    assert repository.snapshots(on_damage=lambda error: damaged.append(error.obj)) == [sound.second]
    assert damaged == [f"snapshot {sound.first.id}"]
    with pytest.raises(RepositoryDamaged):
        repository.snapshots()


def test_what_a_lost_pack_held_is_stored_again(sound: Twin) -> None:
    storage = sound.storage.copy()
    for name in storage.names(FileKind.DATA):
        storage.files[FileKind.DATA, name] = storage.files[FileKind.DATA, name][:-10]
    place = Place(storage, sound.place.repository, sound.place.clock)
    again = back_up(place.reopen(), ONE, time=NOON + timedelta(hours=2))
    assert restore(place.reopen(), again) == ONE
    assert restore(place.reopen(), sound.first) == ONE


def test_leftovers_are_warnings(sound: Twin) -> None:
    storage = sound.storage.copy()
    place = Place(storage, sound.place.repository, sound.place.clock)
    with place.reopen().writing() as writer:
        writer.save_blob(BlobKind.DATA, b"no index will name it")
    newest = [name for name in storage.names(FileKind.INDEX) if (FileKind.INDEX, name) not in sound.storage.files]
    for name in newest:
        storage.delete(FileKind.INDEX, name)
    (finding,) = check(place.reopen(), read_data=True)
    assert finding.severity is Severity.WARNING
    assert "is named by no index" in str(finding)


def test_inv07_no_word_of_the_content_is_readable_in_the_storage() -> None:
    storage = MemoryStorage()
    place = new_place(storage)
    secret = b"Confidential-4711"
    back_up(place.repository, {("Sales", "anna.schmidt@contoso.com", "mail", "subject-4711.eml"): secret * 3})
    everything = b"".join(storage.files.values()) + "".join(name for _kind, name in storage.files).encode()
    for word in (secret, b"Sales", b"anna", b"contoso", b"subject", b"m365", b"backup1", PASSPHRASE.encode(), b"nodes", b"tree"):
        assert word not in everything
