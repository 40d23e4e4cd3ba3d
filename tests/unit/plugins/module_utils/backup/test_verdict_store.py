# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the malware scan said, over many runs and hosts: nothing that was said is lost, and the newest counts."""

from __future__ import annotations

import contextlib
import dataclasses
import pickle
import threading
import typing as t
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup import verdict_parts
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.content_key import ContentKey, content_key
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.verdict_heads import replaced_verdicts, verdict_heads
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.verdict_parts import digits_for, due_for_merge
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobId, Snapshot, SnapshotId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.verdict import Verdict, VerdictKind
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.verdicts import (
    CLEAN,
    INFECTED,
    UNSCANNABLE,
    Hosts,
    key_of,
    unscanned,
    verdict,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import NOON

NAMES = [key_of(number) for number in range(40)]
ENGINES = ("clamav", "yara")
ADDED = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(list(VerdictKind)), st.sampled_from(ENGINES)), max_size=30)


@pytest.fixture
def hosts() -> Hosts:
    return Hosts()


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few lines a file, so that small tests have many files and levels."""
    monkeypatch.setattr(verdict_parts, "_LINES_PER_FILE", 2)
    monkeypatch.setattr(verdict_parts, "_SMALLEST", 4)


def expected(said: t.Iterable[tuple[ContentKey, Verdict]]) -> dict[ContentKey, Verdict]:
    """What a dictionary would say of verdicts in the order of their time."""
    by_engine = {(key, one.engine): one for key, one in said}
    of_keys = {key: [by_engine[key, engine] for engine in ENGINES if (key, engine) in by_engine] for key, _engine in by_engine}
    return {key: max(ones, key=lambda one: (one.kind is INFECTED, one.time)) for key, ones in of_keys.items()}


def test_the_key_of_a_content_of_one_blob_is_the_blob() -> None:
    one, other = BlobId("a" * 64), BlobId("b" * 64)
    keys = [content_key((one,)), content_key((one, other)), content_key((other, one)), content_key(())]
    assert str(keys[0]) == str(one)
    assert len(set(keys)) == 4
    assert {len(key) for key in keys} == {64}


@pytest.mark.usefixtures("small_files")
@settings(max_examples=30, deadline=None)
@given(runs=st.lists(st.tuples(ADDED, st.sampled_from(["alone", "beside", "worker"])), min_size=1, max_size=9))
def test_over_any_runs_on_any_hosts_the_store_says_what_a_dictionary_says(
    runs: list[tuple[list[tuple[ContentKey, VerdictKind, str]], str]],
) -> None:
    hosts, said, minute = Hosts(), list[tuple[ContentKey, Verdict]](), 0
    with contextlib.ExitStack() as beside:
        for added, how in runs:
            stack = beside if how == "beside" else beside.enter_context(contextlib.ExitStack())
            log, writer = stack.enter_context(hosts.run())
            for key, kind, engine in added:
                minute += 1
                said.append((key, verdict(kind, -10_000 + minute, engine)))
                log.add(*said[-1])
            assert set(log.find(NAMES)) >= {key for key, _kind, _engine in added}
            if how == "worker":
                with hosts.run() as (parent, parents_writer):
                    parts = pickle.loads(pickle.dumps(log.save_parts(writer)))
                    writer.flush()
                    parent.adopt(parts)
                    parent.save(parents_writer, NOON)
            else:
                log.save(writer, NOON)
            if stack is not beside:
                stack.close()
    model = expected(said)
    assert hosts.known(NAMES) == model
    with hosts.store() as store:
        assert dict(store.flagged()) == {key: one for key, one in model.items() if not one.is_clean}
        assert store.has_flagged or not any(True for _each in store.flagged())
    assert hosts.warnings == []


def test_runs_that_save_at_the_same_time_lose_nothing_and_the_next_one_merges_them(hosts: Hosts) -> None:
    hosts.save({key_of("before"): verdict()})
    with hosts.run() as (one, ones_writer), hosts.run() as (other, others_writer):
        one.add(key_of("one"), verdict(INFECTED))
        other.add(key_of("other"), verdict(UNSCANNABLE))
        one.save(ones_writer, NOON)
        other.save(others_writer, NOON)
    assert len(hosts.heads()) == 2
    assert len(hosts.known(map(key_of, ("before", "one", "other")))) == 3
    hosts.save({key_of("after"): verdict()})
    assert len(hosts.heads()) == 1
    assert len(hosts.known(map(key_of, ("before", "one", "other", "after")))) == 4


def test_a_run_that_found_nothing_new_leaves_no_snapshot(hosts: Hosts) -> None:
    first = hosts.save({key_of("a"): verdict()})
    assert first is not None
    assert hosts.save({}) is None
    assert hosts.heads() == (first,)


def test_twenty_verdicts_more_cost_a_few_kilobytes_among_many(hosts: Hosts) -> None:
    hosts.save({key_of(number): verdict() for number in range(20_000)})
    before = sum(len(data) for data in hosts.storage.files.values())
    hosts.save({key_of(-number): verdict() for number in range(1, 21)})
    assert sum(len(data) for data in hosts.storage.files.values()) - before < 6 << 10


def test_what_was_added_is_found_before_and_while_it_is_saved(hosts: Hosts) -> None:
    with hosts.run() as (log, writer):
        log.add(key_of("a"), verdict(INFECTED))
        seen = []
        hosts.storage.before_change = lambda _action, _kind: seen.append(log.find([key_of("a")]))
        log.save(writer, NOON)
        hosts.storage.before_change = lambda _action, _kind: None
        assert len(seen) > 2
        assert all(found == {key_of("a"): verdict(INFECTED)} for found in (*seen, log.find([key_of("a")])))


def test_many_threads_add_and_save_and_nothing_is_lost(hosts: Hosts) -> None:
    def add(log_and_writer: tuple[t.Any, t.Any], thread: int) -> None:
        log, writer = log_and_writer
        for number in range(50):
            log.add(key_of((thread, number)), verdict())
            assert log.find([key_of((thread, number))])
            if number % 20 == 19:
                log.save(writer, NOON)

    with hosts.run() as (log, writer):
        threads = [threading.Thread(target=add, args=((log, writer), thread)) for thread in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        log.save(writer, NOON)
    keys = [key_of((thread, number)) for thread in range(4) for number in range(50)]
    assert len(hosts.known(keys)) == 200


def test_of_two_verdicts_of_the_same_second_the_worse_counts(hosts: Hosts) -> None:
    hosts.save({key_of("a"): verdict(INFECTED)})
    hosts.save({key_of("a"): verdict(CLEAN)})
    assert hosts.known([key_of("a")])[key_of("a")].kind is INFECTED


def test_what_an_engine_found_is_taken_back_by_the_same_engine_only(hosts: Hosts) -> None:
    key = key_of("a")
    hosts.save({key: verdict(INFECTED, 1)})
    with hosts.run() as (log, writer):
        log.add(key, verdict(CLEAN, 2, "yara"))
        assert log.find([key])[key] == verdict(INFECTED, 1)
        log.save(writer, NOON)
    with hosts.store() as store:
        assert store.find_each([key]) == {key: (verdict(INFECTED, 1), verdict(CLEAN, 2, "yara"))}
    hosts.save({key: verdict(CLEAN, 3)})
    assert hosts.known([key])[key] == verdict(CLEAN, 3)


def test_a_verdict_from_a_clock_that_was_wrong_hides_no_later_one(hosts: Hosts) -> None:
    in_a_year = 60 * 24 * 365
    hosts.save({key_of("a"): verdict(CLEAN, in_a_year), key_of("b"): verdict(CLEAN, in_a_year)})
    hosts.save({key_of("a"): verdict(INFECTED)})
    found = hosts.known([key_of("a"), key_of("b")])
    assert (found[key_of("a")].kind, found[key_of("b")].kind) == (INFECTED, CLEAN)


def test_what_could_not_be_scanned_is_listed_for_its_plan_until_there_is_a_verdict(hosts: Hosts) -> None:
    with hosts.run() as (log, writer):
        for name in ("a", "b"):
            log.add_unscanned(unscanned(name, minute=1))
        log.save(writer, NOON)
    hosts.save({key_of("a"): verdict(CLEAN, minute=0)})
    with hosts.store() as store:
        assert [one.name for one in store.unscanned("sales")] == ["a", "b"]
        assert not store.has_unscanned("research")
        assert not list(store.unscanned("research"))
    hosts.save({key_of("a"): verdict(CLEAN, minute=2)})
    with hosts.store() as store:
        assert list(store.unscanned("sales")) == [unscanned("b", minute=1)]


def test_a_list_that_was_gone_through_is_dropped_but_for_what_failed_again(hosts: Hosts) -> None:
    for plan in ("sales", "research"):
        with hosts.run(plan) as (log, writer):
            for name in ("a", "b"):
                log.add_unscanned(unscanned(name, plan=plan))
            log.save(writer, NOON)
    with hosts.run() as (log, writer):
        log.add_unscanned(next(log.store.unscanned("sales")))
        log.settle_unscanned()
        log.save(writer, NOON)
        assert not log.has_news
    with hosts.store() as store:
        assert [[one.name for one in store.unscanned(plan)] for plan in ("sales", "research")] == [["a"], ["a", "b"]]


@settings(max_examples=200)
@given(saves=st.lists(st.integers(1, 5_000), min_size=1, max_size=200))
def test_however_much_is_saved_at_a_time_there_are_few_parts_and_each_verdict_is_seldom_written(saves: list[int]) -> None:
    sizes: dict[str, int] = {}
    written = 0
    for number, size in enumerate(saves):
        sizes[str(number)] = size
        going = due_for_merge(sizes)
        written += sum(sizes[name] for name in going) if str(number) in going else size
        merged = sum(sizes.pop(name) for name in going)
        if merged:
            sizes[f"merged {number}"] = merged
        assert len(sizes) <= 3 * 8
    assert written <= 40 * sum(saves)


@given(lines=st.integers(0, 10**8))
def test_a_file_of_a_part_has_some_hundred_lines_however_many_there_are(lines: int) -> None:
    digits = digits_for(lines)
    assert lines / 16**digits <= 1024
    assert digits == 0 or lines / 16 ** (digits - 1) > 1024


def test_what_is_replaced_stays_replaced_whatever_tags_it_is_given(hosts: Hosts) -> None:
    first, second, third = (t.cast(Snapshot, hosts.save({key_of(number): verdict()})) for number in range(3))
    retagged = dataclasses.replace(first, original=first.id, id=SnapshotId("f" * 64))
    assert set(replaced_verdicts([first, second, third, retagged])) == {first.id, second.id, retagged.id}
    assert verdict_heads([retagged, second, third]) == (third,)


def test_nothing_counts_from_more_than_minutes_ahead(hosts: Hosts) -> None:
    hosts.save({key_of("a"): verdict(INFECTED, minute=5)})
    hosts.save({key_of("a"): verdict(CLEAN)})
    assert hosts.known([key_of("a")])[key_of("a")].kind is INFECTED
    with hosts.store(now=NOON - timedelta(hours=1)) as store:
        assert store.find([key_of("a")])[key_of("a")].kind is INFECTED
