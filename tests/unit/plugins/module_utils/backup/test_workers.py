# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many processes a run takes, and what they can tell each other."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError, InputError, MissingLibraryError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._process import usable_cores
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.engine import Workers
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import MAIL
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.member_task import MemberTask
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.members import SourceState, SourceStatus
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.worker_processes import workers_worth_it
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import AccessDenied, Cancelled, MailboxUnavailable
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import BlobMissing, LockLost, StorageError
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.groups import member


def task(status: SourceStatus | None) -> MemberTask:
    states = {} if status is None else {MAIL: SourceState(status=status)}
    return MemberTask(member=member("anna"), tree=None, states=states)


def tasks(new: int, known: int) -> list[MemberTask]:
    return [task(None)] * (new // 2) + [task(SourceStatus.UNFINISHED)] * (new - new // 2) + [task(SourceStatus.GOOD)] * known


@pytest.mark.parametrize(
    ("new", "known", "cores", "expected"),
    [(1, 0, 8, 1), (2, 0, 8, 2), (50, 0, 8, 8), (0, 15, 8, 1), (0, 31, 8, 1), (0, 32, 8, 2), (1, 16, 8, 2), (0, 1000, 4, 4), (9, 9, 1, 1)],
)
def test_new_members_bring_work_and_known_ones_only_in_numbers(new: int, known: int, cores: int, expected: int) -> None:
    assert workers_worth_it(tasks(new, known), cores) == expected


@given(new=st.integers(0, 40), known=st.integers(0, 200), cores=st.integers(1, 64))
def test_there_is_a_worker_and_never_more_than_cores_or_members(new: int, known: int, cores: int) -> None:
    assert 1 <= workers_worth_it(tasks(new, known), cores) <= max(1, min(cores, new + known))


@pytest.mark.parametrize(
    ("quotas", "expected"),
    [
        ({"": "max 100000"}, 8),
        ({}, 8),
        ({"pod": "250000 100000"}, 3),
        ({"": "100000 100000", "pod": "400000 100000"}, 1),
        ({"pod": "?"}, 8),
    ],
)
def test_a_container_counts_the_cores_that_it_is_allowed(
    quotas: dict[str, str], expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: range(8))
    (tmp_path / "pod" / "run").mkdir(parents=True)
    for group, quota in quotas.items():
        (tmp_path / group / "cpu.max").write_text(quota + "\n", encoding="ascii")
    own = tmp_path / "own"
    own.write_text("0::/pod/run\n", encoding="ascii")
    assert usable_cores(tmp_path, own) == expected
    assert usable_cores(tmp_path, tmp_path / "no such file") == 8


def test_a_system_that_says_nothing_of_affinities_has_the_cores_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert usable_cores(tmp_path, tmp_path / "none") == 6


@pytest.mark.parametrize(("count", "expected"), [(1, 1), (3, 3), (9, 4)])
def test_an_administrator_may_choose_the_number(count: int, expected: int) -> None:
    assert Workers(setup=None, count=count).number_for(tasks(0, 4)) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "error",
    [
        BackupError("It failed.", hint="Do this.", facts={"code": "ErrorX", "request_id": "7"}),
        InputError("It cannot be."),
        MissingLibraryError(["msal"], "Traceback ..."),
        BlobMissing("blob 12ab", "no pack holds it"),
        LockLost("The lock is lost.", hint="Start again."),
        StorageError("data/12 cannot be written", hint="Make room."),
        MailboxUnavailable("There is none.", status=404, code="MailboxNotEnabledForRESTAPI"),
        AccessDenied("No.", status=403, code="ErrorAccessDenied"),
        Cancelled(),
    ],
)
def test_an_error_is_the_same_after_its_way_from_a_worker_to_the_parent(error: BackupError) -> None:
    arrived = pickle.loads(pickle.dumps(error))
    assert arrived.__class__ is error.__class__
    assert (str(arrived), arrived.args, arrived.__dict__) == (str(error), error.args, error.__dict__)


def test_no_other_error_has_more_to_carry() -> None:
    """An error that cannot be pickled would never arrive, and the parent would wait for ever."""
    kinds, found = [BackupError], set()
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if kind.__module__.startswith("ansible_collections.") and {"__init__", "__reduce__", "__slots__"} & vars(kind).keys():
            found.add(kind.__name__)
    assert found <= {"BackupError", "MissingLibraryError", "GraphError", "Cancelled", "RepositoryDamaged", "ReportedFailure"}
