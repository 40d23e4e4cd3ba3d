# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way to the network: proxy and trusted certificates, from options or from the environment. No network here.

One resolved answer serves both libraries that we use, since each of them has its own idea of environment variables
(requests lets C(REQUESTS_CA_BUNDLE) beat an explicit C(verify)). Certificate checks are never switched off.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import os
import ssl
import typing as t
import urllib.parse
import urllib.request

from .. import _deps
from .._errors import InputError

_PROXY_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_TRUST_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


@dataclasses.dataclass(frozen=True, slots=True)
class ProxyAddress:
    """A proxy. ``url`` may hold a password, so it is not shown."""

    url: str = dataclasses.field(repr=False)
    shown: str

    @property
    def credentials(self) -> str | None:
        """``user:password`` without percent signs, None without a user."""
        parts = urllib.parse.urlsplit(self.url)
        if parts.username is None:
            return None
        return f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """``trust`` is a file or a folder of certificates in PEM form."""

    trust: str
    proxy: ProxyAddress | None
    no_proxy: str

    def proxy_for(self, host: str) -> ProxyAddress | None:
        if self.proxy is None:
            return None
        is_direct = urllib.request.proxy_bypass_environment(host, {"no": self.no_proxy})  # type: ignore[attr-defined]
        return None if is_direct else self.proxy


def resolve_network(*, proxy: str | None, ca_bundle: str | None, environment: t.Mapping[str, str]) -> Network:
    """Options win over the environment. C(NO_PROXY) limits a proxy of the environment, not one that was asked for.

    :raises InputError: a proxy address or a certificate bundle that cannot be used.
    """
    trust = _trust(ca_bundle, environment)
    if proxy:
        return Network(trust=trust, proxy=_proxy_address(proxy, "option proxy"), no_proxy="")
    for variable in _PROXY_VARIABLES:
        if environment.get(variable):
            address = _proxy_address(environment[variable], f"environment variable {variable}")
            return Network(trust=trust, proxy=address, no_proxy=environment.get("no_proxy") or environment.get("NO_PROXY") or "")
    return Network(trust=trust, proxy=None, no_proxy="")


def tls_context(trust: str) -> ssl.SSLContext:
    """A context that checks certificates and host names against ``trust``.

    :raises InputError: there is no certificate in it.
    """
    context: ssl.SSLContext = _deps.urllib3.util.ssl_.create_urllib3_context()
    try:
        if os.path.isdir(trust):
            context.load_verify_locations(capath=trust)
        else:
            context.load_verify_locations(cafile=trust)
    except (ssl.SSLError, OSError):
        raise InputError(
            f"The certificate bundle {trust} holds no certificate in PEM form.",
            hint="Name a file with trusted certificates in PEM form in the option ca_bundle.",
        ) from None
    return context


def _trust(ca_bundle: str | None, environment: t.Mapping[str, str]) -> str:
    if ca_bundle:
        return _readable(ca_bundle, "option ca_bundle")
    for variable in _TRUST_VARIABLES:
        if environment.get(variable):
            return _readable(environment[variable], f"environment variable {variable}")
    return str(_deps.certifi.where())


def _readable(path: str, origin: str) -> str:
    if not os.access(path, os.R_OK):
        raise InputError(
            f"The certificate bundle {path} ({origin}) does not exist or cannot be read.",
            hint="Name a readable file with trusted certificates in PEM form.",
        )
    return path


def _proxy_address(text: str, origin: str) -> ProxyAddress:
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in ("http", "https"):
        raise InputError(
            f"The proxy address of the {origin} cannot be used.",
            hint="Write it as http://host:port or https://host:port; other kinds of proxy are not supported.",
        )
    return ProxyAddress(url, f"{host}:{port}" if port else host)
