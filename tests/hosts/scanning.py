# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the clamd of a machine says of a text, and signatures that find one."""

from __future__ import annotations

import http.server
import shlex
import threading
import typing as t
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.tests.hosts.machines import Machine

EICAR = (r"X5O!P%@AP[4\PZX54(P^)7CC)7}$") + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
_ASK = """
import contextlib, socket, struct, sys
text = sys.stdin.buffer.read()
with socket.socket(socket.AF_UNIX) as clamd:
    clamd.settimeout(60)
    clamd.connect("/run/clamav/clamd.ctl")
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        clamd.sendall(b"zINSTREAM\\0" + struct.pack("!I", len(text)) + text + struct.pack("!I", 0))
    print(clamd.recv(1000).rstrip(b"\\0").decode())
"""


def verdict(machine: Machine, text: str, user: str = "root") -> str:
    """clamd's own reply to a user of the machine, or the last line of why there is none."""
    done = machine.run(f"runuser -u {user} -- python3 -c {shlex.quote(_ASK)}", check=False, given=text)
    return (done.stdout or done.stderr).strip().splitlines()[-1]


def signature(name: str, text: str) -> str:
    """A line of a file C(.ndb) that finds a text anywhere."""
    return f"{name}:0:*:{text.encode().hex()}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebServer:
    """C(asked) are the paths that were asked for; a proxy is asked for whole URLs."""

    url: str
    asked: list[str]


@contextmanager
def served(folder: Path) -> t.Iterator[WebServer]:
    """The files of a folder over HTTP; machines reach it, since they share our network."""
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: t.Any) -> None:
            super().__init__(*arguments, directory=str(folder))

        def log_request(self, *arguments: t.Any) -> None:
            asked.append(self.path)

        def log_error(self, *arguments: t.Any) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield WebServer(url=f"http://127.0.0.1:{server.server_port}", asked=asked)
        finally:
            server.shutdown()
