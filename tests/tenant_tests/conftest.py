# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One tenant per test process, emptied before each test."""

from __future__ import annotations

import typing as t

import pytest
from tenant_tests.archive_support import Archive, make_archive
from tenant_tests.drive_support import TestDrive
from tenant_tests.support import Client

from tenant.harness import RunningTenant, running_tenant

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tenant.control import ControlClient


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "conformance: runs Microsoft's Graph SDK, where it is installed")


@pytest.fixture(scope="session")
def one_tenant() -> Iterator[RunningTenant]:
    with running_tenant() as tenant:
        yield tenant


@pytest.fixture(scope="session")
def one_client(one_tenant: RunningTenant) -> Client:
    return Client(one_tenant)


@pytest.fixture
def tenant(one_tenant: RunningTenant) -> RunningTenant:
    one_tenant.control.reset()
    return one_tenant


@pytest.fixture
def control(tenant: RunningTenant) -> ControlClient:
    return tenant.control


@pytest.fixture
def client(tenant: RunningTenant, one_client: Client) -> Client:
    return one_client


@pytest.fixture
def adele(control: ControlClient) -> str:
    """The object id of a user with a mailbox."""
    return control.add_user("adele.vance@contoso.com", display_name="Adele Vance")


@pytest.fixture
def box(client: Client, control: ControlClient, adele: str) -> Archive:
    """Adele's archive with one folder of three messages."""
    return make_archive(client, control, adele)


@pytest.fixture
def drive(client: Client, control: ControlClient, adele: str) -> TestDrive:
    """Adele's drive, with nothing in it."""
    return TestDrive(client, control, adele, control.create_drive(adele))
