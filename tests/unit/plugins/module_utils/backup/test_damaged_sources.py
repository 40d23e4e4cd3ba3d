# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Damage in calendars, contacts and settings: named by member, folder and item, and asked for again as what it is."""

from __future__ import annotations

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.catalogue import ITEMS
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.damaged_items import DamagedItem, ItemKind, name_items
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import FOLDER_FILE, META, parts_path
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.lost_items import find_wishes
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.affected import find_affected
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import STRUCTURE, examine
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import find_node
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobId, BlobKind, Path
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.stored_group import (
    CONTACT_FILE,
    EVENT_FILE,
    snapshot_of,
    stored_group,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.losses import Blob, lose
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import Place

WHO = "of Anna Meier (anna@x.example)"
CALENDAR, CONTACTS, SETTINGS = (("Sales", "anna@x.example", source) for source in ("calendar", "contacts", "settings"))
EVENT = f'the event "Planung" in Kalender {WHO}, on 2026-05-17 08:12:05 UTC'
CONTACT = f'the contact "Carl Grün" in Contacts {WHO}, of 2026-01-01 00:00:00 UTC'


def blob_at(place: Place, path: Path) -> Blob:
    node = find_node(place.reopen(), snapshot_of(place).tree, path)
    assert node is not None
    return (BlobKind.TREE, BlobId(node.subtree)) if node.subtree is not None else (BlobKind.DATA, node.content[0])


def named(*lost: Path) -> tuple[Place, list[DamagedItem]]:
    place = stored_group()
    lose(place, *(blob_at(place, path) for path in lost))
    examination = examine(place.reopen(), STRUCTURE)
    return place, name_items(examination.reader, find_affected(examination))


@pytest.mark.parametrize(
    ("path", "kind", "names"),
    [
        ((*CALENDAR, "Kalender", *EVENT_FILE), ItemKind.ITEM, [EVENT]),
        ((*CALENDAR, "Kalender", *parts_path(EVENT_FILE), "agenda.pdf"), ItemKind.ITEM, [f"a file that belongs to {EVENT}"]),
        ((*CALENDAR, "Kalender", *parts_path(EVENT_FILE)), ItemKind.ITEM, [f"a file that belongs to {EVENT}"]),
        ((*CALENDAR, "Kalender", *EVENT_FILE[:2]), ItemKind.FOLDER, [f"the directory of 2026-05 in folder Kalender {WHO}", EVENT]),
        ((*CALENDAR, "Kalender"), ItemKind.FOLDER, [f"the folder Kalender {WHO}", EVENT]),
        ((*CALENDAR, "Kalender", FOLDER_FILE), ItemKind.STATE, [f"the state of folder Kalender {WHO}"]),
        ((*CALENDAR, META, "source.json"), ItemKind.STATE, [f"the state of the calendars {WHO}"]),
        ((*CALENDAR, *ITEMS), ItemKind.CATALOGUE, [f"the catalogue of the calendars {WHO}"]),
        (CALENDAR, ItemKind.SOURCE, [f"the calendars {WHO}"]),
        ((*CONTACTS, "Contacts", *CONTACT_FILE), ItemKind.ITEM, [CONTACT]),
        ((*CONTACTS, "Contacts", *parts_path(CONTACT_FILE), "photo.jpg"), ItemKind.ITEM, [f"a file that belongs to {CONTACT}"]),
        ((*SETTINGS, "rules.json"), ItemKind.ITEM, [f'the setting "inbox rules" {WHO}']),
        ((*SETTINGS, FOLDER_FILE), ItemKind.STATE, [f"the state of the settings {WHO}"]),
    ],
)
def test_whatever_is_lost_has_a_name(path: Path, kind: ItemKind, names: list[str]) -> None:
    _place, items = named(path)
    assert [item.name for item in items] == names
    assert (items[0].kind, items[0].source, items[0].member_id) == (kind, path[2], "anna")


def test_an_item_whose_record_is_lost_too_goes_by_its_file() -> None:
    _place, items = named(
        (*CALENDAR, *ITEMS), (*CALENDAR, "Kalender", *EVENT_FILE), (*CONTACTS, *ITEMS), (*CONTACTS, "Contacts", *CONTACT_FILE)
    )
    assert [item.name for item in items if item.kind is ItemKind.ITEM] == [
        f"the event without a subject in Kalender {WHO}, on 2026-05-17 08:12:05 UTC",
        f'the contact "Carl Grün" in Contacts {WHO}',
    ]


def test_lost_items_are_asked_for_one_by_one_and_lost_sources_in_full() -> None:
    place, items = named((*CALENDAR, "Kalender", *EVENT_FILE), (*CONTACTS, *ITEMS))
    wishes = find_wishes(place.reopen(), items)["sales"]
    assert (wishes.items, wishes.afresh) == ({("anna", "calendar"): {"E1"}}, {("anna", "contacts")})


def test_of_a_lost_member_every_source_is_read_in_full() -> None:
    place, items = named(("Sales", "anna@x.example"))
    assert find_wishes(place.reopen(), items)["sales"].afresh == {("anna", "calendar"), ("anna", "contacts"), ("anna", "settings")}
