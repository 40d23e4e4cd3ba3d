# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a task is, while it works: counted by whoever does the work, and told once a second in a small file.

The file names the plan and holds numbers, nothing of the tenant. It is there while the task works, and goes with it.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import secrets
import threading
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

#: Somebody who looks at the file may look as often. More would cost the backup host more than it tells.
TOLD_EVERY_SECONDS = 1.0
_LARGEST_FILE = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a task is. C(phase) says what it is doing, in words that follow "is". Totals are None where nobody knows them.

    C(unit) is what C(done) counts, in the plural. C(elapsed) is in seconds since the task began, C(throttled_seconds) how long it
    had to wait because Microsoft 365 asked it to.
    """

    task: str
    plan: str
    phase: str = ""
    members_done: int = 0
    members_total: int | None = None
    unit: str = "items"
    done: int = 0
    total: int | None = None
    bytes_done: int = 0
    bytes_total: int | None = None
    throttled_seconds: float = 0.0
    elapsed: float = 0.0

    def as_json(self) -> str:
        """One line, which L(progress_of) reads."""
        return json.dumps(dataclasses.asdict(self))


_TYPES: dict[str, tuple[type, ...]] = {
    "task": (str,),
    "plan": (str,),
    "phase": (str,),
    "unit": (str,),
    "members_done": (int,),
    "members_total": (int, type(None)),
    "done": (int,),
    "total": (int, type(None)),
    "bytes_done": (int,),
    "bytes_total": (int, type(None)),
    "throttled_seconds": (int, float),
    "elapsed": (int, float),
}


def progress_of(text: str) -> Progress | None:
    """What a progress file says; None for anything else, as it comes from another machine."""
    if len(text) > _LARGEST_FILE:
        return None
    try:
        said = json.loads(text)
    except ValueError:
        return None
    if not isinstance(said, dict) or said.keys() != _TYPES.keys():
        return None
    if any(value.__class__ not in _TYPES[name] for name, value in said.items()):
        return None
    return Progress(**said)


class Meter:
    """Counts what is done. Thread-safe, and cheap: nothing is written where something is counted.

    ``telling`` has it told while the block lasts. L(pull) is for what somebody else counts, such as seconds of waiting, or items in
    other processes.
    """

    def __init__(self, task: str, plan: str, *, clock: t.Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._progress = Progress(task=task, plan=plan)
        self._sources: list[t.Callable[[], Counted]] = []
        self._lock = threading.Lock()

    def phase(
        self,
        phase: str,
        *,
        members_total: int | None = None,
        unit: str = "items",
        total: int | None = None,
        bytes_total: int | None = None,
    ) -> None:
        """Something else begins, of which nothing is done yet."""
        with self._lock:
            self._progress = dataclasses.replace(
                self._progress,
                phase=phase,
                members_done=0,
                members_total=members_total,
                unit=unit,
                done=0,
                total=total,
                bytes_done=0,
                bytes_total=bytes_total,
            )

    def add(self, done: int = 0, size: int = 0) -> None:
        """So many more are done, with so many bytes."""
        with self._lock:
            now = self._progress
            self._progress = dataclasses.replace(now, done=now.done + done, bytes_done=now.bytes_done + size)

    def member_done(self) -> None:
        with self._lock:
            self._progress = dataclasses.replace(self._progress, members_done=self._progress.members_done + 1)

    @contextlib.contextmanager
    def pull(self, counted: t.Callable[[], Counted]) -> t.Iterator[None]:
        """Inside the block C(counted) is asked for what is to be added; afterwards its last answer stays."""
        with self._lock:
            self._sources.append(counted)
        try:
            yield
        finally:
            last = counted()
            with self._lock:
                self._sources.remove(counted)
                self._progress = _with(self._progress, last)

    def progress(self) -> Progress:
        """How far it is now."""
        with self._lock:
            progress, sources = self._progress, tuple(self._sources)
        for source in sources:
            progress = _with(progress, source())
        return dataclasses.replace(progress, elapsed=round(self._clock() - self._began, 1))

    @contextlib.contextmanager
    def telling(self, path: Path | None, *, every: float = TOLD_EVERY_SECONDS) -> t.Iterator[Meter]:
        """Keep the file up to date inside the block, and remove it afterwards. None tells nobody.

        A file that cannot be written is not worth a backup: then nobody is told.
        """
        if path is None:
            yield self
            return
        is_over = threading.Event()
        teller = threading.Thread(target=self._tell, args=(path, every, is_over), name="progress", daemon=True)
        teller.start()
        try:
            yield self
        finally:
            is_over.set()
            teller.join()
            with contextlib.suppress(OSError):
                path.unlink()

    def _tell(self, path: Path, every: float, is_over: threading.Event) -> None:
        told: Progress | None = None
        with contextlib.suppress(OSError):
            while not is_over.wait(every):
                progress = self.progress()
                if told is None or dataclasses.replace(progress, elapsed=told.elapsed) != told:
                    _replace_file(path, progress.as_json())
                    told = progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What somebody else has counted so far."""

    done: int = 0
    size: int = 0
    throttled_seconds: float = 0.0


def silent_meter() -> Meter:
    """For whoever tells nobody."""
    return Meter("", "")


def _with(progress: Progress, more: Counted) -> Progress:
    return dataclasses.replace(
        progress,
        done=progress.done + more.done,
        bytes_done=progress.bytes_done + more.size,
        throttled_seconds=round(progress.throttled_seconds + more.throttled_seconds, 1),
    )


def _replace_file(path: Path, text: str) -> None:
    """Readers see the old file or the new one. The folder may be one that everybody writes to, so nothing that is there is opened."""
    new = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        new.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        raise
