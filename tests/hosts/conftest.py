# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machines need root and some programs. Without them these tests are skipped, with the reason, and in CI they fail."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.tests.hosts.machines import missing, root_folder

MACHINES = Path(__file__).resolve().parents[2] / ".build" / "machines"


@pytest.fixture(scope="session")
def machine_root() -> Path:
    """The root file system of machines."""
    reason = missing()
    if reason and os.environ.get("CI"):
        pytest.fail(f"There have to be machines in CI: {reason}")
    if reason:
        pytest.skip(reason)
    return root_folder(MACHINES)
