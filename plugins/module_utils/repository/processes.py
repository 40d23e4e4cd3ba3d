# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells whether the process that wrote something is gone, and says so only when it is certain.

A process number alone proves nothing: it may be in use again, or be looked for from another container, whose host name
may well be the same. So a process leaves a mark: the boot of the machine, the name space of process numbers, and when
the process started. Facts: proc(5), pid_namespaces(7).
"""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")
_DEAD_STATES = "ZXx"


def process_mark() -> str:
    """The mark of this process: words apart by blanks, empty where the system has none."""
    place, started = _place(), _state_and_start(os.getpid())[1]
    return f"{place} {started}" if place and started else ""


def is_certainly_dead(pid: int, mark: str) -> bool:
    """Whether the process that left the mark is gone. False also when that cannot be seen from here."""
    place, _blank, started = mark.rpartition(" ")
    if not place or place != _place():
        return False
    if not _exists(pid):
        return True
    state, start = _state_and_start(pid)
    return bool(start) and (start != started or state in _DEAD_STATES)


def _place() -> str:
    """Where process numbers mean the same: one boot of a machine, and a name space in it."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {(_PROC / 'self/ns/pid').stat().st_ino}"
    except OSError:
        return ""


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return pid > 0


def _state_and_start(pid: int) -> tuple[str, str]:
    """Its state, and when it started in ticks since the boot; empty when they cannot be read."""
    try:
        content = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "", ""
    # The name of the program comes second and may hold blanks and parentheses.
    fields = content.rpartition(")")[2].split()
    return (fields[0], fields[19]) if len(fields) > 19 else ("", "")
