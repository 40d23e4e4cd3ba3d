# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What long operations of a repository tell while they work comes to what they said it would be."""

from __future__ import annotations

import random
import typing as t

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import ALL_DATA, STRUCTURE, examine
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.prune import prune
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repair import repair
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    Place,
    RecordingStorage,
    back_up,
    new_place,
)


class Heard:
    """Keeps every phase with its total, and what was done of it."""

    def __init__(self) -> None:
        self.phases: list[tuple[str, int | None, int | None]] = []
        self.done: dict[str, tuple[int, int]] = {}

    def phase(self, phase: str, *, unit: str = "items", total: int | None = None, bytes_total: int | None = None) -> None:
        del unit
        self.phases.append((phase, total, bytes_total))
        self.done[phase] = (0, 0)

    def add(self, done: int = 0, size: int = 0) -> None:
        if self.phases:
            phase = self.phases[-1][0]
            self.done[phase] = (self.done[phase][0] + done, self.done[phase][1] + size)


@pytest.fixture
def storage() -> RecordingStorage:
    return RecordingStorage()


@pytest.fixture
def place(storage: RecordingStorage) -> Place:
    return new_place(storage)


def noise(number: int) -> bytes:
    return random.Random(number).randbytes(1_000)


def filled(place: Place) -> t.Any:
    files: dict[tuple[str, ...], bytes] = {}
    snapshot = None
    for number in range(12):
        files[(str(number),)] = noise(number)
        snapshot = back_up(place.repository, files)
    return snapshot


def test_an_examination_tells_of_each_pack_that_it_reads(place: Place, storage: RecordingStorage) -> None:
    filled(place)
    heard = Heard()
    examine(place.reopen(), ALL_DATA, heard)
    packs = storage.names(FileKind.DATA)
    size = sum(stored.size for stored in storage.list(FileKind.DATA))
    assert heard.phases == [("reading the index", None, None), ("reading data", len(packs), size), ("reading directories", None, None)]
    assert heard.done["reading data"] == (len(packs), size)
    structure = Heard()
    examine(place.reopen(), STRUCTURE, structure)
    assert [phase for phase, _total, _size in structure.phases] == ["reading the index", "reading directories"]


def test_a_prune_tells_of_each_pack_that_it_moves_and_deletes(place: Place) -> None:
    last = filled(place)
    heard = Heard()
    prune(place.reopen(), [other.id for other in place.repository.snapshots() if other != last], advance=heard)
    assert [phase for phase, _total, _size in heard.phases] == [
        "finding what is needed",
        "moving what stays",
        "deleting what nothing needs",
    ]
    for phase, total, size in heard.phases[1:]:
        assert total
        assert heard.done[phase] == (total, size or 0)


def test_a_repair_tells_when_it_has_looked_and_begins(place: Place) -> None:
    filled(place)
    heard = Heard()
    repair(place.reopen(), STRUCTURE, advance=heard)
    assert [phase for phase, _total, _size in heard.phases] == ["reading the index", "reading directories", "repairing"]
