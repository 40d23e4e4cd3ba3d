# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes down what a process does to a folder, and says what a power loss may leave of it.

Certain is only what was synced: the content of a file by a sync of the file, its name by a sync of its folder. Of the
rest any part may have reached the disk, in any order; a renaming happens wholly or not at all.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import os
import random
import threading
import typing as t

from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.disk_calls import OTHERS, Perform

Disk = dict[str, t.Union[bytes, None]]
"""Paths relative to the watched folder, parents first; None is a folder."""

_FEW = 3


@dataclasses.dataclass(eq=False, slots=True)
class Inode:
    """A file or, with ``is_folder``, a folder, apart from its names."""

    is_folder: bool = False


class Change(t.NamedTuple):
    """One step: names that folders gain or lose together, bytes that a file gains, or a sync of a file or folder."""

    names: tuple[tuple[str, Inode | None], ...] = ()
    written: bytes = b""
    synced: bool = False
    inode: Inode | None = None
    said: tuple[t.Any, ...] = ()


class DiskLog:
    """An observer for L(watched). What L(say) is told stands between the changes, in order."""

    def __init__(self, folder: str) -> None:
        self.changes: list[Change] = []
        self._folder = folder
        self._names: dict[str, Inode] = {"": Inode(is_folder=True)}
        self._open: dict[int, Inode] = {}
        self._mutex = threading.RLock()

    def say(self, *said: t.Any) -> None:
        self.changes.append(Change(said=said))

    def __call__(self, name: str, arguments: tuple[t.Any, ...], perform: Perform) -> t.Any:
        with self._mutex:
            result = perform()
            self._note(name, arguments, result)
            return result

    def _note(self, name: str, arguments: tuple[t.Any, ...], result: t.Any) -> None:
        if name in OTHERS:
            if any(self._inside(argument) is not None or argument in self._open for argument in arguments):
                raise AssertionError(f"the log of the disk does not understand {name}{arguments}")
        elif name in ("write", "fsync", "fdatasync", "close"):
            self._note_descriptor(name, arguments, result)
        elif name == "open":
            path, flags = arguments[:2]
            self._note_open(path, flags, result)
        else:
            self._note_names(name, [self._inside(path) for path in arguments[:2]])

    def _note_open(self, path: t.Any, flags: int, descriptor: int) -> None:
        inside = self._inside(path)
        if inside is None:
            return
        if flags & os.O_TRUNC:
            raise AssertionError("the log of the disk does not understand files that are overwritten")
        if inside not in self._names:
            self._change((inside, Inode()))
        self._open[descriptor] = self._names[inside]

    def _note_descriptor(self, name: str, arguments: tuple[t.Any, ...], result: t.Any) -> None:
        inode = self._open.get(arguments[0])
        if name == "close":
            self._open.pop(arguments[0], None)
        elif inode is None:
            if self._inside(os.readlink(f"/proc/self/fd/{arguments[0]}")) is not None:
                raise AssertionError("a file was opened behind the back of the log of the disk")
        elif name == "write":
            self.changes.append(Change(inode=inode, written=bytes(arguments[1][:result])))
        else:
            self.changes.append(Change(inode=inode, synced=True))

    def _note_names(self, name: str, paths: list[str | None]) -> None:
        first = paths[0]
        if first is None:
            return
        if name == "mkdir":
            self._change((first, Inode(is_folder=True)))
        elif name in ("unlink", "remove", "rmdir"):
            self._change((first, None))
        else:
            second = paths[1]
            if second is None:
                raise AssertionError("a file was moved out of the watched folder")
            self._change((second, self._names[first]), *([] if name == "link" else [(first, None)]))

    def _change(self, *names: tuple[str, Inode | None]) -> None:
        for path, inode in names:
            if inode is None:
                del self._names[path]
            else:
                self._names[path] = inode
        self.changes.append(Change(names=names))

    def _inside(self, path: t.Any) -> str | None:
        if not isinstance(path, str | os.PathLike):
            return None
        relative = os.path.relpath(path, self._folder)
        return None if relative.startswith("..") else relative.removeprefix(".")


class _Aftermath:
    """What is certain after some changes, and what is not."""

    def __init__(self, changes: t.Iterable[Change]) -> None:
        root = Inode(is_folder=True)
        self.certain: dict[str, Inode] = {"": root}
        self.pending: list[Change] = []
        self.content: dict[Inode, bytes] = collections.defaultdict(bytes)
        self.synced: dict[Inode, bytes] = collections.defaultdict(bytes)
        folders: dict[Inode, str] = {}
        for change in changes:
            if change.names:
                self.pending.append(change)
                folders.update((inode, path) for path, inode in change.names if inode is not None and inode.is_folder)
            elif change.inode is None:
                continue
            elif change.written:
                self.content[change.inode] += change.written
            elif change.inode.is_folder:
                self._sync_folder(folders.get(change.inode, ""))
            else:
                self.synced[change.inode] = self.content[change.inode]

    def _sync_folder(self, folder: str) -> None:
        kept = []
        for change in self.pending:
            if any(os.path.dirname(path) == folder for path, _inode in change.names):
                _apply(self.certain, change)
            else:
                kept.append(change)
        self.pending = kept

    def disk(self, happened: t.Collection[Change], written: t.Callable[[bytes, bytes], bytes]) -> Disk:
        """The disk if of what is uncertain only C(happened) has; C(written) chooses between the synced and the last content."""
        names = dict(self.certain)
        for change in self.pending:
            if change in happened:
                _apply(names, change)
        disk: Disk = {}
        for path in sorted(names):
            inode = names[path]
            if path and (os.path.dirname(path) == "" or disk.get(os.path.dirname(path), b"") is None):
                synced, last = self.synced[inode], self.content[inode]
                disk[path] = None if inode.is_folder else synced if synced == last else written(synced, last)
        return disk


def _apply(names: dict[str, Inode], change: Change) -> None:
    for path, inode in change.names:
        if inode is None:
            names.pop(path, None)
        else:
            names[path] = inode


def after_everything(changes: t.Iterable[Change]) -> Disk:
    """The disk when nothing is lost."""
    aftermath = _Aftermath(changes)
    return aftermath.disk(aftermath.pending, lambda _synced, last: last)


def possible_disks(changes: t.Iterable[Change], chance: random.Random) -> t.Iterator[Disk]:
    """What a power loss after these changes may leave: nothing uncertain, everything, and parts of it; all parts where they are few."""
    aftermath = _Aftermath(changes)
    pending = aftermath.pending
    yield aftermath.disk((), lambda synced, _last: synced)
    yield aftermath.disk(pending, lambda _synced, last: last)
    if len(pending) <= _FEW:
        parts = [part for size in range(len(pending) + 1) for part in itertools.combinations(pending, size)]
    else:
        parts = [tuple(change for change in pending if chance.random() < share) for share in (0.2, 0.5, 0.8, 0.95)]
    for part in parts:
        yield aftermath.disk(part, lambda synced, last: chance.choice((synced, last[: len(last) // 2], bytes(len(last)), last)))
