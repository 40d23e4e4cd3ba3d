# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""By what users can be filtered, and what needs an advanced query (facts D2, D5)."""

from __future__ import annotations

import typing as t
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tenant_tests.support import Client

from tenant.filters import matches, parse_filter

if t.TYPE_CHECKING:
    from tenant.control import ControlClient

ADVANCED = {"ConsistencyLevel": "eventual"}
DN = "CN=Adele,OU=Sales,OU=People,DC=contoso,DC=com"


@pytest.fixture
def people(control: ControlClient) -> None:
    control.add_user(
        "adele@contoso.com",
        department="Sales",
        companyName="Contoso",
        officeLocation="Köln",
        employeeType="Employee",
        onPremisesSyncEnabled=True,
        onPremisesDistinguishedName=DN,
        onPremisesExtensionAttributes={f"extensionAttribute{number}": None for number in range(1, 16)} | {"extensionAttribute7": "gold"},
    )
    control.add_user("bruno@contoso.com", department="IT", city="Paris", mailbox=False)
    control.add_user("carla@contoso.com", companyName="Fabrikam", account_enabled=False)
    control.take_licences("carla@contoso.com")


def found(client: Client, filter_: str, *, advanced: bool) -> list[str]:
    query = f"/users?$select=userPrincipalName&$filter={quote(filter_)}" + ("&$count=true" if advanced else "")
    return [entry["userPrincipalName"].partition("@")[0] for entry in client.all(query, **(ADVANCED if advanced else {}))]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("department eq 'sales'", ["adele"]),
        ("department in ('IT','Sales') and accountEnabled eq true", ["adele", "bruno"]),
        ("startsWith(city,'Par')", ["bruno"]),
        ("onPremisesSyncEnabled eq true", ["adele"]),
        ("assignedPlans/any(p:p/service eq 'exchange' and p/capabilityStatus eq 'Enabled')", ["adele"]),
        ("assignedPlans/any(p: p/capabilityStatus eq 'Deleted') or department eq 'IT'", ["bruno", "carla"]),
        ("proxyAddresses/any(p:startswith(p,'smtp:bruno'))", ["bruno"]),
    ],
)
def test_some_filters_work_by_default_and_as_advanced_queries(client: Client, people: None, query: str, names: list[str]) -> None:
    assert found(client, query, advanced=False) == names
    assert found(client, query, advanced=True) == names


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("companyName eq 'contoso'", ["adele"]),
        ("officeLocation in ('Köln','Bonn')", ["adele"]),
        ("employeeType eq 'Employee'", ["adele"]),
        ("onPremisesExtensionAttributes/extensionAttribute7 eq 'gold'", ["adele"]),
        ("department ne 'Sales'", ["bruno", "carla"]),
        ("department eq null", ["carla"]),
        ("not (startsWith(displayName,'a') or accountEnabled eq false)", ["bruno"]),
        ("endsWith(userPrincipalName,'@contoso.com') and department eq 'IT'", ["bruno"]),
        ("assignedLicenses/$count ne 0", ["adele"]),
        ("not assignedPlans/any(p:p/service eq 'exchange')", ["bruno"]),
    ],
)
def test_others_need_the_header_and_the_count(client: Client, people: None, query: str, names: list[str]) -> None:
    reply = client.get(f"/users?$filter={quote(query)}")
    assert (reply.status, reply.code) == (400, "Request_UnsupportedQuery")
    assert found(client, query, advanced=True) == names


@pytest.mark.parametrize(
    ("query", "code", "word"),
    [
        ("onPremisesDistinguishedName eq 'x'", "Request_UnsupportedQuery", "property 'onPremisesDistinguishedName' of resource 'User'"),
        ("endsWith(displayName,'x')", "Request_UnsupportedQuery", "property 'displayName'"),
        ("contains(displayName,'x')", "Request_UnsupportedQuery", "Unsupported Query"),
        ("departmnet eq 'Sales'", "BadRequest", "Could not find a property named 'departmnet'"),
        ("department eq Sales and", "BadRequest", "Invalid filter clause"),
        ("assignedPlans/any(p:service eq 'exchange')", "BadRequest", "Invalid filter clause"),
        (" or ".join(f"id eq '{number}'" for number in range(16)), "Request_UnsupportedQuery", "'OR' operators: 16. Max allowed: 15"),
        (f"mail in ({','.join(repr(str(number)) for number in range(16))})", "Request_UnsupportedQuery", "Max allowed: 15"),
    ],
)
def test_what_nobody_can_filter_by_is_refused_in_the_words_of_the_service(client: Client, query: str, code: str, word: str) -> None:
    reply = client.get(f"/users?$filter={quote(query)}&$count=true", **ADVANCED)
    assert (reply.status, reply.code) == (400, code)
    assert word in reply.error["message"]


def test_the_place_in_an_on_premises_directory_comes_when_it_is_selected(client: Client, people: None) -> None:
    users = client.all("/users?$select=onPremisesDistinguishedName")
    assert [user["onPremisesDistinguishedName"] for user in users] == [DN, None, None]


VALUES = st.text("aA' ()", max_size=3)
PERSON: dict[str, t.Any] = {"a": "aa", "b": "A'", "rows": [{"c": ""}, {"c": "a a"}]}


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def comparison(name: str, wanted: str, kind: str) -> tuple[str, bool]:
    """A condition in Graph's words, and whether it holds for the person."""
    value = str(PERSON[name]).casefold()
    if kind == "startsWith":
        return f"startsWith({name},{quoted(wanted)})", value.startswith(wanted.casefold())
    if kind == "in":
        return f"{name} in ('zz',{quoted(wanted)})", value == wanted.casefold()
    return f"{name} {kind} {quoted(wanted)}", (value == wanted.casefold()) is (kind == "eq")


COMPARISONS = st.builds(
    comparison, st.sampled_from("ab"), VALUES | st.sampled_from(["aa", "A'"]), st.sampled_from(["eq", "ne", "in", "startsWith"])
)


def combined(parts: st.SearchStrategy[tuple[str, bool]]) -> st.SearchStrategy[tuple[str, bool]]:
    both = st.builds(lambda one, two: (f"{one[0]} and {two[0]}", one[1] and two[1]), parts, parts)
    either = st.builds(lambda one, two: (f"({one[0]} or {two[0]})", one[1] or two[1]), parts, parts)
    return both | either | st.builds(lambda one: (f"not ({one[0]})", not one[1]), parts)


ANY_ROW = st.builds(
    lambda text: (f"rows/any(x:x/c eq {quoted(text)})", text.casefold() in ("", "a a")),
    VALUES | st.just("a a"),
)


@given(st.recursive(COMPARISONS | ANY_ROW, combined, max_leaves=8))
def test_a_filter_means_what_its_parts_mean(condition: tuple[str, bool]) -> None:
    text, holds = condition
    assert matches(parse_filter(text), PERSON.get) is holds
