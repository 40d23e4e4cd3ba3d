# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.apply_guards import (
    encryption_off,
    left_behind,
    other_type,
    shorter_retention,
    sooner_expiry,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.document import plan_from_dict
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.guards import (
    Breach,
    Guard,
    check_member_loss,
    member_loss,
    refuse,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import BackupType, LeaverPolicy, Leavers, Plan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.retention import RestorePoint, decide_retention
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.roster import FREE_MEMBERS, KnownMember, RosterChange
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.plan.strategies import (
    restore_points,
    retention_declarations,
)

NOW = datetime.datetime(2027, 1, 1, tzinfo=datetime.timezone.utc)


def plan(**declared: t.Any) -> Plan:
    return plan_from_dict({"title": "Sales", "groups": ["Sales"], "backup_type": "mailbox", "repository": "/srv/backup", **declared})


def people(count: int, *, left: datetime.datetime | None = None) -> tuple[KnownMember, ...]:
    names = [f"person{number:03d}@example.com" for number in range(count)]
    return tuple(KnownMember(id=name, principal_name=name, display_name=name, left=left) for name in names)


def change(leavers: int, members_before: int, *emptied_groups: str) -> RosterChange:
    return RosterChange(joiners=(), leavers=people(leavers), former=(), members_before=members_before, emptied_groups=emptied_groups)


@given(st.integers(0, 100), st.integers(0, 300), st.integers(0, 300))
def test_more_members_may_not_go_than_the_plan_says_and_one_always_may(percent: int, leavers: int, stayers: int) -> None:
    breaches = list(member_loss(change(leavers, leavers + stayers), plan(max_member_loss_percent=percent)))
    assert bool(breaches) == (leavers > FREE_MEMBERS and 100 * leavers > percent * (leavers + stayers))


def test_the_message_names_the_first_leavers_the_counts_the_groups_and_the_way_on() -> None:
    with pytest.raises(InputError) as raised:
        check_member_loss(change(12, 40, "Sales"), plan(), confirmed=["orphaned_data"])
    message = str(raised.value)
    assert "Plan 'sales' would lose 12 of 40 members (30.0 %; max_member_loss_percent is 20)" in message
    assert "person000@example.com, person001@example.com" in message
    assert "and 7 more" in message
    assert "nobody is in 'Sales' any more" in message
    assert message.endswith("If this is meant, add confirm: [member_loss] to this task.")
    check_member_loss(change(12, 40, "Sales"), plan(), confirmed=["member_loss"])


def test_a_group_that_is_empty_all_at_once_is_suspicious_however_many_it_had() -> None:
    assert not list(member_loss(change(1, 1000), plan()))
    assert list(member_loss(change(1, 1000, "Sales"), plan(max_member_loss_percent=100)))


@given(st.lists(st.sampled_from(Guard)), st.sets(st.sampled_from(Guard)))
def test_exactly_what_nobody_has_confirmed_is_refused_all_at_once(guards: list[Guard], confirmed: set[Guard]) -> None:
    breaches = [Breach(guard, f"{guard.value} happens.") for guard in guards]
    open_ones = [guard for guard in dict.fromkeys(guards) if guard not in confirmed]
    words = {guard.value for guard in confirmed}
    if not open_ones:
        refuse(breaches, words)
        return
    with pytest.raises(InputError) as raised:
        refuse(breaches, words)
    assert f"add confirm: [{', '.join(guard.value for guard in open_ones)}] to this task" in str(raised.value)
    facts: t.Any = raised.value.facts["needs_confirmation"]
    assert {fact["word"] for fact in facts} == {guard.value for guard in open_ones}
    assert all(f"{guard.value} happens." in str(raised.value) for guard in open_ones)


@given(restore_points(), retention_declarations, retention_declarations)
def test_a_retention_that_removes_what_was_to_stay_is_told_where_there_is_something(
    points: list[RestorePoint], before: dict[str, t.Any], after: dict[str, t.Any]
) -> None:
    old, new = plan(retention=before), plan(retention=after)
    kept, decisions = (decide_retention(points, each.retention, now=NOW, time_zone=each.time_zone) for each in (old, new))
    breaches = list(shorter_retention(old, new, decisions))
    finished = [pair for pair in zip(kept, decisions, strict=True) if not pair[0].point.is_checkpoint]
    loses = any(one.is_kept and not other.is_kept for one, other in finished)
    if loses:
        assert [breach.guard for breach in breaches] == [Guard.SHORTER_RETENTION]
        assert f"the next prune would remove {sum(not each.is_kept for each in decisions):,}" in breaches[0].sentences
    if not points or before == after or after == {"forever": True}:
        assert not breaches


@pytest.mark.parametrize(
    ("before", "after", "is_told"),
    [
        (Leavers(), {"policy": "keep_forever"}, False),
        (Leavers(), {"policy": "expire_after_days", "days": 60}, False),
        (Leavers(), {"policy": "expire_after_days", "days": 30}, True),
        (Leavers(policy=LeaverPolicy.EXPIRE_AFTER_DAYS, days=90), {"policy": "expire_after_days", "days": 30}, True),
        (Leavers(policy=LeaverPolicy.EXPIRE_AFTER_DAYS, days=40), {"policy": "expire_after_days", "days": 30}, False),
    ],
)
def test_leavers_that_would_go_by_the_next_prune_are_told(before: Leavers, after: dict[str, t.Any], is_told: bool) -> None:
    former = people(2, left=NOW - datetime.timedelta(days=45))
    breaches = list(sooner_expiry(before, plan(leavers=after), former, NOW))
    assert [breach.guard for breach in breaches] == [Guard.SHORTER_RETENTION] * is_told
    assert all("2 former members: person000@example.com, person001@example.com" in breach.sentences for breach in breaches)


def test_switching_encryption_off_is_told_and_switching_it_on_is_not() -> None:
    locked, open_one = plan(), plan(encryption={"enabled": False}, repository="/srv/open")
    assert [breach.guard for breach in encryption_off(locked, open_one)] == [Guard.ENCRYPTION_OFF]
    assert not list(encryption_off(open_one, locked))
    assert not list(encryption_off(open_one, open_one))


def test_restore_points_that_would_be_left_behind_are_told() -> None:
    moved = plan(repository="/srv/elsewhere")
    for old_points, words in (
        (3, "has 3 restore points in /srv/backup. It would go on in /srv/elsewhere with a full backup"),
        (None, "Whether /srv/backup holds restore points of plan 'sales' could not be found out. No key opens it."),
    ):
        (breach,) = left_behind(plan(), moved, old_points=old_points, why_unknown="No key opens it.")
        assert breach.guard is Guard.ORPHANED_DATA
        assert words in breach.sentences
    assert not list(left_behind(plan(), moved, old_points=0))


def test_a_plan_does_not_take_the_place_of_one_of_the_other_type() -> None:
    mailbox, onedrive = BackupType
    (breach,) = other_type({mailbox}, plan(backup_type="onedrive"))
    assert breach.guard is Guard.ORPHANED_DATA
    assert "are of type mailbox, which would not be backed up any more" in breach.sentences
    for types in ((), {onedrive}, {mailbox, onedrive}):
        assert not list(other_type(types, plan(backup_type="onedrive")))
