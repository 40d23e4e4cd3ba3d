# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts a tenant in its own process and says how to reach it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import selectors
import subprocess
import sys
import typing as t
from pathlib import Path

from .control import ControlClient

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PROXY_NAMES = ("HTTPS_PROXY", "https_proxy")
_CA_NAMES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
_REMOVED_NAMES = ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy", "SSL_CERT_DIR")


class TenantNotStarted(Exception):
    """The tenant's process ended, or did not get ready in time."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunningTenant:
    """A running tenant: where it is, and with what an app logs in."""

    pid: int
    proxy_url: str
    listener_url: str
    control_url: str
    ca_bundle: Path
    tenant_id: str
    domain: str
    client_id: str
    client_secret: str
    certificate_path: Path
    certificate_thumbprint: str
    control: ControlClient

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """Environment for a client process: what an administrator behind a company proxy with its own CA has, too."""
        variables = dict(os.environ if base is None else base)
        for name in _REMOVED_NAMES:
            variables.pop(name, None)
        variables.update(dict.fromkeys(_PROXY_NAMES, self.proxy_url))
        variables.update(dict.fromkeys(_CA_NAMES, str(self.ca_bundle)))
        return variables


@contextlib.contextmanager
def running_tenant(
    *,
    tenant_id: str | None = None,
    domain: str | None = None,
    work_dir: Path | None = None,
    token_lifetime: float | None = None,
    address: str | None = None,
    port: int | None = None,
    start_timeout: float = 60.0,
) -> Iterator[RunningTenant]:
    """A tenant for the time of the with block; C(address) and C(port) for programs in a namespace. Raises TenantNotStarted."""
    command = [sys.executable, "-m", "tenant", "--with-parent"]
    options = {"--tenant-id": tenant_id, "--domain": domain, "--work-dir": work_dir, "--token-lifetime": token_lifetime}
    for name, value in {**options, "--address": address, "--port": port}.items():
        if value is not None:
            command += [name, str(value)]
    package_root = str(Path(__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, (package_root, os.environ.get("PYTHONPATH"))))
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}, text=True) as process:
        try:
            announcement = json.loads(_first_line(process, start_timeout))
            announcement["ca_bundle"] = Path(announcement["ca_bundle"])
            announcement["certificate_path"] = Path(announcement["certificate_path"])
            yield RunningTenant(control=ControlClient(announcement["control_url"]), **announcement)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _first_line(process: subprocess.Popen[str], timeout: float) -> str:
    if process.stdout is None:
        raise TenantNotStarted("the tenant's output is not connected")
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        if not selector.select(timeout):
            raise TenantNotStarted(f"the tenant was not ready after {timeout:.0f} seconds")
    line = process.stdout.readline()
    if not line:
        raise TenantNotStarted(f"the tenant ended with status {process.wait()} before it was ready; its messages are above")
    return line
