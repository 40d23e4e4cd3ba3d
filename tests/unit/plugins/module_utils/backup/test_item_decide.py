# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of an item after what the folders said of it."""

from __future__ import annotations

import collections
import typing as t
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_decide import (
    WATCH_DAYS,
    Decision,
    Step,
    decide,
    digest,
    is_due,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_parts import part_name
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.mail_pending import Said, Statement

NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)
OLD = {"id": "i", "folder": 1, "key": "k1"}
NOTHING, REMOVE = Decision(Step.NOTHING), Decision(Step.REMOVE)


def said(folder: int, what: Said = Said.CHANGED, key: str = "") -> Statement:
    return Statement(folder, what, {"key": key} if key else {})


def key_of(fields: t.Mapping[str, t.Any]) -> str:
    return str(fields.get("key", ""))


@pytest.mark.parametrize(
    ("old", "statements", "gone", "expected"),
    [
        (None, [said(1)], set(), Decision(Step.LOOK, (1,))),
        (None, [said(1, Said.REMOVED)], set(), NOTHING),
        (OLD, [said(1)], set(), Decision(Step.LOOK, (1,))),
        (OLD, [said(1, key="k2")], set(), Decision(Step.LOOK, (1,))),
        (OLD, [said(1, key="k1")], set(), NOTHING),
        ({**OLD, "series": True}, [said(1, key="k1")], set(), Decision(Step.LOOK, (1,))),
        (OLD, [said(2, key="k1")], set(), Decision(Step.LOOK, (2, 1))),
        (OLD, [said(2), said(1, Said.REMOVED)], set(), Decision(Step.LOOK, (2, 1))),
        (OLD, [said(1, Said.REMOVED)], set(), REMOVE),
        (OLD, [said(2, Said.REMOVED)], set(), NOTHING),
        (OLD, [said(2, Said.REMOVED)], {1}, REMOVE),
        (OLD, [said(2)], {1}, Decision(Step.LOOK, (2,))),
        (OLD, [said(1, key="k1")], {1}, NOTHING),
        (OLD, [said(-1, Said.UNCLEAR)], set(), Decision(Step.LOOK, (1,))),
        (None, [said(-1, Said.UNCLEAR)], set(), Decision(Step.LOOK, ())),
        (OLD, [said(1, Said.UNCLEAR, "k1")], set(), Decision(Step.LOOK, (1,))),
    ],
)
def test_an_item_is_looked_at_left_alone_or_removed(
    old: dict[str, t.Any] | None, statements: list[Statement], gone: set[int], expected: Decision
) -> None:
    assert decide(old, statements, key_of, gone) == expected


STATEMENTS = st.lists(
    st.builds(said, st.integers(0, 2), st.sampled_from(list(Said)), st.sampled_from(["", "k1", "k2"])), min_size=1, max_size=3
)


@given(statements=STATEMENTS, gone=st.sets(st.integers(0, 2)))
def test_inv04_an_item_that_a_folder_names_as_there_is_never_removed_unseen(statements: list[Statement], gone: set[int]) -> None:
    decision = decide(OLD, statements, key_of, gone)
    if any(statement.said is not Said.REMOVED for statement in statements):
        assert decision.step is not Step.REMOVE
    elif any(statement.folder == OLD["folder"] for statement in statements):
        assert decision.step is Step.REMOVE


@given(start=st.integers(0, 5000), every=st.sampled_from([1, 2, 3, 5, 7, 14]))
def test_every_watched_item_comes_round_however_rare_the_runs_are(start: int, every: int) -> None:
    days = [NOW + timedelta(days=start + every * number) for number in range(WATCH_DAYS)]
    turns = collections.Counter(number for number in range(50) for day in days if is_due(f"series {number}", "", day))
    assert turns == collections.Counter(range(50))


def test_what_has_ended_is_not_watched_any_more() -> None:
    days = [NOW + timedelta(days=number) for number in range(WATCH_DAYS)]
    assert not any(is_due("series", "2026-11-01T00:00:00Z", day) for day in days)
    assert any(is_due("series", "2027-11-01T00:00:00Z", day) for day in days)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(document=st.dictionaries(st.text(max_size=5), JSON, max_size=5), other=st.dictionaries(st.text(max_size=5), JSON, max_size=5))
def test_documents_have_the_same_digest_when_they_say_the_same(document: dict[str, t.Any], other: dict[str, t.Any]) -> None:
    shuffled = dict(reversed(document.items()))
    assert digest({**shuffled, "@odata.context": "https://graph.microsoft.com/x"}) == digest(document)
    assert (digest(document) == digest(other)) == (document == other and str(sorted(document.items())) == str(sorted(other.items())))


@given(names=st.lists(st.text(max_size=120), max_size=8))
def test_files_beside_an_item_have_names_of_their_own_that_every_file_system_takes(names: list[str]) -> None:
    taken: set[str] = set()
    for number, name in enumerate(names):
        file = part_name(name, str(number), taken)
        assert file.casefold() not in taken
        assert file not in ("", ".", "..")
        assert not set(file) & set('/\\:*?"<>|\x00')
        assert len(file.encode()) <= 255
        taken.add(file.casefold())


def test_files_beside_an_item_keep_their_suffix() -> None:
    assert part_name("report.PDF", "1", set()) == "report.PDF"
    assert part_name("report.pdf", "1", {"report.pdf"}).endswith(".pdf")
    assert part_name("a" * 300 + ".docx", "1", set()).endswith(".docx")
