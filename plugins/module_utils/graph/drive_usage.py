# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much is in the OneDrives of users, from Microsoft's usage report: two requests for a whole tenant. Permission: Reports.Read.All.

The report is some days old. A tenant may conceal names in reports, and does so unless an administrator decides otherwise:
then nothing can be said of single users. Source: Microsoft's page on getOneDriveUsageAccountDetail.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import codecs
import csv
import dataclasses
import typing as t

from .client import GraphClient
from .errors import BadAnswer, GraphError
from .limits import LimitScope
from .links import graph_path, report_address
from .refusals import Call
from .retry import RetryPolicy
from .traffic import RequestKind
from .transport import Incoming

PERMISSION = "Reports.Read.All"
_REPORT = "getOneDriveUsageAccountDetail(period='D7')"
_OWNER, _FILES, _BYTES, _DELETED = "Owner Principal Name", "File Count", "Storage Used (Byte)", "Is Deleted"
_PIECE = 1 << 16
_POLICY = RetryPolicy(other=2, heavy=2, missing=2, unreachable=2, deadline=60.0)
"""An estimate is worth no long wait."""


@dataclasses.dataclass(frozen=True, slots=True)
class DriveUsage:
    """Of so many drives together."""

    drives: int = 0
    files: int = 0
    bytes: int = 0

    def __add__(self, other: DriveUsage) -> DriveUsage:
        return DriveUsage(self.drives + other.drives, self.files + other.files, self.bytes + other.bytes)


def drive_usage(client: GraphClient, owners: t.Collection[str]) -> DriveUsage | None:
    """What the drives of these users hold together, by their principal names; None when it cannot be known.

    It is for an estimate, so whatever Graph refuses or fails is no error here; only Cancelled is raised.
    """
    call = Call(
        scope=LimitScope.directory(), kind=RequestKind.DIRECTORY, doing="Reading the usage report of OneDrive", permission=PERMISSION
    )
    wanted = {owner.casefold() for owner in owners}
    try:
        link = client.send(call, "GET", graph_path("reports") + "/" + _REPORT, _location, statuses=(302,), policy=_POLICY)
        with client.open_unsigned(call, report_address(client.cloud, link), policy=_POLICY) as stream:
            return _usage_of(csv.DictReader(_lines(stream.pieces(_PIECE))), wanted)
    except (GraphError, csv.Error):
        return None


def _location(incoming: Incoming) -> str:
    location = incoming.headers.get("Location")
    if not location:
        raise BadAnswer("The usage report has no address.")
    return location


def _usage_of(rows: t.Iterable[t.Mapping[str, str]], wanted: t.Collection[str]) -> DriveUsage | None:
    """None for a report with concealed names, which are no addresses, and for one with other columns."""
    usage, has_names = DriveUsage(), False
    for row in rows:
        owner = (row.get(_OWNER) or "").casefold()
        has_names = has_names or "@" in owner
        if owner in wanted and (row.get(_DELETED) or "").casefold() != "true":
            usage += DriveUsage(1, _number(row.get(_FILES)), _number(row.get(_BYTES)))
    return usage if has_names else None


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0


def _lines(pieces: t.Iterable[bytes]) -> t.Iterator[str]:
    """The report begins with a byte order mark."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    rest = ""
    for piece in pieces:
        *lines, rest = (rest + decoder.decode(piece)).split("\n")
        yield from lines
    if rest := rest + decoder.decode(b"", final=True):
        yield rest
