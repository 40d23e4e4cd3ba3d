# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the directory is asked: one object, a few candidates, or everybody of a list, page after page.

Names from people go into filters only, as quoted strings; object ids are the keys for everything else. What is listed goes
through advanced queries, whose header every page needs (Microsoft's page on advanced query capabilities); they answer from an
index that is some seconds or minutes behind.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import re
import typing as t

from .client import GraphClient
from .directory_objects import USER_FIELDS, AdministrativeUnit, Group, User, user_from
from .errors import AccessDenied, CursorLost, NotFound, RequestRefused
from .ids import Fields
from .limits import LimitScope
from .links import graph_path
from .paging import Listing, values
from .refusals import Call
from .traffic import RequestKind

MOST_CLAUSES = 15
"""The directory refuses a filter with more comparisons joined by C(or)."""
_EVENTUAL = {"ConsistencyLevel": "eventual"}
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_WORD = re.compile(r"\w{2,}")
_PAGE_SIZE = "999"
_LISTING_ATTEMPTS = 3
"""The links from page to page may expire while a large list is read; then the listing begins anew."""


def directory_call(doing: str, permission: str, units: int = 1) -> Call:
    """``units``: what each request takes from the directory's budget, by Microsoft's page on throttling limits."""
    return Call(scope=LimitScope.directory(), kind=RequestKind.DIRECTORY, doing=doing, permission=permission, units=units)


def is_object_id(key: str) -> bool:
    return _GUID.fullmatch(key) is not None


def quoted(text: str) -> str:
    """A string for C($filter): single quotes are doubled."""
    return "'" + text.replace("'", "''") + "'"


def starts(prefix: str, *fields: str) -> str:
    """A filter for objects of which one of the fields begins so."""
    return " or ".join(f"startswith({field},{quoted(prefix)})" for field in fields)


def get_object(client: GraphClient, call: Call, path: str, fields: str) -> Fields | None:
    """One object; None when there is none."""
    try:
        return client.get_json(call, path, params={"$select": fields})
    except NotFound:
        return None


def first_page(client: GraphClient, call: Call, path: str, fields: str, filter_: str, top: int = 25) -> list[Fields]:
    """Objects that pass a filter. The first page is enough: nobody reads more candidates."""
    page = client.get_json(call, path, params={"$filter": filter_, "$select": fields, "$top": str(top)})
    return [entry for entry in page.get("value") or () if isinstance(entry, dict)]


def listed_users(client: GraphClient, call: Call, segments: t.Sequence[str], filter_: str | None = None) -> t.Iterator[User]:
    """All users of a list, each once."""
    params = {"$select": USER_FIELDS, "$count": "true", "$top": _PAGE_SIZE}
    listing = Listing(target=graph_path(*segments), params=params if filter_ is None else {"$filter": filter_, **params}, headers=_EVENTUAL)
    seen: set[str] = set()
    for attempt in range(_LISTING_ATTEMPTS):
        try:
            for fields in values(client, call, listing):
                user = user_from(fields)
                if user.id and user.id not in seen:
                    seen.add(user.id)
                    yield user
        except CursorLost:
            if attempt + 1 == _LISTING_ATTEMPTS:
                raise
        else:
            return


def prefixes(name: str) -> list[str]:
    """The name, its first word, and its first letters: from near to far."""
    name = name.strip()
    first_word = _WORD.search(name)
    candidates = [name, first_word.group() if first_word else "", name[:3]]
    return list(dict.fromkeys(candidate for candidate in candidates if len(candidate) >= 2))


_Found = t.TypeVar("_Found", User, Group, AdministrativeUnit)


def similar(filters: t.Iterable[str], search: t.Callable[[str], t.Iterable[_Found]], limit: int) -> tuple[_Found, ...]:
    """Candidates from the first filters that find some; none when they cannot be searched."""
    found: dict[str, _Found] = {}
    for filter_ in filters:
        try:
            found.update({item.id: item for item in search(filter_) if item.id not in found})
        except (AccessDenied, NotFound, RequestRefused):
            break
        if len(found) >= limit:
            break
    return tuple(found.values())[:limit]
