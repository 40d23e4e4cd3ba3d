# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verdicts among the rest of a repository: damage, prune, verification, restic, and versions to come."""

from __future__ import annotations

from pathlib import Path as FilePath

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup import verdict_heads as heads_room
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.damaged_items import ItemKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.pruning import PruneOptions, Pruning, prune_plan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.restore_points import plan_snapshots
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.verify_result import verification_result
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.verifying import Task, verify
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import ALL_DATA, check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import create_repository, open_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import walk
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobId, BlobKind, Node, Path
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.history import GOOD, History, plan_with
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.verdicts import (
    CLEAN,
    INFECTED,
    Hosts,
    key_of,
    unscanned,
    verdict,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.restic_program import Restic, needs_restic
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    CHEAP,
    NOON,
    PASSPHRASE,
    FakeClock,
    Place,
)

KEYS = [key_of(number) for number in range(1_100)]
WHATEVER = PruneOptions(now=NOON, max_delete_percent=100)


@pytest.fixture
def hosts() -> Hosts:
    """Some verdicts in sixteen files, and a list of contents without one."""
    hosts = Hosts()
    with hosts.run() as (log, writer):
        for number, key in enumerate(KEYS):
            log.add(key, verdict(CLEAN if number else INFECTED))
        log.add_unscanned(unscanned("later"))
        log.save(writer, NOON)
    return hosts


def nodes(hosts: Hosts) -> dict[Path, Node]:
    """What lies where in the newest snapshot."""
    repository = hosts.place.reopen()
    return dict(walk(repository, repository.snapshots()[-1].tree))


def spoil(hosts: Hosts, *end: str) -> None:
    """Flip a bit of the one file or directory with such a path."""
    (node,) = [node for path, node in nodes(hosts).items() if path[-len(end) :] == end]
    kind, blob = (BlobKind.DATA, node.content[0]) if node.subtree is None else (BlobKind.TREE, BlobId(node.subtree))
    for place in hosts.place.reopen().known_index.index().places(kind, blob):
        data = bytearray(hosts.storage.files[FileKind.DATA, place.pack])
        data[place.blob.offset + 20] ^= 1
        hosts.storage.files[FileKind.DATA, place.pack] = bytes(data)


def prune(hosts: Hosts) -> Pruning:
    return prune_plan(hosts.place.reopen(), plan_with(keep_last=1), WHATEVER)


def test_a_damaged_file_takes_its_verdicts_and_no_others_and_the_next_save_leaves_it_behind(hosts: Hosts) -> None:
    spoil(hosts, "verdicts", "a")
    known = hosts.known(KEYS)
    assert set(KEYS) - set(known) == {key for key in KEYS if key.startswith("a")}
    assert len(hosts.warnings) == 1
    assert "cannot be read" in hosts.warnings[0]
    with hosts.run() as (log, writer):
        log.find(KEYS)
        assert log.save(writer, NOON) is not None
        assert log.save(writer, NOON) is None
    prune(hosts)
    assert check(hosts.place.reopen(), read_data=True) == []
    assert hosts.known(KEYS) == known


@pytest.mark.parametrize("end", [("verdicts",), ("parts.json",), ("parts",), ("unscanned",)])
def test_verdicts_that_cannot_be_read_at_all_are_unknown_and_the_next_run_begins_anew(hosts: Hosts, end: tuple[str, ...]) -> None:
    if end == ("verdicts",):
        root = next(node for path, node in nodes(hosts).items() if len(path) == 1)
        assert root.name == "verdicts"
        hosts.storage.files = {where: data for where, data in hosts.storage.files.items() if where[0] is not FileKind.DATA}
    else:
        spoil(hosts, *end)
    assert hosts.known(KEYS) == {}
    assert "cannot be read" in hosts.warnings[0]
    with hosts.run() as (log, writer):
        assert log.has_news
        log.add(KEYS[0], verdict())
        log.save(writer, NOON)
    assert set(hosts.known(KEYS)) == {KEYS[0]}


def test_a_damaged_list_of_what_was_not_scanned_is_warned_of(hosts: Hosts) -> None:
    spoil(hosts, "00.jsonl")
    with hosts.store() as store:
        assert not list(store.unscanned("sales"))
    assert "Scan the backups of the plan again" in hosts.warnings[0]


def test_damage_that_a_worker_finds_is_told_and_mended_by_its_parent(hosts: Hosts) -> None:
    spoil(hosts, "verdicts", "a")
    with hosts.run() as (parent, parents_writer):
        with hosts.run() as (log, writer):
            log.find(KEYS)
            parent.adopt(log.save_parts(writer))
        assert len(hosts.warnings) == 2
        assert parent.save(parents_writer, NOON) is not None
    hosts.warnings.clear()
    assert len(hosts.known(KEYS)) > 1_000
    assert hosts.warnings == []


def test_what_a_later_version_has_written_is_neither_read_nor_replaced(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads_room, "FORMAT", 2)
    theirs = hosts.save({key_of("later"): verdict()})
    monkeypatch.undo()
    assert hosts.known(KEYS) == {}
    assert "newer version" in hosts.warnings[0]
    hosts.save({KEYS[0]: verdict()})
    assert theirs in hosts.heads()
    assert set(hosts.known(KEYS)) == {KEYS[0]}


def test_a_prune_takes_what_was_replaced_and_leaves_what_counts(hosts: Hosts) -> None:
    hosts.save({key_of("more"): verdict()})
    history = History(hosts.place.reopen())
    kept = history.add(NOON, alice=GOOD)
    prune(hosts)
    assert {snapshot.id for snapshot in hosts.place.reopen().snapshots()} == {kept.id, *(head.id for head in hosts.heads())}
    assert len(hosts.known([*KEYS, key_of("more")])) == len(KEYS) + 1
    assert not prune(hosts).changed
    assert len(hosts.heads()) == 1


def test_a_verification_says_that_only_verdicts_suffer_and_a_repair_and_a_prune_put_it_in_order(hosts: Hosts) -> None:
    spoil(hosts, "verdicts", "a")
    task = Task(run_id="verify", hostname="backup1", now=lambda: NOON, lock_timeout=0.0, is_check=False)
    found = verify(hosts.place.reopen(), ALL_DATA, wants_repair=True, task=task)
    assert [item.kind for item in found.items] == [ItemKind.VERDICTS]
    result = verification_result(found, ALL_DATA, "/srv/backup", is_check=False)
    assert "malware scan" in result["msg"]
    assert "no backup suffers" in result["msg"]
    assert result["snapshots"] == 0
    hosts.warnings.clear()
    assert len(hosts.known(KEYS)) > 1_000
    assert hosts.warnings == []
    prune(hosts)
    assert verify(hosts.place.reopen(), ALL_DATA, wants_repair=False, task=task).is_sound


@needs_restic
def test_restic_finds_no_error_in_verdicts_reads_them_and_forgets_them(tmp_path: FilePath) -> None:
    restic = Restic(tmp_path)
    storage = LocalStorage(restic.repository)
    create_repository(storage, PASSPHRASE, kdf=CHEAP)
    hosts = Hosts(place=Place(storage, open_repository(storage, PASSPHRASE), FakeClock()))
    for number in range(6):
        hosts.save({key: verdict(INFECTED if number else CLEAN) for key in KEYS[number * 180 :][:180]})
    restic.check()
    newest = hosts.heads()[0]
    lines = [
        line for path, data in restic.restore(newest.id).items() if path[1] == "parts" and path[3] == "verdicts" for line in data.split()
    ]
    assert {line[2:66].decode() for line in lines} == set(KEYS[:1_080])
    assert not plan_snapshots(hosts.place.reopen(), "sales")
    restic.run("forget", "--keep-last", "1", "--prune")
    restic.check()
    assert len(hosts.known(KEYS)) == 1_080
