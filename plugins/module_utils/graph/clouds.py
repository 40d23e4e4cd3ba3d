# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clouds that Microsoft 365 lives in: where to log in, where Graph answers, where attachments are uploaded.

Source: Microsoft's pages on national cloud deployments and on large attachments. An app registration and its tokens
belong to one cloud only.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import types
import typing as t


@dataclasses.dataclass(frozen=True, slots=True)
class Cloud:
    """One cloud. Tokens are sent to ``graph_host`` and to no other host."""

    name: str
    authority_host: str
    graph_host: str
    upload_hosts: tuple[str, ...]

    @property
    def scope(self) -> str:
        return f"https://{self.graph_host}/.default"

    def authority(self, tenant_id: str) -> str:
        return f"https://{self.authority_host}/{tenant_id}"


CLOUDS: t.Mapping[str, Cloud] = types.MappingProxyType(
    {
        cloud.name: cloud
        for cloud in (
            Cloud("global", "login.microsoftonline.com", "graph.microsoft.com", ("outlook.office.com", "outlook.office365.com")),
            Cloud("gcc_high", "login.microsoftonline.us", "graph.microsoft.us", ("outlook.office365.us",)),
            Cloud("dod", "login.microsoftonline.us", "dod-graph.microsoft.us", ("outlook-dod.office365.us", "webmail.apps.mil")),
            Cloud("china", "login.partner.microsoftonline.cn", "microsoftgraph.chinacloudapi.cn", ("partner.outlook.cn",)),
        )
    }
)
