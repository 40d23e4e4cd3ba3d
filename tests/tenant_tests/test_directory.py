# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users, groups, memberships."""

from __future__ import annotations

import typing as t
from urllib.parse import quote

import pytest
from tenant_tests.support import Client

if t.TYPE_CHECKING:
    from tenant.control import ControlClient

NOT_GUESTS = quote("userType ne 'Guest'")
SALES = quote("startswith(displayName,'Sales')")
VAN = quote('"displayName:van"')
ANCE = quote('"displayName:ance"')
UNQUOTED = quote("displayName:van")
ADVANCED = {"ConsistencyLevel": "eventual"}


@pytest.fixture
def people(control: ControlClient) -> dict[str, str]:
    names = {
        "adele@contoso.com": {"display_name": "Adele Vance", "department": "Sales"},
        "bruno@contoso.com": {"display_name": "Bruno O'Hara", "user_type": None, "department": "Sales"},
        "guest_gmail.com#EXT#@contoso.onmicrosoft.com": {"display_name": "Guest", "user_type": "Guest", "mail": None, "mailbox": False},
        "room@contoso.com": {"display_name": "Room", "account_enabled": False},
    }
    return {name: control.add_user(name, **t.cast("dict[str, t.Any]", options)) for name, options in names.items()}


def names_of(page: dict[str, t.Any]) -> list[str]:
    return [entry["displayName"] for entry in page["value"]]


def test_users_without_select_show_eleven_properties(client: Client, people: dict[str, str]) -> None:
    user = client.page("/users")["value"][0]
    assert len(user) == 11
    assert "userType" not in user
    assert client.page("/users?$select=id,userType,accountEnabled")["value"][3] == {
        "id": people["room@contoso.com"],
        "userType": "Member",
        "accountEnabled": False,
    }


def test_users_come_by_the_hundred_and_at_most_999_at_once(client: Client, control: ControlClient) -> None:
    for number in range(105):
        control.add_user(f"user{number}@contoso.com", mailbox=False)
    page = client.page("/users?$select=id")
    assert len(page["value"]) == 100
    assert len(client.all("/users?$select=id")) == 105
    assert len(client.page("/users?$top=999")["value"]) == 105
    reply = client.get("/users?$top=1000")
    assert (reply.status, reply.code) == (400, "Request_BadRequest")


@pytest.mark.parametrize("key", ["adele@contoso.com", "ADELE@contoso.com", "id", "ID"])
def test_a_user_is_found_by_id_and_principal_name_in_any_case(client: Client, people: dict[str, str], key: str) -> None:
    identifier = people["adele@contoso.com"]
    wanted = {"id": identifier, "ID": identifier.upper()}.get(key, key)
    assert client.page(f"/users/{wanted}")["id"] == identifier


def test_a_guests_name_works_percent_encoded(client: Client, people: dict[str, str]) -> None:
    name = "guest_gmail.com#EXT#@contoso.onmicrosoft.com"
    assert client.page(f"/users/{quote(name, safe='')}")["id"] == people[name]


def test_a_missing_object_is_named(client: Client, people: dict[str, str]) -> None:
    for path in ("/users/nobody@contoso.com", f"/groups/{people['adele@contoso.com']}"):
        reply = client.get(path)
        assert (reply.status, reply.code) == (404, "Request_ResourceNotFound")
        assert path.rpartition("/")[2] in reply.error["message"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("userPrincipalName eq 'ADELE@contoso.com'", ["Adele Vance"]),
        ("displayName eq 'Bruno O''Hara'", ["Bruno O'Hara"]),
        ("startsWith(displayName,'A')", ["Adele Vance"]),
        ("department eq 'Sales' and accountEnabled eq true", ["Adele Vance", "Bruno O'Hara"]),
        ("mail in ('adele@contoso.com','room@contoso.com')", ["Adele Vance", "Room"]),
        ("userType eq 'Guest' or (accountEnabled eq false)", ["Guest", "Room"]),
    ],
)
def test_simple_filters_need_no_header(client: Client, people: dict[str, str], query: str, found: list[str]) -> None:
    assert names_of(client.page(f"/users?$filter={quote(query)}")) == found


@pytest.mark.parametrize("query", ["userType ne 'Guest'", "not startsWith(displayName,'A')", "endsWith(mail,'@contoso.com')"])
def test_advanced_filters_need_header_and_count(client: Client, people: dict[str, str], query: str) -> None:
    path = f"/users?$filter={quote(query)}"
    for options in ({}, {"headers": ADVANCED}):
        reply = client.get(path, **options.get("headers", {}))
        assert (reply.status, reply.code) == (400, "Request_UnsupportedQuery")
    page = client.page(path + "&$count=true", **ADVANCED)
    assert page["@odata.count"] == len(page["value"]) == 3


def test_a_null_user_type_is_not_a_guest(client: Client, people: dict[str, str]) -> None:
    path = f"/users?$filter={NOT_GUESTS}&$count=true"
    assert "Bruno O'Hara" in names_of(client.page(path, **ADVANCED))


def test_the_header_is_needed_on_every_page_and_the_count_comes_once(client: Client, people: dict[str, str]) -> None:
    page = client.page(f"/users?$filter={NOT_GUESTS}&$count=true&$top=1", **ADVANCED)
    assert page["@odata.count"] == 3
    assert client.get(page["@odata.nextLink"]).status == 400
    assert "@odata.count" not in client.page(page["@odata.nextLink"], **ADVANCED)


def test_search_matches_beginnings_of_words_and_wants_quotes(client: Client, people: dict[str, str]) -> None:
    assert names_of(client.page(f"/users?$search={VAN}", **ADVANCED)) == ["Adele Vance"]
    assert names_of(client.page(f"/users?$search={ANCE}", **ADVANCED)) == []
    assert client.get(f"/users?$search={UNQUOTED}", **ADVANCED).status == 400
    assert client.get(f"/users?$search={VAN}").status == 400


def test_groups_are_found_by_name_mail_and_beginning(client: Client, control: ControlClient) -> None:
    sales = control.add_group("Sales", kind="microsoft365", mail="sales@contoso.com")
    control.add_group("Sales North")
    for query in ("displayName eq 'sales'", "mail eq 'sales@contoso.com'"):
        (found,) = client.page(f"/groups?$filter={quote(query)}")["value"]
        assert (found["id"], found["groupTypes"]) == (sales, ["Unified"])
    assert names_of(client.page(f"/groups?$filter={SALES}")) == ["Sales", "Sales North"]
    assert client.page(f"/groups/{sales}?$select=id,mailEnabled") == {
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#groups/$entity",
        "id": sales,
        "mailEnabled": True,
    }


def test_members_are_direct_and_transitive_members_flat_mixed_and_cycle_proof(
    client: Client, control: ControlClient, people: dict[str, str]
) -> None:
    outer, inner = control.add_group("Outer"), control.add_group("Inner")
    device = control.add_directory_object("device", "laptop")
    for group, member in ((outer, "Inner"), (outer, device), (inner, "adele@contoso.com"), (inner, "Outer"), (outer, "adele@contoso.com")):
        control.add_member(group, member)
    direct = client.page(f"/groups/{outer}/members")["value"]
    assert [entry["@odata.type"].rpartition(".")[2] for entry in direct] == ["group", "device", "user"]
    flat = client.page(f"/groups/{outer}/transitiveMembers")["value"]
    assert {entry["id"] for entry in flat} == {inner, device, people["adele@contoso.com"]}
    cast = client.page(f"/groups/{outer}/transitiveMembers/microsoft.graph.user?$select=id&$count=true", **ADVANCED)
    assert cast["value"] == [{"id": people["adele@contoso.com"]}]
    assert cast["@odata.count"] == 1
    above = client.page(f"/users/{people['adele@contoso.com']}/transitiveMemberOf")["value"]
    assert {entry["id"] for entry in above} == {outer, inner}


def test_members_come_in_pages(client: Client, control: ControlClient) -> None:
    group = control.add_group("Big")
    for number in range(7):
        control.add_member(group, control.add_user(f"user{number}@contoso.com", mailbox=False))
    assert len(client.all(f"/groups/{group}/transitiveMembers/microsoft.graph.user?$top=3")) == 7
    control.remove_member(group, "user3@contoso.com")
    assert len(client.all(f"/groups/{group}/members?$top=3")) == 6


def test_a_removed_user_is_gone_everywhere_but_among_the_deleted(client: Client, control: ControlClient, people: dict[str, str]) -> None:
    group = control.add_group("Sales")
    control.add_member(group, "adele@contoso.com")
    control.remove_user("adele@contoso.com")
    identifier = people["adele@contoso.com"]
    assert client.get(f"/users/{identifier}").code == "Request_ResourceNotFound"
    assert client.page(f"/groups/{group}/members")["value"] == []
    (deleted,) = client.page("/directory/deletedItems/microsoft.graph.user?$select=id,userPrincipalName")["value"]
    assert deleted["userPrincipalName"] == identifier.replace("-", "") + "adele@contoso.com"
    assert control.add_user("adele@contoso.com") != identifier


def test_counting_users_is_plain_text_and_needs_the_header(client: Client, people: dict[str, str]) -> None:
    assert client.get("/users/$count").status == 400
    reply = client.get("/users/$count", **ADVANCED)
    assert (reply.headers["Content-Type"], reply.body) == ("text/plain", b"4")
