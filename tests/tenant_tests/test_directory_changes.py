# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Administrative units, hidden and limited members, deleted users, many people, and what the directory's limits count."""

from __future__ import annotations

import datetime
import typing as t
from urllib.parse import quote

import pytest
from tenant_tests.support import Client

from tenant.call import Call
from tenant.control import TenantControlError
from tenant.directory_units import DirectoryBucket

if t.TYPE_CHECKING:
    from tenant.control import ControlClient

ADVANCED = {"ConsistencyLevel": "eventual"}
KOELN = "displayName eq 'köln'"
CAST = "/microsoft.graph.user?$select=id,displayName&$count=true"


def app_with(client: Client, control: ControlClient, *roles: str) -> str:
    return client.log_in(**control.add_app(roles=roles))


def test_an_administrative_unit_has_direct_members_only(client: Client, control: ControlClient, adele: str) -> None:
    group = control.add_group("Sales")
    control.add_member(group, control.add_user("bruno@contoso.com"))
    unit = control.add_unit("Köln", members=[group])
    control.add_unit_member(unit, "adele.vance@contoso.com")
    (listed,) = client.page(f"/directory/administrativeUnits?$filter={quote(KOELN)}")["value"]
    assert (listed["id"], listed["visibility"]) == (unit, None)
    assert client.page(f"/directory/administrativeUnits/{unit}?$select=displayName")["displayName"] == "Köln"
    members = client.page(f"/directory/administrativeUnits/{unit}/members")["value"]
    assert [entry["@odata.type"] for entry in members] == ["#microsoft.graph.group", "#microsoft.graph.user"]
    assert client.get(f"/directory/administrativeUnits/{unit}/members{CAST}").status == 400
    (user,) = client.page(f"/directory/administrativeUnits/{unit}/members{CAST}", **ADVANCED)["value"]
    assert user["id"] == adele
    control.remove_unit_member(unit, adele)
    control.rename_unit(unit, "Bonn")
    assert client.page(f"/directory/administrativeUnits/{unit}/members{CAST}", **ADVANCED)["value"] == []
    control.remove_unit(unit)
    assert client.get(f"/directory/administrativeUnits/{unit}").code == "Request_ResourceNotFound"
    assert client.get(f"/directory/administrativeUnits/{group}").code == "Request_ResourceNotFound"


def test_units_need_a_permission_of_their_own(client: Client, control: ControlClient) -> None:
    refused = client.get("/directory/administrativeUnits", token=app_with(client, control, "User.Read.All", "Group.Read.All"))
    assert (refused.status, refused.code) == (403, "Authorization_RequestDenied")
    assert client.get("/directory/administrativeUnits", token=app_with(client, control, "AdministrativeUnit.Read.All")).status == 200


@pytest.mark.parametrize("place", ["groups", "directory/administrativeUnits"])
def test_hidden_members_show_with_their_permission_only(client: Client, control: ControlClient, adele: str, place: str) -> None:
    group = control.add_groups({"Secret": [adele]}, kind="microsoft365")["Secret"]
    control.update_group(group, visibility="HiddenMembership")
    unit = control.add_unit("Secret", members=[adele], hidden=True)
    path = f"/{place}/{group if place == 'groups' else unit}/members"
    assert client.page(path)["value"] == []
    roles = ("User.Read.All", "GroupMember.Read.All", "AdministrativeUnit.Read.All", "Member.Read.Hidden")
    assert [entry["id"] for entry in client.page(path, token=app_with(client, control, *roles))["value"]] == [adele]


def test_members_that_the_app_may_not_see_come_with_their_id_alone(client: Client, control: ControlClient, adele: str) -> None:
    group = control.add_groups({"Sales": [adele]})["Sales"]
    token = app_with(client, control, "GroupMember.Read.All")
    (member,) = client.page(f"/groups/{group}/transitiveMembers{CAST}", token=token, **ADVANCED)["value"]
    assert member == {"id": adele, "displayName": None}


def test_dynamic_groups_are_marked(client: Client, control: ControlClient) -> None:
    groups = {kind: control.add_group(kind, kind=kind) for kind in ("dynamic_security", "dynamic_microsoft365")}
    control.update_group(groups["dynamic_security"], membershipRuleProcessingState="Paused")
    listed = {entry["displayName"]: entry for entry in client.all("/groups")}
    assert listed["dynamic_security"]["groupTypes"] == ["DynamicMembership"]
    assert listed["dynamic_microsoft365"]["groupTypes"] == ["Unified", "DynamicMembership"]
    assert [entry["membershipRuleProcessingState"] for entry in listed.values()] == ["Paused", "On"]


def test_a_deleted_user_comes_back_into_its_groups_with_its_mailbox_until_it_is_purged(
    client: Client, control: ControlClient, adele: str
) -> None:
    group = control.add_groups({"Sales": [adele]})["Sales"]
    control.remove_user(adele)
    deleted = client.page(f"/directory/deletedItems/{adele}?$select=id,userPrincipalName,deletedDateTime")
    assert deleted["userPrincipalName"] == adele.replace("-", "") + "adele.vance@contoso.com"
    assert deleted["deletedDateTime"].endswith("Z")
    assert client.get(f"/users/{adele}/mailFolders").status == 404
    control.restore_user(adele)
    assert client.page(f"/users/{adele}?$select=userPrincipalName,deletedDateTime")["deletedDateTime"] is None
    assert [entry["id"] for entry in client.page(f"/groups/{group}/members")["value"]] == [adele]
    assert client.get(f"/users/{adele}/mailFolders").status == 200
    control.purge_user(adele)
    assert client.get(f"/directory/deletedItems/{adele}").code == "Request_ResourceNotFound"
    with pytest.raises(TenantControlError, match="does not exist"):
        control.restore_user(adele)


def test_deleted_users_are_purged_after_thirty_days(client: Client, control: ControlClient, adele: str) -> None:
    bruno = control.add_user("bruno@contoso.com")
    now = datetime.datetime.now(datetime.timezone.utc)
    control.remove_user(adele, moment=now - datetime.timedelta(days=31))
    control.remove_user(bruno, moment=now - datetime.timedelta(days=29))
    assert client.get(f"/directory/deletedItems/{adele}").status == 404
    (kept,) = client.page("/directory/deletedItems/microsoft.graph.user?$select=id")["value"]
    assert kept["id"] == bruno


def test_a_name_that_somebody_else_has_taken_is_not_given_back(control: ControlClient, adele: str) -> None:
    control.remove_user(adele)
    assert control.add_user("adele.vance@contoso.com") != adele
    with pytest.raises(TenantControlError, match="already holds the user"):
        control.restore_user(adele)


def test_a_mailbox_says_what_it_is_for(client: Client, control: ControlClient, adele: str) -> None:
    nobody = control.add_user("nobody@contoso.com", mailbox=False)
    control.set_mailbox_settings(adele, user_purpose="room")
    assert client.page(f"/users/{adele}/mailboxSettings/userPurpose")["value"] == "room"
    assert client.get(f"/users/{nobody}/mailboxSettings/userPurpose").code == "MailboxNotEnabledForRESTAPI"
    control.set_mailbox_settings(adele, denied=True)
    assert client.get(f"/users/{adele}/mailboxSettings/userPurpose").status == 403


def test_many_people_and_groups_are_made_in_a_call_each(client: Client, control: ControlClient) -> None:
    people = control.add_people(2_500, per_person=[{"department": "Sales"}, {"department": "IT", "accountEnabled": False}], city="Köln")
    groups = control.add_groups({"Even": people[::2], "Odd": people[1::2]})
    assert len(client.all("/users?$select=id&$top=999")) == 2_500
    odd = client.all(f"/groups/{groups['Odd']}/members/microsoft.graph.user?$select=department,city,accountEnabled&$top=999")
    assert (len(odd), odd[7]) == (1_250, {"department": "IT", "city": "Köln", "accountEnabled": False})
    with pytest.raises(TenantControlError, match="does not exist"):
        control.add_groups({"Nobody": ["nobody"]})


@pytest.mark.parametrize(
    ("path", "units"),
    [
        ("/users", 2),
        ("/users?$select=id", 1),
        ("/users?$top=5", 1),
        ("/users?$select=id&$top=5", 1),
        ("/users/{user}", 1),
        ("/users/{user}/transitiveMemberOf", 2),
        ("/groups/{group}/members", 3),
        ("/groups/{group}/transitiveMembers", 5),
        ("/groups/{group}/transitiveMembers?$select=id&$top=999", 4),
        ("/subscribedSkus", 3),
        ("/groups", 1),
    ],
)
def test_answers_say_what_they_cost(client: Client, control: ControlClient, adele: str, path: str, units: int) -> None:
    group = control.add_group("Sales")
    control.reset_log()
    reply = client.get(path.format(user=adele, group=group))
    assert reply.headers["x-ms-resource-unit"] == str(units)
    assert control.stats()["directory_units"] == {client.tenant.client_id: units}
    assert control.requests()[-1]["units"] == units


def test_who_has_used_up_the_units_is_told_how_long_to_wait(client: Client, control: ControlClient, adele: str) -> None:
    control.limits(directory_units=10, directory_window_seconds=3600)
    assert "x-ms-throttle-limit-percentage" not in client.get("/users").headers
    assert [client.get("/subscribedSkus").status for _unused in range(2)] == [200, 200]
    assert client.get(f"/users/{adele}").headers["x-ms-throttle-limit-percentage"] == "0.90"
    reply = client.get("/users")
    assert (reply.status, reply.code) == (429, "TooManyRequests")
    assert 300 < int(reply.headers["Retry-After"]) <= 360
    assert reply.headers["x-ms-throttle-information"] == "ResourceUnitLimitExceeded"
    assert reply.headers["x-ms-throttle-scope"].startswith("Tenant_Application/ReadWrite/")
    assert client.get(f"/users/{adele}/mailFolders").status == 200


@pytest.mark.parametrize(("users", "units"), [(0, 3_500), (49, 3_500), (50, 5_000), (500, 5_000), (501, 8_000)])
def test_a_bucket_holds_what_the_number_of_users_gives_and_fills_up_in_ten_seconds(users: int, units: int) -> None:
    moment = [0.0]
    bucket = DirectoryBucket(lambda: moment[0], "tenant", lambda: users)
    call = Call("GET", "graph.microsoft.com", "v1.0", ("users",), {}, {}, b"", "id", operation="users_list", client_id="app")

    def taken() -> int:
        return sum(1 for _unused in range(5_000) if bucket.charge(call).refusal is None) * 2

    assert taken() == units
    moment[0] = 5.0
    assert taken() == units // 2
    moment[0] = 60.0
    assert taken() == units
