# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One source of one user, read run after run into a repository of its own, to look closely at what is stored."""

from __future__ import annotations

import dataclasses
import json
import typing as t
from datetime import datetime, timezone
from pathlib import Path as FilePath

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.catalogue import Catalogue, Record
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_state import load_state
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.source_read import SourcePreview, SourceRead
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.sources import PreviewSource, ReadSource
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.keys import KdfParameters
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository, create_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import walk
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import NodeKind, Path, TreeId
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import PASSPHRASE

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)


@dataclasses.dataclass
class Stored:
    """A source with the state of its last run. C(requests) is what that run cost."""

    client: GraphClient
    user: UserId
    repository: Repository
    read: ReadSource
    preview: PreviewSource
    tree: TreeId | None = None
    requests: int = 0

    def run(self, now: datetime = NOW) -> SourceRead:
        """The preview of a run says what the run then does, and writes nothing."""
        foreseen = self.look_ahead(now)
        before, base = self._traffic(), self.tree
        with self.repository.writing(hostname="backup-host") as writer:
            done = self.read(self.client, self.user, writer, self.tree, now=now, offer=_nobody)
        self.tree = done.tree
        self.requests = self._traffic() - before
        assert foreseen.is_changed == (done.tree != base)
        for count in () if done.findings else ("total", "added", "updated", "moved", "removed"):
            assert getattr(foreseen.counts, count) == getattr(done.counts, count), count
        assert len(foreseen.findings) <= len(done.findings)
        return done

    def look_ahead(self, now: datetime = NOW) -> SourcePreview:
        return self.preview(self.client, self.user, self.repository, self.tree, now=now)

    def records(self) -> dict[str, Record]:
        """By subject."""
        assert self.tree is not None
        lines = load_state(self.repository, self.tree).facts.lines
        return {record["subject"]: record for record in Catalogue(self.repository, self.tree, lines).live()}

    def files(self) -> dict[Path, bytes]:
        """Every file that is no state of ours, by path."""
        assert self.tree is not None
        return {
            path: b"".join(self.repository.read_file(node))
            for path, node in walk(self.repository, self.tree)
            if node.kind is NodeKind.FILE and path[0] != ".m365" and path[-1] != ".folder.json"
        }

    def document(self, subject: str) -> dict[str, t.Any]:
        """The JSON of an item."""
        return dict(json.loads(self.content(self.records()[subject])))

    def content(self, record: Record, file: str | None = None) -> bytes:
        """The item's own file, or another one that it names."""
        assert self.tree is not None
        folders = {folder.number: folder for folder in load_state(self.repository, self.tree).folders.values()}
        path = (*folders[record["folder"]].path, *(file or record["file"]).split("/"))
        return self.files()[path]

    def folder_of(self, subject: str) -> str:
        assert self.tree is not None
        folders = {folder.number: folder for folder in load_state(self.repository, self.tree).folders.values()}
        return folders[self.records()[subject]["folder"]].name

    def check(self) -> None:
        """Every record has its files, every file a record, and the count is right."""
        assert self.tree is not None
        state = load_state(self.repository, self.tree)
        folders = {folder.number: folder for folder in state.folders.values()}
        named: set[Path] = set()
        count = 0
        for record in Catalogue(self.repository, self.tree, state.facts.lines).live():
            count += 1
            for file in (record["file"], *(part["file"] for part in record.get("parts", ()))):
                named.add((*folders[record["folder"]].path, *file.split("/")))
        assert named == set(self.files())
        assert count == state.facts.items

    def _traffic(self) -> int:
        return sum(self.client.traffic().requests.values())


def _nobody(tree: TreeId) -> None:
    raise AssertionError(f"small sources offer nothing, but {tree} came")


def new_repository(folder: FilePath) -> Repository:
    return create_repository(LocalStorage(folder), PASSPHRASE, kdf=KdfParameters(n=2**10))
