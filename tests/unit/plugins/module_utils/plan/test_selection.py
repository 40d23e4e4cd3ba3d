# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.directory_objects import (
    AdministrativeUnit,
    Group,
    GroupKind,
    User,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import GroupId, UnitId, UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.licences import DriveLicence
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.known_members import KnownMembers
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.mailbox_kinds import Kinds, may_be_no_user
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import BackupType, MailboxKind, Selection
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.ou_match import parse_name
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.roster import KnownMember
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.selection import LeftOut, LeftOutReason, Resolution, Selector
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.selection_entries import Entries, Entry
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.selection_people import (
    Chosen,
    People,
    is_licensed,
    left_out_by_choice,
    left_out_by_mailbox,
    member_of,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.selection_preview import preview_result
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.selection_sentences import (
    empty_groups,
    nobody_sentence,
    warnings,
)

NOTHING_ASKED = Kinds(of={})


def user(
    name: str,
    *,
    user_type: str | None = "Member",
    readable: bool = True,
    licensed: bool | None = True,
    is_enabled: bool | None = True,
    on_premises_dn: str | None = None,
) -> User:
    return User(
        id=UserId(f"id-{name}"),
        principal_name=f"{name}@example.com" if readable else "",
        mail=None,
        display_name=name.capitalize() if readable else "",
        is_enabled=is_enabled,
        user_type=user_type,
        drive_licence=None if licensed is None else DriveLicence(licensed),
        has_mailbox_licence=licensed,
        on_premises_dn=on_premises_dn,
    )


def group(name: str, *, is_exclusion: bool = False, is_paused: bool = False, is_hidden: bool = False) -> Entry:
    kind = GroupKind.SECURITY
    found = Group(GroupId(f"id-{name}"), name, None, kind, is_dynamic=is_paused, is_paused=is_paused, has_hidden_members=is_hidden)
    return Entry(selector=Selector.GROUP, name=name, is_exclusion=is_exclusion, object=found)


def named(name: str) -> Entry:
    return Entry(selector=Selector.USER, name=f"{name}@example.com")


def listed(*lists: tuple[Entry, list[User]]) -> People:
    people = People([entry for entry, users in lists])
    for number, (_entry, users) in enumerate(lists):
        for each in users:
            people.add(number, each)
    return people


def told(people: People, entries: list[Entry], left_out: list[LeftOut] | None = None, kinds: Kinds = NOTHING_ASKED) -> str:
    backup = BackupType.MAILBOX
    members = [member_of(chosen, None, backup) for chosen in people.chosen() if not left_out_by_choice(chosen, Selection())]
    return " ".join(warnings(entries, people, members, left_out or [], kinds, Selection()))


guests_and_members = st.sampled_from("abcdefg").map(lambda name: user(name, user_type="Guest" if name in "ab" else "Member"))
entries = st.sampled_from([group("Sales"), group("Field"), named("a"), named("c"), group("Interns", is_exclusion=True)])
lists = st.lists(st.tuples(entries, st.lists(guests_and_members, max_size=5, unique=True)), max_size=6, unique_by=lambda one: one[0].label)


@given(lists, st.booleans())
def test_everybody_who_is_chosen_is_once_a_member_or_left_out_for_a_reason(lists: list[tuple[Entry, list[User]]], guests: bool) -> None:
    selection = Selection(include_guests=guests)
    chosen = list(listed(*lists).chosen())
    reasons = {one.user.id: (left_out.reason if (left_out := left_out_by_choice(one, selection)) else None) for one in chosen}
    assert len(reasons) == len(chosen)
    assert [one.user.principal_name for one in chosen] == sorted(one.user.principal_name for one in chosen)
    for one in chosen:
        through = [entry for entry, users in lists if one.user in users]
        assert set(one.via) == {entry.label for entry in through if not entry.is_exclusion}
        assert set(one.by) == {entry.label for entry in through if entry.is_exclusion}
        is_named = any(entry.selector is Selector.USER for entry in through)
        if one.by:
            assert reasons[one.user.id] is LeftOutReason.EXCLUDED
        elif one.user.is_guest and not is_named and not guests:
            assert reasons[one.user.id] is LeftOutReason.GUEST
        else:
            assert reasons[one.user.id] is None
    assert reasons.keys() == {each.id for entry, users in lists for each in users if not entry.is_exclusion}


@given(
    st.sampled_from([*MailboxKind, None]),
    st.sampled_from([True, False, None]),
    st.booleans(),
    st.sets(st.sampled_from(MailboxKind), min_size=1),
    st.sampled_from(BackupType),
)
def test_a_licence_is_asked_of_people_only_and_what_nobody_knows_leaves_nobody_out(
    kind: MailboxKind | None, licensed: bool | None, licensed_only: bool, kinds: set[MailboxKind], backup_type: BackupType
) -> None:
    selection = Selection(licensed_only=licensed_only, mailbox_kinds=tuple(kinds))
    chosen = Chosen(user("anna", licensed=licensed), ("group Sales",), (), is_named=False)
    left_out = left_out_by_mailbox(chosen, kind, selection, backup_type)
    is_other_kind = backup_type is BackupType.MAILBOX and kind is not None and kind not in kinds
    is_unlicensed = licensed_only and licensed is False and kind in (MailboxKind.USER, None)
    expected = LeftOutReason.MAILBOX_KIND if is_other_kind else LeftOutReason.UNLICENSED if is_unlicensed else None
    assert (left_out.reason if left_out else None) is expected
    assert is_licensed(chosen.user, backup_type) is licensed


def test_organizational_units_choose_and_exclude_by_where_people_are() -> None:
    units = [
        Entry(selector=Selector.ON_PREMISES_OU, name=name, is_exclusion=name[3] == "F")
        for name in ("OU=Sales,DC=x", "OU=Field,OU=Sales,DC=x")
    ]
    names = {number: name for number, unit in enumerate(units) if (name := parse_name(unit.name or ""))}
    people = People(units)
    people.place(
        names,
        [
            user("anna", on_premises_dn="CN=Anna,OU=sales,DC=x"),
            user("ben", on_premises_dn="CN=Ben,OU=Field,OU=Sales,DC=x"),
            user("cloud"),
            user("odd", on_premises_dn="nowhere"),
        ],
    )
    assert [(one.user.principal_name, one.via, one.by) for one in people.chosen()] == [
        ("anna@example.com", ("on-premises OU OU=Sales,DC=x",), ()),
        ("ben@example.com", ("on-premises OU OU=Sales,DC=x",), ("on-premises OU OU=Field,OU=Sales,DC=x",)),
    ]


def test_only_mailboxes_that_may_be_shared_are_asked_about() -> None:
    people = [
        user("anna"),
        user("limited", licensed=None, is_enabled=None),
        user("blocked", is_enabled=False),
        user("room", licensed=False),
    ]
    assert [each.principal_name for each in people if may_be_no_user(each)] == ["blocked@example.com", "room@example.com"]


def test_groups_of_nobody_and_of_guests_are_empty_and_it_is_said_what_to_look_at() -> None:
    lists: tuple[tuple[Entry, list[User]], ...] = (
        (group("Sales"), [user("anna")]),
        (group("Empty"), []),
        (group("Partners"), [user("gil", user_type="Guest")]),
        (group("Interns", is_exclusion=True, is_hidden=True), []),
        (Entry(selector=Selector.USER_FILTER), []),
    )
    people, entries = listed(*lists), [entry for entry, users in lists]
    assert list(empty_groups(entries, people, Selection())) == ["Empty", "Partners"]
    assert list(empty_groups(entries, people, Selection(include_guests=True))) == ["Empty"]
    said = told(people, entries, [left_out for one in people.chosen() if (left_out := left_out_by_choice(one, Selection()))])
    assert "Group 'Empty', group 'Partners', user filter have no users to back up, so nobody is covered through them." in said
    assert "The excluded group 'Interns' has no users, so nobody is left out through it." in said
    assert "The members of group 'Interns' are hidden, so grant the app Member.Read.Hidden." in said
    assert "1 guest of group 'Partners' is left out, since their data is in their own organisation: 'gil@example.com'." in said


def test_a_group_that_stands_for_one_that_is_gone_is_not_empty_but_gone() -> None:
    gone = Entry(selector=Selector.GROUP, name="Sales", stands_in=True)
    assert list(empty_groups([gone], listed((gone, [])), Selection())) == []


def test_what_an_administrator_may_not_know_is_said() -> None:
    lists = ((group("Sales", is_paused=True), [user("anna", readable=False)]),)
    said = told(listed(*lists), [lists[0][0]], kinds=Kinds(of={}, refused=2, failed=1))
    assert "the rule of group 'Sales' is paused" in said
    assert "Only the ids of 1 member are readable. Grant the app User.Read.All" in said
    assert "of what kind 3 mailboxes are, so each counts as a seat" in said
    assert "MailboxSettings.Read" in said


def test_of_a_selection_in_order_nothing_is_said() -> None:
    lists = ((group("Sales"), [user("anna")]), (named("gil"), [user("gil", user_type="Guest")]))
    assert told(listed(*lists), [entry for entry, users in lists]) == ""


def test_a_selection_of_nobody_says_why() -> None:
    empty = [group("Sales"), Entry(selector=Selector.ADMINISTRATIVE_UNIT, name="West", object=AdministrativeUnit(UnitId("w"), "West"))]
    nobody = listed(*((entry, []) for entry in empty))
    assert nobody_sentence(Entries(found=tuple(empty)), nobody, [], Selection()) == (
        "The selection covers nobody: group 'Sales', administrative unit 'West' have no users to back up."
        " If they should have some, look at them in Entra."
    )
    unresolved = Entries(found=(), unresolved=("The directory has no group 'Sales', and none with a similar name.",))
    assert nobody_sentence(unresolved, People([]), [], Selection()).endswith("none with a similar name.")
    left_out = LeftOut(id=UserId("1"), principal_name="a", display_name="A", via=(), reason=LeftOutReason.GUEST)
    assert "(2 users) is left out (2 as guests)" in nobody_sentence(Entries(found=()), People([]), [left_out] * 2, Selection())


def test_the_newest_restore_point_knows_people_by_name_and_by_what_covered_them() -> None:
    left = datetime.datetime(2026, 11, 1, tzinfo=datetime.timezone.utc)
    known = KnownMembers(
        [
            KnownMember(id="1", principal_name="anna@example.com", display_name="Anna", via=("group Sales",)),
            KnownMember(id="2", principal_name="new@example.com", display_name="Ben", via=("user Ben@example.com", "group Sales")),
            KnownMember(id="3", principal_name="carl@example.com", display_name="Carl", via=("group Sales",), left=left),
        ]
    )
    assert known.named("ANNA@example.com") == ["1"]
    assert known.named("ben@example.com") == ["2"]
    assert known.named("carl@example.com") == ["3"]
    assert known.through(Selector.GROUP, "sales") == ("Sales", ["1", "2"])
    assert known.through(Selector.ADMINISTRATIVE_UNIT, "sales") == ("sales", [])


def test_a_preview_counts_members_seats_and_those_who_are_left_out() -> None:
    people = [Chosen(user(name), ("group Sales",), (), is_named=False) for name in ("anna", "ben")]
    left_out = LeftOut(id=UserId("1"), principal_name="gil", display_name="Gil", via=(), reason=LeftOutReason.EXCLUDED, by=("group X",))
    members = tuple(
        member_of(one, kind, BackupType.MAILBOX) for one, kind in zip(people, (MailboxKind.USER, MailboxKind.ROOM), strict=True)
    )
    result = preview_result(Resolution(members=members, warnings=(), empty_groups=(), left_out=(left_out,)))
    assert result["seats"] == {"used": 1, "free": 1}
    assert result["msg"] == "The selection covers 2 members, who use 1 seat. 1 user who is chosen is left out (1 excluded)."
    assert [member["kind"] for member in result["members"]] == ["user", "room"]
