# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How requests address drives and their items, and what such a request is called and costs.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import urllib.parse

from .ids import DriveId
from .limits import LimitScope
from .links import graph_path
from .refusals import Call
from .resource_units import CHANGE, MANY_ITEMS, ONE_ITEM, SHARING
from .traffic import RequestKind

READ_PERMISSION = "Files.Read.All"
WRITE_PERMISSION = "Files.ReadWrite.All"
SHARING_PERMISSION = "Sites.FullControl.All"


def drive_path(drive_id: DriveId, *segments: str) -> str:
    return graph_path("drives", drive_id, *segments)


def item_path(drive_id: DriveId, item_id: str, *segments: str) -> str:
    return graph_path("drives", drive_id, "items", item_id, *segments)


def named_path(drive_id: DriveId, parent_id: str, name: str, action: str = "") -> str:
    """Of what has a name in a folder, whether it exists or not: a colon ends the id, and another one the name."""
    path = f"{item_path(drive_id, parent_id)}:/{urllib.parse.quote(name.encode('utf-8', 'surrogatepass'), safe='')}"
    return f"{path}:/{action}" if action else path


def reading(doing: str, *, is_list: bool = False, is_named: bool = False) -> Call:
    """One item or a list of them."""
    units = MANY_ITEMS if is_list else ONE_ITEM
    return Call(scope=LimitScope.drives(), kind=RequestKind.DRIVE, doing=doing, permission=READ_PERMISSION, is_named=is_named, units=units)


def downloading(doing: str) -> Call:
    """The content of a file, or an address to read it from."""
    return Call(scope=LimitScope.drives(), kind=RequestKind.FILE, doing=doing, permission=READ_PERMISSION, is_named=True, units=ONE_ITEM)


def writing(doing: str, *, is_fresh: bool = False) -> Call:
    return Call(
        scope=LimitScope.drives(), kind=RequestKind.WRITE, doing=doing, permission=WRITE_PERMISSION, is_fresh=is_fresh, units=CHANGE
    )


def sharing(doing: str, permission: str) -> Call:
    return Call(scope=LimitScope.drives(), kind=RequestKind.SHARING, doing=doing, permission=permission, units=SHARING)
