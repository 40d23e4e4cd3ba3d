# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Watches the system calls by which this process changes the disk: to write them down, or to die at one of them."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
import typing as t

# What is not understood is watched too, so that an observer can refuse it instead of overlooking it.
UNDERSTOOD = ("open", "write", "close", "fsync", "fdatasync", "replace", "rename", "link", "unlink", "remove", "mkdir", "rmdir")
OTHERS = ("writev", "pwrite", "pwritev", "truncate", "ftruncate", "symlink", "sendfile", "copy_file_range", "posix_fallocate", "sync")

Perform = t.Callable[[], t.Any]
Observer = t.Callable[[str, tuple[t.Any, ...], Perform], t.Any]


@contextlib.contextmanager
def watched(observer: Observer) -> t.Iterator[None]:
    """While this lasts, C(observer(name, arguments, perform)) stands for every such call of this process, in any thread."""
    genuine = {name: getattr(os, name) for name in (*UNDERSTOOD, *OTHERS) if hasattr(os, name)}
    try:
        for name, call in genuine.items():
            setattr(os, name, _observed(observer, name, call))
        yield
    finally:
        for name, call in genuine.items():
            setattr(os, name, call)


def _observed(observer: Observer, name: str, call: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    def stand_in(*arguments: t.Any, **options: t.Any) -> t.Any:
        return observer(name, arguments, lambda: call(*arguments, **options))

    return stand_in


def creates(name: str, arguments: tuple[t.Any, ...]) -> bool:
    """Whether an C(open) makes a file."""
    return name == "open" and bool(arguments[1] & os.O_CREAT)


class Executioner:
    """Counts the calls that change something, and kills its own process at one: C(before) it, C(amid) a write, C(after) it."""

    def __init__(self, at: int | None, moment: str) -> None:
        self.calls = 0
        self._at = at
        self._moment = moment
        self._mutex = threading.Lock()

    def __call__(self, name: str, arguments: tuple[t.Any, ...], perform: Perform) -> t.Any:
        if name == "close" or (name == "open" and not creates(name, arguments)):
            return perform()
        with self._mutex:
            self.calls += 1
            is_last = self.calls == self._at
        if is_last and self._moment == "before":
            die()
        if is_last and self._moment == "amid" and name == "write":
            descriptor, data = arguments
            with open(os.dup(descriptor), "wb", buffering=0) as file:
                file.write(data[: len(data) // 2])
            die()
        result = perform()
        if is_last:
            die()
        return result


def die() -> t.NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    while True:
        time.sleep(1)
