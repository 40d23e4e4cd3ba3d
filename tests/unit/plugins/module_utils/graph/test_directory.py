# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users and groups, against a scripted service."""

from __future__ import annotations

import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.plugins.module_utils.graph.fakes import Answer, Scene, refusal

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.directory import (
    GroupKind,
    find_groups,
    find_users,
    group_from,
    group_members,
    quoted,
    similar_groups,
    similar_users,
    user_from,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import AccessDenied, CursorLost
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import GroupId

GUID = "11111111-2222-3333-4444-555555555555"
ANNA = {
    "id": GUID,
    "userPrincipalName": "anna@x.example",
    "mail": None,
    "displayName": "Anna",
    "accountEnabled": True,
    "userType": "Member",
}
NOBODY = Answer(200, {"value": []})


def asked(scene: Scene, index: int = 0) -> str:
    return urllib.parse.unquote(scene.sender.requests[index].target)


def test_a_user_is_looked_up_by_object_id_directly() -> None:
    scene = Scene(Answer(200, ANNA))
    (user,) = find_users(scene.client, GUID)
    assert (user.principal_name, user.mail, user.is_enabled, user.is_guest, user.is_limited) == ("anna@x.example", None, True, False, False)
    assert asked(scene).startswith(f"/v1.0/users/{GUID}?$select=id,userPrincipalName")


def test_a_user_is_looked_up_by_name_or_address_in_one_request() -> None:
    scene = Scene(Answer(200, {"value": [ANNA]}))
    assert len(find_users(scene.client, "o'neil@x.example")) == 1
    assert "$filter=userPrincipalName eq 'o''neil@x.example' or mail eq 'o''neil@x.example'" in asked(scene)


def test_an_unknown_user_or_group_is_an_empty_answer() -> None:
    missing = refusal(404, "Request_ResourceNotFound")
    assert find_users(Scene(missing).client, GUID) == ()
    assert find_users(Scene(NOBODY).client, "x@y") == ()
    assert find_groups(Scene(missing).client, GUID) == ()
    assert find_groups(Scene(NOBODY).client, "Sales") == ()


def test_groups_that_share_a_name_are_all_given() -> None:
    scene = Scene(Answer(200, {"value": [{"id": "1", "displayName": "Sales"}, {"id": "2", "displayName": "Sales"}]}))
    assert [group.id for group in find_groups(scene.client, "Sales")] == ["1", "2"]


@pytest.mark.parametrize(
    ("fields", "kind", "is_dynamic"),
    [
        ({"groupTypes": ["Unified"], "mailEnabled": True, "securityEnabled": True}, GroupKind.MICROSOFT_365, False),
        ({"groupTypes": [], "mailEnabled": False, "securityEnabled": True}, GroupKind.SECURITY, False),
        ({"groupTypes": [], "mailEnabled": True, "securityEnabled": True}, GroupKind.MAIL_ENABLED_SECURITY, False),
        ({"groupTypes": [], "mailEnabled": True, "securityEnabled": False}, GroupKind.DISTRIBUTION, False),
        ({"groupTypes": ["DynamicMembership"], "securityEnabled": True}, GroupKind.SECURITY, True),
        ({}, GroupKind.UNKNOWN, False),
    ],
)
def test_the_kind_of_a_group_follows_from_its_flags(fields: dict[str, object], kind: GroupKind, is_dynamic: bool) -> None:
    group = group_from({"id": "g", **fields})
    assert (group.kind, group.is_dynamic) == (kind, is_dynamic)


def test_members_come_once_each_over_all_pages_with_the_header_that_the_cast_needs() -> None:
    link = "https://graph.microsoft.com/v1.0/groups/g/transitiveMembers/microsoft.graph.user?$skiptoken=2"
    limited = {"@odata.type": "#microsoft.graph.user", "id": "2", "displayName": None, "userPrincipalName": None}
    scene = Scene(Answer(200, {"value": [ANNA, limited], "@odata.nextLink": link}), Answer(200, {"value": [ANNA]}))
    members = list(group_members(scene.client, GroupId("g")))
    assert [(member.id, member.is_limited) for member in members] == [(GUID, False), ("2", True)]
    assert [request.headers["ConsistencyLevel"] for request in scene.sender.requests] == ["eventual", "eventual"]
    assert "$count=true" in asked(scene)


def test_a_listing_whose_links_expired_begins_anew_and_names_nobody_twice() -> None:
    link = "https://graph.microsoft.com/v1.0/groups/g/transitiveMembers/microsoft.graph.user?$skiptoken=2"
    berta = {"id": "2", "userPrincipalName": "berta@x.example"}
    first = Answer(200, {"value": [ANNA], "@odata.nextLink": link})
    expired = refusal(400, "Directory_ExpiredPageToken")
    scene = Scene(first, expired, first, Answer(200, {"value": [berta]}))
    assert [member.id for member in group_members(scene.client, GroupId("g"))] == [GUID, "2"]
    stubborn = Scene(*[first, expired] * 3)
    with pytest.raises(CursorLost):
        list(group_members(stubborn.client, GroupId("g")))


def test_a_missing_permission_is_named() -> None:
    scene = Scene(refusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."))
    with pytest.raises(AccessDenied, match=r"GroupMember\.Read\.All"):
        list(group_members(scene.client, GroupId("g")))


def test_similar_names_are_searched_from_near_to_far() -> None:
    scene = Scene(NOBODY, NOBODY, Answer(200, {"value": [ANNA]}))
    assert [user.display_name for user in similar_users(scene.client, "anna.smit@x.example")] == ["Anna"]
    assert ["'anna.smit'" in asked(scene, 0), "'anna'" in asked(scene, 1), "'ann'" in asked(scene, 2)] == [True, True, True]


def test_candidates_are_few_and_come_once() -> None:
    groups = [{"id": str(number), "displayName": f"Sales {number}"} for number in range(4)]
    scene = Scene(Answer(200, {"value": groups[:3]}), Answer(200, {"value": groups}), NOBODY)
    assert len(similar_groups(scene.client, "Sales & Marketing", limit=4)) == 4


def test_a_search_that_is_refused_gives_no_candidates() -> None:
    assert similar_users(Scene(refusal(400, "Request_UnsupportedQuery")).client, "anna") == ()


@given(st.text())
def test_a_quoted_text_cannot_end_its_own_quotes(text: str) -> None:
    inner = quoted(text)[1:-1]
    assert inner.replace("''", "").count("'") == 0
    assert inner.replace("''", "'") == text


@given(
    st.dictionaries(
        st.sampled_from(["id", "userPrincipalName", "mail", "displayName", "accountEnabled", "userType"]),
        st.none() | st.text() | st.booleans(),
    )
)
def test_a_user_is_made_of_whatever_may_be_seen(fields: dict[str, object]) -> None:
    user = user_from(fields)
    assert isinstance(user.principal_name, str)
    assert user.is_enabled in (True, False, None)
