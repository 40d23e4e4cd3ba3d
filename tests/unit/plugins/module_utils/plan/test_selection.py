# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.directory import User
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.errors import SelectionError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.selection import combine


def user(name: str, *, user_type: str | None = "Member", readable: bool = True) -> User:
    return User(
        id=UserId(f"id-{name}"),
        principal_name=f"{name}@example.com" if readable else "",
        mail=None,
        display_name=name.capitalize() if readable else "",
        is_enabled=True,
        user_type=user_type,
    )


people = st.sampled_from("abcdefg").map(user)


@given(
    st.lists(people, max_size=4), st.dictionaries(st.sampled_from(["Sales", "Field"]), st.lists(people, min_size=1, max_size=6), min_size=1)
)
def test_everybody_is_covered_once_and_it_is_said_through_what(users: list[User], groups: dict[str, list[User]]) -> None:
    resolution = combine(users, groups.items())
    members = {member.id: set(member.via) for member in resolution.members}
    everybody = {each.id for each in (*users, *(each for listed in groups.values() for each in listed))}
    assert len(resolution.members) == len(members)
    assert members.keys() == everybody
    for member, via in members.items():
        named = {f"user {each.principal_name}" for each in users if each.id == member}
        assert via == named | {f"group {group}" for group, listed in groups.items() if member in {each.id for each in listed}}
    assert [member.principal_name for member in resolution.members] == sorted(member.principal_name for member in resolution.members)


def test_a_group_of_guests_is_as_good_as_empty_and_the_guests_are_named() -> None:
    resolution = combine([user("alice")], [("Partners", [user("gil", user_type="Guest")])])
    assert resolution.empty_groups == ("Partners",)
    assert "'gil@example.com'" in " ".join(resolution.warnings)


def test_a_guest_that_is_named_is_taken_at_its_word() -> None:
    assert len(combine([user("gil", user_type="Guest")], []).members) == 1


def test_users_of_whom_only_the_id_is_readable_are_covered_with_a_warning() -> None:
    resolution = combine([], [("Sales", [user("alice", readable=False)])])
    assert [(member.principal_name, member.display_name) for member in resolution.members] == [("id-alice", "id-alice")]
    assert "User.Read.All" in resolution.warnings[0]


def test_a_plan_for_nobody_is_an_error_that_names_the_groups() -> None:
    with pytest.raises(SelectionError, match="covers nobody: 'Sales', 'Field' have no users"):
        combine([], [("Sales", []), ("Field", [])])
