# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small web server between a client and an object store on loopback that breaks chosen requests, and speaks TLS if asked to."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import http.server
import ssl
import threading
import typing as t


class Broken(Exception):
    """The connection ends here, without an answer."""


@dataclasses.dataclass(slots=True)
class Exchange:
    """A request, and how to pass it on."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    port: int

    def forward(self) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(self.method, self.path, self.body, self.headers)
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, response.read())


@dataclasses.dataclass(slots=True)
class Answer:
    """What is sent back. C(cut_at) ends the connection after so many bytes of the body."""

    status: int
    headers: dict[str, str]
    body: bytes
    cut_at: int | None = None


Fault = t.Callable[[Exchange], Answer]


@dataclasses.dataclass(slots=True)
class Rule:
    method: str
    fault: Fault
    times: float
    part_of_path: str


class FaultProxy:
    """Passes requests on, but for those that a rule breaks. C(seen) has C((method, path, headers)) of each request."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._port = port
        self._rules: list[Rule] = []
        self._lock = threading.Lock()
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self._server = _server(self, tls)
        self.endpoint = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_port}"

    def break_requests(self, method: str, fault: Fault, *, times: float = 1, part_of_path: str = "") -> None:
        """The next C(times) requests of that method that have C(part_of_path) in their path. The newest rule comes first."""
        with self._lock:
            self._rules.insert(0, Rule(method, fault, times, part_of_path))

    def heal(self) -> None:
        with self._lock:
            self._rules.clear()
            self.seen.clear()

    def answer(self, exchange: Exchange) -> Answer:
        with self._lock:
            self.seen.append((exchange.method, exchange.path, exchange.headers))
            for rule in self._rules:
                if rule.times and rule.method in (exchange.method, "*") and rule.part_of_path in exchange.path:
                    rule.times -= 1
                    fault = rule.fault
                    break
            else:
                fault = Exchange.forward
        return fault(exchange)

    @contextlib.contextmanager
    def running(self) -> t.Iterator[FaultProxy]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


def refused(status: int, code: str = "", message: str = "no") -> Fault:
    """The store refuses with an error document."""
    document = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message><RequestId>REQ42</RequestId></Error>"
    return lambda _exchange: Answer(status, {"content-type": "application/xml"}, document.encode() if code else b"")


def connection_cut(_exchange: Exchange) -> Answer:
    """The request never arrives."""
    raise Broken


def answer_swallowed(exchange: Exchange) -> Answer:
    """The store does what it was asked, and nobody hears of it."""
    exchange.forward()
    raise Broken


def body_cut(exchange: Exchange) -> Answer:
    """The connection ends in the middle of the answer."""
    answer = exchange.forward()
    answer.cut_at = len(answer.body) // 2
    return answer


def upload_flipped(exchange: Exchange) -> Answer:
    """A byte changes on the way to the store."""
    exchange.body = bytes([exchange.body[0] ^ 1]) + exchange.body[1:]
    return exchange.forward()


def _server(proxy: FaultProxy, tls: ssl.SSLContext | None) -> http.server.ThreadingHTTPServer:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                answer = proxy.answer(Exchange(self.command, self.path, headers, body, proxy._port))
            except Broken:
                self.close_connection = True
                return
            self.send_response_only(answer.status)
            without = {"content-length", "transfer-encoding", "connection"}
            for name, value in answer.headers.items():
                if name not in without:
                    self.send_header(name, value)
            length = answer.headers.get("content-length", "0") if self.command == "HEAD" else str(len(answer.body))
            self.send_header("content-length", length)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body[: answer.cut_at])
            self.close_connection = answer.cut_at is not None

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = handle_any  # noqa: N815 - names of the standard library

        def log_message(self, format: str, *args: t.Any) -> None:  # noqa: A002
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    return server
