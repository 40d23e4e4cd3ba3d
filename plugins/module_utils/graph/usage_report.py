# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Microsoft's usage reports: a table about a whole tenant for two requests. Permission: Reports.Read.All.

They are some days old, and not there in every cloud. A tenant may conceal names in reports, and does so unless an administrator
decides otherwise. Sources: Microsoft's pages on getOneDriveUsageAccountDetail and getMailboxUsageDetail.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import codecs
import csv
import typing as t

from .client import GraphClient
from .errors import BadAnswer, GraphError
from .limits import LimitScope
from .links import graph_path, report_address
from .refusals import Call
from .retry import RetryPolicy
from .traffic import RequestKind
from .transport import Incoming

Row = t.Mapping[str, str]
Taken = t.TypeVar("Taken")

PERMISSION = "Reports.Read.All"
_PIECE = 1 << 16
_POLICY = RetryPolicy(other=2, heavy=2, missing=2, unreachable=2, deadline=60.0)
"""An estimate is worth no long wait."""


def read_report(client: GraphClient, name: str, what: str, take: t.Callable[[t.Iterable[Row]], Taken]) -> Taken | None:
    """What C(take) makes of the rows of a report, None when it cannot be had. C(what) is what the report is about, in sentences.

    It is for estimates, so whatever Graph refuses or fails is no error here; only Cancelled is raised.
    """
    call = Call(
        scope=LimitScope.directory(), kind=RequestKind.DIRECTORY, doing=f"Reading the usage report of {what}", permission=PERMISSION
    )
    try:
        link = client.send(call, "GET", f"{graph_path('reports')}/{name}(period='D7')", _location, statuses=(302,), policy=_POLICY)
        with client.open_unsigned(call, report_address(client.cloud, link), policy=_POLICY) as stream:
            return take(csv.DictReader(_lines(stream.pieces(_PIECE))))
    except (GraphError, csv.Error):
        return None


def number_of(text: str | None) -> int:
    """A number of a report, 0 where it says nothing."""
    return int(text) if text and text.isdecimal() else 0


def is_true(text: str | None) -> bool:
    """Whether a report says so: C(True), C(TRUE) or C(Yes)."""
    return (text or "").casefold() in ("true", "yes")


def _location(incoming: Incoming) -> str:
    location = incoming.headers.get("Location")
    if not location:
        raise BadAnswer("The usage report has no address.")
    return location


def _lines(pieces: t.Iterable[bytes]) -> t.Iterator[str]:
    """The report begins with a byte order mark."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    rest = ""
    for piece in pieces:
        *lines, rest = (rest + decoder.decode(piece)).split("\n")
        yield from lines
    if rest := rest + decoder.decode(b"", final=True):
        yield rest
