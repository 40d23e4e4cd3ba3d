# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Importing export streams into a mailbox, and the folders for it.

Facts of the protocol (graph-mailbox facts, 8.3, 8.6): a session gives a pre-authenticated address on the mail service for
one physical mailbox, which takes one item a request, without a token, until the session expires. A session for the wrong
mailbox of an archive that has grown is answered 409 with the right one. What stays of an item is its search key
(PidTagSearchKey); its id is new. Permissions: MailboxItem.ImportExport.All, MailboxFolder.ReadWrite.All for folders,
MailboxItem.Read.All to see what is there.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import base64
import dataclasses
import re
import threading
import typing as t
from datetime import datetime, timezone

from .errors import AccessDenied, AuthenticationFailed, BadAnswer, Conflict, NotFound, RequestRefused
from .exchange_redirects import BETA, ExchangeMailbox, MailboxId, MailboxPath, is_mailbox_id
from .extended_properties import expand_of, value_of
from .ids import FolderId
from .limits import LimitScope
from .links import UploadAddress, upload_address
from .paging import Listing, values
from .refusals import Call
from .traffic import RequestKind

PERMISSION = "MailboxItem.ImportExport.All"
FOLDER_PERMISSION = "MailboxFolder.ReadWrite.All"
LIST_PERMISSION = "MailboxItem.Read.All"
DELETE_PERMISSION = "MailboxItem.ReadWrite.All"
_SEARCH_KEY = "Binary 0x300B"
_PAGE = 500
#: A session is given up so many seconds before it expires: the service's clock and ours may differ.
_MARGIN = 300.0
_WRONG_MAILBOX = re.compile(r"expected in mailbox (MBX:[^\s(),]+?)\.?(?=[\s(),]|$)", re.IGNORECASE)
_SWITCHES = 3


@dataclasses.dataclass(frozen=True, slots=True)
class _Session:
    address: UploadAddress
    expires: float


class ImportMailbox:
    """A mailbox that items are imported into. Thread-safe. C(limits) is what its uploads count for.

    ``now`` gives the seconds since the epoch.
    """

    def __init__(self, mailbox: ExchangeMailbox, limits: LimitScope, now: t.Callable[[], float]) -> None:
        self._mailbox = mailbox
        self._limits = limits
        self._now = now
        self._sessions: dict[MailboxId, _Session] = {}
        self._homes: dict[FolderId, MailboxId] = {}
        self._lock = threading.Lock()

    def find_folder(self, parent_id: FolderId | str | None, name: str) -> FolderId | None:
        """The folder of that name below a parent, None for the uppermost ones; names are compared without case.

        v1.0 does not show the folders of archives; then beta is asked, and from then on.
        """
        try:
            return self._find_folder(parent_id, name)
        except (AccessDenied, NotFound, RequestRefused):
            if self._mailbox.version == BETA:
                raise
            self._mailbox.version = BETA
            return self._find_folder(parent_id, name)

    def create_folder(self, parent_id: FolderId | str | None, name: str, folder_class: str) -> FolderId:
        """Create a folder such as C(IPF.Note), or find the one of that name. Look for it first: that finds the version to use."""
        call = self._call(f"Creating folder {name!r} in mailbox {self._mailbox.mailbox}", FOLDER_PERMISSION)
        target = self._mailbox.path(*_children(parent_id))
        body = {"displayName": name, "type": folder_class}
        try:
            created = self._mailbox.follow(call, "POST", target, self._mailbox.client.read_json, body=body)
        except Conflict:
            found = self._find_folder(parent_id, name)
            if found is None:
                raise
            return found
        identity = created.get("id")
        if not isinstance(identity, str) or not identity:
            raise BadAnswer(f"{call.doing} failed: the answer names no id.", hint="Repeat the restore.")
        return FolderId(identity)

    def search_keys(self, folder_id: FolderId) -> t.Iterator[tuple[str, bytes]]:
        """Id and search key of every item in a folder; the key is empty where the service gives none."""
        call = self._call(f"Listing the items in folder {folder_id} of mailbox {self._mailbox.mailbox}", LIST_PERMISSION)
        params = {"$select": "id", "$top": str(_PAGE), "$orderby": "createdDateTime", "$expand": expand_of(_SEARCH_KEY)}
        target = self._mailbox.path("folders", folder_id, "items")
        for fields in values(self._mailbox, call, Listing(target=target, params=params)):
            yield str(fields["id"]), _bytes(value_of(fields, _SEARCH_KEY))

    def import_item(self, folder_id: FolderId, stream: bytes) -> None:
        """Create an item out of an export stream, with all that it had.

        :raises AmbiguousOutcome: it may be there now.
        :raises Conflict: no mailbox of the archive takes it.
        :raises RequestRefused: also when a session that was just made is not taken.
        """
        call = self._call(f"Importing an item into mailbox {self._mailbox.mailbox}", PERMISSION)
        body = {"FolderId": folder_id, "Mode": "create", "Data": base64.b64encode(stream).decode("ascii")}
        home = self._homes.get(folder_id, self._mailbox.mailbox_of(folder_id))
        is_renewed = False
        for _attempt in range(_SWITCHES):
            session = self._session(home)
            try:
                self._mailbox.client.post_unsigned(call, session.address, body)
            except (AuthenticationFailed, AccessDenied) as error:
                self._forget(home, session)
                if is_renewed:
                    raise RequestRefused(
                        error.what, hint=error.hint, status=error.status, code=error.code, request_id=error.request_id
                    ) from error
                is_renewed = True
            except Conflict as error:
                found = _WRONG_MAILBOX.search(error.what)
                if found is None or not is_mailbox_id(found[1]) or found[1].lower() == home.lower():
                    raise
                home = self._homes[folder_id] = MailboxId(found[1])
            else:
                return
        raise Conflict(
            f"{call.doing} failed: each mailbox of the archive names another one for the folder.",
            hint="Repeat the restore some hours later.",
        )

    def delete_item(self, folder_id: FolderId, item_id: str) -> None:
        """Into the recoverable items; one that is gone already is fine."""
        call = self._call(f"Deleting an item of mailbox {self._mailbox.mailbox}", DELETE_PERMISSION)
        target = self._mailbox.path("folders", folder_id, "items", item_id) + "?disposalType=softDelete"
        try:
            self._mailbox.follow(call, "DELETE", target, self._mailbox.client.read_json)
        except NotFound:
            return

    def _find_folder(self, parent_id: FolderId | str | None, name: str) -> FolderId | None:
        call = self._call(f"Looking for folder {name!r} in mailbox {self._mailbox.mailbox}", FOLDER_PERMISSION)
        listing = Listing(target=self._mailbox.path(*_children(parent_id)), params={"$top": str(_PAGE), "$select": "id,displayName"})
        for fields in values(self._mailbox, call, listing):
            if str(fields.get("displayName") or "").casefold() == name.casefold():
                return FolderId(str(fields["id"]))
        return None

    def _session(self, home: MailboxId) -> _Session:
        with self._lock:
            known = self._sessions.get(home)
            if known is None or known.expires - _MARGIN <= self._now():
                known = self._sessions[home] = self._new_session(home)
            return known

    def _forget(self, home: MailboxId, session: _Session) -> None:
        with self._lock:
            if self._sessions.get(home) is session:
                del self._sessions[home]

    def _new_session(self, home: MailboxId) -> _Session:
        call = self._call(f"Opening an import session for mailbox {home}", PERMISSION)
        target = MailboxPath(self._mailbox.version, home, ("createImportSession",)).target()
        made = self._mailbox.client.send(call, "POST", target, self._mailbox.client.read_json, body={})
        link = made.get("importUrl")
        if not isinstance(link, str):
            raise BadAnswer(f"{call.doing} failed: the session has no address.", hint="Repeat the restore.")
        return _Session(upload_address(self._mailbox.client.cloud, link), _expiry(made.get("expirationDateTime"), self._now()))

    def _call(self, doing: str, permission: str) -> Call:
        return Call(scope=self._limits, kind=RequestKind.WRITE, doing=doing, permission=permission)


def _children(parent_id: FolderId | str | None) -> tuple[str, ...]:
    return ("folders",) if parent_id is None else ("folders", parent_id, "childFolders")


def _expiry(text: t.Any, now: float) -> float:
    """Seven fractional digits are more than Python reads. A session that does not say when it ends is used until it is refused."""
    try:
        return datetime.fromisoformat(str(text)[:19]).replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        return now + 2 * _MARGIN


def _bytes(text: str | None) -> bytes:
    try:
        return base64.b64decode(text or "")
    except ValueError:
        return b""
