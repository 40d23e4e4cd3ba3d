# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Upload sessions of drives: opened at Graph, filled on SharePoint's host without a token (facts A8, H.45-50).

An open session holds its name: nobody else can open one for it until it is cancelled, finished, or has expired.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
import secrets
import time
import typing as t
from urllib.parse import parse_qsl, urlsplit

from .call import Answer, GraphError, json_answer
from .drive_content import MemoryContent
from .drive_lookup import item_of, target_of
from .drive_names import name_taken, refuse_name
from .drive_puts import Times, conflict_of, put_file, refuse_change, refuse_mismatch, refuse_over_quota, times_of
from .drive_store import ROOT, folded, item_not_found
from .drive_writes import item_answer
from .hosts import DRIVE_HOSTS
from .routing import Route

if t.TYPE_CHECKING:
    from .call import Call
    from .drive_content import Content, Growing
    from .drive_store import Item
    from .drive_tree import Drive
    from .state import Tenant

PIECE_UNIT = 320 * 1024
LARGEST_PIECE = 60 * 1024 * 1024
LARGEST_FILE = 250 * 1024**3
_KEPT_IN_MEMORY = 16 * 1024
_RANGE = re.compile(r"^bytes (\d+)-(\d+)/(\d+)$")
_OPERATIONS = {"PUT": "drive_upload_part", "GET": "drive_upload_status", "DELETE": "drive_upload_cancel", "POST": "drive_upload_commit"}
# Of Business only those; fileSize and description are for personal drives.
_ITEM_KEYS = frozenset({"@odata.type", "@microsoft.graph.conflictBehavior", "@name.conflictBehavior", "name", "fileSystemInfo"})


@dataclasses.dataclass(slots=True, eq=False)
class DriveUpload:
    """A session: where its file is to go, and what has come of it."""

    number: str
    token: str
    client_id: str
    drive: Drive
    parent: Item
    name: str
    conflict: str
    times: Times
    deferred: bool
    expires_at: float
    growing: Growing
    total: int | None = None
    content: Content | None = None
    uneven: bool = False  # a piece before the last one was not a multiple of 320 KiB: it cannot be put together


class DriveUploads:
    """Open sessions by their number in the URL."""

    def __init__(self) -> None:
        self.open: dict[str, DriveUpload] = {}

    def holder(self, drive: Drive, parent: Item, name: str) -> DriveUpload | None:
        """The session that holds a name."""
        for upload in self.open.values():
            if upload.drive is drive and upload.parent is parent and folded(upload.name) == folded(name):
                return upload
        return None

    def drop(self, upload: DriveUpload) -> None:
        """Ends a session without a file."""
        self.open.pop(upload.number, None)
        upload.growing.drop()

    def drop_expired(self) -> None:
        for upload in [one for one in self.open.values() if one.expires_at <= time.time()]:
            self.drop(upload)


def create_session(tenant: Tenant, call: Call) -> Answer:
    """C(POST .../{parent}:/{name}:/createUploadSession), or of an item that is to be replaced."""
    drive = tenant.drives.drive(call)
    body = call.json()
    wanted = body.get("item") or {}
    unknown = set(wanted) - _ITEM_KEYS
    if unknown:
        raise GraphError(400, "invalidRequest", f"The property '{min(unknown)}' is not supported for this drive.")
    parent, name = _target(drive, call)
    if wanted.get("name") not in (None, name):
        raise GraphError(400, "invalidRequest", "The name in the URL does not match the name in the request body.")
    refuse_name(drive, parent, name)
    taken = drive.child(parent, name)
    refuse_mismatch(call, drive, taken)
    conflict = conflict_of(wanted, None, "replace")  # documented as fail, but clients overwrite without a word
    tenant.drive_uploads.drop_expired()
    if tenant.drive_uploads.holder(drive, parent, name) is not None:
        raise name_taken()
    if taken is not None:
        if conflict == "fail" and not tenant.settings.drive_late_conflicts:
            raise name_taken()
        if conflict == "replace":
            refuse_change(taken, "isContentUpdateAllowed")
    expires = time.time() + tenant.settings.drive_upload_seconds
    upload = DriveUpload(
        secrets.token_hex(16),
        secrets.token_urlsafe(24),
        call.client_id,
        drive,
        parent,
        name,
        conflict,
        times_of(wanted.get("fileSystemInfo")),
        bool(body.get("deferCommit", False)),
        expires,
        tenant.drives.spool.open(),
    )
    tenant.drive_uploads.open[upload.number] = upload
    host = DRIVE_HOSTS.get(call.host, "contoso-my.sharepoint.com")
    place = f"drives/{drive.id}/items/{drive.ids.item(parent.number)}"
    url = f"https://{host}/personal/{tenant.drives.site_name(drive.owner_id)}/_api/v2.0/{place}/uploadSession"
    options = f"guid='{upload.number}'&overwrite={conflict == 'replace'}&rename={conflict == 'rename'}&dc=0&tempauth={upload.token}"
    told = {
        "@odata.context": f"{call.root}/$metadata#microsoft.graph.uploadSession",
        "uploadUrl": f"{url}?{options}",
        **_progress(upload),
    }
    return json_answer(told)


def find_upload(tenant: Tenant, call: Call) -> tuple[Route, str, str | None]:
    """(route, app, owner) of a request on an upload URL. Raises GraphError 401, 404, 405."""
    if "authorization" in call.headers and tenant.settings.drive_refuses_token:
        raise GraphError(401, "unauthenticated", "The caller is not authenticated.")
    if call.method not in _OPERATIONS:
        raise GraphError(405, "invalidRequest", "The HTTP method is not supported here.")
    upload = session_at(tenant, call.query)
    call.values["upload"] = upload.number
    return Route(_OPERATIONS[call.method], answer_upload, frozenset(), "drive"), upload.client_id, upload.drive.owner_id


def session_at(tenant: Tenant, query: t.Mapping[str, str]) -> DriveUpload:
    """The living session that the query of an upload URL names. Raises GraphError 404."""
    tenant.drive_uploads.drop_expired()
    upload = tenant.drive_uploads.open.get(query.get("guid", "").strip("'"))
    if upload is None or upload.token != query.get("tempauth"):
        raise session_not_found()
    return upload


def session_not_found() -> GraphError:
    return GraphError(404, "itemNotFound", "The upload session was not found", inner={"code": "uploadSessionNotFound"})


def answer_upload(tenant: Tenant, call: Call) -> Answer:
    """GET, PUT, DELETE and POST (the commit of a deferred one) on an upload URL."""
    upload = tenant.drive_uploads.open.get(call.values["upload"])
    if upload is None:
        raise session_not_found()
    tenant.drives.refuse_in_shape(upload.drive.owner_id)
    if call.method == "DELETE":
        tenant.drive_uploads.drop(upload)
        return Answer(204)
    if call.method == "PUT":
        return _take(tenant, call, upload)
    if call.method == "POST":
        if upload.total is None or upload.growing.size < upload.total:
            raise GraphError(400, "invalidRequest", "The upload session is not complete.", inner={"code": "uploadSessionIncomplete"})
        return _commit(tenant, call, upload)
    return json_answer(_progress(upload))


def commit_elsewhere(tenant: Tenant, call: Call) -> Answer:
    """C(PUT) of an item with C(@microsoft.graph.sourceUrl): a session whose name is taken ends under another one."""
    drive = tenant.drives.drive(call)
    body = call.json()
    source = body.get("@microsoft.graph.sourceUrl")
    if not isinstance(source, str):
        raise GraphError(400, "invalidRequest", "The source URL is missing.")
    upload = session_at(tenant, dict(parse_qsl(urlsplit(source).query)))
    if upload.drive is not drive or upload.total is None or upload.growing.size < upload.total:
        raise GraphError(400, "invalidRequest", "The upload session is not complete.", inner={"code": "uploadSessionIncomplete"})
    if body.get("name") is None:
        upload.parent, upload.name = target_of(drive, call)
    else:
        upload.parent, upload.name = item_of(drive, call), str(body["name"])
    upload.conflict = conflict_of(body, None, "fail")
    return _commit(tenant, call, upload)


def _target(drive: Drive, call: Call) -> tuple[Item, str]:
    if "at" in call.values:
        return target_of(drive, call)
    item = item_of(drive, call)
    if item.content is None:
        raise GraphError(400, "invalidRequest", "File name not provided in url.")
    return drive.items[item.parent or ROOT], item.name


def _take(tenant: Tenant, call: Call, upload: DriveUpload) -> Answer:
    match = _RANGE.match(call.headers.get("content-range", ""))
    if match is None:
        raise GraphError(400, "invalidRequest", "The Content-Range header length does not match the provided number of bytes.")
    start, end, total = (int(text) for text in match.groups())
    size, here = len(call.body), upload.growing.size
    if size > LARGEST_PIECE - 1:
        raise GraphError(413, "invalidRequest", "The fragment is too large.", inner={"code": "maxFragmentLengthExceeded"})
    if end - start + 1 != size or end >= total or upload.total not in (None, total):
        text = "The Content-Range header length does not match the provided number of bytes."
        raise GraphError(400, "invalidRequest", text, inner={"code": "fragmentLengthMismatch"})
    if total > LARGEST_FILE:
        raise GraphError(413, "invalidRequest", "The file is too large.", inner={"code": "maxFileSizeExceeded"})
    if start != here:
        inner = "fragmentOverlap" if start < here else "fragmentOutOfOrder"
        raise GraphError(416, "invalidRange", "The uploaded fragment has already been received or is out of order.", inner={"code": inner})
    refuse_over_quota(upload.drive, total)
    upload.total = total
    upload.growing.append(call.body)
    upload.expires_at = time.time() + tenant.settings.drive_upload_seconds
    if upload.growing.size < total:
        upload.uneven = upload.uneven or size % PIECE_UNIT != 0
        return json_answer(_progress(upload), 202)
    return json_answer(_progress(upload), 202) if upload.deferred else _commit(tenant, call, upload)


def _commit(tenant: Tenant, call: Call, upload: DriveUpload) -> Answer:
    """The file. What cannot be made of it leaves the session open: it can be committed elsewhere, or is cancelled."""
    drive = upload.drive
    if upload.uneven:
        tenant.drive_uploads.drop(upload)
        raise GraphError(400, "invalidRequest", "The file could not be put together.", inner={"code": "fragmentRowCountCheckFailed"})
    if upload.parent.deleted:
        raise item_not_found()
    item, new = put_file(tenant, call, drive, upload.parent, upload.name, _content(upload), upload.conflict, upload.times)
    del tenant.drive_uploads.open[upload.number]
    return item_answer(tenant, call, drive, item, 201 if new else 200)


def _content(upload: DriveUpload) -> Content:
    """The whole file; the same at a second attempt."""
    if upload.content is None:
        whole = upload.growing.finish()
        upload.content = MemoryContent(whole.read(0, whole.size)) if whole.size <= _KEPT_IN_MEMORY else whole
    return upload.content


def _progress(upload: DriveUpload) -> dict[str, t.Any]:
    moment = datetime.datetime.fromtimestamp(upload.expires_at, datetime.timezone.utc)
    done = upload.total is not None and upload.growing.size == upload.total
    ranges = [] if done else [f"{upload.growing.size}-"]
    return {"expirationDateTime": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "nextExpectedRanges": ranges}
