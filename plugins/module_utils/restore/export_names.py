# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folders and file names that restored items get: safe for Linux, Windows and macOS, the same at every restore.

Files of drives keep their own names, which OneDrive allows only where Windows does.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import re
from pathlib import Path

from ..backup.item_fields import parse_time
from ..backup.item_filter import item_span
from ..backup.layout import ARCHIVE, CALENDAR, CONTACTS, MAIL, META, ONEDRIVE, SETTINGS, TASKS, safe_name, short_hash, shortened
from ..backup.mail_record import received
from ..repository.types import Path as StoredPath
from .choice import ChosenItem

_LONGEST = 255
# Of these bytes time, hash and suffix take 31.
_SUBJECT_BYTES = 200
_SUFFIXES = {MAIL: ".eml", CALENDAR: ".ics", CONTACTS: ".vcf", TASKS: ".ics", SETTINGS: ".json", ARCHIVE: ".fts"}
_DATED = (MAIL, CALENDAR, ARCHIVE)
_HASH = re.compile(r"[-~]([0-9a-f]{8}(?:[0-9a-f]{8})?)\.[^./]*$")
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in "0123456789")})


def folder_name(name: str) -> str:
    """A safe name that Windows does not take for a device either."""
    safe = safe_name(name)
    return f"_{safe}" if safe.partition(".")[0].rstrip(" ").casefold() in _DEVICES else safe


def file_path(item: ChosenItem) -> Path:
    """Folder path and file name of an item below the folder of its source; made of safe names, so it stays below it."""
    record = item.record
    if item.source == ONEDRIVE:
        return drive_path(item.path, (*item.folder, str(record.get("subject") or "")))
    folders = [folder_name(name) for name in item.folder]
    if item.source == SETTINGS:
        # They lie in no folder that people know of.
        return Path(folder_name(str(record["file"]).rpartition("/")[2]))
    subject = shortened(safe_name(str(record.get("subject") or "no subject")), 60, _SUBJECT_BYTES).rstrip(" .")
    words = [*([_time(item)] if item.source in _DATED else []), subject, item_hash(record["file"])[:8]]
    return Path(*folders, " ".join(words) + _SUFFIXES.get(item.source, ".json"))


def drive_path(stored: StoredPath, names: tuple[str, ...]) -> Path:
    """Where a file or a folder of a drive goes: under its own C(names), but for those that a Linux host has no room for.

    Those go by the names that they are C(stored) under, which are distinct in each folder.
    """
    # A folder of this name at the top is stored under another one, because ours has it.
    top = (META,) if names[:1] == (META,) else ()
    return Path(*(name if _is_usable(name) else folder_name(name) for name in (*top, *stored[len(top) :])))


def _is_usable(name: str) -> bool:
    """Whether Linux takes a name. What we store is; this does not rely on it."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return False
    return 0 < size <= _LONGEST and name not in (".", "..") and "/" not in name and "\0" not in name


def _time(item: ChosenItem) -> str:
    span = item_span(item.record)
    return "1970-01-01 000000" if span is None else f"{span[0]:%Y-%m-%d %H%M%S}"


def item_hash(file: str) -> str:
    """8 or 16 hexadecimal digits that stand for an item: the hash of its id in the name of its stored file, else of that name."""
    found = _HASH.search(file)
    return found[1] if found else short_hash(file, 16)


def modified_of(item: ChosenItem) -> float:
    """The time that the file gets, in seconds since the epoch: of receipt, else of the last change."""
    record = item.record
    moment = parse_time(record.get("received") if item.source in _DATED and item.source != CALENDAR else record.get("modified"))
    return (moment or received(record)).timestamp()
