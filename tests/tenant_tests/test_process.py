# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tenant as a process: how it is reached, and that it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import typing as t
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest
from tenant_tests import support

from tenant import harness, namespace
from tenant.control import TenantControlError
from tenant.hosts import ALL_HOSTS

if t.TYPE_CHECKING:
    from pathlib import Path

    from tenant.harness import RunningTenant


def connect(tenant: RunningTenant, request: bytes) -> bytes:
    address = urlsplit(tenant.proxy_url)
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=10) as connection:
        connection.sendall(request)
        return connection.recv(100)


@pytest.mark.parametrize("target", ["example.com:443", "graph.microsoft.com:80", "graph.microsoft.com.example.com:443", "127.0.0.1:443"])
def test_the_proxy_refuses_all_but_microsofts_hosts(tenant: RunningTenant, target: str) -> None:
    assert connect(tenant, f"CONNECT {target} HTTP/1.1\r\n\r\n".encode()).startswith(b"HTTP/1.1 403 ")


def test_the_proxy_does_nothing_but_connect(tenant: RunningTenant) -> None:
    assert connect(tenant, b"GET http://graph.microsoft.com/ HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 405 ")


@pytest.mark.parametrize("host", sorted(ALL_HOSTS))
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_every_host_has_a_certificate_of_the_tenants_own_authority(tenant: RunningTenant, host: str, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=str(tenant.ca_bundle))
    context.minimum_version = context.maximum_version = version
    address = urlsplit(tenant.proxy_url)
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=10) as connection:
        connection.sendall(f"CONNECT {host}:443 HTTP/1.1\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
        with context.wrap_socket(connection, server_hostname=host) as wrapped:
            assert wrapped.version() == version.name.replace("_", ".")


def test_a_process_with_the_environment_reaches_it_by_the_real_names(tenant: RunningTenant) -> None:
    url = f"{support.LOGIN}/{tenant.tenant_id}/v2.0/.well-known/openid-configuration"
    code = f"import urllib.request; print(urllib.request.urlopen('{url}').status)"
    done = subprocess.run([sys.executable, "-c", code], env=tenant.environment(), capture_output=True, text=True, check=False)
    assert done.stdout == "200\n", done.stderr


def test_the_environment_drops_what_would_lead_around_the_proxy(tenant: RunningTenant) -> None:
    variables = tenant.environment({"NO_PROXY": "*", "no_proxy": "*", "SSL_CERT_DIR": "/x", "HOME": "/h"})
    assert variables["HTTPS_PROXY"] == variables["https_proxy"] == tenant.proxy_url
    assert variables["REQUESTS_CA_BUNDLE"] == str(tenant.ca_bundle)
    assert variables["HOME"] == "/h"
    assert not {"NO_PROXY", "no_proxy", "SSL_CERT_DIR"} & set(variables)


def test_everything_listens_on_loopback_only(tenant: RunningTenant) -> None:
    for url in (tenant.proxy_url, tenant.listener_url, tenant.control_url):
        assert urlsplit(url).hostname == "127.0.0.1"


def gone(pid: int) -> bool:
    for _attempt in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_it_ends_with_the_block_and_keys_are_for_its_owner_alone(tmp_path: Path) -> None:
    with harness.running_tenant(work_dir=tmp_path, domain="fabrikam.com") as tenant:
        assert tenant.domain == "fabrikam.com"
        assert {path.stat().st_mode & 0o077 for path in tmp_path.glob("*.key")} == {0}
        assert tenant.certificate_path.stat().st_mode & 0o077 == 0
        pid, control = tenant.pid, tenant.control
        control.add_user("a@fabrikam.com")
    assert gone(pid)
    with pytest.raises(TenantControlError):
        control.stats()


def test_it_ends_when_its_parent_is_killed() -> None:
    code = "import tenant.harness, time\nwith tenant.harness.running_tenant() as t:\n    print(t.pid, flush=True)\n    time.sleep(60)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    assert gone(pid)


def test_in_the_foreground_it_says_where_it_is_and_how_to_log_in() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-m", "tenant"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        process.terminate()
    assert {"proxy_url", "control_url", "listener_url", "ca_bundle", "tenant_id", "client_id", "client_secret", "certificate_path"} <= set(
        told
    )
    assert process.returncode == 0


def test_a_port_in_use_is_said_plainly(tenant: RunningTenant) -> None:
    port = str(urlsplit(tenant.listener_url).port)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-m", "tenant", "--port", port], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr


def test_the_control_port_does_not_answer_plain_gets(tenant: RunningTenant) -> None:
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(tenant.control_url + "/stats", timeout=10)


def test_without_a_proxy_a_private_hosts_file_leads_to_it(tmp_path: Path) -> None:
    reason = namespace.why_unavailable()
    if reason is not None:
        pytest.skip(reason)
    address = f"127.{20 + os.getpid() % 200}.{os.getpid() // 200 % 250}.3"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-m", "tenant", "--address", address, "--port", "443", "--work-dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        try:
            code = (
                "import sys, urllib.request; "
                f"reply = urllib.request.urlopen('{support.LOGIN}/{told['tenant_id']}/v2.0/.well-known/openid-configuration'); "
                "sys.exit(0 if reply.status == 200 else 1)"
            )
            done = namespace.run_in_namespace(
                [sys.executable, "-c", code],
                address=address,
                ca_bundle=tmp_path / "ca.pem",
                environment={**os.environ, "SSL_CERT_FILE": str(tmp_path / "ca.pem")},
            )
        finally:
            process.terminate()
    assert done.returncode == 0
