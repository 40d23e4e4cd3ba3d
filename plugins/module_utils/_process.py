# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What concerns a whole process: settings made once at its start, at its edge and not in a room, and what it may use.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
from pathlib import Path

_MEBIBYTE = 1 << 20
_SETTINGS = (
    (-8, 1),  # M_ARENA_MAX
    (-3, 8 * _MEBIBYTE),  # M_MMAP_THRESHOLD: larger blocks come from the system and go back to it
    (-1, 24 * _MEBIBYTE),  # M_TRIM_THRESHOLD: so much free memory is kept
)


def limit_memory_pools() -> None:
    """Have the C library keep one pool of freed memory instead of eight a core, each of which grows as large as one needs.

    A run with messages of all sizes peaks at 240 MiB so, at 380 MiB else, for the same CPU (C(make bench)). What the pool keeps
    need not be asked of the system for each blob of 4 MiB anew: a backup with large files takes a sixth less CPU time so
    (C(make bench-repository)). C libraries that know no such settings are left as they are. Call it before there is a second
    thread.
    """
    try:
        library = ctypes.CDLL(None)
        for parameter, value in _SETTINGS:
            library.mallopt(parameter, value)
    except (AttributeError, OSError, TypeError):
        return


def usable_cores(groups: Path = Path("/sys/fs/cgroup"), own_group: Path = Path("/proc/self/cgroup")) -> int:
    """The cores that this process may keep busy: those that it may run on, and no more than a container or a service is allowed.

    Linux, C(cgroup-v2.rst): C(cpu.max) is "MICROSECONDS PERIOD" or "max PERIOD", and that of every group above counts as well.
    """
    cores = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    with contextlib.suppress(OSError, StopIteration):
        group = groups / next(line[4:] for line in own_group.read_text(encoding="utf-8").splitlines() if line.startswith("0::/"))
        for folder in (group, *group.parents):
            with contextlib.suppress(OSError, ValueError):
                quota, period = (folder / "cpu.max").read_text(encoding="ascii").split()
                cores = min(cores, int(quota) / int(period))
    return max(1, math.ceil(cores))
