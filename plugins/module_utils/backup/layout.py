# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where things lie inside a snapshot: the names, the tags and the rules behind them.

A snapshot of a plan looks like this (layout 1):

    <plan title>/
        .m365/members.json            every member of the group with the state of each source, and which snapshots are merged into this one
        .m365/run.json                what the run did that left this snapshot
        <user>/                       one directory a member, named after the user principal name
            mail/
                .m365/source.json     facts of the source, and the cursor of its folder list
                .m365/retry.json      items that failed and are tried again
                .m365/items/...       the catalogue: one JSON line an item and change, the last one counts
                .m365/ids/...         hashes of the ids in the catalogue, in the same order, to find an item fast
                Inbox/
                    .folder.json      the folder's id, name and cursor
                    2026/05/17/<hhmmss>-<hash of the id>.eml
            calendar/                 (the same state files; the directories are calendars)
                .m365/watched.json    series that have not ended: they are looked at in turn
                Calendar/
                    2026/05/17/<hhmmss>-<hash of the id>.json      an event or a series, by its start
                    2026/05/17/<hhmmss>-<hash of the id>.files/    its attachments
            contacts/Contacts/0053/<name>~<hash of the id>.json, .files/
            tasks/Tasks/0015/<title>~<hash of the id>.json, .files/
            settings/mailboxSettings.json, rules.json, categories.json
            onedrive/
                .m365/source.json     facts of the drive, and the cursor of its changes
                .m365/retry.json, items/..., ids/...      as above; the items are files
                .m365/folders/items/..., ids/...          the same log for folders
                .m365/versions/0042/<hash of the id>/<version>     earlier contents of a file
                .m365/permissions/0042/<hash of the id>.json       who may do what with a shared file or folder
                .m365/fetched/...     while a run goes on: what it has read so far
                Documents/Budget 2026.xlsx                the files and folders of the drive under their own names

What the malware scan said lies in snapshots of its own, for all plans together (see verdict_heads and verdict_parts):

    verdicts/
        parts.json, parts/<name>/verdicts/a/3/f, flagged/a    verdicts by content
        unscanned/<plan>/<name>/0000/00/00.jsonl              what no engine has looked at yet

Names are chosen for people who read a repository without us. Whatever a file system or a shell could stumble over is
replaced; the true names are in the JSON files. Names of files and folders of a drive are kept as they are, but for the few that
Linux has no room for.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import hashlib
import re
import typing as t
import unicodedata
from datetime import datetime, timezone

from ..repository.types import Path

LAYOUT = 1

META = ".m365"
MEMBERS_FILE = "members.json"
RUN_FILE = "run.json"
SOURCE_FILE = "source.json"
RETRY_FILE = "retry.json"
FOLDER_FILE = ".folder.json"

#: The sources of a member: the names of their directories, and of what results say of them.
MAIL = "mail"
CALENDAR = "calendar"
CONTACTS = "contacts"
TASKS = "tasks"
SETTINGS = "settings"
ARCHIVE = "archive"
ONEDRIVE = "onedrive"

#: The time of files that are state rather than content: equal states make equal trees.
META_TIME = datetime(2000, 1, 1, tzinfo=timezone.utc)

TAG = "m365"
_PLAN_TAG = "plan:"
_RUN_TAG = "run:"
_OUTCOME_TAG = "outcome:"
_SHARD_TAG = "shard:"
CHECKPOINT = "checkpoint"

_LONGEST_NAME = 100
# File systems of Linux take 255 bytes; a hash and our own additions have to fit behind.
_LONGEST_NAME_BYTES = 200
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')
_PARTS = ".files"
_DIRECTORIES = 64
_YEAR = re.compile(r"^\d{4}$")


def snapshot_tags(plan_name: str, run_id: str, outcome: str, shard: str = "") -> tuple[str, ...]:
    """The tags of a snapshot; the repository encrypts them like everything else. C(shard) names the host where several share a plan."""
    return (TAG, _PLAN_TAG + plan_name, _RUN_TAG + run_id, _OUTCOME_TAG + outcome, *((_SHARD_TAG + shard,) if shard else ()))


def is_of_plan(tags: t.Collection[str], plan_name: str) -> bool:
    return TAG in tags and _PLAN_TAG + plan_name in tags


def plan_of(tags: t.Iterable[str]) -> str:
    """The name of the plan; empty for a snapshot that somebody else made."""
    return next((tag[len(_PLAN_TAG) :] for tag in tags if tag.startswith(_PLAN_TAG)), "")


def run_of(tags: t.Iterable[str]) -> str:
    """The id of the run that left it; empty for a snapshot that somebody else made."""
    return next((tag[len(_RUN_TAG) :] for tag in tags if tag.startswith(_RUN_TAG)), "")


def outcome_of(tags: t.Iterable[str]) -> str:
    """complete, partial, failed or checkpoint; empty for a snapshot that somebody else made."""
    return next((tag[len(_OUTCOME_TAG) :] for tag in tags if tag.startswith(_OUTCOME_TAG)), "")


def shard_of(tags: t.Iterable[str]) -> str:
    """The host whose share of the members was read for it; empty where one host reads all."""
    return next((tag[len(_SHARD_TAG) :] for tag in tags if tag.startswith(_SHARD_TAG)), "")


def safe_name(text: str) -> str:
    """A directory name that people recognise and every file system takes.

    Never empty, never one of our own names (they start with a dot or look like a year), at most 100 characters and 200
    bytes of UTF-8.
    """
    name = _UNSAFE.sub("_", unicodedata.normalize("NFC", text))
    name = "".join(char if char.isprintable() else "_" for char in name).strip().rstrip(". ")
    if name.startswith("."):
        name = "_" + name[1:]
    if shortened(name, _LONGEST_NAME, _LONGEST_NAME_BYTES) != name:
        name = _with_hash(name, text)
    if _YEAR.match(name):
        name += "_"
    return name or "_"


def distinct_names(wanted: t.Mapping[str, str]) -> dict[str, str]:
    """Give every key a name of its own among its siblings: {key: text} -> {key: name}.

    Two texts that differ only in case or in replaced characters would collide on some file system, so all but the
    first by key carry a short hash of their key. The result depends on nothing but the argument.
    """
    taken: set[str] = set()
    names: dict[str, str] = {}
    for key in sorted(wanted):
        plain = name = safe_name(wanted[key])
        attempt = key
        while name.casefold() in taken:
            name = _with_hash(plain, attempt)
            attempt += "+"
        taken.add(name.casefold())
        names[key] = name
    return names


def shortened(name: str, characters: int, size: int) -> str:
    """The beginning of a name, at most so many characters and bytes of UTF-8."""
    return name[:characters].encode("utf-8")[:size].decode("utf-8", "ignore")


def is_shard(name: str) -> bool:
    """Whether a directory in a folder holds items (of a year, or of a hash), rather than being a folder itself."""
    return _YEAR.match(name) is not None


def parts_path(path: Path) -> Path:
    """The directory with the files beside an item (attachments, a photo) whose own file is at C(path)."""
    return (*path[:-1], path[-1].rpartition(".")[0] + _PARTS)


def is_parts(name: str) -> bool:
    """Whether a directory holds the files beside an item."""
    return name.endswith(_PARTS)


def message_path(message_id: str, when: datetime) -> tuple[str, str, str, str]:
    """Year, month, day and file name of a message inside its folder."""
    return dated_path(message_id, when, ".eml")


def dated_path(item_id: str, when: datetime, suffix: str) -> tuple[str, str, str, str]:
    """Year, month, day and file name of an item inside its folder.

    Days keep trees small: a change rewrites those of its day, month and year, whatever the size of the mailbox.
    """
    moment = when.astimezone(timezone.utc)
    return (
        f"{moment.year:04d}",
        f"{moment.month:02d}",
        f"{moment.day:02d}",
        f"{moment:%H%M%S}-{short_hash(item_id, 16)}{suffix}",
    )


def named_path(item_id: str, name: str, suffix: str) -> tuple[str, str]:
    """Directory and file name of an item that people look for by name. 64 directories keep trees small."""
    return f"{int(short_hash(item_id, 8), 16) % _DIRECTORIES:04d}", f"{_with_hash(safe_name(name), item_id)}{suffix}"


def _with_hash(name: str, text: str) -> str:
    return f"{shortened(name, _LONGEST_NAME - 9, _LONGEST_NAME_BYTES - 9).rstrip(' .')}~{short_hash(text, 8)}"


def short_hash(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:digits]
