# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a restore does with a file, for every state in which it may find the folder."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.conflict import Policy
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.drive_decide import (
    Child,
    Content,
    Deed,
    DriveDecision,
    WantedFile,
    decide_file,
    is_rewritten,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.results import Restored

NAME, BESIDE = "a", "a (restored)"
TIMES = [f"2026-01-0{day}T08:00:00Z" for day in range(1, 5)]
OWN = Content(3, "own=")
times = st.sampled_from(TIMES)
contents = st.sampled_from(
    [OWN, Content(3, "other="), Content(4, "stated="), Content(3), Content(0), Content(3, "AAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
)
suffixes = st.sampled_from([".bin", ".docx"])
policies = st.sampled_from(Policy)


@st.composite
def cases(draw: st.DrawFn) -> tuple[WantedFile, Child | None, Child | None]:
    suffix = draw(suffixes)
    own = draw(contents)
    versions = tuple((size, time) for size, time in zip(draw(st.lists(st.integers(0, 4), max_size=2)), TIMES, strict=False))
    wanted = WantedFile(
        name=NAME + suffix, contents=(own, *draw(st.lists(contents, max_size=1))), created=TIMES[0], modified=draw(times), versions=versions
    )
    children = st.none() | st.builds(
        Child,
        id=st.just("id"),
        name=st.just(NAME + suffix),
        is_file=st.booleans(),
        content=contents,
        created=times,
        modified=times,
        is_by_app=st.booleans(),
    )
    return wanted, draw(children), draw(children)


def uploaded(wanted: WantedFile, rewritten: Content) -> Child:
    """What the drive has after an upload: a document comes out as the service made it."""
    content = rewritten if wanted.is_rewritten else wanted.contents[0]
    if content.size == 0 and not wanted.is_rewritten:
        content = Content(0)
    return Child(
        id="new", name=wanted.name, is_file=True, content=content, created=wanted.created, modified=wanted.modified, is_by_app=True
    )


def carried_out(
    wanted: WantedFile, decision: DriveDecision, there: Child | None, beside: Child | None, rewritten: Content
) -> tuple[Child | None, Child | None]:
    if decision.deed is Deed.RENAME and beside is not None:
        return dataclasses.replace(beside, created=wanted.created, modified=wanted.modified, is_by_app=True), None
    if decision.deed is Deed.SET_TIMES and there is not None:
        return dataclasses.replace(there, created=wanted.created, modified=wanted.modified), beside
    if decision.deed is Deed.NOTHING:
        return there, beside
    made = uploaded(wanted, rewritten)
    return (there, made) if decision.is_beside else (made, beside)


@given(case=cases(), policy=policies, is_own=st.booleans(), rewritten=contents)
def test_a_restore_that_is_started_again_finds_nothing_to_do(
    case: tuple[WantedFile, Child | None, Child | None], policy: Policy, is_own: bool, rewritten: Content
) -> None:
    wanted, there, beside = case
    first = decide_file(wanted, there, beside, policy, is_own_folder=is_own)
    after = carried_out(wanted, first, there, beside, rewritten)
    again = decide_file(wanted, *after, policy, is_own_folder=is_own)
    assert again.deed is Deed.NOTHING
    assert first.outcome is Restored.SKIPPED or again.outcome is Restored.UNCHANGED


@given(case=cases(), policy=policies, is_own=st.booleans())
def test_what_is_there_is_overwritten_only_by_policy_or_where_a_restore_had_begun_it(
    case: tuple[WantedFile, Child | None, Child | None], policy: Policy, is_own: bool
) -> None:
    wanted, there, beside = case
    decision = decide_file(wanted, there, beside, policy, is_own_folder=is_own)
    if decision.deed is Deed.OVERWRITE:
        target = beside if decision.is_beside else there
        assert target is not None
        assert target.is_file
        assert policy is Policy.REPLACE or (wanted.versions and (is_own or target.is_by_app))
    if decision.deed is Deed.CREATE:
        assert (beside if decision.is_beside else there) is None


@given(case=cases(), policy=policies, is_own=st.booleans())
def test_a_folder_in_the_way_is_never_touched_and_the_file_goes_beside_it(
    case: tuple[WantedFile, Child | None, Child | None], policy: Policy, is_own: bool
) -> None:
    wanted, _there, beside = case
    folder = Child(id="f", name=wanted.name, is_file=False)
    assert decide_file(wanted, folder, beside, policy, is_own_folder=is_own).is_beside


def child(name: str, content: Content, modified: str, *, is_by_app: bool = False) -> Child:
    return Child(id="x", name=name, is_file=True, content=content, created=TIMES[0], modified=modified, is_by_app=is_by_app)


def file(name: str, *, versions: tuple[tuple[int, str], ...] = ()) -> WantedFile:
    return WantedFile(name=name, contents=(OWN,), created=TIMES[0], modified=TIMES[1], versions=versions)


@pytest.mark.parametrize("policy", Policy)
def test_the_same_bytes_are_never_sent_again(policy: Policy) -> None:
    there = child("a.bin", OWN, TIMES[3])
    assert decide_file(file("a.bin"), there, None, policy, is_own_folder=False) == DriveDecision(Restored.UNCHANGED, item_id="x")


@pytest.mark.parametrize("policy", Policy)
def test_a_document_that_the_service_rewrote_is_known_by_its_time_in_the_folder_of_the_restore(policy: Policy) -> None:
    there = child("a.docx", Content(99, "rewritten="), TIMES[1], is_by_app=True)
    decision = decide_file(file("a.docx"), there, None, policy, is_own_folder=True)
    assert (decision.outcome, decision.deed) == (Restored.UNCHANGED, Deed.NOTHING)


def test_a_document_that_was_spoilt_and_kept_its_time_is_replaced_in_its_original_place() -> None:
    spoilt = child("a.docx", Content(99, "spoilt="), TIMES[1])
    decision = decide_file(file("a.docx"), spoilt, None, Policy.REPLACE, is_own_folder=False)
    assert (decision.outcome, decision.deed) == (Restored.REPLACED, Deed.OVERWRITE)


@pytest.mark.parametrize(("modified", "first"), [(TIMES[2], 1), (TIMES[3], 2)], ids=["after the first version", "after the second version"])
def test_a_restore_of_versions_goes_on_after_the_one_that_it_had_come_to(modified: str, first: int) -> None:
    wanted = file("a.bin", versions=((5, TIMES[2]), (6, TIMES[3])))
    there = child("a.bin", Content(5 if first == 1 else 6, "v="), modified, is_by_app=True)
    decision = decide_file(wanted, there, None, Policy.SKIP, is_own_folder=True)
    assert (decision.deed, decision.first_version) == (Deed.OVERWRITE, first)
    theirs = dataclasses.replace(there, is_by_app=False)
    assert decide_file(wanted, theirs, None, Policy.SKIP, is_own_folder=False).outcome is Restored.SKIPPED


def test_a_file_that_could_not_get_its_name_gets_it_when_it_is_free() -> None:
    made = child("a (restored).bin", OWN, TIMES[1])
    decision = decide_file(file("a.bin"), None, made, Policy.SKIP, is_own_folder=False)
    assert (decision.outcome, decision.deed, decision.item_id) == (Restored.UNCHANGED, Deed.RENAME, "x")


def test_kinds_that_the_service_writes_into_are_told_by_their_extension() -> None:
    assert [is_rewritten(name) for name in ("a.DOCX", "a.b.xlsx", "docx", "a.txt", ".pdf")] == [True, True, False, False, True]
