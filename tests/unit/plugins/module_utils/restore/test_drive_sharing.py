# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who gets access again to a shared file, out of the permissions that it had."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.drive_sharing import Grantee, Grants, grants_of, missing

Json = dict[str, t.Any]
BOB = {"user": {"id": "b", "displayName": "Bob", "email": "bob@x.example"}}
TEAM = {"group": {"id": "g", "displayName": "Team"}}


def direct(identity: Json, *roles: str, **more: t.Any) -> Json:
    return {"id": "p", "roles": list(roles), "grantedToV2": identity, **more}


def link(scope: str, kind: str, *identities: Json) -> Json:
    return {"id": "l", "roles": ["read"], "link": {"scope": scope, "type": kind}, "grantedToIdentitiesV2": list(identities)}


def names(grants: Grants) -> dict[str, str]:
    return {grantee.key: role for grantee, role in grants.roles.items()}


@pytest.mark.parametrize(
    ("permission", "roles", "links", "others"),
    [
        (direct(BOB, "write"), {"b": "write"}, 0, 0),
        (direct(TEAM, "read"), {"g": "read"}, 0, 0),
        (direct({"user": {"email": "guest@y.example"}}, "read"), {"guest@y.example": "read"}, 0, 0),
        (direct({"siteUser": {"loginName": "i:0#.f|x", "email": "s@x.example"}}, "read"), {"s@x.example": "read"}, 0, 0),
        ({"roles": ["read"], "grantedTo": BOB}, {"b": "read"}, 0, 0),
        (link("users", "view", BOB), {"b": "read"}, 0, 0),
        ({**link("users", "edit", BOB), "roles": ["write"]}, {"b": "write"}, 0, 0),
        (link("anonymous", "view"), {}, 1, 0),
        (link("organization", "edit"), {}, 1, 0),
        (direct(BOB, "owner"), {}, 0, 0),
        (direct(BOB), {}, 0, 0),
        (direct(BOB, "read", inheritedFrom={}), {}, 0, 0),
        (direct(BOB, "read", inheritedFrom={"id": "1"}), {}, 0, 0),
        (direct(BOB, "sp.full control"), {}, 0, 1),
        (direct(BOB, "read", expirationDateTime="2027-01-01T00:00:00Z"), {}, 0, 1),
        (direct({"siteGroup": {"id": "3", "displayName": "Visitors"}}, "read"), {}, 0, 1),
        (direct({"application": {"id": "a"}}, "write"), {}, 0, 1),
    ],
)
def test_people_and_groups_are_invited_again_and_the_rest_is_counted(permission: Json, roles: Json, links: int, others: int) -> None:
    grants = grants_of([permission])
    assert (names(grants), grants.links, grants.others) == (roles, links, others)


def test_the_owner_of_the_drive_needs_no_invitation() -> None:
    assert names(grants_of([direct(BOB, "write"), direct(TEAM, "read")], owner="B")) == {"g": "read"}


def test_of_two_permissions_of_one_person_the_stronger_counts() -> None:
    for order in ([direct(BOB, "write"), direct(BOB, "read")], [direct(BOB, "read"), direct(BOB, "write")]):
        assert names(grants_of(order)) == {"b": "write"}


grantees = st.builds(Grantee, key=st.sampled_from("abcd"), is_address=st.just(value=False), name=st.just(""))
grants = st.dictionaries(grantees, st.sampled_from(["read", "write"]), max_size=4).map(Grants)


@given(wanted=grants, there=grants)
def test_who_has_been_invited_is_not_invited_again_and_nobody_who_may_write_loses_it(wanted: Grants, there: Grants) -> None:
    lacking = missing(wanted, there)
    for role, people in lacking.items():
        for each in people:
            assert (wanted.roles[each], there.roles.get(each)) in ((role, None), ("write", "read"))
    after = {**there.roles, **{each: role for role, people in lacking.items() for each in people}}
    assert missing(wanted, Grants(after)) == {}
