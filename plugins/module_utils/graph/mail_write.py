# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing into a mailbox, for restores. Permission: Mail.ReadWrite.

A message that is created must not be created twice, so nothing here repeats a creation whose outcome is unknown: that is
an L(AmbiguousOutcome) for the caller to clear up.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import base64
import dataclasses
import typing as t

from .client import GraphClient
from .errors import BadAnswer, Conflict, NotFound
from .extended_properties import expand_of
from .ids import IMMUTABLE_IDS, Fields, FolderId, MessageId, UserId
from .limits import LimitScope
from .links import graph_path
from .mail_folders import folder_from
from .paging import Listing, values
from .refusals import Call
from .traffic import RequestKind

PERMISSION = "Mail.ReadWrite"
#: From 2026-12-31 on, what belongs to the content of a message that is no draft is changed with this permission only.
PERMISSION_FOR_SENT = "Mail-Advanced.ReadWrite.All"
_PAGE_SIZE = 250
_MESSAGE_FLAGS = "Integer 0x0E07"
_SENT = "SystemTime 0x0039"
_RECEIVED = "SystemTime 0x0E06"
_FLAG_READ = 1
_FLAG_SUBMITTED = 4


@dataclasses.dataclass(frozen=True, slots=True)
class CreatedFolder:
    """``was_there``: a folder of that name existed in the parent already."""

    id: FolderId
    was_there: bool


def create_folder(
    client: GraphClient, user_id: UserId, parent_id: FolderId | str, display_name: str, *, is_hidden: bool = False
) -> CreatedFolder:
    """Create a folder below a parent (id or alias), or find the one that is there; names are compared without case."""
    call = _call(user_id, f"Creating mail folder {display_name!r} of user {user_id}")
    path = graph_path("users", user_id, "mailFolders", parent_id, "childFolders")
    try:
        created = client.post_json(
            call, path, {"displayName": display_name, "isHidden": is_hidden}, prefer=(IMMUTABLE_IDS,), is_repeatable=True
        )
    except Conflict:
        found = find_folder(client, user_id, parent_id, display_name)
        if found is None:
            raise
        return CreatedFolder(found, was_there=True)
    return CreatedFolder(FolderId(_id_of(created, call)), was_there=False)


def find_folder(client: GraphClient, user_id: UserId, parent_id: FolderId | str, display_name: str) -> FolderId | None:
    """The folder of that name below a parent (id or alias); names are compared without case."""
    call = _call(user_id, f"Looking for mail folder {display_name!r} of user {user_id}")
    path = graph_path("users", user_id, "mailFolders", parent_id, "childFolders")
    listing = Listing(target=path, params={"includeHiddenFolders": "true"}, prefer=(IMMUTABLE_IDS,), page_size=200)
    for folder in map(folder_from, values(client, call, listing)):
        if folder.display_name.casefold() == display_name.casefold():
            return folder.id
    return None


def messages_with_property(client: GraphClient, user_id: UserId, folder_id: FolderId | str, name: str) -> t.Iterator[Fields]:
    """Every message of a folder with its id, internet message id and one extended property."""
    call = _call(user_id, f"Listing the messages in mail folder {folder_id} of user {user_id}")
    path = graph_path("users", user_id, "mailFolders", folder_id, "messages")
    params = {"$select": "id,internetMessageId", "$expand": expand_of(name)}
    return values(client, call, Listing(target=path, params=params, prefer=(IMMUTABLE_IDS,), page_size=_PAGE_SIZE))


def non_draft_properties(*, is_read: bool, sent: str | None, received: str | None) -> list[dict[str, str]]:
    """C(singleValueExtendedProperties) that make a created message an ordinary one with its own dates (RFC 3339, UTC).

    The draft flag can be decided at creation only ([MS-OXCMSG] PidTagMessageFlags without mfUnsent).
    """
    flags = _FLAG_SUBMITTED | (_FLAG_READ if is_read else 0)
    wanted = ((_MESSAGE_FLAGS, str(flags)), (_SENT, sent), (_RECEIVED, received))
    return [{"id": name, "value": value} for name, value in wanted if value is not None]


def create_message(client: GraphClient, user_id: UserId, folder_id: FolderId | str, payload: Fields) -> MessageId:
    """Create a message from JSON; the request may be up to about 4 MB.

    :raises AmbiguousOutcome: it may be there now: look before repeating.
    :raises TooLarge: leave the attachments out and add them afterwards.
    """
    call = _call(user_id, f"Creating message {str(payload.get('subject') or '')[:80]!r} for user {user_id}")
    path = graph_path("users", user_id, "mailFolders", folder_id, "messages")
    return MessageId(_id_of(client.post_json(call, path, payload, prefer=(IMMUTABLE_IDS,)), call))


def create_draft_from_mime(client: GraphClient, user_id: UserId, mime: bytes) -> MessageId:
    """Create a message from MIME. The service makes it a draft in Drafts, dated now, whatever the MIME says.

    :raises AmbiguousOutcome: it may be there now. :raises TooLarge: more than about 3 MB of MIME.
    """
    call = _call(user_id, f"Creating a message from MIME for user {user_id}")
    path = graph_path("users", user_id, "messages")
    return MessageId(_id_of(client.post_text(call, path, base64.b64encode(mime), prefer=(IMMUTABLE_IDS,)), call))


def update_message(client: GraphClient, user_id: UserId, message_id: MessageId, changes: Fields) -> None:
    """Set properties. Sensitive ones of a non-draft need Mail-Advanced.ReadWrite.All from 2026-12-31 on."""
    call = _call(user_id, f"Updating message {message_id} of user {user_id}")
    client.patch_json(call, graph_path("users", user_id, "messages", message_id), changes, prefer=(IMMUTABLE_IDS,))


def move_message(client: GraphClient, user_id: UserId, message_id: MessageId, folder_id: FolderId | str) -> MessageId:
    """Move; with immutable ids the id stays the same, so a repetition does no harm."""
    call = _call(user_id, f"Moving message {message_id} of user {user_id}")
    path = graph_path("users", user_id, "messages", message_id, "move")
    moved = client.post_json(call, path, {"destinationId": folder_id}, prefer=(IMMUTABLE_IDS,), is_repeatable=True)
    return MessageId(_id_of(moved, call))


def delete_message(client: GraphClient, user_id: UserId, message_id: MessageId) -> None:
    """Delete; one that is gone already is fine."""
    call = _call(user_id, f"Deleting message {message_id} of user {user_id}")
    try:
        client.delete(call, graph_path("users", user_id, "messages", message_id), prefer=(IMMUTABLE_IDS,))
    except NotFound:
        return


def _id_of(created: Fields, call: Call) -> str:
    identity = created.get("id")
    if not isinstance(identity, str) or not identity:
        raise BadAnswer(f"{call.doing} failed: the answer names no id.", hint="Look whether it was created before repeating it.")
    return identity


def _call(user_id: UserId, doing: str) -> Call:
    return Call(scope=LimitScope.mailbox(user_id), kind=RequestKind.WRITE, doing=doing, permission=PERMISSION)
