# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calendars, contacts, tasks and settings while ten misfortunes at a time befall the service."""

from __future__ import annotations

import contextlib
import os
import random
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.calendar_reader import preview_calendar, read_calendar
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.contacts_reader import preview_contacts, read_contacts
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.settings_reader import preview_settings, read_settings
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.tasks_reader import preview_tasks, read_tasks
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import UserId
from ansible_collections.tenantvault.m365_backup.tests.integration.personal_sources import NOW, Stored, new_repository
from ansible_collections.tenantvault.m365_backup.tests.integration.test_calendar_backup import event, file, weekly
from tenant.harness import RunningTenant

SEEDS = range(4 * int(os.environ.get("M365_TORTURE", "1")))
FAULTS: list[dict[str, t.Any]] = [
    {"name": "throttled", "retry_after": 0},
    {"name": "throttled", "retry_after": None},
    {"name": "unavailable"},
    {"name": "unavailable", "body": "empty"},
    {"name": "unavailable", "body": "html"},
    {"name": "mailbox_stale"},
    {"name": "gateway_timeout"},
    {"name": "reset"},
    {"name": "token_expired"},
    {"name": "truncated_json"},
    {"name": "cursor_lost"},
    {"name": "cursor_lost", "phase": "next"},
    {"name": "cursor_lost", "variant": "location"},
    {"name": "delta_not_supported"},
    {"name": "delta_quota_exceeded"},
    {"name": "duplicate_entries"},
    {"name": "reordered_entries"},
    {"name": "partial_entries"},
    {"name": "unknown_removal"},
    {"name": "empty_page"},
    {"name": "replayed_round"},
    {"name": "not_found_empty"},
    {"name": "status", "status": 403, "code": "ErrorAccessDenied", "match": {"path": "^/beta/"}},
    {
        "name": "status",
        "status": 404,
        "code": "ErrorItemNotFound",
        "match": {"operation": ["events_delta", "contacts_delta", "tasks_delta"]},
    },
    {"name": "status", "status": 400, "code": "ErrorInvalidRequest"},
    {"name": "status", "status": 500, "code": "ErrorCorruptData"},
]


@pytest.fixture
def sources(client: GraphClient, user: UserId, tmp_path: Path) -> list[Stored]:
    readers = {
        "calendar": (read_calendar, preview_calendar),
        "contacts": (read_contacts, preview_contacts),
        "tasks": (read_tasks, preview_tasks),
        "settings": (read_settings, preview_settings),
    }
    return [Stored(client, user, new_repository(tmp_path / name), *functions) for name, functions in readers.items()]


def live(control: t.Any, user: str, dice: random.Random) -> None:
    """What people do in a day."""
    calendars = [None, *(entry["id"] for entry in control.calendars(user) if entry["name"] == "Work")]
    folders = [None, *(folder["id"] for folder in control.contact_folders(user) if folder["name"] == "Customers")]
    for number in range(4):
        subject = f"event {dice.random()}"
        control.add_event(
            user, dice.choice((event, weekly))(subject, attachments=[file("a", subject.encode())]), calendar=dice.choice(calendars)
        )
        control.add_contact(user, {"displayName": f"contact {dice.random()}"}, folder=dice.choice(folders))
        control.add_task(user, {"title": f"task {dice.random()}"})
        control.add_category(user, f"category {dice.random()}", f"preset{number}")
    for entry in dice.sample(events(control, user), 2):
        control.update_event(user, entry["id"], subject=f"changed {dice.random()}")
    control.move_event(user, dice.choice(events(control, user))["id"], calendars[-1])
    control.delete_event(user, dice.choice(events(control, user))["id"])
    control.move_contact(user, dice.choice(contacts(control, user))["id"], folders[-1])
    control.delete_contact(user, dice.choice(contacts(control, user))["id"])
    control.delete_task(user, dice.choice(control.tasks(user))["id"])


def events(control: t.Any, user: str) -> list[dict[str, t.Any]]:
    return [entry for calendar in control.calendars(user) for entry in control.events(user, calendar["id"])]


def contacts(control: t.Any, user: str) -> list[dict[str, t.Any]]:
    return [entry for folder in control.contact_folders(user) for entry in control.contacts(user, folder["id"])]


@pytest.mark.parametrize("seed", SEEDS)
def test_inv04_ten_misfortunes_at_once_lose_nothing_that_a_calm_run_does_not_bring(
    tenant: RunningTenant, sources: list[Stored], seed: int
) -> None:
    dice, control, user = random.Random(seed), tenant.control, sources[0].user
    control.add_calendar(user, "Work")
    control.add_contact_folder(user, "Customers")
    for _day in range(3):
        live(control, user, dice)
        for fault in dice.sample(FAULTS, 10):
            control.arm({"mailbox": user, "times": dice.randrange(1, 6), "probability": 0.3, **fault})
        for stored in sources:
            with contextlib.suppress(BackupError), stored.repository.writing(hostname="backup-host") as writer:
                stored.tree = stored.read(stored.client, user, writer, stored.tree, now=NOW, offer=lambda tree: None).tree
        control.disarm()
    # One run for what was lost on the way, and one that makes sure of what was not found at first.
    for stored in sources:
        assert [stored.run().findings for _run in range(2)][-1] == ()
        stored.check()
        before = stored.tree
        assert stored.run().tree == before
    assert [sorted(stored.records()) for stored in sources[:3]] == [
        sorted(entry["subject"] for entry in events(control, user)),
        sorted(entry["displayName"] for entry in contacts(control, user)),
        sorted(entry["title"] for entry in control.tasks(user)),
    ]
    categories = [entry["displayName"] for entry in sources[3].document("Categories")["value"]]
    assert sorted(categories) == sorted(entry["displayName"] for entry in control.master_categories(user))
