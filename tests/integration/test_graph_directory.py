# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users and groups of the tenant."""

from __future__ import annotations

import typing as t

import pytest
from integration.graph_tenant import connected, new_user

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.directory import (
    GroupKind,
    find_groups,
    find_users,
    group_members,
    similar_groups,
    similar_users,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import NotFound
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import GroupId
from tenant.harness import RunningTenant


@pytest.fixture
def client(tenant: RunningTenant) -> t.Iterator[GraphClient]:
    tenant.control.reset()
    with connected(tenant) as client:
        yield client
    tenant.control.disarm()


def test_a_user_is_found_by_id_name_and_address(tenant: RunningTenant, client: GraphClient) -> None:
    identity = new_user(tenant, "o'neil", mail="oneil@mail.example", display_name="O'Neil & Söhne")
    for key in (identity, f"o'neil@{tenant.domain}", "oneil@mail.example", "ONEIL@mail.example"):
        assert [user.id for user in find_users(client, key)] == [identity]
    assert find_users(client, "nobody@mail.example") == ()
    assert find_users(client, "00000000-0000-4000-8000-000000000000") == ()


def test_a_guest_and_a_blocked_user_without_mail_are_told_apart(tenant: RunningTenant, client: GraphClient) -> None:
    guest = f"joe_gmail.com#EXT#@{tenant.domain}"
    tenant.control.add_user(guest, user_type="Guest", mail=None, account_enabled=False)
    (user,) = find_users(client, guest)
    assert (user.is_guest, user.is_enabled, user.mail) == (True, False, None)


def test_groups_are_found_by_id_name_and_address_and_shared_names_are_all_given(tenant: RunningTenant, client: GraphClient) -> None:
    first = tenant.control.add_group("R&D 'Süd'", mail="rd@mail.example", kind="microsoft365")
    second = tenant.control.add_group("R&D 'Süd'", kind="security")
    assert {group.id for group in find_groups(client, "R&D 'Süd'")} == {first, second}
    (group,) = find_groups(client, "rd@mail.example")
    assert (group.id, group.kind) == (first, GroupKind.MICROSOFT_365)
    assert [group.kind for group in find_groups(client, second)] == [GroupKind.SECURITY]
    assert find_groups(client, "R&D") == ()


def test_members_of_nested_groups_are_all_found_once(tenant: RunningTenant, client: GraphClient) -> None:
    outer, inner = tenant.control.add_group("Outer"), tenant.control.add_group("Inner")
    users = [new_user(tenant, f"user{number}") for number in range(5)]
    for user in users:
        tenant.control.add_member(inner, user)
    tenant.control.add_member(outer, users[0])
    tenant.control.add_member(outer, inner)
    tenant.control.add_member(outer, tenant.control.add_directory_object(kind="device", display_name="printer"))
    members = list(group_members(client, GroupId(outer)))
    assert sorted(member.id for member in members) == sorted(users)
    assert all(member.principal_name for member in members)


def test_a_large_group_comes_page_by_page(tenant: RunningTenant, client: GraphClient) -> None:
    group = tenant.control.add_group("Everybody")
    for number in range(1050):
        tenant.control.add_member(group, new_user(tenant, f"u{number}", mailbox=False))
    assert len({member.id for member in group_members(client, GroupId(group))}) == 1050
    assert client.traffic().requests["directory"] == 2


def test_members_that_may_not_be_seen_are_limited_and_an_unknown_group_is_not_found(tenant: RunningTenant, client: GraphClient) -> None:
    group = tenant.control.add_group("Sales")
    tenant.control.add_member(group, new_user(tenant, "anna"))
    tenant.control.arm({"name": "limited_members", "times": 1})
    (member,) = group_members(client, GroupId(group))
    assert member.is_limited
    with pytest.raises(NotFound):
        list(group_members(client, GroupId("00000000-0000-4000-8000-000000000000")))


def test_mistyped_names_lead_to_candidates(tenant: RunningTenant, client: GraphClient) -> None:
    new_user(tenant, "anna.smith", display_name="Anna Smith")
    new_user(tenant, "bert", display_name="Bert")
    tenant.control.add_group("Sales Europe")
    assert [user.display_name for user in similar_users(client, "anna.smit@typo.example")] == ["Anna Smith"]
    assert [group.display_name for group in similar_groups(client, "Sales Eurpoe")] == ["Sales Europe"]
    assert similar_groups(client, "Zzz") == ()
