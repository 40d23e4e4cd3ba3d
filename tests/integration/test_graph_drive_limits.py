# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The budget of an app for drives, and the moods of a service that guards it, seen from the tenant's own log."""

from __future__ import annotations

import concurrent.futures
import time
import typing as t
from pathlib import Path

import pytest
from integration.graph_tenant import connected, new_user, settings_for

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.backed_up import StoredBackups, with_reasons
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph import errors
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient, connect
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.clock import SystemClock
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.drive import drive_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.drive_errors import DriveMissing
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.drive_upload import FRAGMENT
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.drive_usage import DriveUsage, drive_usage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.drive_write import DriveWriter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import DriveId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limits import Budget, Budgets, LimitScope
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.links import download_address, graph_path
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.refusals import Call
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.resource_units import CHANGE, ONE_ITEM
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.traffic import RequestKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.apply import apply_plan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.apply_found import Host
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.document import plan_from_dict
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import BackupType, Selection, Selectors
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.presentation import applied_result
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.resolve import resolve_selection
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.store import PlanStore
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import PASSPHRASE, Backup
from ansible_collections.tenantvault.m365_backup.tests.integration.drives import is_complete, stored_drive
from tenant.harness import RunningTenant, running_tenant

SCOPE = LimitScope.drives()
ITEM = Call(scope=SCOPE, kind=RequestKind.DRIVE, doing="Reading an item", permission="Files.Read.All", units=ONE_ITEM)
FILE = Call(scope=SCOPE, kind=RequestKind.FILE, doing="Reading a file", permission="Files.Read.All", units=ONE_ITEM)
MAKING = Call(scope=SCOPE, kind=RequestKind.WRITE, doing="Making a folder", permission="Files.ReadWrite.All", units=CHANGE)
UNITS, WINDOW = 30, 1.0
DOWNLOAD_URL = "@microsoft.graph.downloadUrl"


@pytest.fixture
def tenant() -> t.Iterator[RunningTenant]:
    with running_tenant() as running:
        yield running


class Files(t.NamedTuple):
    """Files of a drive, and how they are read."""

    drive: str
    ids: tuple[str, ...]

    def read(self, client: GraphClient, item: str) -> bytes:
        """One request for the item, one for its content: two units."""
        fields = client.get_json(ITEM, graph_path("drives", self.drive, "items", item))
        with client.open_unsigned(FILE, download_address(client.cloud, fields[DOWNLOAD_URL])) as stream:
            return b"".join(stream.pieces(1 << 20))

    def read_all(self, client: GraphClient, threads: int) -> dict[str, bytes]:
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            return dict(zip(self.ids, pool.map(lambda item: self.read(client, item), self.ids), strict=True))


def some_files(tenant: RunningTenant, count: int, name: str = "anna") -> Files:
    user = new_user(tenant, name)
    drive = tenant.control.create_drive(user)
    return Files(drive, tuple(tenant.control.put_file(user, f"/{number}.txt", content=contents(number)) for number in range(count)))


def contents(number: int) -> bytes:
    return f"content of {number} ".encode() * 50


def budgets(requests: int | None, window: float = WINDOW + 1) -> Budgets:
    return Budgets(drives=Budget(concurrency=8, requests=requests, window=window, upload_bytes=None))


def assert_all_there(files: Files, found: dict[str, bytes]) -> None:
    assert [found[item] for item in files.ids] == [contents(number) for number in range(len(files.ids))]


def test_inv12_the_units_of_an_app_are_kept_without_the_service_having_to_say_so(tenant: RunningTenant) -> None:
    files = some_files(tenant, 45)
    with connected(tenant, clock=SystemClock(), budgets=budgets(UNITS)) as client:
        files.read(client, files.ids[0])  # opening connections takes a while, which would blur when a request arrives
        time.sleep(WINDOW)
        tenant.control.limits(units_per_minute=UNITS, units_window_seconds=WINDOW)
        assert_all_there(files, files.read_all(client, 8))
        assert client.traffic().throttled_answers == 0
    stats = tenant.control.stats()
    assert stats["busiest_minute"] <= UNITS
    assert stats["undecorated"] == 0


def test_inv12_headers_stop_a_client_whose_own_budget_is_too_large_before_the_service_does(tenant: RunningTenant) -> None:
    files = some_files(tenant, 45)
    tenant.control.limits(units_per_minute=UNITS, units_window_seconds=WINDOW)
    with connected(tenant, clock=SystemClock(), budgets=budgets(None)) as client:
        found = [files.read(client, item) for item in files.ids]
        assert found == [contents(number) for number in range(45)]
        assert client.traffic().throttled_answers == 0
        assert client.traffic().throttled_seconds > 1.0


def test_inv12_many_threads_obey_every_way_to_be_told_to_wait_at_all_drives(tenant: RunningTenant) -> None:
    files, others = some_files(tenant, 30), some_files(tenant, 30, "berta")
    # On a busy machine a request may be on its way for a while when the 429 leaves: that is no disobedience.
    tenant.control.limits(reaction_seconds=1)
    for fault in (
        {"code": "TooManyRequests", "retry_after": 2},
        {"code": "activityLimitReached", "retry_after": 1.5},
        {"code": "ApplicationThrottled", "retry_after": "date:2"},
        {"retry_after": 1, "reset": 2},
    ):
        tenant.control.arm({"name": "drive_throttled", "times": 2, "probability": 0.3, **fault})
    with connected(tenant, clock=SystemClock(), budgets=budgets(None)) as client:
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            first, second = pool.map(lambda one: one.read_all(client, 6), (files, others))
        traffic = client.traffic()
    assert_all_there(files, first)
    assert_all_there(others, second)
    assert traffic.throttled_answers == 8
    stats = tenant.control.stats()
    assert stats["violations"] == []


@pytest.mark.parametrize("variant", ["json", "html", "empty", "gateway", "general", "not_found", "bandwidth", "read_only", "text"])
def test_a_busy_service_is_asked_again_whatever_it_answers(tenant: RunningTenant, variant: str) -> None:
    files = some_files(tenant, 3)
    tenant.control.arm({"name": "drive_busy", "variant": variant, "times": 2, "match": {"operation": "drive_item_get"}})
    with connected(tenant) as client:
        assert_all_there(files, files.read_all(client, 1))
        assert client.traffic().retries == 2


def test_a_blocked_app_learns_of_it_in_the_end_and_is_told_where_to_look(tenant: RunningTenant) -> None:
    files = some_files(tenant, 20)
    tenant.control.arm({"name": "app_blocked", "times": None})
    with connected(tenant) as client:
        for item in files.ids:
            with pytest.raises(errors.ServiceUnavailable, match="message center"):
                files.read(client, item)
        asked = client.traffic().requests["drive"]
        tenant.control.disarm()
        with pytest.raises(errors.NotFound):
            client.get_json(ITEM, graph_path("drives", files.drive, "items", "unknown"))
        assert files.read(client, files.ids[1]) == contents(1)
    assert asked <= 8 * 7 + 12


def test_inv12_who_asked_for_too_many_missing_drives_waits_as_told_before_asking_for_any_drive(tenant: RunningTenant) -> None:
    files = some_files(tenant, 2)
    missing = [new_user(tenant, f"user{number}") for number in range(6)]
    tenant.control.limits(missing_drives=3, missing_drives_seconds=1)
    with connected(tenant, clock=SystemClock()) as client:
        for user in missing:
            with pytest.raises(DriveMissing):
                drive_of(client, user)
        assert_all_there(files, files.read_all(client, 2))
        assert client.traffic().throttled_answers > 0
    assert tenant.control.stats()["violations"] == []


def test_a_write_of_a_blocked_app_is_ambiguous_only_where_it_may_have_happened(tenant: RunningTenant) -> None:
    files = some_files(tenant, 1)
    tenant.control.arm({"name": "app_blocked", "times": None})
    folder = {"name": "new", "folder": {}, "@microsoft.graph.conflictBehavior": "fail"}
    path = graph_path("drives", files.drive, "root", "children")
    with connected(tenant) as client:
        with pytest.raises(errors.AmbiguousOutcome):
            client.post_json(MAKING, path, folder)
        with pytest.raises(errors.ServiceUnavailable):
            client.post_json(MAKING, path, folder, is_repeatable=True)


def test_inv12_worker_processes_of_a_run_have_one_budget_for_drives_together(tenant: RunningTenant, tmp_path: Path) -> None:
    users = tuple(f"user{number}@{tenant.domain}" for number in range(4))
    for user in users:
        tenant.control.add_user(user)
        tenant.control.create_drive(user)
        for number in range(25):
            tenant.control.put_file(user, f"/{number}.txt", content=f"{user} {number}".encode())
    backup = Backup(tenant=tenant, folder=tmp_path, users=users, backup_type="onedrive")
    estimate = backup.preview().estimate
    assert estimate is not None
    assert (estimate.files, estimate.units) == (100, 100)
    time.sleep(WINDOW)  # what the preview has used is not on the account of the run
    tenant.control.reset_log()
    tenant.control.limits(units_per_minute=60, units_window_seconds=WINDOW)
    # Two processes on a busy machine: a request may be on its way for a while after it was booked.
    result = backup.run(budgets=budgets(60, WINDOW + 3), workers=2)
    stats = tenant.control.stats()
    assert result.outcome.value == "complete", result.as_dict()
    assert stats["busiest_minute"] <= 60
    assert sum(stats["units"].values()) >= 100
    assert result.throttled_seconds > 2.0


def test_what_we_book_for_a_request_is_what_the_service_charges(tenant: RunningTenant, tmp_path: Path) -> None:
    user, colleague = new_user(tenant, "anna"), new_user(tenant, "berta")
    drive_id = DriveId(tenant.control.create_drive(user))
    for number in range(3):
        tenant.control.put_file(user, "/folder/a.txt", content=f"version {number}".encode())
    tenant.control.put_file(user, "/b.txt", content=b"b" * 1000)
    tenant.control.share_item(user, "/b.txt", {"roles": ["read"], "grantedToV2": {"user": {"id": colleague}}})
    stored = stored_drive(tenant, user, tmp_path, versions=3, permissions=True)
    with connected(tenant, budgets=Budgets(drives=Budget(requests=10**6, window=10.0**6, upload_bytes=None))) as client:
        stored.read(client)
        tenant.control.put_file(user, "/b.txt", content=b"other")
        stored.read(client)
        stored.read(client)
        assert is_complete(stored)
        writer = DriveWriter(client, drive_id)
        folder = writer.folder(writer.root()["id"], "new")["id"]
        writer.update(writer.put(folder, "empty.txt", b"")["id"], modified="2026-01-01T00:00:00Z")
        large = b"x" * (FRAGMENT + 5)
        item = writer.upload(folder, "large.bin", len(large), lambda: [large], modified="2026-01-01T00:00:00Z")["id"]
        writer.invite(item, [{"objectId": colleague}], ["read"])
        assert writer.find(folder, "large.bin")
        booked = client._requester._limiter._gate(SCOPE).ledger._units._get(2)  # type: ignore[union-attr]
        requests = {kind: number for kind, number in client.traffic().requests.items() if kind not in ("login", "directory")}
    stats = tenant.control.stats()
    assert sum(requests.values()) == sum(entry["operation"].startswith("drive_") for entry in tenant.control.requests())
    assert booked == sum(stats["units"].values()), stats["units_by_operation"]


def test_the_usage_report_gives_the_size_of_the_first_backup_if_the_tenant_lets_it(tenant: RunningTenant) -> None:
    some_files(tenant, 7)
    some_files(tenant, 5, "berta")
    with connected(tenant) as client:
        size = sum(len(contents(number)) for number in range(7))
        assert drive_usage(client, [f"ANNA@{tenant.domain}", "nobody@x.example"]) == DriveUsage(1, 7, size)
        tenant.control.settings(conceal_report_names=True)
        assert drive_usage(client, [f"anna@{tenant.domain}"]) is None


def test_licences_come_with_the_members_for_no_further_request(tenant: RunningTenant) -> None:
    people = [new_user(tenant, name) for name in ("anna", "berta", "carla")]
    tenant.control.take_licences(people[1], since="2026-09-01T00:00:00Z")
    tenant.control.take_licences(people[2], status="Suspended")
    tenant.control.add_group("Sales")
    for person in people:
        tenant.control.add_member("Sales", person)
    for requests, chosen in ((2, Selectors(groups=("Sales",))), (1, Selectors(users=tuple(people)))):
        selection = Selection(chosen=chosen)
        with connected(tenant) as client:
            members = resolve_selection(client, selection, BackupType.ONEDRIVE).members
            assert client.traffic().requests["directory"] == requests
        licences = {member.id: member.drive_licence for member in members}
        assert [licences[person].is_held for person in people] == [True, False, False]  # type: ignore[union-attr]
        assert f"{licences[people[1]].readable_until:%Y-%m-%d}" == "2026-12-03"  # type: ignore[union-attr]


def test_applying_a_plan_says_what_the_first_backup_costs_and_whose_drive_is_in_danger(tenant: RunningTenant, tmp_path: Path) -> None:
    some_files(tenant, 7)
    some_files(tenant, 5, "berta")
    tenant.control.take_licences(f"berta@{tenant.domain}", since="2026-09-01T00:00:00Z")
    declared = {
        "title": "Drives",
        "name": "drives",
        "users": [f"{name}@{tenant.domain}" for name in ("anna", "berta")],
        "backup_type": "onedrive",
        "repository": str(tmp_path / "repository"),
    }
    host = Host(
        store=PlanStore(tmp_path / "state"),
        passphrase_of=lambda _plan: PASSPHRASE,
        connect=lambda: connect(settings_for(tenant)),
        backups=StoredBackups(),
        with_reasons=with_reasons,
    )
    for is_new in (True, False):
        applied = apply_plan(plan_from_dict(declared), host, is_name_derived=False, check_mode=False)
        assert sum("berta" in warning and "readable until 2026-12-03" in warning for warning in applied.warnings) == 1
        result = applied_result(applied, check_mode=False, diff=False)
        assert ("For the first backup 12 files, " in result["msg"]) is is_new
        assert applied.estimate is not None
        assert (result["first_backup"]["files"], result["first_backup"]["resource_units"]) == (12, 12 + 2 * 2)
        assert result["first_backup"]["minutes_at_least"] == 1
