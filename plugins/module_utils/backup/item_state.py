# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tree of a source says about itself: source facts, folders with their cursors, items to try again.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t
from dataclasses import dataclass, field

from .._errors import BackupError
from ..repository.types import NodeKind, Path, TreeId
from .layout import FOLDER_FILE, LAYOUT, META, RETRY_FILE, SOURCE_FILE, is_shard
from .recent_trees import RecentTrees
from .small_files import FileReader, read_file, to_json

SOURCE_PATH: Path = (META, SOURCE_FILE)
RETRY_PATH: Path = (META, RETRY_FILE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """C(lines) of the catalogue, C(items) that count among them, the next folder number, and the folder list's cursor.

    C(leaving) are numbers of folders that are gone while the catalogue may still name messages in them: the tree is one
    of a run that had not ended. C(left_out) are the names by id of folders that are not backed up.
    """

    lines: int = 0
    items: int = 0
    next_folder: int = 0
    cursor: str | None = None
    well_known: dict[str, str] = field(default_factory=dict)
    leaving: list[int] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveFacts(SourceFacts):
    """What the tree of a drive says besides: C(items) and C(lines) are of its files, C(folders) and C(folder_lines) of its folders.

    C(drive) and C(root) are the ids of the drive and of its top folder; C(versions) and C(permissions) what the cursor's
    passes asked for, so that asking for more lists the drive anew. C(fetched) is the lines of what an unfinished pass has read.
    """

    drive: str
    root: str = ""
    folder_lines: int = 0
    folders: int = 0
    versions: int = 0
    permissions: bool = False
    fetched: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder (mail folder, calendar, contact folder, task list). C(number) stands for its long id in the catalogue."""

    id: str
    number: int
    name: str
    parent: str | None
    is_hidden: bool = False
    cursor: str | None = None
    path: Path = ()

    def as_json(self) -> bytes:
        document = dataclasses.asdict(self)
        del document["path"]
        return to_json(document)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """An item that failed: the next run asks for it again, though the cursor has moved on."""

    id: str
    since: str


@dataclass(frozen=True, slots=True)
class ItemState:
    tree: TreeId | None
    facts: SourceFacts
    folders: dict[str, Folder]
    retries: dict[str, Retry]


def load_state(store: FileReader, tree: TreeId | None) -> ItemState:
    """Read the state out of the source's tree; the empty state where there is none."""
    if tree is None:
        return ItemState(None, SourceFacts(), {}, {})
    recent = RecentTrees(store)
    facts = load_facts(recent, tree)
    return ItemState(
        tree=tree,
        facts=facts,
        folders={folder.id: folder for folder in _folders(recent, tree, ())},
        retries=load_retries(recent, tree),
    )


def load_facts(store: FileReader, tree: TreeId) -> SourceFacts:
    """Those of a drive are DriveFacts. Raises BackupError for a layout that this version does not know."""
    document = json.loads(read_file(store, tree, SOURCE_PATH) or b"null")
    if document is None or document.pop("layout") != LAYOUT:
        raise BackupError(
            "A source in the repository was written in a layout that this version does not know.",
            hint="Update the collection on this host.",
        )
    return DriveFacts(**document) if "drive" in document else SourceFacts(**document)


def load_retries(store: FileReader, tree: TreeId) -> dict[str, Retry]:
    """By item id."""
    entries = json.loads(read_file(store, tree, RETRY_PATH) or b"[]")
    return {entry["id"]: Retry(**entry) for entry in entries}


def facts_as_json(facts: SourceFacts) -> bytes:
    return to_json({"layout": LAYOUT, **dataclasses.asdict(facts)})


def retries_as_json(retries: t.Iterable[Retry]) -> bytes:
    return to_json([dataclasses.asdict(retry) for retry in retries])


def _folders(store: RecentTrees, tree: TreeId, path: Path) -> t.Iterator[Folder]:
    for node in store.read_tree(tree):
        if node.kind is NodeKind.FILE and node.name == FOLDER_FILE:
            yield Folder(**json.loads(b"".join(store.read_file(node))), path=path)
        elif node.subtree is not None and node.name != META and not is_shard(node.name):
            yield from _folders(store, node.subtree, (*path, node.name))
