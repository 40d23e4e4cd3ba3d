# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Client of the control API for what a mailbox holds beside mail: calendars, contacts, tasks, settings."""

from __future__ import annotations

import base64
import typing as t

from .control_connection import ControlConnection

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Json = dict[str, t.Any]


class PersonalControlClient(ControlConnection):
    """Calendars, contact folders and task lists are named by id or name, None is the default one; items by either form of their id."""

    # Calendars

    def calendars(self, mailbox: str) -> list[Json]:
        return list(self._call("calendars", mailbox=mailbox))

    def add_calendar(self, mailbox: str, name: str, **properties: t.Any) -> str:
        """A calendar with properties as in Graph (canEdit, owner, color); gives its id."""
        return str(self._call("add_calendar", mailbox=mailbox, name=name, properties=properties))

    def rename_calendar(self, mailbox: str, calendar: str | None, name: str) -> None:
        self._call("rename_calendar", mailbox=mailbox, calendar=calendar, name=name)

    def delete_calendar(self, mailbox: str, calendar: str) -> None:
        self._call("delete_calendar", mailbox=mailbox, calendar=calendar)

    def events(self, mailbox: str, calendar: str | None = None) -> list[Json]:
        """Events with id, type, subject, start, end, uid, attachments, recurrence, exceptions (by day) and cancelled (days)."""
        return list(self._call("events", mailbox=mailbox, calendar=calendar))

    def add_event(self, mailbox: str, event: Mapping[str, t.Any], calendar: str | None = None) -> str:
        """An event from Graph's JSON, with C(attachments) (as posted), C(exceptions) (changes by day) and C(cancelled) (days).

        Properties of the service's own (isOrganizer, iCalUId, originalStartTimeZone ...) are taken, too. Gives the immutable id.
        """
        return str(self._call("add_event", mailbox=mailbox, event=dict(event), calendar=calendar))

    def add_events(self, mailbox: str, events: Iterable[Mapping[str, t.Any]], calendar: str | None = None) -> list[str]:
        """Many at once."""
        return list(self._call("add_events", mailbox=mailbox, events=[dict(event) for event in events], calendar=calendar))

    def load_calendar(self, mailbox: str, path: Path, *, calendar: str | None = None) -> list[Json]:
        """The events of an .ics file, or of all below a folder; each with source, uid, id (None: not taken) and notes (what was lost)."""
        return list(self._call("load_calendar", mailbox=mailbox, path=str(path), calendar=calendar))

    def update_event(self, mailbox: str, event: str, **changes: t.Any) -> None:
        self._call("update_event", mailbox=mailbox, event=event, changes=changes)

    def delete_event(self, mailbox: str, event: str) -> None:
        self._call("delete_event", mailbox=mailbox, event=event)

    def move_event(self, mailbox: str, event: str, calendar: str | None) -> None:
        self._call("move_event", mailbox=mailbox, event=event, calendar=calendar)

    def change_occurrence(self, mailbox: str, event: str, day: str, *, silent: bool = False, **changes: t.Any) -> str:
        """Makes the occurrence of a day an exception; C(silent): no delta names the series for it. Gives its immutable id."""
        return str(self._call("change_occurrence", mailbox=mailbox, event=event, day=day, changes=changes, silent=silent))

    def cancel_occurrence(self, mailbox: str, event: str, day: str, *, silent: bool = False) -> None:
        self._call("cancel_occurrence", mailbox=mailbox, event=event, day=day, silent=silent)

    def add_event_attachment(self, mailbox: str, event: str, attachment: Mapping[str, t.Any]) -> None:
        self._call("add_event_attachment", mailbox=mailbox, event=event, attachment=dict(attachment))

    # Contacts

    def contact_folders(self, mailbox: str) -> list[Json]:
        return list(self._call("contact_folders", mailbox=mailbox))

    def add_contact_folder(self, mailbox: str, name: str, parent: str | None = None) -> str:
        return str(self._call("add_contact_folder", mailbox=mailbox, name=name, parent=parent))

    def rename_contact_folder(self, mailbox: str, folder: str, name: str) -> None:
        self._call("rename_contact_folder", mailbox=mailbox, folder=folder, name=name)

    def delete_contact_folder(self, mailbox: str, folder: str) -> None:
        self._call("delete_contact_folder", mailbox=mailbox, folder=folder)

    def contacts(self, mailbox: str, folder: str | None = None) -> list[Json]:
        return list(self._call("contacts", mailbox=mailbox, folder=folder))

    def add_contact(self, mailbox: str, contact: Mapping[str, t.Any], folder: str | None = None) -> str:
        """A contact from Graph's JSON; gives its immutable id."""
        return str(self._call("add_contact", mailbox=mailbox, contact=dict(contact), folder=folder))

    def add_contacts(self, mailbox: str, contacts: Iterable[Mapping[str, t.Any]], folder: str | None = None) -> list[str]:
        """Many at once."""
        return list(self._call("add_contacts", mailbox=mailbox, contacts=[dict(contact) for contact in contacts], folder=folder))

    def load_contacts(self, mailbox: str, path: Path, *, folder: str | None = None) -> list[Json]:
        """The cards of a .vcf file, or of all below a folder; each with source, name, id (None: not taken) and notes (what was lost)."""
        return list(self._call("load_contacts", mailbox=mailbox, path=str(path), folder=folder))

    def update_contact(self, mailbox: str, contact: str, **changes: t.Any) -> None:
        self._call("update_contact", mailbox=mailbox, contact=contact, changes=changes)

    def move_contact(self, mailbox: str, contact: str, folder: str | None) -> None:
        self._call("move_contact", mailbox=mailbox, contact=contact, folder=folder)

    def delete_contact(self, mailbox: str, contact: str) -> None:
        self._call("delete_contact", mailbox=mailbox, contact=contact)

    def set_contact_photo(self, mailbox: str, contact: str, content: bytes | None, *, content_type: str = "image/jpeg") -> None:
        """C(None) takes the photo away."""
        sent = None if content is None else {"$bytes": base64.b64encode(content).decode()}
        self._call("set_contact_photo", mailbox=mailbox, contact=contact, content=sent, content_type=content_type)

    # Tasks

    def task_lists(self, mailbox: str) -> list[Json]:
        return list(self._call("task_lists", mailbox=mailbox))

    def add_task_list(self, mailbox: str, name: str) -> str:
        return str(self._call("add_task_list", mailbox=mailbox, name=name))

    def rename_task_list(self, mailbox: str, task_list: str, name: str) -> None:
        self._call("rename_task_list", mailbox=mailbox, task_list=task_list, name=name)

    def delete_task_list(self, mailbox: str, task_list: str) -> None:
        self._call("delete_task_list", mailbox=mailbox, task_list=task_list)

    def tasks(self, mailbox: str, task_list: str | None = None) -> list[Json]:
        return list(self._call("tasks", mailbox=mailbox, task_list=task_list))

    def add_task(self, mailbox: str, task: Mapping[str, t.Any], task_list: str | None = None) -> str:
        """A task from Graph's JSON with C(checklistItems), C(linkedResources) and C(attachments) (name, contentType, contentBytes)."""
        return str(self._call("add_task", mailbox=mailbox, task=dict(task), task_list=task_list))

    def update_task(self, mailbox: str, task: str, **changes: t.Any) -> None:
        self._call("update_task", mailbox=mailbox, task=task, changes=changes)

    def delete_task(self, mailbox: str, task: str) -> None:
        self._call("delete_task", mailbox=mailbox, task=task)

    # Settings

    def mailbox_settings(self, mailbox: str) -> Json:
        return dict(self._call("mailbox_settings", mailbox=mailbox))

    def change_mailbox_settings(self, mailbox: str, **changes: t.Any) -> None:
        """As a PATCH of mailboxSettings; what the service keeps to itself (userPurpose) is set by C(set_mailbox_settings)."""
        self._call("change_mailbox_settings", mailbox=mailbox, changes=changes)

    def rules(self, mailbox: str) -> list[Json]:
        return list(self._call("rules", mailbox=mailbox))

    def add_rule(self, mailbox: str, rule: Mapping[str, t.Any]) -> str:
        return str(self._call("add_rule", mailbox=mailbox, rule=dict(rule)))

    def delete_rule(self, mailbox: str, rule: str) -> None:
        self._call("delete_rule", mailbox=mailbox, rule=rule)

    def master_categories(self, mailbox: str) -> list[Json]:
        return list(self._call("master_categories", mailbox=mailbox))

    def add_category(self, mailbox: str, name: str, color: str = "preset0") -> str:
        return str(self._call("add_category", mailbox=mailbox, name=name, color=color))

    def delete_category(self, mailbox: str, category: str) -> None:
        self._call("delete_category", mailbox=mailbox, category=category)

    def outgoing(self) -> list[Json]:
        """Every mail that the service would have sent by itself: kind, mailbox (object id), to, subject."""
        return list(self._call("outgoing"))
