# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Collections that come in pages.

The service may cut a page off, fail to build it in time, or loop. A page that is too heavy is asked for again with a
quarter of the entries (C(Prefer: odata.maxpagesize), which may change from page to page and has to be repeated on each of
them); after a success the size grows again.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from .errors import BadAnswer, GraphError, ServiceUnavailable
from .ids import Fields
from .refusals import Call
from .retry import RetryPolicy

_VISITS = 5
"""A busy service may point to the same page a few times in a row; a circle goes on."""
_SHRINK = 4
_GROW = 2
_IMPATIENT = RetryPolicy(heavy=2)


class JsonSource(t.Protocol):
    """What gives JSON for a path or a link: the client itself, or one that follows redirects."""

    def get_json(
        self,
        call: Call,
        path_or_link: str,
        *,
        params: t.Mapping[str, str] | None = None,
        prefer: t.Sequence[str] = (),
        headers: t.Mapping[str, str] | None = None,
        policy: RetryPolicy | None = None,
    ) -> Fields: ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What to ask for on the first page, and with which headers on every page. ``page_size`` None leaves it to the service."""

    target: str
    params: t.Mapping[str, str] | None = None
    prefer: tuple[str, ...] = ()
    headers: t.Mapping[str, str] | None = None
    page_size: int | None = None


def pages(client: JsonSource, call: Call, listing: Listing) -> t.Iterator[Fields]:
    """Every page, as the service sent it.

    :raises BadAnswer: the links lead in a circle, or a page has no list of values.
    """
    size = listing.page_size
    target, params = listing.target, listing.params
    visits: collections.Counter[int] = collections.Counter()
    while True:
        page, size = _page(client, call, dataclasses.replace(listing, target=target, params=params), size)
        if not isinstance(page.get("value"), list):
            raise _bad(call, "a page of the answer has no list of values")
        link = page.get("@odata.nextLink")
        yield page
        del page  # not to be held while the next one is read
        if not link:
            return
        if not isinstance(link, str) or visits[hash(link)] >= _VISITS:
            raise _bad(call, "the links from page to page lead in a circle")
        visits[hash(link)] += 1
        target, params = link, None
        size = size and min(size * _GROW, listing.page_size or size)


def values(client: JsonSource, call: Call, listing: Listing) -> t.Iterator[Fields]:
    """Every entry of every page."""
    for page in pages(client, call, listing):
        for entry in page["value"]:
            if isinstance(entry, dict):
                yield entry


def _page(client: JsonSource, call: Call, listing: Listing, size: int | None) -> tuple[Fields, int | None]:
    while True:
        prefer = listing.prefer if size is None else (f"odata.maxpagesize={size}", *listing.prefer)
        can_shrink = size is not None and size > 1
        policy = _IMPATIENT if can_shrink else None
        try:
            page = client.get_json(call, listing.target, params=listing.params, prefer=prefer, headers=listing.headers, policy=policy)
        except (BadAnswer, ServiceUnavailable) as error:
            if size is None or not can_shrink or not _may_be_too_heavy(error):
                raise
            size = max(1, size // _SHRINK)
        else:
            return page, size


def _may_be_too_heavy(error: GraphError) -> bool:
    return isinstance(error, BadAnswer) or error.status in (503, 504)


def _bad(call: Call, reason: str) -> BadAnswer:
    return BadAnswer(f"{call.doing} failed: {reason}.", hint="Nothing is lost: the next run tries it again.")
