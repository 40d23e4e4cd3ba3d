# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pre-authenticated URLs on SharePoint's host: who has one needs no token until it expires (facts A5)."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import hmac
import json
import time
import typing as t

from .hosts import DRIVE_HOSTS

if t.TYPE_CHECKING:
    from .call import Call
    from .drive_store import Item
    from .drive_tree import Drive
    from .state import Tenant


@dataclasses.dataclass(frozen=True, slots=True)
class Ticket:
    """What a pre-authenticated URL is good for; C(version) 0 is the current one."""

    drive_id: str
    number: int
    version: int
    client_id: str


def download_url(tenant: Tenant, call: Call, drive: Drive, item: Item, version: int = 0) -> str:
    """The URL of a file's bytes, or of an earlier version of them."""
    host = DRIVE_HOSTS.get(call.host, "contoso-my.sharepoint.com")
    token = seal_ticket(tenant, Ticket(drive.id, item.number, version, call.client_id))
    page = f"https://{host}/personal/{tenant.drives.site_name(drive.owner_id)}/_layouts/15/download.aspx"
    return f"{page}?UniqueId={drive.ids.guid(item.number).lower()}&Translate=false&tempauth={token}&ApiVersion=2.0"


def seal_ticket(tenant: Tenant, ticket: Ticket) -> str:
    """C(v1.<segment>.<segment>.<segment>) with the end of its life in the first one."""
    expires = time.time() + tenant.settings.download_url_seconds
    content = f"{expires:.3f} {tenant.drives.url_epoch} {ticket.drive_id} {ticket.number} {ticket.version} {ticket.client_id}"
    claims = _encode(f'{{"exp":"{int(expires)}","sid":"{content}"}}'.encode())
    return f"v1.{claims}.{_sign(tenant, claims)}.dGVuYW50"


def open_ticket(tenant: Tenant, token: str) -> Ticket | None:
    """What a token is good for; None if it is none of ours or has expired."""
    parts = token.split(".")
    if len(parts) != 4 or not hmac.compare_digest(parts[2], _sign(tenant, parts[1])):
        return None
    try:
        expires, epoch, drive_id, number, version, client_id = json.loads(_decode(parts[1]))["sid"].split(" ")
    except (binascii.Error, ValueError, KeyError):
        return None
    if int(epoch) != tenant.drives.url_epoch or float(expires) <= time.time():
        return None
    return Ticket(drive_id, int(number), int(version), client_id)


def _sign(tenant: Tenant, text: str) -> str:
    return _encode(hmac.digest(tenant.drives.secret, text.encode(), hashlib.sha256)[:12])


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
