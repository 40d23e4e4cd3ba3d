# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are whole or not there, whatever ends the process, and never under their names before they are on the disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore import durable_files
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.durable_files import DurableFiles

KILLED = f"""
import sys
sys.path[:0] = {sys.path!r}
from pathlib import Path
from {durable_files.__name__} import DurableFiles
root = Path(sys.argv[1])
with DurableFiles(root) as files:
    for number in range(1700):
        files.put(root / "folder" / str(number), [b"content"] * 3)
    print("ready", flush=True)
    sys.stdin.read()
"""


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def failing() -> t.Iterator[bytes]:
    yield b"half"
    raise ValueError("broken")


def test_everything_is_there_when_the_context_ends_and_no_place_for_it_before(tmp_path: Path) -> None:
    root = tmp_path / "root"
    with DurableFiles(root) as made:
        assert made.put(root / "a" / "b", [b"one", b"two"], 1000.0) == 6
        made.put(root / "c", [])
    assert files(root) == {"a/b": b"onetwo", "c": b""}
    assert (root / "a" / "b").stat().st_mtime == 1000.0


def test_a_context_without_files_makes_nothing(tmp_path: Path) -> None:
    with DurableFiles(tmp_path / "root"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_content_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"old")
    with DurableFiles(tmp_path) as made:
        made.put(tmp_path / "whole", [b"whole"])
        with pytest.raises(ValueError, match="broken"):
            made.put(tmp_path / "old", failing())
    assert files(tmp_path) == {"old": b"old", "whole": b"whole"}


def test_a_restore_that_fails_takes_away_what_is_not_complete(tmp_path: Path) -> None:
    def restore() -> None:
        with DurableFiles(tmp_path) as made:
            made.put(tmp_path / "file", [b"content"])
            made.put(tmp_path / "broken", failing())

    with pytest.raises(ValueError, match="broken"):
        restore()
    assert files(tmp_path) == {}
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_restore_has_left_is_whole_and_its_rest_goes_with_the_next(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGKILL)
    left = files(tmp_path / "folder")
    assert 1000 <= len(left) < 1700
    assert set(left.values()) == {b"content" * 3}
    assert list(tmp_path.glob(".restore-*"))
    with DurableFiles(tmp_path) as made:
        made.put(tmp_path / "next", [b"next"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "next"]


def test_two_restores_into_one_place_leave_one_another_alone(tmp_path: Path) -> None:
    with DurableFiles(tmp_path) as one:
        one.put(tmp_path / "one", [b"1"])
        with DurableFiles(tmp_path) as other:
            other.put(tmp_path / "two", [b"2"])
    assert files(tmp_path) == {"one": b"1", "two": b"2"}


@pytest.mark.parametrize("has_syncfs", [True, False])
def test_a_file_gets_its_name_after_it_is_on_the_disk(has_syncfs: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    replace = os.replace

    def note_sync(_descriptor: int) -> int:
        calls.append("sync")
        return 0

    def note_replace(source: Path, target: Path) -> None:
        calls.append("replace")
        replace(source, target)

    monkeypatch.setattr(durable_files, "_syncfs", note_sync if has_syncfs else None)
    monkeypatch.setattr(durable_files.os, "fsync", note_sync)
    monkeypatch.setattr(durable_files.os, "replace", note_replace)
    with DurableFiles(tmp_path) as made:
        made.put(tmp_path / "one", [b"1"])
        made.put(tmp_path / "two", [b"2"])
    syncs_before = 1 if has_syncfs else 3
    assert calls == ["sync"] * syncs_before + ["replace", "replace", "sync"]


def test_a_disk_that_does_not_take_it_is_an_error_that_names_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_descriptor: int) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable_files, "_syncfs", refuse)
    with pytest.raises(BackupError, match="No space left on device"), DurableFiles(tmp_path) as made:
        made.put(tmp_path / "one", [b"1"])
    assert list(tmp_path.iterdir()) == []
