# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes that tests need beside themselves."""

from __future__ import annotations

import os
import subprocess
import sys

SHOW_MARK = """
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.processes import process_mark
import os
print(os.getpid(), process_mark())
"""


def python_environment() -> dict[str, str]:
    """What another Python needs to find what this one finds."""
    return dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))


def dead_process() -> tuple[int, str]:
    """The number and the mark of a process that has ended."""
    shown = subprocess.run([sys.executable, "-c", SHOW_MARK], check=True, capture_output=True, text=True, env=python_environment()).stdout
    number, _blank, mark = shown.strip().partition(" ")
    return int(number), mark
