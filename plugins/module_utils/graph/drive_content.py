# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bytes of a file of a drive, or of an earlier version, as a stream.

Facts of the protocol (onedrive facts, A4, A5): a file is read from a pre-authenticated address, without a token. The address
comes with the item and is good for some minutes to an hour; a download that has begun goes on when it expires. After a
break one goes on with a range, which the server may ignore. The path C(/content) redirects to such an address, or gives the
bytes itself. Sizes and hashes that the service states are often not those of the bytes: the length of the answer counts.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import re
import typing as t

from .client import GraphClient
from .drive_errors import AddressExpired, ContentChanged, MalwareBlocked, RangeRefused
from .drive_paths import downloading, item_path, reading
from .errors import BadAnswer, GraphError, ItemUnreadable, StreamBroken
from .ids import DriveId, Fields
from .links import DownloadAddress, download_address
from .refusals import Call
from .retry import RetryPolicy
from .streams import Stream

_PIECE = 1 << 20
_REDIRECTS = (301, 302, 307, 308)
_ADDRESSES = 3
"""The one that came with the item, a fresh one, and the one that the path leads to."""
_STALLS = 7
"""Breaks in a row, each with less than a piece since the one before."""
_ADDRESS_NAMES = ("@microsoft.graph.downloadUrl", "@content.downloadUrl")
_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")
_PATIENCE = RetryPolicy()
#: The service answers 503 for parts of notebooks that it will never deliver.
_LITTLE_PATIENCE = RetryPolicy(other=3, heavy=3)
_NOTEBOOK_TYPE = "application/msonenote"
_NOTEBOOK_NAMES = (".one", ".onetoc2")
_PAGE_NAMES = (".htm", ".html", ".shtml", ".xhtml", ".asp", ".aspx", ".ascx", ".master", ".mht", ".mhtml")
_LATER = "Nothing is lost: the next run tries it again."


def file_content(client: GraphClient, drive_id: DriveId, item: Fields) -> t.Iterator[bytes]:
    """The bytes of a file as it is now, from the address in C(item) while that is good.

    What C(item) states of size and hash is not compared with what comes.

    :raises NotFound: it is gone.
    :raises ContentChanged: it was changed before the stream could be gone on with: ask for the item, and begin again.
    :raises MalwareBlocked, FileLocked, DriveLocked, ItemUnreadable: it is not delivered.
    :raises BadAnswer: the stream broke again and again.
    """
    return _pieces(_File(client, drive_id, item))


def version_content(client: GraphClient, drive_id: DriveId, item_id: str, version: str) -> t.Iterator[bytes]:
    """The bytes of an earlier version of a file.

    :raises NotFound: the file is gone, or the version is.
    :raises RequestRefused: it is the current version, or the file has none.
    :raises MalwareBlocked, FileLocked, DriveLocked, ItemUnreadable, BadAnswer: as for L(file_content).
    """
    return _pieces(_Version(client, drive_id, item_id, version))


class _Source:
    """Where bytes come from. An address of None stands for the path."""

    size: int | None = None

    def __init__(self, client: GraphClient, call: Call, path: str, policy: RetryPolicy = _PATIENCE) -> None:
        self.client = client
        self.call = call
        self._path = path
        self._policy = policy

    def address(self, refused: int, *, is_first: bool) -> DownloadAddress | None:
        """The next address to try, after so many that were refused."""
        raise NotImplementedError

    def is_other(self, stream: Stream) -> bool:
        """Whether the answer is no file, such as a page that asks for a login."""
        raise NotImplementedError

    @contextlib.contextmanager
    def opened(self, address: DownloadAddress | None, start: int) -> t.Iterator[Stream]:
        headers = {"Range": f"bytes={start}-"} if start else None
        if address is None:
            with self.client.open_signed(self.call, self._path, headers=headers, statuses=_REDIRECTS, policy=self._policy) as stream:
                if stream.status not in _REDIRECTS:
                    yield stream
                    return
                with contextlib.suppress(StreamBroken):
                    collections.deque(stream.pieces(_PIECE), maxlen=0)
                address = download_address(self.client.cloud, stream.headers.get("Location") or "")
        policy = dataclasses.replace(self._policy, missing=1)
        with self.client.open_unsigned(self.call, address, headers=headers, policy=policy) as stream:
            yield stream

    def failure(self, kind: type[GraphError], reason: str, hint: str = _LATER) -> GraphError:
        return kind(f"{self.call.doing} failed: {reason}.", hint=hint)


class _File(_Source):
    """The file itself. A fresh address comes with what the service says of the item, so a change is noticed."""

    def __init__(self, client: GraphClient, drive_id: DriveId, item: Fields) -> None:
        identity = str(item["id"])
        policy = _LITTLE_PATIENCE if _is_notebook_part(item) else _PATIENCE
        call = downloading(f"Downloading file {identity} of drive {drive_id}")
        super().__init__(client, call, item_path(drive_id, identity, "content"), policy)
        self._item = item
        self._item_path = item_path(drive_id, identity)
        self._reading = reading(f"Asking for an address of file {identity} of drive {drive_id}", is_named=True)
        self.size = _size(item)

    def address(self, refused: int, *, is_first: bool) -> DownloadAddress | None:
        if refused >= _ADDRESSES - 1:
            return None
        if refused == 0 and is_first and (link := _link(self._item)):
            return download_address(self.client.cloud, link)
        item = self.client.get_json(self._reading, self._item_path)
        if self._item.get("eTag") and item.get("eTag") != self._item["eTag"]:
            raise self.failure(ContentChanged, "the file was changed meanwhile")
        self._item = item
        self.size = _size(item)
        link = _link(item)
        return download_address(self.client.cloud, link) if link else None

    def is_other(self, stream: Stream) -> bool:
        if not stream.headers.get("Content-Type", "").lower().startswith("text/html"):
            return False
        kind = str(_mapping(self._item.get("file")).get("mimeType") or "").lower()
        may_be_page = kind in ("", "text/html") or str(self._item.get("name") or "").lower().endswith(_PAGE_NAMES)
        return not may_be_page and _length(stream) != self.size


class _Version(_Source):
    """An earlier version. It never changes, and nothing is known of it beforehand."""

    def __init__(self, client: GraphClient, drive_id: DriveId, item_id: str, version: str) -> None:
        call = downloading(f"Downloading version {version} of file {item_id} of drive {drive_id}")
        super().__init__(client, call, item_path(drive_id, item_id, "versions", version, "content"))

    def address(self, refused: int, *, is_first: bool) -> DownloadAddress | None:
        return None

    def is_other(self, stream: Stream) -> bool:
        return False


def _pieces(source: _Source) -> t.Iterator[bytes]:
    received, total = 0, None
    refused = stalls = mark = 0
    is_first = True
    while True:
        address = source.address(refused, is_first=is_first)
        is_first = False
        try:
            with source.opened(address, received) as stream:
                _require_file(source, stream)
                total = _total(source, stream, received, total)
                for piece in _after(stream, received):
                    received += len(piece)
                    yield piece
                return
        except AddressExpired as error:
            refused += 1
            if refused >= _ADDRESSES:
                raise _as(ItemUnreadable, error) from None
        except RangeRefused as error:
            if not _ends_at(received, total, source.size):
                raise _as(BadAnswer, error) from None
            return
        except StreamBroken as error:
            stalls = stalls + 1 if received - mark < _PIECE else 0
            if stalls >= _STALLS:
                raise _as(BadAnswer, error) from None
            refused, mark = (0, received) if received > mark else (refused, mark)
            source.client.pause(stalls)


def _require_file(source: _Source, stream: Stream) -> None:
    if stream.headers.get("X-Virus-Infected", "").lower() == "true":
        raise source.failure(MalwareBlocked, "the service found malware in it", "Look at the file in Microsoft Defender.")
    if source.is_other(stream):
        raise source.failure(AddressExpired, "the answer is a web page, not the file")


def _total(source: _Source, stream: Stream, received: int, known: int | None) -> int | None:
    """How long the file is, None when nobody says; a file that is gone on with must be as long as it was."""
    if stream.status == 206:
        parts = _RANGE.fullmatch(stream.headers.get("Content-Range", ""))
        if parts is None or parts[1] is None or int(parts[1]) != received:
            raise source.failure(BadAnswer, "the answer holds other bytes than were asked for")
        total = int(parts[2]) if parts[2].isdecimal() else None
    else:
        total = _length(stream)
    if received and known is not None and total is not None and total != known:
        raise source.failure(ContentChanged, "the file has another length than before")
    return known if total is None else total


def _after(stream: Stream, received: int) -> t.Iterator[bytes]:
    """What we do not have. A server that ignores the range sends everything again."""
    to_skip = 0 if stream.status == 206 else received
    for piece in stream.pieces(_PIECE):
        if to_skip >= len(piece):
            to_skip -= len(piece)
            continue
        yield piece[to_skip:] if to_skip else piece
        to_skip = 0


def _ends_at(received: int, total: int | None, stated: int | None) -> bool:
    """A server that has nothing from here on has nothing more at all. What was announced may have been too much, but then
    the item has to say that this is all of it."""
    return received > 0 and received in (total, stated)


def _as(kind: type[GraphError], error: GraphError) -> GraphError:
    return kind(error.what, hint=_LATER, status=error.status, code=error.code, request_id=error.request_id)


def _link(item: Fields) -> str:
    return next((link for name in _ADDRESS_NAMES if isinstance(link := item.get(name), str) and link), "")


def _length(stream: Stream) -> int | None:
    text = stream.headers.get("Content-Length", "")
    return int(text) if text.isdecimal() else None


def _size(item: Fields) -> int | None:
    size = item.get("size")
    return size if isinstance(size, int) else None


def _is_notebook_part(item: Fields) -> bool:
    kind = str(_mapping(item.get("file")).get("mimeType") or "")
    return kind == _NOTEBOOK_TYPE or str(item.get("name") or "").lower().endswith(_NOTEBOOK_NAMES)


def _mapping(value: t.Any) -> t.Mapping[str, t.Any]:
    return value if isinstance(value, dict) else {}
