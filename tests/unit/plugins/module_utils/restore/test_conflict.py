# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a restore does with an item, for every state in which it may find the place."""

from __future__ import annotations

import dataclasses
import itertools
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.conflict import Decision, Existing, Policy, Wanted, decide
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.existing_items import ExistingItems
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.marks import PROPERTY, Mark, mark_of, restore_id
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.results import Restored

HERE, BEFORE = "r1", "r0"
WANTED = Wanted(Mark(HERE, "x"), "<1@x>")

texts = st.text(max_size=20)
marks = st.none() | st.builds(Mark, restore=st.sampled_from((HERE, BEFORE)), origin=st.sampled_from("xyz"), is_whole=st.booleans())
places = st.lists(
    st.builds(Existing, id=st.sampled_from("abcdefgx"), mark=marks, key=st.sampled_from(("", "<1@x>", "<2@x>")), is_bound=st.booleans()),
    max_size=8,
    unique_by=lambda each: each.id,
)
wanteds = st.builds(
    Wanted, mark=st.builds(Mark, restore=st.just(HERE), origin=st.sampled_from("xyz")), key=st.sampled_from(("", "<1@x>", "<2@x>"))
)
policies = st.sampled_from(Policy)
_numbers = itertools.count()


def carried_out(decision: Decision, wanted: Wanted, place: list[Existing]) -> list[Existing]:
    gone = (*decision.half_built, *decision.surplus)
    made = [Existing(f"new{next(_numbers)}", wanted.mark, wanted.key)] if decision.creates else []
    return [each for each in place if each.id not in gone] + made


@given(wanted=wanteds, place=places, policy=policies)
def test_a_restore_that_is_started_again_finds_nothing_to_do(wanted: Wanted, place: list[Existing], policy: Policy) -> None:
    after = carried_out(decide(wanted, place, policy), wanted, place)
    assert decide(wanted, after, policy).is_settled


@given(wanted=wanteds, place=places, policy=policies)
def test_at_the_end_the_item_is_there_and_never_twice_by_one_restore(wanted: Wanted, place: list[Existing], policy: Policy) -> None:
    after = carried_out(decide(wanted, place, policy), wanted, place)
    own = [each for each in after if wanted.is_made_here(each)]
    assert len(own) <= 1
    assert all(each.mark is not None and each.mark.is_whole for each in own)
    assert own or any(wanted.is_same(each) for each in after)


@given(wanted=wanteds, place=places, policy=policies)
def test_nothing_goes_that_is_another_item_or_that_would_mail_people(wanted: Wanted, place: list[Existing], policy: Policy) -> None:
    decision = decide(wanted, place, policy)
    after = carried_out(decision, wanted, place)
    gone = [each for each in place if each not in after]
    assert all(wanted.is_made_here(each) or wanted.is_same(each) for each in gone)
    assert not any(each.is_bound for each in gone if not wanted.is_made_here(each))
    if policy is not Policy.REPLACE:
        assert all(wanted.is_made_here(each) for each in gone)


@given(wanted=wanteds, place=places)
def test_replacing_leaves_one_and_it_is_ours(wanted: Wanted, place: list[Existing]) -> None:
    after = carried_out(decide(wanted, place, Policy.REPLACE), wanted, place)
    others = [each for each in after if wanted.is_same(each)]
    assert not others or any(each.is_bound for each in others)


@given(wanted=wanteds, place=places, policy=policies)
def test_the_order_of_the_listing_does_not_matter_for_what_counts(wanted: Wanted, place: list[Existing], policy: Policy) -> None:
    one, other = decide(wanted, place, policy), decide(wanted, place[::-1], policy)
    assert (one.outcome, one.creates, one.is_bound) == (other.outcome, other.creates, other.is_bound)


OLD = Existing("x", key="<1@x>")
DONE = Existing("n", Mark(HERE, "x"), "<1@x>")
HALF = Existing("h", Mark(HERE, "x", is_whole=False), "<1@x>")
EARLIER = Existing("e", Mark(BEFORE, "x"))
TWIN = Existing("t", Mark(HERE, "y"), "<1@x>")
MEETING = dataclasses.replace(OLD, is_bound=True)


@pytest.mark.parametrize(
    ("place", "policy", "decision"),
    [
        ([], Policy.SKIP, Decision(Restored.WRITTEN, creates=True)),
        ([OLD], Policy.SKIP, Decision(Restored.SKIPPED)),
        ([EARLIER], Policy.SKIP, Decision(Restored.SKIPPED)),
        ([Existing("o", key="<1@x>")], Policy.SKIP, Decision(Restored.SKIPPED)),
        ([OLD], Policy.COPY, Decision(Restored.COPIED, creates=True)),
        ([OLD], Policy.REPLACE, Decision(Restored.REPLACED, creates=True, surplus=("x",))),
        ([OLD, DONE], Policy.REPLACE, Decision(Restored.UNCHANGED, surplus=("x",))),
        ([OLD, DONE], Policy.COPY, Decision(Restored.UNCHANGED)),
        ([HALF], Policy.SKIP, Decision(Restored.WRITTEN, creates=True, half_built=("h",))),
        ([HALF, DONE], Policy.SKIP, Decision(Restored.UNCHANGED, half_built=("h",))),
        ([DONE, dataclasses.replace(DONE, id="n2")], Policy.SKIP, Decision(Restored.UNCHANGED, surplus=("n2",))),
        ([TWIN], Policy.SKIP, Decision(Restored.WRITTEN, creates=True)),
        ([TWIN], Policy.REPLACE, Decision(Restored.WRITTEN, creates=True)),
        ([MEETING], Policy.REPLACE, Decision(Restored.SKIPPED, is_bound=True)),
        ([MEETING], Policy.COPY, Decision(Restored.COPIED, creates=True)),
    ],
)
def test_decisions(place: list[Existing], policy: Policy, decision: Decision) -> None:
    assert decide(WANTED, place, policy) == decision


@given(place=places, wanted=wanteds, policy=policies)
def test_the_database_gives_whatever_matters_for_a_decision(place: list[Existing], wanted: Wanted, policy: Policy) -> None:
    with ExistingItems(HERE) as items:
        items.load("folder", place)
        items.load("other", [Existing("x", key="<1@x>")])
        found = items.matches("folder", wanted)
        assert decide(wanted, found, policy) == decide(wanted, sorted(place, key=lambda each: each.id), policy)
        assert items.has_others("folder") == any(each.mark is None or each.mark.restore != HERE for each in place)
        assert (items.knows("folder"), items.knows("nowhere")) == (True, False)


@given(mark=st.builds(Mark, restore=st.just("0123456789abcdef"), origin=texts.filter(bool), is_whole=st.booleans()))
def test_a_mark_is_read_as_it_was_written(mark: Mark) -> None:
    written = mark.as_property()
    assert mark_of({"singleValueExtendedProperties": [{**written, "id": written["id"].lower()}]}) == mark


@given(fields=st.none() | st.lists(st.fixed_dictionaries({"id": st.just(PROPERTY), "value": st.none() | texts}), max_size=2))
def test_what_is_no_mark_is_none(fields: list[dict[str, t.Any]] | None) -> None:
    assert mark_of({"singleValueExtendedProperties": fields}) is None


def test_a_restore_has_the_same_id_on_every_start_and_another_one_for_anything_else() -> None:
    ids = [restore_id(*arguments) for arguments in itertools.product("ab", repeat=4)]
    assert len(set(ids)) == 16
    assert restore_id("plan", "snapshot", "member", "mail") == restore_id("plan", "snapshot", "member", "mail")
