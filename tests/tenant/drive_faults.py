# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults of reading drives (facts H 19-41). The general ones strike drives, too, when they name their operations."""

from __future__ import annotations

import itertools
import json
import typing as t

from .call import Answer, json_bytes
from .drive_content import GeneratedContent
from .drive_delta import lost, new_round, places_of, seal_round, token_of, unseal_round, wants_sharing
from .drive_download import answer_download, expired, number_of_download
from .drive_lookup import number_of
from .drive_store import item_not_found
from .drive_view import View
from .envelope import error_answer
from .fault_effects import Effect

if t.TYPE_CHECKING:
    from .call import Call
    from .drive_delta import Round
    from .drive_store import Item
    from .drive_tree import Drive
    from .faults import Fault
    from .state import Tenant

Page = dict[str, t.Any]
_DELTA = {"operation": "drive_delta"}
_DOWNLOAD = {"operation": "drive_download"}
_HTML = b"<html><head><title>Error</title></head><body>Sorry, something went wrong</body></html>\r\n"


def drive_item_number(tenant: Tenant, call: Call) -> int | None:
    """The number of the item that a call is about; None if it is about none that is there."""
    if call.operation == "drive_download":
        return number_of_download(tenant, call)
    drive = tenant.drives.named(call)
    return None if drive is None or "item" not in call.values else number_of(drive, call)


def _cursor_lost(tenant: Tenant, call: Call, fault: Fault) -> Answer:
    """410: C(code), C(inner_code), and with C(location) (the default) a link that begins anew."""
    code = str(fault.option("code", "resyncRequired"))
    inner = fault.option("inner_code", None)
    drive = tenant.drives.drive(call)
    return error_answer(call, lost(call, drive, code, inner, location=bool(fault.option("location", True))))


def _empty_page(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    """No entries, but a nextLink with which they come."""
    page, round_ = _page(answer), _round(tenant, call)
    link = page.pop("@odata.nextLink", None) or page.pop("@odata.deltaLink")
    return _changed(answer, {**page, "@odata.nextLink": f"{link.partition('?')[0]}?token={seal_round(round_)}", "value": []})


def _replayed_round(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    """The deltaLink leads to before this round, so that the next one tells the same again."""
    page = _page(answer)
    if "@odata.deltaLink" not in page:
        return None
    base, _equals, token = page["@odata.deltaLink"].partition("token=")
    round_ = unseal_round(token)
    return _changed(answer, {**page, "@odata.deltaLink": f"{base}token={seal_round(round_._replace(until=max(1, round_.since)))}"})


def _unknown_removal(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    """A tombstone for something this client was never told of: created and deleted since it last asked."""
    drive = tenant.drives.drive(call)
    entry = {
        "id": drive.ids.item(2**40),
        "deleted": {"state": "deleted"},
        "parentReference": {"driveType": "business", "driveId": drive.id, "id": drive.ids.item(2**40 + 1), "siteId": drive.ids.site_id},
        "size": 0,
    }
    page = _page(answer)
    return _changed(answer, {**page, "value": [entry, *page["value"]]})


def _old_entry(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    """An item that a later page of this pass tells of is told here, too, under an old name and in the root."""
    page = _page(answer)
    if "@odata.nextLink" not in page:
        return None
    drive = tenant.drives.drive(call)
    round_ = unseal_round(page["@odata.nextLink"].partition("token=")[2])
    coming = (place.item for place in places_of(drive, round_, sharing=wants_sharing(call)) if place.item.content is not None)
    item = next(coming, None)
    if item is None:
        return None
    entry = View(tenant, call, drive, delta=True).item(item)
    reference = {"driveType": "business", "driveId": drive.id, "id": drive.ids.item(0), "siteId": drive.ids.site_id}
    old = {**entry, "name": f"formerly {item.name}", "parentReference": reference}
    return _changed(answer, {**page, "value": [*page["value"], old]})


def _long_page(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    """A page with C(more) entries (1,000) more than were asked for."""
    page = _page(answer)
    if "@odata.nextLink" not in page:
        return None
    drive = tenant.drives.drive(call)
    round_ = unseal_round(page["@odata.nextLink"].partition("token=")[2])
    places = list(itertools.islice(places_of(drive, round_, sharing=wants_sharing(call)), int(fault.option("more", 1000))))
    if not places:
        return None
    view = View(tenant, call, drive, delta=True)
    added = [view.tombstone(place.item) if place.item.deleted else view.item(place.item) for place in places]
    token = seal_round(round_._replace(after=places[-1].at, deletions=places[-1].deletion))
    base = page["@odata.nextLink"].partition("token=")[0]
    return _changed(answer, {**page, "@odata.nextLink": f"{base}token={token}", "value": page["value"] + added})


def _range_ignored(tenant: Tenant, call: Call, fault: Fault) -> Answer:
    """200 with the whole file, whatever range was asked for."""
    call.headers = {name: value for name, value in call.headers.items() if name != "range"}
    return answer_download(tenant, call)


def _trickle(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    """C(chunk) bytes (1024) every C(seconds) (0.05)."""
    chunk = int(fault.option("chunk", 1024))
    body = answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)
    answer.headers.setdefault("content-length", str(len(body)))
    answer.body = (body[start : start + chunk] for start in range(0, len(body), chunk))
    answer.pace = float(fault.option("seconds", 0.05))
    return answer


def _content_changes(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    """Right after this answer was made the file is another: its next part is of other bytes."""
    found = _item(tenant, call)
    if found is None or found[1].content is None:
        return None
    drive, item = found
    size = int(fault.option("size", found[1].content.size))
    drive.replace(item, GeneratedContent(item.number + item.revision * 7919, size))
    return answer


def _url_expired(tenant: Tenant, call: Call, fault: Fault) -> Answer:
    """The URL is said to be expired: C(status) (401), C(body) (empty, html, json)."""
    return expired(int(fault.option("status", 401)), str(fault.option("body", "empty")))


def _item_vanishes(tenant: Tenant, call: Call, fault: Fault) -> Answer:
    """Somebody deletes the file at that moment."""
    found = _item(tenant, call)
    if found is not None:
        found[0].delete(found[1])
    return error_answer(call, item_not_found())


def _html_body(tenant: Tenant, call: Call, fault: Fault) -> Answer:
    """200 with a page for people instead of the file."""
    return Answer(200, _HTML, {"content-type": "text/html; charset=utf-8"})


def _no_length(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    """The whole body, without saying before how long it is."""
    if isinstance(answer.body, bytes) or answer.headers.pop("content-length", None) is None:
        return None
    return answer


def _item(tenant: Tenant, call: Call) -> tuple[Drive, Item] | None:
    number, drive = drive_item_number(tenant, call), tenant.drives.named(call)
    return None if drive is None or number is None or drive.items[number].deleted else (drive, drive.items[number])


def _round(tenant: Tenant, call: Call) -> Round:
    """The round that a call began or went on with, as it was before the answer."""
    token = token_of(call)
    drive = tenant.drives.drive(call)
    return new_round(tenant, call, drive) if token is None else unseal_round(token)


def _page(answer: Answer) -> Page:
    page: Page = json.loads(answer.body) if isinstance(answer.body, bytes) else {}
    return page


def _changed(answer: Answer, page: Page) -> Answer:
    answer.body = json_bytes(page)
    return answer


DRIVE_EFFECTS: dict[str, Effect] = {
    "drive_cursor_lost": Effect(_cursor_lost, defaults={**_DELTA, "phase": "delta"}),
    "drive_empty_page": Effect(after=_empty_page, defaults=_DELTA),
    "drive_replayed_round": Effect(after=_replayed_round, defaults=_DELTA),
    "drive_unknown_removal": Effect(after=_unknown_removal, defaults=_DELTA),
    "drive_old_entry": Effect(after=_old_entry, defaults=_DELTA),
    "drive_long_page": Effect(after=_long_page, defaults=_DELTA),
    "drive_range_ignored": Effect(_range_ignored, defaults=_DOWNLOAD),
    "drive_trickle": Effect(after=_trickle, defaults=_DOWNLOAD),
    "drive_content_changes": Effect(after=_content_changes, defaults=_DOWNLOAD),
    "drive_url_expired": Effect(_url_expired, defaults=_DOWNLOAD),
    "drive_item_vanishes": Effect(_item_vanishes, defaults={"operation": ("drive_download", "drive_content")}),
    "drive_html_body": Effect(_html_body, defaults=_DOWNLOAD),
    "drive_no_length": Effect(after=_no_length, defaults=_DOWNLOAD),
}
