# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Microsoft's host names that lead to the tenant, per cloud (facts C5)."""

from __future__ import annotations

import typing as t


class CloudHosts(t.NamedTuple):
    """The two hosts of a cloud."""

    login: str
    graph: str


CLOUD_HOSTS = (
    CloudHosts("login.microsoftonline.com", "graph.microsoft.com"),
    CloudHosts("login.microsoftonline.us", "graph.microsoft.us"),
    CloudHosts("login.microsoftonline.us", "dod-graph.microsoft.us"),
    CloudHosts("login.partner.microsoftonline.cn", "microsoftgraph.chinacloudapi.cn"),
    CloudHosts("login.chinacloudapi.cn", "microsoftgraph.chinacloudapi.cn"),
)
LOGIN_HOSTS = frozenset({cloud.login for cloud in CLOUD_HOSTS} | {"login.microsoft.com", "login.windows.net", "sts.windows.net"})
GRAPH_HOSTS = frozenset(cloud.graph for cloud in CLOUD_HOSTS)
UPLOAD_HOSTS = frozenset({"outlook.office.com", "outlook.office365.com"})
REPORTS_HOST = "reports.office.com"
# Where the drives of people lie, by the Graph host of their cloud.
DRIVE_HOSTS = {
    "graph.microsoft.com": "contoso-my.sharepoint.com",
    "graph.microsoft.us": "contoso-my.sharepoint.us",
    "dod-graph.microsoft.us": "contoso-my.sharepoint-mil.us",
    "microsoftgraph.chinacloudapi.cn": "contoso-my.sharepoint.cn",
}
SHAREPOINT_HOSTS = frozenset(DRIVE_HOSTS.values())
ALL_HOSTS = LOGIN_HOSTS | GRAPH_HOSTS | UPLOAD_HOSTS | SHAREPOINT_HOSTS | {REPORTS_HOST}


def graph_hosts_of(login_host: str) -> frozenset[str]:
    """Graph hosts whose tokens a login host issues."""
    own = frozenset(cloud.graph for cloud in CLOUD_HOSTS if cloud.login == login_host)
    return own or frozenset({"graph.microsoft.com"})
