# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives against the tenant: whether there is one, whether we may read it, and where its folders are.

Numbers are those of the behaviours in the tenant's own guide.
"""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest
from integration.archives import Archive, changed_settings, roles_without
from integration.backups import Backup
from integration.graph_tenant import HurriedClock, connected, new_user, settings_for

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup import archive_folders
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.bodies import Body
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient, connect
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.clouds import CLOUDS
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import BadAnswer, ServiceUnavailable
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.exchange_export import export_items
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.exchange_redirects import (
    ExchangeItemId,
    ExchangeMailbox,
    MailboxId,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import UserId
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.support import writing
from tenant.harness import RunningTenant


@pytest.fixture
def archive(tenant: RunningTenant, client: GraphClient, user: UserId) -> t.Iterator[Archive]:
    with writing() as writer:
        yield Archive(tenant, client, user, writer)


@pytest.mark.parametrize("settings", [{"archive_id_in_v1": False}, {"wrap_exchange_settings": True}, {"archive_refusal_status": 403}])
def test_41_42_an_archive_is_found_and_listed_whatever_v1_says(archive: Archive, settings: dict[str, t.Any]) -> None:
    archive.create(2)
    with changed_settings(archive.tenant, **settings):
        read = archive.read()
    archive.check(read.tree)
    assert read.availability == "backed_up"


def test_42_once_v1_serves_archives_beta_is_not_asked(archive: Archive) -> None:
    archive.create(2)
    with changed_settings(archive.tenant, archive_in_v1=True):
        archive.tenant.control.reset_log()
        archive.check(archive.read().tree)
    paths = [str(line["path"]) for line in archive.tenant.control.requests() if "/mailboxes/" in str(line["path"])]
    assert paths
    assert all(path.startswith("/v1.0/") for path in paths)


def test_a_member_without_an_archive_is_said_to_have_none(archive: Archive) -> None:
    for read in (archive.read(), archive.preview()):
        assert (read.availability, read.findings, read.counts.total) == ("no_archive", (), 0)
    assert archive.read().tree is None


def test_an_archive_that_is_taken_away_stays_in_the_backup_with_a_finding(archive: Archive) -> None:
    archive.create(4)
    base = archive.read().tree
    archive.tenant.control.remove_archive(archive.user)
    read = archive.read(base)
    assert (read.tree, read.counts.total, read.availability) == (base, 4, "no_archive")
    assert ["stays in the backup" in finding.reason for finding in read.findings] == [True]
    preview = archive.preview(base)
    assert (preview.is_changed, preview.availability, len(preview.findings)) == (False, "no_archive", 1)


@pytest.mark.parametrize("missing", ["MailboxFolder.Read", "MailboxItem.Read", "MailboxItem.ImportExport"])
def test_a_refusal_names_the_permission_and_keeps_what_was_backed_up(archive: Archive, missing: str) -> None:
    archive.create(4)
    base = archive.read().tree
    archive.tenant.control.deliver_generated(archive.mailbox, 1, folder=["Old mail"], first=70, size_limit=3000)
    with roles_without(archive.tenant, missing), connected(archive.tenant) as client:
        poorer = Archive(archive.tenant, client, archive.user, archive.writer, archive.mailbox)
        first, later = poorer.read(), poorer.read(base)
    assert (first.tree, later.tree, later.counts.total) == (None, base, 4)
    for read in (first, later):
        assert read.availability == "refused: ErrorAccessDenied"
        assert [missing.replace("ImportExport", "Export") in finding.reason for finding in read.findings] == [True]


def test_an_archive_whose_folders_are_all_gone_at_once_is_not_believed(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    archive.create(2)
    base = archive.read().tree
    monkeypatch.setattr(archive_folders, "list_exchange_folders", lambda mailbox: iter(()))
    with pytest.raises(BadAnswer, match="not believed"):
        archive.read(base)


def test_a_folder_that_is_missing_without_a_word_takes_nothing_along(archive: Archive) -> None:
    archive.create(2)
    archive.tenant.control.create_folder(archive.mailbox, "below", parent=["Old mail"])
    base = archive.read().tree
    silence = {"name": "status", "status": 404, "body": "empty", "times": None, "mailbox": archive.mailbox}
    archive.tenant.control.arm({**silence, "match": {"operation": "exchange_folder_children"}})
    with pytest.raises(ServiceUnavailable):
        archive.read(base)


def test_other_clouds_are_said_not_to_have_the_api(tenant: RunningTenant, user: UserId) -> None:
    with writing() as writer, connect(settings_for(tenant, cloud=CLOUDS["gcc_high"]), clock=HurriedClock()) as client:
        read = Archive(tenant, client, user, writer).read()
    assert (read.availability, read.tree, read.findings) == ("not_available_in_this_cloud", None, ())


def test_a_mailbox_that_is_out_of_order_fails_the_source_and_is_no_refusal(archive: Archive) -> None:
    archive.create(2)
    archive.tenant.control.arm(
        {"name": "unavailable", "times": None, "mailbox": archive.mailbox, "match": {"operation": "exchange_items_list"}}
    )
    with pytest.raises(ServiceUnavailable):
        archive.read()
    archive.tenant.control.disarm()
    archive.check(archive.read().tree)


@pytest.mark.parametrize("mixed_case", [False, True])
def test_47_folders_of_an_expanded_archive_are_followed_to_where_they_are(archive: Archive, mixed_case: bool) -> None:
    archive.create(7, auxiliaries=2)
    archive.tenant.control.create_folder(archive.mailbox, "Deep", parent=["Old mail"])
    archive.tenant.control.deliver_generated(archive.mailbox, 3, folder=["Old mail", "Deep"], first=30, size_limit=3000)
    archive.tenant.control.expand_folder(archive.mailbox, ["Old mail"], auxiliary=1)
    archive.tenant.control.expand_folder(archive.mailbox, ["Old mail", "Deep"], auxiliary=2)
    with changed_settings(archive.tenant, mixed_case_redirects=mixed_case):
        read = archive.read()
        archive.check(read.tree)
        assert read.findings == ()
        assert archive.read(read.tree).tree == read.tree


@pytest.mark.parametrize("fault", [{"host": "evil.example"}, {}])
def test_47_a_folder_that_redirects_to_nowhere_is_a_finding_and_spoils_no_other(archive: Archive, fault: dict[str, t.Any]) -> None:
    control = archive.tenant.control
    archive.create(4)
    control.create_folder(archive.mailbox, "Broken")
    control.deliver_generated(archive.mailbox, 2, folder=["Broken"], first=40, size_limit=3000)
    broken = next(folder["id"] for folder in control.exchange_folders(archive.mailbox) if folder["name"] == "Broken")
    control.arm(
        {"name": "redirected", "times": None, "match": {"path": f"{re.escape(broken)}/items", "operation": "exchange_items_list"}, **fault}
    )
    read = archive.read()
    assert ([finding.object for finding in read.findings], read.counts.total) == (["archive folder Broken"], 4)
    assert all("evil.example" not in str(line["host"]) for line in control.requests())
    control.disarm()
    archive.check(archive.read(read.tree).tree)


def test_45_47_an_item_that_is_in_another_mailbox_is_exported_from_there(archive: Archive) -> None:
    control = archive.tenant.control
    auxiliary = archive.create(3, auxiliaries=1)[0]
    control.expand_folder(archive.mailbox, ["Old mail"])
    ids = [ExchangeItemId(item["id"]) for item in control.exchange_items(archive.mailbox, ["Old mail"])]
    mailbox = ExchangeMailbox(archive.client, MailboxId(archive.mailbox))
    found = {}
    for item, body in export_items(mailbox, ids):
        assert isinstance(body, Body)
        with body:
            found[item] = b"".join(body.chunks())
    assert found == {item: control.stream(archive.mailbox, item) for item in ids}
    places = [str(line["path"]) for line in control.requests() if line["operation"] == "export_items"]
    assert auxiliary.lower() in places[-1].lower().replace("%3a", ":")


def test_a_run_says_of_each_member_whether_there_is_an_archive(tenant: RunningTenant, user: UserId, tmp_path: pathlib.Path) -> None:
    other = new_user(tenant, f"no-archive-{user[:8]}")
    mailbox = tenant.control.create_archive(user)["archive"]
    tenant.control.create_folder(mailbox, "Old mail")
    tenant.control.deliver_generated(mailbox, 5, folder=["Old mail"], size_limit=3000)
    backup = Backup(tenant=tenant, folder=tmp_path, users=(user, other), sources=("mail",), archives=True)
    first, second = backup.run(), backup.run()
    found = {member.id: {source.source: source for source in member.sources}["archive"] for member in first.members}
    assert {member: (source.availability, source.counts.total) for member, source in found.items()} == {
        user: ("backed_up", 5),
        other: ("no_archive", 0),
    }
    assert (first.outcome.value, second.outcome.value, second.is_changed) == ("complete", "complete", False)
    assert not backup.preview().is_changed
    backup.restic("check", "--read-data")
