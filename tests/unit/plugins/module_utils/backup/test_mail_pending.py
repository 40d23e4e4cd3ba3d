# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What folders say of messages, collected in any order, and what becomes of a message then."""

from __future__ import annotations

import contextlib
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.mail_decide import Decision, Step, decide
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.mail_pending import PendingChanges, Said, Statement
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.mail_record import updated
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.delta import Changed, Page, Removed
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.mail_fields import (
    FULL,
    Fields,
    partial_fields,
    whole_fields,
)

Entry = t.Union[Changed, Removed]
INBOX, ARCHIVE, OTHER = 0, 1, 2


def changed(**fields: t.Any) -> Changed:
    return Changed("m", {"id": "m", **fields})


WHOLE = Changed("m", FULL)
GONE = Removed("m", "deleted")
ENTRIES = partial_fields().map(lambda fields: Changed("m", fields)) | st.just(GONE)


def statements(entries: t.Iterable[tuple[int, Entry]]) -> list[Statement]:
    """What is collected of the message C(m) when every entry comes on a page of its own."""
    with contextlib.closing(PendingChanges()) as pending:
        for folder, entry in entries:
            pending.add_page(folder, Page((entry,)))
        return [said for batch in pending.batches(10) for message_id, group in batch if message_id == "m" for said in group]


def decided(old: Fields | None, entries: t.Iterable[tuple[int, Entry]]) -> Decision:
    return decide(old, statements(entries))


def known(folder: int) -> Fields:
    return updated(None, FULL, folder)


# Collecting


@given(whole=whole_fields(), names=st.sets(st.sampled_from(sorted(FULL))), data=st.data())
def test_parts_of_one_state_say_the_same_in_any_order_and_number(whole: Fields, names: set[str], data: st.DataObject) -> None:
    entries: list[tuple[int, Entry]] = [
        (INBOX, Changed("m", whole)),
        (INBOX, Changed("m", {name: value for name, value in whole.items() if name in names})),
        (ARCHIVE, GONE),
    ]
    more = data.draw(st.lists(st.sampled_from(entries), max_size=4))
    shuffled = data.draw(st.permutations(entries + more))
    expected = Decision(Step.STORE, INBOX, whole)
    for old in (None, known(INBOX), known(ARCHIVE)):
        assert decided(old, shuffled) == expected


@given(parts=st.lists(st.tuples(st.sampled_from([INBOX, ARCHIVE]), ENTRIES), min_size=1, max_size=5), data=st.data())
def test_whatever_is_said_its_order_does_not_matter(parts: list[tuple[int, Entry]], data: st.DataObject) -> None:
    for old in (None, known(INBOX)):
        first = decided(old, parts)
        again = decided(old, data.draw(st.permutations(parts + data.draw(st.lists(st.sampled_from(parts), max_size=2)))))
        assert (again.step, again.folder, again.fields) == (first.step, first.folder, first.fields)


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param([changed(isRead=True), changed(isRead=False)], id="the same field twice, without a key"),
        pytest.param([WHOLE, changed(changeKey="K2")], id="two keys"),
        pytest.param([WHOLE, GONE], id="there and gone"),
        pytest.param([GONE, WHOLE], id="gone and there"),
        pytest.param([WHOLE, changed(subject="other"), WHOLE], id="it was agreed again"),
    ],
)
def test_a_folder_that_contradicts_itself_is_unclear(entries: list[Entry]) -> None:
    assert [one.said for one in statements((INBOX, entry) for entry in entries)] == [Said.UNCLEAR]
    assert decided(known(INBOX), [(INBOX, entry) for entry in entries]).step is Step.ASK


def test_forgetting_a_folder_leaves_what_others_said() -> None:
    with contextlib.closing(PendingChanges()) as pending:
        pending.add_page(INBOX, Page((WHOLE, Changed("n", FULL))))
        pending.add_page(ARCHIVE, Page((GONE,)))
        pending.forget(INBOX)
        assert not pending.has_folder(INBOX)
        assert pending.has_folder(ARCHIVE)
        assert "m" in pending
        assert "n" not in pending
        assert len(pending) == 1


def test_a_message_to_ask_for_is_unclear_whatever_folders_say() -> None:
    with contextlib.closing(PendingChanges()) as pending:
        pending.add_page(INBOX, Page((WHOLE,)))
        pending.ask_for("m")
        pending.ask_for("lonely")
        found = {message_id: decide(None, group).step for batch in pending.batches(10) for message_id, group in batch}
        assert found == {"m": Step.ASK, "lonely": Step.ASK}
        assert not pending.has_folder(ARCHIVE)


@given(count=st.integers(0, 25), size=st.integers(1, 7))
def test_batches_name_every_message_once_with_all_that_was_said(count: int, size: int) -> None:
    with contextlib.closing(PendingChanges()) as pending:
        for folder in (INBOX, ARCHIVE):
            pending.add_page(folder, Page(tuple(Changed(f"m{number}", FULL) for number in range(count))))
        batches = list(pending.batches(size))
        assert all(len(batch) == size for batch in batches[:-1])
        named = [message_id for batch in batches for message_id, group in batch if len(group) == 2]
        assert sorted(named) == sorted(f"m{number}" for number in range(count))


def test_odd_text_of_a_message_survives_collecting() -> None:
    entry = changed(**{**FULL, "subject": "\ud800 \u0000 \u2028 漢"})
    assert statements([(INBOX, entry)])[0].fields["subject"] == entry.fields["subject"]


# Deciding


DECISIONS: tuple[tuple[str, Fields | None, list[tuple[int, Entry]], Step], ...] = (
    ("new", None, [(INBOX, WHOLE)], Step.STORE),
    ("named in part and not known", None, [(INBOX, changed(isRead=True))], Step.ASK),
    ("named in part and known", known(INBOX), [(INBOX, changed(isRead=True))], Step.STORE),
    ("named in part without saying what", known(INBOX), [(INBOX, changed(isRead=bool(FULL.get("isRead"))))], Step.ASK),
    ("named in part with the key that we have", known(INBOX), [(INBOX, changed(changeKey=FULL["changeKey"]))], Step.STORE),
    ("named in part with another key", known(INBOX), [(INBOX, changed(changeKey="other"))], Step.ASK),
    ("removed", known(INBOX), [(INBOX, GONE)], Step.REMOVE),
    ("removed by a folder that does not hold it", known(INBOX), [(ARCHIVE, GONE)], Step.NOTHING),
    ("removed and never known", None, [(INBOX, GONE)], Step.NOTHING),
    ("moved, both folders say so", known(INBOX), [(INBOX, GONE), (ARCHIVE, WHOLE)], Step.STORE),
    ("moved, the target alone says so", known(INBOX), [(ARCHIVE, WHOLE)], Step.STORE),
    ("moved, named in part by the target", known(INBOX), [(INBOX, GONE), (ARCHIVE, changed(isRead=True))], Step.ASK),
    ("moved twice", known(INBOX), [(INBOX, GONE), (ARCHIVE, GONE), (OTHER, WHOLE)], Step.STORE),
    ("claimed by two folders", known(INBOX), [(INBOX, WHOLE), (ARCHIVE, WHOLE)], Step.ASK),
    ("claimed by two folders and new", None, [(INBOX, WHOLE), (ARCHIVE, WHOLE)], Step.ASK),
)


@pytest.mark.parametrize(("old", "entries", "step"), [row[1:] for row in DECISIONS], ids=[row[0] for row in DECISIONS])
def test_what_becomes_of_a_message(old: Fields | None, entries: list[tuple[int, Entry]], step: Step) -> None:
    assert decided(old, entries).step is step


def test_a_moved_message_is_stored_in_its_new_folder() -> None:
    decision = decided(known(INBOX), [(INBOX, GONE), (ARCHIVE, WHOLE)])
    assert (decision.folder, decision.fields) == (ARCHIVE, FULL)
