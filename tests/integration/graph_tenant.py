# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the tests of the Graph room reach the tenant."""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient, connect
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.clock import Clock
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.credentials import Credential, SecretCredential
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limits import Budgets
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.settings import ConnectionSettings
from tenant.harness import RunningTenant

_HURRY = 50.0


class HurriedClock:
    """Fifty of its seconds fit into one: waits between attempts are the product's own, and short for a test."""

    def monotonic(self) -> float:
        return time.monotonic() * _HURRY

    def wall(self) -> float:
        return time.time()

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        condition.wait(None if seconds is None else seconds / _HURRY)


def settings_for(tenant: RunningTenant, credential: Credential | None = None, **changes: t.Any) -> ConnectionSettings:
    """What an administrator behind a company proxy with its own certificates declares."""
    values: dict[str, t.Any] = {
        "tenant_id": tenant.tenant_id,
        "client_id": tenant.client_id,
        "credential": credential or SecretCredential(tenant.client_secret),
        "proxy": tenant.proxy_url,
        "ca_bundle": str(tenant.ca_bundle),
        "environment": {},
    }
    return ConnectionSettings(**{**values, **changes})


@contextlib.contextmanager
def connected(tenant: RunningTenant, *, clock: Clock | None = None, budgets: Budgets | None = None) -> t.Iterator[GraphClient]:
    with connect(settings_for(tenant), clock=clock or HurriedClock(), budgets=budgets) as client:
        yield client


def new_user(tenant: RunningTenant, name: str, **properties: t.Any) -> UserId:
    return UserId(tenant.control.add_user(f"{name}@{tenant.domain}", **properties))
