# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How drives and their items look to clients (facts A1, A4)."""

from __future__ import annotations

import base64
import functools
import mimetypes
import time
import typing as t
from urllib.parse import parse_qsl, quote

from .drive_sharing_view import shared_facet
from .drive_urls import download_url
from .hosts import DRIVE_HOSTS

if t.TYPE_CHECKING:
    from .call import Call
    from .drive_store import Identity, Item
    from .drive_tree import Drive
    from .state import Tenant

Json = dict[str, t.Any]
DOWNLOAD_URL = "@microsoft.graph.downloadUrl"
_SELECTED_URL = "content.downloadurl"
_ALWAYS = frozenset({"@odata.etag", "@microsoft.graph.sharedChanged", "deleted"})


class View:
    """How one call wants to see items: selection, URLs, and what delta leaves out."""

    def __init__(self, tenant: Tenant, call: Call, drive: Drive, *, delta: bool = False) -> None:
        self.tenant = tenant
        self.call = call
        self.drive = drive
        self.delta = delta
        self.select, self.url_name = _selection(call)
        self.hierarchical = "hierarchicalsharing" in prefer_of(call)
        self.owner = identity_json(tenant.drives.identity(drive.owner_id))
        self.host = DRIVE_HOSTS.get(call.host, "contoso-my.sharepoint.com")
        self.web_root = f"https://{self.host}/personal/{tenant.drives.site_name(drive.owner_id)}/Documents"
        self._paths: dict[int, str] = {}
        self._folder_ids: dict[int, str] = {}

    def item(self, item: Item) -> Json:
        """The JSON of an item."""
        settings = self.tenant.settings
        drive = self.drive
        body: Json = {}
        if item.content is not None and self.url_name is not None:
            body[self.url_name] = download_url(self.tenant, self.call, drive, item)
        guid = drive.ids.guid(item.number)
        body |= {
            "createdBy": identity_json(item.created_by) if item.created_by is not None else self.owner,
            "createdDateTime": stamp(item.created),
            "eTag": tag("{" + guid + "}," + str(item.etag)),
            "id": drive.ids.item(item.number),
            "lastModifiedBy": identity_json(item.modified_by) if item.modified_by is not None else self.owner,
            "lastModifiedDateTime": stamp(item.modified),
            "name": item.name,
            "parentReference": self._parent(item),
            "webUrl": self._web_url(item),
            "fileSystemInfo": {"createdDateTime": stamp(item.client_created), "lastModifiedDateTime": stamp(item.client_modified)},
            "size": size_of(item),
        }
        if item.content is not None:
            body["file"] = _file(item)
            if not self.delta or settings.drive_ctag_in_delta:
                body["cTag"] = tag("c:{" + guid + "}," + str(item.ctag))
        elif item.children is not None and (item.details is None or item.details.package is None):
            body["folder"] = {"childCount": len(item.children)}
        if item.parent is None:
            body["root"] = {}
        if item.details is not None:
            details = item.details
            if details.package is not None:
                body["package"] = {"type": details.package}
            if details.remote is not None:
                body["remoteItem"] = details.remote
            if details.malware is not None:
                body["malware"] = {"description": "Malware was detected in this file."}
            body |= details.facets
        shared = shared_facet(drive, item, self.owner, hierarchical=self.hierarchical)
        if shared is not None:
            body["shared"] = shared
        return body if self.select is None else {name: value for name, value in body.items() if name in self.select or name in _ALWAYS}

    def tombstone(self, item: Item) -> Json:
        """A deleted item, as measured on Business: no name, a hash of zeros."""
        parent = self._parent(item)
        parent.pop("path", None)
        parent.pop("name", None)
        guid = self.drive.ids.guid(item.number)
        return {
            "id": self.drive.ids.item(item.number),
            "deleted": {"state": "deleted"},
            "parentReference": parent,
            "size": 0,
            "cTag": tag("c:{" + guid + "},-1"),
            "file": {"hashes": {"quickXorHash": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}},
        }

    def _parent(self, item: Item) -> Json:
        body: Json = {"driveType": "business", "driveId": self.drive.id}
        if item.parent is None:
            return body
        parent = self.drive.items[item.parent]
        body |= {"id": self._folder_id(item.parent), "name": parent.name, "siteId": self.drive.ids.site_id}
        if not self.delta or self.tenant.settings.drive_path_in_delta:
            path = self._paths.get(parent.number)
            if path is None:
                path = self._paths[parent.number] = f"/drives/{self.drive.id}/root:{self.drive.path(parent).rstrip('/')}"
            body["path"] = path
        return body

    def _web_url(self, item: Item) -> str:
        """Where people find the item; delta leaves the folders out."""
        if item.parent is None:
            return self.web_root
        return f"{self.web_root}/{quote(item.name)}" if self.delta else self.web_root + quote(self.drive.path(item))

    def _folder_id(self, number: int) -> str:
        found = self._folder_ids.get(number)
        if found is None:
            found = self._folder_ids[number] = self.drive.ids.item(number)
        return found


def drive_json(tenant: Tenant, call: Call, drive: Drive) -> Json:
    """A drive with its owner and quota."""
    owner = tenant.drives.identity(drive.owner_id)
    host = DRIVE_HOSTS.get(call.host, "contoso-my.sharepoint.com")
    library = "Documents" if drive.library == "OneDrive" else drive.library
    remaining = max(0, drive.quota - drive.used)
    share = drive.used / drive.quota if drive.quota else 1.0
    state = "exceeded" if share >= 1 else "critical" if share >= 0.99 else "nearing" if share >= 0.9 else "normal"
    return {
        "createdDateTime": stamp(drive.created),
        "description": "",
        "driveType": "business",
        "id": drive.id,
        "lastModifiedDateTime": stamp(drive.root.modified),
        "name": drive.library,
        "owner": identity_json(owner),
        "quota": {"deleted": 0, "remaining": remaining, "state": state, "total": drive.quota, "used": drive.used},
        "webUrl": f"https://{host}/personal/{tenant.drives.site_name(drive.owner_id)}/{quote(library)}",
    }


def identity_json(who: Identity) -> Json:
    named = {"id": who.id, "displayName": who.name}
    return {who.kind: {"email": who.email, **named} if who.email else named}


@functools.lru_cache(maxsize=4096)
def stamp(moment: int) -> str:
    """Seconds since 1970 as the service writes a time of Business: whole seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def tag(text: str) -> str:
    return f'"{text}"'


def etag_of(drive: Drive, item: Item) -> str:
    return tag("{" + drive.ids.guid(item.number) + "}," + str(item.etag))


def size_of(item: Item) -> int:
    """What metadata say, which may not be what is there."""
    if item.content is None:
        return 0
    stated = item.details.stated_size if item.details is not None else None
    return item.content.size if stated is None else stated


def mime_of(item: Item) -> str:
    if item.details is not None and item.details.mime is not None:
        return item.details.mime
    return _mime(item.name.rpartition(".")[2].lower())


def prefer_of(call: Call) -> frozenset[str]:
    """The preferences of a call, in lower case."""
    return (
        frozenset(piece.strip().lower() for piece in call.headers.get("prefer", "").split(",")) if "prefer" in call.headers else frozenset()
    )


def says_dollar(call: Call) -> bool:
    """Whether a call, or the one whose round it goes on with, said C($select) and not C(select)."""
    return "dollar" in call.values or any(name == "$select" for name, _value in parse_qsl(call.path.partition("?")[2]))


def _file(item: Item) -> Json:
    stated = item.details.stated_hash if item.details is not None else None
    body: Json = {"mimeType": mime_of(item)}
    if stated != "none" and item.content is not None:
        body["hashes"] = {"quickXorHash": stated or base64.b64encode(item.content.quick_xor()).decode("ascii")}
    return body


def _selection(call: Call) -> tuple[frozenset[str] | None, str | None]:
    """(properties wanted, name under which the URL is given); C($select) drops the URL unless it names it, C(select) keeps it."""
    text = call.query.get("select")
    if not text:
        return None, DOWNLOAD_URL
    names = [name.strip() for name in text.split(",") if name.strip()]
    wanted = {name.partition("/")[0] for name in names}
    if any(name.lower() == _SELECTED_URL for name in names):
        return frozenset({*wanted, "@content.downloadUrl"}), "@content.downloadUrl"
    if says_dollar(call):
        return frozenset(wanted), None
    return frozenset({*wanted, DOWNLOAD_URL}), DOWNLOAD_URL


@functools.lru_cache(maxsize=256)
def _mime(suffix: str) -> str:
    return mimetypes.guess_type(f"x.{suffix}")[0] or "application/octet-stream"
