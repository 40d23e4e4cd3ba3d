# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delta over a drive (facts A3): the tree as it is, then what changed since, told by item and never by change.

A token holds where its round stands. An initial round walks the items by number; a later one walks the journal, deletions
first, and brings the ancestors of everything that changed along. Nothing is kept per client.
"""

from __future__ import annotations

import datetime
import itertools
import math
import typing as t

from .call import Answer, GraphError, json_answer
from .drive_lookup import item_of
from .drive_view import View, prefer_of, says_dollar
from .odata import seal, unseal

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from .call import Call
    from .drive_store import Item
    from .drive_tree import Drive
    from .state import Tenant

LARGEST_PAGE = 10_000
OLDEST_MOMENT_DAYS = 60
_SHARING = frozenset({"hierarchicalsharing", "deltashowremovedasdeleted", "deltatraversepermissiongaps", "deltashowsharingchanges"})
_MALFORMED = "Provided sync token is malformed"
JsonEntry = dict[str, t.Any]


class Round(t.NamedTuple):
    """State of a round, sealed into its links. C(since) 0 is an initial one."""

    generation: int
    since: int
    until: int
    items: int  # how many there were when the round began
    deletions: bool  # whether it still tells of deletions, which come first
    after: int  # place of the last entry told: of an initial round by number, else by version; -1 before the first
    order: str
    select: str | None
    top: int | None
    ends: bool = False  # a deltaLink: the next round begins with it


class Place(t.NamedTuple):
    """Something to tell, and where that leaves the round."""

    at: int
    deletion: bool
    item: Item


def get_delta(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../root/delta), in any spelling. Raises GraphError."""
    drive = tenant.drives.drive(call)
    if item_of(drive, call).parent is not None:
        raise GraphError(501, "notSupported", "view.delta can only be called on the root.")
    for option in ("filter", "orderby", "search"):
        if option in call.query:
            raise GraphError(400, "invalidRequest", f"Invalid request: ${option} is not supported with delta.")
    token = token_of(call)
    if token is not None and token.lower() == "latest":
        return _page(tenant, call, drive, new_round(tenant, call, drive), [], ends=True)
    round_ = new_round(tenant, call, drive) if token is None else read_round(tenant, call, drive, token)
    if round_.select is not None and "select" not in call.query:  # links keep the selection of the call that began
        call.query["select"] = round_.select.lstrip("$")
        call.values.update({"dollar": "yes"} if round_.select.startswith("$") else {})
    size = min(round_.top or tenant.settings.drive_page_size, tenant.settings.drive_page_limit or LARGEST_PAGE)
    places = list(itertools.islice(places_of(drive, round_, sharing=wants_sharing(call)), size + 1))
    return _page(tenant, call, drive, round_, places[:size], ends=len(places) <= size)


def token_of(call: Call) -> str | None:
    """The token of a delta call, from the query or from C(delta(token='...'))."""
    return call.values.get("token") or call.query.get("token") or None


def began_with_token(call: Call) -> bool:
    """Whether the round that a delta call is a page of goes on with an earlier one."""
    token = token_of(call)
    try:
        return token is not None and not (token.startswith("n") and unseal_round(token).since == 0)
    except GraphError:
        return True


def wants_sharing(call: Call) -> bool:
    """Whether permission-only changes are to be told: all four preferences, and the role that they need."""
    return prefer_of(call) >= _SHARING and "Sites.FullControl.All" in call.roles


def new_round(tenant: Tenant, call: Call, drive: Drive) -> Round:
    """The round that tells everything."""
    top = call.integer("top", 0) if "top" in call.query else None
    if top is not None and not 1 <= top <= LARGEST_PAGE:
        raise GraphError(400, "invalidRequest", "Invalid value of $top.")
    select = call.query.get("select")
    if select is not None and says_dollar(call):
        select = f"${select}"
    return Round(drive.generation, 0, drive.version, len(drive.items), False, -1, tenant.settings.drive_order, select, top)


def read_round(tenant: Tenant, call: Call, drive: Drive, token: str) -> Round:
    """The round that a token goes on with. Raises GraphError 410 for a lost one, 400 for a malformed one."""
    moment = _moment(token)
    if moment is not None:
        return _since_moment(tenant, call, drive, moment)
    round_ = unseal_round(token)
    if round_.generation < drive.oldest_generation:
        raise lost(call, drive)
    if not round_.ends:
        return round_
    since = round_.until
    return round_._replace(since=since, until=drive.version, items=len(drive.items), deletions=True, after=since, ends=False)


def seal_round(round_: Round) -> str:
    return ("d" if round_.ends else "n") + seal({"r": round_})


def unseal_round(token: str) -> Round:
    """The round behind a token. Raises GraphError 400."""
    try:
        return Round(*unseal(token[1:])["r"])
    except (GraphError, TypeError, KeyError):
        raise GraphError(400, "invalidRequest", _MALFORMED) from None


def lost(call: Call, drive: Drive, code: str = "resyncRequired", inner: str | None = None, *, location: bool = True) -> GraphError:
    """The 410 of a lost token, with a link that begins anew."""
    headers = {"location": f"{call.root}/drives/{drive.id}/root/delta?token="} if location else {}
    text = "Resync required. Replace any local items with the server's version (including deletes)."
    return GraphError(410, code, text, headers=headers, inner={"code": inner} if inner else None)


def places_of(drive: Drive, round_: Round, *, sharing: bool) -> Iterator[Place]:
    """What this round still has to tell, in its order."""
    if not round_.since:
        yield from _everything(drive, round_)
        return
    deletions = round_.deletions
    after = round_.after
    for wanted in (True, False) if deletions else (False,):
        for version in range(after + 1, round_.until + 1):
            item = drive.items[drive.journal[version - 1]]
            told = item.changed == version or (
                sharing and item.details is not None and item.details.sharing_changed == version and item.changed <= round_.since
            )
            if told and item.deleted is wanted:
                yield Place(version, wanted, item)
        after = round_.since


def _everything(drive: Drive, round_: Round) -> Iterator[Place]:
    count = round_.items
    step = _stride(count) if round_.order == "mixed" else 1
    for place in range(round_.after + 1, count):
        number = (place * step) % count
        item = drive.items[count - 1 - number if round_.order == "children_first" else number]
        if not item.deleted:
            yield Place(place, False, item)


def _page(tenant: Tenant, call: Call, drive: Drive, round_: Round, places: list[Place], *, ends: bool) -> Answer:
    view = View(tenant, call, drive, delta=True)
    sharing = wants_sharing(call)
    path = f"{call.root}/drives/{drive.id}/root/delta?token="
    body: JsonEntry = {"@odata.context": f"{call.root}/$metadata#Collection(driveItem)"}
    if ends:
        body["@odata.deltaLink"] = path + seal_round(round_._replace(ends=True))
    else:
        last = places[-1]
        body["@odata.nextLink"] = path + seal_round(round_._replace(after=last.at, deletions=last.deletion))
    entries: list[JsonEntry] = []
    for item in _with_ancestors(drive, round_, places):
        entry = view.tombstone(item) if item.deleted else view.item(item)
        if sharing and item.details is not None and item.details.sharing_changed > round_.since > 0:
            entry["@microsoft.graph.sharedChanged"] = "True"
        entries.append(entry)
    body["value"] = entries
    return json_answer(body)


def _with_ancestors(drive: Drive, round_: Round, places: list[Place]) -> list[Item]:
    """The items of a page, each once: deletions, then the rest with what lies above it."""
    shown: dict[int, Item] = {place.item.number: place.item for place in places if place.item.deleted}
    living = [place.item for place in places if not place.item.deleted]
    if not round_.since:
        early = round_.order == "parents_first"
        for item in living:
            for above in reversed(drive.ancestors(item)) if early else ():
                if above.number > item.number:  # a folder younger than what was moved into it
                    shown.setdefault(above.number, above)
            shown.setdefault(item.number, item)
        return list(shown.values())
    if living or not shown:
        shown.setdefault(drive.root.number, drive.root)
    for item in living:
        for one in (*reversed(drive.ancestors(item)), item):
            shown.setdefault(one.number, one)
    found = list(shown.values())
    ordered = [item for item in found if not item.deleted]
    if round_.order == "children_first":
        ordered.reverse()
    if round_.order == "mixed":
        step = _stride(len(ordered))
        ordered = [ordered[place * step % len(ordered)] for place in range(len(ordered))]
    return [*(item for item in found if item.deleted), *ordered]


def _stride(count: int) -> int:
    """A step that visits every number below C(count) once, in no order that anybody would expect."""
    step = max(1, int(count * 0.618))
    while math.gcd(step, count) != 1:
        step += 1
    return step


def _moment(token: str) -> datetime.datetime | None:
    try:
        moment = datetime.datetime.fromisoformat(token.replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=datetime.timezone.utc)


def _since_moment(tenant: Tenant, call: Call, drive: Drive, moment: datetime.datetime) -> Round:
    """Changes since a moment of the last 60 days. Raises GraphError 410."""
    if moment.timestamp() < drive.now() - OLDEST_MOMENT_DAYS * 86400:
        raise lost(call, drive)
    fresh = new_round(tenant, call, drive)
    since = max(1, drive.version_at(moment.timestamp()))
    return fresh._replace(since=since, deletions=True, after=since)
