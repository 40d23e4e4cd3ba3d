# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
from datetime import timedelta
from pathlib import Path as FilePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError, InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import (
    LockLost,
    RepositoryError,
    RepositoryLocked,
    WrongPassphrase,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.key_changes import (
    KeyChanges,
    KeyWishes,
    RoleWish,
    SeenKey,
    change_keys,
    plan_key_changes,
    preview_key_changes,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.keys import KeyInfo, KeyRole
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import create_repository, open_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind, Storage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_open import open_storage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import KeyId, Path
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.object_store import ObjectStore
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.restic_program import Restic, needs_restic
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    CHEAP,
    NOON,
    PASSPHRASE,
    FakeClock,
    MemoryStorage,
    Place,
    RecordingStorage,
    back_up,
    new_place,
    restore,
)

NEW, RECOVERY, OTHER = "the new one", "on paper", "of somebody else"
SECRETS = (PASSPHRASE, NEW, RECOVERY, OTHER)
FILES: dict[Path, bytes] = {("Sales", "mail.eml"): b"From: a"}

rotation = KeyWishes(passphrase=RoleWish(secret=NEW, is_only=True))


def openers(storage: Storage) -> set[str]:
    """Those of the secrets that open the repository."""
    found = set()
    for secret in SECRETS:
        with contextlib.suppress(WrongPassphrase):
            open_repository(storage, secret)
            found.add(secret)
    return found


def change(place: Place, wishes: KeyWishes, *, opened_with: str = PASSPHRASE) -> KeyChanges:
    return change_keys(open_repository(place.storage, opened_with, clock=place.clock), wishes, kdf=CHEAP)


def place_with(*secrets: str, storage: MemoryStorage | None = None) -> Place:
    """A repository with a snapshot that opens with the passphrase of the tests and the given secrets."""
    place = new_place(storage)
    for secret in secrets:
        role = KeyRole.RECOVERY if secret == RECOVERY else KeyRole.PASSPHRASE
        place.repository.keys.add(secret, role=role, kdf=CHEAP, created=NOON)
    back_up(place.repository, FILES)
    return place


def files_but_keys(storage: MemoryStorage) -> dict[tuple[FileKind, str], bytes]:
    return {key: data for key, data in storage.files.items() if key[0] is not FileKind.KEY}


def test_rotating_lets_the_new_passphrase_in_and_every_other_one_out_and_touches_no_data() -> None:
    place = place_with(RECOVERY, OTHER, storage=MemoryStorage())
    storage = place.storage
    assert isinstance(storage, MemoryStorage)
    before = files_but_keys(storage)
    changes = change(place, rotation)
    assert openers(storage) == {NEW, RECOVERY}
    assert (changes.added, len(changes.removed)) == ((KeyRole.PASSPHRASE,), 2)
    assert [key.opened_by for key in changes.new] == [{KeyRole.PASSPHRASE}]
    assert files_but_keys(storage) == before
    snapshot = open_repository(storage, NEW).snapshots()[0]
    assert restore(open_repository(storage, NEW), snapshot) == FILES
    assert not any(FileKind.LOCK is kind for kind, _name in storage.files)


@pytest.mark.parametrize("opened_with", [NEW, RECOVERY])
def test_a_second_rotation_with_the_same_passphrase_changes_nothing_and_takes_no_lock(opened_with: str) -> None:
    place = place_with(RECOVERY, storage=RecordingStorage())
    change(place, rotation)
    assert isinstance(place.storage, RecordingStorage)
    written = len(place.storage.changes)
    assert not change(place, rotation, opened_with=opened_with).changed
    assert len(place.storage.changes) == written


def test_adding_leaves_all_others_in_and_is_done_once() -> None:
    place = place_with()
    wishes = KeyWishes(passphrase=RoleWish(secret=NEW), recovery=RoleWish(secret=RECOVERY))
    assert change(place, wishes).added == (KeyRole.PASSPHRASE, KeyRole.RECOVERY)
    assert not change(place, wishes).changed
    assert openers(place.storage) == {PASSPHRASE, NEW, RECOVERY}
    roles = [key.role for key in place.repository.key_files()]
    assert sorted(role.value for role in roles) == ["passphrase", "passphrase", "recovery"]


def test_whoever_lost_the_passphrase_sets_a_new_one_with_the_recovery_key() -> None:
    place = place_with(RECOVERY)
    change(place, rotation, opened_with=RECOVERY)
    assert openers(place.storage) == {NEW, RECOVERY}


def test_a_recovery_key_is_replaced_by_a_new_one() -> None:
    place = place_with(RECOVERY)
    change(place, KeyWishes(recovery=RoleWish(secret=OTHER, is_only=True)))
    assert openers(place.storage) == {PASSPHRASE, OTHER}
    roles = {key.role for key in open_repository(place.storage, OTHER).key_files() if key.is_current}
    assert roles == {KeyRole.RECOVERY}
    change(place, KeyWishes(recovery=RoleWish(is_only=True)))
    assert openers(place.storage) == {PASSPHRASE}


def test_keys_are_removed_by_the_beginning_of_their_id_and_those_that_are_not_there_count_as_removed() -> None:
    place = place_with(OTHER)
    other = next(key.id for key in open_repository(place.storage, OTHER).key_files() if key.is_current)
    wishes = KeyWishes(remove=(other[:8], "f" * 64))
    assert [info.id for info in change(place, wishes).removed] == [other]
    assert not change(place, wishes).changed
    assert openers(place.storage) == {PASSPHRASE}


def test_a_label_in_a_key_file_names_its_role_and_nobody() -> None:
    storage = MemoryStorage()
    create_repository(storage, PASSPHRASE, recovery_passphrase=RECOVERY, kdf=CHEAP)
    shown = {
        (json.loads(storage.get(FileKind.KEY, name))["username"], json.loads(storage.get(FileKind.KEY, name))["hostname"])
        for name in storage.names(FileKind.KEY)
    }
    assert shown == {("", ""), ("recovery", "")}


INFOS = st.builds(
    KeyInfo,
    id=st.from_regex("[ab]{3}", fullmatch=True).map(KeyId),
    created=st.just(NOON),
    role=st.sampled_from(KeyRole),
    is_current=st.just(value=False),
)
WISHES = st.builds(
    KeyWishes,
    passphrase=st.sampled_from([RoleWish(), RoleWish(secret=NEW), RoleWish(secret=NEW, is_only=True)]),
    recovery=st.sampled_from([RoleWish(), RoleWish(secret=RECOVERY), RoleWish(secret=RECOVERY, is_only=True), RoleWish(is_only=True)]),
    remove=st.lists(st.from_regex("[ab]{1,3}", fullmatch=True), max_size=2).map(tuple),
)


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[SeenKey], KeyWishes]:
    """Key files, one of which opened the repository, what opens them, and wishes."""
    infos = draw(st.lists(INFOS, min_size=1, max_size=5, unique_by=lambda info: info.id))
    infos[0] = dataclasses.replace(infos[0], is_current=True)
    wishes = draw(WISHES)
    roles = [role for role in KeyRole if wishes.of(role).secret is not None]
    opened = st.frozensets(st.sampled_from(roles), max_size=1) if roles else st.just(frozenset[KeyRole]())
    return [SeenKey(info, draw(opened)) for info in infos], wishes


@given(situations())
def test_whatever_is_wished_somebody_can_surely_get_in_and_what_shall_open_is_not_removed(
    situation: tuple[list[SeenKey], KeyWishes],
) -> None:
    seen, wishes = situation
    try:
        changes = plan_key_changes(seen, wishes)
    except InputError:
        return
    assert changes.added or any(key.info.is_current or key.opened_by for key in changes.kept)
    opened_by = {key.info.id: key.opened_by for key in seen}
    assert not any(opened_by[info.id] for info in changes.removed)
    assert {info.id for info in changes.removed} | {key.info.id for key in changes.kept} == set(opened_by)


@given(situations())
def test_once_carried_out_the_same_wishes_change_nothing(situation: tuple[list[SeenKey], KeyWishes]) -> None:
    seen, wishes = situation
    try:
        changes = plan_key_changes(seen, wishes)
    except InputError:
        return
    new = [SeenKey(KeyInfo(KeyId(f"new-{role.value}"), NOON, role, is_current=False), frozenset({role})) for role in changes.added]
    after = [*changes.kept, *new]
    after[0] = dataclasses.replace(after[0], info=dataclasses.replace(after[0].info, is_current=True))
    assert not plan_key_changes(after, wishes).changed


def seen(*keys: tuple[str, KeyRole, KeyRole | None], current: int = 0) -> list[SeenKey]:
    return [
        SeenKey(KeyInfo(KeyId(name), NOON, role, number == current), frozenset({opener} if opener else ()))
        for number, (name, role, opener) in enumerate(keys)
    ]


@pytest.mark.parametrize(
    ("keys", "wishes", "sentence"),
    [
        (seen(("aa", KeyRole.PASSPHRASE, None)), KeyWishes(remove=("aa",)), "only key file that is known to open"),
        (
            seen(("aa", KeyRole.PASSPHRASE, None), ("bb", KeyRole.PASSPHRASE, None)),
            KeyWishes(remove=("a", "b")),
            "only key file that is known to open",
        ),
        (
            seen(("aa", KeyRole.RECOVERY, None), ("bb", KeyRole.PASSPHRASE, None)),
            KeyWishes(recovery=RoleWish(is_only=True)),
            "only key file that is known to open",
        ),
        (seen(("aa", KeyRole.PASSPHRASE, None), ("ab", KeyRole.PASSPHRASE, None)), KeyWishes(remove=("a",)), "2 key files have ids"),
        (
            seen(("aa", KeyRole.PASSPHRASE, None), ("bb", KeyRole.PASSPHRASE, KeyRole.PASSPHRASE)),
            KeyWishes(passphrase=RoleWish(secret=NEW), remove=("bb",)),
            "shall be removed and opens with",
        ),
        (
            seen(("aa", KeyRole.PASSPHRASE, None), ("bb", KeyRole.RECOVERY, KeyRole.PASSPHRASE)),
            rotation,
            "is the recovery key",
        ),
    ],
)
def test_wishes_that_would_shut_people_out_are_refused(keys: list[SeenKey], wishes: KeyWishes, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        plan_key_changes(keys, wishes)


def test_a_preview_says_what_happens_and_writes_nothing() -> None:
    place = place_with(RECOVERY, OTHER, storage=RecordingStorage())
    assert isinstance(place.storage, RecordingStorage)
    written = len(place.storage.changes)
    preview = preview_key_changes(place.reopen(), rotation)
    assert len(place.storage.changes) == written
    changes = change(place, rotation)
    assert dataclasses.replace(changes, new=()) == preview


@pytest.mark.parametrize("breaks_after_success", [False, True])
@pytest.mark.parametrize(
    "wishes",
    [
        rotation,
        KeyWishes(passphrase=RoleWish(secret=NEW, is_only=True), recovery=RoleWish(secret=OTHER, is_only=True)),
    ],
)
def test_inv02_a_rotation_that_breaks_off_anywhere_leaves_a_way_in_and_is_finished_by_repeating_it(
    wishes: KeyWishes, breaks_after_success: bool
) -> None:
    finished = {secret for role in KeyRole if (secret := wishes.of(role).secret)} | ({RECOVERY} if wishes is rotation else set())
    for calls in itertools.count():
        place = place_with(RECOVERY, storage=RecordingStorage())
        storage = place.storage
        assert isinstance(storage, RecordingStorage)
        repository = place.reopen()
        storage.breaks_after_success = breaks_after_success
        storage.break_at = len(storage.changes) + calls
        with contextlib.suppress(BackupError):
            change_keys(repository, wishes, kdf=CHEAP)
        is_through = len(storage.changes) < storage.break_at
        storage.break_at = None
        left = openers(storage)
        assert left & {PASSPHRASE, NEW}
        assert left & {RECOVERY, OTHER}
        place.clock.move(timedelta(hours=1).total_seconds())
        change(place, wishes, opened_with=NEW if NEW in left else PASSPHRASE)
        assert openers(storage) == finished
        assert [finding for finding in check(open_repository(storage, NEW)) if finding.obj.startswith("key")] == []
        if is_through:
            break
    assert calls >= 4


def test_a_new_key_file_that_does_not_open_when_it_is_read_back_is_taken_away_and_nothing_else_changes() -> None:
    class Forgetful(MemoryStorage):
        """Flips a bit of each new key file while it writes it, once it is told to."""

        flips = False

        def put(self, kind: FileKind, name: str, data: bytes | memoryview) -> None:
            damaged = bytes([data[0] ^ 1, *data[1:]])
            super().put(kind, name, damaged if self.flips and kind is FileKind.KEY else data)

    storage = Forgetful()
    place = place_with(storage=storage)
    storage.flips = True
    with pytest.raises(RepositoryError, match="does not open when it is read back"):
        change(place, rotation)
    assert openers(storage) == {PASSPHRASE}
    assert len(storage.names(FileKind.KEY)) == 1
    empty = Forgetful()
    empty.flips = True
    with pytest.raises(RepositoryError, match="does not open when it is read back"):
        create_repository(empty, PASSPHRASE, kdf=CHEAP)
    assert empty.files == {}


def test_removing_waits_for_whoever_writes_and_adding_does_not() -> None:
    place = place_with()
    with place.repository.writing(), pytest.raises(RepositoryLocked):
        change(place, rotation)
    with place.repository.writing():
        change(place, KeyWishes(passphrase=RoleWish(secret=NEW)))
    with place.repository.exclusive(), pytest.raises(RepositoryLocked):
        change(place, KeyWishes(passphrase=RoleWish(secret=OTHER)))
    assert openers(place.storage) == {PASSPHRASE, NEW}


def test_inv08_of_two_rotations_from_the_same_passphrase_the_later_one_gives_up() -> None:
    place = place_with(storage=MemoryStorage())
    late = place.reopen()
    change(place, rotation)
    with pytest.raises(RepositoryError, match="was removed meanwhile"):
        change_keys(late, KeyWishes(passphrase=RoleWish(secret=OTHER, is_only=True)), kdf=CHEAP)
    assert openers(place.storage) == {NEW}


def test_inv08_a_rotation_between_looking_and_locking_is_noticed() -> None:
    storage = RecordingStorage()
    place = place_with(storage=storage)
    late = place.reopen()

    def come_first(_action: str, kind: FileKind) -> None:
        if kind is FileKind.LOCK:
            storage.before_change = lambda _action, _kind: None
            change(place, rotation)

    storage.before_change = come_first
    with pytest.raises(RepositoryError, match="was removed meanwhile"):
        change_keys(late, KeyWishes(passphrase=RoleWish(secret=OTHER, is_only=True)), kdf=CHEAP)
    assert openers(storage) == {NEW}


def test_inv08_without_its_lock_nothing_is_removed() -> None:
    storage = RecordingStorage()
    place = place_with(storage=storage)

    def lose_the_lock(action: str, kind: FileKind) -> None:
        if (action, kind) == ("put", FileKind.KEY):
            for name in storage.names(FileKind.LOCK):
                del storage.files[(FileKind.LOCK, name)]

    storage.before_change = lose_the_lock
    with pytest.raises(LockLost):
        change(place, rotation)
    assert openers(storage) == {PASSPHRASE, NEW}


def test_a_damaged_key_file_is_left_alone_and_stops_nobody() -> None:
    storage = MemoryStorage()
    place = place_with(OTHER, storage=storage)
    other = next(key.id for key in open_repository(storage, OTHER).key_files() if key.is_current)
    storage.files[(FileKind.KEY, other)] = b"damaged"
    damaged: list[RepositoryError] = []
    assert len(place.repository.keys.infos(on_damage=damaged.append)) == 1
    assert len(damaged) == 1
    change(place, rotation)
    assert (FileKind.KEY, other) in storage.files


@needs_restic
def test_inv05_restic_lists_and_uses_every_key_after_each_change(tmp_path: FilePath) -> None:
    restic = Restic(tmp_path)
    storage = LocalStorage(restic.repository)
    place = Place(storage, create_repository(storage, PASSPHRASE, recovery_passphrase=RECOVERY, kdf=CHEAP), FakeClock())
    back_up(place.repository, FILES)

    def judge(*expected: str) -> None:
        for secret in SECRETS:
            (tmp_path / "password").write_text(f"{secret}\n")
            printed = restic.run("--password-file", tmp_path / "password", "check", "--read-data", fails=secret not in expected)
            assert secret not in expected or "no errors were found" in printed
        (tmp_path / "password").write_text(f"{expected[0]}\n")
        listed = json.loads(restic.run("--password-file", tmp_path / "password", "key", "list", "--json"))
        assert len(listed) == len(expected)
        assert [key["userName"] for key in listed].count("recovery") == 1

    judge(PASSPHRASE, RECOVERY)
    change(place, KeyWishes(passphrase=RoleWish(secret=OTHER)))
    judge(PASSPHRASE, OTHER, RECOVERY)
    change(place, rotation)
    judge(NEW, RECOVERY)
    change(place, KeyWishes(recovery=RoleWish(secret=OTHER, is_only=True)), opened_with=NEW)
    judge(NEW, OTHER)


@needs_restic
def test_keys_that_restic_added_are_seen_used_and_rotated_out(tmp_path: FilePath) -> None:
    restic = Restic(tmp_path)
    storage = LocalStorage(restic.repository)
    place = Place(storage, create_repository(storage, PASSPHRASE, kdf=CHEAP), FakeClock())
    (tmp_path / "other").write_text(OTHER)
    restic.run("key", "add", "--new-password-file", tmp_path / "other")
    assert [key.role for key in place.repository.key_files()] == [KeyRole.PASSPHRASE] * 2
    assert len(change(place, rotation, opened_with=OTHER).removed) == 2
    assert openers(storage) == {NEW}


@needs_restic
def test_inv05_restic_finds_no_error_wherever_a_rotation_broke_off(tmp_path: FilePath) -> None:
    for calls in itertools.count():
        place = place_with(storage=RecordingStorage())
        storage = place.storage
        assert isinstance(storage, RecordingStorage)
        repository = place.reopen()
        storage.break_at = len(storage.changes) + calls
        with contextlib.suppress(BackupError):
            change_keys(repository, rotation, kdf=CHEAP)
        restic = Restic(tmp_path / str(calls))
        on_disk = LocalStorage(restic.repository)
        on_disk.prepare()
        for (kind, name), data in storage.files.items():
            on_disk.put(kind, name, data)
        (restic.folder / "password").write_text(min(openers(storage)))
        printed = restic.run("--no-lock", "--password-file", restic.folder / "password", "check", "--read-data")
        assert "no errors were found" in printed
        if len(storage.changes) < storage.break_at:
            break
    assert calls >= 4


@needs_restic
def test_inv05_keys_in_an_object_store_are_rotated_as_those_in_a_folder(object_store: ObjectStore, s3_location: str) -> None:
    storage = open_storage(s3_location, object_store.options())
    place = Place(storage, create_repository(storage, PASSPHRASE, recovery_passphrase=RECOVERY, kdf=CHEAP), FakeClock())
    assert change(place, rotation).changed
    assert not change(place, rotation, opened_with=NEW).changed
    assert openers(storage) == {NEW, RECOVERY}
    for secret in SECRETS:
        printed = object_store.restic(s3_location, secret, "check", check=False)
        assert (printed.returncode == 0) == (secret in (NEW, RECOVERY)), printed
