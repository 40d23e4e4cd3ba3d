# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What processes use, read from the kernel (Linux)."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
import typing as t
from pathlib import Path

from .figures import Usage

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TICKS = os.sysconf("SC_CLK_TCK")
_SAMPLE_SECONDS = 0.02


class ProcessFailed(Exception):
    """A process that is measured ended with an error, or did not end in time."""


def cpu_of(pid: int) -> float:
    """CPU seconds of all threads of a running process, user and system, without its children."""
    after_name = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / _TICKS


def cpu_of_machine() -> float:
    """CPU seconds that were used on this machine since it started."""
    user, nice, system, _idle, _wait, irq, softirq, *_unused = map(
        int, Path("/proc/stat").read_text(encoding="ascii").split("\n")[0].split()[1:]
    )
    return (user + nice + system + irq + softirq) / _TICKS


def peak_of(pid: int | str) -> int:
    """The largest resident size so far, in bytes; 0 when the process has ended.

    C(ru_maxrss) would not do: across fork and exec it keeps the parent's size.
    """
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def measure(command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], timeout: float) -> Usage:
    """Run a command to its end and see what it used. Raises ProcessFailed with what it said."""
    started = time.monotonic()
    peak = 0
    with subprocess.Popen(
        command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        while True:
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            peak = max(peak, peak_of(process.pid))
            if time.monotonic() - started > timeout:
                process.kill()
            time.sleep(_SAMPLE_SECONDS)
        process.returncode = os.waitstatus_to_exitcode(status)
        output = process.stdout.read().decode(errors="replace") if process.stdout else ""
    if process.returncode:
        raise ProcessFailed(f"{command[0]} ended with status {process.returncode}: {output.strip()[-2000:]}")
    return Usage(wall=time.monotonic() - started, cpu=used.ru_utime + used.ru_stime, peak=peak)


def size_on_disk(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
