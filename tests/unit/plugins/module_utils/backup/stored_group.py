# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A restore point with an event, a contact and a setting of one member, laid down file by file as the layout says."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.calendar_record import event_record
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.catalogue import (
    IDS,
    ITEMS,
    Record,
    id_file,
    id_hash,
    item_file,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.contacts_record import contact_record
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_fields import without_empty
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_state import (
    SOURCE_PATH,
    Folder,
    SourceFacts,
    facts_as_json,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import (
    FOLDER_FILE,
    MEMBERS_FILE,
    META,
    named_path,
    parts_path,
    snapshot_tags,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.members import (
    MemberState,
    SourceState,
    SourceStatus,
    members_as_json,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Path, Snapshot
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    NOON,
    MemoryStorage,
    Place,
    new_place,
    save_files,
)

Fields = dict[str, t.Any]

EVENT_FILE: Path = ("2026", "05", "17", "081205-0123456789abcdef.json")
CONTACT_FILE: Path = named_path("C1", "Carl Grün", ".json")
AGENDA = "/".join((*parts_path(EVENT_FILE), "agenda.pdf"))
PDF, PHOTO = b"%PDF-1.4 agenda", b"\xff\xd8\xff photo"

EVENT: Fields = {
    "id": "E1",
    "iCalUId": "0400",
    "changeKey": "K",
    "type": "singleInstance",
    "subject": "Planung",
    "start": {"dateTime": "2026-05-17T08:12:05.0000000", "timeZone": "UTC"},
    "end": {"dateTime": "2026-05-17T09:12:05.0000000", "timeZone": "UTC"},
    "createdDateTime": "2026-01-01T00:00:00Z",
    "lastModifiedDateTime": "2026-01-02T00:00:00Z",
    "attachments": [
        {"name": "agenda.pdf", "contentType": "application/pdf", "@m365.file": "/".join((*parts_path(EVENT_FILE), "agenda.pdf"))}
    ],
}
CONTACT: Fields = {
    "id": "C1",
    "changeKey": "K",
    "displayName": "Carl Grün",
    "emailAddresses": [{"address": "carl@fabrikam.example", "name": "Carl"}],
    "createdDateTime": "2026-01-01T00:00:00Z",
    "lastModifiedDateTime": "2026-01-02T00:00:00Z",
}


def stored_group() -> Place:
    """Of Anna a calendar, her contacts and her settings."""
    place = new_place(MemoryStorage())
    files: dict[Path, bytes] = {}
    sources = {name: SourceState(status=SourceStatus.GOOD, last_success=NOON.isoformat()) for name in ("calendar", "contacts", "settings")}
    anna = MemberState(id="anna", principal_name="anna@x.example", display_name="Anna Meier", directory="anna@x.example", sources=sources)
    files[("Sales", META, MEMBERS_FILE)] = members_as_json([anna])
    _put(files, "calendar", ("Kalender",), EVENT_FILE, EVENT, event_record(EVENT), {"agenda.pdf": PDF}, "attachment")
    _put(files, "contacts", ("Contacts",), CONTACT_FILE, CONTACT, contact_record(CONTACT), {"photo.jpg": PHOTO}, "photo")
    rules: Fields = {"id": "rules", "value": [{"displayName": "Move"}]}
    _put(files, "settings", (), ("rules.json",), rules, {"subject": "inbox rules"}, {}, "")
    with place.repository.writing(hostname="backup1") as writer:
        tree = save_files(writer, files)
        writer.save_snapshot(tree, time=NOON, paths=["/m365"], tags=snapshot_tags("sales", "run-1", "complete"))
    return place


def snapshot_of(place: Place) -> Snapshot:
    (snapshot,) = place.reopen().snapshots()
    return snapshot


def _put(
    files: dict[Path, bytes], source: str, folder: Path, file: Path, document: Fields, record: Record, beside: dict[str, bytes], kind: str
) -> None:
    top = ("Sales", "anna@x.example", source)
    content = json.dumps(document).encode()
    directory = parts_path(file)
    parts = [{"file": "/".join((*directory, name)), "kind": kind, "name": name, "size": len(data)} for name, data in beside.items()]
    size = len(content) + sum(len(data) for data in beside.values())
    line = without_empty({**record, "id": document["id"], "folder": 0, "file": "/".join(file), "size": size, "parts": parts})
    described = Folder(id=source, number=0, name=folder[-1] if folder else "Settings", parent=None, path=folder)
    files[(*top, *SOURCE_PATH)] = facts_as_json(SourceFacts(lines=1, items=1, next_folder=1, cursor=source))
    files[(*top, *ITEMS, *item_file(0))] = json.dumps(line).encode() + b"\n"
    files[(*top, *IDS, *id_file(0))] = id_hash(document["id"])
    files[(*top, *folder, FOLDER_FILE)] = described.as_json()
    files[(*top, *folder, *file)] = content
    for name, data in beside.items():
        files[(*top, *folder, *directory, name)] = data
