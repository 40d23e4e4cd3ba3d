# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers that are wrong on the wire: served by a raw socket behind a raw proxy, read by the real transport."""

from __future__ import annotations

import contextlib
import gzip
import pathlib
import socket
import ssl
import threading
import typing as t

import pytest
import trustme

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.bodies import collect
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.network import resolve_network
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.retry import FaultKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.transport import Outgoing, Transport, TransportFault

HOST = "graph.microsoft.com"
CONTENT = b"From: a@x.example\r\n\r\n" + bytes(range(256))
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (CONTENT[:100], CONTENT[100:]))
    + b"0\r\n\r\n"
)
SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(CONTENT), CONTENT)


class RawServer:
    """A proxy that ends TLS itself and answers every request with the same bytes, whatever they are; then it hangs up."""

    def __init__(self, folder: pathlib.Path) -> None:
        authority = trustme.CA()
        self.trust = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.trust))
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(HOST).configure_cert(self._context)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.answer = b""
        self.requests: list[bytes] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _address = self._listener.accept()
                with connection, contextlib.suppress(OSError):
                    self._serve_one(connection)

    def _serve_one(self, connection: socket.socket) -> None:
        _until_blank_line(connection)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with self._context.wrap_socket(connection, server_side=True) as secure:
            self.requests.append(_until_blank_line(secure))
            secure.sendall(self.answer)


def _until_blank_line(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        if not piece:
            break
        received += piece
    return received


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[RawServer]:
    server = RawServer(tmp_path_factory.mktemp("trust"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def transport(server: RawServer) -> t.Iterator[Transport]:
    network = resolve_network(proxy=server.url, ca_bundle=str(server.trust), environment={})
    transport = Transport(network, connections=4)
    yield transport
    transport.close()


def read(transport: Transport) -> bytes:
    incoming = transport.send(Outgoing("GET", HOST, "/v1.0/x", {"Accept-Encoding": "identity"}))
    with collect(incoming.pieces(1 << 20)) as body:
        return body.bytes or b""


@pytest.mark.parametrize("answer", [CHUNKED, SIZED], ids=["chunked", "sized"])
def test_a_whole_answer_is_read(server: RawServer, transport: Transport, answer: bytes) -> None:
    server.answer = answer
    assert read(transport) == CONTENT


@pytest.mark.parametrize("answer", [CHUNKED, SIZED], ids=["chunked", "sized"])
def test_an_answer_cut_off_at_any_byte_is_never_taken_for_a_whole_one(server: RawServer, transport: Transport, answer: bytes) -> None:
    end_of_content = len(answer) - (5 if answer is CHUNKED else 0)
    taken: list[bytes] = []
    kinds: set[FaultKind] = set()
    for length in range(end_of_content):
        server.answer = answer[:length]
        try:
            read(transport)
        except TransportFault as fault:
            kinds.add(fault.kind)
        else:
            taken.append(server.answer)
    assert taken == []
    assert kinds == {FaultKind.BROKEN, FaultKind.INCOMPLETE}


def test_an_answer_that_ends_with_its_connection_is_not_trusted(server: RawServer, transport: Transport) -> None:
    server.answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + CONTENT
    with pytest.raises(TransportFault, match="how long"):
        read(transport)


@pytest.mark.parametrize(
    "answer", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 100, b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n"]
)
def test_what_is_no_answer_is_a_broken_connection(server: RawServer, transport: Transport, answer: bytes) -> None:
    server.answer = answer
    with pytest.raises(TransportFault) as caught:
        read(transport)
    assert caught.value.kind is FaultKind.BROKEN


def test_a_connection_that_ends_before_the_answer_may_have_carried_the_request(server: RawServer, transport: Transport) -> None:
    server.answer = b""
    with pytest.raises(TransportFault) as caught:
        transport.send(Outgoing("POST", HOST, "/v1.0/x", {}, b"{}"))
    assert caught.value.kind is FaultKind.BROKEN
    assert server.requests[-1].startswith(b"POST /v1.0/x ")


@pytest.mark.parametrize("size", [b"zz\r\n", b"-5\r\n", b"ffffffffffffffff\r\n", b"\r\n"])
def test_nonsense_as_the_size_of_a_chunk_is_an_incomplete_answer(server: RawServer, transport: Transport, size: bytes) -> None:
    server.answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + size + b"abc"
    with pytest.raises(TransportFault):
        read(transport)


def test_content_that_is_packed_unasked_is_unpacked(server: RawServer, transport: Transport) -> None:
    packed = gzip.compress(CONTENT)
    server.answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(packed), packed)
    assert read(transport) == CONTENT


def test_a_packed_answer_that_is_cut_off_inside_is_incomplete(server: RawServer, transport: Transport) -> None:
    packed = gzip.compress(CONTENT * 50)
    for length in range(20, len(packed), 37):
        server.answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (length, packed[:length])
        with pytest.raises(TransportFault):
            read(transport)


def test_an_empty_body_is_empty(server: RawServer, transport: Transport) -> None:
    server.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    assert read(transport) == b""


def test_a_certificate_for_another_host_is_refused(server: RawServer, transport: Transport) -> None:
    server.answer = SIZED
    with pytest.raises(TransportFault, match="is not trusted") as caught:
        transport.send(Outgoing("GET", "graph.microsoft.us", "/", {}))
    assert caught.value.kind is FaultKind.MISCONFIGURED


def test_inv10_what_goes_to_the_proxy_before_tls_holds_no_token(server: RawServer, transport: Transport) -> None:
    server.answer = SIZED
    transport.send(Outgoing("GET", HOST, "/v1.0/x", {"Authorization": "Bearer secret"})).close()
    assert b"Bearer secret" in server.requests[-1]
    assert b"CONNECT" not in server.requests[-1]
