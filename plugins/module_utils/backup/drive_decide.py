# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decisions about a file or folder of a drive: what has changed, what has to be fetched, what the catalogue says of it.

Nothing here asks, writes or remembers.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .catalogue import Record
from .drive_record import NOTEBOOK_PART, Entry, What
from .scan_marks import SCAN

#: What of a file's record speaks of its content rather than of its place or its times.
CONTENT = ("size", "hash", "stated_size", "own_hash", "etag", SCAN)
#: What lies beside it.
BESIDE = ("versions", "permissions")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What has to be asked for before an entry can be settled."""

    content: bool = False
    versions: bool = False
    permissions: bool = False

    @property
    def any(self) -> bool:
        return self.content or self.versions or self.permissions


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a plan asks for besides contents: so many earlier versions of each file, and who may see what is shared.

    C(new_versions), C(new_permissions): the passes before did not ask for them, or not for as many.
    """

    versions: int = 0
    permissions: bool = False
    new_versions: bool = False
    new_permissions: bool = False


def wanted(old: Record | None, entry: Entry, options: Options, *, is_forced: bool = False, is_full: bool = False) -> Wanted:
    """What to ask for about a file or folder that Graph has named.

    C(is_forced): it is asked for again, whatever we have of it. C(is_full): the pass lists the whole drive, because changes
    may have been missed. A permission is five times as dear as a file, so nobody asks about what is not shared, nor about
    what merely was on the way to something that has changed.
    """
    content = entry.is_file and (is_forced or old is None or not has_same_content(old, entry))
    is_of_interest = is_forced or is_full or old is None or entry.has_new_permissions or entry.shared != old.get("shared", "")
    has_versions = entry.what is What.FILE and entry.known.get("kind") != NOTEBOOK_PART
    return Wanted(
        content=content,
        versions=options.versions > 0 and has_versions and (content or options.new_versions),
        permissions=options.permissions and bool(entry.shared) and (is_of_interest or options.new_permissions),
    )


def has_same_content(old: Record, entry: Entry) -> bool:
    """Whether the content that we have is the one that Graph speaks of.

    The hash and the size tell, wherever the file has gone meanwhile. Where they were wrong before, or where there is no
    hash, the eTag tells, which also moves with names and places.
    """
    is_same_version = bool(entry.etag) and entry.etag == old.get("etag")
    if entry.what is not What.FILE or not entry.hash:
        return is_same_version
    stated_size = old.get("stated_size", old.get("size", 0))
    if not old.get("hash"):
        return is_same_version or (entry.hash == old.get("own_hash") and entry.size == stated_size)
    is_same = (entry.hash, entry.size) == (old["hash"], stated_size)
    was_right = "own_hash" not in old and "stated_size" not in old
    return is_same and (was_right or is_same_version)


def file_record(old: Record | None, entry: Entry, *, content: Record | None, beside: t.Mapping[str, t.Any]) -> Record:
    """The record of a file, but for C(folder) and C(file), which its place gives.

    C(content) is what was read, None to go on with what we have. C(beside): versions and permissions, where they were read.
    A file of which something could not be read keeps what it had.
    """
    before = old or {}
    kept = {key: before[key] for key in (*CONTENT, *BESIDE) if key in before}
    if content is not None:
        kept = {**{key: value for key, value in kept.items() if key not in CONTENT}, **content}
    elif old is not None and has_same_content(old, entry):
        kept |= {"etag": entry.etag, "hash": entry.hash or kept.get("hash", "")}
    record = {"id": entry.id, "parent": entry.parent, **entry.known, **kept, "shared": entry.shared, **beside}
    if content is None and old is not None and not has_same_content(old, entry):
        # Its new content could not be read: the times are those of what we have.
        record |= {key: before.get(key, "") for key in ("modified", "received", "from")}
    return _without_empty(record, entry)


def folder_record(old: Record | None, entry: Entry, *, beside: t.Mapping[str, t.Any]) -> Record:
    """The record of a folder, but for C(number) and C(file)."""
    kept = {"permissions": old["permissions"]} if old is not None and "permissions" in old else {}
    return _without_empty({"id": entry.id, "parent": entry.parent, **entry.known, **kept, "shared": entry.shared, **beside}, entry)


def is_same_record(old: Record, new: Record) -> bool:
    """Whether a record says nothing that the catalogue does not say. C(folder), C(number) and C(file) follow from the rest."""
    places = ("folder", "number", "file")
    return {key: value for key, value in old.items() if key not in places} == {
        key: value for key, value in new.items() if key not in places
    }


def is_same(old: Record, entry: Entry) -> bool:
    """Whether an entry repeats what is known, so that there is nothing to do. Folders are repeated with every change below."""
    new = file_record(old, entry, content=None, beside={}) if entry.is_file else folder_record(old, entry, beside={})
    return (not entry.is_file or has_same_content(old, entry)) and is_same_record(old, new)


def _without_empty(record: Record, entry: Entry) -> Record:
    if not entry.shared:
        record.pop("permissions", None)
    always = {"id", "parent", "name" if entry.what is What.FOLDER else "subject", *(("size",) if entry.is_file else ())}
    return {key: value for key, value in record.items() if value or key in always}
