# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tenant's process: TLS listener, CONNECT proxy and control API on one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import os
import secrets
import signal
import socket
import sys
import typing as t
from pathlib import Path

import uvloop
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.server.embed import Server

from .app import build_app
from .certificates import make_app_certificate, write_server_files
from .control_server import build_control_app
from .ids import stable_guid
from .proxy import Proxy
from .state import DEFAULT_DOMAIN, DEFAULT_TENANT_ID, Tenant
from .tokens import App

if t.TYPE_CHECKING:
    from collections.abc import Callable

_PARENT_CHECK_SECONDS = 1.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a tenant is started. C(parent_pid) is the process with whose end it ends, too."""

    work_dir: Path
    tenant_id: str = DEFAULT_TENANT_ID
    domain: str = DEFAULT_DOMAIN
    token_lifetime: float = 3599.0
    address: str = "127.0.0.1"
    port: int = 0
    parent_pid: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What a running tenant tells about itself."""

    pid: int
    proxy_url: str
    listener_url: str
    control_url: str
    ca_bundle: str
    tenant_id: str
    domain: str
    client_id: str
    client_secret: str
    certificate_path: str
    certificate_thumbprint: str


def run(options: Options, announce: Callable[[Announcement], None]) -> None:
    """Serves until SIGTERM, SIGINT or the end of the parent."""
    logging.getLogger("_granian").setLevel(logging.ERROR)
    uvloop.run(_serve(options, announce))


async def _serve(options: Options, announce: Callable[[Announcement], None]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    tenant = Tenant(tenant_id=options.tenant_id, domain=options.domain)
    tenant.tokens.lifetime = tenant.tokens.usual_lifetime = options.token_lifetime
    files = write_server_files(options.work_dir)
    held, held_control = _hold_port(options.address, options.port), _hold_port("127.0.0.1", 0)
    port, control_port = int(held.getsockname()[1]), int(held_control.getsockname()[1])
    proxy = Proxy(port, options.address)
    listener = Server(
        build_app(tenant, proxy.reset),
        address=options.address,
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.auto,
        websockets=False,
        backlog=1024,
        backpressure=4096,
        log_enabled=False,
        ssl_cert=files.certificate,
        ssl_key=files.key,
        ssl_protocol_min=SSLProtocols.tls12,
    )
    control = Server(
        build_control_app(tenant), port=control_port, interface=Interfaces.ASGINL, http=HTTPModes.http1, websockets=False, log_enabled=False
    )
    tasks = [asyncio.create_task(server.serve()) for server in (listener, control)]
    tunnel = await proxy.start()
    for waiting in (port, control_port):
        await _wait_for_port(options.address if waiting == port else "127.0.0.1", waiting, tasks)
    announce(_announcement(options, tenant, files.ca_bundle, port, control_port, tunnel.sockets[0].getsockname()[1]))
    await _wait_for_end(stop, options.parent_pid)
    for closing in (tunnel, held, held_control):
        closing.close()
    for server in (listener, control):
        server.stop()
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 2)


def _announcement(options: Options, tenant: Tenant, ca_bundle: Path, port: int, control_port: int, proxy_port: int) -> Announcement:
    certificate = make_app_certificate()
    path = options.work_dir / "app.pem"
    path.touch(mode=0o600)
    path.write_bytes(certificate.pem)
    app = App(stable_guid("default app", options.tenant_id), certificates=[certificate.certificate])
    secret = secrets.token_urlsafe(30)
    app.secrets.add(secret)
    tenant.tokens.apps[app.client_id] = app
    return Announcement(
        pid=os.getpid(),
        proxy_url=f"http://127.0.0.1:{proxy_port}",
        listener_url=f"https://{options.address}:{port}",
        control_url=f"http://127.0.0.1:{control_port}",
        ca_bundle=str(ca_bundle),
        tenant_id=tenant.tenant_id,
        domain=tenant.domain,
        client_id=app.client_id,
        client_secret=secret,
        certificate_path=str(path),
        certificate_thumbprint=certificate.thumbprint,
    )


async def _wait_for_end(stop: asyncio.Event, parent_pid: int | None) -> None:
    while not stop.is_set():
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(stop.wait(), _PARENT_CHECK_SECONDS)
        if parent_pid is not None and os.getppid() != parent_pid:
            return


async def _wait_for_port(address: str, port: int, tasks: list[asyncio.Task[None]]) -> None:
    for _attempt in range(500):
        if any(task.done() for task in tasks):
            sys.exit(f"the tenant cannot listen on {address}:{port}")
        with contextlib.suppress(OSError):
            _reader, writer = await asyncio.open_connection(address, port)
            writer.close()
            return
        await asyncio.sleep(0.02)
    sys.exit(f"the tenant's listener on {address}:{port} did not come up")


def _hold_port(address: str, port: int) -> socket.socket:
    """Binds a port (0: a free one) and keeps it: the server binds it too (SO_REUSEPORT), nobody else gets it meanwhile.

    Ends the process if the port is taken.
    """
    if port:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                sys.exit(f"the tenant cannot listen on {address}:{port}: {error.strerror}")
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    holder.bind((address, port))
    return holder
