# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Playbooks of the collection that really run on a machine, and what came of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.tests.hosts.machines import Machine

_RECAP = re.compile(r"^machine +: ok=(\d+) +changed=(\d+) +unreachable=(\d+) +failed=(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """C(changed) tasks, whether all went well, and everything that was printed."""

    changed: int
    is_good: bool
    output: str


def play(playbook: str, machine: Machine, folder: Path, *arguments: str, **variables: t.Any) -> Outcome:
    """Run a playbook of the collection on a machine; C(folder) is for the inventory."""
    inventory = folder / "inventory.json"
    inventory.write_text(json.dumps({"all": {"hosts": {"machine": machine.variables}}}))
    command = (
        *("ansible-playbook", "-i", str(inventory), f"tenantvault.m365_backup.{playbook}", "--diff", *arguments),
        *("-e", json.dumps({"m365_backup_hosts": "machine", **variables})),
    )
    environment = os.environ | {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_PIPELINING": "1", "ANSIBLE_HOME": str(folder / "ansible")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    output = done.stdout + done.stderr
    recap = _RECAP.search(output)
    if recap is None:
        raise RuntimeError(output)
    return Outcome(changed=int(recap.group(2)), is_good=done.returncode == 0, output=output)
