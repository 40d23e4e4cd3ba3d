# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run in a process of its own, to be killed: python -m ... '{"users": [...], ...}'. Checkpoints come early."""

from __future__ import annotations

import json
import sys
import types
import typing as t
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup import group_tree, mail_reader
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup

if t.TYPE_CHECKING:
    from tenant.harness import RunningTenant


def main(arguments: dict[str, t.Any]) -> None:
    mail_reader._OFFER_BYTES = 100_000
    group_tree._CHECKPOINT_BYTES = 300_000
    tenant = types.SimpleNamespace(**arguments["tenant"])
    backup = Backup(tenant=t.cast("RunningTenant", tenant), folder=Path(arguments["folder"]), users=tuple(arguments["users"]))
    print("started", flush=True)
    backup.run()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
