# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where clamd listens.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import typing as t
from dataclasses import dataclass

from .scanner import ScannerUnusable

_SEND_BUFFER = 1 << 20
_TCP = re.compile(r"tcp://(?:\[(?P<six>[^\]]+)\]|(?P<name>[^:/\[\]]+)):(?P<port>\d{1,5})/?")


@dataclass(frozen=True, slots=True)
class Address:
    """A unix socket (C(path)), or a host and a port. C(text) is how it was declared."""

    text: str
    path: str = ""
    host: str = ""
    port: int = 0

    @property
    def is_local(self) -> bool:
        """Whether the daemon surely runs on this machine."""
        return bool(self.path) or self.host == "localhost" or _is_loopback(self.host)

    def connect(self, seconds: float) -> socket.socket:
        """A connected socket. Raises OSError."""
        if not self.path:
            connection = socket.create_connection((self.host, self.port), timeout=seconds)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            return connection
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            # Most contents go in whole then, and nobody has to wake up in the middle of one. The kernel may allow less.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
            # With a time limit the kernel says EAGAIN at once when the daemon's queue is full, instead of waiting for ever.
            connection.settimeout(seconds)
            connection.connect(self.path)
        except BaseException:
            connection.close()
            raise
        return connection


def parse_address(text: str) -> Address:
    """An absolute path, or C(tcp://host:port). Raises ScannerUnusable."""
    if text.startswith("/"):
        return Address(text, path=text)
    found = _TCP.fullmatch(text)
    port = int(found["port"]) if found else 0
    if not found or not 0 < port < 65536:
        raise ScannerUnusable(
            f"{text!r} is no address of clamd.", hint="Give the path of its unix socket (LocalSocket in clamd.conf), or tcp://host:port."
        )
    return Address(text, host=t.cast(str, found["six"] or found["name"]), port=port)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
