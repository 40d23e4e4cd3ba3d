# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(python -m tenant.speed): how many requests a second the tenant serves, so that it is never what a benchmark measures.

Two client processes with two connections each ask for a folder, a message's metadata and a small message, through the
proxy and without it; the figure is what all of them got together.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import ssl
import threading
import time
import typing as t
from urllib.parse import quote, urlsplit

from .harness import RunningTenant, running_tenant

GRAPH = "graph.microsoft.com"


class Target(t.NamedTuple):
    """What a client asks for, and how it gets there."""

    proxy: str | None
    listener: str
    ca_bundle: str
    token: str
    path: str
    requests: int


def main() -> None:
    parser = argparse.ArgumentParser(prog="tenant.speed", description=__doc__)
    parser.add_argument("--requests", type=int, default=2000, help="requests of each of the four connections (default: %(default)s)")
    arguments = parser.parse_args()
    with running_tenant() as tenant:
        user = tenant.control.add_user("speed@contoso.com")
        tenant.control.limits(concurrency=None, requests=None)
        message = tenant.control.deliver(user, "inbox", b"Subject: small\r\n\r\n" + b"x" * 2000)
        token = _log_in(tenant)
        for name, path in (
            ("folder", f"/v1.0/users/{user}/mailFolders/inbox"),
            ("message metadata", f"/v1.0/users/{user}/messages/{message}?$select=subject,isRead"),
            ("2 KB body", f"/v1.0/users/{user}/messages/{message}/$value"),
            ("delta without changes", _delta_link(tenant, token, user)),
        ):
            for proxy in (tenant.proxy_url, None):
                target = Target(proxy, tenant.listener_url, str(tenant.ca_bundle), token, path, arguments.requests)
                print(f"{name:22} {'through the proxy' if proxy else 'without proxy':18} {_measure(target):7,.0f} requests/s", flush=True)


def _measure(target: Target) -> float:
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(3)
    clients = [context.Process(target=_client, args=(target, ready)) for _number in range(2)]
    for client in clients:
        client.start()
    ready.wait()
    begin = time.monotonic()
    for client in clients:
        client.join()
    return 4 * target.requests / (time.monotonic() - begin)


def _client(target: Target, ready: t.Any) -> None:
    connections = [_connect(target) for _number in range(2)]
    for connection in connections:
        _ask(connection, target)
    ready.wait()
    threads = [
        threading.Thread(target=lambda one=connection: [_ask(one, target) for _number in range(target.requests)])
        for connection in connections
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _connect(target: Target) -> http.client.HTTPSConnection:
    place = urlsplit(target.proxy or target.listener)
    connection = http.client.HTTPSConnection(str(place.hostname), place.port, context=ssl.create_default_context(cafile=target.ca_bundle))
    if target.proxy is not None:
        connection.set_tunnel(GRAPH, 443)
    return connection


def _ask(connection: http.client.HTTPSConnection, target: Target) -> bytes:
    connection.request("GET", target.path, headers={"Host": GRAPH, "Authorization": f"Bearer {target.token}"})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{target.path}: {answer.status} {body[:200]!r}")
    return body


def _log_in(tenant: RunningTenant) -> str:
    place = urlsplit(tenant.listener_url)
    connection = http.client.HTTPSConnection(
        str(place.hostname), place.port, context=ssl.create_default_context(cafile=str(tenant.ca_bundle))
    )
    form = {
        "client_id": tenant.client_id,
        "client_secret": tenant.client_secret,
        "grant_type": "client_credentials",
        "scope": f"https://{GRAPH}/.default",
    }
    body = "&".join(f"{name}={quote(value, safe='')}" for name, value in form.items())
    connection.request("POST", f"/{tenant.tenant_id}/oauth2/v2.0/token", body, {"Host": "login.microsoftonline.com"})
    return str(json.loads(connection.getresponse().read())["access_token"])


def _delta_link(tenant: RunningTenant, token: str, user: str) -> str:
    target = Target(None, tenant.listener_url, str(tenant.ca_bundle), token, f"/v1.0/users/{user}/mailFolders/inbox/messages/delta", 1)
    link = str(json.loads(_ask(_connect(target), target))["@odata.deltaLink"])
    return link.partition(GRAPH)[2]


if __name__ == "__main__":
    main()
