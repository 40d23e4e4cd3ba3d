# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All sample data from one mailbox through a backup into an empty one: what comes out of both is the same."""

from __future__ import annotations

import collections
import dataclasses
import json
import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter import ItemFilter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import CALENDAR, CONTACTS, MAIL
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.choice import ChosenItem, choose, chosen_items
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.contacts_writer import contact_payload
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.event_payload import event_parts
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.message_payload import message_parts
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.snapshot_choice import choose_snapshot
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup
from ansible_collections.tenantvault.m365_backup.tests.integration.restores import TOP, Restore, counts
from tenant.harness import RunningTenant

CORPUS = os.environ.get("M365_CORPUS", "")
pytestmark = pytest.mark.skipif(not CORPUS, reason="M365_CORPUS does not name a folder of sample data")
ADDRESSES = ("from", "sender", "toRecipients", "ccRecipients", "bccRecipients", "replyTo")
Told = t.Callable[[bytes, dict[str, t.Any]], t.Hashable]


def stored(backup: Backup, member: str, source: str, tell: Told) -> collections.Counter[t.Hashable]:
    """What a backup has of a source, item by item."""
    repository = backup.repository()
    choice = choose(repository, choose_snapshot(repository, "group", "latest"), member, source, None)
    findings: list[t.Any] = []
    found: collections.Counter[t.Hashable] = collections.Counter()
    for item in chosen_items(repository, choice, ItemFilter(), findings):
        content = b"".join(repository.read_file(item.node))
        found[(folder_of(item), tell(content, item.record), files_of(item))] += 1
    assert findings == []
    return found


def folder_of(item: ChosenItem) -> tuple[str, ...]:
    """Without what a restore puts before it."""
    names = item.folder[item.folder.index(TOP) + 1 :] if TOP in item.folder else item.folder
    return tuple(name.removeprefix(f"{TOP} ") for name in names)


def files_of(item: ChosenItem) -> t.Hashable:
    return frozenset((part.facts["kind"], part.facts.get("name"), tuple(part.node.content)) for part in item.parts)


def message(mime: bytes, record: dict[str, t.Any]) -> t.Hashable:
    """Taken apart, as the service keeps it. A message that had no id is given one."""
    parts = message_parts(mime, record)
    payload = parts.payload
    kept = {name: payload.get(name) for name in ("subject", "isRead", "importance", "categories", "flag", *ADDRESSES)}
    dates = [each["value"] for each in payload.get("singleValueExtendedProperties", ())]
    body = "\n".join(payload["body"]["content"].split())
    # The service writes a message inside a message anew on each reading, with other line breaks.
    files = sorted((each.name, each.content_id or "", each.is_inline, b"".join(each.content.split())) for each in parts.attachments)
    return json.dumps([kept, dates, payload["body"]["contentType"], body], sort_keys=True), tuple(files)


def event(content: bytes, _record: dict[str, t.Any]) -> t.Hashable:
    """What can be created again; attendees stand in the text in both."""
    parts = event_parts(json.loads(content))
    changed = [(str(each.moment), each.changes) for each in parts.changed]
    return json.dumps([parts.payload, [str(day) for day in parts.cancelled], changed], sort_keys=True)


def contact(content: bytes, _record: dict[str, t.Any]) -> t.Hashable:
    return json.dumps(contact_payload(json.loads(content)), sort_keys=True)


@pytest.mark.parametrize(("source", "tell"), [(MAIL, message), (CALENDAR, event), (CONTACTS, contact)])
def test_all_sample_data_comes_back_through_an_empty_mailbox(tenant: RunningTenant, tmp_path: Path, source: str, tell: Told) -> None:
    control = tenant.control
    ann, ben = f"ann.{source}@{tenant.domain}", f"ben.{source}@{tenant.domain}"
    control.add_user(ann)
    control.add_user(ben)
    load = {MAIL: control.load_folder, CALENDAR: control.load_calendar, CONTACTS: control.load_contacts}[source]
    loaded = load(ann, Path(CORPUS, {MAIL: "mail", CALENDAR: "calendar", CONTACTS: "contacts"}[source]))
    backup = Backup(tenant=tenant, folder=tmp_path, users=(ann,), sources=(source,))
    backup.run()
    outgoing = control.outgoing()
    result = Restore(backup=backup, member=ann, into=ben, sources=(source,)).run()
    assert (result.findings, list(counts(result))) == ([], ["restored"])
    assert result.restored == sum(1 for line in loaded if line["id"] is not None)
    assert control.outgoing() == outgoing
    again = dataclasses.replace(backup, users=(ann, ben))
    again.run()
    before, after = stored(again, ann, source, tell), stored(again, ben, source, tell)
    lost, new = before - after, after - before
    assert (lost, new) == (collections.Counter(), collections.Counter())
