# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of what a mailbox answers beside mail: calendars, contacts, tasks, settings."""

from __future__ import annotations

import typing as t

from . import (
    calendars,
    contact_folders,
    contacts,
    event_attachments,
    event_delta,
    event_writes,
    events,
    mailbox_settings,
    todo,
)

if t.TYPE_CHECKING:
    from .routing import Handler

    Row = tuple[str, str, str, Handler, frozenset[str]]

_CALENDARS = frozenset({"Calendars.Read", "Calendars.ReadWrite"})
_CALENDARS_WRITE = frozenset({"Calendars.ReadWrite"})
_CONTACTS = frozenset({"Contacts.Read", "Contacts.ReadWrite"})
_CONTACTS_WRITE = frozenset({"Contacts.ReadWrite"})
_TASKS = frozenset({"Tasks.Read.All"})
_SETTINGS = frozenset({"MailboxSettings.Read", "MailboxSettings.ReadWrite"})
_SETTINGS_WRITE = frozenset({"MailboxSettings.ReadWrite"})
_USER = "users/{user}"
_CALENDAR_PLACES = (f"{_USER}/calendar", f"{_USER}/calendars/{{calendar}}")
_EVENT_PLACES = (_USER, *_CALENDAR_PLACES)
_CONTACT_PLACES = (_USER, f"{_USER}/contactFolders/{{folder}}")
_LIST = f"{_USER}/todo/lists/{{list}}"
_TASK = f"{_LIST}/tasks/{{task}}"


def _calendar_rows() -> list[Row]:
    rows: list[Row] = [
        ("GET", f"{_USER}/calendars", "calendars_list", calendars.list_calendars, _CALENDARS),
        ("POST", f"{_USER}/calendars", "calendar_create", calendars.create_calendar, _CALENDARS_WRITE),
        ("GET", f"{_USER}/calendarGroups", "calendar_groups_list", calendars.list_groups, _CALENDARS),
        ("POST", f"{_USER}/calendarGroups", "calendar_group_create", calendars.create_group, _CALENDARS_WRITE),
        ("DELETE", f"{_USER}/calendarGroups/{{group}}", "calendar_group_delete", calendars.delete_group, _CALENDARS_WRITE),
        ("GET", f"{_USER}/calendarGroups/{{group}}/calendars", "calendars_list", calendars.list_calendars, _CALENDARS),
        ("POST", f"{_USER}/calendarGroups/{{group}}/calendars", "calendar_create", calendars.create_calendar, _CALENDARS_WRITE),
    ]
    for place in _CALENDAR_PLACES:
        rows += [
            ("GET", place, "calendar_get", calendars.get_calendar, _CALENDARS),
            ("PATCH", place, "calendar_update", calendars.update_calendar, _CALENDARS_WRITE),
            ("DELETE", place, "calendar_delete", calendars.delete_calendar, _CALENDARS_WRITE),
        ]
    for place in _EVENT_PLACES:
        rows += [
            ("GET", f"{place}/calendarView", "calendar_view", events.calendar_view, _CALENDARS),
            ("GET", f"{place}/calendarView/delta", "calendar_view_delta", event_delta.calendar_view_delta, _CALENDARS),
            ("GET", f"{place}/events", "events_list", events.list_events, _CALENDARS),
            ("POST", f"{place}/events", "event_create", event_writes.create_event, _CALENDARS_WRITE),
            ("GET", f"{place}/events/delta", "events_delta", event_delta.events_delta, _CALENDARS),
            *_event_rows(f"{place}/events/{{event}}"),
        ]
    return rows


def _event_rows(event: str) -> list[Row]:
    attachment = f"{event}/attachments/{{attachment}}"
    return [
        ("GET", event, "event_get", events.get_event, _CALENDARS),
        ("PATCH", event, "event_update", event_writes.update_event, _CALENDARS_WRITE),
        ("DELETE", event, "event_delete", event_writes.delete_event, _CALENDARS_WRITE),
        ("GET", f"{event}/calendar", "event_calendar", calendars.get_calendar_of_event, _CALENDARS),
        ("GET", f"{event}/instances", "event_instances", events.list_instances, _CALENDARS),
        ("GET", f"{event}/attachments", "event_attachments_list", event_attachments.list_attachments, _CALENDARS),
        ("POST", f"{event}/attachments", "event_attachment_create", event_attachments.create_attachment, _CALENDARS_WRITE),
        ("POST", f"{event}/attachments/createUploadSession", "upload_session", event_attachments.create_session, _CALENDARS_WRITE),
        ("GET", attachment, "event_attachment_get", event_attachments.get_attachment, _CALENDARS),
        ("DELETE", attachment, "event_attachment_delete", event_attachments.delete_attachment, _CALENDARS_WRITE),
        ("GET", f"{attachment}/$value", "event_attachment_value", event_attachments.get_attachment_content, _CALENDARS),
    ]


def _contact_rows() -> list[Row]:
    folder = f"{_USER}/contactFolders/{{folder}}"
    rows: list[Row] = [
        ("GET", f"{_USER}/contactFolders", "contact_folders_list", contact_folders.list_folders, _CONTACTS),
        ("POST", f"{_USER}/contactFolders", "contact_folder_create", contact_folders.create_folder, _CONTACTS_WRITE),
        ("GET", f"{_USER}/contactFolders/delta", "contact_folders_delta", contact_folders.folders_delta, _CONTACTS),
        ("GET", folder, "contact_folder_get", contact_folders.get_folder, _CONTACTS),
        ("PATCH", folder, "contact_folder_update", contact_folders.update_folder, _CONTACTS_WRITE),
        ("DELETE", folder, "contact_folder_delete", contact_folders.delete_folder, _CONTACTS_WRITE),
        ("GET", f"{folder}/childFolders", "contact_folders_list", contact_folders.list_folders, _CONTACTS),
        ("POST", f"{folder}/childFolders", "contact_folder_create", contact_folders.create_folder, _CONTACTS_WRITE),
    ]
    for place in _CONTACT_PLACES:
        contact = f"{place}/contacts/{{contact}}"
        rows += [
            ("GET", f"{place}/contacts", "contacts_list", contacts.list_contacts, _CONTACTS),
            ("POST", f"{place}/contacts", "contact_create", contacts.create_contact, _CONTACTS_WRITE),
            ("GET", f"{place}/contacts/delta", "contacts_delta", contacts.contacts_delta, _CONTACTS),
            ("GET", contact, "contact_get", contacts.get_contact, _CONTACTS),
            ("PATCH", contact, "contact_update", contacts.update_contact, _CONTACTS_WRITE),
            ("DELETE", contact, "contact_delete", contacts.delete_contact, _CONTACTS_WRITE),
            ("GET", f"{contact}/photo", "contact_photo", contacts.get_photo, _CONTACTS),
            ("DELETE", f"{contact}/photo", "contact_photo_delete", contacts.delete_photo, _CONTACTS_WRITE),
            ("GET", f"{contact}/photo/$value", "contact_photo_value", contacts.get_photo_content, _CONTACTS),
            ("PUT", f"{contact}/photo/$value", "contact_photo_put", contacts.put_photo, _CONTACTS_WRITE),
            ("PATCH", f"{contact}/photo/$value", "contact_photo_put", contacts.put_photo, _CONTACTS_WRITE),
        ]
    return rows


def _task_rows() -> list[Row]:
    lists = f"{_USER}/todo/lists"
    attachment = f"{_TASK}/attachments/{{attachment}}"
    rows: list[Row] = [
        ("GET", lists, "task_lists_list", todo.list_lists, _TASKS),
        ("GET", f"{lists}/delta", "task_lists_delta", todo.lists_delta, _TASKS),
        ("GET", _LIST, "task_list_get", todo.get_list, _TASKS),
        ("GET", f"{_LIST}/tasks", "tasks_list", todo.list_tasks, _TASKS),
        ("GET", f"{_LIST}/tasks/delta", "tasks_delta", todo.tasks_delta, _TASKS),
        ("GET", _TASK, "task_get", todo.get_task, _TASKS),
        ("GET", f"{_TASK}/attachments", "task_parts_list", todo.list_parts, _TASKS),
        ("GET", f"{_TASK}/checklistItems", "task_parts_list", todo.list_parts, _TASKS),
        ("GET", f"{_TASK}/linkedResources", "task_parts_list", todo.list_parts, _TASKS),
        ("GET", attachment, "task_attachment_get", todo.get_attachment, _TASKS),
        ("GET", f"{attachment}/$value", "task_attachment_value", todo.get_attachment_content, _TASKS),
    ]
    for method, pattern in (
        ("POST", lists),
        ("PATCH", _LIST),
        ("DELETE", _LIST),
        ("POST", f"{_LIST}/tasks"),
        ("PATCH", _TASK),
        ("DELETE", _TASK),
    ):
        rows.append((method, pattern, "task_write", todo.refuse_write, frozenset()))
    return rows


def _settings_rows() -> list[Row]:
    rules = f"{_USER}/mailFolders/{{folder}}/messageRules"
    categories = f"{_USER}/outlook/masterCategories"
    return [
        ("GET", f"{_USER}/mailboxSettings", "mailbox_settings", mailbox_settings.get_settings, _SETTINGS),
        ("PATCH", f"{_USER}/mailboxSettings", "mailbox_settings_update", mailbox_settings.update_settings, _SETTINGS_WRITE),
        ("GET", f"{_USER}/mailboxSettings/{{setting}}", "mailbox_settings", mailbox_settings.get_setting, _SETTINGS),
        ("GET", rules, "rules_list", mailbox_settings.list_rules, _SETTINGS),
        ("POST", rules, "rule_create", mailbox_settings.create_rule, _SETTINGS_WRITE),
        ("GET", f"{rules}/{{rule}}", "rule_get", mailbox_settings.get_rule, _SETTINGS),
        ("PATCH", f"{rules}/{{rule}}", "rule_update", mailbox_settings.update_rule, _SETTINGS_WRITE),
        ("DELETE", f"{rules}/{{rule}}", "rule_delete", mailbox_settings.delete_rule, _SETTINGS_WRITE),
        ("GET", categories, "categories_list", mailbox_settings.list_categories, _SETTINGS),
        ("POST", categories, "category_create", mailbox_settings.create_category, _SETTINGS_WRITE),
        ("GET", f"{categories}/{{category}}", "category_get", mailbox_settings.get_category, _SETTINGS),
        ("PATCH", f"{categories}/{{category}}", "category_update", mailbox_settings.update_category, _SETTINGS_WRITE),
        ("DELETE", f"{categories}/{{category}}", "category_delete", mailbox_settings.delete_category, _SETTINGS_WRITE),
    ]


ROUTES: tuple[Row, ...] = (*_calendar_rows(), *_contact_rows(), *_task_rows(), *_settings_rows())
