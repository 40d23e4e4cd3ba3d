# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Contents on their way into the repository, and past an engine that may give up at any time."""

from __future__ import annotations

import contextlib
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.content_key import content_key
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.content_scan import ContentScan, ScanRules, SourceScan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.contents import About, Contents, Kept
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.scan_backlog import scan_backlog
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.scan_marks import unscanned_mark, worst_mark
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.scan_results import (
    Flagged,
    ScanCounts,
    SourceScanned,
    scanned_by,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.bodies import Body
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import MalwareScan, OnFlagged
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.writer import Writer
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.scanner import ScannerDown
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.verdict import Engine
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.groups import member
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.marking_engine import MarkingEngine
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.verdicts import Hosts, unscanned
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import NOON

ANNA = member("anna")
LIMIT = 1000


class Scanning(t.NamedTuple):
    """One run over one source."""

    scan: ContentScan
    source: SourceScan
    contents: Contents
    writer: Writer


@contextlib.contextmanager
def scanning(hosts: Hosts, engine: MarkingEngine, *, keeps_unscanned: bool = False) -> t.Iterator[Scanning]:
    """What it has found is saved when it ends."""
    with hosts.run() as (log, writer):
        scan = ContentScan(engine, log, ScanRules(plan="sales", size_limit=LIMIT, keeps_unscanned=keeps_unscanned), lambda: NOON)
        source = scan.of(ANNA, "mail")
        yield Scanning(scan, source, Contents(writer, source), writer)
        log.save(writer, NOON)


def verdict_of(kept: Kept) -> str:
    return "clean" if kept.mark is None else str(kept.mark["verdict"])


def expected(content: bytes) -> str:
    if len(content) > LIMIT:
        return "unscannable"
    return "infected" if b"bad" in content else "unscannable" if b"locked" in content else "clean"


CONTENTS = st.lists(
    st.sampled_from([b"", b"fine", b"bad", b"locked", b"also bad", b"fine too", bytes(LIMIT + 1), b"bad" + bytes(LIMIT)]), max_size=20
)


@given(CONTENTS, st.integers(0, 6), st.booleans(), st.booleans())
def test_nothing_is_clean_unless_the_engine_said_so_and_nothing_is_asked_twice(
    contents: list[bytes], answers: int, keeps_unscanned: bool, is_stream: bool
) -> None:
    engine, hosts = MarkingEngine("bad", answers=answers), Hosts()
    with scanning(hosts, engine, keeps_unscanned=keeps_unscanned) as run:
        said = []
        for content in contents:
            try:
                kept = run.contents.save([content]) if is_stream else run.contents.save_content(Body(content, None, len(content)))
            except ScannerDown:
                assert not keeps_unscanned
                continue
            assert b"".join(run.writer.read_blob(BlobKind.DATA, blob) for blob in kept.file.content) == content
            said.append((content, verdict_of(kept)))
        counts = run.source.so_far().counts
    assert len(set(engine.seen)) == len(engine.seen)
    for content, verdict in said:
        assert verdict == expected(content) or (verdict == "unscanned" and keeps_unscanned and content not in engine.seen)
    totals = [verdict for _content, verdict in said]
    assert [counts.clean, counts.infected, counts.unscannable, counts.unscanned] == [
        totals.count(kind) for kind in ("clean", "infected", "unscannable", "unscanned")
    ]
    assert counts.scanned + counts.known + counts.unscanned == len(said)
    if engine.answers >= 0:
        assert len(said) == len(contents)
    # Another run of the same database asks about nothing that has a verdict.
    again = MarkingEngine("bad")
    with scanning(hosts, again) as run:
        for content, _verdict in said:
            assert verdict_of(run.contents.save([content])) == expected(content)
    assert set(again.seen) == {content for content, verdict in said if verdict == "unscanned"}


def test_threads_with_the_same_content_wait_for_one_verdict() -> None:
    engine = MarkingEngine("bad")
    with scanning(Hosts(), engine) as run, ThreadPoolExecutor(8) as pool:
        run.contents.save([b"bad"])
        kept = list(pool.map(lambda _number: run.contents.save([b"bad"]), range(50)))
    assert (len(engine.seen), {verdict_of(one) for one in kept}) == (1, {"infected"})


def test_another_database_looks_again_and_another_engine_does_not_undo_what_one_has_found() -> None:
    hosts = Hosts()
    for engine, verdict, asked in (
        (MarkingEngine("bad"), "infected", 1),
        (MarkingEngine("bad"), "infected", 0),
        (MarkingEngine(name="other"), "infected", 1),
        (MarkingEngine(name="other"), "infected", 0),
        (MarkingEngine(database="2"), "clean", 1),
    ):
        with scanning(hosts, engine) as run:
            assert verdict_of(run.contents.save([b"bad"])) == verdict
        assert len(engine.seen) == asked


def test_without_an_engine_an_older_verdict_is_better_than_none() -> None:
    hosts = Hosts()
    with scanning(hosts, MarkingEngine("bad")) as run:
        run.contents.save([b"bad"])
    with scanning(hosts, MarkingEngine(database="2", answers=0), keeps_unscanned=True) as run:
        assert verdict_of(run.contents.save([b"bad"])) == "infected"
        assert verdict_of(run.contents.save([b"bad as well"])) == "unscanned"


def test_what_was_stored_unscanned_is_scanned_from_the_repository_and_stays_listed_until_then() -> None:
    hosts = Hosts()
    with scanning(hosts, MarkingEngine(answers=0), keeps_unscanned=True) as run:
        for name in ("fine", "bad", "locked"):
            kept = run.contents.save([name.encode()], part="attachment a" if name == "bad" else "")
            run.contents.report(About(name, "Inbox"), [kept.flag])
        run.scan.log.add_unscanned(unscanned("what a prune has removed since"))
        (finding,) = run.source.findings("mailbox of anna")
        assert (finding.code, "3 contents of the mailbox of anna" in finding.reason) == ("unscanned", True)
    with scanning(hosts, MarkingEngine(answers=0)) as run:
        still = scan_backlog(run.scan, run.writer, {}, threads=2)
        # What is gone is not waited for.
        assert (still.counts, [one.verdict for one in still.flagged]) == (ScanCounts(unscanned=3), ["unscanned"] * 3)
    with scanning(hosts, MarkingEngine("bad")) as run:
        assert scan_backlog(run.scan, run.writer, {}, threads=2, is_stopping=lambda: True) == SourceScanned()
    with scanning(hosts, MarkingEngine("bad")) as run:
        healed = scan_backlog(run.scan, run.writer, {"anna": "anna@x.example"}, threads=2)
    assert healed.counts == ScanCounts(scanned=3, clean=1, infected=1, unscannable=1, scanned_bytes=13)
    assert {(one.member, one.source, one.folder, one.name, one.verdict) for one in healed.flagged} == {
        ("anna@x.example", "mail", "Inbox", "bad, attachment a", "infected"),
        ("anna@x.example", "mail", "Inbox", "locked", "unscannable"),
    }
    with scanning(hosts, MarkingEngine()) as run:
        assert scan_backlog(run.scan, run.writer, {}, threads=2) == SourceScanned()


def test_the_worst_of_an_item_counts_with_the_names_of_everything() -> None:
    bad: dict[str, t.Any] = {"verdict": "infected", "names": ["b"]}
    worse: dict[str, t.Any] = {"verdict": "infected", "names": ["a"]}
    locked: dict[str, t.Any] = {"verdict": "unscannable", "reason": "locked"}
    unscanned = unscanned_mark("down", NOON)
    assert worst_mark([locked, bad, unscanned, worse, None]) == {"verdict": "infected", "names": ["a", "b"]}
    assert worst_mark([locked, unscanned]) == {"verdict": "unscanned", "reason": "down", "time": "2026-11-23T12:00:00Z"}
    assert worst_mark([None, None]) is None


@pytest.mark.parametrize(
    "policy", [MalwareScan(), MalwareScan(on_infected=OnFlagged.FAIL_RUN), MalwareScan(on_unscannable=OnFlagged.FAIL_RUN)]
)
def test_a_run_fails_for_what_the_plan_says_and_names_what_an_interrupted_one_had_found(policy: MalwareScan) -> None:
    here = Flagged(member="anna", source="mail", folder="Inbox", name="x", mark={"verdict": "unscannable", "reason": "locked"})
    before = replace(here, name="y", mark={"verdict": "infected", "names": ["v"]})
    scanned = scanned_by(Engine(name="e", version="1", database="d"), [SourceScanned(flagged=(here,))], [before, here])
    assert scanned.flagged == (before, here)
    failing = [one for one, wish in ((before, policy.on_infected), (here, policy.on_unscannable)) if wish is OnFlagged.FAIL_RUN]
    assert list(scanned.fails(policy)) == failing
    assert [Flagged.from_dict(one.as_dict()) for one in scanned.flagged] == list(scanned.flagged)


def test_the_verdict_belongs_to_the_content_as_it_is_stored() -> None:
    hosts = Hosts()
    with scanning(hosts, MarkingEngine("bad")) as run:
        kept = run.contents.save([b"ba", b"d"])
    (verdict,) = hosts.known([content_key(kept.file.content)]).values()
    assert verdict.names == ("bad",)
