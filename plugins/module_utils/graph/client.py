# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Microsoft Graph for the rest of the collection: JSON and bodies, from paths of ours or links of the service.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import datetime
import json
import random
import typing as t

from .bodies import MEMORY_LIMIT, Body, collect
from .clock import Clock, SystemClock
from .clouds import Cloud
from .ids import Fields
from .limits import Budgets, Limiter
from .links import UploadAddress, graph_target, with_query
from .refusals import Call
from .requester import BrokenAnswer, Request, Requester
from .retry import RetryPolicy
from .settings import ConnectionSettings
from .tokens import MsalTokenProvider
from .traffic import Meter, Traffic
from .transport import Incoming, Transport

T = t.TypeVar("T")


def connect(settings: ConnectionSettings, *, clock: Clock | None = None, budgets: Budgets | None = None) -> GraphClient:
    """Check the settings, log in once, and give the client.

    :raises InputError: the settings cannot work; nothing was sent.
    :raises AuthenticationFailed, NetworkUnreachable, ServiceUnavailable: the login failed.
    """
    clock = clock or SystemClock()
    network = settings.check(datetime.datetime.fromtimestamp(clock.wall(), tz=datetime.timezone.utc))
    limiter, meter = Limiter(clock, budgets), Meter()
    tokens = MsalTokenProvider(settings, network, limiter=limiter, meter=meter, clock=clock, random=random.random)
    tokens.token()
    transport = Transport(network, connections=settings.connections)
    return GraphClient(settings.cloud, Requester(transport, tokens, limiter, meter=meter, clock=clock, random=random.random), meter)


class GraphClient:
    """Thread-safe. Close it, or use it as a context manager.

    Each method takes a L(Call) that says what for, and raises the subclass of GraphError that fits, or Cancelled.
    """

    def __init__(self, cloud: Cloud, requester: Requester, meter: Meter) -> None:
        self.cloud = cloud
        self._requester = requester
        self._meter = meter

    def get_json(
        self,
        call: Call,
        path_or_link: str,
        *,
        params: t.Mapping[str, str] | None = None,
        prefer: t.Sequence[str] = (),
        headers: t.Mapping[str, str] | None = None,
        policy: RetryPolicy | None = None,
    ) -> Fields:
        """A path of ours (from graph_path) with parameters, or a link of the service as it is.

        :raises LinkRefused: the link leads to another host.
        """
        target = with_query(graph_target(self.cloud, path_or_link), params)
        request = Request(method="GET", host=self.cloud.graph_host, target=target, headers=_json_headers(prefer, headers))
        return self._requester.perform(call, request, self.read_json, policy)

    def post_json(
        self, call: Call, path: str, body: Fields, *, prefer: t.Sequence[str] = (), is_repeatable: bool = False, upload: bool = True
    ) -> Fields:
        """:raises AmbiguousOutcome: it may have happened; only when it is not repeatable."""
        return self._write("POST", call, path, _encoded(body), prefer, is_repeatable=is_repeatable, counts_as_upload=upload)

    def post_text(self, call: Call, path: str, body: bytes, *, prefer: t.Sequence[str] = ()) -> Fields:
        """A body of type text/plain; how messages are created from MIME."""
        return self._write("POST", call, path, body, prefer, is_repeatable=False, counts_as_upload=True, content_type="text/plain")

    def patch_json(self, call: Call, path: str, body: Fields, *, prefer: t.Sequence[str] = ()) -> Fields:
        return self._write("PATCH", call, path, _encoded(body), prefer, is_repeatable=True, counts_as_upload=True)

    def put_bytes(self, call: Call, path: str, content: bytes, content_type: str, *, prefer: t.Sequence[str] = ()) -> None:
        """Bytes in the place of those that are there, such as a photo. Nobody reads the answer, which need not be JSON."""
        request = Request(
            method="PUT",
            host=self.cloud.graph_host,
            target=path,
            headers={"Content-Type": content_type, **_json_headers(prefer, None)},
            body=content,
            upload_bytes=len(content),
        )
        self._requester.perform(call, request, Incoming.read)

    def post_unsigned(self, call: Call, address: UploadAddress, body: Fields) -> Fields:
        """JSON to a pre-authenticated address, without a token.

        :raises AmbiguousOutcome: it may have happened.
        """
        encoded = _encoded(body)
        request = Request(
            method="POST",
            host=address.host,
            target=address.target,
            headers={"Content-Type": "application/json", **_json_headers((), None)},
            body=encoded,
            with_token=False,
            is_repeatable=False,
            upload_bytes=len(encoded),
        )
        return self._requester.perform(call, request, self.read_json)

    def delete(self, call: Call, path: str, *, prefer: t.Sequence[str] = ()) -> None:
        request = Request(method="DELETE", host=self.cloud.graph_host, target=path, headers=_json_headers(prefer, None))
        self._requester.perform(call, request, self.read_json)

    def read_body(self, call: Call, path: str, *, prefer: t.Sequence[str] = ()) -> Body:
        """The whole body, byte for byte.

        :raises TemporaryStorageFailed: it is large and the temporary folder does not take it.
        """
        headers = {"Accept-Encoding": "identity", **_prefer_header(prefer)}
        request = Request(method="GET", host=self.cloud.graph_host, target=path, headers=headers)
        return self._requester.perform(call, request, self._read_body)

    def send(
        self,
        call: Call,
        method: str,
        path_or_link: str,
        read: t.Callable[[Incoming], T],
        *,
        params: t.Mapping[str, str] | None = None,
        body: Fields | None = None,
        headers: t.Mapping[str, str] | None = None,
        policy: RetryPolicy | None = None,
        statuses: t.Collection[int] = (),
    ) -> T:
        """A request that changes nothing, whose answer C(read) takes in its own way; of C(statuses), too, besides success.

        C(read) may be called once for each attempt, and must leave nothing behind when it fails.

        :raises LinkRefused: the link leads to another host.
        """
        request = Request(
            method=method,
            host=self.cloud.graph_host,
            target=with_query(graph_target(self.cloud, path_or_link), params),
            headers={**({} if body is None else {"Content-Type": "application/json"}), **_json_headers((), headers)},
            body=None if body is None else _encoded(body),
            statuses=frozenset(statuses),
        )
        return self._requester.perform(call, request, read, policy)

    def pieces(self, incoming: Incoming, size: int) -> t.Iterator[bytes]:
        """The body of an answer in pieces of at most ``size`` bytes or 1 MiB, for readers of L(send).

        :raises Cancelled: between two pieces.
        """
        for piece in self._stoppable(incoming.pieces(size)):
            self._meter.count_received(len(piece))
            yield piece

    def put_piece(self, call: Call, address: UploadAddress, piece: bytes, content_range: str) -> Fields:
        """A piece of an upload to a pre-authenticated address, without a token."""
        headers = {"Content-Type": "application/octet-stream", "Content-Range": content_range, "Accept-Encoding": "identity"}
        request = Request(
            method="PUT",
            host=address.host,
            target=address.target,
            headers=headers,
            body=piece,
            with_token=False,
            upload_bytes=len(piece),
        )
        return self._requester.perform(call, request, self.read_json)

    def traffic(self) -> Traffic:
        """What went over the wire so far."""
        return self._requester.traffic()

    def cancel(self) -> None:
        """Let every waiting, reading and future request of this client raise Cancelled."""
        self._requester.cancel()

    def close(self) -> None:
        self._requester.close()

    def __enter__(self) -> GraphClient:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _write(
        self,
        method: str,
        call: Call,
        path: str,
        body: bytes,
        prefer: t.Sequence[str],
        *,
        is_repeatable: bool,
        counts_as_upload: bool,
        content_type: str = "application/json",
    ) -> Fields:
        request = Request(
            method=method,
            host=self.cloud.graph_host,
            target=path,
            headers={"Content-Type": content_type, **_json_headers(prefer, None)},
            body=body,
            is_repeatable=is_repeatable,
            upload_bytes=len(body) if counts_as_upload else 0,
        )
        return self._requester.perform(call, request, self.read_json)

    def read_json(self, incoming: Incoming) -> Fields:
        """The whole answer as one JSON object, as a reader for L(send)."""
        content = incoming.read()
        self._meter.count_received(len(content))
        if not content and incoming.status != 200:
            return {}
        try:
            document = json.loads(content, strict=False)
        except (ValueError, RecursionError):
            raise BrokenAnswer(f"the answer of {len(content):,} bytes is not complete JSON") from None
        if not isinstance(document, dict):
            raise BrokenAnswer("the answer is JSON, but not an object")
        return document

    def _read_body(self, incoming: Incoming) -> Body:
        body = collect(self._stoppable(incoming.pieces(MEMORY_LIMIT)))
        self._meter.count_received(body.size)
        return body

    def _stoppable(self, pieces: t.Iterator[bytes]) -> t.Iterator[bytes]:
        for piece in pieces:
            self._requester.raise_if_cancelled()
            yield piece


def _encoded(body: Fields) -> bytes:
    """UTF-8, but escapes where a text holds half of a surrogate pair, which UTF-8 cannot carry."""
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(body, separators=(",", ":")).encode("ascii")


def _json_headers(prefer: t.Sequence[str], more: t.Mapping[str, str] | None) -> dict[str, str]:
    return {"Accept": "application/json", "Accept-Encoding": "gzip", **_prefer_header(prefer), **(more or {})}


def _prefer_header(prefer: t.Sequence[str]) -> dict[str, str]:
    return {"Prefer": ", ".join(prefer)} if prefer else {}
