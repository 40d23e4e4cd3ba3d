# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One drive, to read: changes, items, contents, earlier versions, permissions.

Least permissions: Files.Read.All, and Sites.FullControl.All to see changes of permissions.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .client import GraphClient
from .delta import Page
from .drive_content import file_content, version_content
from .drive_delta import drive_changes
from .drive_paths import READ_PERMISSION, item_path, reading, sharing
from .ids import Cursor, DriveId, Fields
from .paging import Listing, values

_PAGE = 1000


class DriveReader:
    """Thread-safe. Costs are in resource units."""

    def __init__(self, client: GraphClient, drive_id: DriveId) -> None:
        self._client = client
        self._drive_id = drive_id

    def delta(self, cursor: Cursor | None, *, permissions: bool) -> t.Iterator[Page]:
        """What L(drive_changes) says, at 1 for a page, 2 without a cursor."""
        return drive_changes(self._client, self._drive_id, cursor, permissions=permissions)

    def item(self, item_id: str) -> Fields:
        """One item as the service has it now, with an address to download from. Costs 1.

        :raises NotFound: it is gone.
        """
        call = reading(f"Reading item {item_id} of drive {self._drive_id}", is_named=True)
        return self._client.get_json(call, item_path(self._drive_id, item_id))

    def children(self, item_id: str) -> t.Iterator[Fields]:
        """What is directly in a folder. Costs 2 for a page.

        :raises NotFound: the folder is gone.
        """
        call = reading(f"Listing folder {item_id} of drive {self._drive_id}", is_list=True)
        return values(self._client, call, Listing(target=item_path(self._drive_id, item_id, "children"), params={"$top": str(_PAGE)}))

    def content(self, item: Fields) -> t.Iterator[bytes]:
        """The bytes of a file, see L(file_content). Costs 1 if the address in C(item) is still good."""
        return file_content(self._client, self._drive_id, item)

    def versions(self, item_id: str) -> t.Iterator[Fields]:
        """The current version of a file first, then earlier ones, the newest first. Costs 2 for a page.

        :raises RequestRefused: this kind of item has no versions.
        """
        call = reading(f"Listing the versions of item {item_id} of drive {self._drive_id}", is_list=True)
        return values(self._client, call, Listing(target=item_path(self._drive_id, item_id, "versions")))

    def version_content(self, item_id: str, version: str) -> t.Iterator[bytes]:
        """The bytes of an earlier version; the current one is refused. Costs 2, see L(version_content)."""
        return version_content(self._client, self._drive_id, item_id, version)

    def permissions(self, item_id: str) -> t.Iterator[Fields]:
        """Who may do what with an item, also by inheritance. Costs 5 for a page."""
        call = sharing(f"Reading the permissions of item {item_id} of drive {self._drive_id}", READ_PERMISSION)
        return values(self._client, call, Listing(target=item_path(self._drive_id, item_id, "permissions")))
