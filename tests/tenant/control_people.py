# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Control over contacts, tasks and the settings of a mailbox: what people do in Outlook and To Do."""

from __future__ import annotations

import base64
import typing as t
from pathlib import Path

from .attachment_store import FILE, Attachment
from .contacts import checked_contact
from .control_calendar import box_of, files_below
from .mailbox_settings import add_category, add_rule, change_settings, settings_json
from .sections import Photo
from .vcf_contacts import read_cards

if t.TYPE_CHECKING:
    from .mailbox import Mailbox
    from .outgoing import Sent
    from .sections import Container, Section
    from .state import Tenant

Json = dict[str, t.Any]


class PeopleControl:
    """Folders and lists are named by id or name (None: the default one), contacts and tasks by either form of their id."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    # Contacts

    def contact_folders(self, mailbox: str) -> list[Json]:
        section = self._box(mailbox).sections.contacts
        return [
            {"id": one.id, "name": one.name, "default": one.is_default, "parent_id": one.parent.id if one.parent is not None else None}
            for one in section.living()
        ]

    def add_contact_folder(self, mailbox: str, name: str, parent: str | None = None) -> str:
        """A folder below another one, the default one unless named."""
        section = self._box(mailbox).sections.contacts
        return section.add_container(name, _container(section, parent)).id

    def rename_contact_folder(self, mailbox: str, folder: str, name: str) -> None:
        _rename(self._box(mailbox).sections.contacts, folder, name)

    def delete_contact_folder(self, mailbox: str, folder: str) -> None:
        section = self._box(mailbox).sections.contacts
        section.delete_container(_container(section, folder))

    def contacts(self, mailbox: str, folder: str | None = None) -> list[Json]:
        section = self._box(mailbox).sections.contacts
        return [
            {"id": section.item_id(item, immutable=True), **item.properties, "photo": item.photo is not None}
            for item in _container(section, folder).items.values()
        ]

    def add_contact(self, mailbox: str, contact: Json, folder: str | None = None) -> str:
        """A contact from Graph's JSON; gives its immutable id."""
        section = self._box(mailbox).sections.contacts
        return section.item_id(section.add(_container(section, folder), checked_contact(contact)), immutable=True)

    def add_contacts(self, mailbox: str, contacts: list[Json], folder: str | None = None) -> list[str]:
        return [self.add_contact(mailbox, contact, folder) for contact in contacts]

    def load_contacts(self, mailbox: str, path: str, folder: str | None = None) -> list[Json]:
        """The cards of a .vcf file, or of all below a folder; each with C(source), C(name), C(id) (None: not taken) and C(notes)."""
        loaded: list[Json] = []
        for file in files_below(Path(path), ".vcf"):
            for name, contact, photo, notes in read_cards(file.read_bytes()):
                identifier = self.add_contact(mailbox, contact, folder) if contact is not None else None
                if identifier is not None and photo is not None:
                    self.set_contact_photo(mailbox, identifier, *photo)
                loaded.append({"source": file.name, "name": name, "id": identifier, "notes": notes})
        return loaded

    def update_contact(self, mailbox: str, contact: str, changes: Json) -> None:
        section = self._box(mailbox).sections.contacts
        item = section.item(contact)
        item.properties = {**item.properties, **checked_contact(changes)}
        section.touch(item)

    def move_contact(self, mailbox: str, contact: str, folder: str | None) -> None:
        section = self._box(mailbox).sections.contacts
        section.move(section.item(contact), _container(section, folder))

    def delete_contact(self, mailbox: str, contact: str) -> None:
        section = self._box(mailbox).sections.contacts
        section.remove(section.item(contact))

    def set_contact_photo(self, mailbox: str, contact: str, content: bytes | None, content_type: str = "image/jpeg") -> None:
        section = self._box(mailbox).sections.contacts
        item = section.item(contact)
        item.photo = Photo(content, content_type) if content is not None else None
        section.touch(item)

    # Tasks

    def task_lists(self, mailbox: str) -> list[Json]:
        section = self._box(mailbox).sections.tasks
        return [{"id": one.id, "name": one.name, "default": one.is_default, "tasks": len(one.items)} for one in section.living()]

    def add_task_list(self, mailbox: str, name: str) -> str:
        return self._box(mailbox).sections.tasks.add_container(name).id

    def rename_task_list(self, mailbox: str, task_list: str, name: str) -> None:
        _rename(self._box(mailbox).sections.tasks, task_list, name)

    def delete_task_list(self, mailbox: str, task_list: str) -> None:
        section = self._box(mailbox).sections.tasks
        section.delete_container(_container(section, task_list))

    def tasks(self, mailbox: str, task_list: str | None = None) -> list[Json]:
        section = self._box(mailbox).sections.tasks
        return [{"id": section.item_id(item, immutable=True), **item.properties} for item in _container(section, task_list).items.values()]

    def add_task(self, mailbox: str, task: Json, task_list: str | None = None) -> str:
        """A task from Graph's JSON with C(checklistItems), C(linkedResources) and C(attachments) (name, contentType, contentBytes)."""
        section = self._box(mailbox).sections.tasks
        item = section.add(_container(section, task_list), {name: value for name, value in task.items() if name != "attachments"})
        for number, one in enumerate(task.get("attachments") or (), 1):
            content = base64.b64decode(one["contentBytes"])
            item.attachments.append(Attachment(number, FILE, one["name"], one.get("contentType", "application/octet-stream"), content))
        return section.item_id(item, immutable=True)

    def update_task(self, mailbox: str, task: str, changes: Json) -> None:
        section = self._box(mailbox).sections.tasks
        item = section.item(task)
        item.properties = {**item.properties, **changes}
        section.touch(item)

    def delete_task(self, mailbox: str, task: str) -> None:
        section = self._box(mailbox).sections.tasks
        section.remove(section.item(task))

    # Settings

    def mailbox_settings(self, mailbox: str) -> Json:
        return settings_json(self._box(mailbox))

    def change_mailbox_settings(self, mailbox: str, changes: Json) -> None:
        """As a PATCH of mailboxSettings."""
        change_settings(self._box(mailbox), changes)

    def rules(self, mailbox: str) -> list[Json]:
        return list(self._box(mailbox).sections.rules.values())

    def add_rule(self, mailbox: str, rule: Json) -> str:
        return str(add_rule(self._box(mailbox), rule)["id"])

    def delete_rule(self, mailbox: str, rule: str) -> None:
        del self._box(mailbox).sections.rules[rule]

    def master_categories(self, mailbox: str) -> list[Json]:
        return list(self._box(mailbox).sections.categories.values())

    def add_category(self, mailbox: str, name: str, color: str = "preset0") -> str:
        return str(add_category(self._box(mailbox), name, color)["id"])

    def delete_category(self, mailbox: str, category: str) -> None:
        """By its id or name."""
        categories = self._box(mailbox).sections.categories
        for identifier, known in list(categories.items()):
            if category in (identifier, known["displayName"]):
                del categories[identifier]

    # What would have left the tenant

    def outgoing(self) -> list[Sent]:
        """Every mail that the service would have sent by itself: kind, mailbox, to, subject."""
        return list(self._tenant.outgoing.sent)

    def _box(self, key: str) -> Mailbox:
        return box_of(self._tenant, key)


def _container(section: Section, key: str | None) -> Container:
    if key is None:
        return section.default
    for one in section.living():
        if key in (one.id, one.name):
            return one
    raise ValueError(f"there is no folder or list {key!r}")


def _rename(section: Section, key: str, name: str) -> None:
    found = _container(section, key)
    found.name = name
    section.touch_container(found)
