# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the items of a damaged snapshot by its directories, where the records that describe it cannot be read.

Directories and files are named for people, so members, folders and items can be told from the tree alone, and what an
item is about from its content. What is lost with the records of mail: read marks, flags, categories, of drives who changed a file and
its versions, and of every source true names where a directory's name differs from them.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import email.parser
import json
import typing as t

from ..backup.calendar_record import event_record
from ..backup.catalogue import Record
from ..backup.contacts_record import contact_record
from ..backup.drive_state import state_of
from ..backup.item_fields import without_empty
from ..backup.item_state import Folder, ItemState, SourceFacts
from ..backup.layout import (
    ARCHIVE,
    CALENDAR,
    CONTACTS,
    FOLDER_FILE,
    MAIL,
    META,
    ONEDRIVE,
    TASKS,
    is_parts,
    is_shard,
    parts_path,
    short_hash,
)
from ..backup.members import MemberState, read_members
from ..backup.tasks_record import task_record
from ..repository.errors import RepositoryDamaged
from ..repository.trees import find_node
from ..repository.types import Node, NodeKind, Path, TreeId
from .message_payload import header_text

if t.TYPE_CHECKING:
    from ..repository.repository import Repository

OnDamage = t.Callable[[RepositoryDamaged], None]
FoundPart = tuple[dict[str, t.Any], Node]


def members_or_directories(repository: Repository, group: TreeId, on_damage: OnDamage) -> dict[str, MemberState]:
    """The members of a group; those whose directories are there, if the list of members cannot be read."""
    try:
        return read_members(repository, group)
    except RepositoryDamaged as damage:
        on_damage(damage)
    names = [node.name for node in _readable(repository, group, on_damage) if node.subtree is not None and node.name != META]
    return {name: MemberState(id=name, principal_name=name, display_name=name, directory=name) for name in names}


def state_or_directories(repository: Repository, source: str, tree: TreeId, on_damage: OnDamage) -> ItemState:
    """The state of a source; one with the folders that are there and no catalogue, if it cannot be read."""
    try:
        return state_of(repository, source, tree)
    except RepositoryDamaged as damage:
        on_damage(damage)
    folders: dict[str, Folder] = {}
    tops = [()] if any(node.kind is NodeKind.FILE for node in _readable(repository, tree, lambda _damage: None)) else []
    find_folders = _drive_folders if source == ONEDRIVE else _folder_paths
    for path in (*tops, *find_folders(repository, tree, (), on_damage)):
        parent = "/".join(path[:-1]) or None
        folders["/".join(path)] = Folder(id="/".join(path), number=len(folders), name=path[-1] if path else "", parent=parent, path=path)
    return ItemState(tree, SourceFacts(), folders, {})


def items_of(
    repository: Repository, source: str, tree: TreeId, folder: Folder, on_damage: OnDamage
) -> t.Iterator[tuple[Record, Node, tuple[FoundPart, ...]]]:
    """Every item that lies in a folder (not below it), with a record made from its content, and the files beside it."""
    try:
        directory = find_node(repository, tree, folder.path) if folder.path else None
    except RepositoryDamaged as damage:
        on_damage(damage)
        return
    # Settings lie at the top of their source.
    subtree = (None if directory is None else directory.subtree) if folder.path else tree
    if subtree is None:
        return
    for path, node, siblings in _item_files(repository, subtree, (), on_damage):
        if node.name.endswith(_SUFFIXES.get(source, ".json")):
            record = _record(repository, source, folder, path, node)
            yield record, node, tuple(_parts(repository, source, path, siblings, on_damage))


def with_wanted_id(record: Record, ids: t.Iterable[str]) -> Record:
    """The record under the id that is wanted and that its file is named after, if there is one."""
    stem: str = record["file"].rpartition(".")[0]

    def is_named_after(item_id: str) -> bool:
        return stem.endswith((f"-{short_hash(item_id, 16)}", f"~{short_hash(item_id, 8)}"))

    return next(({**record, "id": item_id} for item_id in ids if is_named_after(item_id)), record)


def _folder_paths(repository: Repository, tree: TreeId, path: Path, on_damage: OnDamage) -> t.Iterator[Path]:
    for node in _readable(repository, tree, on_damage):
        if node.subtree is not None and node.name != META and not is_shard(node.name):
            yield (*path, node.name)
            yield from _folder_paths(repository, node.subtree, (*path, node.name), on_damage)


def _drive_folders(repository: Repository, tree: TreeId, path: Path, on_damage: OnDamage) -> t.Iterator[Path]:
    """Of a drive every directory is a folder, whatever its name."""
    for node in _readable(repository, tree, on_damage):
        if node.subtree is not None and (*path, node.name) != (META,):
            yield (*path, node.name)
            yield from _drive_folders(repository, node.subtree, (*path, node.name), on_damage)


def _item_files(repository: Repository, tree: TreeId, path: Path, on_damage: OnDamage) -> t.Iterator[tuple[Path, Node, tuple[Node, ...]]]:
    """The files of items below a folder, each with what lies in its directory."""
    nodes = _readable(repository, tree, on_damage)
    for node in nodes:
        if node.subtree is None:
            if node.kind is NodeKind.FILE and node.name != FOLDER_FILE:
                yield (*path, node.name), node, nodes
        elif is_shard(node.name) or (path and not is_parts(node.name)):
            yield from _item_files(repository, node.subtree, (*path, node.name), on_damage)


def _parts(repository: Repository, source: str, path: Path, siblings: t.Iterable[Node], on_damage: OnDamage) -> t.Iterator[FoundPart]:
    beside = parts_path(path)
    for node in siblings:
        if node.name == beside[-1] and node.subtree is not None:
            for file in _readable(repository, node.subtree, on_damage):
                kind = "photo" if source == CONTACTS else "attachment"
                yield {"file": "/".join((*beside, file.name)), "kind": kind, "name": file.name}, file


def _readable(repository: Repository, tree: TreeId, on_damage: OnDamage) -> tuple[Node, ...]:
    try:
        return repository.read_tree(tree)
    except RepositoryDamaged as damage:
        on_damage(damage)
        return ()


def _record(repository: Repository, source: str, folder: Folder, path: Path, node: Node) -> Record:
    file = "/".join(path)
    try:
        told = _TOLD.get(source, _told_by_nothing)(repository, node)
    except RepositoryDamaged:
        # Whoever reads the whole item meets the same damage, and reports it.
        told = {}
    received = node.modified.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"id": file, "folder": folder.number, "file": file, "received": received, "subject": "", "size": node.size} | told


def _told_by_headers(repository: Repository, node: Node) -> Record:
    headers = email.parser.BytesHeaderParser().parsebytes(next(iter(repository.read_file(node)), b""))
    told: Record = {key: header_text(headers, name) for key, name in (("subject", "subject"), ("from", "from"), ("mid", "message-id"))}
    return {**told, **{name: [header_text(headers, name)] for name in ("to", "cc") if headers[name]}}


def _told_by_json(tell: t.Callable[[t.Mapping[str, t.Any]], Record]) -> t.Callable[[Repository, Node], Record]:
    def told(repository: Repository, node: Node) -> Record:
        document = json.loads(b"".join(repository.read_file(node)))
        return without_empty(tell(document))

    return told


def _told_by_nothing(_repository: Repository, _node: Node) -> Record:
    return {}


_SUFFIXES = {MAIL: ".eml", ARCHIVE: ".fts"}
_TOLD: dict[str, t.Callable[[Repository, Node], Record]] = {
    MAIL: _told_by_headers,
    CALENDAR: _told_by_json(event_record),
    CONTACTS: _told_by_json(contact_record),
    TASKS: _told_by_json(task_record),
}
