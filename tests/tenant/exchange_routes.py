# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Routes of the import/export API, with the application permissions of facts 10."""

from __future__ import annotations

import typing as t

from . import exchange_delta, exchange_export, exchange_folders, exchange_import, exchange_lists, exchange_settings, usage_report
from .routing import Route

if t.TYPE_CHECKING:
    from .routing import Handler, Router

_USERS = frozenset({"User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"})
_FOLDERS = frozenset({"MailboxFolder.Read.All", "MailboxFolder.ReadWrite.All"})
_FOLDERS_WRITE = frozenset({"MailboxFolder.ReadWrite.All"})
_ITEMS = frozenset({"MailboxItem.Read.All", "MailboxItem.ReadWrite.All"})
_ITEMS_WRITE = frozenset({"MailboxItem.ReadWrite.All"})
_EXPORT = frozenset({"MailboxItem.Export.All", "MailboxItem.ImportExport.All"})
_IMPORT = frozenset({"MailboxItem.ImportExport.All"})
_REPORTS = frozenset({"Reports.Read.All"})
_BOX = "admin/exchange/mailboxes/{mbx}"
_FOLDER = _BOX + "/folders/{folder}"

_ROWS: tuple[tuple[str, str, str, Handler, frozenset[str]], ...] = (
    ("GET", "users/{user}/settings/exchange", "exchange_settings", exchange_settings.get_exchange_settings, _USERS),
    ("GET", _BOX + "/folders", "exchange_folders_list", exchange_folders.list_folders, _FOLDERS),
    ("POST", _BOX + "/folders", "exchange_folder_create", exchange_folders.create_folder, _FOLDERS_WRITE),
    ("GET", _BOX + "/folders/delta", "exchange_folders_delta", exchange_delta.folder_delta, _FOLDERS),
    ("GET", _FOLDER, "exchange_folder_get", exchange_folders.get_folder, _FOLDERS),
    ("GET", _FOLDER + "/childFolders", "exchange_folder_children", exchange_folders.list_children, _FOLDERS),
    ("POST", _FOLDER + "/childFolders", "exchange_folder_create", exchange_folders.create_folder, _FOLDERS_WRITE),
    ("GET", _FOLDER + "/childFolders/delta", "exchange_folders_delta", exchange_delta.child_folder_delta, _FOLDERS),
    ("GET", _FOLDER + "/items", "exchange_items_list", exchange_lists.list_items, _ITEMS),
    ("GET", _FOLDER + "/items/delta", "exchange_items_delta", exchange_delta.item_delta, _ITEMS),
    ("GET", _FOLDER + "/items/{item}", "exchange_item_get", exchange_lists.get_item, _ITEMS),
    ("DELETE", _FOLDER + "/items/{item}", "exchange_item_delete", exchange_lists.delete_item, _ITEMS_WRITE),
    ("POST", _BOX + "/exportItems", "export_items", exchange_export.export_items, _EXPORT),
    ("POST", _BOX + "/createImportSession", "import_session", exchange_import.create_session, _IMPORT),
)


def add_exchange_routes(router: Router) -> None:
    for method, pattern, operation, handler, roles in _ROWS:
        router.add(method, pattern, Route(operation, handler, roles, "mail"))
    router.add("GET", "reports/{report}", Route("usage_report", usage_report.get_report, _REPORTS, "directory"))
