# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the mail of a damaged snapshot by its directories, where the records that describe it cannot be read.

Directories and files are named for people, so members, folders and messages can be told from the tree alone. What is
lost with the records: read marks, flags, categories, and true names where a directory's name differs from them.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import email.message
import email.parser
import typing as t

from ..backup.catalogue import Record
from ..backup.layout import META, is_shard
from ..backup.mail_state import Folder, MailState, SourceFacts, load_state
from ..backup.members import MemberState, read_members
from ..repository.errors import RepositoryDamaged
from ..repository.trees import find_node
from ..repository.types import Node, NodeKind, Path, TreeId
from .message_payload import header_text

if t.TYPE_CHECKING:
    from ..repository.repository import Repository

OnDamage = t.Callable[[RepositoryDamaged], None]


def members_or_directories(repository: Repository, group: TreeId, on_damage: OnDamage) -> dict[str, MemberState]:
    """The members of a group; those whose directories are there, if the list of members cannot be read."""
    try:
        return read_members(repository, group)
    except RepositoryDamaged as damage:
        on_damage(damage)
    names = [node.name for node in _readable(repository, group, on_damage) if node.subtree is not None and node.name != META]
    return {name: MemberState(id=name, principal_name=name, display_name=name, directory=name) for name in names}


def state_or_directories(repository: Repository, source: TreeId, on_damage: OnDamage) -> MailState:
    """The state of a mail source; one with the folders that are there and no catalogue, if it cannot be read."""
    try:
        return load_state(repository, source)
    except RepositoryDamaged as damage:
        on_damage(damage)
    folders: dict[str, Folder] = {}
    for path in _folder_paths(repository, source, (), on_damage):
        parent = "/".join(path[:-1]) or None
        folders["/".join(path)] = Folder(id="/".join(path), number=len(folders), name=path[-1], parent=parent, path=path)
    return MailState(source, SourceFacts(), folders, {})


def messages_of(repository: Repository, source: TreeId, folder: Folder, on_damage: OnDamage) -> t.Iterator[tuple[Record, Node]]:
    """Every message that lies in a folder (not below it), with a record made from its content."""
    try:
        directory = find_node(repository, source, folder.path)
    except RepositoryDamaged as damage:
        on_damage(damage)
        return
    if directory is None or directory.subtree is None:
        return
    for shard in _readable(repository, directory.subtree, on_damage):
        if shard.subtree is not None and is_shard(shard.name):
            for path, node in _files(repository, shard.subtree, (shard.name,), on_damage):
                yield _record(repository, folder, path, node), node


def _folder_paths(repository: Repository, tree: TreeId, path: Path, on_damage: OnDamage) -> t.Iterator[Path]:
    for node in _readable(repository, tree, on_damage):
        if node.subtree is not None and node.name != META and not is_shard(node.name):
            yield (*path, node.name)
            yield from _folder_paths(repository, node.subtree, (*path, node.name), on_damage)


def _files(repository: Repository, tree: TreeId, path: Path, on_damage: OnDamage) -> t.Iterator[tuple[Path, Node]]:
    for node in _readable(repository, tree, on_damage):
        if node.subtree is not None:
            yield from _files(repository, node.subtree, (*path, node.name), on_damage)
        elif node.kind is NodeKind.FILE:
            yield (*path, node.name), node


def _readable(repository: Repository, tree: TreeId, on_damage: OnDamage) -> tuple[Node, ...]:
    try:
        return repository.read_tree(tree)
    except RepositoryDamaged as damage:
        on_damage(damage)
        return ()


def _record(repository: Repository, folder: Folder, path: Path, node: Node) -> Record:
    file = "/".join(path)
    try:
        start = next(iter(repository.read_file(node)), b"")
        subject = header_text(email.parser.BytesHeaderParser().parsebytes(start), "subject")
    except RepositoryDamaged:
        # Whoever reads the whole message meets the same damage, and reports it.
        subject = ""
    received = node.modified.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"id": file, "folder": folder.number, "file": file, "received": received, "subject": subject, "size": node.size}
