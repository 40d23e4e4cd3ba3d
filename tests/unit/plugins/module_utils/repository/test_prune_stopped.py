# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A prune that gets SIGTERM."""

from __future__ import annotations

import contextlib
import random
import signal
import typing as t

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._signals import StopSignal, listen
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.findings import Severity
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.prune import prune
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    RecordingStorage,
    back_up,
    new_place,
    restore,
)

SIGNALS = (signal.SIGTERM, signal.SIGINT)
OLD = {("a", str(number)): random.Random(number).randbytes(30_000) for number in range(10)}
NEW = {**dict([*OLD.items()][:5]), ("b",): b"new"}


@contextlib.contextmanager
def listening() -> t.Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    listen()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.parametrize("change", range(8))
def test_inv02_a_prune_that_is_stopped_anywhere_gives_its_lock_back_and_leaves_a_sound_repository(change: int) -> None:
    storage = RecordingStorage()
    place = new_place(storage)
    first, second = back_up(place.repository, OLD), back_up(place.repository, NEW)
    moment = len(storage.changes) + change

    def stop_there(_action: str, _kind: FileKind) -> None:
        if len(storage.changes) == moment:
            signal.raise_signal(signal.SIGTERM)

    place.clock.move(3600)
    storage.before_change = stop_there
    with listening(), pytest.raises(StopSignal):
        prune(place.reopen(), [first.id], tolerated_waste=0)
    storage.before_change = lambda _action, _kind: None
    assert not list(storage.list(FileKind.LOCK))

    repository = place.reopen()
    assert [finding for finding in check(repository, read_data=True) if finding.severity is Severity.ERROR] == []
    assert restore(repository, second) == NEW
    prune(place.reopen(), [first.id], tolerated_waste=0)
    assert check(place.reopen(), read_data=True) == []
    assert [snapshot.id for snapshot in place.reopen().snapshots()] == [second.id]
