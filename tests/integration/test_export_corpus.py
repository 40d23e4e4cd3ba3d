# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All sample data as files, read by somebody else's parsers; of every series the days that the service itself unfolds."""

from __future__ import annotations

import collections
import datetime as dt
import json
import mailbox
import os
import re
import typing as t
import zipfile
from pathlib import Path

import pytest
import vobject

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter import ItemFilter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import CALENDAR, CONTACTS, MAIL
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient, connect
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import IMMUTABLE_IDS, UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limits import LimitScope
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.links import graph_path
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.paging import Listing, values
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.refusals import Call
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.traffic import RequestKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.users import find_users
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.choice import choose, chosen_items
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.export_content import content_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.infected_items import sifting
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.results import RestoreResult
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.snapshot_choice import choose_snapshot
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.to_files_run import restore_to_files
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup, mail_of
from ansible_collections.tenantvault.m365_backup.tests.integration.graph_tenant import settings_for
from tenant.harness import RunningTenant

CORPUS = os.environ.get("M365_CORPUS", "")
pytestmark = pytest.mark.skipif(not CORPUS, reason="M365_CORPUS does not name a folder of sample data")


def backup_of(tenant: RunningTenant, folder: Path, source: str) -> Backup:
    user = f"export.{source}@{tenant.domain}"
    control = tenant.control
    control.add_user(user)
    load = {MAIL: control.load_folder, CALENDAR: control.load_calendar, CONTACTS: control.load_contacts}[source]
    load(user, Path(CORPUS, source))
    backup = Backup(tenant=tenant, folder=folder, users=(user,), sources=(source,))
    backup.run()
    return backup


def export(backup: Backup, target: Path, file_format: str = "files") -> RestoreResult:
    repository = backup.repository()
    snapshot = choose_snapshot(repository, "group", "latest")
    choices = [choose(repository, snapshot, backup.users[0], source, None) for source in backup.sources]
    with sifting(repository, repository, print, includes_infected=False) as sifter:
        result = restore_to_files(repository, choices, ItemFilter(), target, file_format, sifter=sifter)
    assert result.findings == []
    return result


def test_every_message_is_in_a_maildir_in_mboxes_and_in_a_zip(tenant: RunningTenant, tmp_path: Path) -> None:
    backup = backup_of(tenant, tmp_path, MAIL)
    served = mail_of(tenant, backup.users[0])
    for file_format in ("maildir", "mboxrd", "zip"):
        assert export(backup, tmp_path / file_format, file_format).restored == len(served) > 800
        assert export(backup, tmp_path / file_format, file_format).unchanged == len(served)
    assert sorted(path.read_bytes() for path in (tmp_path / "maildir").rglob("cur/*")) == served
    with zipfile.ZipFile(next((tmp_path / "zip").glob("*.zip"))) as archive:
        assert sorted(archive.read(name) for name in archive.namelist()) == served
    unquoted: list[bytes] = []
    for path in (tmp_path / "mboxrd").rglob("*.mbox"):
        box = mailbox.mbox(path, create=False)
        found = (box.get_bytes(key, from_=False) for key in box.iterkeys())
        unquoted += [re.sub(rb"^>(>*From )", rb"\1", content, flags=re.MULTILINE).removesuffix(b"\n") for content in found]
    assert sorted(each.rstrip(b"\r\n") for each in unquoted) == sorted(each.rstrip(b"\r\n") for each in served)


def test_every_contact_is_a_card_that_others_read(tenant: RunningTenant, tmp_path: Path) -> None:
    backup = backup_of(tenant, tmp_path, CONTACTS)
    result = export(backup, tmp_path / "files")
    cards = [vobject.readOne(path.read_text("utf-8")) for path in (tmp_path / "files").rglob("*.vcf")]
    assert len(cards) == result.restored > 20
    assert all(card.fn.value and card.n is not None for card in cards)


def test_every_event_is_a_calendar_that_others_read_and_unfold_like_the_service(tenant: RunningTenant, tmp_path: Path) -> None:
    backup = backup_of(tenant, tmp_path, CALENDAR)
    repository = backup.repository()
    choice = choose(repository, choose_snapshot(repository, "group", "latest"), backup.users[0], CALENDAR, None)
    differences, series = [], 0
    with connect(settings_for(tenant)) as client:
        user = find_users(client, backup.users[0])[0].id
        for item in chosen_items(repository, choice, ItemFilter(), []):
            event = json.loads(b"".join(repository.read_file(item.node)))
            calendar = parsed(b"".join(content_of(repository, item, lambda *_damage: None)))
            assert calendar.vevent.dtstart.value is not None
            if event.get("recurrence") and event.get("isAllDay") is not True:
                series += 1
                start = dt.datetime.fromisoformat(event["start"]["dateTime"][:19]).replace(tzinfo=dt.timezone.utc)
                window = (start, start + dt.timedelta(days=700))
                told, served = unfolded(calendar, window), instances(client, user, event["id"], window)
                if told != served:
                    differences.append((item.record["subject"], event["recurrence"], told - served, served - told))
    assert series > 20
    assert differences == []


def parsed(content: bytes) -> t.Any:
    """With the time zones of this file alone: the parser keeps those of the first file that named them."""
    known: dict[str, t.Any] = vars(vobject.icalendar)["__tzidMap"]
    for name in known.keys() - {"UTC"}:
        del known[name]
    return vobject.readOne(content.decode())


Window = tuple[dt.datetime, dt.datetime]


def unfolded(calendar: t.Any, window: Window) -> collections.Counter[dt.datetime]:
    """The beginnings in UTC of all occurrences, exceptions in the place of what they replace."""
    events = calendar.vevent_list
    rules = events[0].getrruleset(addRDate=False)
    moments = {each.astimezone(dt.timezone.utc) for each in rules.between(*window, inc=True)}
    moments -= {each.recurrence_id.value.astimezone(dt.timezone.utc) for each in events[1:]}
    found = [*moments, *(each.dtstart.value.astimezone(dt.timezone.utc) for each in events[1:])]
    return collections.Counter(each for each in found if window[0] <= each < window[1])


def instances(client: GraphClient, user: UserId, event: str, window: Window) -> collections.Counter[dt.datetime]:
    call = Call(scope=LimitScope.mailbox(user), kind=RequestKind.MESSAGE, doing="Unfolding a series", permission="Calendars.Read")
    first, last = (f"{moment:%Y-%m-%dT%H:%M:%S}Z" for moment in window)
    params = {"startDateTime": first, "endDateTime": last}
    listing = Listing(target=graph_path("users", user, "events", event, "instances"), params=params, prefer=(IMMUTABLE_IDS,), page_size=200)
    starts = [
        dt.datetime.fromisoformat(each["start"]["dateTime"][:19]).replace(tzinfo=dt.timezone.utc) for each in values(client, call, listing)
    ]
    return collections.Counter(each for each in starts if window[0] <= each < window[1])
