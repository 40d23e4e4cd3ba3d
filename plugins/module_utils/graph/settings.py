# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an administrator declares to reach a tenant.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import os
import re
import typing as t

from .._errors import InputError
from .clouds import CLOUDS, Cloud
from .credentials import Credential
from .limits import DEFAULT_LICENSES
from .network import Network, resolve_network

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSettings:
    """``tenant_id`` is the tenant's id or one of its domains; ``connections`` how many are kept open.

    ``tenant_licenses`` is how many the tenant has bought, ``hosts_at_once`` how many hosts back up or restore OneDrives with
    this app at the same time: they divide what Microsoft allows the app.
    """

    tenant_id: str
    client_id: str
    credential: Credential
    cloud: Cloud = CLOUDS["global"]
    proxy: str | None = dataclasses.field(default=None, repr=False)
    ca_bundle: str | None = None
    connections: int = 64
    tenant_licenses: int = DEFAULT_LICENSES
    hosts_at_once: int = 1
    environment: t.Mapping[str, str] = dataclasses.field(default_factory=lambda: dict(os.environ), repr=False)

    def check(self, now: datetime.datetime) -> Network:
        """Everything that can be found wrong without a network.

        :raises InputError: the first thing that cannot work.
        """
        if not (_GUID.fullmatch(self.tenant_id) or _DOMAIN.fullmatch(self.tenant_id)):
            raise InputError(
                f"The tenant {self.tenant_id!r} is neither a tenant id nor a domain.",
                hint="Take the directory (tenant) id from the overview page of the app registration.",
            )
        if not _GUID.fullmatch(self.client_id):
            raise InputError(
                f"The client id {self.client_id!r} is not the id of an application.",
                hint="Take the application (client) id from the overview page of the app registration.",
            )
        if self.tenant_licenses < 1 or self.hosts_at_once < 1:
            raise InputError(
                "The options tenant_licenses and hosts_at_once count things, so they are at least 1.",
                hint="Leave them out if you do not know better.",
            )
        self.credential.check(now)
        return resolve_network(proxy=self.proxy, ca_bundle=self.ca_bundle, environment=self.environment)
