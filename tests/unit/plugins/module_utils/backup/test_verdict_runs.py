# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that scan, and are broken off anywhere: what lies in a snapshot has its verdict in the store, and is not scanned twice."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup import group_tree, mail_reader
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.content_key import ContentKey, content_key
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.engine import run_plan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import RunResult
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.scan_setup import OpenedEngine, scan_setup
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.verdict_heads import is_verdicts, verdict_heads
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.verdict_store import VerdictStore
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import MalwareScan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import StorageError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import walk
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.verdict import Verdict
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.groups import Group, mailbox, member
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.mailbox_service import MailboxService
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.marking_engine import MarkingEngine
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import RecordingStorage, new_place

ANNA = member("anna")
MESSAGES = [f"a{number}" for number in range(8)]


@pytest.fixture(autouse=True)
def _many_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_reader, "_OFFER_BYTES", 1)
    monkeypatch.setattr(mail_reader, "_AHEAD", 0)
    monkeypatch.setattr(group_tree, "_CHECKPOINT_BYTES", 0)


def scanning_group(storage: RecordingStorage) -> Group:
    group = Group(place=new_place(storage))
    group.plan = dataclasses.replace(group.plan, malware_scan=MalwareScan(enabled=True))
    return group


def run(group: Group, engine: MarkingEngine) -> RunResult:
    setup = scan_setup(group.plan)
    assert setup is not None
    client = MailboxService(anna=mailbox(*MESSAGES)).client
    group.place.clock.move(60)
    opened = OpenedEngine(setup, engine)
    return run_plan(group.plan, [ANNA], client, group.place.reopen(), run_id="run", now=group.now, hostname="backup1", engine=opened)


def stored_messages(repository: Repository) -> set[ContentKey]:
    """The contents of the messages of all restore points."""
    backups = [snapshot for snapshot in repository.snapshots() if not is_verdicts(snapshot.tags)]
    return {
        content_key(node.content) for snapshot in backups for path, node in walk(repository, snapshot.tree) if path[-1].endswith(".eml")
    }


def known(group: Group, keys: t.Collection[ContentKey]) -> dict[ContentKey, Verdict]:
    repository = group.place.reopen()

    def fail(warning: str) -> None:
        raise AssertionError(warning)

    with VerdictStore(repository, verdict_heads(repository.snapshots()), now=group.now(), warn=fail) as store:
        return store.find(keys)


def test_inv11_wherever_a_run_breaks_off_what_its_checkpoints_hold_has_a_verdict() -> None:
    whole = RecordingStorage()
    run(scanning_group(whole), MarkingEngine("a3"))
    checkpoints = 0
    for broken_at in range(8, len(whole.changes), 3):
        storage = RecordingStorage()
        group = scanning_group(storage)
        storage.break_at = broken_at
        with pytest.raises(StorageError):
            run(group, MarkingEngine("a3"))
        storage.break_at = None
        repository = group.place.reopen()
        stored = stored_messages(repository)
        checkpoints += bool(stored)
        assert set(known(group, stored)) == stored
    assert checkpoints > 3


def test_the_run_after_one_that_broke_off_scans_only_what_has_no_verdict_yet() -> None:
    storage = RecordingStorage()
    group = scanning_group(storage)
    storage.break_at = 20
    with pytest.raises(StorageError):
        run(group, MarkingEngine())
    storage.break_at = None
    keys = stored_messages(group.place.reopen())
    assert 0 < len(keys) < len(MESSAGES)
    engine = MarkingEngine()
    result = run(group, engine)
    assert result.scan is not None
    assert len(engine.seen) <= len(MESSAGES) - len(keys)
    assert len(known(group, stored_messages(group.place.reopen()))) == len(MESSAGES)


def test_a_second_run_scans_nothing_and_leaves_no_verdicts() -> None:
    group = scanning_group(RecordingStorage())
    run(group, MarkingEngine("a3"))
    before = verdict_heads(group.place.reopen().snapshots())
    engine = MarkingEngine("a3")
    run(group, engine)
    assert engine.seen == []
    assert verdict_heads(group.place.reopen().snapshots()) == before


def test_a_run_without_a_scan_writes_no_verdicts() -> None:
    group = Group()
    group.run([ANNA], anna=mailbox(*MESSAGES))
    assert not any(is_verdicts(snapshot.tags) for snapshot in group.place.reopen().snapshots())
