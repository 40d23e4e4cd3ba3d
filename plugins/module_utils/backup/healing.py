# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""After a repair: have the next run read again what the repository has lost.

The mailbox often still has what a disk has eaten. A message that is read again gives the same bytes, so the same blob
is stored again, and every snapshot that needs it is whole again.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t
from datetime import datetime

from ..repository.errors import BlobMissing
from ..repository.trees import edit_tree, find_node
from ..repository.types import Node, Path, Snapshot, TreeId
from .base_point import BasePoint, base_tree_of, find_base
from .item_state import RETRY_PATH, Retry, retries_as_json
from .last_states import SourceKey
from .layout import CHECKPOINT, MEMBERS_FILE, META, META_TIME, snapshot_tags
from .members import MemberState, SourceStatus, members_as_json, source_tree, with_directories
from .restore_points import time_after
from .small_files import read_file

if t.TYPE_CHECKING:
    from ..repository.repository import Repository
    from ..repository.writer import Writer

Lost = t.Mapping[SourceKey, t.Collection[str]]


def ask_again(
    repository: Repository,
    plan_name: str,
    lost: Lost,
    *,
    afresh: t.Collection[SourceKey] = (),
    run_id: str,
    now: t.Callable[[], datetime],
    hostname: str,
    lock_timeout: float = 0.0,
) -> Snapshot | None:
    """Leave a checkpoint of the plan in which ``lost`` ({(member id, source): item ids}) are items to be tried again.

    ``afresh`` are sources that have lost more than items: they are read in full. A checkpoint, because it is no
    restore point, only what the next run goes on from; prune removes it after that. None when nothing is to be asked for
    that is not asked for already. Raises RepositoryLocked, RepositoryDamaged, StorageError.
    """
    # Alone, because a run that began before would not know of the checkpoint, and the next one would go on from that run.
    with repository.exclusive(hostname=hostname, lock_timeout=lock_timeout) as writer:
        found = find_base(repository, writer, plan_name, lambda _warning: None)
        base, group = found.snapshot, found.group
        if base is None or group is None or group.subtree is None:
            return None
        moment = time_after(found.newest, now())
        before = with_directories(found.members)
        members = dict(before)
        whole = edit_tree(writer, group.subtree, sorted(_taken_in(writer, found, before).items())) or group.subtree
        edits: dict[Path, Node | None] = {}
        for key in sorted({*lost, *afresh}):
            member_id, source = key
            if member_id not in before:
                continue
            try:
                retries = None if key in afresh else _with_retries(writer, whole, members[member_id], source, lost[key], moment)
                is_incomplete = key in afresh
            except BlobMissing:
                retries, is_incomplete = None, True
            members[member_id] = _with_stale_source(members[member_id], source, run_id, is_incomplete=is_incomplete)
            edits.update(retries or {})
        if not edits and members == before:
            return None
        edits[(META, MEMBERS_FILE)] = _file(writer, MEMBERS_FILE, members_as_json(members.values(), covers=found.covers))
        tree = edit_tree(writer, whole, sorted(edits.items()))
        root = writer.save_tree([dataclasses.replace(group, subtree=tree)])
        return writer.save_snapshot(root, time=moment, paths=base.paths, tags=snapshot_tags(plan_name, run_id, CHECKPOINT), parent=base.id)


def _taken_in(writer: Writer, base: BasePoint, members: t.Mapping[str, MemberState]) -> dict[Path, Node | None]:
    """The edits that put what other hosts have left into the tree of the group; see base_point."""
    edits: dict[Path, Node | None] = {}
    owners = {key[0] for key in base.taken}
    for owner in sorted(owners):
        trees = {source: base_tree_of(writer, base, (owner, source)) for source in members[owner].sources}
        nodes = [Node.directory(source, META_TIME, tree) for source, tree in trees.items() if tree is not None]
        if nodes:
            edits[(members[owner].directory,)] = Node.directory(members[owner].directory, META_TIME, writer.save_tree(nodes))
    group = None if base.group is None else base.group.subtree
    for owner, stored in base.stored.items():
        if group is None or stored.directory == members[owner].directory:
            continue
        node = find_node(writer, group, (stored.directory,))
        edits.setdefault((stored.directory,), None)
        if node is not None and owner not in owners:
            edits[(members[owner].directory,)] = dataclasses.replace(node, name=members[owner].directory)
    return edits


def _with_retries(
    writer: Writer, group: TreeId, member: MemberState, source: str, item_ids: t.Collection[str], moment: datetime
) -> dict[Path, Node | None]:
    """The edit that adds items to those that are tried again; none when they are among them."""
    tree = source_tree(writer, group, member.directory, source)
    if tree is None:
        return {}
    before = read_file(writer, tree, RETRY_PATH) or b"[]"
    known = {entry["id"]: Retry(**entry) for entry in json.loads(before)}
    since = moment.isoformat(timespec="seconds")
    after = retries_as_json({**{lost_id: Retry(id=lost_id, since=since) for lost_id in sorted(item_ids)}, **known}.values())
    path = (member.directory, source, *RETRY_PATH)
    return {} if after == before else {path: _file(writer, path[-1], after)}


def _file(writer: Writer, name: str, content: bytes) -> Node:
    return Node.file(name, META_TIME, writer.save_file([content]))


def _with_stale_source(member: MemberState, source: str, run_id: str, *, is_incomplete: bool) -> MemberState:
    """The member with a source that no longer counts as good. One that was never read to its end stays unfinished."""
    before = member.sources.get(source)
    if before is None:
        return member
    status = SourceStatus.STALE if before.is_good else before.status
    stamp = dataclasses.replace(before.stamp, puts=before.stamp.puts + 1, run=run_id)
    state = dataclasses.replace(before, status=status, is_incomplete=is_incomplete or before.is_incomplete, stamp=stamp)
    return dataclasses.replace(member, sources={**member.sources, source: state})
