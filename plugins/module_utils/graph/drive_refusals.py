# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a refusal of OneDrive means: the same thing is said in many ways, and some of them are about the whole drive.

Sources: Microsoft's pages on errors of OneDrive and Graph, and what programs met that live with it (the texts of a missing
drive come without codes that would tell them from a missing file).

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import re
import typing as t

from . import drive_errors, errors
from .error_bodies import ErrorBody

_NO_DRIVE_TEXT = re.compile(
    r"mysite not found|retrieve user'?s mysite|default drive.{0,60}app-?\s?only|app-?\s?only.{0,60}default drive", re.IGNORECASE
)
_NO_DRIVE_CODES = ("provisioningnotallowed", "resourcebeingprovisioned")
_NO_SHAREPOINT_TEXT = "does not have a spo license"
_FILE_NOT_FOUND_TEXT = "404 file not found"
_DRIVE_OF_A_USER = re.compile(r"/(v1\.0|beta)/users/[^/]+/drive(/root)?")
_LOCKED_SITE_TEXT = re.compile(r"access to this site has been blocked|site is locked|site.{0,40}(blocked|locked|no ?access)", re.IGNORECASE)
_MALWARE_CODES = ("malwaredetected", "virussuspicious")
_RETENTION_TEXT = re.compile(r"retention|\bretain|on hold|\brecord\b|compliance (tag|policy)", re.IGNORECASE)
_NAME_CODES = ("pathistoolong", "pathtoodeep", "invalidpath", "parameteristoolong", "invalidfilename", "namecontainsinvalidcharacters")
_NAME_TEXT = re.compile(
    r"\bnames?\b.{0,80}\b(invalid|not valid|not allowed|illegal|reserved|blocked)|(invalid|illegal) characters?|too long", re.IGNORECASE
)
_RECIPIENT_TEXT = "could not be resolved"

_NO_DRIVE_HINT = "A OneDrive comes into being when its user opens it for the first time with a licence for it."
_LOCKED_HINT = "Unlock the site in the SharePoint admin center (Set-SPOSite -LockState Unlock), or take the user out of the plan."
_ROOM_HINT = "Make room in the OneDrive, or raise its quota, and repeat."
BLOCKED_HINT = (
    "Nothing is lost: the next run tries it again. If it stays for hours, look in the message center of the Microsoft 365 admin"
    " center whether Microsoft has blocked the app."
)
_EXPIRED_HINT = "Another address is asked for."


def classify_drive_refusal(status: int, body: ErrorBody, path: str, *, is_download: bool) -> tuple[type[errors.GraphError], str] | None:
    """The class and the hint, None when it is as anywhere else. ``is_download``: of a pre-authenticated address for a file."""
    for matches, kind, hint in _RULES:
        if matches(status, body, path):
            return kind, hint
    if is_download and status in (401, 403, 404, 410):
        return drive_errors.AddressExpired, _EXPIRED_HINT
    if not path and status in (401, 410):
        return errors.NotFound, "The upload begins anew."
    return None


_Matches: t.TypeAlias = t.Callable[[int, ErrorBody, str], bool]


def _is_without_drive(status: int, body: ErrorBody, path: str) -> bool:
    if body.names(*_NO_DRIVE_CODES) or _NO_DRIVE_TEXT.search(body.message):
        return True
    return status == 404 and _FILE_NOT_FOUND_TEXT in body.message.lower() and _DRIVE_OF_A_USER.fullmatch(path) is not None


def _is_locked_site(status: int, body: ErrorBody, path: str) -> bool:
    if status == 423 and body.names("notallowed"):
        return True
    return status in (403, 423) and _LOCKED_SITE_TEXT.search(body.message) is not None


def _is_bad_name(status: int, body: ErrorBody, path: str) -> bool:
    return body.names(*_NAME_CODES) or (status == 400 and _NAME_TEXT.search(body.message) is not None)


_RULES: tuple[tuple[_Matches, type[errors.GraphError], str], ...] = (
    (
        lambda status, body, path: _NO_SHAREPOINT_TEXT in body.message.lower(),
        drive_errors.NoSharePointLicence,
        "Buy a subscription with SharePoint, or remove the plan.",
    ),
    (_is_without_drive, drive_errors.DriveMissing, _NO_DRIVE_HINT),
    (lambda status, body, path: body.names(*_MALWARE_CODES), drive_errors.MalwareBlocked, "Look at the file in Microsoft Defender."),
    (_is_locked_site, drive_errors.DriveLocked, _LOCKED_HINT),
    (lambda status, body, path: status == 423, drive_errors.FileLocked, "Close the file, or check it in."),
    (lambda status, body, path: status == 507 or body.names("quotalimitreached"), errors.QuotaExceeded, _ROOM_HINT),
    (
        lambda status, body, path: body.names("sharingdisabled"),
        drive_errors.SharingDisabled,
        "Let people share in the SharePoint admin center.",
    ),
    (
        lambda status, body, path: body.names("noresolvedusers") or (status == 400 and _RECIPIENT_TEXT in body.message.lower()),
        drive_errors.RecipientsRefused,
        "The account may be deleted; share the item with its successor.",
    ),
    (
        lambda status, body, path: status == 403 and _RETENTION_TEXT.search(body.message) is not None,
        drive_errors.RetentionHeld,
        "Let the retention label end, or leave the item as it is.",
    ),
    (lambda status, body, path: status == 409 and body.names("namealreadyexists"), drive_errors.NameTaken, "Look what is there already."),
    (lambda status, body, path: status == 412, drive_errors.ContentChanged, "Look at the item again."),
    (lambda status, body, path: status == 416, drive_errors.RangeRefused, "Ask the service what it has, or expects next."),
    (lambda status, body, path: status == 503, errors.ServiceUnavailable, BLOCKED_HINT),
    (_is_bad_name, drive_errors.NameRefused, "Give the item another name."),
)
