# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal of a booted machine takes our entries, and finds them by their fields."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.journal import TASK_MESSAGE_ID
from ansible_collections.tenantvault.m365_backup.tests.hosts.copies import booted_copy, missing
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import collections_path

ROOT = Path(__file__).resolve().parents[2]
SEND = f"""
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.journal import send_entry
send_entry("Verify of plan sales ended damaged:\\ntwo lines", {TASK_MESSAGE_ID!r}, "damaged", {{"M365_PLAN": "sales", "M365_FINDINGS": 3}})
send_entry("Prune of plan board ended complete.", {TASK_MESSAGE_ID!r}, "complete", {{"M365_PLAN": "board"}})
"""


def test_journald_keeps_the_fields_of_our_entries(tmp_path: Path) -> None:
    reason = missing()
    if reason and os.environ.get("CI"):
        pytest.fail(f"There have to be machines in CI: {reason}")
    if reason:
        pytest.skip(reason)
    shown = (Path(sys.prefix), Path(sys.base_prefix), collections_path(), ROOT)
    with booted_copy(tmp_path, shown=[path.resolve() for path in shown]) as copy:
        (copy.root / "opt" / "send.py").write_text(SEND)
        copy.run(f"{sys.executable} /opt/send.py", environment={"PYTHONPATH": str(collections_path())})
        copy.run("journalctl --sync")
        found = copy.run("journalctl -t m365-backup M365_PLAN=sales -p err -o json --no-pager").stdout
    (entry,) = [json.loads(line) for line in found.splitlines()]
    assert (entry["MESSAGE"], entry["M365_FINDINGS"], entry["MESSAGE_ID"], entry["PRIORITY"]) == (
        "Verify of plan sales ended damaged:\ntwo lines",
        "3",
        TASK_MESSAGE_ID,
        "3",
    )
