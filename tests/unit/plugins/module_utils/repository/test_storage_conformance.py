# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every storage has to do, whatever lies below it: the same tests for a folder and for a real object store."""

from __future__ import annotations

import contextlib
import hashlib
import random
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import ObjectExists, ObjectMissing
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import CONFIG_NAME, FileKind, Storage, StoredFile
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_open import open_storage

NAME = "ab" * 32
OTHER = "cd" * 32
LISTED = [kind for kind in FileKind if kind is not FileKind.CONFIG]


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        storage = open_storage(str(tmp_path / "repository"))
    else:
        store = request.getfixturevalue("object_store")
        storage = open_storage(request.getfixturevalue("s3_location"), store.options())
    storage.prepare()
    return storage


def name_in(kind: FileKind) -> str:
    return CONFIG_NAME if kind is FileKind.CONFIG else NAME


@pytest.mark.parametrize("kind", FileKind)
def test_a_file_comes_back_whole_in_parts_and_in_the_listing(storage: Storage, kind: FileKind) -> None:
    name = name_in(kind)
    storage.put(kind, name, b"0123456789")
    assert storage.get(kind, name) == b"0123456789"
    assert storage.get_range(kind, name, 3, 4) == b"3456"
    assert storage.get_range(kind, name, 0, 10) == b"0123456789"
    assert storage.stat(kind, name) == StoredFile(name, 10)
    assert list(storage.list(kind)) == [StoredFile(name, 10)]


@pytest.mark.parametrize(
    ("offset", "length", "wanted"), [(8, 40, b"89"), (10, 5, b""), (99, 1, b""), (0, 0, b""), (4, 0, b""), (10, 0, b"")]
)
def test_a_range_ends_where_the_file_ends(storage: Storage, offset: int, length: int, wanted: bytes) -> None:
    storage.put(FileKind.DATA, NAME, b"0123456789")
    assert storage.get_range(FileKind.DATA, NAME, offset, length) == wanted


def test_an_empty_file_is_a_file(storage: Storage) -> None:
    storage.put(FileKind.INDEX, NAME, b"")
    assert storage.get(FileKind.INDEX, NAME) == b""
    assert storage.get_range(FileKind.INDEX, NAME, 0, 100) == b""
    assert storage.stat(FileKind.INDEX, NAME) == StoredFile(NAME, 0)


def test_a_large_file_comes_back_with_every_byte(storage: Storage) -> None:
    content = random.Random(1).randbytes(20 << 20)
    storage.put(FileKind.DATA, NAME, content)
    assert hashlib.sha256(storage.get(FileKind.DATA, NAME)).digest() == hashlib.sha256(content).digest()
    assert storage.get_range(FileKind.DATA, NAME, (8 << 20) - 100, 200) == content[(8 << 20) - 100 : (8 << 20) + 100]
    assert storage.stat(FileKind.DATA, NAME) == StoredFile(NAME, 20 << 20)


def test_a_file_may_be_given_as_a_part_of_something_larger(storage: Storage) -> None:
    storage.put(FileKind.DATA, NAME, memoryview(b"0123456789")[2:5])
    assert storage.get(FileKind.DATA, NAME) == b"234"


@pytest.mark.parametrize("kind", FileKind)
def test_where_nothing_was_stored_nothing_is_found(storage: Storage, kind: FileKind) -> None:
    name = name_in(kind)
    assert list(storage.list(kind)) == []
    assert storage.stat(kind, name) is None
    with pytest.raises(ObjectMissing):
        storage.get(kind, name)
    for length in (0, 5):
        with pytest.raises(ObjectMissing):
            storage.get_range(kind, name, 0, length)


@pytest.mark.parametrize("kind", LISTED)
def test_a_deleted_file_is_gone_and_its_neighbours_stay(storage: Storage, kind: FileKind) -> None:
    storage.put(kind, NAME, b"x")
    storage.put(kind, OTHER, b"y")
    storage.delete(kind, NAME)
    assert storage.stat(kind, NAME) is None
    assert list(storage.list(kind)) == [StoredFile(OTHER, 1)]
    with pytest.raises(ObjectMissing):
        storage.get(kind, NAME)


def test_to_delete_what_is_not_there_is_at_most_a_missing_file(storage: Storage) -> None:
    with contextlib.suppress(ObjectMissing):
        storage.delete(FileKind.LOCK, NAME)
    assert list(storage.list(FileKind.LOCK)) == []


def test_to_store_a_file_again_is_no_mistake(storage: Storage) -> None:
    for content in (b"first", b"first", b"longer than the first"):
        storage.put(FileKind.KEY, NAME, content)
    assert storage.get(FileKind.KEY, NAME) == b"longer than the first"
    assert list(storage.list(FileKind.KEY)) == [StoredFile(NAME, 21)]


def test_a_config_is_never_replaced(storage: Storage) -> None:
    storage.put(FileKind.CONFIG, CONFIG_NAME, b"first")
    for content in (b"second", b"first"):
        with pytest.raises(ObjectExists):
            storage.put(FileKind.CONFIG, CONFIG_NAME, content)
    assert storage.get(FileKind.CONFIG, CONFIG_NAME) == b"first"
    assert list(storage.list(FileKind.CONFIG)) == [StoredFile(CONFIG_NAME, 5)]


def test_of_many_configs_at_once_exactly_one_is_stored(storage: Storage) -> None:
    def create(number: int) -> bool:
        try:
            storage.put(FileKind.CONFIG, CONFIG_NAME, b"%d" % number)
        except ObjectExists:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        created = list(threads.map(create, range(8)))
    assert sum(created) == 1
    assert storage.get(FileKind.CONFIG, CONFIG_NAME) == b"%d" % created.index(True)


def test_kinds_do_not_meet(storage: Storage) -> None:
    for number, kind in enumerate(LISTED):
        storage.put(kind, NAME, b"x" * number)
    assert {kind: list(storage.list(kind)) for kind in LISTED} == {kind: [StoredFile(NAME, number)] for number, kind in enumerate(LISTED)}


def test_many_files_are_stored_at_once_and_all_listed(storage: Storage) -> None:
    contents = {hashlib.sha256(b"%d" % number).hexdigest(): b"x" * number for number in range(200)}
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: storage.put(FileKind.DATA, name, contents[name]), contents))
        read = dict(zip(contents, threads.map(lambda name: storage.get(FileKind.DATA, name), contents), strict=True))
    assert read == contents
    assert {stored.name: stored.size for stored in storage.list(FileKind.DATA)} == {
        name: len(content) for name, content in contents.items()
    }


def test_a_file_that_many_store_at_once_is_whole(storage: Storage) -> None:
    content = random.Random(2).randbytes(1 << 20)
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda _number: storage.put(FileKind.DATA, NAME, content), range(6)))
    assert storage.get(FileKind.DATA, NAME) == content


@pytest.mark.parametrize("name", ["../config", "", ".", "ab", NAME.upper(), NAME + "\n", NAME + "/x", f"../index/{NAME}"])
@pytest.mark.parametrize("kind", [FileKind.KEY, FileKind.DATA])
def test_a_name_that_no_stored_file_has_leads_nowhere(storage: Storage, kind: FileKind, name: str) -> None:
    storage.put(FileKind.CONFIG, CONFIG_NAME, b"config")
    actions: list[t.Callable[[], object]] = [
        lambda: storage.delete(kind, name),
        lambda: storage.get(kind, name),
        lambda: storage.get_range(kind, name, 0, 1),
        lambda: storage.put(kind, name, b"x"),
        lambda: storage.quarantine(kind, name),
    ]
    for action in actions:
        with pytest.raises(ObjectMissing):
            action()
    assert storage.get(FileKind.CONFIG, CONFIG_NAME) == b"config"


@pytest.mark.parametrize("kind", LISTED)
def test_a_file_in_quarantine_is_out_of_sight_and_a_new_one_can_take_its_name(storage: Storage, kind: FileKind) -> None:
    storage.put(kind, NAME, b"damaged")
    storage.put(kind, OTHER, b"good")
    place = storage.quarantine(kind, NAME)
    assert place.startswith(f"{storage.location}/quarantine/{kind.value}/{NAME}")
    assert storage.stat(kind, NAME) is None
    assert list(storage.list(kind)) == [StoredFile(OTHER, 4)]
    storage.put(kind, NAME, b"whole")
    assert storage.get(kind, NAME) == b"whole"


def test_nothing_in_quarantine_is_ever_replaced(storage: Storage) -> None:
    places = []
    for content in (b"first", b"second"):
        storage.put(FileKind.DATA, NAME, content)
        places.append(storage.quarantine(FileKind.DATA, NAME))
    assert len(set(places)) == 2


def test_what_is_not_there_cannot_be_set_aside(storage: Storage) -> None:
    with pytest.raises(ObjectMissing):
        storage.quarantine(FileKind.DATA, NAME)


def test_nothing_is_left_over_by_writes_that_ended(storage: Storage) -> None:
    storage.put(FileKind.DATA, NAME, b"x")
    assert storage.remove_leftovers() == 0
    assert storage.get(FileKind.DATA, NAME) == b"x"
