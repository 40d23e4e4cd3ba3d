# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a member has an archive mailbox, and whether we may read it: the answer that a result states for each member.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..graph.errors import AccessDenied, GraphError, ItemUnreadable, MailboxUnavailable, NotFound, RequestRefused
from ..graph.exchange_discovery import read_exchange_mailboxes
from ..graph.exchange_redirects import ExchangeMailbox
from ..graph.ids import UserId
from .results import Finding, FindingKind, finding_of

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient

BACKED_UP = "backed_up"
NO_ARCHIVE = "no_archive"
NOT_IN_THIS_CLOUD = "not_available_in_this_cloud"
REFUSED = "refused: "
OBJECT = "archive mailbox"

#: Answers that say no for good; others are failures of the moment.
REFUSALS = (AccessDenied, ItemUnreadable, MailboxUnavailable, NotFound, RequestRefused)
#: What a cloud answers that does not know the API.
_UNKNOWN = (NotFound, RequestRefused)
_API_CLOUD = "global"


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Why there is no archive to read. C(finding) is empty where nothing is wrong with that."""

    availability: str
    finding: Finding | None = None


def find_archive(client: GraphClient, user: UserId) -> ExchangeMailbox | Unreachable:
    """Raises the errors that another try may not meet."""
    try:
        archive = read_exchange_mailboxes(client, user).archive
    except REFUSALS as error:
        return refused(client, error)
    return Unreachable(NO_ARCHIVE) if archive is None else ExchangeMailbox(client, archive)


def refused(client: GraphClient, error: GraphError) -> Unreachable:
    """What a refusal means: elsewhere than in the global cloud the API is unknown (graph-mailbox facts, 8.1)."""
    if client.cloud.name != _API_CLOUD and isinstance(error, _UNKNOWN):
        return Unreachable(NOT_IN_THIS_CLOUD)
    code = error.code or (f"HTTP {error.status}" if error.status else error.__class__.__name__)
    return Unreachable(REFUSED + code, finding_of(error, OBJECT))


def kept(unreachable: Unreachable) -> Finding:
    """The finding for an archive that was backed up before and cannot be reached now."""
    if unreachable.finding is not None:
        return unreachable.finding
    why = (
        "names no archive mailbox of this member any more" if unreachable.availability == NO_ARCHIVE else "offers no archives in this cloud"
    )
    return Finding(
        kind=FindingKind.FAILED,
        object=OBJECT,
        reason=f"Microsoft 365 {why}. The archive that was backed up before stays in the backup as it was.",
        code=unreachable.availability,
    )
