# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import hashlib
import random
import threading
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository import blobs, pack_queue
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository import writer as writer_module
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.blobs import blob_id
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import (
    LockLost,
    RepositoryDamaged,
    RepositoryError,
    StorageError,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.pieces import PIECE_SIZE
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobId, BlobKind, NodeKind, Path, TreeId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.writer import Writer
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    NOON,
    MemoryStorage,
    Place,
    RecordingStorage,
    back_up,
    new_place,
    restore,
    save_files,
)

FILES: dict[Path, bytes] = {("a", "x"): b"one" * 100, ("a", "y"): b"two" * 100, ("b",): b""}


@pytest.fixture
def storage() -> RecordingStorage:
    return RecordingStorage()


@pytest.fixture
def place(storage: RecordingStorage) -> Place:
    return new_place(storage)


def noise(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


def test_what_was_backed_up_is_restored(place: Place) -> None:
    snapshot = back_up(place.repository, FILES)
    reopened = place.reopen()
    assert reopened.snapshots() == [snapshot]
    assert restore(reopened, snapshot) == FILES


def test_the_same_content_is_stored_once(place: Place, storage: RecordingStorage) -> None:
    back_up(place.repository, FILES)
    before = storage.names(FileKind.DATA)
    with place.reopen().writing() as writer:
        saved = writer.save_blob(BlobKind.DATA, FILES["a", "x"])
        assert (saved.is_new, saved.stored_bytes) == (False, 0)
        assert writer.save_blob(BlobKind.DATA, b"new").is_new
        assert not writer.save_blob(BlobKind.DATA, b"new").is_new
        stats = writer.stats
    assert (stats.data_blobs, stats.data_bytes, stats.known_blobs, stats.known_bytes) == (1, 3, 2, 303)
    assert len(storage.names(FileKind.DATA)) == len(before) + 1


def test_data_and_trees_are_different_things(place: Place) -> None:
    with place.repository.writing() as writer:
        assert writer.save_blob(BlobKind.DATA, b"x").is_new
        assert writer.save_blob(BlobKind.TREE, b"x").is_new
        writer.flush()
        assert writer.stats.packs == 2


def test_what_is_not_flushed_can_be_read_by_the_writer_alone(place: Place) -> None:
    with place.repository.writing() as writer:
        saved = writer.save_blob(BlobKind.DATA, b"pending")
        assert writer.has_blob(BlobKind.DATA, saved.id)
        assert writer.read_blob(BlobKind.DATA, saved.id) == b"pending"
        assert not place.repository.has_blob(BlobKind.DATA, saved.id)
        writer.flush()
        assert place.repository.read_blob(BlobKind.DATA, saved.id) == b"pending"
        assert place.reopen().read_blob(BlobKind.DATA, saved.id) == b"pending"


def test_a_pack_that_no_index_names_yet_is_read_by_the_writer_alone(place: Place) -> None:
    with place.repository.writing() as writer:
        pieces = [noise(PIECE_SIZE, seed) for seed in range(5)]
        saved = [writer.save_blob(BlobKind.DATA, piece) for piece in pieces]
        assert writer.stats.packs == 1
        assert [writer.read_blob(BlobKind.DATA, blob.id) for blob in saved] == pieces
        assert not any(place.repository.has_blob(BlobKind.DATA, blob.id) for blob in saved)
        assert not writer.save_blob(BlobKind.DATA, pieces[0]).is_new


def test_leaving_normally_flushes(place: Place) -> None:
    with place.repository.writing() as writer:
        saved = writer.save_blob(BlobKind.DATA, b"kept")
    assert place.reopen().read_blob(BlobKind.DATA, saved.id) == b"kept"


def test_leaving_by_an_exception_writes_nothing_further_and_frees_the_lock(place: Place, storage: RecordingStorage) -> None:
    run = place.repository.writing()
    writer = run.__enter__()
    writer.save_blob(BlobKind.DATA, b"lost")
    assert not run.__exit__(KeyError, KeyError(), None)
    assert [kind for _action, kind, _name in storage.changes[2:]] == [FileKind.LOCK, FileKind.LOCK]
    assert storage.names(FileKind.LOCK) == []
    with pytest.raises(RepositoryError, match="closed"):
        writer.save_blob(BlobKind.DATA, b"too late")


def test_inv08_the_lock_stays_until_what_is_being_written_is_written(place: Place, storage: RecordingStorage) -> None:
    is_uploading, is_closing = threading.Event(), threading.Event()
    locks_at_the_end: list[int] = []

    def hold_up(action: str, kind: FileKind) -> None:
        if (action, kind) == ("put", FileKind.DATA):
            is_uploading.set()
            assert is_closing.wait(60)
            time.sleep(0.05)
            locks_at_the_end.append(len(storage.names(FileKind.LOCK)))

    def save(writer: Writer) -> None:
        for seed in range(4):
            writer.save_blob(BlobKind.DATA, noise(PIECE_SIZE, seed))

    with ThreadPoolExecutor(1) as pool:
        run = place.repository.writing()
        writer = run.__enter__()
        storage.before_change = hold_up
        saving = pool.submit(save, writer)
        assert is_uploading.wait(60)
        is_closing.set()
        run.__exit__(KeyError, KeyError(), None)
        wait([saving])
    assert locks_at_the_end == [1]
    assert storage.names(FileKind.INDEX) == storage.names(FileKind.LOCK) == []


def test_a_flush_without_news_writes_nothing(place: Place, storage: RecordingStorage) -> None:
    back_up(place.repository, FILES)
    before = len(storage.changes)
    with place.repository.writing() as writer:
        save_files(writer, FILES)
        writer.flush()
    assert {kind for _action, kind, _name in storage.changes[before:]} == {FileKind.LOCK}


def test_a_snapshot_of_a_tree_that_is_not_there_is_a_defect_of_the_caller(place: Place) -> None:
    with place.repository.writing() as writer, pytest.raises(ValueError, match="not in the repository"):
        writer.save_snapshot(TreeId("ab" * 32), time=NOON, paths=["/"])


def test_many_threads_store_the_same_and_different_things_once(place: Place) -> None:
    contents = [noise(20_000, number % 300) for number in range(900)]
    random.Random(1).shuffle(contents)
    with place.repository.writing() as writer, ThreadPoolExecutor(8) as pool:
        saved = list(pool.map(lambda content: writer.save_blob(BlobKind.DATA, content), contents))
        writer.flush()
        stats = writer.stats
    assert sum(blob.is_new for blob in saved) == stats.data_blobs == 300
    assert stats.known_blobs == 600
    reopened = place.reopen()
    assert all(reopened.read_blob(BlobKind.DATA, blob.id) == content for blob, content in zip(saved, contents, strict=True))


def test_threads_flush_and_save_beside_one_another(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_queue, "BLOBS_PER_INDEX", 7)

    def work(worker: int) -> list[tuple[BlobId, bytes]]:
        done = []
        for number in range(30):
            content = b"%d of %d" % (number, worker % 3)
            saved = writer.save_blob(BlobKind.DATA, content)
            if number % 5 == worker % 5:
                writer.flush()
                assert place.repository.read_blob(BlobKind.DATA, saved.id) == content
            done.append((saved.id, content))
        return done

    with place.repository.writing() as writer, ThreadPoolExecutor(6) as pool:
        results = list(pool.map(work, range(6)))
    reopened = place.reopen()
    for blob, content in (pair for result in results for pair in result):
        assert hashlib.sha256(content).hexdigest() == blob
        assert reopened.has_blob(BlobKind.DATA, blob)


def test_a_flush_waits_for_what_another_thread_is_uploading(place: Place, storage: RecordingStorage) -> None:
    is_uploading, may_go_on = threading.Event(), threading.Event()

    def hold_up(action: str, kind: FileKind) -> None:
        if (action, kind) == ("put", FileKind.DATA) and not is_uploading.is_set():
            is_uploading.set()
            may_go_on.wait(60)

    pieces = [noise(PIECE_SIZE, seed) for seed in range(4)]

    def flush() -> bool:
        writer.flush()
        return place.repository.has_blob(BlobKind.DATA, blob_id(pieces[0]))

    with place.repository.writing() as writer, ThreadPoolExecutor(2) as pool:
        storage.before_change = hold_up
        saving = pool.submit(lambda: [writer.save_blob(BlobKind.DATA, piece) for piece in pieces])
        assert is_uploading.wait(60)
        flushing = pool.submit(flush)
        wait([flushing], timeout=0.1)
        may_go_on.set()
        assert flushing.result()
        assert len(saving.result()) == 4


def test_an_index_is_written_every_so_many_blobs(place: Place, storage: RecordingStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_queue, "PACKS_PER_INDEX", 2)
    with place.repository.writing() as writer:
        for seed in range(9):
            writer.save_blob(BlobKind.DATA, noise(PIECE_SIZE, seed))
        assert (writer.stats.packs, writer.stats.index_files) == (2, 1)
    assert len(storage.names(FileKind.INDEX)) == 2


def _flush_and_stay_broken(writer: Writer, storage: RecordingStorage) -> None:
    """Flush; when that fails, see that the writer stores nothing more, and go on with the failure."""
    try:
        writer.flush()
    except StorageError as error:
        changes = len(storage.changes)
        with pytest.raises(StorageError) as again:
            writer.save_blob(BlobKind.DATA, b"more")
        is_the_same, is_silent = again.value is error, len(storage.changes) == changes
        if not (is_the_same and is_silent):
            raise AssertionError("the writer went on after a failure") from error
        raise


@given(st.integers(0, 12), st.booleans())
def test_after_a_failed_write_nothing_more_is_stored_and_the_error_stays(break_after: int, after_success: bool) -> None:
    storage = RecordingStorage()
    place = new_place(storage)
    first = back_up(place.repository, FILES)
    storage.break_at = len(storage.changes) + break_after
    storage.breaks_after_success = after_success
    with contextlib.suppress(StorageError), place.repository.writing() as writer:
        for number in range(4):
            save_files(writer, {(str(number),): b"%d" % number})
            _flush_and_stay_broken(writer, storage)
    storage.break_at = None
    place.clock.move(31 * 60)
    reopened = place.reopen()
    assert restore(reopened, first) == FILES
    later = back_up(reopened, {("new",): b"new"})
    assert restore(place.reopen(), later) == {("new",): b"new"}


def test_a_failing_thread_stops_the_others(place: Place, storage: RecordingStorage) -> None:
    run = place.repository.writing()
    writer = run.__enter__()
    storage.break_at = len(storage.changes)
    with ThreadPoolExecutor(4) as pool:
        work = [pool.submit(writer.save_blob, BlobKind.DATA, noise(PIECE_SIZE, seed)) for seed in range(12)]
    assert any(isinstance(job.exception(), StorageError) for job in work)
    with pytest.raises(StorageError):
        writer.save_blob(BlobKind.DATA, b"after the failure")
    with pytest.raises(StorageError):
        run.__exit__(None, None, None)
    assert storage.names(FileKind.DATA) == []


def test_a_blob_whose_sealing_failed_can_be_saved_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    honest, calls = blobs.seal_blob, list[int]()

    def fail_once(*arguments: t.Any) -> t.Any:
        calls.append(1)
        if len(calls) == 1:
            raise MemoryError
        return honest(*arguments)

    monkeypatch.setattr(writer_module, "seal_blob", fail_once)
    with place.repository.writing() as writer:
        with pytest.raises(MemoryError):
            writer.save_blob(BlobKind.DATA, b"x")
        assert writer.save_blob(BlobKind.DATA, b"x").is_new


def test_a_repository_sees_what_others_have_added_since(place: Place) -> None:
    early = place.reopen()
    assert early.snapshots() == []
    assert not early.has_blob(BlobKind.DATA, blob_id(b"x"))
    snapshot = back_up(place.repository, FILES)
    assert restore(early, snapshot) == FILES


def test_a_writer_counts_on_no_pack_that_has_gone_since_the_index_was_read(place: Place, storage: RecordingStorage) -> None:
    back_up(place.repository, FILES)
    early = place.reopen()
    assert early.has_blob(BlobKind.DATA, blob_id(FILES["a", "x"]))
    for name in storage.names(FileKind.DATA):
        storage.delete(FileKind.DATA, name)
    snapshot = back_up(early, FILES)
    assert restore(place.reopen(), snapshot) == FILES


def test_a_blob_that_is_nowhere_is_reported_by_its_name(place: Place) -> None:
    with pytest.raises(RepositoryDamaged, match=f"data blob {'ab' * 32} is in no index"):
        place.repository.read_blob(BlobKind.DATA, t.cast(t.Any, "ab" * 32))


def test_snapshots_come_oldest_first(place: Place) -> None:
    later = back_up(place.repository, FILES, time=NOON + timedelta(hours=1))
    earlier = back_up(place.repository, FILES, time=NOON - timedelta(hours=1))
    assert place.reopen().snapshots() == [earlier, later]


def test_a_writer_that_outlived_its_lock_stores_nothing(place: Place, storage: RecordingStorage) -> None:
    run = place.repository.writing()
    writer = run.__enter__()
    writer.save_blob(BlobKind.DATA, b"x")
    for name in storage.names(FileKind.LOCK):
        MemoryStorage.delete(storage, FileKind.LOCK, name)
    with pytest.raises(LockLost):
        run.__exit__(None, None, None)
    assert storage.names(FileKind.INDEX) == []
    assert not place.reopen().has_blob(BlobKind.DATA, blob_id(b"x"))


def test_a_lock_that_grows_too_old_between_two_packs_stops_the_second(place: Place, storage: RecordingStorage) -> None:
    run = place.repository.writing()
    writer = run.__enter__()
    save_files(writer, FILES)
    storage.before_change = lambda _action, kind: place.clock.move(21 * 60) if kind is FileKind.DATA else None
    with pytest.raises(LockLost, match="suspended"):
        run.__exit__(None, None, None)
    assert len(storage.names(FileKind.DATA)) == 1
    assert storage.names(FileKind.INDEX) == []


def test_inv08_a_snapshot_that_was_written_while_the_lock_was_taken_away_is_withdrawn(place: Place, storage: RecordingStorage) -> None:
    def remove_locks(action: str, kind: FileKind) -> None:
        if (action, kind) == ("put", FileKind.SNAPSHOT):
            for name in storage.names(FileKind.LOCK):
                del storage.files[FileKind.LOCK, name]

    storage.before_change = remove_locks
    with pytest.raises(LockLost, match="somebody removed it"):
        back_up(place.repository, {("a",): b"content"})
    assert place.reopen().snapshots() == []


def test_directories_and_files_are_told_apart(place: Place) -> None:
    snapshot = back_up(place.repository, FILES)
    kinds = {node.name: node.kind for node in place.repository.read_tree(snapshot.tree)}
    assert kinds == {"a": NodeKind.DIRECTORY, "b": NodeKind.FILE}
