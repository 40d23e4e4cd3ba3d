# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a command where Microsoft's host names are this machine: a private mount namespace with its own /etc/hosts.

For clients that know no proxy, and for benchmarks without the proxy. Nothing outside the command's own namespace changes.
Needs root, and the tenant's listener on port 443 of a loopback address: C(python -m tenant --address 127.20.0.1 --port 443).
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

from .hosts import ALL_HOSTS

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SYSTEM_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")


class NamespaceUnavailable(Exception):
    """This process may not make a mount namespace, and why."""


def why_unavailable() -> str | None:
    """The reason why no namespace can be had here, or None."""
    if not sys.platform.startswith("linux"):
        return "mount namespaces exist on Linux only"
    if os.geteuid() != 0:
        return "a private /etc/hosts needs root; go through the tenant's proxy instead"
    probe = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        return f"unshare --mount failed: {probe.stderr.decode(errors='replace').strip()}"
    return None


def run_in_namespace(
    command: Sequence[str],
    *,
    address: str,
    ca_bundle: Path,
    environment: Mapping[str, str] | None = None,
    trust_everywhere: bool = True,
    capture_output: bool = False,
) -> subprocess.CompletedProcess[bytes]:
    """Runs a command with all Microsoft hosts at C(address) and the tenant's authority in the system's bundle.

    Raises NamespaceUnavailable. The command's own status is in the result.
    """
    reason = why_unavailable()
    if reason is not None:
        raise NamespaceUnavailable(reason)
    with tempfile.TemporaryDirectory(prefix="tenant-namespace-") as folder:
        hosts = Path(folder, "hosts")
        hosts.write_text("127.0.0.1 localhost\n" + "".join(f"{address} {host}\n" for host in sorted(ALL_HOSTS)), encoding="ascii")
        steps = [f"mount --bind {shlex.quote(str(hosts))} /etc/hosts"]
        for bundle in _SYSTEM_BUNDLES if trust_everywhere else ():
            if Path(bundle).exists():
                merged = Path(folder, Path(bundle).name)
                merged.write_bytes(Path(bundle).read_bytes() + b"\n" + ca_bundle.read_bytes())
                steps.append(f"mount --bind {shlex.quote(str(merged))} {shlex.quote(bundle)}")
        script = " && ".join([*steps, f"exec {shlex.join(command)}"])
        variables = {name: value for name, value in (environment or os.environ).items() if not name.lower().endswith("_proxy")}
        return subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
            env=variables,
            capture_output=capture_output,
            check=False,
        )
