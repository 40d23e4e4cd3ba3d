# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A CONNECT proxy that leads Microsoft's host names to the tenant and refuses everything else."""

from __future__ import annotations

import asyncio
import socket
import struct
import typing as t

from .hosts import ALL_HOSTS

_REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_BAD = b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_LARGEST_HEAD = 16 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Proxy:
    """State of the proxy: open tunnels by the port from which they reach the listener."""

    def __init__(self, listener_port: int, listener_address: str = "127.0.0.1") -> None:
        self.listener_address = listener_address
        self.listener_port = listener_port
        self.tunnels: dict[int, _Client] = {}
        self.refused: list[str] = []

    async def start(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: _Client(self), "127.0.0.1", 0, backlog=1024)

    def reset(self, port: int) -> bool:
        """Resets the client's connection behind a tunnel; False if the port belongs to no tunnel."""
        client = self.tunnels.get(port)
        if client is None or client.transport is None:
            return False
        raw = client.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        client.transport.abort()
        return True


class _Client(asyncio.Protocol):
    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._head = b""
        self._upstream: _Upstream | None = None
        self._waiting: list[bytes] = []
        self._tunnelled = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = t.cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._upstream is not None:
            self._upstream.write(data)
        elif self._tunnelled:
            self._waiting.append(data)
        else:
            self._read_head(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._upstream is not None:
            self._upstream.close()

    def pause_writing(self) -> None:
        if self._upstream is not None:
            self._upstream.pause()

    def resume_writing(self) -> None:
        if self._upstream is not None:
            self._upstream.resume()

    def _read_head(self, data: bytes) -> None:
        self._head += data
        head, end, rest = self._head.partition(b"\r\n\r\n")
        if not end:
            if len(self._head) > _LARGEST_HEAD:
                self._refuse(_BAD)
            return
        words = head.split(b"\r\n", 1)[0].split()
        if len(words) < 2 or words[0] != b"CONNECT":
            self._refuse(_BAD)
            return
        target = words[1].decode("latin-1").lower()
        host, _colon, port = target.rpartition(":")
        if host not in ALL_HOSTS or port != "443":
            self._proxy.refused.append(target)
            self._refuse(_REFUSED)
            return
        self._tunnelled = True
        if rest:
            self._waiting.append(rest)
        self._opening = asyncio.get_running_loop().create_task(self._open())

    def _refuse(self, answer: bytes) -> None:
        if self.transport is not None:
            self.transport.write(answer)
            self.transport.close()

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            _transport, upstream = await loop.create_connection(
                lambda: _Upstream(self._proxy, self), self._proxy.listener_address, self._proxy.listener_port
            )
        except OSError:
            self._refuse(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return
        if self.transport is None or self.transport.is_closing():
            upstream.close()
            return
        self._upstream = upstream
        self.transport.write(_ESTABLISHED)
        for data in self._waiting:
            upstream.write(data)
        self._waiting.clear()


class _Upstream(asyncio.Protocol):
    def __init__(self, proxy: Proxy, client: _Client) -> None:
        self._proxy = proxy
        self._client = client
        self._transport: asyncio.Transport | None = None
        self._port = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = t.cast("asyncio.Transport", transport)
        self._port = transport.get_extra_info("sockname")[1]
        self._proxy.tunnels[self._port] = self._client

    def data_received(self, data: bytes) -> None:
        if self._client.transport is not None:
            self._client.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._proxy.tunnels.pop(self._port, None)
        if self._client.transport is not None:
            self._client.transport.close()

    def pause_writing(self) -> None:
        if self._client.transport is not None:
            self._client.transport.pause_reading()

    def resume_writing(self) -> None:
        if self._client.transport is not None:
            self._client.transport.resume_reading()

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def pause(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()
