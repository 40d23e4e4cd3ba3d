# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding items in many snapshots: the same as looking at every snapshot by itself, and never anything cut in silence."""

from __future__ import annotations

import dataclasses
import typing as t
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.catalogue import ITEMS, Record, item_file
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter import ItemFilter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_state import ItemState, SourceFacts
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import MAIL, META
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.restore_points import plan_snapshots
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import walk
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.catalogue_history import histories
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.choice import choose, chosen_items
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.item_search import Search, search
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.search_result import search_result, search_sentence
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.groups import Group, mailbox, member
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.mailbox_service import GONE
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.support import append_all, extended
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.losses import in_memory, lose
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import MemoryStorage, Place, new_place
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.restore.wishes import WISH

ANNA, BEN = member("anna"), member("ben")


def backup() -> Group:
    """Four days: a1 stays, a2 goes on the third, a3 comes on the second and moves on the fourth, b1 never changes."""
    group = Group()
    anna, ben = mailbox("a1", "a2"), mailbox("b1")
    anna.folders["sub"] = ("Projects", "in")
    group.run([ANNA, BEN], anna=anna, ben=ben)
    anna.said = {"in": [anna.put("a3", "in", subject="Angebot", receivedDateTime="2026-06-01T00:00:00Z")]}
    group.run([ANNA, BEN], anna=anna, ben=ben)
    del anna.messages["a2"]
    anna.said = {"in": [{"id": "a2", **GONE}]}
    group.run([ANNA, BEN], anna=anna, ben=ben)
    anna.said = {"in": [{"id": "a3", **GONE}], "sub": [anna.put("a3", "sub", subject="Angebot")]}
    group.run([ANNA, BEN], anna=anna, ben=ben)
    return group


GROUP = backup()


def found(place: Place | None = None, **fields: t.Any) -> Search:
    return search((place or GROUP.place).reopen(), dataclasses.replace(WISH, **fields))


def ids(result: Search) -> dict[str, tuple[int, ...]]:
    return {item.record["id"]: item.snapshots for item in result.items}


def test_every_item_with_the_snapshots_that_have_it() -> None:
    result = found()
    assert ids(result) == {"a1": (0, 1, 2, 3), "a2": (0, 1), "a3": (1, 2, 3), "b1": (0, 1, 2, 3)}
    assert {item.record["id"]: "/".join(item.folder) for item in result.items}["a3"] == "Inbox/Projects"
    assert (result.count, result.findings, result.warnings) == (4, [], [])
    assert result.items[0].record["id"] == "a3"


def test_the_same_as_every_snapshot_by_itself() -> None:
    repository = GROUP.place.reopen()
    alone: dict[str, list[int]] = {}
    for place, snapshot in enumerate(plan_snapshots(repository, "sales")):
        for name in ("anna", "ben"):
            choice = choose(repository, snapshot, name, MAIL, None)
            for item in chosen_items(repository, choice, ItemFilter(), []):
                alone.setdefault(item.record["id"], []).append(place)
    assert ids(found()) == {key: tuple(places) for key, places in alone.items()}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"snapshots": ("latest",)}, {"a1": (0,), "a3": (0,), "b1": (0,)}),
        ({"members": ("ANNA@x.example",), "snapshots": ("latest",)}, {"a1": (0,), "a3": (0,)}),
        ({"folder": "inbox/projects"}, {"a3": (3,)}),
        ({"item_filter": ItemFilter(subject="angebot")}, {"a3": (1, 2, 3)}),
        ({"item_filter": ItemFilter(ids=frozenset({"a2"}))}, {"a2": (0, 1)}),
        ({"sources": ("calendar",)}, {}),
        ({"item_filter": ItemFilter(subject="nothing")}, {}),
    ],
)
def test_only_what_is_asked_for(fields: dict[str, t.Any], expected: dict[str, tuple[int, ...]]) -> None:
    assert ids(found(**fields)) == expected


def test_snapshots_of_a_time() -> None:
    first, second, third, _fourth = plan_snapshots(GROUP.place.reopen(), "sales")
    assert found(snapshots_after=second.time, snapshots_before=third.time).snapshots == [second]
    assert found(snapshots=(first.id[:8], third.time.isoformat())).snapshots == [first, third]
    with pytest.raises(InputError, match="made in that time"):
        found(snapshots_after=first.time + timedelta(days=1))


def test_an_unknown_member_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InputError) as refused:
        found(members=("anna", "carl"))
    assert refused.value.what.endswith("has a member carl.")
    assert "anna@x.example, ben@x.example" in refused.value.hint


def test_what_is_not_listed_is_counted_and_said() -> None:
    result = found(limit=1)
    document = search_result(result, "sales")
    assert (document["item_count"], document["truncated"], len(document["matches"])) == (4, True, 1)
    assert [(row["member"], row["item_count"]) for row in document["members"]] == [("anna@x.example", 3), ("ben@x.example", 1)]
    assert document["total_size"] == sum(item.record["size"] for item in found().items)
    assert "Only the newest 1 are listed" in document["msg"]
    assert search_sentence(found(item_filter=ItemFilter(subject="nothing")), "sales") == "No item found in 4 snapshots of the plan sales."


def test_an_item_tells_its_first_and_last_snapshot() -> None:
    item = search_result(found(item_filter=ItemFilter(ids=frozenset({"a2"}))), "sales")["matches"][0]
    snapshots = plan_snapshots(GROUP.place.reopen(), "sales")
    assert (item["first_snapshot"]["id"], item["last_snapshot"]["id"], item["snapshot_count"]) == (snapshots[0].id, snapshots[1].id, 2)
    assert item["snapshots"] == [snapshots[0].id, snapshots[1].id]
    assert (item["member"], item["source"], item["folder"], item["subject"]) == ("anna@x.example", "mail", "Inbox", "a2")


def damaged(name: tuple[str, ...]) -> Place:
    """A copy that has lost a file of Anna's mail in the newest snapshot."""
    place = Place(in_memory(GROUP.place).copy(), GROUP.place.repository, GROUP.place.clock)
    repository = place.reopen()
    nodes = dict(walk(repository, plan_snapshots(repository, "sales")[-1].tree))
    lose(place, (BlobKind.DATA, nodes[("Sales", "anna@x.example", "mail", *name)].content[0]))
    return place


@pytest.mark.parametrize("name", [(META, "source.json"), (*ITEMS, *item_file(0))])
def test_a_damaged_catalogue_is_told_of_and_the_items_are_found_by_their_directories(name: tuple[str, ...]) -> None:
    result = found(damaged(name), snapshots=("latest",))
    subjects = sorted(item.record["subject"] for item in result.items)
    assert subjects == ["Angebot", "a1", "b1"]
    assert result.findings
    assert "Not everything could be looked at" in search_sentence(result, "sales")


Change = tuple[str, bool]


@settings(max_examples=30, deadline=None)
@given(runs=st.lists(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.booleans()), max_size=40), min_size=1, max_size=6))
def test_one_pass_over_a_history_is_the_same_as_every_catalogue_by_itself(runs: list[list[Change]]) -> None:
    place = new_place(MemoryStorage())
    with place.repository.writing(hostname="backup1") as writer:
        states, expected, live, tree, lines = [], [], dict[str, int](), None, 0
        for number, changes in enumerate(runs):
            records: list[Record] = []
            for item_id, is_removed in changes:
                records.append({"id": item_id, "removed": True} if is_removed else {"id": item_id, "folder": 0, "version": number})
                if is_removed:
                    live.pop(item_id, None)
                else:
                    live[item_id] = number
            tree, lines = extended(writer, tree, lines, append_all(records))
            states.append(ItemState(tree, SourceFacts(lines=lines), {}, {}))
            expected.append({key for key, version in live.items()} if tree is not None else set())
    answer: dict[object, set[str]] = {}
    for history in histories(place.reopen(), states):
        for record, first, end in history.versions():
            for number in range(first, end):
                answer.setdefault(history.states[number].tree, set()).add(record["id"])
    assert [answer.get(state.tree, set()) for state in states] == expected
