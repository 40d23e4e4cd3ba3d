# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order of writes, and what is left after a kill at any of them."""

from __future__ import annotations

import typing as t
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import Severity, check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import StorageError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.index_files import read_index
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobKind, IndexId, Path, Snapshot
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    NOON,
    Place,
    RecordingStorage,
    back_up,
    new_place,
    restore,
    save_files,
)

FIRST: dict[Path, bytes] = {("a", str(number)): b"first %d" % number for number in range(20)}
SECOND: dict[Path, bytes] = {("b", str(number)): b"second %d" % number for number in range(20)}


def test_inv01_write_order_is_packs_then_index_then_snapshot() -> None:
    storage = RecordingStorage()
    place = new_place(storage)
    start = len(storage.changes)
    back_up(place.repository, FIRST)
    kinds = [kind for _action, kind, _name in storage.changes[start:]]
    assert kinds == [FileKind.LOCK, FileKind.DATA, FileKind.DATA, FileKind.INDEX, FileKind.SNAPSHOT, FileKind.LOCK]


@given(st.integers(1, 5), st.integers(1, 4))
def test_inv01_write_order_holds_after_every_single_write(checkpoints: int, members: int) -> None:
    """Whatever is named in the storage, is in the storage: at any moment, not only at the end."""
    storage = RecordingStorage()
    place = new_place(storage)

    def everything_named_is_there(_action: str, _kind: FileKind) -> None:
        packs = set(storage.names(FileKind.DATA))
        named: set[str] = set()
        blobs: set[tuple[BlobKind, str]] = set()
        for index in storage.names(FileKind.INDEX):
            for pack in read_index(place.repository.files, IndexId(index)):
                named.add(pack.id)
                blobs.update((blob.kind, blob.id) for blob in pack.blobs)
        assert named <= packs
        for name in storage.names(FileKind.SNAPSHOT):
            tree = place.repository.files.read(FileKind.SNAPSHOT, name)["tree"]
            assert (BlobKind.TREE, tree) in blobs

    storage.before_change = everything_named_is_there
    with place.repository.writing() as writer:
        for checkpoint in range(checkpoints):
            files: dict[Path, bytes] = {(str(member), str(checkpoint)): b"%d %d" % (member, checkpoint) for member in range(members)}
            writer.save_snapshot(save_files(writer, files), time=NOON, paths=["/"])
    everything_named_is_there("", FileKind.DATA)


@given(st.data())
def test_inv02_a_run_killed_at_any_write_loses_nothing_that_was_there(data: st.DataObject) -> None:
    storage = RecordingStorage()
    place = new_place(storage)
    first = back_up(place.repository, FIRST)
    storage.break_at = len(storage.changes) + data.draw(st.integers(0, 8))
    storage.breaks_after_success = data.draw(st.booleans())
    expected: dict[Snapshot, t.Mapping[Path, bytes]] = {first: FIRST}
    try:
        with place.reopen().writing() as writer:
            save_files(writer, {("checkpoint",): b"x"})
            writer.flush()
            tree = save_files(writer, SECOND)
            expected[writer.save_snapshot(tree, time=NOON + timedelta(hours=1), paths=["/"])] = SECOND
    except StorageError:
        pass
    storage.break_at = None
    _is_sound(place, first)
    for snapshot, files in expected.items():
        assert restore(place.reopen(), snapshot) == files
    place.clock.move(3600)
    again = back_up(place.reopen(), SECOND, time=NOON + timedelta(hours=2))
    assert restore(place.reopen(), again) == SECOND


def _is_sound(place: Place, first: Snapshot) -> None:
    repository = place.reopen()
    assert first in repository.snapshots()
    assert [finding for finding in check(repository, read_data=True) if finding.severity is Severity.ERROR] == []


def test_inv02_what_a_broken_run_had_flushed_is_not_stored_again() -> None:
    storage = RecordingStorage()
    place = new_place(storage)
    try:
        with place.repository.writing() as writer:
            save_files(writer, FIRST)
            writer.flush()
            raise KeyError
    except KeyError:
        pass
    with place.reopen().writing() as writer:
        writer.save_snapshot(save_files(writer, FIRST), time=NOON, paths=["/"])
        assert writer.stats.data_blobs == writer.stats.tree_blobs == 0


def test_inv03_an_increment_writes_only_what_has_changed() -> None:
    storage = RecordingStorage()
    place = new_place(storage)
    many: dict[Path, bytes] = {
        ("mail", f"{shard:02}", f"{number:03}"): b"%d/%d" % (shard, number) for shard in range(50) for number in range(40)
    }
    first = back_up(place.repository, many)
    repository = place.reopen()
    repository.has_blob(BlobKind.DATA, t.cast(t.Any, "ab" * 32))
    with repository.writing() as writer:
        storage.reads.clear()
        tree = save_files(writer, {("mail", "07", "new"): b"new"}, first.tree)
        writer.save_snapshot(tree, time=NOON, paths=["/"])
        stats = writer.stats
    assert (stats.data_blobs, stats.tree_blobs) == (1, 3)
    assert len([kind for kind, _name in storage.reads if kind is FileKind.DATA]) == 3
    assert stats.stored_bytes < 16_000
