# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole tenant in memory: directory, mailboxes, apps, tokens, limits, faults, log."""

from __future__ import annotations

import dataclasses
import random
import time
import typing as t

from .call import GraphError
from .directory_state import Directory
from .directory_units import DirectoryBucket
from .drive_uploads import DriveUploads
from .drives import Drives
from .exchange_import import ImportSessions
from .exchange_mailboxes import ExchangeMailboxes
from .faults import Faults
from .limiter import Limiter
from .mail_items import MailboxState
from .mailbox import Mailbox
from .outgoing import Outgoing
from .request_log import RequestLog
from .resource_units import UnitLimiter
from .tokens import Tokens
from .uploads import UploadSessions
from .usage_report import ReportLinks

if t.TYPE_CHECKING:
    from .call import Call

DEFAULT_TENANT_ID = "7f3c9f1e-52a1-4f0e-9f0a-3c1d5b7e2a10"
DEFAULT_DOMAIN = "contoso.onmicrosoft.com"
_STATES: dict[MailboxState, tuple[int, str, str]] = {
    MailboxState.NOT_ENABLED: (
        404,
        "MailboxNotEnabledForRESTAPI",
        "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
    ),
    MailboxState.ON_PREMISES: (404, "MailboxNotSupportedForRESTAPI", "REST API is not yet supported for this mailbox."),
    MailboxState.INVALID_USER: (404, "ErrorInvalidUser", "The requested user '{key}' is invalid."),
    MailboxState.ACCESS_DENIED: (403, "ErrorAccessDenied", "Access is denied. Check credentials and try again."),
    MailboxState.ODATA_DISABLED: (403, "ErrorAccessDenied", "Access to OData is disabled."),
    MailboxState.UNAVAILABLE: (
        503,
        "MailboxInfoStale",
        "Target resource '{key}' hosted on database 'DB1' is currently on backend 'Unknown'",
    ),
}


@dataclasses.dataclass(slots=True)
class Settings:
    """What control may turn at any time."""

    latency_seconds: float = 0.0
    protect_sent_messages: bool = False  # PATCH of non-drafts needs Mail-Advanced.ReadWrite.All (from 2026-12-31 in the real service)
    attachment_refusals: int = 0  # 404s after a message was created (facts 14.26)
    protect_attachments: bool = False  # whether that also goes for attachments is not documented
    upload_session_seconds: float = 3600.0
    shuffle_batches: bool = True
    batch_parallelism: int | None = None  # None: all parts at once, so that the fifth on a mailbox meets its limit
    archive_id_in_v1: bool = True  # documented for beta only, measured in both (facts 8.2)
    wrap_exchange_settings: bool = False  # settings/exchange as a collection, which some clients saw
    archive_in_v1: bool = False  # whether v1.0 reads archives
    archive_refusal_status: int = 400  # of "Operation on Archive mailbox not allowed"
    archive_delta_broken: bool = True  # items/delta of an archive breaks off after "value":[
    archive_import: str = "beta"  # refused, beta, everywhere
    beta_deprecation_headers: bool = True
    export_error_spelling: str = "error"  # the schema's; the example of a redirect has "Error"
    reported_size_share: float = 1.0  # below 1: streams are that much larger than the sizes in lists
    mixed_case_redirects: bool = False
    import_session_status: int = 200  # the concept page says 201
    import_session_seconds: float = 3600.0
    import_expired_status: int = 401
    conceal_report_names: bool = False
    drive_order: str = "parents_first"  # of delta: parents_first, children_first, mixed
    drive_page_size: int = 200  # of delta and children, where $top says nothing
    drive_page_limit: int | None = None  # of delta, whatever $top says
    drive_path_in_delta: bool = True  # parentReference.path: documented as absent, measured as present
    drive_ctag_in_delta: bool = False
    drive_content_direct: bool = False  # /content is answered with the bytes instead of a redirect
    drive_refuses_token: bool = True  # a pre-authenticated URL with an Authorization header is answered 401
    download_url_seconds: float = 3600.0
    expired_url_status: int = 401
    expired_url_body: str = "empty"  # empty, html, json
    drive_says_inherited_from: bool = True  # false: inheritedFrom is empty
    drive_old_grantees: bool = True  # whether the deprecated grantedTo is sent
    drive_upload_seconds: float = 86_400.0  # life of an upload session; each piece extends it
    drive_late_conflicts: bool = False  # a taken name is told of with the last piece only, not when the session is opened
    drive_enriches: bool = False  # Office files come back larger than they were sent
    drive_sharing_refusal: int | None = None  # 403 or 400: sharing is off
    drive_unresolved_code: str = "noResolvedUsers"  # or invalidRequest: an invitation of somebody unknown
    drive_anonymous_links: bool = True
    drive_nested_errors: bool = False  # codes of errors on drives are three levels down, spelled innererror


class Tenant:
    """One Microsoft 365 organisation."""

    def __init__(self, *, tenant_id: str = DEFAULT_TENANT_ID, domain: str = DEFAULT_DOMAIN) -> None:
        self.tenant_id = tenant_id
        self.domain = domain
        self.clock = time.monotonic
        self.tokens = Tokens(tenant_id)
        self.reset()

    def reset(self) -> None:
        """An empty organisation; apps, their tokens and credentials stay."""
        self.directory = Directory(self.domain)
        self.mailboxes: dict[str, Mailbox] = {}
        self.settings = Settings()
        self.limiter = Limiter(self.clock)
        self.units = UnitLimiter(self.clock)
        self.directory_units = DirectoryBucket(self.clock, self.tenant_id, lambda: self.directory.users)
        self.faults = Faults(random.Random(1))
        self.log = RequestLog()
        self.uploads = UploadSessions()
        self.drive_uploads = DriveUploads()
        self.licences_bought: dict[str, int] = {}  # by part number
        self.drive_labels: dict[str, dict[str, t.Any]] = {}  # retention settings by name of the label
        self.outgoing = Outgoing()
        self.exchange = ExchangeMailboxes(self)
        self.imports = ImportSessions()
        self.report_links = ReportLinks()
        self.drives = Drives(self)
        self.tokens.lifetime = self.tokens.usual_lifetime

    def knows_name(self, name: str) -> bool:
        """Whether a tenant segment of a login URL means this organisation."""
        return name.lower() in (self.tenant_id, self.domain.lower()) or name.lower() == self.domain.partition(".")[0].lower()

    def mailbox(self, call: Call) -> Mailbox:
        """The mailbox that a call's C({user}) or C({mbx}) names, in working order. Raises GraphError."""
        if "mbx" in call.values:
            return self.exchange.at(call).exchange.mailbox
        key = call.values["user"]
        entry = self.directory.user_by_address(key)
        mailbox = self.mailboxes.get(entry.id)
        if mailbox is None:
            status, code, message = _STATES[MailboxState.NOT_ENABLED]
            raise GraphError(status, code, message)
        self.refuse_in_state(mailbox, key)
        return mailbox

    def refuse_in_state(self, mailbox: Mailbox, key: str) -> None:
        """Raises the GraphError of a mailbox that is not in working order."""
        if mailbox.state in _STATES:
            status, code, message = _STATES[mailbox.state]
            raise GraphError(status, code, message.format(key=key))

    def mailbox_key(self, user: str) -> str | None:
        """Object id for limits and log; None when there is no such user."""
        try:
            return self.directory.user_by_address(user).id
        except GraphError:
            return None

    def refuse_delta_over_quota(self, mailbox: Mailbox) -> None:
        """Raises GraphError for delta on a mailbox over quota (facts 2)."""
        if mailbox.state is MailboxState.QUOTA_EXCEEDED:
            raise GraphError(403, "ErrorQuotaExceeded", "The mailbox has exceeded its quota.")
