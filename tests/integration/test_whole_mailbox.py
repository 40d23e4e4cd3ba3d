# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All sources of a mailbox in one run: what each says of itself, and that none stands in the way of the others."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.archive_access import BACKED_UP, NO_ARCHIVE
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Outcome, RunResult, SourceResult
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.source_read import NO_MAILBOX
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import MAILBOX_SOURCES
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup, needs_restic
from tenant.harness import RunningTenant
from tenant.tokens import DEFAULT_ROLES

ALICE, BOB, CAROL = "alice@contoso.com", "bob@contoso.com", "carol@contoso.com"
ALL_SOURCES = (*MAILBOX_SOURCES, "archive")
EVENT = {
    "subject": "Review",
    "start": {"dateTime": "2026-11-23T10:00:00", "timeZone": "UTC"},
    "end": {"dateTime": "2026-11-23T11:00:00", "timeZone": "UTC"},
}


@pytest.fixture
def backup(tenant: RunningTenant, tmp_path: Path) -> Backup:
    """Alice has everything, Bob some mail, Carol no mailbox."""
    control = tenant.control
    control.reset()
    for user in (ALICE, BOB, CAROL):
        control.add_user(user)
    control.set_mailbox_state(CAROL, "not_enabled")
    for user in (ALICE, BOB):
        control.deliver_generated(user, 20, folder=None, size_limit=20_000)
    control.add_event(ALICE, EVENT)
    control.add_contact(ALICE, {"displayName": "Zoe"})
    control.add_task(ALICE, {"title": "Call Zoe"})
    control.add_category(ALICE, "Red")
    archive = control.create_archive(ALICE)["archive"]
    control.deliver_generated(archive, 15, folder=None, size_limit=20_000)
    return Backup(tenant=tenant, folder=tmp_path, users=(ALICE, BOB, CAROL), sources=MAILBOX_SOURCES, archives=True)


def of(result: RunResult, user: str) -> dict[str, SourceResult]:
    return next({source.source: source for source in member.sources} for member in result.members if member.principal_name == user)


@needs_restic
@pytest.mark.parametrize("workers", [1, 2])
def test_every_source_of_every_member_says_what_became_of_it(backup: Backup, workers: int) -> None:
    foreseen = backup.preview()
    first = backup.run(workers=workers)
    alice, bob, carol = (of(first, user) for user in (ALICE, BOB, CAROL))
    assert first.outcome is Outcome.COMPLETE
    assert tuple(alice) == tuple(bob) == tuple(carol) == ALL_SOURCES
    assert {name: alice[name].counts.total for name in ALL_SOURCES} == {
        "mail": 20, "calendar": 1, "contacts": 1, "tasks": 1, "settings": 3, "archive": 15
    }  # fmt: skip
    assert (alice["archive"].availability, bob["archive"].availability) == (BACKED_UP, NO_ARCHIVE)
    assert {source.availability for source in carol.values()} == {NO_MAILBOX}
    assert any(CAROL in warning for warning in first.warnings)
    assert foreseen.counts.added == first.counts.added
    backup.restic("check", "--read-data")
    paths = backup.restic("ls", "latest")
    for name in ALL_SOURCES:
        assert f"/{backup.title}/{ALICE}/{name}/" in paths
    assert CAROL not in paths
    assert f"{BOB}/archive" not in paths

    before = backup.preview()
    again = backup.run(workers=workers)
    assert (before.is_changed, again.is_changed, again.outcome, again.stored_bytes) == (False, False, Outcome.COMPLETE, 0)


def test_a_permission_that_is_missing_is_named_and_holds_up_no_other_source(backup: Backup) -> None:
    control = backup.tenant.control
    control.set_roles(backup.tenant.client_id, [role for role in DEFAULT_ROLES if not role.startswith("Contacts.")])
    result = backup.run()
    sources = of(result, ALICE)
    (finding,) = sources["contacts"].findings
    assert result.outcome is Outcome.PARTIAL
    assert "Contacts.Read" in finding.reason
    assert {name for name, source in sources.items() if source.outcome is not Outcome.COMPLETE} == {"contacts"}

    control.set_roles(backup.tenant.client_id, list(DEFAULT_ROLES))
    healed = backup.run()
    assert (healed.outcome, of(healed, ALICE)["contacts"].counts.added) == (Outcome.COMPLETE, 1)


def test_what_a_plan_leaves_out_later_stays_in_the_backup(backup: Backup) -> None:
    backup.run()
    less = dataclasses.replace(backup, sources=("mail",), archives=False)
    backup.tenant.control.deliver_generated(ALICE, 1, folder="inbox", first=900, size_limit=20_000)
    result = less.run()
    assert tuple(of(result, ALICE)) == ("mail",)
    paths = backup.restic("ls", "latest")
    assert all(f"/{backup.title}/{ALICE}/{name}/" in paths for name in ALL_SOURCES)


def test_a_source_that_fails_keeps_its_state_while_the_others_go_on(backup: Backup) -> None:
    control = backup.tenant.control
    backup.run()
    control.arm(
        {
            "name": "status",
            "mailbox": ALICE,
            "times": None,
            "status": 403,
            "code": "ErrorAccessDenied",
            "match": {"operation": ["calendars_list"]},
        }
    )
    control.deliver_generated(ALICE, 2, folder="inbox", first=900, size_limit=20_000)
    result = backup.run()
    sources = of(result, ALICE)
    assert (sources["calendar"].outcome, sources["mail"].counts.added) == (Outcome.FAILED, 2)
    assert f"/{backup.title}/{ALICE}/calendar/" in backup.restic("ls", "latest")
    control.disarm()
    assert backup.run().outcome is Outcome.COMPLETE
