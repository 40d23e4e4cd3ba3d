# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The usage reports of mailboxes and drives: a redirect to a CSV that takes no token (facts 11, 14.59)."""

from __future__ import annotations

import csv
import datetime
import hashlib
import io
import re
import secrets
import time
import typing as t

from .call import Answer, GraphError
from .exchange_items import store_size
from .exchange_mailboxes import GLOBAL_HOSTS, not_in_this_cloud
from .hosts import REPORTS_HOST

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from .call import Call
    from .drive_tree import Drive
    from .mailbox import Mailbox
    from .state import Tenant

_NAME = re.compile(r"^(getMailboxUsageDetail|getOneDriveUsageAccountDetail)\(period='(D7|D30|D90|D180)'\)$", re.IGNORECASE)
_LINK_SECONDS = 300.0
_GIGABYTE = 1024**3
_MAILBOX_COLUMNS = (
    "Report Refresh Date",
    "User Principal Name",
    "Display Name",
    "Is Deleted",
    "Deleted Date",
    "Created Date",
    "Last Activity Date",
    "Item Count",
    "Storage Used (Byte)",
    "Issue Warning Quota (Byte)",
    "Prohibit Send Quota (Byte)",
    "Prohibit Send/Receive Quota (Byte)",
    "Deleted Item Count",
    "Deleted Item Size (Byte)",
    "Deleted Item Quota (Byte)",
    "Has Archive",
    "Report Period",
)
_DRIVE_COLUMNS = (
    "Report Refresh Date",
    "Site URL",
    "Owner Display Name",
    "Is Deleted",
    "Last Activity Date",
    "File Count",
    "Active File Count",
    "Storage Used (Byte)",
    "Storage Allocated (Byte)",
    "Owner Principal Name",
    "Report Period",
)


class Report(t.NamedTuple):
    """What a link leads to, and until when."""

    name: str
    period: str
    until: float


class ReportLinks:
    """Links that were given out."""

    def __init__(self) -> None:
        self.open: dict[str, Report] = {}


def get_report(tenant: Tenant, call: Call) -> Answer:
    """C(GET /reports/getMailboxUsageDetail(period='D7')), C(getOneDriveUsageAccountDetail): 302."""
    if call.host not in GLOBAL_HOSTS:
        raise not_in_this_cloud("reports")
    match = _NAME.match(call.values["report"])
    if match is None:
        raise GraphError(400, "BadRequest", f"Resource not found for the segment '{call.values['report']}'.")
    token = secrets.token_urlsafe(24)
    tenant.report_links.open[token] = Report(match[1].lower(), match[2].upper(), time.time() + _LINK_SECONDS)
    location = f"https://{REPORTS_HOST}/data/download/{token}"
    return Answer(302, b"", {"content-type": "text/plain", "location": location})


def answer_download(tenant: Tenant, call: Call) -> Answer:
    """The CSV behind a link. Raises GraphError 401 for a request with a token, 404 for an unknown or old link."""
    if "authorization" in call.headers:
        raise GraphError(401, "InvalidAuthenticationToken", "The download URL is already authenticated.")
    report = tenant.report_links.open.get(call.segments[-1] if call.segments else "")
    if report is None or report.until <= time.time():
        raise GraphError(404, "NotFound", "The report was not found.")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    if report.name == "getmailboxusagedetail":
        writer.writerow(_MAILBOX_COLUMNS)
        writer.writerows(_mailbox_row(tenant, mailbox, report.period) for mailbox in tenant.mailboxes.values())
    else:
        writer.writerow(_DRIVE_COLUMNS)
        writer.writerows(_drive_rows(tenant, report.period))
    return Answer(200, b"\xef\xbb\xbf" + text.getvalue().encode(), {"content-type": "application/octet-stream"})


def _mailbox_row(tenant: Tenant, mailbox: Mailbox, period: str) -> list[object]:
    user = tenant.directory.objects[mailbox.owner_id].properties
    name, display = str(user.get("userPrincipalName")), str(user.get("displayName") or "")
    if tenant.settings.conceal_report_names:
        name, display = mailbox.guid.replace("-", "").upper(), mailbox.guid.replace("-", "").upper()[::-1]
    deleted = mailbox.aliases["recoverableitemsdeletions"].messages.values()
    kept = [message for message in mailbox.messages.values() if message.folder.alias != "recoverableitemsdeletions"]
    today = _today()
    has_archive = str(tenant.exchange.archive(mailbox.owner_id) is not None).upper()
    quotas = [49 * _GIGABYTE, 49 * _GIGABYTE + _GIGABYTE // 2, 50 * _GIGABYTE]
    counts = [len(kept), sum(map(store_size, kept)), *quotas, len(deleted), sum(map(store_size, deleted)), 30 * _GIGABYTE]
    return [today, name, display, "False", "", today, today, *counts, has_archive, period.removeprefix("D")]


def _drive_rows(tenant: Tenant, period: str) -> Iterator[list[object]]:
    """One row for the OneDrive of each user, also of users who are gone; hidden libraries count with it."""
    drives: dict[str, list[Drive]] = {}
    for drive in tenant.drives.all():
        drives.setdefault(drive.owner_id, []).append(drive)
    for owner_id, owned in drives.items():
        entry = tenant.directory.objects.get(owner_id) or tenant.directory.deleted.get(owner_id)
        properties = entry.properties if entry is not None else {}
        site = f"https://contoso-my.sharepoint.com/personal/{tenant.drives.site_name(owner_id)}"
        name, display = str(properties.get("userPrincipalName", "")), str(properties.get("displayName") or "")
        if tenant.settings.conceal_report_names:
            site, name, display = (hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper() for text in (site, name, display))
        files = sum(item.content is not None for drive in owned for item in drive.items)
        used, quota = sum(drive.used for drive in owned), owned[0].quota
        gone = str(owner_id not in tenant.directory.objects)
        yield [_today(), site, display, gone, _today(), files, files, used, quota, name, period.removeprefix("D")]


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.timezone.utc).date()
