# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts for an item: its own mark, or what the store says of its contents."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_verdicts import (
    ItemVerdict,
    ScanState,
    key_of,
    verdict_of,
    version_verdict,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import META_TIME
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobId, Node, NodeKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.verdict import VerdictKind
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.restore.said import Said, verdict

EARLY, LATE = "2026-05-17T08:00:00Z", "2026-05-18T08:00:00Z"
CLEAN, INFECTED, UNSCANNABLE = VerdictKind.CLEAN, VerdictKind.INFECTED, VerdictKind.UNSCANNABLE


def node(number: int, blobs: int = 1) -> Node:
    return Node("x", NodeKind.FILE, META_TIME, 1, tuple(BlobId(f"{number:032x}{blob:032x}") for blob in range(blobs)))


def said(*kinds: VerdictKind | None, time: str = EARLY) -> Said:
    """Of the first contents, None where the store knows nothing."""
    return Said({key_of(node(number)): verdict(kind, time=time) for number, kind in enumerate(kinds) if kind is not None})


def mark(state: str, time: str = EARLY) -> dict[str, t.Any]:
    names = {"names": ["Old.Name"]} if state == "infected" else {}
    return {"verdict": state, "time": time, "reason": "because" if state.startswith("uns") else "", **names}


def told(record: dict[str, t.Any], store: Said, contents: int = 1) -> ItemVerdict:
    return verdict_of(record, node(0), [node(number) for number in range(1, contents)], store)


@pytest.mark.parametrize(
    ("scan", "store", "contents", "state"),
    [
        (None, said(), 1, "not_scanned"),
        (None, said(CLEAN), 1, "clean"),
        (None, said(CLEAN), 2, "not_scanned"),
        (None, said(CLEAN, INFECTED), 2, "infected"),
        (None, said(None, INFECTED), 2, "infected"),
        (None, said(None, UNSCANNABLE), 2, "unscannable"),
        (mark("infected"), said(), 1, "infected"),
        (mark("infected"), said(CLEAN, time=LATE), 1, "clean"),
        (mark("infected", LATE), said(CLEAN), 1, "infected"),
        ({**mark("infected"), "engine": "clamav"}, said(CLEAN, time=LATE), 1, "clean"),
        ({**mark("infected"), "engine": "yara"}, said(CLEAN, time=LATE), 1, "infected"),
        ({**mark("unscannable"), "engine": "yara"}, said(CLEAN, time=LATE), 1, "clean"),
        # Which of the two it was, the mark does not say.
        (mark("infected"), said(CLEAN, time=LATE), 2, "infected"),
        (mark("unscannable"), said(INFECTED, time=LATE), 1, "infected"),
        (mark("unscanned"), said(), 1, "unscanned"),
        (mark("unscanned"), said(CLEAN, time=LATE), 1, "clean"),
        (mark("unscanned", LATE), said(CLEAN), 1, "unscanned"),
        (mark("unscanned", LATE), said(UNSCANNABLE), 1, "unscanned"),
    ],
)
def test_the_newest_of_mark_and_store_counts(scan: dict[str, t.Any] | None, store: Said, contents: int, state: str) -> None:
    assert told({} if scan is None else {"scan": scan}, store, contents).state.value == state


def test_what_an_engine_has_found_it_takes_back_itself_whoever_says_so_last() -> None:
    record = {"scan": {**mark("infected"), "engine": "yara"}}
    store = said(CLEAN, time=LATE)
    assert told(record, store).is_infected
    both = Said(store.verdicts, others=(verdict(CLEAN, time=LATE, engine="yara"),))
    assert told(record, both).state is ScanState.CLEAN


def test_all_that_was_found_is_named_once() -> None:
    names = told({"scan": mark("infected")}, said(CLEAN, INFECTED), 3).names
    assert names == ("Old.Name", "Win.Test.Local")
    assert told({"scan": mark("unscannable")}, said()).as_dict() == {
        "verdict": "unscannable",
        "names": [],
        "reason": "because",
        "engine": "",
        "database": "",
        "time": EARLY,
    }


def test_a_version_of_a_file_is_judged_by_itself() -> None:
    assert version_verdict({"scan": mark("infected")}, node(0), said()).is_infected
    assert version_verdict({}, node(1), said(INFECTED, CLEAN)).state is ScanState.CLEAN


KINDS = st.sampled_from([None, CLEAN, INFECTED, UNSCANNABLE])


@given(st.lists(KINDS, min_size=1, max_size=4), st.sampled_from([None, "infected", "unscannable", "unscanned"]), st.booleans())
def test_inv11_nothing_is_clean_unless_an_engine_said_so_of_all_of_it(
    kinds: list[VerdictKind | None], state: str | None, is_marked_late: bool
) -> None:
    record = {} if state is None else {"scan": mark(state, LATE if is_marked_late else EARLY)}
    is_clean = told(record, said(*kinds), len(kinds)).state is ScanState.CLEAN
    assert is_clean == (set(kinds) == {CLEAN} and not (state is not None and is_marked_late))
    if INFECTED in kinds:
        assert told(record, said(*kinds), len(kinds)).is_infected
