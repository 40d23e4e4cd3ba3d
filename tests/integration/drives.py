# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One drive, read by the reader itself, compared with what the tenant has."""

from __future__ import annotations

import dataclasses
import hashlib
import typing as t
from datetime import datetime, timezone
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.catalogue import Catalogue
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.drive_reader import preview_drive, read_drive
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.drive_state import load_drive_state
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_state import ItemState
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import META
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.source_read import SourcePreview, SourceRead
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.keys import KdfParameters
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository, create_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import NodeKind, TreeId
from tenant.harness import RunningTenant

POINTER = "pointer"


class Mark(t.NamedTuple):
    """A file, folder or shortcut as somebody sees it who looks at a drive: its path, a hash of its bytes, when it was changed.

    A folder has no hash, and what is no file has no time here. C(POINTER) is the hash of every shortcut.
    """

    path: str
    digest: str = ""
    modified: str = ""


@dataclasses.dataclass
class StoredDrive:
    """A drive and the tree that our runs have left of it. C(now) moves on by an hour with each run."""

    tenant: RunningTenant
    user: UserId
    repository: Repository
    tree: TreeId | None = None
    versions: int = 0
    permissions: bool = False
    hour: int = 0

    def read(self, client: GraphClient, offer: t.Callable[[TreeId], None] = lambda tree: None) -> SourceRead:
        """One run. What it leaves is kept when it comes to its end."""
        self.hour += 1
        with self.repository.writing(hostname="backup-host") as writer:
            options: dict[str, t.Any] = {"versions": self.versions, "permissions": self.permissions}
            result = read_drive(client, self.user, writer, self.tree, now=self._now(), offer=offer, **options)
            writer.flush()
        self.tree = result.tree
        return result

    def preview(self, client: GraphClient) -> SourcePreview:
        options: dict[str, t.Any] = {"versions": self.versions, "permissions": self.permissions}
        return preview_drive(client, self.user, self.repository, self.tree, now=self._now(), **options)

    def state(self) -> ItemState:
        if self.tree is None:
            raise AssertionError("nothing was read yet")
        return load_drive_state(self.repository, self.tree)

    def records(self) -> dict[str, dict[str, t.Any]]:
        """{id: record} of the files."""
        state = self.state()
        return {record["id"]: record for record in Catalogue(self.repository, state.tree, state.facts.lines).live()}

    def stored(self) -> dict[str, Mark]:
        """{id: what the tree holds}, each file read back. AssertionError when tree and catalogue do not agree."""
        if self.tree is None:
            return {}
        state = self.state()
        contents = self._contents(self.tree)
        by_number = {folder.number: folder for folder in state.folders.values()}
        marks, claimed = {}, {()}
        for folder in state.folders.values():
            if folder.parent is not None:
                claimed.add(folder.path)
                marks[folder.id] = Mark(self._true_path(state, folder.id))
        for record in self.records().values():
            folder = by_number[record["folder"]]
            place = (*folder.path, record["file"])
            claimed.add(place)
            is_pointer = record.get("kind") == "shortcut"
            digest = POINTER if is_pointer else contents.get(place, "missing")
            path = f"{self._true_path(state, folder.id)}/{record['subject']}"
            marks[record["id"]] = Mark(path, digest, "" if is_pointer else str(record.get("modified", "")))
        if claimed != contents.keys():
            raise AssertionError(f"tree and catalogue do not agree: {sorted(claimed ^ contents.keys())[:5]}")
        if len(self.records()) != state.facts.items:
            raise AssertionError(f"the source says {state.facts.items} items and its catalogue has {len(self.records())}")
        return marks

    def truth(self) -> dict[str, Mark]:
        """{id: what the tenant has}."""
        control = self.tenant.control
        marks = {}
        for line in control.drive_listing(self.user):
            if line["kind"] in ("file", "shortcut"):
                is_pointer = line["kind"] == "shortcut"
                digest = POINTER if is_pointer else control.file(self.user, line["id"])["sha256"]
                marks[line["id"]] = Mark(line["path"], digest, "" if is_pointer else line["modified"])
            elif line["path"] != "/":
                marks[line["id"]] = Mark(line["path"])
        return marks

    def _contents(self, tree: TreeId, above: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
        """{path in the tree: hash of the bytes, empty for a directory}, without our own files."""
        found = {above: ""}
        for node in self.repository.read_tree(tree):
            if not above and node.name == META:
                continue
            path = (*above, node.name)
            if node.kind is NodeKind.DIRECTORY and node.subtree is not None:
                found |= self._contents(node.subtree, path)
            else:
                found[path] = hashlib.sha256(b"".join(self.repository.read_file(node))).hexdigest()
        return found

    @staticmethod
    def _true_path(state: ItemState, folder_id: str) -> str:
        names: list[str] = []
        above: str | None = folder_id
        while above is not None:
            folder = state.folders[above]
            names.insert(0, folder.name)
            above = folder.parent
        return "/".join(names)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(1_780_000_000 + self.hour * 3600, timezone.utc)


def stored_drive(tenant: RunningTenant, user: UserId, folder: Path, **options: t.Any) -> StoredDrive:
    repository = create_repository(LocalStorage(folder / "repository"), "a passphrase of the tests", kdf=KdfParameters(n=2**10))
    return StoredDrive(tenant=tenant, user=user, repository=repository, **options)


def is_complete(drive: StoredDrive) -> bool:
    return drive.stored() == drive.truth()
