# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bytes of files: C(/content) leads to a pre-authenticated URL on SharePoint's host, which serves them (facts A5)."""

from __future__ import annotations

import email.utils
import re
import typing as t
from urllib.parse import quote

from .call import Answer, GraphError, json_answer
from .drive_lookup import item_of
from .drive_store import item_not_found
from .drive_urls import download_url, open_ticket
from .drive_view import etag_of, mime_of

if t.TYPE_CHECKING:
    from .call import Call
    from .drive_content import Content
    from .drive_store import Item
    from .drive_tree import Drive
    from .state import Tenant

_RANGE = re.compile(r"^bytes=(\d*)-(\d*)$")
_HTML = (
    b"<html><head><title>401 UNAUTHORIZED</title></head><body><h2>Access to this resource requires you to sign in.</h2></body></html>\r\n"
)


def get_content(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../content): 302, or the bytes themselves where C(drive_content_direct) is set."""
    drive = tenant.drives.drive(call)
    item = item_of(drive, call)
    refuse_content(call, item)
    if etag_of(drive, item) in call.headers.get("if-none-match", ""):
        return Answer(304)
    if tenant.settings.drive_content_direct:
        return file_answer(call, drive, item)
    return content_redirect(tenant, call, drive, item)


def get_content_stream(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../contentStream) of beta: the bytes, with the token and with ranges."""
    if call.version != "beta":
        raise GraphError(400, "BadRequest", "Resource not found for the segment 'contentStream'.")
    drive = tenant.drives.drive(call)
    item = item_of(drive, call)
    refuse_content(call, item)
    return file_answer(call, drive, item)


def content_redirect(tenant: Tenant, call: Call, drive: Drive, item: Item, version: int = 0) -> Answer:
    """302 without a body; C(version) 0 is the current one."""
    override = "&AVOverride=1" if call.query.get("avoverride") == "1" else ""
    return Answer(302, b"", {"location": download_url(tenant, call, drive, item, version) + override, "content-type": "text/plain"})


def refuse_content(call: Call, item: Item) -> None:
    """Raises the GraphError of what has no bytes, or does not give them."""
    if item.content is None:
        raise GraphError(400, "invalidRequest", "You cannot get content for a folder.")
    details = item.details
    if details is None:
        return
    if details.unavailable is not None:
        raise GraphError(details.unavailable, "serviceNotAvailable", "The service is not available. Try the request again after a delay.")
    if details.malware == "refuse" and call.query.get("avoverride") != "1":
        raise GraphError(403, "malwareDetected", "Malware detected", inner={"code": "virusSuspicious"})


def begin_download(tenant: Tenant, call: Call) -> tuple[str, str | None]:
    """(app, owner) for whom a pre-authenticated URL was made, while it is good; ("", None) otherwise."""
    ticket = open_ticket(tenant, call.query.get("tempauth", ""))
    if ticket is None:
        return "", None
    call.values["drive"] = ticket.drive_id
    return ticket.client_id, tenant.drives.owner_of(call)


def answer_download(tenant: Tenant, call: Call) -> Answer:
    """C(GET /personal/.../download.aspx?UniqueId=...&tempauth=...) on SharePoint's host. Raises GraphError."""
    if "authorization" in call.headers and tenant.settings.drive_refuses_token:
        return expired(401, "empty")
    ticket = open_ticket(tenant, call.query.get("tempauth", ""))
    if ticket is None:
        return expired(tenant.settings.expired_url_status, tenant.settings.expired_url_body)
    drive = tenant.drives.by_id(ticket.drive_id)
    item = drive.items[ticket.number]
    if item.deleted:
        raise item_not_found()
    refuse_content(call, item)
    if ticket.version:
        for version in item.details.versions if item.details is not None else ():
            if version.number == ticket.version:
                return _whole_or_part(call, version.content, "", _headers(item, ""))
        raise item_not_found()
    return file_answer(call, drive, item)


def number_of_download(tenant: Tenant, call: Call) -> int | None:
    """The number of the item that a pre-authenticated URL is for. For faults."""
    ticket = open_ticket(tenant, call.query.get("tempauth", ""))
    return None if ticket is None else ticket.number


def expired(status: int, body: str) -> Answer:
    """The end of a URL's life: C(body) is empty, html or json."""
    if body == "json":
        answer = json_answer({"error": {"code": "unauthenticated", "message": "The access token is expired."}}, status)
        answer.code = "unauthenticated"
        return answer
    return Answer(status, _HTML if body == "html" else b"", {"content-type": "text/html"}, code=str(status))


def file_answer(call: Call, drive: Drive, item: Item) -> Answer:
    """The current bytes of a file, or the part that is asked for."""
    if item.content is None:
        raise item_not_found()
    etag = etag_of(drive, item)
    if "if-match" in call.headers and etag not in call.headers["if-match"]:
        raise GraphError(412, "resourceModified", "ETag does not match current item's value")
    if etag in call.headers.get("if-none-match", ""):
        return Answer(304, b"", {"etag": etag})
    return _whole_or_part(call, item.content, etag, _headers(item, etag))


def _headers(item: Item, etag: str) -> dict[str, str]:
    headers = {
        "content-type": mime_of(item),
        "content-disposition": f"attachment;filename*=UTF-8''{quote(item.name, safe='')}",
        "accept-ranges": "bytes",
        "last-modified": email.utils.formatdate(item.modified, usegmt=True),
    }
    if etag:
        headers["etag"] = etag
    if item.details is not None and item.details.malware == "header":
        headers["x-virus-infected"] = "true"
    return headers


def _whole_or_part(call: Call, content: Content, etag: str, headers: dict[str, str]) -> Answer:
    size = content.size
    part = _range_of(call, size, etag)
    if part is None:
        return Answer(200, content.chunks(), {**headers, "content-length": str(size)})
    start, end = part
    if start >= size or start >= end:
        return Answer(416, b"", {**headers, "content-range": f"bytes */{size}"}, code="416")
    told = {"content-range": f"bytes {start}-{end - 1}/{size}", "content-length": str(end - start)}
    return Answer(206, content.chunks(start, end), {**headers, **told})


def _range_of(call: Call, size: int, etag: str) -> tuple[int, int] | None:
    """(start, end) of the one range that is asked for; None for the whole."""
    match = _RANGE.match(call.headers.get("range", ""))
    if match is None or ("if-range" in call.headers and call.headers["if-range"] != etag):
        return None
    first, last = match.groups()
    if not first:
        return (max(0, size - int(last)), size) if last else None
    return int(first), min(size, int(last) + 1) if last else size
