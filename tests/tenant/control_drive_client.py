# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of the control client for drives; see L(control_drive)."""

from __future__ import annotations

import base64
import datetime
import typing as t

from .control_connection import ControlConnection

if t.TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Json = dict[str, t.Any]
Moment = datetime.datetime | str


class DriveControlClient(ControlConnection):
    """Users by id or principal name; items by path from the root (C(/a/b), C(/) is the root) or by id."""

    def create_drive(self, user: str, *, hidden_libraries: bool = False, quota: int = 1 << 40) -> str:
        """The default drive of a user, who has none before; gives its id."""
        return str(self._call("create_drive", user=user, hidden_libraries=hidden_libraries, quota=quota))

    def remove_drive(self, user: str) -> None:
        self._call("remove_drive", user=user)

    def set_drive_state(self, user: str, shape: str) -> None:
        """ok, locked, locked_resource, no_access, or a way of having no drive (tests/tenant/README.md lists them)."""
        self._call("set_drive_state", user=user, shape=shape)

    def set_drive_quota(self, user: str, quota: int) -> None:
        self._call("set_drive_quota", user=user, quota=quota)

    def sign_in(self, user: str) -> str:
        """A refresh token of a user, for programs that work for people (rclone, onedrive)."""
        return str(self._call("sign_in", user=user))

    def drive_root(self, user: str) -> str:
        """The id of the root."""
        return str(self._call("drive_root", user=user))

    def make_folder(self, user: str, path: str, *, created: Moment | None = None, modified: Moment | None = None) -> str:
        """A folder, and those above it that are missing; gives its id."""
        return str(self._call("make_folder", user=user, path=path, created=_moment(created), modified=_moment(modified)))

    def put_file(
        self,
        user: str,
        path: str,
        content: bytes | None = None,
        *,
        seed: int | None = None,
        size: int | None = None,
        created: Moment | None = None,
        modified: Moment | None = None,
        by: str | None = None,
        mime: str | None = None,
    ) -> str:
        """A new file, or a new version of the one that is there; gives its id.

        C(seed) and C(size) make a file of any size out of nothing. With C(modified) the folder keeps its own time; C(by) is a
        user, or the name of an app.
        """
        sent = None if content is None else {"$bytes": base64.b64encode(content).decode()}
        times = {"created": _moment(created), "modified": _moment(modified)}
        return str(self._call("put_file", user=user, path=path, content=sent, seed=seed, size=size, by=by, mime=mime, **times))

    def edit_file(self, user: str, path: str, at: int, insert: bytes = b"", *, remove: int = 0) -> None:
        """A new version of a file: C(remove) bytes taken out at C(at), others put in there."""
        self._call("edit_file", user=user, path=path, at=at, insert={"$bytes": base64.b64encode(insert).decode()}, remove=remove)

    def load_files(self, user: str, folder: Path, *, path: str = "/") -> list[Json]:
        """All files below a folder on disk, which must not change meanwhile: path, id and source of each."""
        return list(self._call("load_files", user=user, folder=str(folder), path=path))

    def generate_files(
        self,
        user: str,
        count: int,
        *,
        seed: int = 1,
        path: str = "/",
        size: int | None = None,
        folders: int = 0,
        largest: int | None = None,
    ) -> int:
        """Many files, spread over C(folders) new folders; without C(size) as large as people's, up to C(largest). Gives their bytes."""
        return int(self._call("generate_files", user=user, count=count, seed=seed, path=path, size=size, folders=folders, largest=largest))

    def move_item(self, user: str, path: str, folder: str, *, name: str | None = None) -> None:
        self._call("move_item", user=user, path=path, folder=folder, name=name)

    def rename_item(self, user: str, path: str, name: str) -> None:
        self._call("rename_item", user=user, path=path, name=name)

    def delete_item(self, user: str, path: str) -> None:
        """The item and all below it."""
        self._call("delete_item", user=user, path=path)

    def set_item(self, user: str, path: str, *, facets: Mapping[str, t.Any] | None = None, **states: t.Any) -> None:
        """C(stated_size) and C(stated_hash) (base64, "zero", "none") unlike the bytes; C(malware) (refuse, header); C(unavailable) (a
        status for ever); C(mime); C(locked), C(label); C(facets): further JSON of the item. None takes a state away."""
        self._call("set_item", user=user, path=path, states=states, facets=dict(facets or {}))

    def make_notebook(self, user: str, path: str, parts: Mapping[str, int]) -> str:
        """A OneNote package with parts (name and size), which have no hashes; gives its id."""
        return str(self._call("make_notebook", user=user, path=path, parts=dict(parts)))

    def add_shortcut(self, user: str, path: str, target_user: str, target_path: str = "/") -> str:
        """A pointer to an item of another drive, as people add to their files; gives its id."""
        return str(self._call("add_shortcut", user=user, path=path, target_user=target_user, target_path=target_path))

    def share_item(self, user: str, path: str, permission: Mapping[str, t.Any]) -> str:
        """A permission as Graph's JSON, without id; gives its id."""
        return str(self._call("share_item", user=user, path=path, permission=dict(permission)))

    def unshare_item(self, user: str, path: str, permission: str) -> None:
        self._call("unshare_item", user=user, path=path, permission=permission)

    def file(self, user: str, path: str) -> Json:
        """path, id, kind, name, size, sha256, quick_xor, created, modified (fileSystemInfo), etag, mime, versions, permissions."""
        return dict(self._call("file", user=user, path=path))

    def file_content(self, user: str, path: str, *, version: str | None = None) -> bytes:
        """The bytes, or those of an earlier version."""
        return base64.b64decode(self._call("file_content", user=user, path=path, version=version)["$bytes"])

    def drive_listing(self, user: str) -> list[Json]:
        """path, id, kind, size, created, modified and quick_xor of everything in the drive, in order of the paths."""
        lines: list[Json] = []
        after = 0
        while True:
            page = self._call("drive_listing", user=user, after=after)
            lines += page["lines"]
            after = page["after"]
            if not after:
                return sorted(lines, key=lambda line: str(line["path"]))

    def expire_drive_cursors(self, user: str | None = None) -> None:
        self._call("expire_drive_cursors", user=user)

    def expire_download_urls(self) -> None:
        self._call("expire_download_urls")


def _moment(moment: Moment | None) -> str | None:
    return moment.isoformat() if isinstance(moment, datetime.datetime) else moment
