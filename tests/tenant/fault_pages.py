# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults inside JSON answers: what real delta and list pages were seen to do."""

from __future__ import annotations

import json
import typing as t
from urllib.parse import urlsplit

from .call import Answer, GraphError, json_bytes
from .delta import read_round, seal_round, unseal_round

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from .call import Call
    from .faults import Fault
    from .state import Tenant

Page = dict[str, t.Any]


def in_chunks(body: bytes, size: int = 16 * 1024) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def truncate_json(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    """200 whose JSON stops right after C("value":[); with C(match.message) only pages that list this message."""
    page = _page(answer)
    if page is None or not isinstance(answer.body, bytes):
        return None
    if fault.messages is not None and not fault.messages & _listed(tenant, call, page):
        return None
    position = answer.body.find(b'"value":[')
    answer.body = answer.body[: position + len(b'"value":[')]
    return answer


def control_characters(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    """A raw control character inside a string of the JSON."""
    if answer.status >= 300 or not isinstance(answer.body, bytes) or b'"subject":"' not in answer.body:
        return None
    answer.body = answer.body.replace(b'"subject":"', b'"subject":"\x0b', 1)
    return answer


def duplicate_entries(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    """Every entry twice: once in place, once more at the end of the page."""
    return _change(answer, lambda page: page.update(value=page["value"] + page["value"]))


def reorder_entries(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    return _change(answer, lambda page: page.update(value=tenant.faults.shuffled(page["value"])))


def partial_entries(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    """Entries with id, read mark and folder only, as after a change of the read mark."""

    def strip(entry: Page) -> Page:
        return (
            entry
            if "@removed" in entry
            else {name: value for name, value in entry.items() if name in ("@odata.type", "@odata.etag", "id", "isRead", "parentFolderId")}
        )

    return _change(answer, lambda page: page.update(value=[strip(entry) for entry in page["value"]]))


def lost_entries(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    """A page of a plain list whose entries have shifted to a page that was read before."""
    return _change(answer, lambda page: page.update(value=[]))


def string_booleans(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    """C("isRead":"true") instead of C(true)."""

    def spell(entry: Page) -> Page:
        return {name: str(value).lower() if isinstance(value, bool) else value for name, value in entry.items()}

    return _change(answer, lambda page: page.update(value=[spell(entry) for entry in page["value"]]))


def unknown_removal(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    """A removal of something this client was never told of; C(reason) is deleted or changed."""
    mailbox = tenant.mailbox(call)
    stranger = mailbox.ids.folder(2**40) if call.operation.endswith(("folders_delta", "lists_delta")) else mailbox.ids.immutable(2**40)
    entry = {"id": stranger, "@removed": {"reason": fault.option("reason", "deleted")}}
    return _change(answer, lambda page: page["value"].insert(0, entry))


def empty_page(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    """No entries and a nextLink: the entries come with that link."""
    round_ = read_round(call, tenant.mailbox(call))

    def empty(page: Page) -> None:
        here = (page.pop("@odata.nextLink", None) or page.pop("@odata.deltaLink")).partition("?")[0]
        page["value"] = []
        page["@odata.nextLink"] = f"{here}?$skiptoken={seal_round(round_)}"

    return _change(answer, empty)


def replayed_round(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    """The deltaLink leads to before this round, so that the next round tells everything again."""
    page = _page(answer)
    if page is None or "@odata.deltaLink" not in page:
        return None
    base, _equals, token = page["@odata.deltaLink"].partition("$deltatoken=")
    round_ = unseal_round(token)
    page["@odata.deltaLink"] = f"{base}$deltatoken={seal_round(round_._replace(until=max(1, round_.since)))}"
    answer.body = json_bytes(page)
    return answer


def foreign_link(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    """Links lead to another host, where no token must ever go."""
    host = str(fault.option("host", "graph.microsoft.com.attacker.example"))

    def redirect(page: Page) -> None:
        for name in ("@odata.nextLink", "@odata.deltaLink"):
            if name in page:
                page[name] = urlsplit(page[name])._replace(netloc=host).geturl()

    page = _page(answer)
    if page is None or not {"@odata.nextLink", "@odata.deltaLink"} & set(page):
        return None
    return _change(answer, redirect)


def limited_members(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    """Members as an app without permission for their type sees them: type and id, all else null."""

    def limit(entry: Page) -> Page:
        return {name: value if name in ("@odata.type", "id") else None for name, value in entry.items()}

    return _change(answer, lambda page: page.update(value=[limit(entry) for entry in page["value"]]))


def empty_members(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    """A group that suddenly looks empty."""
    return _change(answer, lambda page: (page.pop("@odata.nextLink", None), page.update(value=[])))


def _change(answer: Answer, change: t.Callable[[Page], object]) -> Answer | None:
    page = _page(answer)
    if page is None:
        return None
    change(page)
    answer.body = json_bytes(page)
    return answer


def _page(answer: Answer) -> Page | None:
    if answer.status != 200 or not isinstance(answer.body, bytes) or not answer.body.startswith(b"{"):
        return None
    try:
        page = json.loads(answer.body)
    except ValueError:  # another fault has cut it off
        return None
    return page if isinstance(page, dict) and isinstance(page.get("value"), list) else None


def _listed(tenant: Tenant, call: Call, page: Page) -> set[int]:
    """Numbers of the messages in a page."""
    mailbox = tenant.mailbox(call)
    numbers: set[int] = set()
    for entry in page["value"]:
        try:
            numbers.add(mailbox.item_number(entry["id"]))
        except GraphError:
            continue
    return numbers
