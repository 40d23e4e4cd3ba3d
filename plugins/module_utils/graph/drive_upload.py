# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Uploading a file into a folder of a drive through an upload session.

Facts of the protocol (onedrive facts, A8): a session takes fragments strictly in order at a pre-authenticated address, without
a token; all but the last are multiples of 320 KiB. When an answer is lost, the session tells what it expects next. A session
that is gone may have become the file, or have vanished. While it is open it reserves its name, also against its own maker, so
it is cancelled when anything fails. It sets the times of the file without making another version.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from .._errors import BackupError
from .client import GraphClient
from .drive_errors import NameHeld, NameTaken, RangeRefused, UploadLost
from .drive_paths import named_path, reading, writing
from .errors import BadAnswer, NotFound
from .ids import DriveId, Fields
from .links import UploadAddress, session_address
from .mail_attachments import ContentMismatch
from .resource_units import ONE_ITEM

Conflict: t.TypeAlias = t.Literal["fail", "replace"]
CONFLICT = "@microsoft.graph.conflictBehavior"
FRAGMENT = 32 * 320 * 1024
"""Bytes: Microsoft advises 5 to 10 MiB. One is held in memory for each upload under way."""
_BEGINNINGS = 3
_REPEAT = "Repeat the restore."


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What to upload. C(content) is called anew whenever the upload has to begin again; it gives exactly C(size) bytes, which
    are not 0. Times as Graph writes them; an empty one is left to the service."""

    parent_id: str
    name: str
    size: int
    content: t.Callable[[], t.Iterable[bytes]]
    created: str = ""
    modified: str = ""
    conflict: Conflict = "fail"


class Uploader:
    """Thread-safe."""

    def __init__(self, client: GraphClient, drive_id: DriveId) -> None:
        self._client = client
        self._drive_id = drive_id

    def upload(self, upload: Upload) -> Fields:
        """The item that came of it; its size and hash may be others than those of what was sent.

        :raises NameTaken: something has the name; or NameHeld, a session that we do not know reserves it.
        :raises NameRefused, QuotaExceeded, RetentionHeld, FileLocked, DriveLocked: nothing was made.
        :raises UploadLost: the session vanished each time.
        :raises ContentMismatch: the content gives another number of bytes; nothing was made.
        """
        if upload.size <= 0:
            raise ValueError("an upload session takes no empty file")
        for _beginning in range(_BEGINNINGS):
            with self._session(upload) as session:
                made = session.send()
                if made is None and session.is_gone and session.has_sent_all:
                    made = self._look(upload)
                if made is not None:
                    session.is_done = True
                    return made
        raise UploadLost(f"{self._doing(upload)} failed: the upload session vanished {_BEGINNINGS} times.", hint=_REPEAT)

    def find(self, parent_id: str, name: str) -> Fields | None:
        """What has a name in a folder; names are compared without case."""
        call = reading(f"Looking for {name!r} in folder {parent_id} of drive {self._drive_id}")
        try:
            return self._client.get_json(call, named_path(self._drive_id, parent_id, name))
        except NotFound:
            return None

    @contextlib.contextmanager
    def _session(self, upload: Upload) -> t.Iterator[_Session]:
        """It is cancelled unless it became the file, also when it is said to be gone: it may have been hidden for a moment."""
        session = _Session(self._client, self._open(upload), upload, self._doing(upload))
        try:
            yield session
        finally:
            if not session.is_done:
                # The name would stay reserved; what went wrong before this is what is told.
                with contextlib.suppress(BackupError):
                    self._client.delete_unsigned(writing(f"Cancelling: {session.doing}"), session.address)

    def _open(self, upload: Upload) -> UploadAddress:
        call = writing(self._doing(upload), is_fresh=True)
        path = named_path(self._drive_id, upload.parent_id, upload.name, "createUploadSession")
        item: dict[str, t.Any] = {CONFLICT: upload.conflict, "name": upload.name}
        if times := file_times(upload.created, upload.modified):
            item["fileSystemInfo"] = times
        try:
            made = self._client.post_json(call, path, {"item": item}, is_repeatable=True)
        except NameTaken as error:
            there = self.find(upload.parent_id, upload.name)
            if there is None or (upload.conflict == "replace" and "file" in there):
                raise NameHeld(
                    error.what,
                    hint="An unfinished upload holds the name, until it expires some days after it began.",
                    status=error.status,
                    code=error.code,
                    request_id=error.request_id,
                ) from None
            raise
        link = made.get("uploadUrl")
        if not isinstance(link, str):
            raise BadAnswer(f"{call.doing} failed: the upload session has no address.", hint=_REPEAT)
        return session_address(self._client.cloud, link)

    def _look(self, upload: Upload) -> Fields | None:
        """After the session is gone: the file, if it was complete. With C(fail) the name was free until then."""
        found = self.find(upload.parent_id, upload.name)
        if found is None or "file" not in found:
            return None
        times = found.get("fileSystemInfo")
        modified = str(times.get("lastModifiedDateTime") or "") if isinstance(times, dict) else ""
        is_ours = modified[:19] == upload.modified[:19] if upload.modified else found.get("size") == upload.size
        return found if upload.conflict == "fail" or is_ours else None

    def _doing(self, upload: Upload) -> str:
        return f"Uploading file {upload.name!r} into folder {upload.parent_id} of drive {self._drive_id}"


class _Session:
    """One session. C(is_done): it became the file. C(is_gone): it is not known any more. C(has_sent_all): the last fragment went out."""

    def __init__(self, client: GraphClient, address: UploadAddress, upload: Upload, doing: str) -> None:
        self.address = address
        self.doing = doing
        self.is_done = False
        self.is_gone = False
        self.has_sent_all = False
        self._client = client
        self._upload = upload

    def send(self) -> Fields | None:
        """The item; None when the session is gone, has taken all and does not say what came of it, or wants what went before."""
        start = 0
        size = self._upload.size
        for fragment in fragments(self._upload.content(), FRAGMENT):
            end = start + len(fragment)
            if end > size:
                raise self._mismatch()
            answer = self._put(fragment, start)
            if answer is None or "id" in answer:
                return answer
            start = end
        if start != size:
            raise self._mismatch()
        self.is_gone = True
        return None

    def _put(self, fragment: bytes, start: int) -> Fields | None:
        """What the service says to a fragment, sent on from wherever it expects; None as for L(send)."""
        end, size = start + len(fragment), self._upload.size
        call = writing(self.doing, is_fresh=start == 0)
        at, rest = start, fragment
        for _repetition in range(_BEGINNINGS):
            self.has_sent_all = self.has_sent_all or end == size
            answer: Fields = {}
            with contextlib.suppress(RangeRefused, NotFound):
                answer = self._client.put_piece(call, self.address, rest, f"bytes {at}-{end - 1}/{size}")
                if "id" in answer:
                    return answer
            expected = _expected(answer)
            if expected is None:
                try:
                    expected = _expected(self._client.get_unsigned_json(dataclasses.replace(call, units=ONE_ITEM), self.address))
                except NotFound:
                    self.is_gone = True
                    return None
            if expected is None or expected == end:
                return answer
            if not start <= expected < end:
                return None
            at, rest = expected, fragment[expected - start :]
        raise BadAnswer(f"{self.doing} failed: the upload session does not take what it asks for.", hint=_REPEAT)

    def _mismatch(self) -> ContentMismatch:
        return ContentMismatch(f"{self.doing} failed: the content is not {self._upload.size:,} bytes long.", hint=_REPEAT)


def fragments(content: t.Iterable[bytes], length: int) -> t.Iterator[bytes]:
    """The same bytes in fragments of one length; only the last is shorter."""
    waiting: list[memoryview] = []
    missing = length
    for chunk in content:
        view = memoryview(chunk)
        while len(view) >= missing:
            yield b"".join((*waiting, view[:missing]))
            view = view[missing:]
            waiting.clear()
            missing = length
        if view:
            waiting.append(view)
            missing -= len(view)
    if waiting:
        yield b"".join(waiting)


def file_times(created: str, modified: str) -> dict[str, str]:
    """C(fileSystemInfo) with the times that are given."""
    return {name: time for name, time in (("createdDateTime", created), ("lastModifiedDateTime", modified)) if time}


def _expected(answer: Fields) -> int | None:
    """Where the next fragment begins; None when the answer does not say."""
    ranges = answer.get("nextExpectedRanges")
    first = ranges[0] if isinstance(ranges, list) and ranges else None
    start = first.partition("-")[0] if isinstance(first, str) else ""
    return int(start) if start.isdecimal() else None
