# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores that are killed at any moment, and started again until they come to their end: nothing twice, nothing half."""

from __future__ import annotations

import collections
import os
import random
import typing as t

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import ARCHIVE, CALENDAR, CONTACTS, MAIL
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.marks import UNFINISHED
from ansible_collections.tenantvault.m365_backup.tests.integration import killed_restore
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup
from ansible_collections.tenantvault.m365_backup.tests.integration.restores import Restore
from ansible_collections.tenantvault.m365_backup.tests.integration.test_restore_mail import with_files
from ansible_collections.tenantvault.m365_backup.tests.integration.test_restore_people import later, weekly
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.killable import Warden
from tenant.harness import RunningTenant

KILLS = 8 * int(os.environ.get("M365_TORTURE", "1"))
SOURCES = (MAIL, CALENDAR, CONTACTS, ARCHIVE)
MESSAGES, SERIES, PEOPLE, ARCHIVED = 30, 6, 8, 12


@pytest.fixture(scope="module")
def warden() -> t.Iterator[Warden]:
    warden = Warden(killed_restore.__file__)
    yield warden
    warden.close()


@pytest.fixture(scope="module")
def backup(tenant: RunningTenant, tmp_path_factory: pytest.TempPathFactory) -> Backup:
    ann, control = f"ann@{tenant.domain}", tenant.control
    control.add_user(ann)
    control.deliver_generated(ann, MESSAGES - 2, folder=None, size_limit=20_000)
    for number in range(2):
        control.deliver(ann, "inbox", with_files(f"large {number}", "large.bin", "larger.bin"))
    for number in range(SERIES):
        exceptions = {"2026-03-09": {"subject": "Elsewhere"}, "2026-03-16": later("2026-03-17")}
        control.add_event(ann, weekly(f"Series {number}", exceptions=exceptions, cancelled=["2026-03-30"]))
    for number in range(PEOPLE):
        contact = control.add_contact(ann, {"displayName": f"Person {number}"})
        control.set_contact_photo(ann, contact, b"\xff\xd8\xff photo")
    archive = control.create_archive(ann)["archive"]
    control.create_folder(archive, "Old mail")
    control.deliver_generated(archive, ARCHIVED, folder=["Old mail"], size_limit=5000)
    backup = Backup(tenant=tenant, folder=tmp_path_factory.mktemp("kills"), users=(ann,), sources=SOURCES[:3], archives=True)
    backup.run()
    return backup


def test_inv02_a_restore_that_is_killed_again_and_again_gets_through_and_makes_nothing_twice(
    backup: Backup, warden: Warden, user: str
) -> None:
    restore = Restore(backup=backup, member=backup.users[0], into=user, sources=SOURCES)
    control = backup.tenant.control
    chance = random.Random(20261123)
    control.set_latency(15)
    killed = 0
    while killed < KILLS and warden.do(killed_restore.job_of(restore), lives=chance.uniform(0.3, 1.5)).was_killed:
        killed += 1
    control.set_latency(0)
    result = restore.run()
    assert (killed > KILLS // 2, result.findings) == (True, [])

    ann = backup.users[0]
    wanted = collections.Counter(each["subject"] for each in control.messages(ann))
    archived = collections.Counter(each["subject"] for each in control.messages(control.exchange_ids(ann)["archive"]))
    restored = [each for each in control.messages(user) if each["folder_path"][0] == "Restored"]
    assert [each for each in restored if not each["subject"]] == []
    assert collections.Counter(each["subject"] for each in restored) == wanted + archived
    assert not any(UNFINISHED in each["categories"] for each in restored)
    calendar = next(one["name"] for one in control.calendars(user) if one["name"].startswith("Restored"))
    series = control.events(user, calendar)
    assert sorted(each["subject"] for each in series) == [f"Series {number}" for number in range(SERIES)]
    assert all((each["cancelled"], set(each["exceptions"])) == (["2026-03-30"], {"2026-03-09", "2026-03-16"}) for each in series)
    folders = [one["id"] for one in control.contact_folders(user) if not one["default"]]
    people = [each for folder in folders for each in control.contacts(user, folder)]
    assert sorted(each["displayName"] for each in people) == [f"Person {number}" for number in range(PEOPLE)]
    assert all(each["photo"] for each in people)
    assert restore.run().written == 0
