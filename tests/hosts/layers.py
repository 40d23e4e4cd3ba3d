# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A folder as it is, and above it, in memory, what is written into it: gone at the end, and the folder is as before."""

from __future__ import annotations

import contextlib
import subprocess
import typing as t
from pathlib import Path


@contextlib.contextmanager
def layers_above(lower: Path, memory: Path) -> t.Iterator[Path]:
    """Where both are seen as one. C(memory) is a folder that is made for what is written."""
    memory.mkdir()
    with contextlib.ExitStack() as stack:
        _mount(stack, memory, "-t", "tmpfs", "tmpfs")
        upper, work, merged = (memory / name for name in ("upper", "work", "root"))
        for layer in (upper, work, merged):
            layer.mkdir()
        _mount(stack, merged, "-t", "overlay", "overlay", "-o", f"lowerdir={lower},upperdir={upper},workdir={work}")
        yield merged


def _mount(stack: contextlib.ExitStack, place: Path, *what: str) -> None:
    subprocess.run(("mount", *what, str(place)), check=True)
    stack.callback(subprocess.run, ("umount", str(place)), check=True)
