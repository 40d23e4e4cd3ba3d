# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Goes through snapshots and notes every content that a malware engine should see. No content is read.

Each directory is read once, however many snapshots share it, and many of them in one request.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._errors import InputError
from ..repository.errors import RepositoryDamaged
from ..repository.reachability import read_trees
from ..repository.reading import IndexReader
from ..repository.types import BlobId, Node, NodeKind, Path, Snapshot, TreeId
from .layout import META, ONEDRIVE, SETTINGS, is_parts
from .members import MemberState, group_of, read_members
from .recent_trees import RecentTrees
from .results import Finding, finding_of
from .scan_contents import ScanContents
from .scan_places import Directory, ScanPlaces
from .scan_views import scan_as
from .source_words import SOURCES

if t.TYPE_CHECKING:
    from ..repository.repository import Repository

_TREES_AT_ONCE = 1_024
_INSIDE: Path = ("folder",)
_PARTS: Path = ("item.files",)
_VERSIONS: Path = (META, "versions")
SCANNED_SOURCES = tuple(source for source in SOURCES if source != SETTINGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A snapshot: the name of its group, the directories in that, and the members that have one."""

    name: str = ""
    directories: dict[str, TreeId] = field(default_factory=dict)
    members: tuple[MemberState, ...] = ()


@dataclass(slots=True, kw_only=True)
class Walk:
    """What is looked at, and what came of it. C(members) are object ids or principal names, empty for all; C(names) those seen, by id."""

    snapshots: list[Snapshot]
    members: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    names: dict[str, MemberState] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def walk_snapshots(repository: Repository, walk: Walk, places: ScanPlaces, contents: ScanContents) -> None:
    """Raises InputError for a member that is in none of the snapshots, StorageError. Damage becomes findings."""
    reader = IndexReader(repository.storage, repository.files.key, repository.known_index.index())
    trees = RecentTrees(reader)
    for place, member, source, tree in _sources(repository, trees, walk):
        top = places.put_root(source, "", tree, member.id, place)
        if top is not None:
            _walk_source(reader, top, walk, places, contents)


def find_places(repository: Repository, wanted: t.Mapping[tuple[BlobId, ...], int], places: ScanPlaces) -> None:
    """Note where some contents lie that were met on the walk, given as their blobs with their numbers. Costs the directories once more."""
    if not wanted:
        return
    reader = IndexReader(repository.storage, repository.files.key, repository.known_index.index())
    for batch in places.directories():
        by_tree = _by_tree(batch)
        for tree, nodes in read_trees(reader, by_tree, lambda _damage: None):
            for node in nodes:
                number = wanted.get(node.content) if node.content else None
                for directory in by_tree[tree] if number is not None else ():
                    if number is not None and scan_as(directory.source, _path(directory, node)) is not None:
                        places.put_file(number, directory, node.name)


def zone_below(source: str, zone: Path, name: str) -> Path | None:
    """What of the path of a directory decides how its files are scanned; None where nothing below it is."""
    if source == ONEDRIVE:
        path = (*zone, name)
        if path[0] != META:
            return _INSIDE
        return path if path in (_VERSIONS[:1], _VERSIONS) else _VERSIONS if path[:2] == _VERSIONS else None
    if not zone and name == META:
        return None
    return _PARTS if is_parts(name) else _INSIDE


def read_group(repository: Repository, snapshot: Snapshot, findings: list[Finding]) -> Group:
    """What a snapshot holds; nothing, and a finding, if that cannot be read."""
    try:
        node = group_of(repository, snapshot)
        if node is None or node.subtree is None:
            return Group()
        directories = {child.name: child.subtree for child in repository.read_tree(node.subtree) if child.subtree is not None}
        members = read_members(repository, node.subtree).values()
        return Group(
            name=node.name, directories=directories, members=tuple(member for member in members if member.directory in directories)
        )
    except RepositoryDamaged as damage:
        findings.append(finding_of(damage, f"list of members of the snapshot {snapshot.id[:8]}"))
        return Group()


def _sources(repository: Repository, trees: RecentTrees, walk: Walk) -> t.Iterator[tuple[int, MemberState, str, TreeId]]:
    """Every wanted source of every wanted member, with the place of the snapshot, oldest first. The newest name of a member counts."""
    wanted = _wanted_members(repository, walk) if walk.members else None
    for place, snapshot in enumerate(walk.snapshots):
        group = read_group(repository, snapshot, walk.findings)
        for member in group.members:
            if wanted is not None and member.id not in wanted:
                continue
            walk.names[member.id] = member
            try:
                directories = {node.name: node.subtree for node in trees.read_tree(group.directories[member.directory])}
            except RepositoryDamaged as damage:
                walk.findings.append(finding_of(damage, f"directory of {member.principal_name} in the snapshot {snapshot.id[:8]}"))
                continue
            for source in walk.sources or SCANNED_SOURCES:
                tree = directories.get(source)
                if tree is not None:
                    yield place, member, source, tree


def _wanted_members(repository: Repository, walk: Walk) -> set[str]:
    """The object ids of whoever was ever called so."""
    names: dict[str, set[str]] = {}
    for snapshot in walk.snapshots:
        for member in read_group(repository, snapshot, []).members:
            for name in (member.id, member.principal_name):
                names.setdefault(name.casefold(), set()).add(member.id)
    unknown = sorted(name for name in walk.members if name.casefold() not in names)
    if unknown:
        raise InputError(
            f"No snapshot that was looked at has a member {', '.join(unknown)}.",
            hint="Name members by user principal name or object id, as the snapshots know them.",
        )
    return {member for name in walk.members for member in names[name.casefold()]}


def _walk_source(reader: IndexReader, top: Directory, walk: Walk, places: ScanPlaces, contents: ScanContents) -> None:
    def report(damage: RepositoryDamaged) -> None:
        walk.findings.append(finding_of(damage, "directory of items"))

    pending = [top]
    while pending:
        by_tree = _by_tree(pending[-_TREES_AT_ONCE:])
        del pending[-_TREES_AT_ONCE:]
        for tree, nodes in read_trees(reader, by_tree, report):
            for directory in by_tree[tree]:
                contents.add(_to_scan(directory, nodes))
                pending.extend(_below(places, directory, nodes))


def _by_tree(directories: t.Iterable[Directory]) -> dict[TreeId, list[Directory]]:
    found: dict[TreeId, list[Directory]] = {}
    for directory in directories:
        found.setdefault(directory.tree, []).append(directory)
    return found


def _below(places: ScanPlaces, directory: Directory, nodes: t.Iterable[Node]) -> t.Iterator[Directory]:
    """Directories that were not met before."""
    for node in nodes:
        zone = None if node.subtree is None else zone_below(directory.source, _zone(directory), node.name)
        if node.subtree is not None and zone is not None:
            child = places.put_child(directory, node.name, "/".join(zone), node.subtree)
            if child is not None:
                yield child


def _to_scan(directory: Directory, nodes: t.Iterable[Node]) -> t.Iterator[tuple[str, int, tuple[BlobId, ...]]]:
    """There is nothing to see in an empty file."""
    for node in nodes:
        if node.kind is NodeKind.FILE and node.content:
            how = scan_as(directory.source, _path(directory, node))
            if how is not None:
                yield how.value, node.size, node.content


def _zone(directory: Directory) -> Path:
    return tuple(directory.zone.split("/")) if directory.zone else ()


def _path(directory: Directory, node: Node) -> Path:
    return (*_zone(directory), node.name)
