# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading MIME into the repository, a few at a time.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

from .._errors import BackupError
from ..graph.ids import MessageId, UserId
from ..graph.mail_messages import read_mime
from ..repository.types import SavedFile
from .mail_changes import ONE_OBJECT, Action, Sickness

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..repository.writer import Writer

BODIES_AT_ONCE = 4


class Bodies:
    """Reads MIME into the repository, a few at a time, and gives the results back in the order of asking."""

    def __init__(self, client: GraphClient, user: UserId, writer: Writer) -> None:
        self._client = client
        self._user = user
        self._writer = writer
        self._pool: ThreadPoolExecutor | None = None
        self._running: deque[tuple[Action, Future[SavedFile]]] = deque()
        self._sickness = Sickness()

    def ask(self, action: Action) -> None:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(BODIES_AT_ONCE, thread_name_prefix="body")
        self._running.append((action, self._pool.submit(self._read, MessageId(action.new["id"]))))

    def answers(self, leave: int) -> t.Iterator[tuple[Action, SavedFile | BackupError]]:
        """Wait for the oldest ones until no more than C(leave) are under way. Raises what ends the whole source."""
        while len(self._running) > leave:
            action, future = self._running.popleft()
            try:
                answer: SavedFile | BackupError = future.result()
                self._sickness.passed()
            except ONE_OBJECT as error:
                self._sickness.failed(error)
                answer = error
            yield action, answer

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _read(self, message_id: MessageId) -> SavedFile:
        with read_mime(self._client, self._user, message_id) as body:
            return self._writer.save_file(body.chunks() if body.bytes is None else [body.bytes])
