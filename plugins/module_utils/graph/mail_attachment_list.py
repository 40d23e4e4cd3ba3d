# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What attachments a message has, without their contents.

Least permission: Mail.Read.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses

from .client import GraphClient
from .ids import IMMUTABLE_IDS, MessageId, UserId
from .limits import LimitScope
from .links import graph_path
from .paging import Listing, values
from .refusals import Call
from .traffic import RequestKind

PERMISSION = "Mail.Read"
_REFERENCE_TYPE = "#microsoft.graph.referenceattachment"


@dataclasses.dataclass(frozen=True, slots=True)
class ListedAttachment:
    """C(is_reference): a link to a file in the cloud, which has no content of its own."""

    name: str
    is_reference: bool


def list_attachments(client: GraphClient, user_id: UserId, message_id: MessageId) -> list[ListedAttachment]:
    """One request: the service never pages attachments (graph-mailbox facts, section 4).

    :raises NotFound: the message is gone. :raises ItemUnreadable: an attachment cannot be opened.
    """
    call = Call(
        scope=LimitScope.mailbox(user_id),
        kind=RequestKind.MESSAGE,
        doing=f"Listing the attachments of message {message_id} of user {user_id}",
        permission=PERMISSION,
    )
    target = graph_path("users", user_id, "messages", message_id, "attachments")
    listing = Listing(target=target, params={"$select": "id,name,contentType,size,isInline"}, prefer=(IMMUTABLE_IDS,))
    return [
        ListedAttachment(
            name=str(fields.get("name") or ""),
            is_reference=str(fields.get("@odata.type") or "").lower() == _REFERENCE_TYPE,
        )
        for fields in values(client, call, listing)
    ]
