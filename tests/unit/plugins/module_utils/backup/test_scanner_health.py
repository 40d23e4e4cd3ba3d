# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.scanner_health import ScannerHealth, age_in_days
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.scanner import AUTO, DEFAULT_SOCKET
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.verdict import Engine
from ansible_collections.tenantvault.m365_backup.plugins.modules.m365_malware_scanner_info import OPTIONS

NOW = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.timezone.utc)
ENGINE = Engine(name="clamav", version="1.4.6", database="1.4.6/27463", released="2026-11-20T09:00:00Z")


def health(age_days: int | None) -> ScannerHealth:
    return ScannerHealth(engine=ENGINE, age_days=age_days, complaints=())


@pytest.mark.parametrize(
    ("released", "days"),
    [("", None), ("2026-11-23T11:59:59Z", 0), ("2026-11-16T12:00:00+00:00", 7), ("2026-11-16T12:00:01", 6), ("2026-11-25T00:00:00Z", 0)],
)
def test_the_age_of_a_database_is_whole_days_and_unknown_where_it_has_no_date(released: str, days: int | None) -> None:
    assert age_in_days(released, NOW) == days


@given(age=st.integers(0, 10_000), limit=st.integers(0, 10_000))
def test_a_database_is_old_exactly_when_it_is_older_than_allowed(age: int, limit: int) -> None:
    assert bool(health(age).old_database(limit)) == (age > limit)


def test_a_database_of_unknown_age_is_not_called_old() -> None:
    assert health(None).old_database(0) == ""


def test_the_sentence_names_engine_database_and_age() -> None:
    assert health(1).sentence() == "clamav 1.4.6 finds the test virus. Its database 1.4.6/27463 is 1 day old."
    assert health(None).sentence().endswith("Its database 1.4.6/27463 says nothing about its age.")


def test_the_module_looks_where_a_plan_looks_when_neither_says_where() -> None:
    assert (OPTIONS.options["engine"]["default"], OPTIONS.options["socket"]["default"]) == (AUTO, DEFAULT_SOCKET)
