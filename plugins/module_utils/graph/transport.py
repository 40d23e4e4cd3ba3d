# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bytes to a host and back, over urllib3. Knows nothing of Graph, of tokens, or of retries.

urllib3 is used directly and by its pools: that costs less than half of the CPU of C(requests) per small body. Bodies are
read raw and in large pieces, and an answer that ends before its announced end is a fault, never a short body.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import typing as t
import zlib

from .. import _deps
from .network import Network, tls_context
from .retry import FaultKind

if t.TYPE_CHECKING:
    import urllib3

_CONNECT_SECONDS = 20.0
_READ_SECONDS = 150.0
"""Graph answers 504 after about 60 to 100 seconds of its own."""
_WHOLE_LIMIT = 128 << 20
"""Bytes of an answer that is read at once; the largest pages have some megabytes."""
_LATER_PIECE = 1 << 20
_GZIP = 31
_REFUSED_TUNNEL = "Tunnel connection failed"
_PERMANENT_PROXY_ANSWERS = (" 401 ", " 403 ", " 407 ")


class TransportFault(Exception):
    """No complete answer. ``reason`` is short and holds no address but the host and the proxy."""

    def __init__(self, kind: FaultKind, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


@dataclasses.dataclass(frozen=True, slots=True)
class Outgoing:
    """One request. ``target`` is path and query; it is not shown, since it may be pre-authenticated."""

    method: str
    host: str
    target: str = dataclasses.field(repr=False)
    headers: t.Mapping[str, str] = dataclasses.field(repr=False)
    body: bytes | None = dataclasses.field(default=None, repr=False)


class Incoming:
    """One answer whose body has not been read yet."""

    __slots__ = ("_host", "_response", "headers", "status")

    def __init__(self, response: urllib3.BaseHTTPResponse, host: str) -> None:
        self._response = response
        self._host = host
        self.status: int = response.status
        self.headers: t.Mapping[str, str] = response.headers

    def read(self) -> bytes:
        """The whole body.

        :raises TransportFault: it is not whole, or larger than any answer that is read at once.
        """
        parts: list[bytes] = []
        size = 0
        for piece in self.pieces(_WHOLE_LIMIT):
            parts.append(piece)
            size += len(piece)
            if size > _WHOLE_LIMIT:
                raise TransportFault(FaultKind.INCOMPLETE, f"the answer of {self._host} is larger than {_WHOLE_LIMIT >> 20} MiB")
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def pieces(self, size: int) -> t.Iterator[bytes]:
        """The body, unpacked if it came packed, in a first piece of up to ``size`` bytes and further ones of 1 MiB.

        So a body that fits into one piece is never copied, and a larger one never held as a whole.

        :raises TransportFault: after the last piece, if the body is not whole.
        """
        encoding = self.headers.get("content-encoding", "identity").lower()
        if encoding == "identity":
            return self._raw_pieces(size)
        if encoding != "gzip":
            raise TransportFault(FaultKind.INCOMPLETE, f"the answer of {self._host} is packed in an unknown way")
        return self._unpacked(self._raw_pieces(size), size)

    def read_start(self, limit: int) -> bytes:
        """What can be had of an error's body; never fails."""
        try:
            return next(self.pieces(limit), b"")
        except TransportFault:
            return b""

    def close(self) -> None:
        """Give the connection back when the body was read to its end, else close it."""
        self._response.close()

    def _raw_pieces(self, size: int) -> t.Iterator[bytes]:
        self._require_framing()
        read = self._response.read
        while True:
            try:
                piece = read(size, decode_content=False)
            except (_deps.urllib3.exceptions.HTTPError, ValueError, OverflowError) as error:
                raise _read_fault(error, self._host) from None
            if not piece:
                return
            yield piece
            size = min(size, _LATER_PIECE)

    def _unpacked(self, pieces: t.Iterator[bytes], size: int) -> t.Iterator[bytes]:
        unpacker = zlib.decompressobj(wbits=_GZIP)
        try:
            for piece in pieces:
                waiting = piece
                while waiting:
                    if plain := unpacker.decompress(waiting, size):
                        yield plain
                    waiting = unpacker.unconsumed_tail
            if rest := unpacker.flush():
                yield rest
        except zlib.error:
            raise TransportFault(FaultKind.INCOMPLETE, f"the answer of {self._host} cannot be unpacked") from None
        if not unpacker.eof:
            raise TransportFault(FaultKind.INCOMPLETE, f"the answer of {self._host} ended before its end")

    def _require_framing(self) -> None:
        """A body that ends when the connection ends cannot be told from a broken one. Headers may be cut off, too."""
        is_sized = self.headers.get("content-length", "").isdecimal()
        is_chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
        if self.status in (204, 304) or is_sized or is_chunked:
            return
        raise TransportFault(FaultKind.INCOMPLETE, f"{self._host} does not say how long its answer is")


class _WithoutQueries(logging.Filter):
    """urllib3 logs every target in its debug messages; queries hold upload tokens and names of people."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(value.partition("?")[0] if isinstance(value, str) else value for value in record.args)
        return True


_WITHOUT_QUERIES = _WithoutQueries()


class Transport:
    """Thread-safe. One pool of connections per host, kept open."""

    def __init__(self, network: Network, *, connections: int) -> None:
        urllib3 = _deps.urllib3
        self._network = network
        self._connections = connections
        self._timeout = urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS)
        self._no_retries = urllib3.Retry(total=False, redirect=False)
        self._managers: dict[str | None, urllib3.PoolManager] = {}
        self._pools: dict[str, urllib3.HTTPConnectionPool] = {}
        self._lock = threading.Lock()
        for name in ("urllib3.connectionpool", "urllib3.connection"):
            logging.getLogger(name).addFilter(_WITHOUT_QUERIES)

    def send(self, request: Outgoing) -> Incoming:
        """Send and read the head of the answer, whatever its status. Redirects are answers like others.

        :raises TransportFault: no answer.
        """
        pool = self._pools.get(request.host) or self._open_pool(request.host)
        try:
            response = pool.request(
                request.method,
                request.target,
                body=request.body,
                headers=request.headers,
                retries=self._no_retries,
                redirect=False,
                assert_same_host=False,
                timeout=self._timeout,
                preload_content=False,
                decode_content=False,
            )
        except _deps.urllib3.exceptions.HTTPError as error:
            raise self._send_fault(error, request.host) from None
        return Incoming(response, request.host)

    def close(self) -> None:
        with self._lock:
            for manager in self._managers.values():
                manager.clear()
            self._pools.clear()

    def _open_pool(self, host: str) -> urllib3.HTTPConnectionPool:
        with self._lock:
            if host not in self._pools:
                self._pools[host] = self._manager(host).connection_from_host(host, 443, scheme="https")
            return self._pools[host]

    def _manager(self, host: str) -> urllib3.PoolManager:
        proxy = self._network.proxy_for(host)
        key = proxy.url if proxy else None
        if key not in self._managers:
            urllib3 = _deps.urllib3
            options: dict[str, t.Any] = {"maxsize": self._connections, "block": False, "ssl_context": tls_context(self._network.trust)}
            if proxy is None:
                self._managers[key] = urllib3.PoolManager(**options)
            else:
                headers = urllib3.make_headers(proxy_basic_auth=proxy.credentials) if proxy.credentials else None
                options["proxy_ssl_context"] = tls_context(self._network.trust)
                self._managers[key] = urllib3.ProxyManager(proxy.url, proxy_headers=headers, **options)
        return self._managers[key]

    def _send_fault(self, error: Exception, host: str) -> TransportFault:
        proxy = self._network.proxy_for(host)
        return TransportFault(send_fault_kind(error), describe_fault(error, host, proxy.shown if proxy else None))


def send_fault_kind(error: Exception) -> FaultKind:
    """Whether anything can have arrived. In doubt it can: a write must not be repeated because of a wrong guess here."""
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return FaultKind.MISCONFIGURED
    if _REFUSED_TUNNEL in text:
        return FaultKind.MISCONFIGURED if any(answer in text for answer in _PERMANENT_PROXY_ANSWERS) else FaultKind.UNREACHABLE
    return FaultKind.UNREACHABLE if _never_connected(error) else FaultKind.BROKEN


def _never_connected(error: Exception) -> bool:
    """urllib3 also says ProxyError when a working tunnel broke while the answer was awaited; only its cause tells."""
    exceptions = _deps.urllib3.exceptions
    cause = getattr(error, "original_error", error)
    return isinstance(cause, (exceptions.NewConnectionError, exceptions.ConnectTimeoutError))


def describe_fault(error: Exception, host: str, proxy: str | None) -> str:
    """A few words in an administrator's language."""
    text = str(error)
    way = f"{host} through the proxy {proxy}" if proxy else host
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return f"the certificate of {way} is not trusted"
    if " 407 " in text:
        return f"the proxy {proxy} asks for a user name and password"
    if _REFUSED_TUNNEL in text:
        return f"the proxy {proxy} does not let us through to {host}"
    if proxy and isinstance(error, _deps.urllib3.exceptions.ProxyError) and _never_connected(error):
        return f"the proxy {proxy} cannot be reached"
    for sign, words in _FAULT_WORDS:
        if sign in text:
            return words.format(way)
    return f"the connection to {way} broke"


_FAULT_WORDS = (
    ("Name or service not known", "the name of {} cannot be resolved"),
    ("Failed to resolve", "the name of {} cannot be resolved"),
    ("Connection refused", "{} refuses the connection"),
    ("timed out", "{} does not answer in time"),
    ("Network is unreachable", "there is no route to {}"),
    ("No route to host", "there is no route to {}"),
)


def _read_fault(error: Exception, host: str) -> TransportFault:
    exceptions = _deps.urllib3.exceptions
    if isinstance(error, exceptions.ReadTimeoutError):
        return TransportFault(FaultKind.BROKEN, f"{host} stopped in the middle of its answer")
    return TransportFault(FaultKind.INCOMPLETE, f"the answer of {host} ended before its end")
