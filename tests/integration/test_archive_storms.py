# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives under many faults at once: a run ends right or says what is missing, and a calm one makes it complete."""

from __future__ import annotations

import random
import typing as t

import pytest
from integration.archives import Archive

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_state import load_state
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import TreeId
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.support import writing
from tenant.harness import RunningTenant

READS = ["exchange_folders_list", "exchange_folder_children", "exchange_items_list", "export_items"]
FAULTS: tuple[dict[str, t.Any], ...] = (
    {"name": "throttled", "retry_after": 1.5},
    {"name": "throttled", "retry_after": None},
    {"name": "mailbox_stale"},
    {"name": "gateway_timeout"},
    {"name": "reset"},
    {"name": "truncated_json"},
    {"name": "cut_body"},
    {"name": "token_expired"},
    {"name": "status", "body": "empty"},
    {"name": "status", "status": 404, "code": "ErrorItemNotFound", "match": {"operation": "exchange_items_list"}},
    {"name": "status", "status": 400, "code": "ErrorInvalidRequest", "match": {"operation": "export_items"}},
    {"name": "export_item_missing", "over": 1},
    {"name": "export_item_missing", "count": "all"},
    {"name": "export_item_error"},
    {"name": "export_item_error", "spelling": "Error", "code": "ErrorItemNotFound"},
    {"name": "export_damaged", "how": "truncated"},
    {"name": "export_damaged", "how": "not_base64"},
    {"name": "redirected", "match": {"operation": "exchange_items_list"}},
    {"name": "redirected", "host": "evil.example", "match": {"operation": "exchange_items_list"}},
)


@pytest.mark.parametrize("seed", range(6))
def test_inv04_a_storm_loses_nothing(tenant: RunningTenant, client: GraphClient, user: UserId, seed: int) -> None:
    dice = random.Random(seed)
    with writing() as writer:
        archive = Archive(tenant, client, user, writer)
        archive.create(30, auxiliaries=1)
        for number in range(3):
            tenant.control.create_folder(archive.mailbox, f"folder {number}", parent=["Old mail"])
            tenant.control.deliver_generated(
                archive.mailbox, 7, folder=["Old mail", f"folder {number}"], first=100 * (number + 1), size_limit=3000
            )
        base: TreeId | None = None
        for round_number in range(3):
            faults = dice.sample(FAULTS, 10)
            for fault in faults:
                spec = {"mailbox": archive.mailbox, "times": dice.randrange(1, 6), "probability": 0.3, **fault}
                general = {} if fault["name"].startswith("export_") else {"match": {"operation": READS}}
                tenant.control.arm({**general, **spec})
            # Where the service says that something is gone, that is no finding, and a later run finds it again.
            base = stormy(archive, base, may_be_silent=any(fault.get("code") == "ErrorItemNotFound" for fault in faults))
            tenant.control.disarm()
            change(archive, dice, round_number)
        calm = archive.read(base)
        again = archive.read(calm.tree)
        archive.check(again.tree)
        assert (calm.findings, again.findings) == ((), ())
        assert archive.read(again.tree).tree == again.tree


def stormy(archive: Archive, base: TreeId | None, *, may_be_silent: bool) -> TreeId | None:
    """A run among faults. What it leaves accounts for every item: stored, or to be tried again, or there is a finding."""
    try:
        read = archive.read(base)
    except BackupError:
        return archive.offers[-1] if archive.offers else base
    if read.tree is None or read.availability != "backed_up":
        assert read.findings
        return read.tree
    state = load_state(archive.writer, read.tree)
    missing = {item["id"] for item in archive.tenant.control.exchange_items(archive.mailbox)}
    missing -= {record["id"] for record in archive.live(read.tree)} | state.retries.keys()
    assert not missing or read.findings or may_be_silent
    return read.tree


def change(archive: Archive, dice: random.Random, number: int) -> None:
    """What happens in an archive between two runs."""
    control = archive.tenant.control
    items = control.exchange_items(archive.mailbox, ["Old mail"])
    for item in dice.sample(items, 4):
        done = dice.choice(["delete", "update", "move"])
        if done == "delete":
            control.delete(archive.mailbox, item["message_id"])
        elif done == "update":
            control.update(archive.mailbox, item["message_id"], subject=f"changed {number}")
        else:
            control.move(archive.mailbox, item["message_id"], ["Old mail", f"folder {number}"])
    control.deliver_generated(archive.mailbox, 3, folder=["Old mail"], first=1000 * (number + 1), size_limit=3000)
    if number == 0:
        control.expand_folder(archive.mailbox, ["Old mail", "folder 1"])
    elif number == 1:
        control.rename_folder(archive.mailbox, ["Old mail", "folder 2"], "another name")
        control.create_folder(archive.mailbox, "folder 2", parent=["Old mail"])
