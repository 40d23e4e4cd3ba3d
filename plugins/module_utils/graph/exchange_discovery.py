# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which mailboxes of the import/export API a user has.

Facts of the protocol (graph-mailbox facts, 8.2): C(users/{id}/settings/exchange) names the primary mailbox in v1.0; the
archive is promised by beta only, and absent where there is none. Some clients saw the object inside a collection.
Least permission: User.Read.All.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .client import GraphClient
from .errors import NotFound, RequestRefused
from .exchange_redirects import MailboxId, is_mailbox_id
from .ids import Fields, UserId
from .limits import LimitScope
from .links import beta_path, graph_path
from .refusals import Call
from .traffic import RequestKind

PERMISSION = "User.Read.All"
_NO_MAILBOX = re.compile(r"(MBX:)?[0-]*(@.*)?", re.IGNORECASE)
_PRIMARY, _ARCHIVE = "primarymailboxid", "inplacearchivemailboxid"


@dataclasses.dataclass(frozen=True, slots=True)
class ExchangeMailboxes:
    """None where there is none."""

    primary: MailboxId | None = None
    archive: MailboxId | None = None


def read_exchange_mailboxes(client: GraphClient, user_id: UserId) -> ExchangeMailboxes:
    """Ask v1.0, and beta unless v1.0 has named an archive.

    :raises MailboxUnavailable: the user has no mailbox that Graph can read.
    :raises NotFound, RequestRefused, AccessDenied: neither version answers.
    """
    call = Call(
        scope=LimitScope.mailbox(user_id),
        kind=RequestKind.FOLDERS,
        doing=f"Asking for the archive mailbox of user {user_id}",
        permission=PERMISSION,
    )
    segments = ("users", user_id, "settings", "exchange")
    try:
        found = mailboxes_from(client.get_json(call, graph_path(*segments)))
    except (NotFound, RequestRefused):
        found = ExchangeMailboxes()
    if found.archive is not None:
        return found
    beta = mailboxes_from(client.get_json(call, beta_path(*segments)))
    return ExchangeMailboxes(beta.primary or found.primary, beta.archive)


def mailboxes_from(document: Fields) -> ExchangeMailboxes:
    """Names in any case, the object itself or the first one of a collection that names a mailbox."""
    for fields in _objects(document):
        known = {str(name).lower(): value for name, value in fields.items()}
        found = ExchangeMailboxes(_mailbox(known.get(_PRIMARY)), _mailbox(known.get(_ARCHIVE)))
        if found != ExchangeMailboxes():
            return found
    return ExchangeMailboxes()


def _objects(document: Fields) -> t.Iterator[Fields]:
    yield document
    inner = document.get("value")
    for entry in inner if isinstance(inner, list) else [inner]:
        if isinstance(entry, dict):
            yield entry


def _mailbox(value: t.Any) -> MailboxId | None:
    """Ids are opaque, but one of zeros only stands for no mailbox, and one that is no word is none."""
    if not isinstance(value, str) or not is_mailbox_id(value) or _NO_MAILBOX.fullmatch(value):
        return None
    return MailboxId(value)
