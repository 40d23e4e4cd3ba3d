# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The mail of one mailbox, read by the reader itself, compared with what the tenant has."""

from __future__ import annotations

import dataclasses
import hashlib
import typing as t
from datetime import datetime, timezone
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.catalogue import Catalogue
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_state import ItemState, load_state
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.mail_reader import preview_mail, read_mail
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.source_read import SourcePreview, SourceRead
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.keys import KdfParameters
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository, create_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import find_node
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import TreeId
from tenant.harness import RunningTenant

LEFT_OUT = frozenset({"outbox", "syncissues", "conflicts", "localfailures", "serverfailures", "searchfolders"})
_RECOVERABLE = "recoverableitemsroot"


class Mark(t.NamedTuple):
    """A message as somebody sees it who looks at a mailbox: where it is, what it is, and the state beside it."""

    folder: str
    digest: str
    is_read: bool
    is_draft: bool
    flagged: bool
    categories: tuple[str, ...]


@dataclasses.dataclass
class StoredMailbox:
    """A mailbox and the tree that our runs have left of it. C(now) moves on by an hour with each run."""

    tenant: RunningTenant
    user: UserId
    repository: Repository
    tree: TreeId | None = None
    recoverable_items: bool = False
    hour: int = 0

    def read(self, client: GraphClient, offer: t.Callable[[TreeId], None] = lambda tree: None) -> SourceRead:
        """One run. What it leaves is kept when it comes to its end."""
        self.hour += 1
        with self.repository.writing(hostname="backup-host") as writer:
            result = read_mail(client, self.user, writer, self.tree, now=self._now(), offer=offer, recoverable_items=self.recoverable_items)
            writer.flush()
        self.tree = result.tree
        return result

    def preview(self, client: GraphClient) -> SourcePreview:
        return preview_mail(client, self.user, self.repository, self.tree, now=self._now(), recoverable_items=self.recoverable_items)

    def state(self) -> ItemState:
        return load_state(self.repository, self.tree)

    def records(self) -> dict[str, dict[str, t.Any]]:
        state = self.state()
        return {record["id"]: record for record in Catalogue(self.repository, state.tree, state.facts.lines).live()}

    def stored(self) -> dict[str, Mark]:
        """{message id: what the tree holds}, each read back from its file."""
        if self.tree is None:
            return {}
        state = self.state()
        by_number = {folder.number: folder for folder in state.folders.values()}
        marks = {}
        for record in self.records().values():
            folder = by_number[record["folder"]]
            node = find_node(self.repository, self.tree, (*folder.path, *record["file"].split("/")))
            content = b"" if node is None else b"".join(self.repository.read_file(node))
            marks[record["id"]] = Mark(
                folder=folder.id,
                digest=hashlib.sha256(content).hexdigest(),
                is_read=bool(record.get("read")),
                is_draft=bool(record.get("draft")),
                flagged=record.get("flag") == "flagged",
                categories=tuple(record.get("categories", ())),
            )
        if len(marks) != state.facts.items:
            raise AssertionError(f"the source says {state.facts.items} items and its catalogue has {len(marks)}")
        return marks

    def truth(self) -> dict[str, Mark]:
        """{message id: what the tenant has}, without the folders that are left out."""
        control = self.tenant.control
        kept = self.kept_folders()
        return {
            message["id"]: Mark(
                folder=message["folder_id"],
                digest=hashlib.sha256(control.mime(self.user, message["id"])).hexdigest(),
                is_read=message["is_read"],
                is_draft=message["is_draft"],
                flagged=message["flagged"],
                categories=tuple(sorted(message["categories"])),
            )
            for message in control.messages(self.user)
            if message["folder_id"] in kept
        }

    def kept_folders(self) -> dict[str, str]:
        """{folder id: name} of those that belong into a backup."""
        folders = {folder["id"]: folder for folder in self.tenant.control.folders(self.user)}

        def is_kept(folder: dict[str, t.Any]) -> bool:
            chain = [folder]
            while (parent := folders.get(chain[-1]["parent_id"])) is not None:
                chain.append(parent)
            names = {link["well_known"] for link in chain}
            if _RECOVERABLE in names:
                return self.recoverable_items
            return "msgfolderroot" in names and not names & LEFT_OUT and not any(link["search"] for link in chain)

        return {key: folder["name"] for key, folder in folders.items() if is_kept(folder) and folder["well_known"] != "msgfolderroot"}

    def _now(self) -> datetime:
        return datetime.fromtimestamp(1_780_000_000 + self.hour * 3600, timezone.utc)


def stored_mailbox(tenant: RunningTenant, user: UserId, folder: Path, **options: t.Any) -> StoredMailbox:
    repository = create_repository(LocalStorage(folder / "repository"), "a passphrase of the tests", kdf=KdfParameters(n=2**10))
    return StoredMailbox(tenant=tenant, user=user, repository=repository, **options)


def same_folders(mailbox: StoredMailbox) -> bool:
    """Whether the tree has the folders of the mailbox, no more and no less."""
    return {key: folder.name for key, folder in mailbox.state().folders.items()} == mailbox.kept_folders()


def is_complete(mailbox: StoredMailbox) -> bool:
    return same_folders(mailbox) and mailbox.stored() == mailbox.truth()
