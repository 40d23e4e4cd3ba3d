# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the measured process reaches the tenant: by Microsoft's names in a private hosts file, or through the tenant's proxy.

The proxy copies every byte in the tenant's process, so the hosts file is the better measurement; it needs root.
"""

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

from tenant.control import ControlClient
from tenant.harness import RunningTenant, running_tenant
from tenant.namespace import run_in_namespace, why_unavailable

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_START_SECONDS = 60.0


class RouteFailed(Exception):
    """The tenant did not start, or the measured process failed."""


@dataclasses.dataclass(frozen=True, slots=True)
class Route:
    """C(address) is where Microsoft's names lead inside the namespace; None means the tenant's proxy."""

    tenant: RunningTenant
    address: str | None
    words: str

    def run(self, command: Sequence[str], timeout: float) -> None:
        """Run a command that reaches the tenant. Raises RouteFailed."""
        bounded = ["timeout", str(int(timeout)), *command]
        if self.address is None:
            status = subprocess.run(bounded, env=self.tenant.environment(), check=False).returncode
        else:
            done = run_in_namespace(
                bounded, address=self.address, ca_bundle=self.tenant.ca_bundle, environment=os.environ, trust_everywhere=False
            )
            status = done.returncode
        if status:
            raise RouteFailed(f"the measured process ended with status {status}; its messages are above")


@contextlib.contextmanager
def open_route() -> Iterator[Route]:
    """A tenant, and the best way to it that this machine allows."""
    reason = why_unavailable()
    if reason is not None:
        with running_tenant() as tenant:
            yield Route(tenant, None, f"through the tenant's CONNECT proxy, which costs the tenant CPU ({reason})")
        return
    address = f"127.77.{os.getpid() >> 8 & 0xFF}.{(os.getpid() & 0xFF) or 1}"
    with _tenant_on_port_443(address) as tenant:
        yield Route(tenant, address, "directly, by a private hosts file (no proxy)")


@contextlib.contextmanager
def _tenant_on_port_443(address: str) -> Iterator[RunningTenant]:
    path = os.pathsep.join(filter(None, (str(Path(__file__).resolve().parent.parent), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-m", "tenant", "--with-parent", "--address", address, "--port", "443"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}, text=True) as process:
        try:
            said = json.loads(_first_line(process))
            said |= {name: Path(said[name]) for name in ("ca_bundle", "certificate_path")}
            yield RunningTenant(control=ControlClient(said["control_url"]), **said)
        finally:
            process.terminate()


def _first_line(process: subprocess.Popen[str]) -> str:
    if process.stdout is None:
        raise RouteFailed("the tenant's output is not connected")
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        line = process.stdout.readline() if selector.select(_START_SECONDS) else ""
    if not line:
        raise RouteFailed("the tenant did not start; its messages are above")
    return line
