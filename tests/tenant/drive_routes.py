# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of everything that Graph answers about drives. Every spelling of a path has been brought to one before."""

from __future__ import annotations

import typing as t

from . import drive_delta, drive_items
from .drive_download import get_content, get_content_stream
from .drive_paths import read_drive_path
from .drive_write_routes import WRITE_ROUTES
from .routing import Route, Router

if t.TYPE_CHECKING:
    from .call import Call
    from .routing import Handler
    from .state import Tenant

READ = frozenset({"Files.Read.All", "Files.ReadWrite.All", "Sites.Read.All", "Sites.ReadWrite.All", "Sites.FullControl.All"})
_DRIVE = "drives/{drive}"
_ITEM = "drives/{drive}/items/{item}"

_Row = tuple[str, str, str, "Handler", frozenset[str]]
_READ_ROUTES: tuple[_Row, ...] = (
    ("GET", _DRIVE, "drive_get", drive_items.get_drive, READ),
    ("GET", _DRIVE + "/all", "drives_list", drive_items.list_drives, READ),
    ("GET", _ITEM, "drive_item_get", drive_items.get_item, READ),
    ("GET", _ITEM + "/children", "drive_children", drive_items.list_children, READ),
    ("GET", _ITEM + "/delta", "drive_delta", drive_delta.get_delta, READ),
    ("GET", _ITEM + "/content", "drive_content", get_content, READ),
    ("GET", _ITEM + "/contentStream", "drive_content_stream", get_content_stream, READ),
    ("GET", _ITEM + "/versions", "drive_versions", drive_items.list_versions, READ),
    ("GET", _ITEM + "/versions/{version}", "drive_version_get", drive_items.get_version, READ),
    ("GET", _ITEM + "/versions/{version}/content", "drive_version_content", drive_items.get_version_content, READ),
    ("GET", _ITEM + "/permissions", "drive_permissions", drive_items.list_permissions, READ),
    ("GET", _ITEM + "/permissions/{permission}", "drive_permission_get", drive_items.get_permission, READ),
)


def find_drive(call: Call) -> tuple[Route | None, dict[str, str], bool] | None:
    """(route, values of the path, whether the path exists for another method); None for a path of no drive.

    Values: C(drive) (an id, or C(user:) and whose), C(item), C(at) (a path below the item), and what else the pattern names.
    """
    path = read_drive_path(call.path.partition("?")[0])
    if path is None:
        return None
    route, values, wrong_method = _ROUTER.find(call.method, path.segments)
    return route, {**path.values, **values}, wrong_method


def drive_owner(tenant: Tenant, call: Call) -> str | None:
    """Object id of the user whose drive a call is about."""
    return tenant.drives.owner_of(call)


def _build() -> Router:
    router = Router()
    for method, pattern, operation, handler, roles in (*_READ_ROUTES, *WRITE_ROUTES):
        router.add(method, pattern, Route(operation, handler, roles, "drive"))
    return router


_ROUTER = _build()
