# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tenant for the tests of a file, a user of its own for each test, and a client that is logged in."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import UserId
from ansible_collections.tenantvault.m365_backup.tests.integration.clamd_daemon import Clamd, running_clamd
from ansible_collections.tenantvault.m365_backup.tests.integration.graph_tenant import connected, new_user
from tenant.harness import RunningTenant, running_tenant

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def clamd() -> t.Iterator[Clamd]:
    """For tests that only have contents looked at; who does something to the daemon runs one of its own."""
    with running_clamd() as daemon:
        yield daemon


@pytest.fixture(scope="module")
def tenant() -> t.Iterator[RunningTenant]:
    with running_tenant() as running:
        yield running


@pytest.fixture
def user(tenant: RunningTenant) -> t.Iterator[UserId]:
    yield new_user(tenant, f"user{next(_numbers)}")
    tenant.control.disarm()


@pytest.fixture
def client(tenant: RunningTenant) -> t.Iterator[GraphClient]:
    with connected(tenant) as client:
        yield client
