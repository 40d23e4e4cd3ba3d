# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many processes a run takes, and what they can tell each other."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError, InputError, MissingLibraryError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.engine import Workers
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import MAIL
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.member_backup import MemberTask
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.members import SourceState, SourceStatus
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.worker_processes import workers_worth_it
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import AccessDenied, MailboxUnavailable
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import BlobMissing, LockLost, StorageError
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.groups import member


def task(status: SourceStatus | None) -> MemberTask:
    states = {} if status is None else {MAIL: SourceState(status=status)}
    return MemberTask(member=member("anna"), group=None, directory="", states=states)


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
    ],
)
def test_an_error_is_the_same_after_its_way_from_a_worker_to_the_parent(error: BackupError) -> None:
    arrived = pickle.loads(pickle.dumps(error))
    assert arrived.__class__ is error.__class__
    assert (str(arrived), arrived.args, arrived.__dict__) == (str(error), error.args, error.__dict__)
