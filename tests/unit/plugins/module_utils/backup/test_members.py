# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Members as restore points keep them, and as they come and go."""

from __future__ import annotations

import json
import typing as t
from datetime import datetime, timedelta, timezone

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import MEMBERS_FILE, META, META_TIME
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.leavers import Departure, Departures
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.members import (
    MemberState,
    SourceState,
    SourceStatus,
    known_members,
    members_as_json,
    read_members,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.roster_sentences import roster_part, unresolved_part
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.run_roster import RunRoster, run_roster, states_after
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.leavers import expires_at, is_expired
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import LeaverPolicy, Leavers, MailboxKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.roster import LeftReason
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.selection import Member
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Node
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.support import writing

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
EXPIRING = Leavers(policy=LeaverPolicy.EXPIRE_AFTER_DAYS, days=30)
MOMENT = NOON.isoformat()

times = st.none() | st.datetimes(timezones=st.just(timezone.utc)).map(lambda moment: moment.isoformat(timespec="seconds"))
states = st.builds(
    MemberState,
    id=st.uuids().map(str),
    principal_name=st.text(min_size=1),
    display_name=st.text(),
    via=st.lists(st.text(min_size=1)).map(tuple),
    kind=st.none() | st.sampled_from(MailboxKind),
    directory=st.text(),
    left=times,
    left_reason=st.none() | st.sampled_from(LeftReason),
    deleted=times,
    sources=st.dictionaries(st.sampled_from(["mail", "calendar"]), st.builds(SourceState, status=st.sampled_from(SourceStatus))),
)


def read(content: bytes) -> dict[str, MemberState]:
    with writing() as writer:
        meta = writer.save_tree([Node.file(MEMBERS_FILE, META_TIME, writer.save_file([content]))])
        return read_members(writer, writer.save_tree([Node.directory(META, META_TIME, meta)]))


@settings(max_examples=30, deadline=None)
@given(st.lists(states, max_size=3, unique_by=lambda state: state.id))
def test_what_a_restore_point_says_of_its_members_is_read_as_it_was_written(members: list[MemberState]) -> None:
    assert read(members_as_json(members)) == {member.id: member for member in members}


def test_a_list_of_members_from_before_reasons_were_kept_is_read() -> None:
    old: dict[str, t.Any] = {
        "id": "1",
        "principal_name": "a@x.example",
        "display_name": "A",
        "directory": "a@x.example",
        "left": None,
        "sources": {},
    }
    states = list(read(json.dumps({"version": 1, "members": [old]}).encode()).values())
    assert states == [MemberState(id="1", principal_name="a@x.example", display_name="A", directory="a@x.example")]
    assert json.loads(members_as_json(states))["members"] == [old]


def member(key: str, *via: str, kind: MailboxKind | None = MailboxKind.USER) -> Member:
    return Member(id=UserId(key), principal_name=f"{key}@x.example", display_name=key, mail=None, via=via, kind=kind)


def test_members_come_back_with_what_is_stored_and_leave_with_a_reason_and_the_first_date() -> None:
    good = {"mail": SourceState(status=SourceStatus.GOOD)}
    before = states_after({}, [member(key, "group B", "group A") for key in ("anna", "ben", "carl")], Departures(), MOMENT)
    assert before["anna"].via == ("group A", "group B")
    gone = Departures(by_id={"anna": Departure(reason=LeftReason.DELETED, deleted=MOMENT)})
    later = (NOON + timedelta(days=1)).isoformat()
    first = states_after(before, [member("ben", kind=None), member("carl")], gone, later)
    assert (first["anna"].left, first["anna"].left_reason, first["anna"].deleted) == (later, LeftReason.DELETED, MOMENT)
    assert first["ben"].kind is MailboxKind.USER
    purged = Departures(by_id={"anna": Departure(reason=LeftReason.PURGED)})
    second = states_after({**first, "anna": first["anna"]}, [member("ben"), member("carl")], purged, "2030-01-01T00:00:00+00:00")
    assert (second["anna"].left, second["anna"].left_reason, second["anna"].deleted) == (later, LeftReason.PURGED, None)
    stored = {**second, "anna": MemberState(id="anna", principal_name="a", display_name="A", left=later, sources=good)}
    back = states_after(stored, [member("anna")], Departures(), "2031-01-01T00:00:00+00:00")
    assert (back["anna"].left, back["anna"].left_reason, back["anna"].sources) == (None, None, good)
    roster = run_roster(stored, back, [member("anna")], Departures(), EXPIRING)
    assert [one.id for one in roster.joiners] == ["anna"]
    assert [(one.id, one.left_reason) for one in roster.leavers] == [("ben", None), ("carl", None)]
    assert roster.as_dict()["leavers"][0]["expires"] == "2031-01-31T00:00:00+00:00"


def test_who_came_and_went_is_said_by_name() -> None:
    state = MemberState(id="1", principal_name="ben@x.example", display_name="Ben", left=MOMENT, left_reason=LeftReason.UNLICENSED)
    roster = RunRoster(joiners=(member("anna"),), leavers=known_members([state]))
    assert roster_part(roster) == (
        " 1 joined: anna@x.example. 1 left, and what is stored of them stays: ben@x.example (without a licence)."
    )
    assert roster_part(RunRoster(joiners=(member("anna"),), is_first=True)) == ""
    gone = RunRoster(unresolved=("There is no group 'A'.", "There is no group 'B'."))
    assert unresolved_part(gone) == (
        "2 entries of the plan mean nobody any more, so somebody may be missing. There is no group 'A'. There is no group 'B'."
    )


@given(st.integers(-(10**9), 10**9).map(lambda seconds: NOON + timedelta(seconds=seconds)), st.integers(1, 3650))
def test_only_a_policy_with_days_lets_backups_of_leavers_expire(left: datetime, days: int) -> None:
    policy = Leavers(policy=LeaverPolicy.EXPIRE_AFTER_DAYS, days=days)
    expiry = left + timedelta(days=days)
    assert expires_at(left, policy) == expiry
    assert not is_expired(left, policy, expiry - timedelta(seconds=1))
    assert is_expired(left, policy, expiry)
    assert not is_expired(None, policy, expiry)
    for other in (Leavers(), Leavers(policy=LeaverPolicy.KEEP_FOREVER)):
        assert expires_at(left, other) is None
