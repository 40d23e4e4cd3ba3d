# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several hosts that leave snapshots of one plan in one repository, in whatever order things happen."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.base_point import base_tree_of, find_base
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.coverage import read_coverage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.group_tree import GroupTree
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import CHECKPOINT, META_TIME, outcome_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.listed_snapshots import ListedSnapshots
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.member_task import SourceReport, base_tree
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.members import (
    SourceState,
    SourceStatus,
    group_of,
    members_as_json,
    read_group,
    source_tree,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.restore_points import plan_snapshots
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Outcome
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.shards import Share
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Node, Snapshot, TreeId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.writer import Writer
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.groups import Group, mailbox, member

HOSTS = ("north", "south", "west")
MEMBERS = [member(f"m{number}") for number in range(4)]
OWNERS = {one.id: HOSTS[number % len(HOSTS)] for number, one in enumerate(MEMBERS)}


class Host:
    """A run of one host: it reads by adding messages to what a source has, as a cursor does."""

    def __init__(self, group: Group, name: str, number: int) -> None:
        self.group, self.name, self.run_id = group, name, f"run-{number:04d}-{name}"
        self.stack = contextlib.ExitStack()
        self.repository = group.place.reopen()
        self.writer: Writer = self.stack.enter_context(self.repository.writing(hostname=name))
        share = Share(name, HOSTS)
        self.tree = GroupTree.load(
            group.plan, ListedSnapshots(self.repository), self.writer, MEMBERS, self.run_id, group.now, share=share, hostname=name
        )

    def read(self, key: str, messages: int, status: SourceStatus) -> None:
        task = self.tree.task(next(one for one in MEMBERS if one.id == key))
        base = base_tree(task, "mail", self.writer)
        offered = self.tree.offered_tree(key, "mail") or base
        known = set() if offered is None else {node.name for node in self.writer.read_tree(offered)}
        names = known | {f"{len(known) + number:04d}.eml" for number in range(messages)}
        nodes = [Node.file(name, META_TIME, self.writer.save_file([f"{key} {name}".encode()])) for name in names]
        tree = self.writer.save_tree(nodes)
        state = SourceState(status=status, last_success=None if status is SourceStatus.UNFINISHED else self.group.moment.isoformat())
        self.tree.put(SourceReport(member_id=key, source="mail", base=base, tree=tree, state=state))

    def fail(self, key: str) -> None:
        """A good state stays, and what is half read stays as far as it came."""
        task = self.tree.task(next(one for one in MEMBERS if one.id == key))
        base, before, offered = base_tree(task, "mail", self.writer), task.states.get("mail"), self.tree.offered_tree(key, "mail")
        is_half = before is None or before.status is SourceStatus.UNFINISHED
        if offered is not None and not is_half:
            return  # a source that was read to its end in this run does not fail any more
        state = SourceState(status=SourceStatus.UNFINISHED if is_half else SourceStatus.STALE)
        tree = offered or base if is_half else base
        self.tree.put(SourceReport(member_id=key, source="mail", base=base, tree=tree, state=state))

    def checkpoint(self) -> None:
        self.tree.save(self.writer, CHECKPOINT)

    def finish(self) -> None:
        if self.tree.is_changed(Outcome.COMPLETE):
            self.tree.save(self.writer, "complete")
        self.stack.close()

    def finish_while(self, other: Host) -> None:
        """The other one saves after this one has looked, and before its snapshot is there."""
        save = self.writer.save_snapshot

        def late(tree: TreeId, **facts: t.Any) -> Snapshot:
            vars(self.writer).pop("save_snapshot")
            other.finish()
            return save(tree, **facts)

        vars(self.writer)["save_snapshot"] = late
        self.tree.save(self.writer, "complete")
        self.stack.close()

    def kill(self) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            self.stack.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)


def sizes(repository: Repository, snapshot: Snapshot) -> dict[str, int]:
    """How many messages of each member a snapshot has."""
    group = group_of(repository, snapshot)
    assert group is not None
    assert group.subtree is not None
    found = {}
    for one in read_group(repository, group.subtree).members.values():
        tree = source_tree(repository, group.subtree, one.directory, "mail")
        found[one.id] = 0 if tree is None else len(repository.read_tree(tree))
    return found


def most(repository: Repository, plan: str) -> dict[str, int]:
    """The most that any snapshot has of each member."""
    whole: dict[str, int] = {}
    for snapshot in plan_snapshots(repository, plan):
        for key, size in sizes(repository, snapshot).items():
            whole[key] = max(size, whole.get(key, 0))
    return whole


def merged(repository: Repository, plan: str) -> dict[str, int]:
    """What the next run goes on from."""
    base = find_base(repository, repository, plan, lambda _warning: None)
    trees = {key: base_tree_of(repository, base, (key, "mail")) for key in base.members}
    return {key: 0 if tree is None else len(repository.read_tree(tree)) for key, tree in trees.items()}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["read", "read", "half", "fail", "checkpoint", "finish", "race", "kill"]),
        st.sampled_from(HOSTS),
        st.sampled_from(HOSTS),
        st.sampled_from(MEMBERS),
        st.integers(1, 3),
    ),
    max_size=25,
)


@settings(max_examples=120, deadline=None)
@given(STEPS, st.booleans())
def test_whatever_hosts_do_side_by_side_the_next_run_has_all_that_any_of_them_has_saved(
    steps: list[tuple[str, str, str, t.Any, int]], has_wrong_clock: bool
) -> None:
    group = Group()
    running: dict[str, Host] = {}
    number = 0

    def host(name: str) -> Host:
        nonlocal number
        if name not in running:
            number += 1
            group.moment += timedelta(seconds=-7 if has_wrong_clock and name == "south" else 5)
            running[name] = Host(group, name, number)
        return running[name]

    for verb, name, other, one, count in steps:
        ours = host(name)
        if verb in ("read", "half", "fail"):
            owner = host(OWNERS[one.id])
            if verb == "fail":
                owner.fail(one.id)
            else:
                owner.read(one.id, count, SourceStatus.GOOD if verb == "read" else SourceStatus.UNFINISHED)
        elif verb == "checkpoint":
            ours.checkpoint()
        elif verb == "race" and other != name and other in running:
            ours.finish_while(running.pop(other))
            del running[name]
        elif verb == "kill":
            running.pop(name).kill()
        else:
            running.pop(name).finish()
        repository = group.place.reopen()
        if plan_snapshots(repository, "sales"):
            assert merged(repository, "sales") == most(repository, "sales")
            if verb in ("finish", "race") and not has_wrong_clock:
                newest = plan_snapshots(repository, "sales")[-1]
                assert sizes(repository, newest) == most(repository, "sales")
    for left in running.values():
        left.kill()


def test_hosts_that_save_at_the_same_moment_leave_everything_in_the_newest_snapshot() -> None:
    group = Group()
    north, south = Host(group, "north", 1), Host(group, "south", 2)
    north.read("m0", 2, SourceStatus.GOOD)
    south.read("m1", 3, SourceStatus.GOOD)
    north.finish_while(south)
    repository = group.place.reopen()
    snapshots = plan_snapshots(repository, "sales")
    assert [sizes(repository, snapshot) for snapshot in snapshots][-1] == {"m0": 2, "m1": 3, "m2": 0, "m3": 0}
    assert len(snapshots) == 3


def test_a_host_that_failed_does_not_take_away_what_another_has_read_meanwhile() -> None:
    group = Group()
    first = Host(group, "north", 1)
    first.read("m0", 1, SourceStatus.GOOD)
    first.finish()
    north, south = Host(group, "north", 2), Host(group, "south", 3)
    north.read("m0", 2, SourceStatus.GOOD)
    south.fail("m0")
    north.finish()
    south.finish()
    assert merged(group.place.reopen(), "sales")["m0"] == 3


def test_what_an_older_and_uncovered_snapshot_has_is_kept_as_the_last_good_state() -> None:
    group = Group()
    north, south = Host(group, "north", 1), Host(group, "south", 2)
    north.read("m0", 2, SourceStatus.GOOD)
    south.read("m0", 1, SourceStatus.UNFINISHED)
    south.read("m1", 1, SourceStatus.GOOD)
    save = north.writer.save_snapshot
    vars(north.writer)["save_snapshot"] = lambda tree, **facts: (south.finish(), save(tree, **facts))[1]
    with contextlib.suppress(RecursionError):
        north.checkpoint()
    north.kill()
    points = group.points()
    assert set().union(*(point.last_good_of for point in points)) == {"m0", "m1"}
    kept = [point.snapshot_id for point in points if "m0" in point.last_good_of]
    repository = group.place.reopen()
    assert [sizes(repository, repository.snapshot(one))["m0"] for one in kept] == [2]  # type: ignore[arg-type]


def test_one_host_reads_no_more_than_its_newest_snapshot_to_go_on() -> None:
    group = Group()
    for messages in (["a1"], ["a1", "a2"], ["a1", "a2", "a3"]):
        box = mailbox("a1")
        box.said = {"in": [box.put(one, "in") for one in messages[1:]]}
        group.run([member("anna")], anna=box)
    repository = group.place.reopen()
    snapshots = plan_snapshots(repository, "sales")
    base = find_base(repository, repository, "sales", lambda _warning: None)
    assert len(snapshots) == 3
    assert base.covers == {snapshot.first_id[:16] for snapshot in snapshots}
    assert not base.taken


def test_snapshots_without_stamps_are_gone_on_from_as_they_are() -> None:
    group = Group()
    group.run([member("anna")], anna=mailbox("a1"))
    repository = group.place.reopen()
    newest = plan_snapshots(repository, "sales")[-1]
    node = group_of(repository, newest)
    assert node is not None
    assert node.subtree is not None
    states = read_group(repository, node.subtree).members.values()
    bare = [
        dataclasses.replace(one, sources={name: SourceState(status=state.status) for name, state in one.sources.items()}) for one in states
    ]
    assert b"stamp" not in members_as_json(bare)
    assert b"covers" not in members_as_json(bare)


def test_the_checkpoint_of_a_killed_host_is_told_of_by_its_next_run_although_another_has_gone_on_from_it() -> None:
    group = Group()
    north = Host(group, "north", 1)
    north.read("m0", 1, SourceStatus.UNFINISHED)
    north.checkpoint()
    north.kill()
    south = Host(group, "south", 2)
    south.read("m1", 1, SourceStatus.GOOD)
    south.finish()
    assert outcome_of(plan_snapshots(group.place.reopen(), "sales")[-1].tags) == "complete"
    again = Host(group, "north", 3)
    assert again.tree.is_changed(Outcome.COMPLETE)
    again.kill()


def test_nobody_is_called_protected_because_another_host_has_run() -> None:
    group = Group()
    shares = {name: [one.id for one in MEMBERS if Share(name, HOSTS).has(one.id)] for name in HOSTS}
    busy, lost = [name for name in HOSTS if shares[name]][:2]
    for number, name in enumerate((lost, busy)):
        host = Host(group, name, number)
        for key in shares[name]:
            host.read(key, 1, SourceStatus.GOOD)
        host.finish()
    group.moment += timedelta(days=3)
    group.place.clock.move(3 * 86400)
    host = Host(group, busy, 3)
    host.read(shares[busy][0], 1, SourceStatus.GOOD)
    host.finish()
    repository, now = group.place.reopen(), group.now()
    covered = read_coverage(repository, dataclasses.replace(group.plan, sources=("mail",)), now=now, max_age=timedelta(days=2))
    protected = {one.member.id for one in covered.members if one.is_protected}
    assert protected == set(shares[busy])
