# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clouds that Microsoft 365 lives in: where to log in, where Graph answers, where attachments and files are.

Source: Microsoft's pages on national cloud deployments, on large attachments, and on the endpoints of each cloud. An app
registration and its tokens belong to one cloud only.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import types
import typing as t


@dataclasses.dataclass(frozen=True, slots=True)
class Cloud:
    """One cloud. Tokens are sent to ``graph_host`` and to no other host.

    Every tenant has hosts of its own below one of ``file_domains``, from which files are downloaded and to which they are
    uploaded. Usage reports are downloaded from hosts that match ``report_hosts``; empty where we know of none.
    """

    name: str
    authority_host: str
    graph_host: str
    upload_hosts: tuple[str, ...]
    file_domains: tuple[str, ...]
    report_hosts: str = ""

    @property
    def scope(self) -> str:
        return f"https://{self.graph_host}/.default"

    def authority(self, tenant_id: str) -> str:
        return f"https://{self.authority_host}/{tenant_id}"


CLOUDS: t.Mapping[str, Cloud] = types.MappingProxyType(
    {
        cloud.name: cloud
        for cloud in (
            Cloud(
                "global",
                "login.microsoftonline.com",
                "graph.microsoft.com",
                ("outlook.office.com", "outlook.office365.com"),
                ("sharepoint.com",),
                r"reports[a-z0-9-]*\.office\.com",
            ),
            Cloud("gcc_high", "login.microsoftonline.us", "graph.microsoft.us", ("outlook.office365.us",), ("sharepoint.us",)),
            Cloud(
                "dod",
                "login.microsoftonline.us",
                "dod-graph.microsoft.us",
                ("outlook-dod.office365.us", "webmail.apps.mil"),
                ("sharepoint-mil.us", "dps.mil"),
            ),
            Cloud(
                "china",
                "login.partner.microsoftonline.cn",
                "microsoftgraph.chinacloudapi.cn",
                ("partner.outlook.cn",),
                ("sharepoint.cn",),
            ),
        )
    }
)
