# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Graph says of a file or folder of a drive, in the words of the catalogue.

Facts of the protocol: Microsoft's driveItem resource; the quirks of delta for OneDrive for Business (no cTag, tombstones
without names, a quickXorHash of zeros that means nothing).

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from enum import Enum

from ..graph.ids import Fields
from .catalogue import Record
from .layout import META, META_TIME, short_hash, shortened

_NO_HASH = "AAAAAAAAAAAAAAAAAAAAAAAAAAA="
_LONGEST_NAME_BYTES = 255
_LONGEST_EXTENSION = 20
_FRACTION = re.compile(r"\.(\d+)")
_UNSTORABLE = re.compile("[/\x00\ud800-\udfff]")
_NOTEBOOK_TYPES = frozenset({"application/msonenote", "application/onenote"})
_NOTEBOOK_SUFFIXES = (".one", ".onetoc2")

SHORTCUT = "shortcut"
NOTEBOOK_PART = "notebook_part"
PACKAGE = "package"


class What(str, Enum):
    """C(shortcut): a pointer to another drive, of which only the pointer is kept. C(removed): a tombstone."""

    FILE = "file"
    FOLDER = "folder"
    SHORTCUT = "shortcut"
    ROOT = "root"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One statement of Graph about an item.

    C(known) is what the catalogue takes over as it is. C(size) and C(hash) are what the service states of the content, the
    hash empty where it states none. C(shared) says that permissions are set on the item itself, C(has_new_permissions) that
    they have changed.
    """

    id: str
    what: What
    name: str = ""
    parent: str = ""
    size: int = 0
    hash: str = ""
    etag: str = ""
    is_malware: bool = False
    shared: str = ""
    has_new_permissions: bool = False
    known: dict[str, t.Any] = field(default_factory=dict)

    @property
    def is_file(self) -> bool:
        return self.what in (What.FILE, What.SHORTCUT)

    def as_dict(self) -> dict[str, t.Any]:
        return {**asdict(self), "what": self.what.value}

    @classmethod
    def from_dict(cls, document: t.Mapping[str, t.Any]) -> Entry:
        return cls(**{**document, "what": What(document["what"])})


def entry_of(fields: Fields) -> Entry:
    """What a driveItem says. Anything may be missing from it but the id."""
    item_id = str(fields["id"])
    if "deleted" in fields or "@removed" in fields:
        return Entry(id=item_id, what=What.REMOVED)
    if "root" in fields:
        return Entry(id=item_id, what=What.ROOT)
    what = What.SHORTCUT if "remoteItem" in fields else What.FOLDER if "folder" in fields or "package" in fields else What.FILE
    name, size = str(fields.get("name") or item_id), _number(fields.get("size"))
    return Entry(
        id=item_id,
        what=what,
        name=name,
        parent=str(_part(fields, "parentReference").get("id") or ""),
        size=size,
        hash=_hash(fields, size) if what is What.FILE else "",
        etag=str(fields.get("eTag") or fields.get("cTag") or ""),
        is_malware="malware" in fields,
        shared=str(_part(fields, "shared").get("scope") or ("users" if "shared" in fields else "")),
        has_new_permissions=str(fields.get("@microsoft.graph.sharedChanged")).casefold() == "true",
        known=_known(fields, what, name),
    )


def shortcut_content(fields: Fields) -> dict[str, t.Any]:
    """What is stored of a shortcut: where it leads."""
    return {"name": str(fields.get("name") or ""), "remoteItem": _part(fields, "remoteItem")}


def stored_name(name: str, item_id: str, *, is_at_top: bool = False) -> str:
    """The name of a file or folder in our tree: its own, unless Linux or this collection has no room for it.

    A changed name carries a hash of the id, so that it is nobody else's.
    """
    plain = _UNSTORABLE.sub("_", name)
    is_taken = plain in ("", ".", "..") or (is_at_top and plain == META)
    if plain == name and not is_taken and len(plain.encode()) <= _LONGEST_NAME_BYTES:
        return name
    return other_name("_" + plain if is_taken else plain, item_id)


def other_name(name: str, item_id: str) -> str:
    """A name of its own for an item beside one that has the same."""
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension.encode()) > _LONGEST_EXTENSION:
        stem, dot, extension = name, "", ""
    mark = f"~{short_hash(item_id, 8)}{dot}{extension}"
    return shortened(stem, _LONGEST_NAME_BYTES, _LONGEST_NAME_BYTES - len(mark.encode())) + mark


def modified(record: Record) -> datetime:
    """When the content of a file or folder was changed last, as its owner sees it."""
    return _moment(record.get("modified")) or META_TIME


def person(fields: t.Any) -> str:
    """The address or name of whoever an identity set names."""
    for kind in ("user", "application", "device"):
        identity = fields.get(kind) if isinstance(fields, dict) else None
        if isinstance(identity, dict):
            return str(identity.get("email") or identity.get("displayName") or identity.get("id") or "")
    return ""


def _known(fields: Fields, what: What, name: str) -> dict[str, t.Any]:
    times, mime = _part(fields, "fileSystemInfo"), str(_part(fields, "file").get("mimeType") or "")
    last = str(times.get("lastModifiedDateTime") or fields.get("lastModifiedDateTime") or "")
    known = {"created": str(times.get("createdDateTime") or fields.get("createdDateTime") or ""), "modified": last}
    if what is What.FOLDER:
        known |= {"name": name, "kind": PACKAGE if "package" in fields else ""}
    else:
        kind = SHORTCUT if what is What.SHORTCUT else NOTEBOOK_PART if _is_of_notebook(name, mime) else ""
        known |= {"subject": name, "received": last, "from": person(fields.get("lastModifiedBy")), "mime": mime, "kind": kind}
    return {key: value for key, value in known.items() if value or key in ("name", "subject")}


def _is_of_notebook(name: str, mime: str) -> bool:
    return mime in _NOTEBOOK_TYPES or name.casefold().endswith(_NOTEBOOK_SUFFIXES)


def _hash(fields: Fields, size: int) -> str:
    """Without meaning for a file that is not empty: a hash of zeros."""
    stated = str(_part(_part(fields, "file"), "hashes").get("quickXorHash") or "")
    return "" if stated == _NO_HASH and size else stated


def _part(fields: Fields, name: str) -> dict[str, t.Any]:
    part = fields.get(name)
    return part if isinstance(part, dict) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _moment(text: object) -> datetime | None:
    """Graph's times have up to seven digits after the point, of which Python 3.10 reads six."""
    try:
        moment = datetime.fromisoformat(_FRACTION.sub(lambda match: f".{match[1][:6]:0<6}", str(text)).replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone.utc)
