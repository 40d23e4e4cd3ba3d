# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proxy and certificates, from options and environment."""

from __future__ import annotations

import pathlib
import ssl

import certifi
import pytest
import urllib3

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.network import resolve_network, tls_context
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.retry import FaultKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.transport import describe_fault, send_fault_kind

GRAPH = "graph.microsoft.com"


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_the_proxy_of_the_environment_is_used_when_no_option_is_given(variable: str) -> None:
    network = resolve_network(proxy=None, ca_bundle=None, environment={variable: "http://proxy:3128"})
    proxy = network.proxy_for(GRAPH)
    assert proxy is not None
    assert proxy.shown == "proxy:3128"


@pytest.mark.parametrize("no_proxy", ["graph.microsoft.com", ".microsoft.com", "microsoft.com", "*", "a, graph.microsoft.com"])
def test_hosts_in_no_proxy_are_reached_directly(no_proxy: str) -> None:
    network = resolve_network(proxy=None, ca_bundle=None, environment={"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": no_proxy})
    assert network.proxy_for(GRAPH) is None


def test_no_proxy_does_not_touch_other_hosts() -> None:
    network = resolve_network(proxy=None, ca_bundle=None, environment={"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "localhost"})
    assert network.proxy_for(GRAPH) is not None


def test_the_option_wins_over_the_environment() -> None:
    network = resolve_network(proxy="mine:1", ca_bundle=None, environment={"HTTPS_PROXY": "http://other:2", "NO_PROXY": "*"})
    proxy = network.proxy_for(GRAPH)
    assert proxy is not None
    assert (proxy.url, proxy.shown) == ("http://mine:1", "mine:1")


def test_without_anything_there_is_no_proxy_and_the_usual_trust() -> None:
    network = resolve_network(proxy=None, ca_bundle=None, environment={})
    assert (network.proxy_for(GRAPH), network.trust) == (None, certifi.where())


def test_the_password_of_a_proxy_is_not_shown() -> None:
    network = resolve_network(proxy="http://user:p%40ss@proxy:3128", ca_bundle=None, environment={})
    assert network.proxy is not None
    assert "p%40ss" not in repr(network)
    assert network.proxy.credentials == "user:p@ss"


@pytest.mark.parametrize("proxy", ["socks5://proxy:1080", "http://", "http://proxy:port", "http://[::1"])
def test_a_proxy_address_that_cannot_be_used_is_refused(proxy: str) -> None:
    with pytest.raises(InputError, match="proxy"):
        resolve_network(proxy=proxy, ca_bundle=None, environment={})


def test_a_certificate_bundle_comes_from_the_option_then_from_the_environment(tmp_path: pathlib.Path) -> None:
    files = {name: tmp_path / name for name in ("option", "requests", "curl", "ssl")}
    for file in files.values():
        file.write_text("x")
    environment = {"REQUESTS_CA_BUNDLE": str(files["requests"]), "CURL_CA_BUNDLE": str(files["curl"]), "SSL_CERT_FILE": str(files["ssl"])}
    assert resolve_network(proxy=None, ca_bundle=str(files["option"]), environment=environment).trust == str(files["option"])
    for name, variable in (("requests", "REQUESTS_CA_BUNDLE"), ("curl", "CURL_CA_BUNDLE"), ("ssl", "SSL_CERT_FILE")):
        assert resolve_network(proxy=None, ca_bundle=None, environment=environment).trust == str(files[name])
        del environment[variable]


def test_a_missing_certificate_bundle_is_named_with_its_origin() -> None:
    with pytest.raises(InputError, match=r"/nowhere/ca\.pem \(environment variable CURL_CA_BUNDLE\)"):
        resolve_network(proxy=None, ca_bundle=None, environment={"CURL_CA_BUNDLE": "/nowhere/ca.pem"})


def test_certificates_and_host_names_are_always_checked() -> None:
    context = tls_context(certifi.where())
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_bundle_without_certificates_is_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(InputError, match="holds no certificate"):
        tls_context(str(tmp_path / "ca.pem"))


def proxied(text: str) -> urllib3.exceptions.ProxyError:
    return urllib3.exceptions.ProxyError("Unable to connect to proxy", OSError(text))


REFUSED = urllib3.exceptions.NewConnectionError(None, "[Errno 111] Connection refused")  # type: ignore[arg-type]
NO_PROXY_THERE = urllib3.exceptions.ProxyError("Unable to connect to proxy", REFUSED)


@pytest.mark.parametrize(
    ("error", "words", "kind"),
    [
        (urllib3.exceptions.SSLError("certificate verify failed: CERTIFICATE_VERIFY_FAILED"), "is not trusted", FaultKind.MISCONFIGURED),
        (proxied("Tunnel connection failed: 407 Proxy Authentication Required"), "user name and password", FaultKind.MISCONFIGURED),
        (proxied("Tunnel connection failed: 403 Forbidden"), "does not let us through", FaultKind.MISCONFIGURED),
        (proxied("Tunnel connection failed: 502 Bad Gateway"), "does not let us through", FaultKind.UNREACHABLE),
        (NO_PROXY_THERE, "the proxy proxy:1 cannot be reached", FaultKind.UNREACHABLE),
        (proxied("Remote end closed connection without response"), "through the proxy proxy:1 broke", FaultKind.BROKEN),
        (urllib3.exceptions.ProtocolError("Connection aborted.", ConnectionResetError(104, "reset")), "broke", FaultKind.BROKEN),
        (urllib3.exceptions.ReadTimeoutError(None, None, "Read timed out."), "does not answer in time", FaultKind.BROKEN),  # type: ignore[arg-type]
    ],
)
def test_a_failure_on_the_way_is_described_for_people(error: Exception, words: str, kind: FaultKind) -> None:
    assert words in describe_fault(error, GRAPH, "proxy:1")
    assert send_fault_kind(error) is kind
