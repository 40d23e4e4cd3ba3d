# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Applying random plans, in this process but with the real directory, store and repositories."""

from __future__ import annotations

import shutil
import tempfile
import typing as t
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient, connect
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.credentials import SecretCredential
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.settings import ConnectionSettings
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.apply import Applied, apply_plan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.document import plan_from_dict
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import Plan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.passphrase import UNENCRYPTED_PASSPHRASE
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.store import PlanStore
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.keys import KdfParameters
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import create_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.plan.strategies import (
    retention_declarations,
    schedules,
)
from tenant.harness import running_tenant

PASSPHRASE = "a passphrase of the tests that is long enough to be one"

Connect = t.Callable[[], GraphClient]

declarations = st.fixed_dictionaries(
    {
        "title": st.sampled_from(["Sales", "Sales!", "Growth"]),
        "groups": st.lists(st.sampled_from(["Sales", "sales", "Empty", "Unknown"]), min_size=1, max_size=2),
        "backup_type": st.sampled_from(["mailbox"] * 5 + ["onedrive"]),
        "repository": st.sampled_from(["/one", "/one", "/other", "/open", "/missing", "/missing"]),
        "encryption": st.fixed_dictionaries({"enabled": st.sampled_from([True, True, True, False])}),
    },
    optional={"name": st.sampled_from(["sales", "growth"]), "schedule": schedules, "retention": retention_declarations},
)


@pytest.fixture(scope="module")
def log_in() -> t.Iterator[Connect]:
    with running_tenant() as tenant:
        alice = f"alice@{tenant.domain}"
        tenant.control.add_user(alice)
        for group in ("Sales", "Empty"):
            tenant.control.add_group(group)
        tenant.control.add_member("Sales", alice)
        connection = ConnectionSettings(
            tenant_id=tenant.tenant_id,
            client_id=tenant.client_id,
            credential=SecretCredential(tenant.client_secret),
            proxy=tenant.proxy_url,
            ca_bundle=str(tenant.ca_bundle),
        )
        yield lambda: connect(connection)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Repositories that are quick to open: two with the passphrase of the tests, one with the published one."""
    folder = tmp_path_factory.mktemp("repositories")
    for name, passphrase in (("one", PASSPHRASE), ("other", PASSPHRASE), ("open", UNENCRYPTED_PASSPHRASE)):
        (folder / name).mkdir()
        create_repository(LocalStorage(folder / name), passphrase, kdf=KdfParameters(n=2**10))
    return folder


@settings(max_examples=25)
@given(current=declarations, wanted=declarations)
def test_inv09_check_mode_says_what_the_real_run_does(
    log_in: Connect, template: Path, current: dict[str, t.Any], wanted: dict[str, t.Any]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(template, folder, dirs_exist_ok=True)
        outcome(folder, current, log_in, check_mode=False)
        before = contents(folder)
        preview = outcome(folder, wanted, log_in, check_mode=True)
        assert contents(folder) == before
        real = outcome(folder, wanted, log_in, check_mode=False)
        assert preview == real
        if isinstance(real, dict):
            assert real["changed"] == (contents(folder) != before)
            assert outcome(folder, wanted, log_in, check_mode=False)["changed"] is False
        else:
            assert contents(folder) == before


def outcome(folder: Path, declaration: dict[str, t.Any], log_in: Connect, *, check_mode: bool) -> t.Any:
    """What an administrator sees: what changes and its two sides, or the sentence of the error."""
    plan = plan_from_dict({**declaration, "repository": f"{folder}{declaration['repository']}"})
    try:
        applied = apply(plan, declaration, PlanStore(folder / "state"), log_in, check_mode=check_mode)
    except BackupError as error:
        return str(error)
    return {
        "changed": applied.decision.changed,
        "decision": applied.decision,
        "before": applied.before,
        "after": applied.after,
        "members": applied.resolution,
        "warnings": applied.warnings,
    }


def apply(plan: Plan, declaration: dict[str, t.Any], store: PlanStore, log_in: Connect, *, check_mode: bool) -> Applied:
    return apply_plan(
        plan,
        is_name_derived="name" not in declaration,
        store=store,
        passphrase=PASSPHRASE if plan.encryption.enabled else UNENCRYPTED_PASSPHRASE,
        connect=log_in,
        check_mode=check_mode,
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
