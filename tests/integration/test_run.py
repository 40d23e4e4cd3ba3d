# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs against a tenant: what is stored, what a change costs, and what happens when Graph misbehaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Outcome
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup, mail, mail_of, needs_restic
from tenant.harness import RunningTenant

ALICE, BOB = "alice@contoso.com", "bob@contoso.com"
pytestmark = needs_restic


@pytest.fixture
def tenant(tenant: RunningTenant) -> RunningTenant:
    control = tenant.control
    control.reset()
    for user in (ALICE, BOB):
        control.add_user(user)
        control.deliver_generated(user, 60, folder=None, size_limit=30_000)
    return tenant


@pytest.fixture
def backup(tenant: RunningTenant, tmp_path: Path) -> Backup:
    return Backup(tenant=tenant, folder=tmp_path, users=(ALICE, BOB))


def is_complete(backup: Backup) -> bool:
    """Whether the newest snapshot holds exactly what the mailboxes hold, and restic finds no fault."""
    backup.restic("check", "--read-data")
    return sorted(backup.restored_by_restic().values()) == mail_of(backup.tenant, *backup.users)


def bodies(tenant: RunningTenant) -> int:
    return tenant.control.stats()["by_operation"].get("message_mime", 0)


def test_inv05_every_message_comes_back_byte_for_byte_through_restic(backup: Backup) -> None:
    result = backup.run()
    assert result.outcome is Outcome.COMPLETE
    assert result.counts.total == result.counts.fetched == 120
    assert is_complete(backup)


def test_an_unchanged_run_asks_once_a_folder_fetches_nothing_and_writes_nothing(backup: Backup) -> None:
    backup.run()
    before = sorted(path for path in backup.location.rglob("*") if path.is_file())
    control = backup.tenant.control
    control.reset_log()
    result = backup.run()
    assert (result.is_changed, result.snapshot_id, result.stored_bytes) == (False, None, 0)
    assert sorted(path for path in backup.location.rglob("*") if path.is_file()) == before
    asked = control.stats()["by_operation"]
    folders = sum(len(control.folders(user)) for user in backup.users)
    assert "message_mime" not in asked
    assert asked["messages_delta"] <= folders
    assert sum(asked.values()) <= folders + 10


def test_inv03_a_run_after_changes_costs_the_changes(backup: Backup) -> None:
    backup.run()
    control = backup.tenant.control
    inbox = [message["id"] for message in control.messages(ALICE, "inbox")]
    control.deliver_many(ALICE, "inbox", [mail(f"new {number}") for number in range(20)])
    control.move(ALICE, inbox[:5], "archive")
    control.delete(ALICE, inbox[5:10])
    control.update(ALICE, inbox[10:15], flagged=True)
    control.reset_log()
    preview = backup.preview()
    assert bodies(backup.tenant) == 0
    result = backup.run()
    counts = result.counts
    assert (counts.added, counts.moved, counts.removed, counts.updated, counts.fetched) == (20, 5, 5, 5, 20)
    assert bodies(backup.tenant) == 20
    assert preview.is_changed
    assert (preview.counts.added, preview.counts.moved, preview.counts.removed, preview.counts.updated) == (20, 5, 5, 5)
    assert is_complete(backup)


def test_older_snapshots_keep_what_the_mailbox_has_lost(backup: Backup) -> None:
    first = backup.run()
    before = mail_of(backup.tenant, *backup.users)
    control = backup.tenant.control
    control.delete(ALICE, [message["id"] for message in control.messages(ALICE)][:30])
    backup.run()
    assert first.snapshot_id is not None
    assert sorted(backup.restored_by_restic(first.snapshot_id).values()) == before
    assert is_complete(backup)


def test_renamed_moved_and_deleted_folders_take_their_messages_along_without_a_fetch(backup: Backup) -> None:
    control = backup.tenant.control
    control.create_folder(ALICE, "One", parent="inbox")
    control.create_folder(ALICE, "Inner", parent=["inbox", "One"])
    control.create_folder(ALICE, "Two")
    control.create_folder(ALICE, "Gone")
    for folder in (["inbox", "One"], ["inbox", "One", "Inner"], ["Two"], ["Gone"]):
        control.deliver_many(ALICE, folder, [mail(f"{folder[-1]} {number}") for number in range(3)])
    backup.run()
    control.rename_folder(ALICE, ["inbox", "One"], "Two")
    control.move_folder(ALICE, ["inbox", "Two", "Inner"], "msgfolderroot")
    control.rename_folder(ALICE, ["Two"], "One/Two: three?")
    control.delete_folder(ALICE, ["Gone"])
    control.reset_log()
    result = backup.run()
    assert bodies(backup.tenant) == 0
    assert result.counts.removed in (0, 3)
    assert is_complete(backup)
    folders = {path.split("/mail/")[1].rsplit("/", 4)[0] for path in backup.restored_by_restic() if path.startswith(ALICE)}
    assert {"Inbox/Two", "Inner", "One_Two_ three_"} <= folders


@pytest.mark.parametrize("phase", ["delta", "next"])
def test_a_lost_cursor_costs_a_listing_and_no_body(backup: Backup, phase: str) -> None:
    control = backup.tenant.control
    control.deliver_generated(ALICE, 700, folder="inbox", first=5000, size_limit=3_000)
    backup.run()
    control.reset_log()
    if phase == "delta":
        control.expire_cursors()
    else:
        control.expire_cursors(ALICE)
        control.arm({"name": "cursor_lost", "mailbox": ALICE, "match": {"phase": "next"}})
    assert backup.run().outcome is Outcome.COMPLETE
    assert bodies(backup.tenant) == 0
    assert is_complete(backup)
    assert not backup.run().is_changed


def test_a_cursor_lost_in_the_first_listing_fetches_nothing_twice(backup: Backup) -> None:
    control = backup.tenant.control
    control.deliver_generated(ALICE, 700, folder="inbox", first=5000, size_limit=3_000)
    control.arm({"name": "cursor_lost", "mailbox": ALICE, "match": {"phase": "next"}})
    control.reset_log()
    assert backup.run().outcome is Outcome.COMPLETE
    assert bodies(backup.tenant) == 820
    assert is_complete(backup)


def test_a_change_that_was_lost_with_the_cursor_is_found_by_the_listing(backup: Backup) -> None:
    backup.run()
    control = backup.tenant.control
    inbox = [message["id"] for message in control.messages(ALICE, "inbox")]
    control.delete(ALICE, inbox[:3])
    control.move(ALICE, inbox[3:6], "archive")
    control.deliver(ALICE, "inbox", mail("while it was lost"))
    control.expire_cursors()
    control.reset_log()
    result = backup.run()
    assert bodies(backup.tenant) == 1
    assert (result.counts.added, result.counts.removed, result.counts.moved) == (1, 3, 3)
    assert is_complete(backup)


@pytest.mark.parametrize(
    "fault", ["duplicate_entries", "reordered_entries", "partial_entries", "empty_page", "unknown_removal", "string_booleans"]
)
def test_odd_deltas_change_nothing_in_the_result(backup: Backup, fault: str) -> None:
    control = backup.tenant.control
    # Each empty page leads to the page that it stands for, so one after the other would be a circle.
    times = 1 if fault == "empty_page" else 20
    control.arm({"name": fault, "times": times, "match": {"operation": "messages_delta"}})
    assert backup.run().outcome is Outcome.COMPLETE
    control.disarm()
    control.arm({"name": fault, "times": times, "match": {"operation": "messages_delta"}})
    inbox = [message["id"] for message in control.messages(ALICE, "inbox")]
    control.move(ALICE, inbox[:2], "archive")
    control.move(ALICE, inbox[:2], "inbox")
    control.update(ALICE, inbox[2:4], is_read=True)
    control.delete(ALICE, inbox[4:6])
    control.deliver(ALICE, "inbox", mail("one more"))
    assert backup.run().outcome is Outcome.COMPLETE
    assert is_complete(backup)
    control.disarm()
    assert backup.run().counts.fetched == 0
    assert is_complete(backup)


def test_inv12_a_run_through_bad_weather_ends_right_and_obeys_the_limits(backup: Backup) -> None:
    control = backup.tenant.control
    # On a busy machine a request may be on its way for a while when the 429 leaves: that is no disobedience.
    control.limits(reaction_seconds=1)
    for fault in (
        {"name": "throttled", "probability": 0.1, "times": 8, "retry_after": 3},
        {"name": "throttled", "probability": 0.1, "times": 2, "retry_after": "date:3"},
        {"name": "throttled", "probability": 0.1, "times": 3, "retry_after": 1.5},
        {"name": "unavailable", "probability": 0.1, "times": 10, "body": "empty"},
        {"name": "unavailable", "probability": 0.1, "times": 5, "body": "html", "retry_after": 1},
        {"name": "truncated_json", "probability": 0.2, "times": 5},
        {"name": "cut_body", "probability": 0.1, "times": 8, "how": "reset"},
        {"name": "cut_body", "probability": 0.1, "times": 8, "how": "end"},
        {"name": "reset", "probability": 0.1, "times": 5},
        {"name": "token_expired", "probability": 0.1, "times": 2},
        {"name": "not_found_empty", "probability": 0.1, "times": 3},
    ):
        control.arm({**fault, "match": {"operation": ["folders_delta", "messages_delta", "message_get", "message_mime"]}})
    control.reset_log()
    assert backup.run().outcome is Outcome.COMPLETE
    stats = control.stats()
    assert max(stats["max_concurrency"].values()) <= 4
    assert stats["retry_after_violations"] == 0
    control.disarm()
    assert is_complete(backup)


def test_tokens_that_expire_in_the_middle_are_renewed(backup: Backup) -> None:
    control = backup.tenant.control
    control.set_token_lifetime(302)
    control.arm(
        {"name": "token_expired", "times": 4, "after": 40, "probability": 0.5, "match": {"operation": ["message_mime", "messages_delta"]}}
    )
    try:
        assert backup.run().outcome is Outcome.COMPLETE
    finally:
        control.disarm()
    assert is_complete(backup)


def test_inv04_a_message_that_cannot_be_read_is_named_kept_in_mind_and_read_later(backup: Backup) -> None:
    control = backup.tenant.control
    broken = control.deliver(ALICE, "inbox", mail("broken"))
    fault = control.arm({"name": "corrupt_item", "mailbox": ALICE, "times": None, "match": {"message": broken}})
    result = backup.run()
    assert result.outcome is Outcome.PARTIAL
    finding = result.members[0].sources[0].findings[0]
    assert ("broken" in finding.object, finding.code) == (True, "ErrorCorruptData")
    assert finding.request_id
    again = backup.run()
    assert (again.outcome, again.is_changed) == (Outcome.PARTIAL, False)
    control.disarm(fault)
    healed = backup.run()
    assert (healed.outcome, healed.counts.fetched) == (Outcome.COMPLETE, 1)
    assert is_complete(backup)


def test_inv06_a_mailbox_that_fails_for_good_keeps_its_last_good_state_and_spoils_no_other(backup: Backup) -> None:
    backup.run()
    control = backup.tenant.control
    before = mail_of(backup.tenant, ALICE)
    control.deliver(ALICE, "inbox", mail("not seen"))
    control.deliver(BOB, "inbox", mail("seen"))
    control.set_mailbox_state(ALICE, "odata_disabled")
    result = backup.run()
    outcomes = {member.principal_name: member.outcome for member in result.members}
    assert (result.outcome, outcomes) == (Outcome.PARTIAL, {ALICE: Outcome.FAILED, BOB: Outcome.COMPLETE})
    finding = result.members[0].sources[0].findings[0]
    assert (finding.code, bool(finding.request_id)) == ("ErrorAccessDenied", True)
    control.set_mailbox_state(ALICE, "ok")
    restored = backup.restored_by_restic()
    assert sorted(content for path, content in restored.items() if path.startswith(ALICE)) == before
    assert sorted(content for path, content in restored.items() if path.startswith(BOB)) == mail_of(backup.tenant, BOB)
    assert backup.run().outcome is Outcome.COMPLETE
    assert is_complete(backup)


def test_inv06_a_member_that_is_no_longer_selected_keeps_its_backup(backup: Backup, tmp_path: Path) -> None:
    backup.run()
    only_bob = Backup(tenant=backup.tenant, folder=tmp_path, users=(BOB,))
    assert only_bob.run().is_changed
    assert not only_bob.run().is_changed
    assert sorted(only_bob.restored_by_restic().values()) == mail_of(backup.tenant, ALICE, BOB)


def test_a_member_with_a_new_name_keeps_its_history(backup: Backup, tmp_path: Path) -> None:
    backup.run()
    control = backup.tenant.control
    control.update_user(ALICE, userPrincipalName="alice.new@contoso.com")
    control.reset_log()
    renamed = Backup(tenant=backup.tenant, folder=tmp_path, users=("alice.new@contoso.com", BOB))
    assert renamed.run().outcome is Outcome.COMPLETE
    assert bodies(backup.tenant) == 0
    assert {path.split("/")[0] for path in renamed.restored_by_restic()} == {"alice.new@contoso.com", BOB}


def test_delta_that_the_mailbox_refuses_is_replaced_by_plain_listing(backup: Backup) -> None:
    control = backup.tenant.control
    control.set_mailbox_state(ALICE, "quota_exceeded")
    assert backup.run().outcome is Outcome.COMPLETE
    assert is_complete(backup)
    assert not backup.run().is_changed
    control.delete(ALICE, [control.messages(ALICE)[0]["id"]])
    assert backup.run().counts.removed == 1
    control.set_mailbox_state(ALICE, "ok")
    assert is_complete(backup)
