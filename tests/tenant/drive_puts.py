# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What comes of bytes that are put under a name: a new file, a new version, another name, or a refusal (facts A8, H.18, 49, 52, 55)."""

from __future__ import annotations

import dataclasses
import datetime
import re
import typing as t

from .call import GraphError
from .drive_content import MemoryContent, SplicedContent
from .drive_names import free_name, name_taken, refuse_name
from .drive_store import Identity
from .drive_view import etag_of, tag

if t.TYPE_CHECKING:
    from .call import Call
    from .drive_content import Content
    from .drive_store import Item
    from .drive_tree import Drive
    from .state import Tenant

Json = dict[str, t.Any]
_OFFICE = (".docx", ".docm", ".dotx", ".xlsx", ".xlsm", ".pptx", ".pptm", ".ppsx")
_END_OF_ZIP = b"PK\x05\x06"
_END_SIZE = 22
_PROMOTED = b'<SharePoint DocumentLibraryProperties ContentTypeId="0x010100" Promoted="true"/>'
_FRACTION = re.compile(r"\.\d+")  # of a second: dropped here, and of any length
_CONFLICTS = frozenset({"fail", "replace", "rename"})


@dataclasses.dataclass(frozen=True, slots=True)
class Times:
    """C(fileSystemInfo), in seconds since 1970; None where it says nothing."""

    created: int | None = None
    modified: int | None = None


def put_file(
    tenant: Tenant, call: Call, drive: Drive, parent: Item, name: str, content: Content, conflict: str, times: Times
) -> tuple[Item, bool]:
    """(the file, whether it is new). Raises GraphError."""
    refuse_name(drive, parent, name)
    taken = drive.child(parent, name)
    refuse_over_quota(drive, content.size)
    content = enriched(tenant, name, content)
    if taken is not None and conflict == "rename":
        name, taken = free_name(drive, parent, name), None
    if taken is None:
        return drive.add(parent, name, content=content, by=author_of(tenant, call), created=times.created, modified=times.modified), True
    if conflict == "fail" or taken.content is None:
        raise name_taken()
    replace_file(tenant, call, drive, taken, content, times)
    return taken, False


def replace_file(tenant: Tenant, call: Call, drive: Drive, item: Item, content: Content, times: Times) -> None:
    """A new version. Raises GraphError."""
    refuse_change(item, "isContentUpdateAllowed")
    refuse_over_quota(drive, content.size)
    drive.replace(item, content, by=author_of(tenant, call), modified=times.modified)
    if times.created is not None:
        item.client_created = times.created


def refuse_over_quota(drive: Drive, size: int) -> None:
    """Raises GraphError 507."""
    if drive.used + size > drive.quota:
        raise GraphError(507, "quotaLimitReached", "Insufficient Space Available", inner={"code": "quotaLimitReached"})


def refuse_change(item: Item, needed: str) -> None:
    """Raises GraphError 423 for a locked item, 403 for one whose label forbids it; C(needed) is the name of a retention setting."""
    details = item.details
    if details is None:
        return
    if details.locked is not None:
        raise GraphError(423, "resourceLocked", "The resource you are attempting to access is locked", inner={"code": "resourceLocked"})
    if details.label is not None and not details.label["retentionSettings"].get(needed, True):
        raise GraphError(403, "accessDenied", "The item is under a retention label that does not allow this operation.")


def refuse_mismatch(call: Call, drive: Drive, item: Item | None) -> None:
    """Raises GraphError 412 where C(If-Match) or C(If-None-Match) say so; both take the eTag or the cTag."""
    tags: list[str] = []
    if item is not None:
        tags = [etag_of(drive, item), tag("c:{" + str(drive.ids.guid(item.number)).upper() + "}," + str(item.ctag))]
    wanted, unwanted = call.headers.get("if-match"), call.headers.get("if-none-match")
    matches = wanted is None or wanted == "*" or any(one in wanted for one in tags)
    if not matches or (unwanted is not None and (any(one in unwanted for one in tags) or (unwanted == "*" and item is not None))):
        raise GraphError(412, "resourceModified", "ETag does not match current item's value")


def conflict_of(body: Json, query: str | None, default: str) -> str:
    """What is to happen with a taken name: as an annotation of the body, or C(query). Raises GraphError 400."""
    # rclone writes @name.conflictBehavior, which the service takes, too.
    wanted = body.get("@microsoft.graph.conflictBehavior", body.get("@name.conflictBehavior", query)) or default
    if wanted not in _CONFLICTS:
        raise GraphError(400, "invalidRequest", f"Invalid value for the conflict behavior: {wanted}.")
    return str(wanted)


def times_of(info: t.Any) -> Times:
    """C(fileSystemInfo), cut to whole seconds as Business keeps it. Raises GraphError 400."""
    if info is None:
        return Times()
    if not isinstance(info, dict):
        raise GraphError(400, "invalidRequest", "Invalid value for fileSystemInfo.")
    return Times(_moment(info.get("createdDateTime")), _moment(info.get("lastModifiedDateTime")))


def author_of(tenant: Tenant, call: Call) -> Identity:
    """Who an app's changes are made by: nobody can be set, it is the app; a signed-in user is that user."""
    if call.user_id:
        return tenant.drives.identity(call.user_id)
    return Identity("application", call.client_id, "SharePoint App")


def enriched(tenant: Tenant, name: str, content: Content) -> Content:
    """What SharePoint makes of Office files where C(drive_enriches) is set: the library's properties go into them."""
    if not tenant.settings.drive_enriches or not name.lower().endswith(_OFFICE) or not content.size:
        return content
    end = content.read(max(0, content.size - _END_SIZE), content.size)
    if end.startswith(_END_OF_ZIP) and end.endswith(b"\0\0"):  # a ZIP without a comment gets one, and stays a ZIP
        tail = len(_PROMOTED).to_bytes(2, "little") + _PROMOTED
        return SplicedContent([(content, 0, content.size - 2), (MemoryContent(tail), 0, len(tail))])
    return SplicedContent([(content, 0, content.size), (MemoryContent(_PROMOTED), 0, len(_PROMOTED))])


def _moment(text: t.Any) -> int | None:
    if text is None:
        return None
    try:
        moment = datetime.datetime.fromisoformat(_FRACTION.sub("", str(text)).replace("Z", "+00:00"))
    except ValueError:
        raise GraphError(400, "invalidRequest", "Invalid date or time.") from None
    return int((moment if moment.tzinfo is not None else moment.replace(tzinfo=datetime.timezone.utc)).timestamp())
