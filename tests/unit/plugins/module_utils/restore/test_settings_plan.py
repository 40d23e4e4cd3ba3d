# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings: what is there counts, and nothing that acts on its own is switched on unasked."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.conflict import Policy
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.results import Restored
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.settings_plan import (
    AUTOMATIC_REPLIES,
    RULES,
    Change,
    Step,
    plan_categories,
    plan_rules,
    plan_settings,
)

Json = dict[str, t.Any]
REPLIES = {"status": "alwaysEnabled", "internalReplyMessage": "Away", "externalAudience": None}
names = st.sampled_from(["a", "A", "b", "c"])
rules = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.uuids().map(str),
            "displayName": names,
            "sequence": st.integers(1, 9),
            "actions": st.sampled_from([{"delete": True}, {"forwardTo": []}, {"markAsRead": True, "delete": None}]),
            "isEnabled": st.booleans(),
        }
    ),
    max_size=5,
)


def carried_out(changes: t.Sequence[Change], there: list[Json]) -> list[Json]:
    after = [dict(each) for each in there]
    for number, change in enumerate(changes):
        if change.step is Step.CREATE:
            after.append({"id": f"new{number}", **(change.payload or {})})
        for each in after:
            if change.step is Step.UPDATE and each["id"] == change.target:
                each.update(change.payload or {})
    return after


@given(stored=rules, there=rules, policy=st.sampled_from(Policy))
def test_rules_that_are_restored_again_change_nothing(stored: list[Json], there: list[Json], policy: Policy) -> None:
    after = carried_out(plan_rules(stored, there, policy, (), is_own_mailbox=True), there)
    again = plan_rules(stored, after, policy, (), is_own_mailbox=True)
    assert {change.step for change in again} <= {Step.NOTHING}


@given(stored=rules, there=rules, policy=st.sampled_from(Policy))
def test_no_rule_is_switched_on_unasked(stored: list[Json], there: list[Json], policy: Policy) -> None:
    changes = plan_rules(stored, there, policy, (), is_own_mailbox=True)
    assert not any((change.payload or {}).get("isEnabled") for change in changes)
    asked = plan_rules(stored, [], policy, (RULES,), is_own_mailbox=True)
    assert [(change.payload or {})["isEnabled"] for change in asked] == [
        rule["isEnabled"] for rule in sorted(stored, key=lambda one: int(one["sequence"]))
    ]


def test_a_rule_of_another_mailbox_that_names_a_folder_is_refused() -> None:
    rule = {"displayName": "Move", "actions": {"moveToFolder": "AAMk"}}
    assert [change.step for change in plan_rules([rule], [], Policy.SKIP, (), is_own_mailbox=False)] == [Step.REFUSE]
    assert [change.step for change in plan_rules([rule], [], Policy.SKIP, (), is_own_mailbox=True)] == [Step.CREATE]


@pytest.mark.parametrize(
    ("there", "policy", "expected"),
    [
        ([], Policy.SKIP, (Restored.WRITTEN, Step.CREATE)),
        ([{"id": "1", "displayName": "red", "color": "preset1"}], Policy.SKIP, (Restored.UNCHANGED, Step.NOTHING)),
        ([{"id": "1", "displayName": "red", "color": "preset2"}], Policy.COPY, (Restored.SKIPPED, Step.NOTHING)),
        ([{"id": "1", "displayName": "red", "color": "preset2"}], Policy.REPLACE, (Restored.REPLACED, Step.UPDATE)),
    ],
)
def test_categories_are_told_by_their_names(there: list[Json], policy: Policy, expected: tuple[Restored, Step]) -> None:
    [change] = plan_categories([{"displayName": "Red", "color": "preset1"}], there, policy)
    assert (change.outcome, change.step) == expected


@pytest.mark.parametrize("policy", Policy)
def test_settings_that_are_equal_are_left_alone_and_others_only_replaced_when_that_is_asked_for(policy: Policy) -> None:
    stored = {"timeZone": "UTC", "dateFormat": "yyyy", "userPurpose": "user", "language": {"locale": "de", "@odata.type": "x"}}
    there = {"timeZone": "UTC", "dateFormat": "dd", "language": {"locale": "de", "displayName": None}}
    changes = {change.name: change for change in plan_settings(stored, there, policy, ())}
    assert changes["timeZone"].outcome is changes["language"].outcome is Restored.UNCHANGED
    assert "userPurpose" not in changes
    expected = (Restored.REPLACED, {"dateFormat": "yyyy"}) if policy is Policy.REPLACE else (Restored.SKIPPED, None)
    assert (changes["dateFormat"].outcome, changes["dateFormat"].payload) == expected


def test_automatic_replies_stay_off_until_somebody_asks_for_them() -> None:
    stored = {"automaticRepliesSetting": dict(REPLIES)}
    [off] = plan_settings(stored, {}, Policy.REPLACE, ())
    [on] = plan_settings(stored, {}, Policy.REPLACE, (AUTOMATIC_REPLIES,))
    assert off.payload == {"automaticRepliesSetting": {"status": "disabled", "internalReplyMessage": "Away"}}
    assert on.payload == {"automaticRepliesSetting": {"status": "alwaysEnabled", "internalReplyMessage": "Away"}}
    # Somebody who has switched them on since keeps them on.
    [same] = plan_settings(stored, {"automaticRepliesSetting": dict(REPLIES)}, Policy.REPLACE, ())
    assert same.outcome is Restored.UNCHANGED
