# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of everything that Graph answers here."""

from __future__ import annotations

import typing as t

from . import attachments, delta, directory, folders, licences, mailbox_extras, message_writes, messages, routes_beside_mail, uploads
from .exchange_routes import add_exchange_routes
from .routing import Route, Router

if t.TYPE_CHECKING:
    from .routing import Area, Handler

_USERS = directory.USER_ROLES
_GROUPS = frozenset({"Group.Read.All", "Group.ReadWrite.All", "GroupMember.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"})
_UNITS = frozenset({"AdministrativeUnit.Read.All", "AdministrativeUnit.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"})
_DIRECTORY = _USERS | _GROUPS
_LICENCES = frozenset({"LicenseAssignment.Read.All", "Organization.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"})
_BASIC = frozenset({"Mail.ReadBasic.All", "Mail.Read", "Mail.ReadWrite"})
_READ = frozenset({"Mail.Read", "Mail.ReadWrite"})
_WRITE = frozenset({"Mail.ReadWrite"})


def build_router() -> Router:
    """All routes, below the version segment."""
    router = Router()
    areas: tuple[tuple[tuple[_Row, ...], Area], ...] = (
        (_DIRECTORY_ROUTES, "directory"),
        (_MAIL_ROUTES, "mail"),
        (routes_beside_mail.ROUTES, "mail"),
    )
    for rows, area in areas:
        for method, pattern, operation, handler, roles in rows:
            router.add(method, pattern, Route(operation, handler, roles, area))
    add_exchange_routes(router)
    return router


_Row = tuple[str, str, str, "Handler", frozenset[str]]
_GROUP = "groups/{group}"
_UNIT = "directory/administrativeUnits/{unit}"
_MAIL = "users/{user}"
_FOLDER = "users/{user}/mailFolders/{folder}"
_MESSAGE = "users/{user}/messages/{message}"

_DIRECTORY_ROUTES: tuple[_Row, ...] = (
    ("GET", "users", "users_list", directory.list_users, _USERS),
    ("GET", "users/$count", "users_count", directory.count_users, _USERS),
    ("GET", "users/{user}", "user_get", directory.get_user, _USERS),
    ("GET", "users/{user}/licenseDetails", "license_details", licences.licence_details, _USERS),
    ("GET", "subscribedSkus", "subscribed_skus", licences.list_skus, _LICENCES),
    ("GET", "users/{user}/memberOf", "user_member_of", directory.member_of, _DIRECTORY),
    ("GET", "users/{user}/transitiveMemberOf", "user_transitive_member_of", directory.member_of, _DIRECTORY),
    ("GET", "groups", "groups_list", directory.list_groups, _GROUPS),
    ("GET", _GROUP, "group_get", directory.get_group, _GROUPS),
    ("GET", _GROUP + "/members", "group_members", directory.group_members, _GROUPS),
    ("GET", _GROUP + "/members/{cast}", "group_members", directory.group_members, _GROUPS),
    ("GET", _GROUP + "/transitiveMembers", "group_transitive_members", directory.group_transitive_members, _GROUPS),
    ("GET", _GROUP + "/transitiveMembers/{cast}", "group_transitive_members", directory.group_transitive_members, _GROUPS),
    ("GET", "directoryObjects/{object}", "directory_object_get", directory.get_directory_object, _DIRECTORY),
    ("GET", "directory/administrativeUnits", "units_list", directory.list_units, _UNITS),
    ("GET", _UNIT, "unit_get", directory.get_unit, _UNITS),
    ("GET", _UNIT + "/members", "unit_members", directory.unit_members, _UNITS),
    ("GET", _UNIT + "/members/{cast}", "unit_members", directory.unit_members, _UNITS),
    ("GET", "directory/deletedItems/microsoft.graph.user", "deleted_users_list", directory.list_deleted_users, _USERS),
    ("GET", "directory/deletedItems/{object}", "deleted_object_get", directory.get_deleted_object, _USERS),
)

_MAIL_ROUTES: tuple[_Row, ...] = (
    ("GET", _MAIL + "/mailFolders", "folders_list", folders.list_folders, _BASIC),
    ("POST", _MAIL + "/mailFolders", "folder_create", folders.create_folder, _WRITE),
    ("GET", _MAIL + "/mailFolders/delta", "folders_delta", delta.folder_delta, _BASIC),
    ("GET", _FOLDER, "folder_get", folders.get_folder, _BASIC),
    ("PATCH", _FOLDER, "folder_update", folders.update_folder, _WRITE),
    ("DELETE", _FOLDER, "folder_delete", folders.delete_folder, _WRITE),
    ("GET", _FOLDER + "/childFolders", "folder_children", folders.list_children, _BASIC),
    ("POST", _FOLDER + "/childFolders", "folder_create", folders.create_folder, _WRITE),
    ("GET", _FOLDER + "/messages", "messages_list", messages.list_messages, _BASIC),
    ("GET", _FOLDER + "/messages/delta", "messages_delta", delta.message_delta, _BASIC),
    ("GET", _FOLDER + "/messages/{message}", "message_get", messages.get_message, _BASIC),
    ("GET", _FOLDER + "/messages/{message}/$value", "message_mime", messages.refuse_mime_below_folder, _READ),
    ("GET", _MAIL + "/messages", "messages_list", messages.list_messages, _BASIC),
    ("GET", _MESSAGE, "message_get", messages.get_message, _BASIC),
    ("DELETE", _MESSAGE, "message_delete", messages.delete_message, _WRITE),
    ("GET", _MESSAGE + "/$value", "message_mime", messages.get_mime, _READ),
    ("POST", _MAIL + "/messages", "message_create", message_writes.create_message, _WRITE),
    ("POST", _FOLDER + "/messages", "message_create", message_writes.create_message, _WRITE),
    ("PATCH", _MESSAGE, "message_update", message_writes.update_message, _WRITE),
    ("GET", _MESSAGE + "/attachments", "attachments_list", attachments.list_attachments, _READ),
    ("POST", _MESSAGE + "/attachments", "attachment_create", attachments.create_attachment, _WRITE),
    ("POST", _MESSAGE + "/attachments/createUploadSession", "upload_session", uploads.create_session, _WRITE),
    ("GET", _MESSAGE + "/attachments/{attachment}", "attachment_get", attachments.get_attachment, _READ),
    ("DELETE", _MESSAGE + "/attachments/{attachment}", "attachment_delete", attachments.delete_attachment, _WRITE),
    ("GET", _MESSAGE + "/attachments/{attachment}/$value", "attachment_value", attachments.get_attachment_content, _READ),
    ("POST", _MAIL + "/translateExchangeIds", "translate_ids", mailbox_extras.translate_ids, _USERS),
    ("POST", _MESSAGE + "/move", "message_move", messages.move_message, _WRITE),
)
