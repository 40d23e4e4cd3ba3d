# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main job with its repository in an object store: apply, run, prune and restore, through ansible-playbook."""

from __future__ import annotations

import json
import random
import re
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.self_test import EICAR
from ansible_collections.tenantvault.m365_backup.tests.integration import infected
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import mail_of, needs_restic
from ansible_collections.tenantvault.m365_backup.tests.integration.clamd_daemon import Clamd, needs_clamd
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import PASSPHRASE, Answer, Playbook, Task
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.object_store import (
    ADMIN,
    REGION,
    ObjectStore,
    free_ports,
    running_seaweedfs,
)
from tenant.harness import RunningTenant

ALICE, BOB = "alice@contoso.com", "bob@contoso.com"
BUCKET, SCANNED = "backups", "scanned"
REPOSITORY = f"s3://{BUCKET}/m365"
SENT = r'SeaweedFS_s3_bucket_traffic_sent_bytes_total{bucket="%s"} (\S+)'


class MeasuredStore(t.NamedTuple):
    """An object store that counts what it sends."""

    store: ObjectStore
    metrics_port: int

    def ask(self) -> Task:
        """A task that asks how much that is."""
        return {"ansible.builtin.uri": {"url": f"http://127.0.0.1:{self.metrics_port}/metrics", "return_content": True}}


def sent(answer: Answer, bucket: str) -> float:
    """Bytes since the store began."""
    found = re.search(SENT % bucket, answer["content"])
    assert found is not None
    return float(found.group(1))


@pytest.fixture(scope="module")
def measured_store(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[MeasuredStore]:
    (port,) = free_ports(1)
    options = (f"-metricsPort={port}", "-volume.max=0", "-master.volumeSizeLimitMB=64")
    with running_seaweedfs(tmp_path_factory.mktemp("object_store") / "seaweedfs", *options) as store:
        yield MeasuredStore(store, port)


@pytest.fixture(scope="module")
def object_store(measured_store: MeasuredStore) -> ObjectStore:
    return measured_store.store


@pytest.fixture
def playbook(tenant: RunningTenant, tmp_path: Path) -> Playbook:
    tenant.control.reset()
    for user in (ALICE, BOB):
        tenant.control.add_user(user)
        tenant.control.deliver_generated(user, 20, size_limit=30_000)
    return Playbook(tenant=tenant, folder=tmp_path)


def apply(playbook: Playbook, store: ObjectStore, **options: t.Any) -> Task:
    declared = {"title": "Sales", "users": [ALICE, BOB], "backup_type": "mailbox", "retention": {"keep_last": 1}, "repository": REPOSITORY}
    s3 = {"endpoint": store.endpoint, "region": REGION}
    return playbook.task("m365_group_backup_plan", **{**declared, "s3": s3, **options})


@needs_restic
def test_the_main_job_with_a_bucket_from_apply_to_restore(playbook: Playbook, object_store: ObjectStore) -> None:
    object_store.make_bucket(BUCKET)
    in_task = playbook.defaults() | {"s3_access_key_id": ADMIN.access_key_id, "s3_secret_access_key": ADMIN.secret_access_key}
    elsewhere = apply(playbook, object_store, title="Elsewhere", repository="s3://no-such-bucket/m365")
    declared = apply(playbook, object_store)
    run = playbook.task("m365_backup_run", plan="sales", workers=2)
    first = playbook.run(
        {**elsewhere, "check_mode": True},
        {**declared, "check_mode": True},
        declared,
        declared,
        run,
        defaults=in_task,
        arguments=["-vvvv"],
    )
    playbook.tenant.control.deliver_generated(ALICE, 5, seed=2)
    prune = playbook.task("m365_backup_prune", plan="sales")
    restore = playbook.task("m365_backup_restore", plan="sales", member=ALICE, target_path=str(playbook.folder / "restored"))
    wrong = playbook.task(
        "m365_backup_run", plan="sales", s3_access_key_id=ADMIN.access_key_id, s3_secret_access_key="another-secret-of-the-tests"
    )
    keys = {"AWS_ACCESS_KEY_ID": ADMIN.access_key_id, "AWS_SECRET_ACCESS_KEY": ADMIN.secret_access_key}
    nobody = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_SHARED_CREDENTIALS_FILE": "/no/such/file", "AWS_CONFIG_FILE": "/no/such/file"}
    second = playbook.run(
        *({**task, "environment": keys} for task in (run, prune, restore)), wrong, {**run, "environment": nobody}, arguments=["-vvvv"]
    )

    assert "NoSuchBucket" in first.answers[0]["msg"]
    assert [answer["changed"] for answer in first.answers[1:]] == [True, True, False, True], first.answers
    assert first.answers[2]["repository"]["path"] == REPOSITORY
    assert [answer["changed"] for answer in second.answers[:3]] == [True, True, True], second.answers
    assert second.answers[1]["snapshots_removed"] == 1
    assert "the secret access key is wrong (SignatureDoesNotMatch" in second.answers[3]["msg"]
    assert "There are no credentials for the object store" in second.answers[4]["msg"]

    restored = sorted(path.read_bytes() for path in (playbook.folder / "restored").rglob("*.eml"))
    assert restored == mail_of(playbook.tenant, ALICE)
    assert "no errors were found" in object_store.restic(REPOSITORY, PASSPHRASE, "check", "--read-data").stdout
    stored_plan = next(playbook.state_path.rglob("sales.json")).read_text(encoding="utf-8")
    assert object_store.endpoint in stored_plan
    for text in (stored_plan, first.output, json.dumps(second.answers)):
        assert ADMIN.secret_access_key not in text


@needs_clamd
def test_backups_in_a_bucket_are_scanned_once_and_a_second_scan_reads_none_of_their_contents(
    playbook: Playbook, measured_store: MeasuredStore, clamd: Clamd
) -> None:
    measured_store.store.make_bucket(SCANNED)
    control = playbook.tenant.control
    control.deliver(BOB, "inbox", infected.mail(EICAR))
    control.deliver(ALICE, "inbox", infected.mail(random.Random(1).randbytes(5 << 20), "large.bin"))
    defaults = playbook.defaults() | {"s3_access_key_id": ADMIN.access_key_id, "s3_secret_access_key": ADMIN.secret_access_key}
    declared = apply(playbook, measured_store.store, repository=f"s3://{SCANNED}/m365")
    run = playbook.task("m365_backup_run", plan="sales")
    scan, ask = playbook.task("m365_backup_scan", plan="sales", engine="clamav", socket=clamd.socket), measured_store.ask()
    _plan, _run, first, sent_first, second, sent_second = playbook.run(declared, run, scan, ask, scan, ask, defaults=defaults).answers

    assert (first["failed"], first["changed"], first["scanned"], first["infected"], first["finding_count"]) == (True, True, 42, 1, 0), first
    assert [(row["member"], row["name"]) for row in first["flagged"]] == [(BOB, "An attachment: eicar.com")]
    assert sent(sent_first, SCANNED) > 5 << 20
    assert (second["failed"], second["changed"], second["scanned"], second["known"]) == (False, False, 0, 42)
    assert sent(sent_second, SCANNED) - sent(sent_first, SCANNED) < 1 << 20
