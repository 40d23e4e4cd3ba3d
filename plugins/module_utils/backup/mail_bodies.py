# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading MIME into the repository, a few at a time.

MIME has no place for attachments that are links to files in the cloud: the service leaves them out. Whether a message has
some is not in its JSON either, so the list of attachments is asked for where Graph says that there are attachments and the
MIME shows none, or links to a cloud drive: one request more for such a message, none for others.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import base64
import typing as t
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from .._errors import BackupError
from ..graph.errors import Cancelled
from ..graph.ids import MessageId, UserId
from ..graph.mail_attachment_list import list_attachments
from ..graph.mail_messages import read_mime
from ..repository.types import SavedFile
from .catalogue import Record
from .contents import Contents, Kept
from .item_failures import ONE_OBJECT, Sickness
from .mail_changes import Action
from .mime_names import NameScanner
from .scan_marks import SCAN

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient

BODIES_AT_ONCE = 4
_CLOUD_DRIVES = (b"sharepoint.com/", b"1drv.ms/")
_LOOKED_AT = 256 << 10
"""Bytes of a message in which links are looked for: its text comes before its attachments."""


@dataclass(frozen=True, slots=True)
class Content:
    """The MIME of a message, the names of its attachments, and of those that are links, which are not in the MIME.

    C(trouble) is why nobody knows whether there are links.
    """

    kept: Kept
    names: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    trouble: BackupError | None = None

    @property
    def mime(self) -> SavedFile:
        return self.kept.file

    def describe(self, record: Record) -> None:
        """Put into the record what belongs there."""
        record["size"] = self.mime.size
        for key, value in (
            ("attachment_names", list(dict.fromkeys((*self.names, *self.references)))),
            ("references", list(self.references)),
            (SCAN, self.kept.mark),
        ):
            if value:
                record[key] = value
            else:
                record.pop(key, None)


class Bodies:
    """Reads MIME into the repository, a few at a time, and gives the results back in the order of asking."""

    def __init__(self, client: GraphClient, user: UserId, contents: Contents) -> None:
        self._client = client
        self._user = user
        self._contents = contents
        self._pool: ThreadPoolExecutor | None = None
        self._running: deque[tuple[Action, Future[Content]]] = deque()
        self._sickness = Sickness()

    def ask(self, action: Action) -> None:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(BODIES_AT_ONCE, thread_name_prefix="body")
        message_id, has_attachments = MessageId(action.new["id"]), bool(action.new.get("attachments"))
        self._running.append((action, self._pool.submit(self._read, message_id, has_attachments)))

    def answers(self, leave: int) -> t.Iterator[tuple[Action, Content | BackupError]]:
        """Wait for the oldest ones until no more than C(leave) are under way. Raises what ends the whole source."""
        while len(self._running) > leave:
            action, future = self._running.popleft()
            try:
                answer: Content | BackupError = future.result()
                self._sickness.passed()
            except ONE_OBJECT as error:
                self._sickness.failed(error)
                answer = error
            yield action, answer

    def answers_so_far(self) -> t.Iterator[tuple[Action, Content | BackupError]]:
        """After Cancelled: what had come until then."""
        self.close()
        while self._running:
            if self._running[0][1].cancelled() or isinstance(self._running[0][1].exception(), Cancelled):
                self._running.popleft()
            else:
                yield from self.answers(len(self._running) - 1)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _read(self, message_id: MessageId, has_attachments: bool) -> Content:
        with read_mime(self._client, self._user, message_id) as body:
            if not has_attachments:
                return Content(self._contents.save_content(body))
            look = _Look()
            mime = self._contents.save_content(body, watch=look.watch)
        if look.names and not look.has_cloud_link:
            return Content(mime, look.names)
        try:
            references = [found.name for found in list_attachments(self._client, self._user, message_id) if found.is_reference]
        except ONE_OBJECT as error:
            return Content(mime, look.names, trouble=error)
        return Content(mime, look.names, tuple(references))


class _Look:
    """What passes by in the MIME of a message with attachments."""

    def __init__(self) -> None:
        self._scanner = NameScanner()
        self._start = b""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._scanner.names)

    @property
    def has_cloud_link(self) -> bool:
        return has_cloud_link(self._start)

    def watch(self, chunks: t.Iterable[bytes]) -> t.Iterator[bytes]:
        for chunk in self._scanner.watch(chunks):
            if len(self._start) < _LOOKED_AT:
                self._start += chunk[: _LOOKED_AT - len(self._start)]
            yield chunk


def has_cloud_link(mime: bytes) -> bool:
    """Whether there is a link to a cloud drive in a text, as it is, quoted-printable, or in base64."""
    text = mime.replace(b"=\r\n", b"").replace(b"\r\n", b"")
    return any(form in text for form in _FORMS)


def _forms(link: bytes) -> t.Iterator[bytes]:
    """How a text is written in base64 depends on its place among threes of bytes."""
    yield link
    for before, shared in ((0, 0), (1, 2), (2, 3)):
        whole = (before + len(link)) // 3 * 4
        yield base64.b64encode(bytes(before) + link)[shared:whole]


_FORMS = tuple(form for drive in _CLOUD_DRIVES for form in _forms(drive))
