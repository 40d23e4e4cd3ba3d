# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import itertools
import typing as t

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.last_states import (
    LastStates,
    SourceSeen,
    Standing,
    find_last_states,
)

GOOD, CARRIED, PARTIAL = Standing.GOOD, Standing.CARRIED, Standing.PARTIAL
MAIL = ("anna", "mail")
Row = t.Tuple[str, Standing, t.Optional[str]]  # noqa: UP006, UP045 - pylint takes Standing for a value


def find(*oldest_first: Row) -> LastStates:
    """Snapshots with one source: id, what the snapshot says of it, its tree."""
    return find_last_states((name, [seen(standing, tree)]) for name, standing, tree in reversed(oldest_first))


def seen(standing: Standing, tree: str | None, key: tuple[str, str] = MAIL) -> SourceSeen:
    return SourceSeen(key, standing, lambda: tree)


def test_the_newest_snapshot_that_read_a_source_holds_its_last_good_state() -> None:
    assert find(("1", GOOD, "a"), ("2", GOOD, "b"), ("3", GOOD, "c")) == LastStates({MAIL: ("3",)}, {})


def test_a_state_that_is_carried_over_is_in_the_newest_snapshot_with_the_same_tree() -> None:
    assert find(("1", GOOD, "a"), ("2", CARRIED, "a"), ("3", CARRIED, "a")).good == {MAIL: ("3",)}


def test_inv06_a_carried_state_that_is_another_one_than_the_older_good_one_stays_beside_it() -> None:
    """The snapshot that made it may be gone: pruned, since a newer one holds the state."""
    assert find(("1", GOOD, "a"), ("2", CARRIED, "a"), ("3", CARRIED, "x")).good == {MAIL: ("3", "2")}
    assert find(("1", GOOD, "a"), ("3", CARRIED, "x"), ("4", PARTIAL, "half")).good == {MAIL: ("3", "1")}
    assert find(("1", GOOD, "a"), ("2", CARRIED, None)).good == {MAIL: ("1",)}


def test_a_half_read_state_takes_the_place_of_no_good_one() -> None:
    assert find(("1", GOOD, "a"), ("2", PARTIAL, "half")) == LastStates({MAIL: ("1",)}, {})


def test_of_a_source_that_was_never_read_to_its_end_the_newest_content_counts() -> None:
    assert find(("1", PARTIAL, "some"), ("2", PARTIAL, "more"), ("3", PARTIAL, None)) == LastStates({}, {MAIL: "2"})
    assert find(("1", PARTIAL, None)) == LastStates({}, {})


def test_a_carried_state_whose_maker_is_gone_is_all_there_is() -> None:
    assert find(("2", CARRIED, "a"), ("3", CARRIED, "a")).good == {MAIL: ("3",)}


def test_of_different_carried_states_whose_maker_is_gone_any_may_be_the_good_one() -> None:
    assert find(("2", CARRIED, "a"), ("3", CARRIED, "a"), ("4", CARRIED, "x"), ("5", CARRIED, "x")).good == {MAIL: ("5", "3")}


def test_sources_of_a_member_are_good_on_their_own() -> None:
    """A mailbox that works and an archive that never did at the same time as it."""
    archive = ("anna", "archive")
    found = find_last_states(
        [
            ("2", [seen(GOOD, "b"), seen(CARRIED, "changed", archive)]),
            ("1", [seen(PARTIAL, "a"), seen(GOOD, "z", archive)]),
        ]
    )
    assert found.good == {MAIL: ("2",), archive: ("2", "1")}


@dataclasses.dataclass
class Source:
    """The truth about one source: what it last was when it was read to its end, and what a snapshot now says of it."""

    tree: str | None = None
    last_good: str | None = None
    standing: Standing = PARTIAL

    def apply(self, event: str, number: int) -> None:
        if event == "read":
            self.tree = self.last_good = f"tree {number}"
            self.standing = GOOD
        elif event == "unchanged" and self.standing is GOOD:
            pass
        elif event == "half":
            self.tree, self.standing = f"half {number}", PARTIAL
        elif event == "altered" and self.standing is not PARTIAL:
            self.tree, self.standing = f"altered {number}", CARRIED
        elif self.standing is GOOD:
            self.standing = CARRIED


events = st.sampled_from(["read", "unchanged", "half", "altered", "fails"])


@given(st.lists(st.tuples(st.tuples(events, events), st.booleans()), min_size=1, max_size=25))
def test_inv06_whatever_happens_the_last_good_tree_of_every_source_is_in_a_snapshot_that_stays(
    runs: list[tuple[tuple[str, str], bool]],
) -> None:
    """After some runs a prune leaves only the newest snapshot and those that hold a last state."""
    sources = [Source(), Source()]
    stored: dict[str, list[tuple[Standing, str | None]]] = {}
    for number, (happening, is_pruned) in enumerate(runs):
        for source, event in zip(sources, happening, strict=True):
            source.apply(event, number)
        name = f"{number:02}"
        stored[name] = [(source.standing, source.tree) for source in sources]
        if is_pruned:
            last = find_last_states(looked_at(stored))
            staying = {name, *itertools.chain.from_iterable(last.good.values()), *last.partial.values()}
            stored = {each: stored[each] for each in stored if each in staying}
        for position, source in enumerate(sources):
            if source.last_good is not None:
                assert source.last_good in {states[position][1] for states in stored.values()}
            elif source.tree is not None:
                assert source.tree in {states[position][1] for states in stored.values()}


def looked_at(stored: dict[str, list[tuple[Standing, str | None]]]) -> t.Iterator[tuple[str, list[SourceSeen]]]:
    for name in sorted(stored, reverse=True):
        yield name, [seen(standing, tree, (str(position), "mail")) for position, (standing, tree) in enumerate(stored[name])]
