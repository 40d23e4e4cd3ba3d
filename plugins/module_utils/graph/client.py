# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Microsoft Graph for the rest of the collection: JSON and bodies, from paths of ours or links of the service.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import datetime
import random
import typing as t

from .bodies import MEMORY_LIMIT, Body, collect
from .clock import Clock, SystemClock
from .clouds import Cloud
from .ids import Fields
from .limiter import Limiter
from .limits import Budget, Budgets, LimitScope
from .links import DownloadAddress, UploadAddress, graph_target, with_query
from .operations import Request
from .refusals import Call
from .request_forms import decoded, encoded, json_headers, prefer_header, signed_download, unsigned, unsigned_download, unsigned_upload
from .requester import Requester
from .retry import RetryPolicy
from .settings import ConnectionSettings
from .streams import Stream
from .tokens import MsalTokenProvider
from .traffic import Meter, Traffic
from .transport import Incoming, Transport

if t.TYPE_CHECKING:
    from .common_cells import CommonCells

T = t.TypeVar("T")


def connect(
    settings: ConnectionSettings, *, clock: Clock | None = None, budgets: Budgets | None = None, common: CommonCells | None = None
) -> GraphClient:
    """Check the settings, log in once, and give the client.

    ``budgets`` are those of the settings' tenant if they are not given. With ``common`` the client shares what drives may be
    asked for with the clients of other processes.

    :raises InputError: the settings cannot work; nothing was sent.
    :raises AuthenticationFailed, NetworkUnreachable, ServiceUnavailable: the login failed.
    """
    clock = clock or SystemClock()
    network = settings.check(datetime.datetime.fromtimestamp(clock.wall(), tz=datetime.timezone.utc))
    limiter, meter = Limiter(clock, budgets or Budgets.of_tenant(settings.tenant_licenses, settings.hosts_at_once), common), Meter()
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
        request = Request(method="GET", host=self.cloud.graph_host, target=target, headers=json_headers(prefer, headers))
        return self._requester.perform(call, request, self.read_json, policy)

    def post_json(
        self, call: Call, path: str, body: Fields, *, prefer: t.Sequence[str] = (), is_repeatable: bool = False, upload: bool = True
    ) -> Fields:
        """:raises AmbiguousOutcome: it may have happened; only when it is not repeatable."""
        return self._write("POST", call, path, encoded(body), prefer, is_repeatable=is_repeatable, counts_as_upload=upload)

    def post_text(self, call: Call, path: str, body: bytes, *, prefer: t.Sequence[str] = ()) -> Fields:
        """A body of type text/plain; how messages are created from MIME."""
        return self._write("POST", call, path, body, prefer, is_repeatable=False, counts_as_upload=True, content_type="text/plain")

    def patch_json(
        self, call: Call, path: str, body: Fields, *, prefer: t.Sequence[str] = (), headers: t.Mapping[str, str] | None = None
    ) -> Fields:
        return self._write("PATCH", call, path, encoded(body), prefer, is_repeatable=True, counts_as_upload=True, headers=headers)

    def put_bytes(self, call: Call, path: str, content: bytes, content_type: str, *, prefer: t.Sequence[str] = ()) -> None:
        """Bytes in the place of those that are there, such as a photo. Nobody reads the answer, which need not be JSON."""
        request = Request(
            method="PUT",
            host=self.cloud.graph_host,
            target=path,
            headers={"Content-Type": content_type, **json_headers(prefer)},
            body=content,
            upload_bytes=len(content),
        )
        self._requester.perform(call, request, Incoming.read)

    def post_unsigned(self, call: Call, address: UploadAddress, body: Fields) -> Fields:
        """JSON to a pre-authenticated address, without a token.

        :raises AmbiguousOutcome: it may have happened.
        """
        headers = {"Content-Type": "application/json", **json_headers()}
        request = unsigned_upload("POST", address, encoded(body), headers, is_repeatable=False)
        return self._requester.perform(call, request, self.read_json)

    def put_content(
        self, call: Call, path: str, content: bytes, content_type: str = "application/octet-stream", *, is_repeatable: bool = True
    ) -> Fields:
        """A whole file; the answer tells of the item that it became.

        :raises AmbiguousOutcome: it may have happened; only when it is not repeatable.
        """
        return self._write("PUT", call, path, content, (), is_repeatable=is_repeatable, counts_as_upload=True, content_type=content_type)

    def delete(self, call: Call, path: str, *, prefer: t.Sequence[str] = (), headers: t.Mapping[str, str] | None = None) -> None:
        request = Request(method="DELETE", host=self.cloud.graph_host, target=path, headers=json_headers(prefer, headers))
        self._requester.perform(call, request, self.read_json)

    def open_unsigned(
        self,
        call: Call,
        address: DownloadAddress,
        *,
        headers: t.Mapping[str, str] | None = None,
        statuses: t.Collection[int] = (),
        policy: RetryPolicy | None = None,
    ) -> t.ContextManager[Stream]:
        """Read from a pre-authenticated address, without a token; of C(statuses), too, besides success.

        The place in the limiter is held until the stream is closed.

        :raises AddressExpired: another address is needed.
        """
        return self._requester.open(call, unsigned_download(address, headers, statuses), policy)

    def open_signed(
        self,
        call: Call,
        path: str,
        *,
        headers: t.Mapping[str, str] | None = None,
        statuses: t.Collection[int] = (),
        policy: RetryPolicy | None = None,
    ) -> t.ContextManager[Stream]:
        """Read from a path of ours as from L(open_unsigned), with a token."""
        return self._requester.open(call, signed_download(self.cloud.graph_host, path, headers, statuses), policy)

    def pause(self, attempt: int) -> None:
        """Before a broken stream is gone on with: a backoff, C(attempt) counts from 0."""
        self._requester.pause(attempt)

    def get_unsigned_json(self, call: Call, address: UploadAddress) -> Fields:
        """How far an upload got, from its pre-authenticated address, without a token."""
        return self._requester.perform(call, unsigned("GET", address), self.read_json)

    def delete_unsigned(self, call: Call, address: UploadAddress) -> None:
        """Give an upload up at its pre-authenticated address, without a token."""
        self._requester.perform(call, unsigned("DELETE", address), Incoming.read)

    def read_body(self, call: Call, path: str, *, prefer: t.Sequence[str] = ()) -> Body:
        """The whole body, byte for byte.

        :raises TemporaryStorageFailed: it is large and the temporary folder does not take it.
        """
        headers = {"Accept-Encoding": "identity", **prefer_header(prefer)}
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
            headers={**({} if body is None else {"Content-Type": "application/json"}), **json_headers((), headers)},
            body=None if body is None else encoded(body),
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
        return self._requester.perform(call, unsigned_upload("PUT", address, piece, headers), self.read_json)

    @property
    def drive_budget(self) -> Budget:
        """What Microsoft allows this host to ask of drives, for estimates."""
        return self._requester.budget(LimitScope.drives())

    @property
    def mailbox_budget(self) -> Budget:
        """What Microsoft allows an app to ask of one mailbox, whichever it is, for estimates."""
        return self._requester.budget(LimitScope.mailbox(""))

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
        headers: t.Mapping[str, str] | None = None,
    ) -> Fields:
        request = Request(
            method=method,
            host=self.cloud.graph_host,
            target=path,
            headers={"Content-Type": content_type, **json_headers(prefer, headers)},
            body=body,
            is_repeatable=is_repeatable,
            upload_bytes=len(body) if counts_as_upload else 0,
        )
        return self._requester.perform(call, request, self.read_json)

    def read_json(self, incoming: Incoming) -> Fields:
        """The whole answer as one JSON object, as a reader for L(send)."""
        content = incoming.read()
        self._meter.count_received(len(content))
        return {} if not content and incoming.status != 200 else decoded(content)

    def _read_body(self, incoming: Incoming) -> Body:
        body = collect(self._stoppable(incoming.pieces(MEMORY_LIMIT)))
        self._meter.count_received(body.size)
        return body

    def _stoppable(self, pieces: t.Iterator[bytes]) -> t.Iterator[bytes]:
        for piece in pieces:
            self._requester.raise_if_cancelled()
            yield piece
