# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes large files past the memory in which the system keeps what was read and written.

Nobody reads a pack soon after it was written, and on a virtual machine filling that memory can cost five times as much as
all the rest of writing it. What other programs of the machine have in there stays.
"""

from __future__ import annotations

import errno
import fcntl
import os

_FROM = 1 << 20
_BLOCK = 4096
_DIRECT: int = getattr(os, "O_DIRECT", 0)


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write everything to a file that was just opened. It is durable after a sync. Raises OSError."""
    view = memoryview(data)
    is_direct = len(view) >= _FROM and _set_direct(descriptor, True)
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


def _set_direct(descriptor: int, is_direct: bool) -> bool:
    """Whether writes go past the memory from here on. Not every file system does that."""
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL) & ~_DIRECT
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | _DIRECT if is_direct else flags)
    except OSError:
        return False
    return is_direct
