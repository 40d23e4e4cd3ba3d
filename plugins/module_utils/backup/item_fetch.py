# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading JSON items with what belongs beside them into the repository, a few at a time.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from .._errors import BackupError
from ..graph.errors import NotFound
from ..repository.types import Node
from .catalogue import Record
from .item_changes import Look
from .item_decide import digest
from .item_failures import Sickness
from .item_fields import parse_time, without_empty
from .item_parts import Parts
from .item_source import Found, ItemSource, Problem
from .layout import META_TIME
from .scan_marks import SCAN, worst_mark
from .scan_views import ScanAs
from .small_files import to_json

if t.TYPE_CHECKING:
    from .contents import Contents, Flag

ITEMS_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """An item as it is now. C(is_known): its content is the one that we have, and C(new) the old record.

    Else C(body) and C(parts) are its content, None and nothing in a preview.
    """

    new: Record
    folder_id: str
    is_known: bool = False
    body: Node | None = None
    parts: tuple[Node, ...] = ()
    stored_bytes: int = 0
    problems: tuple[Problem, ...] = ()
    flags: tuple[Flag, ...] = ()


class Items:
    """Looks at items and gives the results back in the order of asking. Without C(contents) nothing is stored."""

    def __init__(self, source: ItemSource, contents: Contents | None) -> None:
        self._source = source
        self._contents = contents
        self._pool: ThreadPoolExecutor | None = None
        self._running: deque[tuple[Look, Future[Fetched]]] = deque()
        self._sickness = Sickness(source.sick_after, source.sick_kinds)

    def ask(self, look: Look) -> None:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(ITEMS_AT_ONCE, thread_name_prefix="item")
        self._running.append((look, self._pool.submit(self._fetch, look)))

    def answers(self, leave: int) -> t.Iterator[tuple[Look, Fetched | BackupError]]:
        """Wait for the oldest ones until no more than C(leave) are under way. Raises what ends the whole source."""
        while len(self._running) > leave:
            look, future = self._running.popleft()
            try:
                answer: Fetched | BackupError = future.result()
                self._sickness.passed()
            except self._source.item_errors as error:
                if not isinstance(error, NotFound):
                    self._sickness.failed(error)
                answer = error
            yield look, answer

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _fetch(self, look: Look) -> Fetched:
        found = self._source.look(look.id, look.folder_ids)
        new = without_empty(self._source.record(found))
        new.update(id=look.id, digest=digest(found.document))
        new["file"] = self._source.file(new)
        old = look.old
        if old is not None and found.problems and not old.get("incomplete"):
            # What we have is more than what there is to be had now.
            return Fetched(new=dict(old), folder_id=found.folder_id, is_known=True, problems=found.problems)
        if old is not None and (old.get("digest"), old["file"]) == (new["digest"], new["file"]):
            if not look.is_forced:
                return Fetched(new=dict(old), folder_id=found.folder_id, is_known=True, problems=found.problems)
            if self._contents is None:
                return self._tried_again(found, old)
        if self._contents is None:
            return Fetched(new=new, folder_id=found.folder_id, problems=found.problems)
        return self._save(self._contents, found, new)

    def _tried_again(self, found: Found, old: Record) -> Fetched:
        """Whether what was missing of an item can be read, without storing it."""
        parts = Parts(None, old["file"])
        self._source.attach(found, parts)
        problems = (*found.problems, *parts.problems)
        return Fetched(new=dict(old), folder_id=found.folder_id, is_known=bool(problems) or not old.get("incomplete"), problems=problems)

    def _save(self, contents: Contents, found: Found, new: Record) -> Fetched:
        parts = Parts(contents, new["file"])
        self._source.attach(found, parts)
        kept = contents.save([to_json(found.document)], ScanAs.TEXTS if self._source.is_scanned else None)
        body, flags = kept.file, (*(() if kept.flag is None else (kept.flag,)), *parts.flags)
        problems = (*found.problems, *parts.problems)
        new.update(size=body.size + parts.size)
        if parts.entries:
            new.update(parts=parts.entries)
        if parts.names:
            new.update(attachments=True, attachment_names=parts.names)
        if problems:
            new.update(incomplete=len(problems))
        if flags:
            new[SCAN] = worst_mark(flag.mark for flag in flags)
        modified = parse_time(found.document.get("lastModifiedDateTime")) or META_TIME
        return Fetched(
            new=new,
            folder_id=found.folder_id,
            body=Node.file("body", modified, body),
            parts=tuple(parts.nodes),
            stored_bytes=body.stored_bytes + parts.stored_bytes,
            problems=problems,
            flags=flags,
        )
