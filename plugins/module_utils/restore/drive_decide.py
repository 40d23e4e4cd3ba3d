# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do with a file, given what a drive has in the folder that it goes to. Pure.

A folder holds a name once, so nothing needs a mark: the file of that name is looked at. It is the wanted one when its
content is the same. The service writes into Office documents, and some others, when they are uploaded, and then states
another size and hash; such a file is known by its time, and by who changed it last.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from enum import Enum

from .conflict import Policy
from .results import Restored

#: What SharePoint writes properties into (onedrive-api-docs 935, rclone's page on unexpected sizes).
_REWRITTEN = frozenset(
    f".{extension}"
    for extension in (
        *("doc", "docm", "docx", "dot", "dotm", "dotx", "odt", "xls", "xlsb", "xlsm", "xlsx", "xltm", "xltx", "ods"),
        *("pot", "potm", "potx", "pps", "ppsm", "ppsx", "ppt", "pptm", "pptx", "odp", "vsd", "vsdm", "vsdx", "one", "onetoc2"),
        *("pdf", "htm", "html", "aspx", "mht", "mhtml", "msg", "xml", "xsn", "pub", "mpp"),
    )
)
#: What the service states where it has not computed a hash.
_NO_HASHES = ("", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=")
_SECOND = 19


@dataclass(frozen=True, slots=True)
class Content:
    """A size and a quickXorHash; the hash is empty where nobody has stated one."""

    size: int
    hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """What a folder of the drive has under a name: a file, a folder, or neither, such as a shortcut. Times are ISO texts. An
    application made it, or changed it last."""

    id: str
    name: str
    is_file: bool
    is_folder: bool = False
    content: Content = Content(0)
    created: str = ""
    modified: str = ""
    is_made_by_app: bool = False
    is_by_app: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedFile:
    """A file of the backup. C(contents) are its own as the backup has it and as the service stated it.

    C(versions) are earlier contents with their times, the oldest first, for a file that gets them back.
    """

    name: str
    contents: tuple[Content, ...]
    created: str = ""
    modified: str = ""
    versions: tuple[tuple[int, str], ...] = field(default=())

    @property
    def size(self) -> int:
        return self.contents[0].size

    @property
    def is_rewritten(self) -> bool:
        """Whether the service may state another size and hash after it was uploaded."""
        return is_rewritten(self.name)

    def has_times_of(self, child: Child) -> bool:
        return same_time(self.modified, child.modified) and (not self.created or same_time(self.created, child.created))

    def is_content_of(self, child: Child) -> bool:
        """Whether the drive has these very bytes, as far as sizes and hashes tell."""
        if not child.is_file:
            return False
        if child.content.hash in _NO_HASHES or all(content.hash in _NO_HASHES for content in self.contents):
            known = any(content.size == child.content.size for content in self.contents)
            return known and (child.content.size == 0 or same_time(self.modified, child.modified))
        return child.content in self.contents


class Deed(Enum):
    """C(RENAME): the file is there under the name beside, and gets its own. C(SET_TIMES): only its times are missing."""

    NOTHING = "nothing"
    CREATE = "create"
    OVERWRITE = "overwrite"
    RENAME = "rename"
    SET_TIMES = "set_times"


@dataclass(frozen=True, slots=True)
class DriveDecision:
    """C(is_beside): under the name that goes beside; C(is_blocked): because a folder has its own.

    C(item_id) is what is there, where that is acted on.
    C(first_version) is the number of the version that comes next; that of the newest content is the number of versions.
    """

    outcome: Restored
    deed: Deed = Deed.NOTHING
    is_beside: bool = False
    is_blocked: bool = False
    item_id: str = ""
    first_version: int = 0


def decide_file(wanted: WantedFile, there: Child | None, beside: Child | None, policy: Policy, *, is_own_folder: bool) -> DriveDecision:
    """C(there) is what has the name, C(beside) what has the name of a copy. C(is_own_folder): a restore made the folder."""
    if there is None:
        if beside is not None and _is_wanted(wanted, beside, is_own_folder=is_own_folder):
            if policy is Policy.COPY:
                return DriveDecision(Restored.UNCHANGED, is_beside=True, item_id=beside.id)
            return DriveDecision(Restored.UNCHANGED, Deed.RENAME, item_id=beside.id)
        return DriveDecision(Restored.WRITTEN, Deed.CREATE)
    if not there.is_file:
        return replace(_beside(wanted, beside, policy, is_own_folder=is_own_folder), is_blocked=True)
    if (is_own_folder or there.is_by_app) and (reached := _version_of(wanted, there)) is not None:
        return DriveDecision(Restored.WRITTEN, Deed.OVERWRITE, item_id=there.id, first_version=reached + 1)
    if _is_wanted(wanted, there, is_own_folder=is_own_folder):
        lacks_times = is_own_folder and wanted.is_content_of(there) and not wanted.has_times_of(there)
        return DriveDecision(Restored.UNCHANGED, Deed.SET_TIMES if lacks_times else Deed.NOTHING, item_id=there.id)
    if policy is Policy.REPLACE:
        return DriveDecision(Restored.REPLACED, Deed.OVERWRITE, item_id=there.id, first_version=len(wanted.versions))
    if policy is Policy.SKIP:
        return DriveDecision(Restored.SKIPPED, item_id=there.id)
    return _beside(wanted, beside, policy, is_own_folder=is_own_folder)


def choose_beside(wanted: WantedFile, found: t.Sequence[tuple[str, Child | None]], *, is_own_folder: bool) -> tuple[str, Child | None]:
    """Of the names that a file may have beside its own, with what has them: the one that has it, or the first."""
    for name, child in found:
        if child is not None and _is_wanted(wanted, child, is_own_folder=is_own_folder):
            return name, child
    return found[0]


def is_rewritten(name: str) -> bool:
    """Whether the service writes into files of this kind when they are uploaded."""
    return name[name.rfind(".") :].lower() in _REWRITTEN if "." in name else False


def same_time(left: str, right: str) -> bool:
    """Two ISO times in UTC. A drive keeps whole seconds."""
    return left[:_SECOND] == right[:_SECOND]


def _beside(wanted: WantedFile, beside: Child | None, policy: Policy, *, is_own_folder: bool) -> DriveDecision:
    if beside is None:
        return DriveDecision(Restored.COPIED, Deed.CREATE, is_beside=True)
    if _is_wanted(wanted, beside, is_own_folder=is_own_folder):
        return DriveDecision(Restored.UNCHANGED, is_beside=True, item_id=beside.id)
    if beside.is_file and policy is Policy.REPLACE:
        return DriveDecision(Restored.REPLACED, Deed.OVERWRITE, is_beside=True, item_id=beside.id, first_version=len(wanted.versions))
    return DriveDecision(Restored.SKIPPED, is_beside=True, item_id=beside.id)


def _is_wanted(wanted: WantedFile, child: Child, *, is_own_folder: bool) -> bool:
    if not child.is_file:
        return False
    if wanted.is_content_of(child):
        return True
    has_time = same_time(wanted.modified, child.modified)
    if not is_own_folder:
        # Somebody may have spoilt a document and kept its time; an application that gave it this time was a restore.
        return wanted.is_rewritten and child.is_by_app and has_time
    return has_time or (wanted.is_rewritten and child.is_by_app)


def _version_of(wanted: WantedFile, child: Child) -> int | None:
    """The number of the version that an unfinished restore has come to; None where it is none of them."""
    if not wanted.versions or same_time(wanted.modified, child.modified):
        return None
    for number, (size, modified) in reversed(list(enumerate(wanted.versions))):
        if same_time(modified, child.modified) and (size == child.content.size or wanted.is_rewritten):
            return number
    return None
