# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main job with its repository in an object store: apply, run, prune and restore, through ansible-playbook."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.tests.integration.backups import mail_of, needs_restic
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import PASSPHRASE, Playbook, Task
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.object_store import (
    ADMIN,
    REGION,
    ObjectStore,
    running_seaweedfs,
)
from tenant.harness import RunningTenant

ALICE, BOB = "alice@contoso.com", "bob@contoso.com"
BUCKET = "backups"
REPOSITORY = f"s3://{BUCKET}/m365"


@pytest.fixture(scope="module")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[ObjectStore]:
    with running_seaweedfs(tmp_path_factory.mktemp("object_store") / "seaweedfs") as store:
        yield store


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
