# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The OneDrive benchmark's bars on a small scale: C(make bench-onedrive) measures them with 200,000 files and a file of 2 GiB.

C(M365_TORTURE=50) tries fifty times as many files.
"""

from __future__ import annotations

import os
from pathlib import Path

from benchmark.onedrive_parts import DriveBench
from benchmark.onedrive_report import large_lines, misses, scale_lines
from benchmark.route import open_route

from ansible_collections.tenantvault.m365_backup.tests.integration.backups import needs_restic

SCALE = int(os.environ.get("M365_TORTURE", "1"))


@needs_restic
def test_many_files_take_no_more_memory_and_a_renamed_folder_fetches_and_writes_nothing_below_it(tmp_path: Path) -> None:
    with open_route() as route:
        result = DriveBench(route, tmp_path, workers=None, say=print).scale(1200 * SCALE, below=300 * SCALE)
    print("\n".join(scale_lines(result)))
    assert {run.outcome for run in (result.small, result.first, result.unchanged, result.renamed, result.moved)} == {"complete"}
    assert result.first.messages == 1200 * SCALE
    assert misses([result]) == []


@needs_restic
def test_a_large_file_comes_back_identical_and_a_small_change_of_it_stores_little(tmp_path: Path) -> None:
    with open_route() as route:
        result = DriveBench(route, tmp_path, workers=None, say=print).large(40 << 20)
    print("\n".join(large_lines(result)))
    assert misses([result]) == []
    assert result.first.written > 40 << 20
