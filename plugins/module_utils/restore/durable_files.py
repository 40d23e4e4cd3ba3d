# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many files written so that none is ever half there under its name, and all are on the disk when the last is done.

A file is written under a temporary name, and renamed when its bytes are on the disk. Waiting for the disk after every
single file costs more than everything else about small files, so it is done for some hundred at a time (syncfs).

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import platform
import re
import shutil
import tempfile
import typing as t
from pathlib import Path

from .._errors import BackupError, InputError

_FILES_AT_ONCE = 500
_BYTES_AT_ONCE = 64 << 20
_STAGING = ".restore-"
_FIX_WRITING = "Free space or correct the permissions, then run the task again."


def check_target(target: Path) -> None:
    """Refuse a target that cannot take files, before anything is read."""
    existing = next(folder for folder in (target, *target.parents) if os.path.exists(folder))
    if not existing.is_dir():
        raise InputError(f"{existing} is not a folder.", hint="Choose a folder to restore into.")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(f"The folder {existing} is not writable for this user.", hint="Choose another one, or change its owner.")


def make_folder(folder: Path) -> None:
    """The folder with those above it; what is made is for its owner alone. Raises OSError."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)


class DurableFiles:
    """Puts files below C(root), which is made with the first one. Leaving the context normally makes all of them durable.

    Leaving it with an error takes away what is not complete. What a killed process has left is taken away by the next.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._staging: Path | None = None
        self._lock = -1
        self._waiting: list[tuple[Path, Path]] = []
        self._waiting_bytes = 0
        self._number = 0

    def __enter__(self) -> DurableFiles:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            if kind is None and self._staging is not None:
                self._settle()
                with writing_of(self._root):
                    _sync(self._root, ())
        finally:
            if self._staging is not None:
                shutil.rmtree(self._staging, ignore_errors=True)
                os.close(self._lock)

    def make_folder(self, folder: Path) -> None:
        with writing_of(folder):
            make_folder(folder)

    def put(self, target: Path, content: t.Iterable[bytes], modified: float | None = None) -> int:
        """Have a file with this content, C(modified) then; how many bytes that are. What was there is replaced.

        Raises BackupError when the disk does not take it; what the content raises leaves no file.
        """
        with self.opened(target, modified) as stream:
            return sum(stream.write(chunk) for chunk in content)

    @contextlib.contextmanager
    def opened(self, target: Path, modified: float | None = None) -> t.Iterator[t.BinaryIO]:
        """As C(put), for whoever writes more than bytes in a row."""
        with writing_of(target):
            self._number += 1
            temporary = self._staged() / str(self._number)
            stream = _Stream(temporary, target)
        try:
            with stream:
                yield t.cast("t.BinaryIO", stream)
                size = stream.tell()
            if modified is not None:
                os.utime(temporary, (modified, modified))
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        self._waiting.append((temporary, target))
        self._waiting_bytes += size
        if len(self._waiting) >= _FILES_AT_ONCE or self._waiting_bytes >= _BYTES_AT_ONCE:
            self._settle()

    def _staged(self) -> Path:
        if self._staging is None:
            make_folder(self._root)
            _remove_abandoned(self._root)
            self._staging = Path(tempfile.mkdtemp(dir=self._root, prefix=_STAGING))
            self._lock = os.open(self._staging, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return self._staging

    def _settle(self) -> None:
        with writing_of(self._root):
            _sync(self._root, [temporary for temporary, _target in self._waiting])
        for temporary, target in self._waiting:
            with writing_of(target):
                make_folder(target.parent)
                os.replace(temporary, target)
        self._waiting, self._waiting_bytes = [], 0


class _Stream:
    """A file that tells what could not be written, so that errors of whoever gives the bytes stay what they are."""

    def __init__(self, temporary: Path, target: Path) -> None:
        self._target = target
        self._file = open(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "wb+")

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, *exception: object) -> None:
        with writing_of(self._target):
            self._file.close()

    def write(self, data: bytes) -> int:
        with writing_of(self._target):
            return self._file.write(data)

    def tell(self) -> int:
        return self._file.tell()

    def truncate(self, size: int) -> None:
        """Take back everything from there on."""
        with writing_of(self._target):
            self._file.seek(size)
            self._file.truncate()


@contextlib.contextmanager
def writing_of(target: Path) -> t.Iterator[None]:
    """Raises BackupError that names the target instead of OSError."""
    try:
        yield
    except OSError as error:
        raise BackupError(f"Writing {target} failed: {error.strerror}.", hint=_FIX_WRITING) from error


def _remove_abandoned(root: Path) -> None:
    """Staging folders that no process holds."""
    for folder in root.glob(f"{_STAGING}*"):
        with contextlib.suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)


def _sync(folder: Path, files: t.Iterable[Path]) -> None:
    """Have everything on the disk that was written to this file system. C(files) are those that it is about."""
    if _syncfs is None:
        for each in (*files, folder):
            _call_on(each, os.fsync)
        return
    if _call_on(folder, _syncfs) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _call_on(path: Path, function: t.Callable[[int], t.Any]) -> t.Any:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return function(descriptor)
    finally:
        os.close(descriptor)


def _find_syncfs() -> t.Callable[[int], int] | None:
    """Before Linux 5.8 syncfs did not tell of errors (its manual page)."""
    version = re.match(r"(\d+)\.(\d+)", platform.release())
    if platform.system() != "Linux" or version is None or (int(version[1]), int(version[2])) < (5, 8):
        return None
    return getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)


_syncfs = _find_syncfs()
