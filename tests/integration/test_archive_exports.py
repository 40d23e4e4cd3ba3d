# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exports of archived items against the tenant: whatever the service does, every item is accounted for.

Numbers are those of the behaviours in the tenant's own guide.
"""

from __future__ import annotations

import tracemalloc
import typing as t

import pytest
from integration.archives import Archive, changed_settings, fails_once

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.exchange_discovery import read_exchange_mailboxes
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import UserId
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.support import writing
from tenant.harness import RunningTenant


@pytest.fixture
def archive(tenant: RunningTenant, client: GraphClient, user: UserId) -> t.Iterator[Archive]:
    with writing() as writer:
        yield Archive(tenant, client, user, writer)


@pytest.mark.parametrize("fault", [{"over": 1}, {"count": "all", "over": 1}, {"count": 3, "over": 4}])
def test_44_items_left_out_of_a_group_are_asked_for_alone(archive: Archive, fault: dict[str, t.Any]) -> None:
    archive.create(12)
    archive.tenant.control.arm({"name": "export_item_missing", "times": None, **fault})
    read = archive.read()
    archive.check(read.tree)
    assert read.findings == ()


def test_44_an_item_that_is_always_left_out_is_a_finding_and_tried_again(archive: Archive) -> None:
    archive.create(5)
    item = archive.tenant.control.exchange_items(archive.mailbox, ["Old mail"])[2]["id"]
    archive.tenant.control.arm({"name": "export_item_missing", "times": None, "items": [item]})
    fails_once(archive, item, "left it out")


@pytest.mark.parametrize("spelling", ["error", "Error"])
def test_45_an_item_with_an_error_of_its_own_is_a_finding_and_tried_again(archive: Archive, spelling: str) -> None:
    archive.create(5)
    item = archive.tenant.control.exchange_items(archive.mailbox, ["Old mail"])[2]["id"]
    archive.tenant.control.arm({"name": "export_item_error", "times": None, "items": [item], "spelling": spelling})
    fails_once(archive, item, "ErrorCorruptData")


@pytest.mark.parametrize("items", [5, 110])
@pytest.mark.parametrize("is_true", [True, False])
def test_45_an_item_said_to_be_gone_is_no_finding_and_looked_for_again(archive: Archive, items: int, is_true: bool) -> None:
    archive.create(items, size_limit=2000)
    item = archive.tenant.control.exchange_items(archive.mailbox, ["Old mail"])[0]
    archive.tenant.control.arm({"name": "export_item_error", "times": None, "items": [item["id"]], "code": "ErrorItemNotFound"})
    read = archive.read()
    assert (read.findings, read.counts.total) == ((), items - 1)
    archive.tenant.control.disarm()
    if is_true:
        archive.tenant.control.delete(archive.mailbox, item["message_id"])
    archive.check(archive.read(read.tree).tree)


def test_46_sizes_in_lists_may_be_far_too_small(archive: Archive) -> None:
    with changed_settings(archive.tenant, reported_size_share=1 / 30):
        archive.create(15, size_limit=60_000)
        archive.check(archive.read().tree)


@pytest.mark.parametrize("operation", ["exchange_items_list", "exchange_folders_list", "export_items"])
@pytest.mark.parametrize(
    "fault",
    [
        {"name": "truncated_json"},
        {"name": "cut_body"},
        {"name": "cut_body", "how": "reset"},
        {"name": "throttled", "retry_after": 2.5},
        {"name": "throttled", "retry_after": None},
        {"name": "mailbox_stale"},
        {"name": "gateway_timeout"},
        {"name": "reset"},
        {"name": "token_expired"},
        {"name": "status", "body": "empty"},
    ],
    ids=lambda fault: fault["name"],
)
def test_trouble_of_the_moment_costs_requests_and_nothing_else(archive: Archive, operation: str, fault: dict[str, t.Any]) -> None:
    archive.create(12)
    archive.tenant.control.arm({"times": 2, "match": {"operation": operation}, "mailbox": archive.mailbox, **fault})
    read = archive.read()
    archive.check(read.tree)
    assert read.findings == ()
    assert archive.tenant.control.stats()["retry_after_violations"] == 0


def test_an_answer_that_never_comes_whole_costs_one_item_not_its_group(archive: Archive) -> None:
    archive.create(5)
    archive.tenant.control.arm({"name": "truncated_json", "times": 5, "match": {"operation": "export_items"}, "mailbox": archive.mailbox})
    read = archive.read()
    archive.check(read.tree)
    assert read.findings == ()


def test_a_throttled_archive_holds_up_no_mailbox_but_itself(archive: Archive) -> None:
    archive.create(2)
    archive.tenant.control.arm({"name": "throttled", "retry_after": 30, "mailbox": archive.mailbox, "match": {"operation": "export_items"}})
    archive.tenant.control.reset_log()
    archive.read()
    lines = archive.tenant.control.requests()
    assert {str(line["mailbox"]) for line in lines if line["status"] == 429} == {archive.mailbox}
    before = archive.client.traffic().throttled_seconds
    assert read_exchange_mailboxes(archive.client, archive.user).archive == archive.mailbox
    assert archive.client.traffic().throttled_seconds == before


def test_many_items_leave_memory_where_it_is(archive: Archive) -> None:
    archive.create(300, size_limit=2000)
    tracemalloc.start()
    try:
        archive.read()
        _now, few = tracemalloc.get_traced_memory()
        archive.tenant.control.deliver_generated(archive.mailbox, 1200, folder=["Old mail"], first=1000, size_limit=2000)
        tracemalloc.reset_peak()
        many = archive.read()
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert many.counts.total == 1500
    assert peak < few + (8 << 20)


@pytest.mark.parametrize("how", ["truncated", "not_base64", "flipped"])
def test_a_damaged_export_is_a_finding_and_never_stored(archive: Archive, how: str) -> None:
    archive.create(5)
    item = archive.tenant.control.exchange_items(archive.mailbox, ["Old mail"])[2]["id"]
    archive.tenant.control.arm({"name": "export_damaged", "times": None, "items": [item], "how": how})
    fails_once(archive, item, "")


def test_46_a_single_item_of_many_megabytes_takes_little_memory(archive: Archive) -> None:
    archive.create(1)
    size = 53_000_000
    archive.tenant.control.add_item(archive.mailbox, ["Old mail"], "message", "Big", attachment_size=size)
    tracemalloc.start()
    try:
        read = archive.read()
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert archive.records(read.tree)["Big"]["size"] > size
    # The repository of this test is in memory, too; the base64 of it alone would be 70 MB more.
    assert peak < 2 * size
