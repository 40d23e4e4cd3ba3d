# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of everything that changes drives."""

from __future__ import annotations

import typing as t

from . import drive_labels, drive_sharing, drive_uploads, drive_writes

if t.TYPE_CHECKING:
    from .routing import Handler

_FILES = frozenset({"Files.ReadWrite.All", "Sites.ReadWrite.All", "Sites.FullControl.All"})
_LABELS = frozenset({"Files.Read.All", "Files.ReadWrite.All", "Sites.Read.All", "Sites.ReadWrite.All", "Sites.FullControl.All"})
_ITEM = "drives/{drive}/items/{item}"
_PERMISSION = _ITEM + "/permissions/{permission}"
_VERSION = _ITEM + "/versions/{version}"
_LABEL = _ITEM + "/retentionLabel"

WRITE_ROUTES: tuple[tuple[str, str, str, Handler, frozenset[str]], ...] = (
    ("PUT", _ITEM + "/content", "drive_content_put", drive_writes.put_content, _FILES),
    ("POST", _ITEM + "/createUploadSession", "drive_upload_session", drive_uploads.create_session, _FILES),
    ("PUT", _ITEM, "drive_upload_commit", drive_uploads.commit_elsewhere, _FILES),
    ("POST", _ITEM + "/children", "drive_folder_create", drive_writes.create_folder, _FILES),
    ("PATCH", _ITEM, "drive_item_update", drive_writes.update_item, _FILES),
    ("DELETE", _ITEM, "drive_item_delete", drive_writes.delete_item, _FILES),
    ("POST", _ITEM + "/permanentDelete", "drive_item_delete", drive_writes.delete_item, _FILES),
    ("POST", _VERSION + "/restoreVersion", "drive_version_restore", drive_writes.restore_version, _FILES),
    ("DELETE", _VERSION, "drive_version_delete", drive_writes.delete_version, _FILES),
    ("POST", _ITEM + "/invite", "drive_invite", drive_sharing.invite, _FILES),
    ("POST", _ITEM + "/createLink", "drive_link_create", drive_sharing.create_link, _FILES),
    ("PATCH", _PERMISSION, "drive_permission_update", drive_sharing.update_permission, _FILES),
    ("DELETE", _PERMISSION, "drive_permission_delete", drive_sharing.delete_permission, _FILES),
    ("GET", _LABEL, "drive_label_get", drive_labels.get_label, _LABELS),
    ("PATCH", _LABEL, "drive_label_set", drive_labels.set_label, _FILES),
    ("DELETE", _LABEL, "drive_label_delete", drive_labels.delete_label, _FILES),
)
