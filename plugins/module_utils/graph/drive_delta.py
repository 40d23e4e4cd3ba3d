# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes of a whole drive since a cursor.

Facts of the protocol (onedrive facts, A3): a pass names the latest state only; an item may come several times, and the last
time counts; parents come along unchanged; a renamed or moved folder comes alone; the order means nothing; tombstones have
no name. Entries come with an address to download from as long as nobody selects properties. A page in the middle of a pass
may be missing for a while. Changes of permissions show only to who sends all of the Prefer tokens of Microsoft's scan guidance.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .client import GraphClient
from .delta import Changed, Page, Removed, cursor_of, entries
from .drive_paths import READ_PERMISSION, SHARING_PERMISSION, drive_path
from .errors import NotFound, ServiceUnavailable
from .ids import Cursor, DriveId, Fields
from .limits import LimitScope
from .paging import Listing, pages
from .refusals import Call
from .resource_units import MANY_ITEMS, ONE_ITEM
from .retry import RetryPolicy
from .traffic import RequestKind

_PAGE = 1000
#: With this one, what is shared says so only where it is shared, and not everything below.
_PREFER = ("hierarchicalsharing",)
_PREFER_PERMISSIONS = (*_PREFER, "deltashowremovedasdeleted", "deltatraversepermissiongaps", "deltashowsharingchanges")


def drive_changes(client: GraphClient, drive_id: DriveId, cursor: Cursor | None, *, permissions: bool) -> t.Iterator[Page]:
    """All pages since ``cursor``, or everything there is without one. C(permissions): say of items, too, whose permissions changed.

    :raises CursorLost: at any page; what was yielded before is void.
    :raises NotFound: the drive is gone; ServiceUnavailable: only a page in the middle is.
    :raises DriveLocked: nobody is let in.
    :raises LinkRefused: a link leads elsewhere.
    :raises BadAnswer: the pass ended without a cursor.
    """
    call = Call(
        scope=LimitScope.drives(),
        kind=RequestKind.DELTA,
        doing=f"Asking for changed files of drive {drive_id}",
        permission=SHARING_PERMISSION if permissions else READ_PERMISSION,
        units=MANY_ITEMS if cursor is None else ONE_ITEM,
    )
    first = Listing(
        target=cursor or drive_path(drive_id, "root", "delta"),
        params={"$top": str(_PAGE)} if cursor is None else None,
        prefer=_PREFER_PERMISSIONS if permissions else _PREFER,
    )
    for page in pages(_PatientPages(client, first.target), call, first):
        following = cursor_of(client, call, page)
        changed = tuple(_entry(entry) for entry in entries(page, call))
        del page  # a thousand entries take 10 MB, and are not to be held while the next ones are read
        yield Page(changed, following)
        del changed


class _PatientPages:
    """Gives JSON as the client does, and waits a little for pages that are said not to exist; the first one may be gone."""

    def __init__(self, client: GraphClient, first: str) -> None:
        self._client = client
        self._first = first

    def get_json(
        self,
        call: Call,
        path_or_link: str,
        *,
        params: t.Mapping[str, str] | None = None,
        prefer: t.Sequence[str] = (),
        headers: t.Mapping[str, str] | None = None,
        policy: RetryPolicy | None = None,
    ) -> Fields:
        if path_or_link == self._first:
            return self._client.get_json(call, path_or_link, params=params, prefer=prefer, headers=headers, policy=policy)
        patient = dataclasses.replace(call, is_fresh=True)
        try:
            return self._client.get_json(patient, path_or_link, params=params, prefer=prefer, headers=headers, policy=policy)
        except NotFound as error:
            # The drive was there a moment ago: this says nothing of it.
            raise ServiceUnavailable(
                error.what,
                hint="Nothing is lost: the next run tries it again.",
                status=error.status,
                code=error.code,
                request_id=error.request_id,
                method=error.method,
                path=error.path,
            ) from None


def _entry(entry: Changed | Removed) -> Changed | Removed:
    """Drives say in their own way that an item is removed: nothing else of such an entry means anything."""
    if isinstance(entry, Removed):
        return entry
    deleted = entry.fields.get("deleted")
    if deleted is None:
        return entry
    state = deleted.get("state") if isinstance(deleted, dict) else None
    return Removed(entry.id, str(state or "deleted"))
