# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The other side of the comparison: Debian's restic binary over the same messages, as files on disk."""

from __future__ import annotations

import os
import shutil
import typing as t

from .figures import ResticRun
from .processes import cpu_of_machine, measure, size_on_disk

if t.TYPE_CHECKING:
    from pathlib import Path

_LIMIT_SECONDS = 300.0


def is_there() -> bool:
    return shutil.which("restic") is not None


def version() -> str:
    """Such as C(restic 0.14.0)."""
    with os.popen("restic version") as answer:
        return " ".join(answer.read().split()[:2])


def back_up(files: Path, repository: Path) -> ResticRun:
    """Into a new repository; creating it is not measured. Raises ProcessFailed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RESTIC_")}
    environment |= {"RESTIC_PASSWORD": "x" * 50, "RESTIC_REPOSITORY": str(repository)}
    measure(["restic", "--quiet", "--no-cache", "init"], cwd=files, environment=environment, timeout=_LIMIT_SECONDS)
    before, machine = size_on_disk(repository), cpu_of_machine()
    usage = measure(["restic", "--quiet", "--no-cache", "backup", "."], cwd=files, environment=environment, timeout=_LIMIT_SECONDS)
    return ResticRun(process=usage, others_cpu=max(0.0, cpu_of_machine() - machine - usage.cpu), written=size_on_disk(repository) - before)
