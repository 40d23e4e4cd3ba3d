# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading files of a drive into the repository, a few at a time: contents, earlier versions, permissions.

The service is often wrong about sizes and hashes: SharePoint rewrites Office files, and protected files come with other
bytes than it states. So a file that does not match is read once more, and then what came is what counts; both hashes are kept.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from .._errors import BackupError
from ..graph.drive_errors import ContentChanged, FileLocked, MalwareBlocked
from ..graph.errors import AccessDenied, NotFound, ServiceUnavailable
from ..graph.ids import Cursor, Fields
from ..graph.quick_xor import QuickXor
from .catalogue import Record
from .drive_answers import Answer, Body, Version
from .drive_decide import Wanted
from .drive_record import NOTEBOOK_PART, Entry, What, entry_of, shortcut_content
from .item_failures import MAYBE_ALL, ONE_OBJECT, Sickness
from .results import Finding, FindingKind, finding_of
from .scan_marks import SCAN, Mark
from .small_files import to_json

if t.TYPE_CHECKING:
    from ..graph.delta import Page
    from .contents import Contents

FILES_AT_ONCE = 8
_ATTEMPTS = 3

#: Errors that concern one file.
ONE_FILE = (*ONE_OBJECT, AccessDenied, ContentChanged, FileLocked, MalwareBlocked)
#: So many files in a row that nobody may read are not single ones any more.
_DENIED_AFTER = 100


class DriveService(t.Protocol):
    """What is asked of a drive. The real one is graph's DriveReader."""

    def delta(self, cursor: Cursor | None, *, permissions: bool) -> t.Iterator[Page]: ...
    def item(self, item_id: str) -> Fields: ...
    def content(self, item: Fields) -> t.Iterator[bytes]: ...
    def versions(self, item_id: str) -> t.Iterator[Fields]: ...
    def version_content(self, item_id: str, version: str) -> t.Iterator[bytes]: ...
    def permissions(self, item_id: str) -> t.Iterator[Fields]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to read of an item. C(key) is the content that was asked for; C(versions): how many; C(known) are those we have."""

    entry: Entry
    fields: Fields
    wanted: Wanted
    key: str
    versions: int = 0
    known: t.Mapping[str, Version] = field(default_factory=dict)


class Files:
    """Takes orders, and gives the answers back as they come, in any order."""

    def __init__(self, drive: DriveService, contents: Contents) -> None:
        self._drive = drive
        self._contents = contents
        self._pool: ThreadPoolExecutor | None = None
        self._running: dict[Future[Answer], Order] = {}
        self._sicknesses = (Sickness(kinds=MAYBE_ALL), Sickness(after=_DENIED_AFTER, kinds=(AccessDenied,)))

    def ask(self, order: Order) -> None:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(FILES_AT_ONCE, thread_name_prefix="file")
        self._running[self._pool.submit(self._read, order)] = order

    def answers(self, leave: int) -> t.Iterator[tuple[Order, Answer]]:
        """Wait until no more than C(leave) are under way. Raises what ends the whole source."""
        while self._running:
            done, _others = wait(self._running, timeout=0 if len(self._running) <= leave else None, return_when=FIRST_COMPLETED)
            if not done:
                return
            for future in done:
                order = self._running.pop(future)
                yield order, self._answer(order, future)

    def answers_so_far(self) -> t.Iterator[tuple[Order, Answer]]:
        """After Cancelled: what had come until then."""
        self.close()
        for future, order in self._running.items():
            if not future.cancelled() and future.exception() is None:
                yield order, future.result()

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _answer(self, order: Order, future: Future[Answer]) -> Answer:
        try:
            answer = future.result()
        except ONE_FILE as error:
            if not _is_never_delivered(error, order.entry):
                for sickness in self._sicknesses:
                    sickness.failed(error)
            return _answer_of(error, order.entry)
        for sickness in self._sicknesses:
            sickness.passed()
        return answer

    def _read(self, order: Order) -> Answer:
        answer = self._content(order) if order.wanted.content else Answer()
        findings: list[Finding] = []
        versions, permissions, stored = None, None, answer.stored_bytes
        if order.wanted.versions:
            try:
                versions, more = self._versions(order)
                stored += more
            except ONE_FILE as error:
                findings += _finding_beside(error, "earlier versions of ")
        if order.wanted.permissions:
            try:
                own = [one for one in self._drive.permissions(order.entry.id) if not one.get("inheritedFrom")]
                saved = self._contents.save([to_json(own)], None).file
                permissions, stored = Body.of(saved), stored + saved.stored_bytes
            except ONE_FILE as error:
                findings += _finding_beside(error, "permissions of ")
        return Answer(
            content=answer.content,
            body=answer.body,
            versions=versions,
            permissions=permissions,
            findings=tuple(findings),
            stored_bytes=stored,
        )

    def _content(self, order: Order) -> Answer:
        if order.entry.what is What.SHORTCUT:
            saved = self._contents.save([to_json(shortcut_content(order.fields))], None).file
            return Answer(content={"size": saved.size, "etag": order.entry.etag}, body=Body.of(saved), stored_bytes=saved.stored_bytes)
        if order.entry.is_malware:
            raise MalwareBlocked("Microsoft has found malware in it, and does not deliver it.")
        fields, entry = order.fields, order.entry
        is_second = False
        for attempt in range(_ATTEMPTS):
            taken = QuickXor()
            try:
                kept = self._contents.save(_watched(self._drive.content(fields), taken), size=entry.size)
                saved = kept.file
            except ContentChanged:
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                content = content_record(entry, saved.size, taken.digest(), kept.mark)
                if is_second or not {"stated_size", "own_hash"} & content.keys() or not entry.hash:
                    return Answer(content=content, body=Body.of(saved), stored_bytes=saved.stored_bytes)
                is_second = True
            fields = self._drive.item(entry.id)
            entry = entry_of(fields)
        return Answer(content=content, body=Body.of(saved), stored_bytes=saved.stored_bytes)

    def _versions(self, order: Order) -> tuple[tuple[Version, ...], int]:
        """The newest ones but for the current, which Graph lists first and does not deliver by its number."""
        kept: list[Version] = []
        stored = 0
        for number, fields in enumerate(self._drive.versions(order.entry.id)):
            if number == 0:
                continue
            if number > order.versions:
                break
            name = str(fields["id"])
            known = order.known.get(name)
            if known is None:
                read = self._contents.save(self._drive.version_content(order.entry.id, name), size=_size(fields))
                modified = str(fields.get("lastModifiedDateTime") or "")
                known, stored = Version(name, modified, Body.of(read.file), read.mark), stored + read.file.stored_bytes
            kept.append(known)
        return tuple(kept), stored


def content_record(entry: Entry, size: int, own_hash: str, mark: Mark | None = None) -> Record:
    """What the catalogue says of a content that was read: what the service states, and what came where that differs."""
    content: Record = {"size": size, "hash": entry.hash, "etag": entry.etag}
    if size != entry.size:
        content["stated_size"] = entry.size
    if own_hash != entry.hash:
        content["own_hash"] = own_hash
    if mark is not None:
        content[SCAN] = mark
    return content


def _size(fields: Fields) -> int:
    size = fields.get("size")
    return size if isinstance(size, int) else 0


def _watched(chunks: t.Iterable[bytes], taken: QuickXor) -> t.Iterator[bytes]:
    for chunk in chunks:
        taken.update(chunk)
        yield chunk


def _answer_of(error: BackupError, entry: Entry) -> Answer:
    """The closed list of reasons for which a file is skipped: malware, a lock, and parts of a notebook that the service never
    delivers. All of them are asked for again by the next run."""
    if isinstance(error, NotFound):
        # Deleted since it was named, which is no finding. The next run makes sure of it.
        return Answer(is_gone=True)
    if isinstance(error, (MalwareBlocked, FileLocked)) or _is_never_delivered(error, entry):
        code = "malware" if isinstance(error, MalwareBlocked) else "locked" if isinstance(error, FileLocked) else "notebook_part"
        found = finding_of(error, "")
        return Answer(findings=(Finding(kind=FindingKind.SKIPPED, object="", reason=found.reason, code=code, request_id=found.request_id),))
    return Answer(findings=(finding_of(error, ""),))


def _is_never_delivered(error: BackupError, entry: Entry) -> bool:
    """Some parts of notebooks answer 503 for ever, which says nothing of the drive."""
    return entry.known.get("kind") == NOTEBOOK_PART and isinstance(error, ServiceUnavailable)


def _finding_beside(error: BackupError, what: str) -> list[Finding]:
    """C(what) becomes the beginning of the object's name. What is gone is no finding."""
    return [] if isinstance(error, NotFound) else [finding_of(error, what)]
