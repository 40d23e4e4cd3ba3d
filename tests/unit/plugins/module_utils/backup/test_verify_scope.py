# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which part of the data a task reads."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.verify_scope import Level, choose_scope
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import ALL_DATA, STRUCTURE, Scope

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)


@given(st.integers(1, 256), st.integers(0, 30_000))
def test_a_task_that_runs_each_day_reads_every_part_in_as_many_days_as_there_are_parts(parts: int, start: int) -> None:
    days = (NOON + timedelta(days=start + day) for day in range(parts))
    assert {choose_scope(Level.SUBSET, None, parts, day) for day in days} == {Scope(part, parts) for part in range(1, parts + 1)}


def test_the_part_is_the_same_all_day_wherever_the_host_is() -> None:
    zone = timezone(timedelta(hours=-11))
    moments = [NOON.replace(hour=0), NOON.replace(hour=23, minute=59), NOON.astimezone(zone)]
    assert len({choose_scope(Level.SUBSET, None, 7, moment) for moment in moments}) == 1


@pytest.mark.parametrize(("level", "scope"), [(Level.STRUCTURE, STRUCTURE), (Level.DATA, ALL_DATA), (Level.SUBSET, Scope(3, 7))])
def test_a_named_part_counts_only_where_a_part_is_read(level: Level, scope: Scope) -> None:
    assert choose_scope(level, "3/7", 7, NOON) == scope


@pytest.mark.parametrize("subset", ["0/7", "8/7", "1/257", "1/0", "3", "a/b", "-1/7", "1/7/9"])
def test_a_part_that_does_not_exist_is_refused(subset: str) -> None:
    with pytest.raises(InputError, match="is no part of the data"):
        choose_scope(Level.SUBSET, subset, 7, NOON)


@pytest.mark.parametrize("parts", [0, -1, 257])
def test_a_number_of_parts_that_is_impossible_is_refused(parts: int) -> None:
    with pytest.raises(InputError, match="cannot be read in"):
        choose_scope(Level.SUBSET, None, parts, NOON)
