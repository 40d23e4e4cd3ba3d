# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users, groups and administrative units of the tenant, and users that it has deleted."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from integration.graph_tenant import connected, new_user, settings_for

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.administrative_units import (
    find_units,
    similar_units,
    unit_members,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient, connect
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.clock import SystemClock
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.credentials import SecretCredential
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.directory_objects import GroupKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import AccessDenied, NotFound, ServiceUnavailable
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.groups import find_groups, group_members, similar_groups
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import GroupId, UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.mailbox_purpose import MailboxPurpose, mailbox_purpose
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.users import (
    all_users,
    deleted_user,
    find_many_users,
    find_users,
    similar_users,
    synced_users,
    user_by_id,
    users_matching,
)
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
    people = tenant.control.add_people(1_050)
    group = tenant.control.add_groups({"Everybody": people})["Everybody"]
    assert [member.id for member in group_members(client, GroupId(group))] == people
    assert client.traffic().requests["directory"] == 2


def test_members_that_may_not_be_seen_are_limited_and_an_unknown_group_is_not_found(tenant: RunningTenant, client: GraphClient) -> None:
    group = tenant.control.add_group("Sales")
    tenant.control.add_member(group, new_user(tenant, "anna"))
    app = tenant.control.add_app(roles=["GroupMember.Read.All"])
    with connect(settings_for(tenant, SecretCredential(app["client_secret"]), client_id=app["client_id"])) as limited:
        (member,) = group_members(limited, GroupId(group))
        assert member.is_limited
        with pytest.raises(AccessDenied, match=r"AdministrativeUnit\.Read\.All"):
            find_units(limited, "Berlin")
    with pytest.raises(NotFound):
        list(group_members(client, GroupId("00000000-0000-4000-8000-000000000000")))


def test_mistyped_names_lead_to_candidates(tenant: RunningTenant, client: GraphClient) -> None:
    new_user(tenant, "anna.smith", display_name="Anna Smith")
    new_user(tenant, "bert", display_name="Bert")
    tenant.control.add_group("Sales Europe")
    assert [user.display_name for user in similar_users(client, "anna.smit@typo.example")] == ["Anna Smith"]
    assert [group.display_name for group in similar_groups(client, "Sales Eurpoe")] == ["Sales Europe"]
    assert similar_groups(client, "Zzz") == ()
    tenant.control.add_unit("Region Süd")
    assert [unit.display_name for unit in similar_units(client, "region sued")] == ["Region Süd"]


def test_many_names_are_found_with_few_requests(tenant: RunningTenant, client: GraphClient) -> None:
    people = tenant.control.add_people(100)
    odd = new_user(tenant, "o'neil", mail="info@mail.example")
    other = new_user(tenant, "olga", mail="info@mail.example")
    names = [f"person{number:05}@{tenant.domain}".upper() for number in range(100)]
    found = find_many_users(client, [*names, people[3], "info@mail.example", "nobody@mail.example", f"O'NEIL@{tenant.domain}"])
    assert [user.id for name in names for user in found[name]] == people
    assert [user.id for user in found[people[3]]] == [people[3]]
    assert {user.id for user in found["info@mail.example"]} == {odd, other}
    assert found["nobody@mail.example"] == ()
    assert [user.id for user in found[f"O'NEIL@{tenant.domain}"]] == [odd]
    assert client.traffic().requests["directory"] == 16


def test_a_filter_finds_users_by_what_needs_an_advanced_query_on_every_page(tenant: RunningTenant, client: GraphClient) -> None:
    people = tenant.control.add_people(2_100, per_person=[{"companyName": "Contoso"}, {"companyName": "Fabrikam"}])
    assert [user.id for user in users_matching(client, "not (companyName eq 'Fabrikam')")] == people[::2]
    assert sum(1 for _user in all_users(client)) == 2_100
    with pytest.raises(InputError, match=r"user_filter .*Could not find a property named 'firma'.*Correct user_filter"):
        list(users_matching(client, "firma eq 'Contoso'"))


def test_users_come_with_their_licences_and_their_place_on_premises(tenant: RunningTenant, client: GraphClient) -> None:
    place = {"onPremisesSyncEnabled": True, "onPremisesDistinguishedName": "CN=Anna,OU=Sales,DC=x"}
    anna, bert, shared = new_user(tenant, "anna", **place), new_user(tenant, "bert"), new_user(tenant, "info", account_enabled=False)
    tenant.control.take_licences(shared)
    tenant.control.take_licences(bert)
    tenant.control.give_licence(bert, "WACONEDRIVESTANDARD")
    users = {user.id: user for user in all_users(client)}
    assert [users[one].has_mailbox_licence for one in (anna, bert, shared)] == [True, False, False]
    assert [one.is_held for one in (users[anna].drive_licence, users[bert].drive_licence, users[shared].drive_licence) if one] == [
        True,
        True,
        False,
    ]
    assert [user.on_premises_dn for user in synced_users(client)] == ["CN=Anna,OU=Sales,DC=x"]
    assert user_by_id(client, anna) == users[anna] == find_users(client, f"anna@{tenant.domain}")[0]


def test_administrative_units_are_found_by_id_and_name_and_bring_their_users(tenant: RunningTenant, client: GraphClient) -> None:
    users = tenant.control.add_people(3)
    group = tenant.control.add_groups({"Sales": [users[2]]})["Sales"]
    first = tenant.control.add_unit("Region 'Süd'", members=[users[0], group, users[1]])
    second = tenant.control.add_unit("Region 'Süd'", members=[users[2]], hidden=True)
    assert [(unit.id, unit.has_hidden_members) for unit in find_units(client, "region 'süd'")] == [(first, False), (second, True)]
    (unit,) = find_units(client, first)
    assert [user.id for user in unit_members(client, unit.id)] == users[:2]
    assert find_units(client, group) == ()
    assert list(unit_members(client, find_units(client, second)[0].id)) == []


def test_a_user_is_deleted_comes_back_and_is_purged(tenant: RunningTenant, client: GraphClient) -> None:
    anna = new_user(tenant, "anna", display_name="Anna")
    moment = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.timezone.utc)
    assert deleted_user(client, anna) is None
    tenant.control.remove_user(anna)
    found = deleted_user(client, anna)
    assert found is not None
    assert (found.id, found.principal_name, found.display_name) == (anna, f"anna@{tenant.domain}", "Anna")
    assert found.deleted is not None
    assert found.deleted > moment
    assert user_by_id(client, anna) is None
    tenant.control.restore_user(anna)
    assert find_users(client, f"anna@{tenant.domain}")[0].id == anna
    assert deleted_user(client, anna) is None
    tenant.control.purge_user(anna)
    assert (user_by_id(client, anna), deleted_user(client, anna)) == (None, None)


@pytest.mark.parametrize("purpose", [MailboxPurpose.USER, MailboxPurpose.SHARED, MailboxPurpose.EQUIPMENT])
def test_mailboxes_say_what_they_are_for(tenant: RunningTenant, client: GraphClient, purpose: MailboxPurpose) -> None:
    anna = new_user(tenant, "anna")
    tenant.control.set_mailbox_settings(anna, user_purpose=purpose.value)
    assert mailbox_purpose(client, anna) is purpose
    assert mailbox_purpose(client, new_user(tenant, "bert", mailbox=False)) is None
    assert mailbox_purpose(client, UserId("00000000-0000-4000-8000-000000000000")) is None
    tenant.control.set_mailbox_settings(anna, denied=True)
    with pytest.raises(AccessDenied, match=r"MailboxSettings\.Read"):
        mailbox_purpose(client, anna)
    tenant.control.set_mailbox_state(anna, "unavailable")
    with pytest.raises(ServiceUnavailable, match="MailboxInfoStale"):
        mailbox_purpose(client, anna)


def test_a_directory_that_asks_to_wait_is_waited_for(tenant: RunningTenant, client: GraphClient) -> None:
    groups = tenant.control.add_groups({f"Group {number}": tenant.control.add_people(1, name=f"p{number}") for number in range(8)})
    tenant.control.limits(directory_units=10, directory_window_seconds=0.5)
    with connected(tenant, clock=SystemClock()) as patient:
        assert [len(list(group_members(patient, GroupId(group)))) for group in groups.values()] == [1] * 8
        assert patient.traffic().throttled_answers > 0
    assert tenant.control.stats()["retry_after_violations"] == 0
