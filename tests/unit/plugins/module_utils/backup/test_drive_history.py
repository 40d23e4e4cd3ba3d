# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drive is in the backup as it is, however its changes were told."""

from __future__ import annotations

import contextlib
import random
import typing as t

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.drive_errors import FileLocked, MalwareBlocked
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import (
    CursorLost,
    NotFound,
    RequestRefused,
    ServiceUnavailable,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.drive_backup import DriveBackup
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.drive_world import ROOT, DriveWorld
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.support import writing

_NAMES = ("a", "b", "A", "c.txt", "d")


def _change(world: DriveWorld, dice: random.Random) -> None:
    """Something that may happen in a drive."""
    folders = [ROOT, *(key for key, thing in world.things.items() if thing.content is None)]
    files = [key for key, thing in world.things.items() if thing.content is not None]
    anything = list(world.things)
    what = dice.choice(("file", "file", "folder", "write", "place", "place", "place", "drop", "touch"))
    name, folder = dice.choice(_NAMES), dice.choice(folders)
    if what == "file":
        world.make(name, folder, dice.randbytes(dice.randrange(3)))
    elif what == "folder":
        world.make(name, folder)
    elif what == "write" and files:
        world.write(dice.choice(files), dice.randbytes(4))
    elif what == "place" and anything:
        world.place(dice.choice(anything), name=dice.choice((name, None)), parent=dice.choice((folder, None)))
    elif what == "drop" and anything:
        world.drop(dice.choice(anything))
    elif what == "touch" and anything:
        world.touch(dice.choice(anything), description=name)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32), runs=st.integers(1, 5), changes=st.integers(0, 25), tells_below=st.booleans(), loses=st.booleans())
def test_a_history_told_in_changes_gives_the_same_drive_as_a_full_listing(
    seed: int, runs: int, changes: int, tells_below: bool, loses: bool
) -> None:
    dice, world = random.Random(seed), DriveWorld(seed)
    world.tells_below = tells_below
    with writing() as writer:
        backup = DriveBackup(writer, world)
        for number in range(runs):
            for _change_number in range(changes):
                _change(world, dice)
            if loses and number:
                world.oldest_cursor = 10**9
            before, foreseen = backup.tree, backup.preview()
            read = backup.run()
            assert foreseen.is_changed == (read.tree != before)
            assert [getattr(foreseen.counts, name) for name in _COUNTS] == [getattr(read.counts, name) for name in _COUNTS]
            assert not read.findings
            backup.check()
        afresh = DriveBackup(writer, world)
        afresh.run()
        assert _without_numbers(backup.records()) == _without_numbers(afresh.records())
        assert _without_numbers(backup.folder_records()) == _without_numbers(afresh.folder_records())


_COUNTS = ("total", "added", "updated", "moved", "removed")


def _without_numbers(records: dict[str, dict[str, t.Any]]) -> dict[str, dict[str, t.Any]]:
    return {key: {name: value for name, value in record.items() if name not in ("folder", "number")} for key, record in records.items()}


def test_a_run_without_changes_costs_one_request_and_writes_nothing() -> None:
    world = DriveWorld()
    with writing() as writer:
        backup = DriveBackup(writer, world)
        world.make("a.txt", world.make("Documents"), b"a")
        backup.run()
        before = writer.stats
        assert backup.run().tree == backup.tree
        assert world.requests == {"delta": 1}
        assert writer.stats == before
        assert not backup.preview().is_changed


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), runs=st.integers(1, 4), changes=st.integers(1, 15))
def test_whatever_fails_or_breaks_off_a_calm_run_has_the_drive_as_it_is(seed: int, runs: int, changes: int) -> None:
    dice, world = random.Random(seed), DriveWorld(seed)
    with writing() as writer:
        backup = DriveBackup(writer, world)
        for _run in range(runs):
            for _change_number in range(changes):
                _change(world, dice)
            world.sick = {key: dice.choice(_SICKNESSES)("no") for key in world.things if dice.random() < 0.3}
            world.failing_pages = [dice.choice(_BREAKS)("no") for _break in range(dice.randrange(3))]
            world.tells_below = dice.random() < 0.5
            with contextlib.suppress(BackupError):
                backup.run()
                stored = backup.files()
                missing = {key for key, thing in world.things.items() if thing.content != stored.get(world.path(key))}
                assert missing <= backup.retries()
        world.sick, world.failing_pages = {}, []
        assert not backup.run().findings
        backup.check()
        tree = backup.tree
        assert backup.run().tree == tree


_SICKNESSES = (RequestRefused, NotFound, MalwareBlocked, FileLocked)
_BREAKS = (NotFound, CursorLost, ServiceUnavailable)
