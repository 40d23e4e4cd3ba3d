# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two hosts that share the members of a plan, one bucket, and what becomes of it when one of them is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import outcome_of, shard_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.restore_points import plan_snapshots
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.document import plan_from_dict
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.store import PlanStore, StoredPlan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.keys import KdfParameters
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import (
    Repository,
    create_repository,
    open_repository,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_open import open_storage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import walk
from ansible_collections.tenantvault.m365_backup.tests.integration import host_run
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import needs_restic
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import PASSPHRASE
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.object_store import (
    REGION,
    ObjectStore,
    running_seaweedfs,
)
from tenant.harness import RunningTenant, running_tenant

MEMBERS, MESSAGES = 300, 2
HOSTS = ("north", "south")
REPOSITORY = "s3://backups/m365"
PATIENCE = 60.0


@pytest.fixture(scope="module")
def tenant() -> t.Iterator[RunningTenant]:
    with running_tenant() as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> t.Iterator[ObjectStore]:
    with running_seaweedfs(tmp_path / "seaweedfs", "-volume.max=0", "-master.volumeSizeLimitMB=64") as running:
        running.make_bucket("backups")
        yield running


class Hosts:
    """Hosts are folders with the state of one."""

    def __init__(self, tenant: RunningTenant, store: ObjectStore, folder: Path, users: t.Sequence[str]) -> None:
        self.tenant, self.store, self.folder = tenant, store, folder
        s3 = {"endpoint": store.endpoint, "region": REGION}
        declared = {
            "title": "Sales",
            "users": list(users),
            "backup_type": "mailbox",
            "sources": ["mail"],
            "repository": REPOSITORY,
            "s3": s3,
        }
        plan = plan_from_dict(declared)
        made = create_repository(open_storage(REPOSITORY, store.options()), PASSPHRASE, kdf=KdfParameters(n=2**10))
        for name in HOSTS:
            PlanStore(folder / name).save(StoredPlan(plan=plan, repository_id=made.id))

    def start(self, name: str) -> subprocess.Popen[str]:
        names = ("tenant_id", "client_id", "client_secret", "proxy_url", "ca_bundle")
        job = {
            "tenant": {each: str(getattr(self.tenant, each)) for each in names},
            "state_path": str(self.folder / name),
            "shard": name,
            "shards": HOSTS,
        }
        command = [sys.executable, "-m", host_run.__name__, json.dumps(job)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)

    def repository(self) -> Repository:
        return open_repository(open_storage(REPOSITORY, self.store.options()), PASSPHRASE)

    def messages(self) -> int:
        """In the newest restore point."""
        repository = self.repository()
        newest = plan_snapshots(repository, "sales")[-1]
        return sum(path[-1].endswith(".eml") for path, _node in walk(repository, newest.tree))

    def bodies(self) -> int:
        """How many messages Microsoft was asked for."""
        return int(self.tenant.control.stats()["by_operation"].get("message_mime", 0))


def result_of(process: subprocess.Popen[str]) -> dict[str, t.Any]:
    output, _errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output
    return dict(json.loads(output.splitlines()[-1]))


@needs_restic
def test_inv08_two_hosts_share_300_mailboxes_and_what_one_of_them_did_stands_when_the_other_is_killed(
    tenant: RunningTenant, store: ObjectStore, tmp_path: Path
) -> None:
    control = tenant.control
    users = [f"member{number:03}@contoso.com" for number in range(MEMBERS)]
    for user in users:
        control.add_user(user)
        control.deliver_generated(user, MESSAGES, size_limit=8_000)
    hosts = Hosts(tenant, store, tmp_path, users)
    control.set_latency(20)
    control.reset_log()

    north, south = hosts.start("north"), hosts.start("south")
    try:
        end = time.monotonic() + PATIENCE
        while not any(shard_of(one.tags) == "south" for one in plan_snapshots(hosts.repository(), "sales")):
            assert time.monotonic() < end
            time.sleep(0.1)
        south.send_signal(signal.SIGKILL)
        south.wait()
        first = result_of(north)
    finally:
        for process in (north, south):
            process.kill()
            process.wait()
    assert (first["outcome"], first["changed"]) == ("complete", True)
    assert 100 < len(first["members"]) < 200
    asked, stored = hosts.bodies(), hosts.messages()
    assert len(first["members"]) * MESSAGES <= stored < MEMBERS * MESSAGES

    control.set_latency(0)
    second = result_of(hosts.start("south"))
    assert (second["outcome"], len(first["members"]) + len(second["members"])) == ("complete", MEMBERS)
    assert not {*first["members"]} & {*second["members"]}
    assert hosts.messages() == MEMBERS * MESSAGES
    assert hosts.bodies() - asked <= MEMBERS * MESSAGES - stored

    for name in HOSTS:
        assert not result_of(hosts.start(name))["changed"]
    newest = plan_snapshots(hosts.repository(), "sales")[-1]
    assert (outcome_of(newest.tags), shard_of(newest.tags)) == ("complete", "south")
    store.restic(REPOSITORY, PASSPHRASE, "unlock", "--remove-all")
    assert "no errors were found" in store.restic(REPOSITORY, PASSPHRASE, "check", "--read-data").stdout
    said = control.stats()
    assert max(said["max_concurrency"].values()) <= 4
    assert said["by_status"].get("429", 0) == 0
    assert said["retry_after_violations"] == 0
