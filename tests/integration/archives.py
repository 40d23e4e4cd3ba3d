# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A member with an archive, and what a run makes of it."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import typing as t
from datetime import datetime, timezone

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.archive_reader import preview_archive, read_archive
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.catalogue import Catalogue, Record
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_state import load_state
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.source_read import SourcePreview, SourceRead
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import walk
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import TreeId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.writer import Writer
from tenant.harness import RunningTenant
from tenant.tokens import DEFAULT_ROLES

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
FOLDER_OPERATIONS = ("exchange_folders_list", "exchange_folder_children")


@dataclasses.dataclass(slots=True)
class Archive:
    """C(offers) are the intermediate trees of the last run, C(now) is its time."""

    tenant: RunningTenant
    client: GraphClient
    user: UserId
    writer: Writer
    mailbox: str = ""
    now: datetime = NOW
    offers: list[TreeId] = dataclasses.field(default_factory=list)

    def create(self, items: int = 0, *, auxiliaries: int = 0, **options: t.Any) -> list[str]:
        """Gives the member an archive with so many messages in one folder; the ids of its auxiliary mailboxes."""
        made = self.tenant.control.create_archive(self.user, auxiliaries=auxiliaries)
        self.mailbox = made["archive"]
        self.tenant.control.create_folder(self.mailbox, "Old mail")
        if items:
            self.tenant.control.deliver_generated(self.mailbox, items, folder=["Old mail"], **{"size_limit": 3000, **options})
        return list(made["auxiliaries"])

    def read(self, base: TreeId | None = None) -> SourceRead:
        self.offers = []
        return read_archive(self.client, self.user, self.writer, base, now=self.now, offer=self.offers.append)

    def preview(self, base: TreeId | None = None) -> SourcePreview:
        return preview_archive(self.client, self.user, self.writer, base, now=self.now)

    def records(self, tree: TreeId | None) -> dict[str, Record]:
        """By subject."""
        return {record["subject"]: record for record in self.live(tree)}

    def live(self, tree: TreeId | None) -> list[Record]:
        assert tree is not None
        state = load_state(self.writer, tree)
        return list(Catalogue(self.writer, tree, state.facts.lines).live())

    def check(self, tree: TreeId | None) -> None:
        """The tree holds exactly the items of the archive: content, folder, catalogue and count."""
        assert tree is not None
        state = load_state(self.writer, tree)
        assert (state.facts.leaving, state.retries) == ([], {})
        by_number = {folder.number: folder for folder in state.folders.values()}
        expected = {item["id"]: item for item in self.tenant.control.exchange_items(self.mailbox)}
        records = {record["id"]: record for record in self.live(tree)}
        assert sorted(records) == sorted(expected)
        assert state.facts.items == len(records)
        files = {path: node for path, node in walk(self.writer, tree) if path[-1].endswith(".fts")}
        assert len(files) == len(records)
        for key, record in records.items():
            node = files[(*by_number[record["folder"]].path, *record["file"].split("/"))]
            stored = b"".join(self.writer.read_file(node))
            assert (len(stored), stored) == (record["size"], self.tenant.control.stream(self.mailbox, key))
            assert record["subject"] == expected[key]["subject"]

    def requests(self, run: t.Callable[[], object]) -> collections.Counter[str]:
        """What a run asks for, by operation; logins do not count."""
        self.tenant.control.reset_log()
        run()
        asked = collections.Counter(str(line["operation"]) for line in self.tenant.control.requests())
        return collections.Counter({name: count for name, count in asked.items() if name.startswith(("exchange_", "export_"))})


@contextlib.contextmanager
def changed_settings(tenant: RunningTenant, **changes: t.Any) -> t.Iterator[None]:
    before = tenant.control.settings()
    tenant.control.settings(**changes)
    try:
        yield
    finally:
        tenant.control.settings(**{name: before[name] for name in changes})


@contextlib.contextmanager
def roles_without(tenant: RunningTenant, beginning: str) -> t.Iterator[None]:
    tenant.control.set_roles(tenant.client_id, [role for role in DEFAULT_ROLES if not role.startswith(beginning)])
    try:
        yield
    finally:
        tenant.control.set_roles(tenant.client_id, list(DEFAULT_ROLES))


def fails_once(archive: Archive, item: str, words: str) -> None:
    """The first run stores all but one item and says why; a second one is no better; a calm one makes it complete."""
    first = archive.read()
    assert [words in finding.reason for finding in first.findings] == [True]
    assert (first.counts.total, list(load_state(archive.writer, first.tree).retries)) == (4, [item])
    second = archive.read(first.tree)
    assert (second.tree, second.counts.fetched, len(second.findings)) == (first.tree, 0, 1)
    archive.tenant.control.disarm()
    calm = archive.read(second.tree)
    archive.check(calm.tree)
    assert (calm.counts.fetched, calm.findings) == (1, ())
    assert archive.read(calm.tree).tree == calm.tree
