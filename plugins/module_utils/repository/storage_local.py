# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps the files in a folder, laid out as restic does it.

Every write is a new file that is synced, renamed, and whose folder is synced: after a power loss a file is absent or
complete. Facts: restic's C(doc/design.rst), "Repository Layout".
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import typing as t

from .direct_io import read_range, write_all
from .errors import ObjectExists, ObjectMissing, StorageError
from .mounts import is_on_local_disk
from .storage import QUARANTINE, FileKind, StoredFile

_NAME = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LEFTOVER = re.compile(r"(?:[0-9a-f]{64}|config)-tmp-[0-9a-f]+", re.ASCII)
_FOLDER_MODE = 0o700
_FILE_MODE = 0o600
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)
_NOT_SYNCABLE = (errno.EINVAL, errno.ENOTSUP)

_HINTS = {
    errno.ENOSPC: (
        "the disk is full",
        "Free space there or move the repository to a larger disk; nothing that was stored before is affected.",
    ),
    errno.EDQUOT: ("the disk quota is used up", "Raise the quota; nothing that was stored before is affected."),
    errno.EROFS: ("the file system is read-only", "Mount it writable; after a disk error, check the disk first."),
    errno.EACCES: ("permission is denied", "Run as the user that owns the repository, or correct the permissions of the folder."),
    errno.EPERM: ("permission is denied", "Run as the user that owns the repository, or correct the permissions of the folder."),
    errno.ENOENT: ("it does not exist", "Check the path, and whether the disk is mounted."),
    errno.ENOTDIR: ("a part of the path is no folder", "Check the path of the repository."),
    errno.EIO: ("the disk reports an error", "Check the disk and the kernel log."),
    errno.ESTALE: ("the network file system has gone away", "Mount it again."),
}
_OTHER_HINT = "Check the disk and the permissions."
_LOST_FOLDER_HINT = "Check whether the disk is mounted, and restore the folder from a copy; make an empty one only if it never held a file."


class LocalStorage:
    """A folder on this machine: files 0600, folders 0700."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._root = os.path.abspath(path)
        self._indispensable = {os.path.join(self._root, kind.value) for kind in FileKind if kind is not FileKind.LOCK}

    @property
    def location(self) -> str:
        return self._root

    @property
    def lists_at_once(self) -> bool:
        return is_on_local_disk(self._root)

    def prepare(self) -> None:
        with self._explained("create the repository folder", self._root):
            for folder in (self._root, *(os.path.join(self._root, kind.value) for kind in FileKind if kind is not FileKind.CONFIG)):
                _make_folders(folder)
            packs = os.path.join(self._root, FileKind.DATA.value)
            for number in range(256):
                _make_folder(os.path.join(packs, f"{number:02x}"))
            _sync_folder(packs)

    def put(self, kind: FileKind, name: str, data: bytes | memoryview) -> None:
        path = self._path(kind, name)
        temporary = f"{path}-tmp-{secrets.token_hex(8)}"
        with self._explained("write", path):
            try:
                _write_synced(temporary, data)
            except FileNotFoundError:
                self._make_subfolder(os.path.dirname(path))
                _write_synced(temporary, data)
            try:
                if kind is FileKind.CONFIG:
                    self._publish_config(temporary, path)
                else:
                    os.replace(temporary, path)
            except OSError:
                _remove_quietly(temporary)
                raise
            _sync_folder(os.path.dirname(path))

    def get(self, kind: FileKind, name: str) -> bytes:
        path = self._path(kind, name)
        with self._explained("read", path), open(path, "rb") as file:
            return file.read()

    def get_range(self, kind: FileKind, name: str, offset: int, length: int) -> bytes:
        path = self._path(kind, name)
        with self._explained("read", path):
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                return read_range(descriptor, offset, length, is_pack=kind is FileKind.DATA)
            finally:
                os.close(descriptor)

    def list(self, kind: FileKind) -> t.Iterator[StoredFile]:
        if kind is FileKind.CONFIG:
            config = self.stat(kind, FileKind.CONFIG.value)
            yield from () if config is None else (config,)
            return
        for folder in self._folders(kind):
            for entry in self._scan(folder):
                belongs = kind is not FileKind.DATA or entry.name[:2] == os.path.basename(folder)
                if belongs and _NAME.fullmatch(entry.name) and (size := self._size(entry)) is not None:
                    yield StoredFile(entry.name, size)

    def delete(self, kind: FileKind, name: str) -> None:
        path = self._path(kind, name)
        with self._explained("delete", path):
            os.unlink(path)
            _sync_folder(os.path.dirname(path))

    def stat(self, kind: FileKind, name: str) -> StoredFile | None:
        path = self._path(kind, name)
        with self._explained("look at", path):
            try:
                return StoredFile(name, os.stat(path).st_size)
            except FileNotFoundError:
                return None

    def quarantine(self, kind: FileKind, name: str) -> str:
        path = self._path(kind, name)
        folder = os.path.join(self._root, QUARANTINE, kind.value)
        with self._explained("quarantine", path):
            self._make_subfolder(folder)
            target = _free_path(os.path.join(folder, name))
            os.rename(path, target)
            _sync_folder(folder)
            _sync_folder(os.path.dirname(path))
        return target

    def remove_leftovers(self) -> int:
        removed = 0
        for folder in (self._root, *(folder for kind in FileKind if kind is not FileKind.CONFIG for folder in self._folders(kind))):
            leftovers = [entry.path for entry in self._scan(folder) if _LEFTOVER.fullmatch(entry.name)]
            for path in leftovers:
                with self._explained("delete", path):
                    os.unlink(path)
            if leftovers:
                removed += len(leftovers)
                with self._explained("sync", folder):
                    _sync_folder(folder)
        return removed

    def _publish_config(self, temporary: str, path: str) -> None:
        """A link, unlike a renaming, replaces nothing. File systems without links get the renaming."""
        try:
            os.link(temporary, path)
        except FileExistsError as error:
            _remove_quietly(temporary)
            raise ObjectExists(f"There is a config in {self._root} already.", hint="Use that repository, or another folder.") from error
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            os.replace(temporary, path)
        _remove_quietly(temporary)

    def _path(self, kind: FileKind, name: str) -> str:
        if kind is FileKind.CONFIG:
            return os.path.join(self._root, FileKind.CONFIG.value)
        if not _NAME.fullmatch(name):
            raise ObjectMissing(f"No file of a repository is named {name!r}.", hint="Ids have 64 characters, 0 to 9 and a to f.")
        if kind is FileKind.DATA:
            return os.path.join(self._root, kind.value, name[:2], name)
        return os.path.join(self._root, kind.value, name)

    def _folders(self, kind: FileKind) -> t.Iterator[str]:
        top = os.path.join(self._root, kind.value)
        if kind is not FileKind.DATA:
            yield top
            return
        for entry in self._scan(top):
            if len(entry.name) == 2 and entry.is_dir(follow_symlinks=False):
                yield entry.path

    def _scan(self, folder: str) -> t.Sequence[os.DirEntry[str]]:
        with self._explained("list", folder):
            try:
                with os.scandir(folder) as entries:
                    return tuple(entries)
            except FileNotFoundError:
                self._refuse_lost_root()
                if folder in self._indispensable:
                    raise StorageError(f"The folder {folder} is missing.", hint=_LOST_FOLDER_HINT) from None
                return ()

    def _size(self, entry: os.DirEntry[str]) -> int | None:
        """The size of a file; None for what is no file, or no longer there."""
        with self._explained("look at", entry.path):
            try:
                return entry.stat(follow_symlinks=False).st_size if entry.is_file(follow_symlinks=False) else None
            except FileNotFoundError:
                return None

    def _make_subfolder(self, folder: str) -> None:
        """A missing folder below the root is made. A missing root is an unmounted disk, and is not."""
        self._refuse_lost_root()
        _make_folders(folder)

    def _refuse_lost_root(self) -> None:
        if not os.path.isdir(self._root):
            raise StorageError(f"The repository folder {self._root} is gone.", hint="Check whether its disk is mounted.")

    @contextlib.contextmanager
    def _explained(self, action: str, path: str) -> t.Iterator[None]:
        try:
            yield
        except OSError as error:
            reason, hint = _HINTS.get(error.errno or 0, (os.strerror(error.errno) if error.errno else "the system refused", _OTHER_HINT))
            kind = ObjectMissing if isinstance(error, FileNotFoundError) else StorageError
            raise kind(f"Could not {action} {path}: {reason}.", hint=hint, facts={"errno": error.errno}) from error


def _write_synced(path: str, data: bytes | memoryview) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE)
    try:
        try:
            write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError:
        _remove_quietly(path)
        raise


def _free_path(path: str) -> str:
    """The path, or the first with a number behind it where nothing lies yet."""
    free, number = path, 2
    while os.path.lexists(free):
        free, number = f"{path}.{number}", number + 1
    return free


def _make_folders(folder: str) -> None:
    """Make a folder and its missing parents, each durable before the next. One that is there may have been made this moment."""
    parent = os.path.dirname(folder)
    if not os.path.isdir(parent):
        _make_folders(parent)
    is_new = _make_folder(folder)
    try:
        _sync_folder(parent)
    except PermissionError:
        if is_new:
            raise


def _make_folder(folder: str) -> bool:
    """Whether it is new."""
    try:
        os.mkdir(folder, _FOLDER_MODE)
    except FileExistsError:
        if os.path.isdir(folder):
            return False
        raise
    return True


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_SYNCABLE:
            raise
    finally:
        os.close(descriptor)


def _remove_quietly(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
