# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Access tokens: one login for all threads, renewed in time, on refusal, and when the service asks for certain claims.

MSAL does the protocol and keeps its cache for the run. It remembers refused requests for a minute, so a fresh MSAL
application is made after each failure; otherwise a repaired fault would never be noticed.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
import re
import threading
import typing as t

from .. import _deps
from .clock import Clock
from .errors import NetworkUnreachable
from .limiter import Limiter
from .login_errors import LoginFault, failed_login_service, refused_discovery, refused_login
from .network import Network
from .retry import FaultKind, RetryPolicy, backoff
from .settings import ConnectionSettings
from .traffic import Meter, RequestKind
from .transport import describe_fault, send_fault_kind

if t.TYPE_CHECKING:
    import msal
    import requests

_FIRST_LOGIN_ATTEMPTS = 3
_LATER_LOGIN_ATTEMPTS = 8
_TIMEOUT_SECONDS = (20.0, 60.0)
_MARGIN_SECONDS = 300.0
_CLAIMS = re.compile(r'claims="([^"]+)"')


class MsalTokenProvider:
    """Thread-safe."""

    def __init__(
        self, settings: ConnectionSettings, network: Network, *, limiter: Limiter, meter: Meter, clock: Clock, random: t.Callable[[], float]
    ) -> None:
        self._settings = settings
        self._limiter = limiter
        self._meter = meter
        self._clock = clock
        self._random = random
        self._proxy = network.proxy_for(settings.cloud.authority_host)
        self._session = _login_session(network, settings.cloud.authority_host)
        self._who = f"application {settings.client_id} in tenant {settings.tenant_id}"
        self._lock = threading.Lock()
        self._application: msal.ConfidentialClientApplication | None = None
        self._token = ""
        self._renew_at = float("-inf")

    def token(self) -> str:
        """A token that is good for a while.

        :raises AuthenticationFailed, NetworkUnreachable, ServiceUnavailable, Cancelled: there is none to be had.
        """
        if self._clock.monotonic() < self._renew_at:
            return self._token
        with self._lock:
            if self._clock.monotonic() >= self._renew_at:
                self._acquire(None)
            return self._token

    def renew(self, refused: str, claims: str | None = None) -> str:
        """Another token than the refused one; one login, however many threads were refused with it."""
        with self._lock:
            if self._token == refused:
                # A new application has an empty cache; MSAL's own way to empty one asks the network first.
                self._application = None
                self._acquire(claims)
            return self._token

    def close(self) -> None:
        self._session.close()

    def _acquire(self, claims: str | None) -> None:
        allowed = _LATER_LOGIN_ATTEMPTS if self._token else _FIRST_LOGIN_ATTEMPTS
        attempt = 0
        while True:
            self._limiter.raise_if_cancelled()
            fault = self._try_login(claims)
            if fault is None:
                return
            self._application = None
            attempt += 1
            if not fault.is_temporary or attempt >= allowed:
                raise fault.error
            self._limiter.wait(backoff(attempt - 1, RetryPolicy(), self._random()))

    def _try_login(self, claims: str | None) -> LoginFault | None:
        """Keeps the token, or tells what went wrong; MSAL has three ways to say so."""
        self._meter.count_request(RequestKind.LOGIN)
        started = self._clock.monotonic()
        try:
            result = self._msal().acquire_token_for_client([self._settings.cloud.scope], claims_challenge=claims)
        except _deps.requests.exceptions.RequestException as error:
            return self._network_fault(error)
        except ValueError as error:
            return refused_discovery(f"{error} {error.__context__ or ''}", self._who)
        except (_deps.msal.exceptions.MsalError, RuntimeError, KeyError) as error:
            return failed_login_service(str(error), self._who)
        if not result or "access_token" not in result:
            return refused_login(result or {}, self._who)
        lifetime = float(result.get("expires_in") or 0)
        self._token = str(result["access_token"])
        self._renew_at = started + lifetime - min(_MARGIN_SECONDS, lifetime / 10)
        return None

    def _msal(self) -> msal.ConfidentialClientApplication:
        if self._application is None:
            self._application = _deps.msal.ConfidentialClientApplication(
                self._settings.client_id,
                client_credential=self._settings.credential.for_msal(),
                authority=self._settings.cloud.authority(self._settings.tenant_id),
                http_client=self._session,
                client_capabilities=["CP1"],
            )
        return self._application

    def _network_fault(self, error: requests.exceptions.RequestException) -> LoginFault:
        cause = _urllib3_cause(error)
        host = self._settings.cloud.authority_host
        reason = describe_fault(cause, host, self._proxy.shown if self._proxy else None)
        wrapped = NetworkUnreachable(
            f"The login at Microsoft Entra failed: {reason}.",
            hint="Check the network, the options proxy and ca_bundle, and HTTPS_PROXY in the environment.",
        )
        return LoginFault(wrapped, is_temporary=send_fault_kind(cause) is not FaultKind.MISCONFIGURED)


def challenged_claims(www_authenticate: str | None) -> str | None:
    """The claims that continuous access evaluation asks for, as JSON text; None without such a challenge."""
    if not www_authenticate or "insufficient_claims" not in www_authenticate:
        return None
    found = _CLAIMS.search(www_authenticate)
    if found is None:
        return None
    encoded = found.group(1)
    try:
        claims = base64.urlsafe_b64decode(encoded.replace("+", "-").replace("/", "_") + "=" * (-len(encoded) % 4)).decode("utf-8")
        return claims if isinstance(json.loads(claims), dict) else None
    except (binascii.Error, ValueError):
        return None


def _login_session(network: Network, host: str) -> requests.Session:
    """MSAL's way to the network: the same proxy and certificates as ours, whatever the environment says."""
    session = _deps.requests.Session()
    session.trust_env = False
    session.verify = network.trust
    proxy = network.proxy_for(host)
    if proxy is not None:
        session.proxies = {"https": proxy.url}
    setattr(session, "request", functools.partial(session.request, timeout=_TIMEOUT_SECONDS))  # noqa: B010
    return session


def _urllib3_cause(error: BaseException) -> Exception:
    """What requests wraps: the error of urllib3 that knows more."""
    for argument in getattr(error, "args", ()):
        if isinstance(argument, _deps.urllib3.exceptions.MaxRetryError) and argument.reason is not None:
            return argument.reason
        if isinstance(argument, _deps.urllib3.exceptions.HTTPError):
            return argument
    return error if isinstance(error, Exception) else Exception(str(error))
