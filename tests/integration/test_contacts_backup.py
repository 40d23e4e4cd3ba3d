# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Contacts from the service into the repository, run after run."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.contacts_reader import preview_contacts, read_contacts
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph import errors
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.contacts import read_contact
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import ContactId, UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limits import LimitScope
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.links import graph_path
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.refusals import Call
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.traffic import RequestKind
from ansible_collections.tenantvault.m365_backup.tests.integration.personal_sources import Stored, new_repository
from tenant.harness import RunningTenant

Fields = dict[str, t.Any]
JPEG, PNG = b"\xff\xd8\xff\xe0 a photo", b"\x89PNG\r\n another one"


@pytest.fixture
def stored(client: GraphClient, user: UserId, tmp_path: Path) -> Stored:
    return Stored(client, user, new_repository(tmp_path / "repository"), read_contacts, preview_contacts)


def person(name: str, **fields: t.Any) -> Fields:
    return {"displayName": name, "emailAddresses": [{"name": name, "address": f"{name.lower()}@example.com"}], **fields}


def add_extended(client: GraphClient, user: UserId, contact: str, name: str, value: str) -> None:
    call = Call(scope=LimitScope.mailbox(user), kind=RequestKind.WRITE, doing="Adding a property")
    client.patch_json(
        call, graph_path("users", user, "contacts", contact), {"singleValueExtendedProperties": [{"id": name, "value": value}]}
    )


def names(stored: Stored) -> set[str]:
    stored.check()
    return set(stored.records())


def test_contacts_of_all_folders_are_stored_with_photo_and_extended_properties(tenant: RunningTenant, stored: Stored) -> None:
    control, user = tenant.control, stored.user
    customers = control.add_contact_folder(user, "Customers")
    abroad = control.add_contact_folder(user, "Abroad/East", parent=customers)
    anna = control.add_contact(user, person("Anna"))
    add_extended(stored.client, user, anna, "String 0x3a24", "+49 30 1")
    control.set_contact_photo(user, anna, JPEG)
    control.add_contact(user, person("Berta"), folder=customers)
    control.add_contact(user, person("Zoé"), folder=abroad)
    done = stored.run()
    assert (done.counts.added, done.findings) == (3, ())
    assert any("distribution lists" in name for name in done.left_out)
    assert names(stored) == {"Anna", "Berta", "Zoé"}
    record = stored.records()["Anna"]
    assert record["to"] == ["Anna <anna@example.com>"]
    assert [(part["kind"], part["type"], stored.content(record, part["file"])) for part in record["parts"]] == [
        ("photo", "image/jpeg", JPEG)
    ]
    assert stored.document("Anna") == read_contact(stored.client, user, ContactId(anna))
    assert [entry["value"] for entry in stored.document("Anna")["singleValueExtendedProperties"]] == ["+49 30 1"]
    places = {path[:-2] for path in stored.files() if path[-1].startswith("Zoé")}
    assert [place[1:] for place in places] == [("Customers", "Abroad_East")]


def test_an_unchanged_run_writes_nothing_and_costs_one_request_a_folder(tenant: RunningTenant, stored: Stored) -> None:
    folder = tenant.control.add_contact_folder(stored.user, "Customers")
    for number in range(5):
        tenant.control.add_contact(stored.user, person(f"Person {number}"), folder=folder)
    stored.run()
    before = stored.tree
    assert stored.run().findings == ()
    assert (stored.tree, stored.requests) == (before, 1 + 2)


def test_changed_moved_and_deleted_contacts_and_folders_are_followed(tenant: RunningTenant, stored: Stored) -> None:
    control, user = tenant.control, stored.user
    folder, other = control.add_contact_folder(user, "Customers"), control.add_contact_folder(user, "Old")
    ids = {name: control.add_contact(user, person(name)) for name in ("Stays", "Changes", "Moves", "Goes")}
    control.add_contact(user, person("Of a folder that goes"), folder=other)
    stored.run()
    control.update_contact(user, ids["Changes"], displayName="Changed")
    control.move_contact(user, ids["Moves"], folder)
    control.delete_contact(user, ids["Goes"])
    control.delete_contact_folder(user, other)
    control.rename_contact_folder(user, folder, "Clients")
    done = stored.run()
    assert names(stored) == {"Stays", "Changed", "Moves"}
    assert (done.counts.updated, done.counts.moved, done.counts.removed, done.counts.total) == (1, 1, 2, 3)
    assert stored.folder_of("Moves") == "Clients"
    before = stored.tree
    assert stored.run().tree == before


def test_photos_come_change_and_go_with_their_contacts(tenant: RunningTenant, stored: Stored) -> None:
    control, user = tenant.control, stored.user
    anna = control.add_contact(user, person("Anna"))
    photos = []
    for photo in (None, JPEG, PNG, None):
        control.set_contact_photo(user, anna, photo)
        stored.run()
        stored.check()
        photos.append([content for path, content in stored.files().items() if not path[-1].endswith(".json")])
    assert photos == [[], [JPEG], [PNG], []]


@pytest.mark.parametrize(
    "fault",
    [
        {"name": "cursor_lost", "times": 2},
        {"name": "duplicate_entries", "times": None},
        {"name": "reordered_entries", "times": None},
        {"name": "partial_entries", "times": None, "match": {"operation": "contacts_delta"}},
        {"name": "replayed_round", "times": 3},
        {"name": "delta_quota_exceeded", "times": None},
        {"name": "gateway_timeout", "times": None, "match": {"operation": "contacts_delta", "page_over": 20}},
    ],
    ids=lambda fault: fault["name"],
)
def test_odd_answers_to_the_question_for_changes_lose_nothing(tenant: RunningTenant, stored: Stored, fault: Fields) -> None:
    control, user = tenant.control, stored.user
    ids = [control.add_contact(user, person(f"Person {number}")) for number in range(30)]
    stored.run()
    for number in range(3):
        control.update_contact(user, ids[number], displayName=f"Changed {number}")
        control.delete_contact(user, ids[number + 10])
    control.arm({"mailbox": user, **fault})
    assert stored.run().findings == ()
    control.disarm()
    stored.run()
    assert names(stored) == {item["displayName"] for item in control.contacts(user)}


def test_a_contact_that_cannot_be_read_is_a_finding_until_it_can(tenant: RunningTenant, stored: Stored) -> None:
    control, user = tenant.control, stored.user
    sick = control.add_contact(user, person("Sick"))
    control.add_contact(user, person("Sound"))
    control.arm({"name": "corrupt_item", "mailbox": user, "times": None, "match": {"message": sick, "operation": "contact_get"}})
    assert [len(stored.run().findings) for _run in range(2)] == [1, 1]
    assert names(stored) == {"Sound"}
    control.disarm()
    assert stored.run().findings == ()
    assert names(stored) == {"Sick", "Sound"}


def test_a_lost_cursor_reads_no_contact_again(tenant: RunningTenant, stored: Stored) -> None:
    for number in range(20):
        tenant.control.add_contact(stored.user, person(f"Person {number}"))
    stored.run()
    tenant.control.expire_cursors(stored.user)
    assert stored.run().counts.fetched == 0
    before = stored.tree
    assert stored.run().tree == before


def test_a_missing_permission_is_named(tenant: RunningTenant, stored: Stored) -> None:
    tenant.control.arm({"name": "status", "mailbox": stored.user, "status": 403, "code": "ErrorAccessDenied", "times": None})
    with pytest.raises(errors.AccessDenied) as caught:
        stored.look_ahead()
    assert caught.value.permission == "Contacts.Read"
