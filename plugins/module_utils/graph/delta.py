# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes since a cursor, as rounds of pages.

Facts of the protocol (Microsoft's delta query pages): query options count on the first request only and live on in the
tokens; entries may be partial, repeated, and in any order; the last page carries the next cursor.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .client import GraphClient
from .errors import BadAnswer
from .ids import Cursor, Fields
from .links import graph_target
from .paging import Listing, pages
from .refusals import Call


@dataclasses.dataclass(frozen=True, slots=True)
class Changed:
    """New or changed. ``fields`` may be a part of the object only: merge them."""

    id: str
    fields: Fields


@dataclasses.dataclass(frozen=True, slots=True)
class Removed:
    """No longer here. ``reason`` is C(deleted) or C(changed)."""

    id: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """``cursor`` stands on the last page of a round and nowhere else."""

    entries: tuple[Changed | Removed, ...]
    cursor: Cursor | None = None


def delta_round(client: GraphClient, call: Call, first: Listing, cursor: Cursor | None) -> t.Iterator[Page]:
    """All pages since ``cursor``, or everything there is without one.

    :raises CursorLost: at any page; what was yielded before is void.
    :raises DeltaUnavailable: this mailbox answers no delta queries now.
    :raises NotFound: what is asked about is gone.
    :raises BadAnswer: the round ended without a cursor.
    """
    listing = first if cursor is None else dataclasses.replace(first, target=cursor, params=None)
    for page in pages(client, call, listing):
        following = cursor_of(client, call, page)
        yield Page(entries(page, call), following)


def cursor_of(client: GraphClient, call: Call, page: Fields) -> Cursor | None:
    """What the last page of a round carries. Refused at once when it leads elsewhere, not only when the next run follows it.

    :raises BadAnswer: it is the last page, and carries none.
    :raises LinkRefused: it leads to another host.
    """
    if page.get("@odata.nextLink"):
        return None
    link = page.get("@odata.deltaLink")
    if not isinstance(link, str) or not link:
        raise BadAnswer(f"{call.doing} failed: the last page carries no cursor.", hint="Nothing is lost: the next run tries it again.")
    graph_target(client.cloud, link)
    return Cursor(link)


def entries(page: Fields, call: Call) -> tuple[Changed | Removed, ...]:
    """The entries of a page of any collection.

    :raises BadAnswer: one of them has no id.
    """
    return tuple(_entry(fields, call) for fields in page["value"])


def _entry(fields: t.Any, call: Call) -> Changed | Removed:
    identity = fields.get("id") if isinstance(fields, dict) else None
    if not isinstance(identity, str) or not identity:
        raise BadAnswer(f"{call.doing} failed: an entry of the answer has no id.", hint="Nothing is lost: the next run tries it again.")
    removal = fields.get("@removed")
    if removal is None:
        return Changed(identity, fields)
    reason = removal.get("reason") if isinstance(removal, dict) else None
    return Removed(identity, str(reason or "deleted"))
