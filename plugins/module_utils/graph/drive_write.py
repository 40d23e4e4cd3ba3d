# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing into a drive: folders, files, times, permissions, versions.

Permission: Files.ReadWrite.All. Owner and author of what is made is the app; nobody can set them (onedrive facts, A8).

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .client import GraphClient
from .drive_errors import NameTaken
from .drive_paths import WRITE_PERMISSION, drive_path, item_path, named_path, reading, sharing, writing
from .drive_upload import CONFLICT, FRAGMENT, Conflict, Upload, Uploader, file_times
from .ids import DriveId, DriveItemId, Fields
from .links import with_query

__all__ = ["FRAGMENT", "DriveWriter"]


class DriveWriter:
    """Thread-safe. Costs are in resource units."""

    def __init__(self, client: GraphClient, drive_id: DriveId) -> None:
        self._client = client
        self._drive_id = drive_id
        self._uploader = Uploader(client, drive_id)

    def root(self) -> Fields:
        """The uppermost folder. Costs 1."""
        return self._client.get_json(reading(f"Reading the root of drive {self._drive_id}"), drive_path(self._drive_id, "root"))

    def find(self, parent_id: DriveItemId, name: str) -> Fields | None:
        """What has a name in a folder; names are compared without case. Costs 1."""
        return self._uploader.find(parent_id, name)

    def folder(self, parent_id: DriveItemId, name: str, conflict: Conflict = "replace") -> Fields:
        """Create a folder; with C(replace), or find the one of that name. Costs 2.

        :raises NameTaken: something has the name, with C(replace) something that is no folder.
        :raises AmbiguousOutcome: with C(fail), it may be there now.
        """
        call = writing(f"Creating folder {name!r} in folder {parent_id} of drive {self._drive_id}", is_fresh=True)
        body = {"name": name, "folder": {}, CONFLICT: conflict}
        try:
            return self._client.post_json(call, item_path(self._drive_id, parent_id, "children"), body, is_repeatable=conflict == "replace")
        except NameTaken:
            found = self.find(parent_id, name) if conflict == "replace" else None
            if found is None or "folder" not in found:
                raise
            return found

    def put(self, parent_id: DriveItemId, name: str, content: bytes, conflict: Conflict = "fail") -> Fields:
        """Create a small file, also an empty one, in one request; its times are those of the moment. Costs 2.

        :raises NameTaken: something has the name.
        :raises AmbiguousOutcome: with C(fail), it may be there now.
        """
        call = writing(f"Creating file {name!r} in folder {parent_id} of drive {self._drive_id}", is_fresh=True)
        path = with_query(named_path(self._drive_id, parent_id, name, "content"), {CONFLICT: conflict})
        return self._client.put_content(call, path, content, is_repeatable=conflict == "replace")

    def upload(
        self,
        parent_id: DriveItemId,
        name: str,
        size: int,
        content: t.Callable[[], t.Iterable[bytes]],
        *,
        created: str = "",
        modified: str = "",
        conflict: Conflict = "fail",
    ) -> Fields:
        """Create a file of any size but 0 with its times; with C(replace), or another version of the one that has the name.

        Costs 2, and 2 for each L(FRAGMENT) bytes. L(Uploader.upload) says more, and what it raises.
        """
        return self._uploader.upload(
            Upload(parent_id=parent_id, name=name, size=size, content=content, created=created, modified=modified, conflict=conflict)
        )

    def update(
        self,
        item_id: DriveItemId,
        *,
        name: str | None = None,
        created: str = "",
        modified: str = "",
    ) -> Fields:
        """Rename an item, or set its times; new times make another version of a file. Costs 2.

        :raises NameTaken: something has the name.
        """
        body: dict[str, t.Any] = {}
        if name is not None:
            body["name"] = name
        if times := file_times(created, modified):
            body["fileSystemInfo"] = times
        call = writing(f"Changing item {item_id} of drive {self._drive_id}", is_fresh=True)
        return self._client.patch_json(call, item_path(self._drive_id, item_id), body)

    def invite(self, item_id: DriveItemId, recipients: t.Sequence[t.Mapping[str, str]], roles: t.Sequence[str]) -> tuple[Fields, ...]:
        """Let people use an item, without a mail to them; who may already stays so. Costs 5, and counts as a sharing.

        A recipient has C(objectId), C(email) or C(alias); C(roles) are C(read) or C(write).

        :raises RecipientsRefused: one of them is unknown, and nobody was invited.
        :raises SharingDisabled: an administrator does not let people share.
        """
        body: dict[str, t.Any] = {
            "recipients": [dict(recipient) for recipient in recipients],
            "roles": list(roles),
            "requireSignIn": True,
            "sendInvitation": False,
        }
        call = sharing(f"Sharing item {item_id} of drive {self._drive_id}", WRITE_PERMISSION)
        made = self._client.post_json(call, item_path(self._drive_id, item_id, "invite"), body, is_repeatable=True)
        granted = made.get("value")
        return tuple(each for each in granted if isinstance(each, dict)) if isinstance(granted, list) else ()
