# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a call on a drive is about, found in the drive's state."""

from __future__ import annotations

import typing as t

from .call import GraphError

if t.TYPE_CHECKING:
    from .call import Call
    from .drive_store import Item
    from .drive_tree import Drive


def item_of(drive: Drive, call: Call) -> Item:
    """The item that C({item}) and a path below it name. Raises GraphError 404."""
    start = base_of(drive, call)
    return drive.at_path(call.values["at"], start) if "at" in call.values else start


def base_of(drive: Drive, call: Call) -> Item:
    """The item that C({item}) alone names. Raises GraphError 404."""
    key = call.values.get("item", "root")
    return drive.root if key.lower() == "root" else drive.by_id(key)


def target_of(drive: Drive, call: Call) -> tuple[Item, str]:
    """The folder and the name that a path names, whether or not there is such an item. Raises GraphError 404, 400 without a path."""
    path = call.values.get("at", "").strip("/")
    if not path:
        raise GraphError(400, "invalidRequest", "File name not provided in url.")
    folder, _slash, name = path.rpartition("/")
    return drive.at_path(folder, base_of(drive, call)), name


def number_of(drive: Drive, call: Call) -> int | None:
    """The number of the item that a call names; None if there is none. For faults."""
    try:
        return item_of(drive, call).number
    except GraphError:
        return None
