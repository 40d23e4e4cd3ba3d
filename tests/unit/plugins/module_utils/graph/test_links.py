# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where requests may go."""

from __future__ import annotations

import typing as t
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.clouds import CLOUDS
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import LinkRefused
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.links import (
    beta_path,
    download_address,
    graph_path,
    graph_target,
    session_address,
    upload_address,
    with_query,
)

GLOBAL = CLOUDS["global"]
FOREIGN = [
    "http://graph.microsoft.com/v1.0/x",
    "https://graph.microsoft.com.evil.example/v1.0/x",
    "https://evil.example/v1.0/x",
    "https://graph.microsoft.com@evil.example/x",
    "https://user@graph.microsoft.com/x",
    "https://graph.microsoft.com:8443/x",
    "https://graph.microsoft.com\\@evil.example/x",
    "https://graph.microsoft.us/v1.0/x",
    "https://graph.microsoft.com./x",
    "//evil.example/x",
    "https:///x",
    "https://[::1/x",
    "https://graph.microsoft.com:abc/x",
    "https://graph.microsoft.com/x\r\nX-Evil: 1",
    "https://graph.microsoft.com/ä",
    "ftp://graph.microsoft.com/x",
    "javascript:alert(1)",
    "",
    "v1.0/users",
]


@pytest.mark.parametrize("link", FOREIGN)
def test_inv10_a_link_to_another_place_is_refused(link: str) -> None:
    with pytest.raises(LinkRefused):
        graph_target(GLOBAL, link)


def test_inv10_a_link_to_the_configured_host_is_followed_by_its_path_and_query_only() -> None:
    link = "https://Graph.Microsoft.com:443/v1.0/users('x')/messages/delta?$skiptoken=a%2Fb&x=1#fragment"
    assert graph_target(GLOBAL, link) == "/v1.0/users('x')/messages/delta?$skiptoken=a%2Fb&x=1"


@given(st.text(max_size=60) | st.builds("https://{}/{}".format, st.text(max_size=30), st.text(max_size=30)))
def test_inv10_no_text_makes_a_target_that_names_another_host(link: str) -> None:
    try:
        target = graph_target(GLOBAL, link)
    except LinkRefused:
        return
    assert target.startswith("/")
    if not link.startswith("/"):
        assert urllib.parse.urlsplit(link).hostname == "graph.microsoft.com"


def test_each_cloud_trusts_its_own_host_only() -> None:
    for cloud in CLOUDS.values():
        link = f"https://{cloud.graph_host}/v1.0/x"
        assert graph_target(cloud, link) == "/v1.0/x"
        for other in CLOUDS.values():
            if other is not cloud:
                with pytest.raises(LinkRefused):
                    graph_target(other, link)


def test_inv10_an_upload_address_is_of_the_mail_service_and_is_not_shown() -> None:
    address = upload_address(GLOBAL, "https://outlook.office.com/api/v2.0/Users('u')/AttachmentSessions('s')?authtoken=secret")
    assert address.host == "outlook.office.com"
    assert address.target.endswith("?authtoken=secret")
    assert "secret" not in repr(address)


@pytest.mark.parametrize(
    "link",
    ["https://evil.example/?authtoken=secret", "http://outlook.office.com/?authtoken=secret", "https://outlook.office.com.evil.example/x"],
)
def test_inv10_an_upload_to_another_place_is_refused_without_showing_the_address(link: str) -> None:
    with pytest.raises(LinkRefused) as caught:
        upload_address(GLOBAL, link)
    assert "secret" not in str(caught.value)


FILE_HOSTS = {
    "global": ("contoso-my.sharepoint.com", "contoso.sharepoint.com"),
    "gcc_high": ("contoso-my.sharepoint.us",),
    "dod": ("contoso-my.sharepoint-mil.us", "contoso-my.dps.mil"),
    "china": ("contoso-my.sharepoint.cn",),
}


@pytest.mark.parametrize("make", [download_address, session_address])
def test_inv10_files_are_on_the_hosts_of_their_cloud_and_their_addresses_are_not_shown(make: t.Any) -> None:
    for name, hosts in FILE_HOSTS.items():
        for host in hosts:
            address = make(CLOUDS[name], f"https://{host.upper()}/personal/anna/download.aspx?tempauth=secret")
            assert (address.host, address.target) == (host, "/personal/anna/download.aspx?tempauth=secret")
            assert "secret" not in f"{address!r} {address}"
            for other in CLOUDS.keys() - {name}:
                with pytest.raises(LinkRefused):
                    make(CLOUDS[other], f"https://{host}/x")


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/?tempauth=secret",
        "http://contoso-my.sharepoint.com/?tempauth=secret",
        "https://contoso-my.sharepoint.com.evil.example/?tempauth=secret",
        "https://evilsharepoint.com/?tempauth=secret",
        "https://sharepoint.com/?tempauth=secret",
        "https://graph.microsoft.com/?tempauth=secret",
        "https://user@contoso-my.sharepoint.com/?tempauth=secret",
        "https://contoso-my.sharepoint.com:8443/?tempauth=secret",
        "https://evil.example\\.sharepoint.com/?tempauth=secret",
    ],
)
@pytest.mark.parametrize("make", [download_address, session_address])
def test_inv10_a_file_at_another_place_is_refused_without_showing_the_address(make: t.Any, link: str) -> None:
    with pytest.raises(LinkRefused) as caught:
        make(GLOBAL, link)
    assert "secret" not in str(caught.value)


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=5))
def test_any_id_or_name_survives_in_a_path(segments: list[str]) -> None:
    path = graph_path(*(segment.encode("utf-8", "replace").decode() for segment in segments))
    assert path.isascii()
    assert not set(path) & set(" ?#+\r\n")
    raw = [segment.encode("utf-8", "replace").decode() for segment in segments]
    assert [urllib.parse.unquote(part) for part in path.split("/")[2:]] == raw
    assert beta_path(*raw) == "/beta/" + path.removeprefix("/v1.0/")


def test_query_parameters_keep_their_dollar_signs_and_quote_the_rest() -> None:
    query = with_query("/v1.0/users", {"$select": "id,mail", "$filter": "mail eq 'a+b#c&d@x'"})
    assert query == "/v1.0/users?$select=id,mail&$filter=mail%20eq%20'a%2Bb%23c%26d%40x'"
