# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import json
import typing as t

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository import keys
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.crypto import SealingKey
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import (
    ObjectMissing,
    RepositoryDamaged,
    RepositoryError,
    RepositoryExists,
    RepositoryMissing,
    StorageError,
    WrongPassphrase,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.keys import DEFAULT_KDF, KdfParameters, KeyRole
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import (
    create_repository,
    open_repository,
    repository_exists,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import CONFIG_NAME, FileKind
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    CHEAP,
    PASSPHRASE,
    MemoryStorage,
    Place,
    RecordingStorage,
    back_up,
    new_place,
)


@pytest.fixture
def place() -> Place:
    return new_place()


def put_key(storage: MemoryStorage, content: dict[str, t.Any]) -> str:
    data = json.dumps(content).encode()
    name = hashlib.sha256(data).hexdigest()
    storage.put(FileKind.KEY, name, data)
    return name


def only_key(place: Place) -> tuple[MemoryStorage, str, dict[str, t.Any]]:
    storage = place.storage
    assert isinstance(storage, MemoryStorage)
    (name,) = storage.names(FileKind.KEY)
    return storage, name, json.loads(storage.get(FileKind.KEY, name))


def test_a_repository_opens_with_its_passphrase(place: Place) -> None:
    assert repository_exists(place.storage)
    assert place.reopen().id == place.repository.id


def test_a_wrong_passphrase_is_said_to_be_wrong(place: Place) -> None:
    with pytest.raises(WrongPassphrase, match="opens no key") as caught:
        open_repository(place.storage, "guess")
    assert "guess" not in str(caught.value)


def test_where_there_is_nothing_a_repository_is_missing() -> None:
    assert not repository_exists(MemoryStorage())
    with pytest.raises(RepositoryMissing):
        open_repository(MemoryStorage(), PASSPHRASE)


def test_a_repository_is_not_created_twice(place: Place) -> None:
    with pytest.raises(RepositoryExists):
        create_repository(place.storage, "other", kdf=CHEAP)
    assert place.reopen().id == place.repository.id


def test_a_creation_that_was_interrupted_is_simply_repeated() -> None:
    storage = RecordingStorage()
    for broken_at in (1, 2):
        storage.break_at = len(storage.changes) + broken_at - 1
        with pytest.raises(StorageError):
            create_repository(storage, PASSPHRASE, recovery_passphrase="on paper", kdf=CHEAP)
    storage.break_at = None
    for _round in range(5):
        leftover = MemoryStorage()
        create_repository(leftover, PASSPHRASE, kdf=CHEAP)
        storage.files |= {key: data for key, data in leftover.files.items() if key[0] is FileKind.KEY}
    created = create_repository(storage, PASSPHRASE, kdf=CHEAP)
    assert len(storage.names(FileKind.KEY)) == 1
    assert open_repository(storage, PASSPHRASE).id == created.id


def test_of_two_simultaneous_creations_one_wins_and_the_other_leaves_nothing() -> None:
    storage = RecordingStorage()
    winners: list[str] = []

    def come_first(_action: str, kind: FileKind) -> None:
        if kind is FileKind.CONFIG and not winners:
            storage.before_change = lambda _action, _kind: None
            winners.append(create_repository(storage, PASSPHRASE, kdf=CHEAP).id)

    storage.before_change = come_first
    with pytest.raises(RepositoryExists):
        create_repository(storage, PASSPHRASE, kdf=CHEAP)
    assert open_repository(storage, PASSPHRASE).id == winners[0]
    assert len(storage.names(FileKind.KEY)) == 1


def test_whoever_finds_the_config_of_somebody_else_in_the_place_of_his_own_leaves_it_and_takes_his_keys_away() -> None:
    """A storage that ignores the condition keeps the last of two configs that are put at the same moment."""
    storage, other = MemoryStorage(), MemoryStorage()
    theirs = create_repository(other, PASSPHRASE, kdf=CHEAP)
    put = storage.put

    def put_last(kind: FileKind, name: str, data: bytes | memoryview) -> None:
        put(kind, name, data)
        if kind is FileKind.CONFIG:
            storage.files |= other.files

    vars(storage)["put"] = put_last
    with pytest.raises(RepositoryExists):
        create_repository(storage, PASSPHRASE, kdf=CHEAP)
    assert storage.names(FileKind.KEY) == other.names(FileKind.KEY)
    assert open_repository(storage, PASSPHRASE).id == theirs.id


def test_a_stray_key_of_another_repository_shuts_nobody_out(place: Place) -> None:
    for _round in range(5):
        other = MemoryStorage()
        create_repository(other, PASSPHRASE, kdf=CHEAP)
        (name,) = other.names(FileKind.KEY)
        place.storage.put(FileKind.KEY, name, other.get(FileKind.KEY, name))
    assert place.reopen().id == place.repository.id


def test_a_repository_that_lost_its_config_is_not_made_anew(place: Place) -> None:
    back_up(place.repository, {("a",): b"a"})
    place.storage.delete(FileKind.CONFIG, CONFIG_NAME)
    with pytest.raises(RepositoryDamaged, match="file config is missing at memory, and there are backups"):
        create_repository(place.storage, PASSPHRASE, kdf=CHEAP)


def test_an_empty_passphrase_is_refused(place: Place) -> None:
    empty = MemoryStorage()
    with pytest.raises(InputError):
        create_repository(empty, "", kdf=CHEAP)
    with pytest.raises(InputError):
        create_repository(empty, PASSPHRASE, recovery_passphrase="", kdf=CHEAP)
    assert empty.files == {}
    with pytest.raises(InputError):
        open_repository(place.storage, "")


def test_the_recovery_passphrase_opens_the_same_repository() -> None:
    storage = MemoryStorage()
    created = create_repository(storage, PASSPHRASE, recovery_passphrase="on paper", kdf=CHEAP)
    assert open_repository(storage, "on paper").id == created.id
    assert len(created.key_files()) == 2


def test_a_key_file_names_nobody(place: Place) -> None:
    _storage, _name, content = only_key(place)
    assert (content["username"], content["hostname"]) == ("", "")


def test_the_default_cost_is_restics_own_and_needs_64_mebibytes() -> None:
    assert (DEFAULT_KDF.n, DEFAULT_KDF.r, DEFAULT_KDF.p) == (1 << 16, 8, 1)
    assert DEFAULT_KDF.memory == pytest.approx(64 << 20, rel=0.01)
    assert DEFAULT_KDF.is_acceptable()


@pytest.mark.parametrize(
    "cost", [{"N": 1 << 40}, {"N": 1 << 24}, {"N": 1000}, {"N": 0}, {"r": 1 << 20}, {"p": 1 << 20}, {"r": 0}, {"p": -1}]
)
def test_an_absurd_cost_is_refused_and_told(place: Place, cost: dict[str, int]) -> None:
    storage, name, content = only_key(place)
    storage.delete(FileKind.KEY, name)
    bad = put_key(storage, content | cost)
    with pytest.raises(RepositoryDamaged, match="asks for scrypt with N=") as caught:
        place.reopen()
    assert caught.value.obj == f"key {bad}"


@pytest.mark.parametrize(
    "change",
    [
        {"kdf": "md5"},
        {"N": "16"},
        {"N": True},
        {"salt": None},
        {"salt": "?"},
        {"data": 7},
        {"created": "then"},
    ],
)
def test_a_damaged_key_file_is_named(place: Place, change: dict[str, t.Any]) -> None:
    storage, name, content = only_key(place)
    storage.delete(FileKind.KEY, name)
    bad = put_key(storage, content | change)
    with pytest.raises(RepositoryDamaged, match=bad):
        place.reopen()


def test_a_damaged_key_file_shuts_out_nobody_else(place: Place) -> None:
    storage, _name, content = only_key(place)
    for cost in range(5):
        put_key(storage, content | {"N": (1 << 40) + cost})
    assert place.reopen().id == place.repository.id


def test_a_key_file_that_the_storage_cannot_read_shuts_out_nobody_else() -> None:
    class Worn(MemoryStorage):
        worn: str = ""

        def get_range(self, kind: FileKind, name: str, offset: int, length: int) -> bytes:
            if name == self.worn:
                raise StorageError("Could not read: the disk reports an error.")
            return super().get_range(kind, name, offset, length)

    storage = Worn()
    create_repository(storage, PASSPHRASE, recovery_passphrase="on paper", kdf=CHEAP)
    storage.worn = next(key.id for key in open_repository(storage, PASSPHRASE).key_files() if key.is_current)
    assert open_repository(storage, "on paper").keys.current != storage.worn
    with pytest.raises(StorageError, match="reports an error"):
        open_repository(storage, PASSPHRASE)


def test_a_key_file_that_is_removed_while_we_look_is_none() -> None:
    class Changing(MemoryStorage):
        leaving: str = ""

        def get_range(self, kind: FileKind, name: str, offset: int, length: int) -> bytes:
            if name == self.leaving:
                raise ObjectMissing("Could not read.")
            return super().get_range(kind, name, offset, length)

    storage = Changing()
    repository = create_repository(storage, PASSPHRASE, recovery_passphrase="on paper", kdf=CHEAP)
    storage.leaving = next(key.id for key in repository.key_files() if key.is_current)
    assert [key.role for key in repository.key_files()] == [KeyRole.RECOVERY]
    with pytest.raises(WrongPassphrase):
        open_repository(storage, PASSPHRASE)


def test_the_recovery_key_is_tried_last_so_that_everyday_opening_derives_one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    derived: list[object] = []
    derive = keys._derive

    def counted(*given: t.Any) -> SealingKey:
        derived.append(given)
        return derive(*given)

    monkeypatch.setattr(keys, "_derive", counted)
    for _round in range(5):
        storage = MemoryStorage()
        create_repository(storage, PASSPHRASE, recovery_passphrase="on paper", kdf=CHEAP)
        derived.clear()
        open_repository(storage, PASSPHRASE)
        assert len(derived) == 1


def test_acceptable_costs_stay_below_a_gibibyte_and_a_few_seconds() -> None:
    assert KdfParameters(n=1 << 19, r=8, p=1).is_acceptable()
    assert not KdfParameters(n=1 << 20, r=8, p=1).is_acceptable()
    assert KdfParameters(n=1 << 15, r=8, p=16).is_acceptable()
    assert not KdfParameters(n=1 << 19, r=8, p=16).is_acceptable()


def test_a_config_of_another_format_is_refused(place: Place) -> None:
    place.storage.delete(FileKind.CONFIG, CONFIG_NAME)
    place.repository.files.write_config({"version": 1, "id": "ab" * 32, "chunker_polynomial": "25b468838dcb75"})
    with pytest.raises(RepositoryError, match="format version 1"):
        place.reopen()


@pytest.mark.parametrize("data", [b"", b"short", bytes(200), bytes(2_000_000)])
def test_a_damaged_config_is_named(place: Place, data: bytes) -> None:
    place.storage.delete(FileKind.CONFIG, CONFIG_NAME)
    place.storage.put(FileKind.CONFIG, CONFIG_NAME, data)
    with pytest.raises(RepositoryDamaged, match="file config"):
        place.reopen()
