# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users, groups and administrative units, against a scripted service."""

from __future__ import annotations

import datetime
import typing as t
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.plugins.module_utils.graph.fakes import Answer, Scene, refusal

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.administrative_units import find_units, unit_members
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.directory_lists import MOST_CLAUSES, quoted
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.directory_objects import (
    GroupKind,
    deleted_user_from,
    group_from,
    unit_from,
    user_from,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import AccessDenied, CursorLost
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.groups import find_groups, group_members, similar_groups
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import GroupId, UnitId, UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limits import Budget, Budgets
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.mailbox_purpose import MailboxPurpose, mailbox_purpose
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.users import (
    all_users,
    deleted_user,
    find_many_users,
    find_users,
    similar_users,
    user_by_id,
    users_matching,
)

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


def test_an_unknown_user_group_or_unit_is_an_empty_answer() -> None:
    missing = refusal(404, "Request_ResourceNotFound")
    assert user_by_id(Scene(missing).client, UserId(GUID)) is None
    assert deleted_user(Scene(missing).client, UserId(GUID)) is None
    assert find_units(Scene(missing).client, GUID) == ()
    assert find_units(Scene(NOBODY).client, "Berlin") == ()
    assert find_users(Scene(missing).client, GUID) == ()
    assert find_users(Scene(NOBODY).client, "x@y") == ()
    assert find_groups(Scene(missing).client, GUID) == ()
    assert find_groups(Scene(NOBODY).client, "Sales") == ()


@given(st.lists(st.sampled_from([GUID, *(f"user{number}@x.example" for number in range(40))]), max_size=60))
def test_many_users_are_looked_up_in_few_requests_that_the_service_accepts(keys: list[str]) -> None:
    known = {"user1@x.example": "1", "user7@x.example": "7", "user33@x.example": "33"}
    entries = [ANNA, *({"id": number, "userPrincipalName": name.upper()} for name, number in known.items())]
    scene = Scene(*[Answer(200, {"value": entries})] * len(keys))
    found = find_many_users(scene.client, keys)
    assert {key: [user.id for user in users] for key, users in found.items()} == {
        key: [GUID] if key == GUID else [known[key]] if key in known else [] for key in keys
    }
    filters = [asked(scene, index) for index in range(len(scene.sender.requests))]
    assert all(filter_.count(" eq ") <= MOST_CLAUSES for filter_ in filters)
    assert len(filters) <= 1 + (len(set(keys)) + 6) // 7


def test_an_address_that_two_users_share_is_given_with_both() -> None:
    shared = [{"id": "1", "userPrincipalName": "a@x", "mail": "info@x"}, {"id": "2", "userPrincipalName": "b@x", "mail": "INFO@x"}]
    assert [user.id for user in find_many_users(Scene(Answer(200, {"value": shared})).client, ["info@x"])["info@x"]] == ["1", "2"]


def test_a_filter_goes_to_the_service_as_it_is_with_what_an_advanced_query_needs_on_every_page() -> None:
    link = "https://graph.microsoft.com/v1.0/users?$skiptoken=2"
    scene = Scene(Answer(200, {"value": [ANNA], "@odata.nextLink": link}), Answer(200, {"value": [{"id": "2"}]}))
    assert [user.id for user in users_matching(scene.client, "not (department eq 'R&D')")] == [GUID, "2"]
    assert "$filter=not (department eq 'R&D')&" in asked(scene)
    assert "$count=true" in asked(scene)
    assert [request.headers["ConsistencyLevel"] for request in scene.sender.requests] == ["eventual", "eventual"]


def test_a_filter_that_is_refused_is_an_error_of_the_declaration_in_the_words_of_the_service() -> None:
    refused = refusal(400, "Request_UnsupportedQuery", "Unsupported or invalid query filter clause specified for property 'city'.")
    with pytest.raises(InputError, match=r"user_filter \"city gt 'A'\" failed: .*for property 'city'.*Correct user_filter") as raised:
        list(users_matching(Scene(refused).client, "city gt 'A'"))
    assert raised.value.facts["request_id"] == "req-1"
    with pytest.raises(AccessDenied, match=r"User\.Read\.All"):
        list(users_matching(Scene(refusal(403, "Authorization_RequestDenied")).client, "city gt 'A'"))


def test_a_deleted_user_has_its_own_name_again_and_the_moment_of_its_deletion() -> None:
    name = GUID.replace("-", "") + "anna@x.example"
    scene = Scene(Answer(200, {"id": GUID, "userPrincipalName": name, "displayName": "Anna", "deletedDateTime": "2026-05-01T10:00:00Z"}))
    found = deleted_user(scene.client, UserId(GUID))
    assert found is not None
    assert (found.principal_name, found.display_name) == ("anna@x.example", "Anna")
    assert found.deleted == datetime.datetime(2026, 5, 1, 10, 0, tzinfo=datetime.timezone.utc)
    assert asked(scene).startswith(f"/v1.0/directory/deletedItems/{GUID}?$select=")
    limited = deleted_user_from({"id": GUID})
    assert (limited.principal_name, limited.deleted) == ("", None)


def test_members_of_a_unit_are_asked_for_as_users() -> None:
    scene = Scene(Answer(200, {"value": [ANNA]}))
    assert [user.id for user in unit_members(scene.client, UnitId("u"))] == [GUID]
    assert asked(scene).startswith("/v1.0/directory/administrativeUnits/u/members/microsoft.graph.user?")
    with pytest.raises(AccessDenied, match=r"AdministrativeUnit\.Read\.All"):
        list(unit_members(Scene(refusal(403, "Authorization_RequestDenied")).client, UnitId("u")))


def test_lists_that_do_not_tell_everything_say_so() -> None:
    assert group_from({"id": "g", "visibility": "HiddenMembership"}).has_hidden_members
    assert unit_from({"id": "u", "visibility": "HiddenMembership"}).has_hidden_members
    paused = {"id": "g", "membershipRuleProcessingState": "Paused"}
    assert group_from({**paused, "groupTypes": ["DynamicMembership"]}).is_paused
    assert not group_from(paused).is_paused


@pytest.mark.parametrize(
    ("answer", "purpose"),
    [
        (Answer(200, {"value": "room"}), MailboxPurpose.ROOM),
        (Answer(200, {"value": "Shared"}), MailboxPurpose.SHARED),
        (Answer(200, {"value": "unknownFutureValue"}), MailboxPurpose.OTHERS),
        (refusal(404, "MailboxNotEnabledForRESTAPI"), None),
        (refusal(404, "Request_ResourceNotFound"), None),
    ],
)
def test_a_mailbox_says_what_it_is_for(answer: t.Any, purpose: MailboxPurpose | None) -> None:
    assert mailbox_purpose(Scene(answer).client, UserId(GUID)) is purpose


def test_settings_that_nobody_may_read_are_an_error_that_names_the_permission() -> None:
    with pytest.raises(AccessDenied, match=r"MailboxSettings\.Read") as raised:
        mailbox_purpose(Scene(refusal(403, "ErrorAccessDenied")).client, UserId(GUID))
    assert raised.value.permission == "MailboxSettings.Read"


def test_inv12_listings_take_their_price_from_the_budget_of_the_directory() -> None:
    page = Answer(200, {"value": []})
    scene = Scene(*[page] * 5, budgets=Budgets(directory=Budget(requests=6, window=10.0)))
    list(all_users(scene.client))
    for _unused in range(3):
        list(group_members(scene.client, GroupId("g")))
    assert [wait > 9 for wait in scene.waits] == [False, True, True]


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
