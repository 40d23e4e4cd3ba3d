# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Control over drives: what people, their programs and SharePoint's administrators do."""

from __future__ import annotations

import base64
import datetime
import os
import typing as t
from pathlib import Path

from . import drive_generator
from .call import GraphError
from .drive_content import Content, FileContent, GeneratedContent, SplicedContent
from .drive_store import Identity, Permission
from .drive_view import etag_of, mime_of, size_of, stamp
from .drives import Shape
from .ids import stable_guid

if t.TYPE_CHECKING:
    from .drive_store import Item
    from .drive_tree import Drive
    from .state import Tenant

Json = dict[str, t.Any]
_STATES = frozenset({"stated_size", "stated_hash", "malware", "unavailable", "mime", "locked", "label"})
_ONE = "application/msonenote"
_LISTED_AT_ONCE = 5000


class DriveControl:
    """Drives by user; items by path from the root (C(/a/b)) or by id. Times are ISO texts."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def create_drive(self, user: str, hidden_libraries: bool = False, quota: int = 1 << 40) -> str:
        owner = self._tenant.directory.user_by_address(user).id
        return self._tenant.drives.create(owner, hidden_libraries=hidden_libraries, quota=quota).id

    def remove_drive(self, user: str) -> None:
        self._tenant.drives.remove(self._tenant.directory.user_by_address(user).id)

    def set_drive_state(self, user: str, shape: str) -> None:
        """How Graph answers for the user's drive, whether or not there is one."""
        self._tenant.drives.shapes[self._tenant.directory.user_by_address(user).id] = Shape(shape)

    def set_drive_quota(self, user: str, quota: int) -> None:
        self._drive(user).quota = quota

    def drive_root(self, user: str) -> str:
        drive = self._drive(user)
        return drive.ids.item(drive.root.number)

    # Items

    def make_folder(self, user: str, path: str, created: str | None = None, modified: str | None = None) -> str:
        """A folder and those above it, as far as they are missing; gives its id."""
        drive = self._drive(user)
        folder = self._folder(drive, path)
        if created is not None or modified is not None:
            folder.client_created, folder.client_modified = _seconds(created or modified) or 0, _seconds(modified or created) or 0
        return drive.ids.item(folder.number)

    def put_file(
        self,
        user: str,
        path: str,
        content: bytes | None = None,
        seed: int | None = None,
        size: int | None = None,
        created: str | None = None,
        modified: str | None = None,
        by: str | None = None,
        mime: str | None = None,
    ) -> str:
        """A new file, or a new version of one; gives its id."""
        drive = self._drive(user)
        made = self._tenant.drives.spool.keep(content) if content is not None else GeneratedContent(seed or 0, size or 0)
        item = self._put(drive, path, made, created=_seconds(created), modified=_seconds(modified), by=self._identity(by))
        if mime is not None:
            item.more.mime = mime
        return drive.ids.item(item.number)

    def edit_file(self, user: str, path: str, at: int, insert: bytes = b"", remove: int = 0) -> None:
        """A small change of a large file: bytes taken out at a place, others put in."""
        drive = self._drive(user)
        item = drive.find(path)
        if item.content is None:
            raise ValueError(f"{path} is no file")
        old = item.content
        middle = self._tenant.drives.spool.keep(insert)
        drive.replace(item, SplicedContent([(old, 0, at), (middle, 0, middle.size), (old, at + remove, old.size)]))

    def load_files(self, user: str, folder: str, path: str = "/") -> list[Json]:
        """All files below a folder on disk, which must stay as it is; names that are no Unicode get the replacement character."""
        drive = self._drive(user)
        found: list[Json] = []
        for here, names, files in os.walk(folder):
            names.sort()
            relative = Path(here).relative_to(folder).as_posix()
            place = self._folder(drive, _unicode(f"{path.rstrip('/')}/{'' if relative == '.' else relative}"))
            for name in sorted(files):
                source = Path(here, name)
                status = source.stat()
                content = FileContent(str(source), status.st_size)
                item = drive.add(place, _unicode(name), content=content, modified=int(status.st_mtime), touch=False)
                found.append({"path": drive.path(item), "id": drive.ids.item(item.number), "source": _unicode(str(source))})
        return found

    def generate_files(
        self, user: str, count: int, seed: int = 1, path: str = "/", size: int | None = None, folders: int = 0, largest: int | None = None
    ) -> int:
        """Many files at once; without C(size) as large as people's. Gives their bytes."""
        drive = self._drive(user)
        top = self._folder(drive, path)
        return drive_generator.fill(drive, top, count, seed=seed, size=size, folders=folders, largest=largest)

    def move_item(self, user: str, path: str, folder: str, name: str | None = None) -> None:
        drive = self._drive(user)
        drive.move(drive.find(path), drive.find(folder), name)

    def rename_item(self, user: str, path: str, name: str) -> None:
        drive = self._drive(user)
        drive.rename(drive.find(path), name)

    def delete_item(self, user: str, path: str) -> None:
        drive = self._drive(user)
        drive.delete(drive.find(path))

    def set_item(self, user: str, path: str, states: Json, facets: Json) -> None:
        """What an item is like: see the client."""
        unknown = set(states) - _STATES
        if unknown:
            raise ValueError(f"items have no {', '.join(sorted(unknown))}; they have {', '.join(sorted(_STATES))}")
        drive = self._drive(user)
        item = drive.find(path)
        for name, value in states.items():
            if name == "stated_hash" and value == "zero":
                value = base64.b64encode(bytes(20)).decode()
            setattr(item.more, name, value)
        item.more.facets.update(facets)
        drive.note(item)

    def make_notebook(self, user: str, path: str, parts: dict[str, int]) -> str:
        """A OneNote package with parts of these sizes, which have no hashes; gives its id."""
        drive = self._drive(user)
        parent, _slash, name = path.strip("/").rpartition("/")
        notebook = drive.add(self._folder(drive, parent), name, folder=True)
        notebook.more.package = "oneNote"
        for number, (part, size) in enumerate(parts.items()):
            item = self._put(drive, f"{path.rstrip('/')}/{part}", GeneratedContent(notebook.number * 1000 + number, size))
            item.more.stated_hash = "none"
            item.more.mime = _ONE if part.endswith(".one") else "application/octet-stream"
        return drive.ids.item(notebook.number)

    def add_shortcut(self, user: str, path: str, target_user: str, target_path: str = "/") -> str:
        """A pointer to an item of another drive; gives its id."""
        drive, other = self._drive(user), self._drive(target_user)
        target = other.find(target_path)
        parent, _slash, name = path.strip("/").rpartition("/")
        item = drive.add(self._folder(drive, parent), name)
        reference = {"driveType": "business", "driveId": other.id, "id": other.ids.item(target.parent or 0), "siteId": other.ids.site_id}
        facet: Json = {"file": {"mimeType": mime_of(target)}} if target.content is not None else {"folder": {"childCount": 0}}
        item.more.remote = {
            "id": other.ids.item(target.number),
            "name": target.name,
            "size": size_of(target),
            "parentReference": reference,
            **facet,
        }
        return drive.ids.item(item.number)

    # Sharing

    def share_item(self, user: str, path: str, permission: Json) -> str:
        """A permission as Graph's JSON without id; gives its id."""
        drive = self._drive(user)
        item = drive.find(path)
        given = Permission(stable_guid(drive.id, item.number, drive.version), dict(permission))
        item.more.permissions.append(given)
        drive.note_sharing(item)
        return given.id

    def unshare_item(self, user: str, path: str, permission: str) -> None:
        drive = self._drive(user)
        item = drive.find(path)
        item.more.permissions = [one for one in item.more.permissions if one.id != permission]
        drive.note_sharing(item)

    # Looking

    def file(self, user: str, path: str) -> Json:
        """Everything about one item, its bytes as a hash."""
        drive = self._drive(user)
        item = drive.find(path)
        body: Json = {**_line(drive, item), "name": item.name, "etag": etag_of(drive, item), "mime": mime_of(item)}
        if item.content is not None:
            body["sha256"] = item.content.sha256()
        versions = [*item.current(), *reversed(item.details.versions if item.details is not None else [])]
        body["versions"] = [{"id": f"{one.number}.0", "size": one.content.size, "modified": stamp(one.modified)} for one in versions]
        given = item.details.permissions if item.details is not None else []
        body["permissions"] = [{"id": one.id, **one.body} for one in given]
        return body

    def file_content(self, user: str, path: str, version: str | None = None) -> bytes:
        drive = self._drive(user)
        item = drive.find(path)
        known: dict[str, Content] = {f"{one.number}.0": one.content for one in (item.details.versions if item.details is not None else [])}
        content = item.content if version is None else known[version]
        if content is None:
            raise ValueError(f"{path} is no file")
        return content.read(0, content.size)

    def drive_listing(self, user: str, after: int = 0) -> Json:
        """The next items of a drive, the root left out, and where to go on (0: that was all)."""
        drive = self._drive(user)
        end = min(len(drive.items), after + 1 + _LISTED_AT_ONCE)
        lines = [_line(drive, item) for item in drive.items[after + 1 : end] if not item.deleted]
        return {"lines": lines, "after": end - 1 if end < len(drive.items) else 0}

    # Cursors and addresses

    def expire_drive_cursors(self, user: str | None = None) -> None:
        """Forgets the delta tokens of one drive, or of all."""
        for drive in [self._drive(user)] if user is not None else self._tenant.drives.all():
            drive.expire_cursors()

    def expire_download_urls(self) -> None:
        """Every pre-authenticated URL given out so far is expired."""
        self._tenant.drives.url_epoch += 1

    def _drive(self, user: str) -> Drive:
        return self._tenant.drives.default(self._tenant.directory.user_by_address(user).id)

    def _folder(self, drive: Drive, path: str) -> Item:
        folder = drive.root
        for name in path.split("/"):
            if name:
                folder = drive.child(folder, name) or drive.add(folder, name, folder=True)
        return folder

    def _put(self, drive: Drive, path: str, content: Content, **facts: t.Any) -> Item:
        if drive.ids.read_item(path) is not None:
            known: Item | None = drive.by_id(path)
            parent, name = drive.root, ""
        else:
            above, _slash, name = path.strip("/").rpartition("/")
            parent = self._folder(drive, above)
            known = drive.child(parent, name)
        if known is None:
            return drive.add(parent, name, content=content, touch=facts.get("modified") is None, **facts)
        facts.pop("created", None)
        drive.replace(known, content, **facts)
        return known

    def _identity(self, by: str | None) -> Identity | None:
        if by is None:
            return None
        try:
            return self._tenant.drives.identity(self._tenant.directory.user_by_address(by).id)
        except GraphError:
            return Identity("application", stable_guid("application", by), by)


def _line(drive: Drive, item: Item) -> Json:
    kind = "file" if item.content is not None else "shortcut" if item.children is None else "folder"
    if item.details is not None and item.details.package is not None:
        kind = "package"
    line: Json = {
        "path": drive.path(item),
        "id": drive.ids.item(item.number),
        "kind": kind,
        "size": item.content.size if item.content is not None else 0,
        "created": stamp(item.client_created),
        "modified": stamp(item.client_modified),
    }
    if item.content is not None:
        line["quick_xor"] = base64.b64encode(item.content.quick_xor()).decode()
    return line


def _seconds(text: str | None) -> int | None:
    if text is None:
        return None
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return int((moment if moment.tzinfo is not None else moment.replace(tzinfo=datetime.timezone.utc)).timestamp())


def _unicode(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
