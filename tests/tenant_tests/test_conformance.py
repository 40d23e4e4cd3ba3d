# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Microsoft's own clients, unmodified, against the tenant."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import textwrap
import typing as t

import msal
import pytest
import requests

if t.TYPE_CHECKING:
    from tenant.control import ControlClient
    from tenant.harness import RunningTenant

SCOPES = ["https://graph.microsoft.com/.default"]


def session_of(tenant: RunningTenant) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.proxies = {"https": tenant.proxy_url}
    session.verify = str(tenant.ca_bundle)
    return session


def log_in(tenant: RunningTenant, credential: t.Any, authority: str | None = None) -> dict[str, t.Any]:
    app = msal.ConfidentialClientApplication(
        tenant.client_id,
        client_credential=credential,
        authority=authority or f"https://login.microsoftonline.com/{tenant.tenant_id}",
        http_client=session_of(tenant),
    )
    result = app.acquire_token_for_client(SCOPES)
    assert isinstance(result, dict)
    return result


def test_msal_logs_in_with_a_secret(tenant: RunningTenant) -> None:
    result = log_in(tenant, tenant.client_secret)
    assert result["token_source"] == "identity_provider"
    users = session_of(tenant).get("https://graph.microsoft.com/v1.0/users", headers={"Authorization": f"Bearer {result['access_token']}"})
    assert users.json()["value"] == []


def test_msal_logs_in_under_the_domain_too(tenant: RunningTenant) -> None:
    assert "access_token" in log_in(tenant, tenant.client_secret, f"https://login.microsoftonline.com/{tenant.domain}")


@pytest.mark.parametrize("form", ["public_certificate", "thumbprint"])
def test_msal_logs_in_with_a_certificate(tenant: RunningTenant, form: str) -> None:
    pem = tenant.certificate_path.read_text(encoding="ascii")
    credential = {"private_key": pem, form: pem if form == "public_certificate" else tenant.certificate_thumbprint}
    assert "access_token" in log_in(tenant, credential)


def test_a_certificate_that_is_not_registered_is_refused(tenant: RunningTenant) -> None:
    from tenant.certificates import make_app_certificate

    pem = make_app_certificate("stranger").pem.decode()
    result = log_in(tenant, {"private_key": pem, "public_certificate": pem})
    assert (result["error"], result["error_codes"]) == ("invalid_client", [700027])


def test_msal_reports_a_wrong_secret_and_an_unknown_tenant(tenant: RunningTenant) -> None:
    result = log_in(tenant, "wrong")
    assert (result["error"], result["error_codes"]) == ("invalid_client", [7000215])
    with pytest.raises(ValueError, match="Unable to get authority configuration"):
        log_in(tenant, "x", "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555")


def test_msal_asks_only_hosts_that_exist_here_even_for_an_unknown_authority_host(tenant: RunningTenant) -> None:
    assert "access_token" in log_in(tenant, tenant.client_secret, f"https://login.windows.net/{tenant.tenant_id}")


SDK = textwrap.dedent(
    """
    import asyncio, os, sys
    from azure.identity.aio import ClientSecretCredential
    from msgraph import GraphServiceClient

    async def main():
        tenant, client, user = sys.argv[1:4]
        async with ClientSecretCredential(tenant, client, os.environ["SECRET"]) as credential:
            graph = GraphServiceClient(credential, ["https://graph.microsoft.com/.default"])
            users = await graph.users.get()
            assert [found.display_name for found in users.value] == ["Adele Vance"], users
            folders = await graph.users.by_user_id(user).mail_folders.get()
            names = [folder.display_name for folder in folders.value]
            assert "Inbox" in names, names
            found = []
            delta = graph.users.by_user_id(user).mail_folders.by_mail_folder_id("inbox").messages.delta
            page = await delta.get()
            while page is not None:
                found += page.value
                if not page.odata_next_link:
                    break
                page = await delta.with_url(page.odata_next_link).get()
            assert len(found) == 25, len(found)
            mime = await graph.users.by_user_id(user).messages.by_message_id(found[0].id).content.get()
            assert mime.startswith(b"Received: "), mime[:50]
            print("ok", page.odata_delta_link is not None)

    asyncio.run(main())
    """
)


SDK_DIRECTORY = textwrap.dedent(
    """
    import asyncio, os, sys
    from azure.identity.aio import ClientSecretCredential
    from kiota_abstractions.base_request_configuration import RequestConfiguration
    from msgraph import GraphServiceClient
    from msgraph.generated.users.users_request_builder import UsersRequestBuilder

    async def main():
        tenant, client, unit, gone = sys.argv[1:5]
        async with ClientSecretCredential(tenant, client, os.environ["SECRET"]) as credential:
            graph = GraphServiceClient(credential, ["https://graph.microsoft.com/.default"])
            units = graph.directory.administrative_units
            assert [one.display_name for one in (await units.get()).value] == ["Berlin"]
            assert (await units.by_administrative_unit_id(unit).get()).display_name == "Berlin"
            members = await units.by_administrative_unit_id(unit).members.graph_user.get()
            assert [one.display_name for one in members.value] == ["Adele Vance"], members
            query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(filter="companyName ne 'Fabrikam'", count=True)
            wanted = RequestConfiguration(query_parameters=query)
            wanted.headers.add("ConsistencyLevel", "eventual")
            found = await graph.users.get(request_configuration=wanted)
            assert ([one.display_name for one in found.value], found.odata_count) == (["Adele Vance"], 1), found
            deleted = await graph.directory.deleted_items.by_directory_object_id(gone).get()
            assert (deleted.odata_type, deleted.id) == ("#microsoft.graph.user", gone), deleted
            print("ok", deleted.user_principal_name == gone.replace("-", "") + "bruno@contoso.com")

    asyncio.run(main())
    """
)


@pytest.mark.conformance
def test_the_graph_sdk_reads_units_filtered_users_and_deleted_ones(tenant: RunningTenant, control: ControlClient) -> None:
    user = control.add_user("adele.vance@contoso.com", display_name="Adele Vance", companyName="Contoso")
    control.add_user("carla@contoso.com", companyName="Fabrikam")
    gone = control.add_user("bruno@contoso.com")
    control.remove_user(gone)
    assert run_sdk(tenant, SDK_DIRECTORY, control.add_unit("Berlin", members=[user]), gone) == "ok True\n"


@pytest.mark.conformance
def test_the_graph_sdk_lists_pages_and_reads_mime(tenant: RunningTenant, control: ControlClient) -> None:
    user = control.add_user("adele.vance@contoso.com", display_name="Adele Vance")
    control.deliver_generated(user, 25, size_limit=30_000)
    assert run_sdk(tenant, SDK, user) == "ok True\n"


def run_sdk(tenant: RunningTenant, program: str, *arguments: str) -> str:
    """What a program says that uses the SDK; its last lines of errors when it says nothing."""
    python = os.environ.get("M365_SDK_PYTHON") or (sys.executable if importlib.util.find_spec("msgraph") else None)
    if python is None:
        pytest.skip("msgraph-sdk (472 MB) is not installed here, and M365_SDK_PYTHON names no interpreter that has it")
    environment = {**tenant.environment(), "SECRET": tenant.client_secret}
    command = [python, "-c", program, tenant.tenant_id, tenant.client_id, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout or done.stderr[-3000:]
