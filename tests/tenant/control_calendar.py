# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Control over calendars: what people do in Outlook. Nobody is invited by it and nothing is counted as sent."""

from __future__ import annotations

import datetime
import re
import typing as t
from pathlib import Path

from .call import GraphError
from .event_attachments import add_json_attachment
from .event_series import Happening, cancel_occurrence, change_occurrence, find_happening, happening_id, is_series, kind_of, properties_of
from .event_store import add_event, change_event, delete_happening, owner_of
from .event_view import attachments_of_happening
from .ics_events import read_events

if t.TYPE_CHECKING:
    from .mailbox import Mailbox
    from .sections import Container
    from .state import Tenant

Json = dict[str, t.Any]
_PLACEHOLDER = re.compile(rb"\$now\.year\.(-?\d+):")  # of Apple's caldavtester, whose files are templates
_CONTROL_ONLY = ("attachments", "exceptions", "cancelled")


class CalendarControl:
    """Calendars and events. A calendar is named by id or name (None: the default one), an event by either form of its id."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def calendars(self, mailbox: str) -> list[Json]:
        section = self._box(mailbox).sections.calendars
        return [{"id": one.id, "name": one.name, "default": one.is_default, "events": len(one.items)} for one in section.living()]

    def add_calendar(self, mailbox: str, name: str, properties: Json | None = None) -> str:
        """Also a second one of the same name, as sharing makes them; C(properties) as in Graph (canEdit, owner, color)."""
        return self._box(mailbox).sections.calendars.add_container(name, None, **(properties or {})).id

    def rename_calendar(self, mailbox: str, calendar: str | None, name: str) -> None:
        box = self._box(mailbox)
        found = _calendar(box, calendar)
        found.name = name
        box.sections.calendars.touch_container(found)

    def delete_calendar(self, mailbox: str, calendar: str) -> None:
        box = self._box(mailbox)
        box.sections.calendars.delete_container(_calendar(box, calendar))

    def events(self, mailbox: str, calendar: str | None = None) -> list[Json]:
        box = self._box(mailbox)
        return [_line(box, Happening(item)) for item in _calendar(box, calendar).items.values()]

    def add_event(self, mailbox: str, event: Json, calendar: str | None = None) -> str:
        """An event from Graph's JSON; gives its immutable id.

        Besides what clients may set, the service's own properties (C(isOrganizer), C(iCalUId), C(originalStartTimeZone) ...) are taken,
        C(attachments) (as they are posted), C(exceptions) (changes by day) and C(cancelled) (days).
        """
        box = self._box(mailbox)
        item = add_event(
            self._tenant, box, _calendar(box, calendar), {name: value for name, value in event.items() if name not in _CONTROL_ONLY}
        )
        for attachment in event.get("attachments") or ():
            add_json_attachment(box, Happening(item), attachment)
        for day, changes in (event.get("exceptions") or {}).items():
            self._change(box, Happening(item, datetime.date.fromisoformat(day)), changes)
        for day in event.get("cancelled") or ():
            cancel_occurrence(Happening(item, datetime.date.fromisoformat(day)))
        return box.sections.calendars.item_id(item, immutable=True)

    def add_events(self, mailbox: str, events: list[Json], calendar: str | None = None) -> list[str]:
        return [self.add_event(mailbox, event, calendar) for event in events]

    def load_calendar(self, mailbox: str, path: str, calendar: str | None = None) -> list[Json]:
        """The events of an .ics file, or of all below a folder; each with C(source), C(uid), C(id) (None: not taken) and C(notes)."""
        box = self._box(mailbox)
        owner = str(owner_of(self._tenant, box)["address"])
        loaded: list[Json] = []
        for file in files_below(Path(path), ".ics"):
            for uid, event, notes in read_events(_PLACEHOLDER.sub(_year, file.read_bytes()), owner):
                identifier = None
                if event is not None:
                    try:
                        identifier = self.add_event(mailbox, event, calendar)
                    except GraphError as error:
                        notes.append(error.message)
                loaded.append({"source": file.name, "uid": uid, "id": identifier, "notes": notes})
        return loaded

    def update_event(self, mailbox: str, event: str, changes: Json) -> None:
        """Changes an event or a series; an occurrence when C(event) is the id of one."""
        box = self._box(mailbox)
        happening = find_happening(box, event)
        if happening.day is not None:
            self._change(box, happening, changes)
        else:
            change_event(box, happening, changes)

    def delete_event(self, mailbox: str, event: str) -> None:
        """Deletes for good; an occurrence is cancelled."""
        box = self._box(mailbox)
        delete_happening(box, find_happening(box, event))

    def move_event(self, mailbox: str, event: str, calendar: str | None) -> None:
        box = self._box(mailbox)
        box.sections.calendars.move(box.sections.calendars.item(event), _calendar(box, calendar))

    def change_occurrence(self, mailbox: str, event: str, day: str, changes: Json, silent: bool = False) -> str:
        """Makes the occurrence of a day an exception; C(silent): delta does not name the series. Gives its immutable id."""
        box = self._box(mailbox)
        happening = Happening(box.sections.calendars.item(event), datetime.date.fromisoformat(day))
        self._change(box, happening, changes, silent=silent)
        return happening_id(box, happening, immutable=True)

    def cancel_occurrence(self, mailbox: str, event: str, day: str, silent: bool = False) -> None:
        box = self._box(mailbox)
        happening = Happening(box.sections.calendars.item(event), datetime.date.fromisoformat(day))
        cancel_occurrence(happening)
        if not silent:
            box.sections.calendars.touch(happening.item)

    def add_event_attachment(self, mailbox: str, event: str, attachment: Json) -> None:
        """An attachment as it is posted; C(event) may be the id of an occurrence."""
        box = self._box(mailbox)
        add_json_attachment(box, find_happening(box, event), attachment)

    def _change(self, box: Mailbox, happening: Happening, changes: Json, *, silent: bool = False) -> None:
        """Makes an exception without the checks that clients meet: Outlook and other servers made stranger ones."""
        change_occurrence(happening, {name: value for name, value in changes.items() if name != "attachments"})
        for attachment in changes.get("attachments") or ():
            add_json_attachment(box, happening, attachment)
        if not silent:
            box.sections.calendars.touch(happening.item)

    def _box(self, key: str) -> Mailbox:
        return box_of(self._tenant, key)


def box_of(tenant: Tenant, key: str) -> Mailbox:
    """The mailbox of a user, by object id or principal name. Raises ValueError."""
    box = tenant.mailboxes.get(tenant.directory.user_by_address(key).id)
    if box is None:
        raise ValueError(f"{key} has no mailbox")
    return box


def files_below(path: Path, suffix: str) -> list[Path]:
    """A file itself, or all of a kind below a folder, in order of their names."""
    return [path] if path.is_file() else sorted(one for one in path.rglob(f"*{suffix}") if one.is_file())


def _year(match: re.Match[bytes]) -> bytes:
    return b"%d" % (2026 + int(match[1]))


def _calendar(box: Mailbox, key: str | None) -> Container:
    section = box.sections.calendars
    if key is None:
        return section.default
    for one in section.living():
        if key in (one.id, one.name):
            return one
    raise ValueError(f"there is no calendar {key!r}")


def _line(box: Mailbox, happening: Happening) -> Json:
    item = happening.item
    properties = properties_of(happening)
    return {
        "id": happening_id(box, happening, immutable=True),
        "type": kind_of(happening),
        "subject": properties.get("subject", ""),
        "start": properties["start"],
        "end": properties["end"],
        "uid": properties.get("iCalUId"),
        "attachments": [attachment.name for attachment in attachments_of_happening(happening)],
        "recurrence": item.properties["recurrence"] if is_series(item) else None,
        "exceptions": {
            day.isoformat(): {**changed.properties, "attachments": [one.name for one in changed.attachments]}
            for day, changed in sorted((item.exceptions or {}).items())
        },
        "cancelled": [day.isoformat() for day in sorted(item.cancelled or ())],
    }
