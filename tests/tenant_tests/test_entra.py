# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Discovery and tokens."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest
from tenant_tests.support import GRAPH, LOGIN, Client

if t.TYPE_CHECKING:
    from tenant.control import ControlClient
    from tenant.harness import RunningTenant


def test_the_discovery_document_names_the_token_endpoint_of_its_own_host(client: Client, tenant: RunningTenant) -> None:
    document = client.raw("GET", f"{LOGIN}/{tenant.domain}/v2.0/.well-known/openid-configuration").json()
    assert document["token_endpoint"] == f"{LOGIN}/{tenant.tenant_id}/oauth2/v2.0/token"
    assert {"issuer", "authorization_endpoint", "jwks_uri"} <= set(document)


def test_an_unknown_tenant_is_refused_by_discovery_and_token_endpoint(client: Client) -> None:
    unknown = "11111111-2222-3333-4444-555555555555"
    discovery = client.raw("GET", f"{LOGIN}/{unknown}/v2.0/.well-known/openid-configuration")
    assert (discovery.status, discovery.json()["error"], discovery.json()["error_codes"]) == (400, "invalid_tenant", [90002])
    token = client.ask_for_token(tenant_name=unknown)
    assert (token.status, token.json()["error"], token.json()["error_codes"]) == (400, "invalid_request", [90002])


@pytest.mark.parametrize(
    ("changes", "status", "error", "number"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_secret": None}, 401, "invalid_client", 7000218),
        ({"client_id": "11111111-2222-3333-4444-555555555555"}, 400, "unauthorized_client", 700016),
        ({"scope": "https://graph.microsoft.com/Mail.Read"}, 400, "invalid_scope", 1002012),
        ({"scope": "https://graph.microsoft.us/.default"}, 400, "invalid_resource", 500011),
        ({"tenant_name": "common"}, 400, "invalid_request", 50059),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
    ],
)
def test_a_bad_token_request_gets_the_words_of_entra(
    client: Client, changes: dict[str, t.Any], status: int, error: str, number: int
) -> None:
    reply = client.ask_for_token(**changes)
    body = reply.json()
    assert (reply.status, body["error"], body["error_codes"]) == (status, error, [number])
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert {"timestamp", "trace_id", "correlation_id", "error_uri"} <= set(body)


def test_an_expired_secret_and_a_disabled_app_have_errors_of_their_own(client: Client, control: ControlClient) -> None:
    app = control.add_app()
    control.expire_secret(app["client_id"], app["client_secret"])
    assert client.ask_for_token(**app).json()["error_codes"] == [7000222]
    other = control.add_app()
    control.disable_app(other["client_id"])
    assert client.ask_for_token(**other).json()["error_codes"] == [7000112]


def test_a_token_is_a_jwt_with_the_roles_of_the_app(client: Client, control: ControlClient) -> None:
    app = control.add_app(roles=["Mail.Read"])
    part = client.log_in(**app).split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    assert claims["roles"] == ["Mail.Read"]
    assert claims["aud"] == "https://graph.microsoft.com"


@pytest.mark.parametrize(
    ("login", "graph"),
    [
        ("login.microsoftonline.us", "graph.microsoft.us"),
        ("login.microsoftonline.us", "dod-graph.microsoft.us"),
        ("login.partner.microsoftonline.cn", "microsoftgraph.chinacloudapi.cn"),
    ],
)
def test_national_clouds_answer_under_their_own_hosts(client: Client, adele: str, login: str, graph: str) -> None:
    token = str(client.ask_for_token(login=f"https://{login}", scope=f"https://{graph}/.default").json()["access_token"])
    page = client.page(f"https://{graph}/v1.0/users/{adele}/mailFolders?$top=1", token=token)
    assert page["@odata.nextLink"].startswith(f"https://{graph}/v1.0/")
    foreign = client.get("/users", token=token)
    assert (foreign.status, foreign.error["message"]) == (401, "Access token validation failure. Invalid audience.")


def test_no_token_and_a_garbled_token_are_told_apart(client: Client) -> None:
    empty = client.raw("GET", GRAPH + "/users")
    assert (empty.status, empty.error["message"]) == (401, "Access token is empty.")
    garbled = client.get("/users", token="x.y")
    assert (garbled.status, garbled.code) == (401, "InvalidAuthenticationToken")
    assert garbled.headers["WWW-Authenticate"].startswith('Bearer realm="", authorization_uri=')


def test_an_expired_token_dies_in_the_middle_of_paging_and_a_new_one_continues(client: Client, control: ControlClient, adele: str) -> None:
    token = client.log_in()
    link = client.page(f"/users/{adele}/mailFolders?$top=2", token=token)["@odata.nextLink"]
    control.expire_tokens()
    reply = client.get(link, token=token)
    assert (reply.status, reply.error["message"]) == (401, "Lifetime validation failed, the token is expired.")
    client.token = client.log_in()
    assert client.page(link)["value"]


def test_a_short_token_lifetime_is_announced_and_kept(client: Client, control: ControlClient) -> None:
    control.set_token_lifetime(0)
    reply = client.ask_for_token().json()
    assert reply["expires_in"] == 0
    assert client.get("/users", token=reply["access_token"]).status == 401


def test_a_missing_role_is_a_403_in_the_words_of_each_workload(client: Client, control: ControlClient, adele: str) -> None:
    token = client.log_in(**control.add_app(roles=[]))
    directory = client.get("/users", token=token)
    assert (directory.status, directory.code) == (403, "Authorization_RequestDenied")
    mail = client.get(f"/users/{adele}/mailFolders", token=token)
    assert (mail.status, mail.code) == (403, "ErrorAccessDenied")


def test_reading_basic_mail_does_not_open_bodies(client: Client, control: ControlClient, adele: str) -> None:
    (message,) = control.deliver_generated(adele, 1)
    token = client.log_in(**control.add_app(roles=["Mail.ReadBasic.All"]))
    assert client.get(f"/users/{adele}/mailFolders/inbox/messages/delta", token=token).status == 200
    assert client.get(f"/users/{adele}/messages/{message}/$value", token=token).status == 403


def test_new_consent_needs_a_new_token(client: Client, control: ControlClient) -> None:
    app = control.add_app(roles=[])
    old = client.log_in(**app)
    control.set_roles(app["client_id"], ["User.Read.All"])
    assert client.get("/users", token=old).status == 403
    assert client.get("/users", token=client.log_in(**app)).status == 200


def test_login_host_answers_a_bare_head(client: Client) -> None:
    assert client.raw("HEAD", LOGIN + "/").status == 200
