# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalogue against a dictionary: over many runs, over the borders of its files, and with hashes that collide."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup import catalogue as catalogue_room
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.catalogue import (
    HASHES_PER_FILE,
    IDS,
    ITEMS,
    LINES_PER_FILE,
    Catalogue,
    CatalogueAppender,
    Record,
    id_file,
    item_file,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import edit_tree, walk
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import TreeId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.writer import Writer
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.support import append_all, extended, writing
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import RecordingStorage, new_place

KEYS = st.integers(0, 30).map(lambda number: f"id-{number}") | st.sampled_from(["", "é\n", "\u2028", "\ud800", "x" * 300])
CHANGES = st.lists(st.tuples(KEYS, st.none() | st.text(alphabet="ab\r\n\u2028\ud800", max_size=4)), max_size=60)
ABSENT = ("nobody", "id-99", "\udfff")


def record(item_id: str, subject: str = "") -> Record:
    return {"id": item_id, "subject": subject, "folder": 0}


def apply(appender: CatalogueAppender, model: dict[str, Record], changes: t.Iterable[tuple[str, str | None]]) -> None:
    for key, subject in changes:
        if subject is None:
            appender.remove(key)
            model.pop(key, None)
        else:
            appender.append(record(key, subject))
            model[key] = record(key, subject)


def live(catalogue: Catalogue) -> dict[str, Record]:
    records = list(catalogue.live())
    by_id = {one["id"]: one for one in records}
    assert len(by_id) == len(records)
    return by_id


def check_runs(runs: list[list[tuple[str, str | None]]]) -> None:
    model: dict[str, Record] = {}
    seen: set[str] = set(ABSENT)
    tree: TreeId | None = None
    lines = 0
    with writing() as writer:
        for changes in runs:
            tree, lines = extended(writer, tree, lines, lambda appender, changes=changes: apply(appender, model, changes))  # type: ignore[misc]
            seen |= {key for key, _subject in changes}
            catalogue = Catalogue(writer, tree, lines)
            assert catalogue.find(sorted(seen)) == model
            assert live(catalogue) == model


@settings(max_examples=40)
@given(runs=st.lists(CHANGES, min_size=1, max_size=5))
def test_over_any_runs_the_catalogue_says_what_a_dictionary_says(runs: list[list[tuple[str, str | None]]]) -> None:
    check_runs(runs)


@settings(max_examples=25)
@given(runs=st.lists(CHANGES, min_size=1, max_size=3))
def test_ids_of_the_same_hash_do_no_harm(runs: list[list[tuple[str, str | None]]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogue_room, "id_hash", lambda item_id: bytes(7) + bytes([len(item_id) % 2]))
        check_runs(runs)


BORDERS = (1, LINES_PER_FILE - 1, LINES_PER_FILE, LINES_PER_FILE + 1)


@pytest.mark.parametrize("first", [0, *BORDERS, HASHES_PER_FILE - 1, HASHES_PER_FILE, HASHES_PER_FILE + 1])
@pytest.mark.parametrize("second", BORDERS)
def test_a_run_goes_on_where_the_last_one_ended(first: int, second: int) -> None:
    names = [f"m{number}" for number in range(first + second)]
    with writing() as writer:
        tree, lines = extended(writer, None, 0, append_all(record(name) for name in names[:first]))
        tree, lines = extended(writer, tree, lines, append_all(record(name) for name in names[first:]))
        assert lines == first + second
        catalogue = Catalogue(writer, tree, lines)
        assert catalogue.find(names) == {name: record(name) for name in names}
        assert [one["id"] for one in catalogue.live()] == names[::-1]


def test_saving_the_tail_twice_in_a_run_leaves_one_whole_catalogue() -> None:
    with writing() as writer:

        def change(appender: CatalogueAppender) -> None:
            for number in range(70):
                appender.append(record(f"m{number}"))
                appender.save_tail()

        tree, lines = extended(writer, None, 0, change)
        assert len(live(Catalogue(writer, tree, lines))) == lines == 70


def test_a_run_without_changes_edits_nothing() -> None:
    with writing() as writer:
        tree, lines = extended(writer, None, 0, lambda appender: appender.append(record("a")))
        assert extended(writer, tree, lines, lambda appender: None) == (tree, lines)


def test_inv03_one_more_line_in_a_large_catalogue_adds_a_few_small_files() -> None:
    with writing() as writer:
        tree, lines = extended(writer, None, 0, append_all(record(f"m{number}") for number in range(3000)))
        before = writer.stats
        extended(writer, tree, lines, lambda appender: appender.append(record("one more")))
        after = writer.stats
        assert after.data_bytes - before.data_bytes < 8 * HASHES_PER_FILE + 64 * LINES_PER_FILE
        assert after.tree_blobs - before.tree_blobs <= 2 + 2 + 2 + 2


def test_many_lookups_read_the_hashes_once() -> None:
    storage = RecordingStorage()
    place = new_place(storage)
    with place.repository.writing() as writer:
        tree, lines = extended(writer, None, 0, append_all(record(f"m{number}") for number in range(2000)))
    catalogue = Catalogue(place.reopen(), tree, lines)
    catalogue.find(["m1"])
    storage.reads.clear()
    assert catalogue.find(["m2"]) == {"m2": record("m2")}
    assert len(storage.reads) <= 1


def without(writer: Writer, tree: TreeId | None, path: tuple[str, ...]) -> TreeId | None:
    return edit_tree(writer, tree, [(path, None)])


@pytest.mark.parametrize("path", [ITEMS + item_file(0), IDS + id_file(0)])
def test_a_missing_file_is_an_error_that_names_it(path: tuple[str, ...]) -> None:
    with writing() as writer:
        tree, lines = extended(writer, None, 0, lambda appender: appender.append(record("a")))
        catalogue = Catalogue(writer, without(writer, tree, path), lines)
        with pytest.raises(BackupError, match="/".join(path)):
            catalogue.find(["a"])
        with pytest.raises(BackupError, match="/".join(path)):
            catalogue.tail()


def test_a_missing_file_is_noticed_by_a_pass_over_everything() -> None:
    with writing() as writer:
        tree, lines = extended(writer, None, 0, append_all(record(f"m{number}") for number in range(100)))
        with pytest.raises(BackupError, match=r"01\.jsonl"):
            list(Catalogue(writer, without(writer, tree, ITEMS + item_file(1)), lines).live())


def test_files_stand_in_the_order_of_their_numbers() -> None:
    numbers = [0, 1, 31, 32, 33, 1023, 1024, 1025, 32 * 1024 * 40]
    assert sorted(numbers, key=item_file) == sorted(numbers, key=id_file) == numbers
    assert len({item_file(number) for number in numbers}) == len(numbers)


def test_an_empty_catalogue_reads_nothing() -> None:
    with writing() as writer:
        catalogue = Catalogue(writer, None, 0)
        assert catalogue.find(["a"]) == {}
        assert list(catalogue.live()) == []
        assert catalogue.tail() == ([], b"")


def test_the_tree_holds_nothing_but_the_catalogues_files() -> None:
    with writing() as writer:
        tree, _lines = extended(writer, None, 0, lambda appender: appender.append(record("a")))
        assert tree is not None
        files = [path for path, node in walk(writer, tree) if node.subtree is None]
        assert files == [IDS + id_file(0), ITEMS + item_file(0)]
