# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The login hosts: discovery documents and the token endpoint with its real error bodies (facts C2, C3)."""

from __future__ import annotations

import datetime
import typing as t
import uuid
from urllib.parse import parse_qsl

from .assertions import AssertionRefused, check_assertion
from .call import Answer, json_bytes
from .hosts import graph_hosts_of
from .tokens import DELEGATED, App

if t.TYPE_CHECKING:
    from .call import Call
    from .state import Tenant

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_NO_TENANT_NAMES = frozenset({"common", "organizations", "consumers"})


class EntraError(Exception):
    """An error of the token service: OAuth error word and AADSTS number."""

    def __init__(self, status: int, error: str, number: int, text: str) -> None:
        super().__init__(f"{error} AADSTS{number}")
        self.status = status
        self.error = error
        self.number = number
        self.text = text


def answer(tenant: Tenant, call: Call) -> Answer:
    """Any request to a login host."""
    try:
        return _route(tenant, call)
    except EntraError as error:
        return _error(error)


def operation_of(call: Call) -> str:
    """The name of a request for log and faults."""
    segments = call.segments
    if segments[1:] == ("discovery", "instance"):
        return "discovery"
    if segments[-2:] == (".well-known", "openid-configuration") and len(segments) in (3, 4):
        return "openid_configuration"
    if segments[1:] == ("oauth2", "v2.0", "token"):
        return "token"
    return "keys" if segments[1:] == ("discovery", "v2.0", "keys") else "other"


def _route(tenant: Tenant, call: Call) -> Answer:
    if call.operation == "discovery":
        return _discovery(call)
    if call.operation == "openid_configuration":
        _check_tenant(tenant, call.segments[0])
        return _json(_configuration(tenant, call.host))
    if call.operation == "token" and call.method == "POST":
        return _token(tenant, call)
    if call.operation == "keys":
        modulus, exponent = tenant.tokens.public_numbers()
        return _json({"keys": [{"kty": "RSA", "use": "sig", "kid": tenant.tenant_id, "n": modulus, "e": exponent}]})
    return Answer(200 if not call.segments else 404, b"", {"content-type": "text/html"})


def _discovery(call: Call) -> Answer:
    endpoint = call.query.get("authorization_endpoint", "")
    host = endpoint.partition("://")[2].partition("/")[0] or call.host
    return _json(
        {
            "tenant_discovery_endpoint": endpoint.rpartition("/oauth2/")[0] + "/v2.0/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        }
    )


def _configuration(tenant: Tenant, host: str) -> dict[str, t.Any]:
    base = f"https://{host}/{tenant.tenant_id}"
    graph = next(iter(sorted(graph_hosts_of(host))))
    return {
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": f"{base}/discovery/v2.0/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": f"{base}/v2.0",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        "tenant_region_scope": "EU",
        "cloud_instance_name": host.partition(".")[2],
        "msgraph_host": graph,
    }


def _check_tenant(tenant: Tenant, name: str) -> None:
    if name.lower() in _NO_TENANT_NAMES or tenant.knows_name(name):
        return
    raise EntraError(
        400,
        "invalid_tenant",
        90002,
        f"Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.",
    )


def _token(tenant: Tenant, call: Call) -> Answer:
    form = dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
    name = call.segments[0]
    if form.get("grant_type") == "refresh_token":
        return _user_token(tenant, call, form)
    if name.lower() in _NO_TENANT_NAMES:
        raise EntraError(
            400,
            "invalid_request",
            50059,
            "No tenant-identifying information found in either the request or implied by any provided credentials.",
        )
    if not tenant.knows_name(name):
        raise EntraError(
            400,
            "invalid_request",
            90002,
            f"Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.",
        )
    if form.get("grant_type") != "client_credentials":
        raise EntraError(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
    app = tenant.tokens.apps.get(form.get("client_id", "").lower())
    if app is None:
        raise EntraError(
            400,
            "unauthorized_client",
            700016,
            f"Application with identifier '{form.get('client_id', '')}' was not found in the directory '{tenant.domain}'.",
        )
    call.client_id = app.client_id
    if app.disabled:
        raise EntraError(400, "unauthorized_client", 7000112, f"Application '{app.client_id}'(backup) is disabled.")
    _check_credential(tenant, app, form, call)
    host = _audience(form.get("scope", ""), call.host)
    token = tenant.tokens.issue(app, host, call.host)
    lifetime = int(tenant.tokens.lifetime)
    return _json({"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token})


def _user_token(tenant: Tenant, call: Call, form: dict[str, str]) -> Answer:
    """A token for a user who signed in once: what programs for people use. Any public client may."""
    refresh_token = form.get("refresh_token", "")
    user_id = tenant.tokens.refresh_tokens.get(refresh_token)
    if user_id is None:
        raise EntraError(400, "invalid_grant", 9002313, "Invalid request. Request is malformed or invalid.")
    app = App(form.get("client_id", "").lower(), roles=DELEGATED)
    call.client_id = app.client_id
    token = tenant.tokens.issue(app, next(iter(sorted(graph_hosts_of(call.host)))), call.host, user_id)
    lifetime = int(tenant.tokens.lifetime)
    said = {"token_type": "Bearer", "scope": " ".join(sorted(DELEGATED)), "expires_in": lifetime, "ext_expires_in": lifetime}
    return _json({**said, "access_token": token, "refresh_token": refresh_token})


def _check_credential(tenant: Tenant, app: App, form: dict[str, str], call: Call) -> None:
    secret = form.get("client_secret")
    if secret is not None:
        if secret in app.expired_secrets:
            raise EntraError(401, "invalid_client", 7000222, f"The provided client secret keys for app '{app.client_id}' are expired.")
        if secret not in app.secrets:
            raise EntraError(
                401,
                "invalid_client",
                7000215,
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
                "not the client secret ID, "
                f"for a secret added to app '{app.client_id}'.",
            )
        return
    assertion = form.get("client_assertion")
    if assertion is None or form.get("client_assertion_type") != _ASSERTION_TYPE:
        raise EntraError(
            401, "invalid_client", 7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
        )
    audiences = {f"https://{call.host}/{name}/oauth2/v2.0/token" for name in (call.segments[0], tenant.tenant_id)} | {
        f"https://{call.host}/{name}/v2.0" for name in (call.segments[0], tenant.tenant_id)
    }
    try:
        check_assertion(assertion, app, audiences)
    except AssertionRefused as error:
        raise EntraError(401, "invalid_client", error.number, str(error)) from None


def _audience(scope: str, login_host: str) -> str:
    resource, _slash, suffix = scope.strip().rpartition("/")
    if suffix != ".default" or " " in scope.strip():
        raise EntraError(
            400,
            "invalid_scope",
            1002012,
            f"The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default suffixed "
            "to the resource identifier (application ID URI).",
        )
    host = resource.partition("://")[2].rstrip("/").lower()
    if host not in graph_hosts_of(login_host):
        raise EntraError(400, "invalid_resource", 500011, f"The resource principal named {resource} was not found in the tenant.")
    return host


def _json(value: dict[str, t.Any], status: int = 200) -> Answer:
    return Answer(status, json_bytes(value), {"content-type": "application/json; charset=utf-8", "cache-control": "no-store, no-cache"})


def _error(error: EntraError) -> Answer:
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    result = _json(
        {
            "error": error.error,
            "error_description": f"AADSTS{error.number}: {error.text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}",
            "error_codes": [error.number],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={error.number}",
        },
        error.status,
    )
    result.code = f"AADSTS{error.number}"
    return result
