# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drive of the tests' world, read run after run into a repository that lives in memory."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.catalogue import Catalogue, Record
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.drive_reader import preview_from, read_from
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.drive_state import (
    folder_records,
    load_drive_facts,
    load_drive_state,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import META
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.source_read import SourcePreview, SourceRead
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import find_node, walk
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import NodeKind, TreeId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.writer import Writer
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.drive_world import DriveWorld

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)


class DriveBackup:
    """C(options) are C(versions) and C(permissions)."""

    def __init__(self, writer: Writer, world: DriveWorld, **options: t.Any) -> None:
        self.writer = writer
        self.world = world
        self.tree: TreeId | None = None
        self.offered: list[TreeId] = []
        self.options = options

    def preview(self) -> SourcePreview:
        return preview_from(self.world, "drive", self.writer, self.tree, **self.options)

    def run(self) -> SourceRead:
        self.world.requests.clear()
        self.world.fetched.clear()
        read = read_from(self.world, "drive", self.writer, self.tree, now=NOW, offer=self.offered.append, **self.options)
        self.tree = read.tree
        return read

    def files(self) -> dict[str, bytes]:
        assert self.tree is not None
        return {
            "/" + "/".join(path): b"".join(self.writer.read_file(node))
            for path, node in walk(self.writer, self.tree)
            if path[0] != META and node.kind is NodeKind.FILE
        }

    def folders(self) -> set[str]:
        assert self.tree is not None
        return {"/" + "/".join(path) for path, node in walk(self.writer, self.tree) if path[0] != META and node.kind is NodeKind.DIRECTORY}

    def records(self) -> dict[str, Record]:
        """Of files, by id."""
        assert self.tree is not None
        facts = load_drive_facts(self.writer, self.tree)
        return {record["id"]: record for record in Catalogue(self.writer, self.tree, facts.lines).live()}

    def folder_records(self) -> dict[str, Record]:
        """By id."""
        assert self.tree is not None
        return {record["id"]: record for record in folder_records(self.writer, self.tree)}

    def retries(self) -> set[str]:
        """Ids of items that the next run asks for again."""
        return set() if self.tree is None else set(load_drive_state(self.writer, self.tree).retries)

    def stored(self, path: str) -> bytes:
        """A file by its path below the source."""
        assert self.tree is not None
        node = find_node(self.writer, self.tree, tuple(path.split("/")))
        assert node is not None
        return b"".join(self.writer.read_file(node))

    def check(self) -> None:
        """The tree, both catalogues and the facts speak of the same drive, and it is the one that there is."""
        assert self.tree is not None
        assert self.files() == self.world.files()
        assert self.folders() == self.world.folders()
        facts, state = load_drive_facts(self.writer, self.tree), load_drive_state(self.writer, self.tree)
        records, folders = self.records(), self.folder_records()
        assert (facts.items, facts.folders, facts.fetched) == (len(records), len(folders), 0)
        by_number = {folder.number: folder for folder in state.folders.values()}
        assert len(by_number) == len(folders)
        assert {"/" + "/".join((*by_number[record["folder"]].path, record["file"])) for record in records.values()} == set(self.files())
        assert all(by_number[record["folder"]].id == record["parent"] for record in records.values())
        assert {"/" + "/".join(folder.path) for folder in state.folders.values() if folder.path} == self.folders()
        assert find_node(self.writer, self.tree, (META, "fetched")) is None
