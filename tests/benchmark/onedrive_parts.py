# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is measured of OneDrive: first backups beside rclone, the share of the service's limit, many files, and one large file."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.drive_fetch import FILES_AT_ONCE
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limits import Budgets

from .engine_process import PASSPHRASE, TITLE
from .engine_runs import EngineRuns
from .job import Drives
from .onedrive_figures import BoundResult, BoundRun, CopyResult, LargeResult, ScaleResult
from .onedrive_rclone import Drive, Rclone, measured, program
from .processes import ProcessFailed, size_on_disk

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from .figures import EngineRun, Usage
    from .route import Route

_LIMIT_SECONDS = 3600.0
_SMALL = 2000
_LARGE_FILE, _CHANGE = "/Films/large.mp4", 1_000_000
UNITS = 1250
"""Resource units a minute that an application has in a tenant of up to 1,000 licences."""
_MARGIN = 62 / 60
"""Our minute is two seconds longer than the service's, because what counts is when a request arrives there."""
_LIFTED = {"units_per_minute": None, "units_per_day": None, "tenant_units": None}


class DriveBench:
    """Groups of users with drives in a tenant, and a folder for files and repositories."""

    def __init__(self, route: Route, folder: Path, workers: int | None, say: t.Callable[[str], None]) -> None:
        self._route = route
        self._folder = folder
        self._control = route.tenant.control
        self._runs = EngineRuns(route, folder, workers, _LIMIT_SECONDS)
        self._say = say
        self._ids: dict[str, str] = {}

    def copy(self, drives: int, files: int, size_limit: int, rounds: int) -> CopyResult:
        """The same files for both, read by the tenant from this machine's page cache."""
        self._control.limits(**_LIFTED)
        data = self._runs.empty("data")
        names = self._group(group := f"copy-{drives}", drives)
        for number, name in enumerate(names):
            self._write(data / name, files // drives, number, size_limit)
            self._control.load_files(_address(name), data / name)
        rclone = self._rclone(names)
        ours: list[EngineRun] = []
        theirs: list[Usage] = []

        def run_ours() -> None:
            repository = self._runs.new_repository("copy")
            ours.append(self._runs.run(group, repository, drives=Drives()))
            self._say(f"ours: {ours[-1].process.wall:.1f} s, {ours[-1].messages:,} files, {ours[-1].outcome}")
            self._compare_ours(repository, data, names)
            shutil.rmtree(repository)

        def run_rclone() -> None:
            target = self._runs.empty("target")
            if rclone is not None:
                theirs.append(rclone.copy(target, _transfers(drives)))
                self._say(f"rclone: {theirs[-1].wall:.1f} s")
                _compare(data, target)
            shutil.rmtree(target)

        for number in range(rounds):
            for step in (run_ours, run_rclone) if number % 2 == 0 else (run_rclone, run_ours):
                step()
        result = CopyResult(
            drives=drives,
            files=ours[-1].messages,
            size=size_on_disk(data),
            transfers=_transfers(drives),
            ours=ours,
            rclone=theirs,
            rclone_version=None if rclone is None else rclone.version,
        )
        shutil.rmtree(data)
        return result

    def bound(self, files: int, seconds: float) -> BoundResult:
        """Small files, so that nothing but the limit sets the speed."""
        names = self._group("bound", 1)
        self._control.generate_files(_address(names[0]), files, size=_SMALL, folders=max(1, files // 100))
        self._control.limits(units_per_minute=UNITS, units_window_seconds=seconds)
        engine = self._bound_run(
            lambda: (
                self._runs.run("bound", self._runs.new_repository("bound"), drives=Drives(units=UNITS, seconds=seconds * _MARGIN)).process
            )
        )
        other = None
        rclone = self._rclone(names)
        if rclone is not None:
            other = self._bound_run(lambda: rclone.copy(self._runs.empty("target"), _transfers(1)))
        self._control.limits(**_LIFTED)
        return BoundResult(files=files, units=UNITS, seconds=seconds, ours=engine, rclone=other)

    def scale(self, files: int, below: int) -> ScaleResult:
        """Files of one size; C(below) of them lie in folders below one folder, which is renamed and moved."""
        self._control.limits(**_LIFTED)
        small_files = max(1, files // 40)
        [small, large] = self._group("scale-small", 1) + self._group("scale", 1)
        self._control.generate_files(_address(small), small_files, size=_SMALL, folders=max(1, small_files // 12))
        self._control.generate_files(_address(large), files - below, size=_SMALL, folders=max(1, (files - below) // 12))
        self._control.generate_files(_address(large), below, path="/Archive/Projects", size=_SMALL, folders=max(1, below // 12), seed=2)
        small_run = self._runs.run("scale-small", self._runs.new_repository("scale-small"), drives=Drives())
        repository = self._runs.new_repository("scale")
        first = self._runs.run("scale", repository, drives=Drives())
        self._say(f"first run over {files:,} files: {first.wall:.0f} s, {first.outcome}")
        requests = []

        def again() -> EngineRun:
            run = self._runs.run("scale", repository, drives=Drives())
            requests.append(sum(entry["operation"].startswith("drive") for entry in self._control.requests()))
            return run

        unchanged = again()
        self._control.rename_item(_address(large), "/Archive/Projects", "Projects until 2026")
        renamed = again()
        self._control.make_folder(_address(large), "/Elsewhere/Deep")
        again()
        requests.pop()
        self._control.move_item(_address(large), "/Archive/Projects until 2026", "/Elsewhere/Deep")
        moved = again()
        self._demand_names(repository, large, f"{large}@contoso.com/onedrive/Elsewhere/Deep/Projects until 2026/", below)
        return ScaleResult(
            small_files=small_files,
            files=files,
            below=below,
            small=small_run,
            first=first,
            unchanged=unchanged,
            renamed=renamed,
            moved=moved,
            drive_requests=(requests[0], requests[1], requests[2]),
        )

    def large(self, size: int) -> LargeResult:
        """One file, of which a megabyte is overwritten between two runs, and which gets a further one before the third."""
        self._control.limits(**_LIFTED)
        [name] = self._group("large", 1)
        [other] = self._group("large-target", 1)
        self._control.put_file(_address(name), _LARGE_FILE, seed=11, size=size)
        repository = self._runs.new_repository("large")
        first = self._runs.run("large", repository, drives=Drives())
        self._say(f"first run: {first.process.wall:.0f} s, {first.outcome}")
        changes = []
        for number, removed in enumerate((_CHANGE, 0)):
            self._control.edit_file(_address(name), _LARGE_FILE, size // 2, random.Random(number).randbytes(_CHANGE), remove=removed)
            changes.append(self._runs.run("large", repository, drives=Drives()))
            self._say(f"a run after a change: {changes[-1].process.wall:.0f} s, {changes[-1].outcome}")
        command = [sys.executable, "-m", "benchmark.onedrive_restore", str(self._runs.question), _address(name), _address(other)]
        restored = measured(self._route, command, self._folder / "restore-answer.json")
        hashes = {self._control.file(_address(owner), _LARGE_FILE)["sha256"] for owner in (name, other)}
        rclone = self._rclone([name, other])
        if rclone is not None:
            rclone.check(f"{name}:", f"{other}:")
        return LargeResult(
            size=size,
            first=first,
            changed=changes[0],
            inserted=changes[1],
            changed_bytes=_CHANGE,
            restored=restored,
            is_identical=len(hashes) == 1,
            is_checked_by_rclone=rclone is not None,
        )

    def _group(self, group: str, drives: int) -> list[str]:
        """Users with empty drives; gives the parts of their addresses before the @."""
        self._control.add_group(group)
        names = [f"{group}-{number}" for number in range(1, drives + 1)]
        for name in names:
            self._control.add_user(_address(name))
            self._control.add_member(group, _address(name))
            self._ids[name] = self._control.create_drive(_address(name))
        return names

    def _rclone(self, names: Sequence[str]) -> Rclone | None:
        path = program()
        if path is None:
            return None
        # Debian's rclone sends its token to pre-authenticated addresses, too, which the service refuses from newer programs.
        self._control.settings(drive_refuses_token=False)
        drives = {name: Drive(self._ids[name], self._control.sign_in(_address(name))) for name in names}
        return Rclone(path, self._route, self._folder, drives)

    def _write(self, target: Path, files: int, seed: int, size_limit: int) -> None:
        target.mkdir(parents=True)
        command = [sys.executable, "-m", "benchmark.onedrive_data", str(target), str(files), str(seed), str(size_limit)]
        subprocess.run(command, check=True)

    def _bound_run(self, run: t.Callable[[], Usage]) -> BoundRun:
        self._control.reset_log()
        usage = run()
        refused = sum(entry["status"] == 429 for entry in self._control.requests())
        return BoundRun(units=sum(self._control.stats()["units"].values()), refused=refused, wall=usage.wall)

    def _compare_ours(self, repository: Path, data: Path, names: Sequence[str]) -> None:
        """What restic restores is what the drives have, file by file."""
        target = self._runs.empty("target")
        _restic(repository, "restore", "latest", "--target", str(target))
        for name in names:
            _compare(data / name, target / TITLE / _address(name) / "onedrive")
        shutil.rmtree(target)

    def _demand_names(self, repository: Path, name: str, prefix: str, count: int) -> None:
        listed = _restic(repository, "ls", "--recursive", "latest", f"/{TITLE}/{_address(name)}/onedrive").splitlines()
        found = sum(line.startswith(f"/{TITLE}/{prefix}") for line in listed)
        if found < count:
            raise ProcessFailed(f"restic shows {found:,} files and folders below {prefix}, and there should be {count:,} files")


def _transfers(drives: int) -> int:
    """How many files our run fetches at a time, of all drives."""
    return min(FILES_AT_ONCE * drives, Budgets().drives.concurrency)


def _address(name: str) -> str:
    return f"{name}@contoso.com"


def _compare(source: Path, restored: Path) -> None:
    command = ["diff", "--recursive", "--brief", "--exclude=.m365", str(source), str(restored)]
    difference = subprocess.run(command, check=False, capture_output=True, text=True)
    if difference.returncode:
        raise ProcessFailed(f"the files differ: {(difference.stdout + difference.stderr).strip()[:2000]}")


def _restic(repository: Path, *arguments: str) -> str:
    command = ["restic", "--quiet", "--cache-dir", str(repository.parent / "restic-cache"), "-r", str(repository), *arguments]
    environment = {**os.environ, "RESTIC_PASSWORD": PASSPHRASE}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise ProcessFailed(f"restic: {done.stderr.strip()[:2000]}")
    return done.stdout
