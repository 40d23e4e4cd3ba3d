# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshots of verdicts: what the malware scan said of contents, whatever plan they belong to.

    verdicts/
        parts.json                      what is in the parts
        parts/<name>/...                verdicts by content
        unscanned/<plan>/<name>/...     contents that no engine has looked at yet

Whoever saves verdicts has read those of all heads: snapshots that no other one replaces. He leaves one that replaces them,
so that several hosts may save at the same time: then there are several heads, the next one merges them, and nothing is
lost. A prune removes the replaced ones.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from ..repository.errors import RepositoryDamaged
from ..repository.trees import find_node
from ..repository.types import Node, Snapshot, SnapshotId, TreeId
from .layout import META_TIME, TAG
from .small_files import to_json
from .unscanned import UnscannedPart
from .verdict_parts import VerdictPart

if t.TYPE_CHECKING:
    from datetime import datetime

    from ..repository.writer import Writer
    from .small_files import FileReader

VERDICTS_TAG = "verdicts"
VERDICTS_DIRECTORY = "verdicts"
FORMAT = 1

_REPLACES_TAG = "replaces:"
_LIST = "parts.json"
_PARTS = "parts"
_UNSCANNED = "unscanned"


def is_verdicts(tags: t.Collection[str]) -> bool:
    """Whether a snapshot holds verdicts rather than a backup."""
    return TAG in tags and VERDICTS_TAG in tags


def verdict_heads(snapshots: t.Iterable[Snapshot]) -> tuple[Snapshot, ...]:
    """Those of all snapshots of a repository whose verdicts count, oldest first."""
    ours = _verdicts(snapshots)
    replaced = _replaced(ours)
    return tuple(snapshot for snapshot in ours if not _names(snapshot) & replaced)


def replaced_verdicts(snapshots: t.Iterable[Snapshot]) -> list[SnapshotId]:
    """Those whose verdicts are in a later one as well."""
    ours = _verdicts(snapshots)
    replaced = _replaced(ours)
    return [snapshot.id for snapshot in ours if _names(snapshot) & replaced]


def _verdicts(snapshots: t.Iterable[Snapshot]) -> list[Snapshot]:
    return sorted((one for one in snapshots if is_verdicts(one.tags)), key=lambda one: (one.time, one.id))


def _names(snapshot: Snapshot) -> set[str]:
    """A snapshot that was given other tags has another id than when it was replaced."""
    return {snapshot.id, snapshot.first_id}


def _replaced(snapshots: t.Iterable[Snapshot]) -> set[str]:
    return {
        tag[len(_REPLACES_TAG) :]
        for snapshot in snapshots
        for tag in snapshot.tags
        if tag.startswith(_REPLACES_TAG) and tag[len(_REPLACES_TAG) :] not in _names(snapshot)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadParts:
    """What the head of a store holds."""

    parts: tuple[VerdictPart, ...]
    unscanned: tuple[UnscannedPart, ...]


class NewerFormat(Exception):
    """Verdicts that a later version of this program has written."""


def read_head(store: FileReader, head: Snapshot) -> HeadParts:
    """Raises NewerFormat, and RepositoryDamaged for what cannot be read."""
    root = {node.name: node for node in store.read_tree(_directory(store, head.tree, VERDICTS_DIRECTORY))}
    try:
        listed = json.loads(b"".join(store.read_file(root[_LIST])))
        if listed["format"] > FORMAT:
            raise NewerFormat
        parts = _subtrees(store, root.get(_PARTS))
        found = tuple(VerdictPart.from_dict(parts[name], facts) for name, facts in sorted(listed["parts"].items()))
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise RepositoryDamaged(f"the list of verdicts in snapshot {head.id[:8]}", f"is not what it should be ({error!r})") from error
    unscanned = [
        UnscannedPart(tree=tree, plan=plan)
        for plan, directory in sorted(_subtrees(store, root.get(_UNSCANNED)).items())
        for tree in _subtrees(store, Node.directory(plan, META_TIME, directory)).values()
    ]
    return HeadParts(parts=found, unscanned=tuple(unscanned))


def save_head(writer: Writer, holds: HeadParts, *, replaces: t.Iterable[Snapshot], time: datetime) -> Snapshot:
    """Flush, and publish a snapshot that holds these parts."""
    listed = {"format": FORMAT, "parts": {part.name: part.as_dict() for part in holds.parts}}
    nodes = [Node.file(_LIST, META_TIME, writer.save_file([to_json(listed)]))]
    if holds.parts:
        nodes.append(_save_directory(writer, _PARTS, {part.name: part.tree for part in holds.parts}))
    if holds.unscanned:
        by_plan: dict[str, dict[str, TreeId]] = {}
        for part in holds.unscanned:
            by_plan.setdefault(part.plan, {})[part.name] = part.tree
        plans = [_save_directory(writer, plan, trees) for plan, trees in by_plan.items()]
        nodes.append(Node.directory(_UNSCANNED, META_TIME, writer.save_tree(plans)))
    root = writer.save_tree([Node.directory(VERDICTS_DIRECTORY, META_TIME, writer.save_tree(nodes))])
    tags = (TAG, VERDICTS_TAG, *(_REPLACES_TAG + head.first_id for head in replaces))
    return writer.save_snapshot(root, time=time, paths=("/" + VERDICTS_DIRECTORY,), tags=tags)


def _save_directory(writer: Writer, name: str, trees: t.Mapping[str, TreeId]) -> Node:
    nodes = [Node.directory(name, META_TIME, tree) for name, tree in trees.items()]
    return Node.directory(name, META_TIME, writer.save_tree(nodes))


def _subtrees(store: FileReader, node: Node | None) -> dict[str, TreeId]:
    nodes = () if node is None or node.subtree is None else store.read_tree(node.subtree)
    return {child.name: child.subtree for child in nodes if child.subtree is not None}


def _directory(store: FileReader, tree: TreeId, name: str) -> TreeId:
    node = find_node(store, tree, (name,))
    if node is None or node.subtree is None:
        raise RepositoryDamaged(f"tree {tree[:8]} of verdicts", f"lacks its directory {name}")
    return node.subtree
