# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a folder lies on a disk of this machine, or is a mount of something far away.

Facts: Linux, C(proc_pid_mountinfo(5)).
"""

from __future__ import annotations

import os
import typing as t

_MOUNTS = "/proc/self/mountinfo"
_LOCAL_TYPES = frozenset(("btrfs", "ext2", "ext3", "ext4", "f2fs", "tmpfs", "xfs", "zfs"))


def is_on_local_disk(folder: str) -> bool:
    """Whether the folder's file system is one of this machine's own; False where that cannot be told."""
    try:
        device = os.stat(folder).st_dev
        with open(_MOUNTS, encoding="utf-8", errors="surrogateescape") as mounts:
            return type_of_device(mounts, os.major(device), os.minor(device)) in _LOCAL_TYPES
    except OSError:
        return False


def type_of_device(mounts: t.Iterable[str], major: int, minor: int) -> str:
    """The type of the file system with that device number, from the lines of a mountinfo file; empty when there is none."""
    for line in mounts:
        fields, dash, rest = line.partition(" - ")
        if dash and fields.split()[2:3] == [f"{major}:{minor}"]:
            return rest.split(" ", 1)[0]
    return ""
