# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logging in and reaching the service, against the tenant: what works, and what an administrator reads when it does not."""

from __future__ import annotations

import dataclasses
import pathlib
import socket
import typing as t

import certifi
import pytest
from integration.graph_tenant import HurriedClock, new_user, settings_for

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError, InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient, connect
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.clouds import CLOUDS
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.credentials import CertificateCredential, SecretCredential
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import (
    AuthenticationFailed,
    NetworkUnreachable,
    ServiceUnavailable,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.settings import ConnectionSettings
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.users import find_users
from tenant.harness import RunningTenant, running_tenant

UNKNOWN = "99999999-9999-4999-8999-999999999999"


@pytest.fixture(scope="module")
def tenant() -> t.Iterator[RunningTenant]:
    with running_tenant() as running:
        new_user(running, "anna")
        yield running


@pytest.fixture(autouse=True)
def _calm(tenant: RunningTenant) -> t.Iterator[None]:
    yield
    tenant.control.disarm()


def login(settings: ConnectionSettings) -> GraphClient:
    return connect(settings, clock=HurriedClock())


def refused(settings: ConnectionSettings, kind: type[BackupError]) -> str:
    with pytest.raises(kind) as caught:
        login(settings)
    assert caught.value.hint
    return str(caught.value)


def anna(tenant: RunningTenant, client: GraphClient) -> str:
    (user,) = find_users(client, f"anna@{tenant.domain}")
    return user.display_name


def test_a_secret_logs_in(tenant: RunningTenant) -> None:
    with login(settings_for(tenant)) as client:
        assert anna(tenant, client)
        assert client.traffic().requests == {"login": 1, "directory": 1}


def test_a_certificate_logs_in(tenant: RunningTenant) -> None:
    with login(settings_for(tenant, CertificateCredential(str(tenant.certificate_path)))) as client:
        assert anna(tenant, client)


def test_a_tenant_can_be_named_by_its_domain(tenant: RunningTenant) -> None:
    with login(settings_for(tenant, tenant_id=tenant.domain)) as client:
        assert anna(tenant, client)


def test_proxy_and_certificates_can_come_from_the_environment(tenant: RunningTenant) -> None:
    with login(settings_for(tenant, proxy=None, ca_bundle=None, environment=tenant.environment())) as client:
        assert anna(tenant, client)


def test_a_wrong_secret_is_told_in_one_sentence_without_showing_it(tenant: RunningTenant) -> None:
    words = refused(settings_for(tenant, SecretCredential("not-the-secret")), AuthenticationFailed)
    assert "the client secret is wrong (AADSTS7000215" in words
    assert "not-the-secret" not in words


def test_an_unknown_application_is_told(tenant: RunningTenant) -> None:
    assert "no application with this client id exists in the tenant (AADSTS700016" in refused(
        settings_for(tenant, client_id=UNKNOWN), AuthenticationFailed
    )


def test_an_unknown_tenant_is_told(tenant: RunningTenant) -> None:
    assert "no such tenant exists (AADSTS90002" in refused(settings_for(tenant, tenant_id=UNKNOWN), AuthenticationFailed)


def test_a_disabled_application_is_told(tenant: RunningTenant) -> None:
    app = tenant.control.add_app()
    tenant.control.disable_app(app["client_id"])
    settings = settings_for(tenant, SecretCredential(app["client_secret"]), client_id=app["client_id"])
    assert "the application is disabled (AADSTS7000112" in refused(settings, AuthenticationFailed)


def test_a_secret_that_was_wrong_and_is_right_now_logs_in_at_once(tenant: RunningTenant) -> None:
    refused(settings_for(tenant, SecretCredential("not-the-secret")), AuthenticationFailed)
    with login(settings_for(tenant)) as client:
        assert anna(tenant, client)


@pytest.mark.parametrize("fault", ["token_unavailable", "token_throttled"])
def test_a_login_service_in_trouble_is_waited_for(tenant: RunningTenant, fault: str) -> None:
    tenant.control.arm({"name": fault, "times": 2})
    with login(settings_for(tenant)) as client:
        assert anna(tenant, client)


def test_a_login_service_that_stays_away_is_told(tenant: RunningTenant) -> None:
    tenant.control.arm({"name": "token_unavailable", "times": None})
    assert "login service of Microsoft Entra failed (HTTP 503)" in refused(settings_for(tenant), ServiceUnavailable)


def test_an_expired_token_is_renewed_in_the_middle_of_a_run(tenant: RunningTenant) -> None:
    with login(settings_for(tenant)) as client:
        anna(tenant, client)
        tenant.control.expire_tokens()
        assert anna(tenant, client)
        assert client.traffic().requests["login"] == 2


def test_a_claims_challenge_is_answered_with_a_new_token(tenant: RunningTenant) -> None:
    with login(settings_for(tenant)) as client:
        anna(tenant, client)
        tenant.control.arm({"name": "claims_challenge", "times": 1})
        assert anna(tenant, client)
        assert client.traffic().requests["login"] == 2


def test_a_proxy_that_is_not_there_is_named(tenant: RunningTenant) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        words = refused(settings_for(tenant, proxy=f"http://user:hush@{address}"), NetworkUnreachable)
    assert f"the proxy {address} cannot be reached" in words
    assert "hush" not in words


def test_a_proxy_that_does_not_let_us_through_is_named(tenant: RunningTenant) -> None:
    elsewhere = dataclasses.replace(CLOUDS["global"], authority_host="login.elsewhere.example")
    assert "does not let us through to login.elsewhere.example" in refused(settings_for(tenant, cloud=elsewhere), NetworkUnreachable)


def test_a_host_without_a_name_server_entry_is_named(tenant: RunningTenant) -> None:
    elsewhere = dataclasses.replace(CLOUDS["global"], authority_host="login.nowhere.invalid")
    assert "the name of login.nowhere.invalid cannot be resolved" in refused(
        settings_for(tenant, cloud=elsewhere, proxy=None), NetworkUnreachable
    )


def test_a_certificate_of_an_unknown_authority_is_never_accepted(tenant: RunningTenant) -> None:
    words = refused(settings_for(tenant, ca_bundle=certifi.where()), NetworkUnreachable)
    assert "the certificate of login.microsoftonline.com" in words
    assert "is not trusted" in words


def test_the_option_beats_a_wrong_certificate_bundle_in_the_environment(tenant: RunningTenant) -> None:
    wrong = dict.fromkeys(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"), certifi.where())
    with login(settings_for(tenant, environment=wrong)) as client:
        assert anna(tenant, client)


def test_a_graph_host_that_cannot_be_reached_is_told_soon(tenant: RunningTenant) -> None:
    settings = settings_for(tenant)
    elsewhere = dataclasses.replace(CLOUDS["global"], graph_host="graph.elsewhere.example")
    with login(settings) as client:
        client.cloud = elsewhere
        with pytest.raises(
            NetworkUnreachable, match=r"Looking for user .* failed: the proxy .* does not let us through to graph\.elsewhere"
        ):
            anna(tenant, client)


def test_settings_that_cannot_work_send_nothing(tenant: RunningTenant, tmp_path: pathlib.Path) -> None:
    before = tenant.control.stats()["requests"]
    for settings in (
        settings_for(tenant, SecretCredential("")),
        settings_for(tenant, CertificateCredential(str(tmp_path / "missing.pem"))),
        settings_for(tenant, tenant_id="common"),
        settings_for(tenant, ca_bundle=str(tmp_path / "missing.pem")),
        settings_for(tenant, proxy="socks5://proxy:1"),
    ):
        refused(settings, InputError)
    assert tenant.control.stats()["requests"] == before
