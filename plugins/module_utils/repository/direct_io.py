# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes and reads large parts of files past the memory in which the system keeps what was read and written.

Nobody reads a pack soon after it was written, or twice, and on a virtual machine filling that memory can cost five times as
much as all the rest of writing or reading it. What other programs of the machine have in there stays, and a verification
sees the disk, not what the system remembers of it.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os

_WRITES_FROM = 1 << 20
#: Smaller parts are directories and single messages, which may be asked for again.
_READS_FROM = 128 << 10
_BLOCK = 4096
_AT_ONCE = (8 << 20) + _BLOCK
_KEPT = 4
_DIRECT: int = getattr(os, "O_DIRECT", 0)

#: Pages that no read is using: asking the system for new ones costs more than filling them.
_pages: list[mmap.mmap] = []


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write everything to a file that was just opened. It is durable after a sync. Raises OSError."""
    view = memoryview(data)
    is_direct = len(view) >= _WRITES_FROM and _set_direct(descriptor, True)
    while view:
        count = len(view) - len(view) % _BLOCK if is_direct else len(view)
        try:
            written = os.write(descriptor, view[:count]) if count else 0
        except OSError as error:
            # Some file systems take the flag and refuse the write.
            if not is_direct or error.errno != errno.EINVAL:
                raise
            written = 0
        if (is_direct and written != count) or not count:
            is_direct = _set_direct(descriptor, False)
        view = view[written:]


def read_range(descriptor: int, offset: int, length: int, *, is_pack: bool) -> bytes:
    """At most ``length`` bytes from ``offset``; fewer where it ends. Files that are no packs are small, and read often. Raises OSError."""
    if is_pack and length >= _READS_FROM and _set_direct(descriptor, True):
        try:
            return _read_direct(descriptor, offset, length)
        except OSError as error:
            # Some file systems take the flag and refuse the read.
            if error.errno != errno.EINVAL:
                raise
            _set_direct(descriptor, False)
    parts = []
    while length and (part := os.pread(descriptor, length, offset)):
        parts.append(part)
        offset, length = offset + len(part), length - len(part)
    return b"".join(parts)


def _read_direct(descriptor: int, offset: int, length: int) -> bytes:
    """Whole blocks into whole pages, of which the wanted part is copied."""
    try:
        pages = _pages.pop()
    except IndexError:
        pages = mmap.mmap(-1, _AT_ONCE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    parts = []
    with memoryview(pages) as view:
        while length:
            before = offset % _BLOCK
            wanted = min(before + length + -(before + length) % _BLOCK, _AT_ONCE)
            found = os.preadv(descriptor, [view[:wanted]], offset - before)
            if found <= before:
                break
            parts.append(bytes(view[before : min(found, before + length)]))
            offset, length = offset + len(parts[-1]), length - len(parts[-1])
    if len(_pages) < _KEPT:
        _pages.append(pages)
    return b"".join(parts)


def _set_direct(descriptor: int, is_direct: bool) -> bool:
    """Whether what follows goes past the memory. Not every file system does that."""
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL) & ~_DIRECT
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | _DIRECT if is_direct else flags)
    except OSError:
        return False
    return is_direct
