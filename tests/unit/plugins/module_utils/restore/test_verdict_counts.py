# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many items of each member the malware scan has found infected."""

from __future__ import annotations

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.coverage import PlanCoverage, read_coverage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter import ItemFilter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_verdicts import key_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import MAIL
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.protection import Problem, SourceCoverage, with_verdicts
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.verdict_heads import verdict_heads
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.verdict_log import VerdictLog
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.verdict_store import VerdictStore
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.choice import choose, chosen_items
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.snapshot_choice import choose_snapshot
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.verdict_counts import count_verdicts
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.verdict import VerdictKind
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.groups import Group, mailbox, member
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.restore.said import verdict

NOTHING = {"infected": 0, "unscanned": 0, "unscannable": 0, "not_scanned": 0, "clean": 0}


def judge(repository: Repository, **kinds: VerdictKind) -> None:
    """Put down verdicts of Anna's messages, by their subjects, as a scan does it."""
    choice = choose(repository, choose_snapshot(repository, "sales", "latest"), "anna", MAIL, None)
    nodes = {item.record["subject"]: item.node for item in chosen_items(repository, choice, ItemFilter(), [])}
    heads = verdict_heads(repository.snapshots())
    with repository.writing(hostname="backup1") as writer:
        now = repository.clock.now()
        with VerdictLog(VerdictStore(repository, heads, now=now, warn=print), "sales") as log:
            for subject, kind in kinds.items():
                log.add(key_of(nodes[subject]), verdict(kind, time=now.isoformat(timespec="seconds")))
            log.save(writer, now)


def cover_of(repository: Repository, group: Group) -> PlanCoverage:
    return read_coverage(repository, group.plan, now=group.moment, max_age=None)


def test_items_are_counted_by_what_counts_for_them_now() -> None:
    group = Group()
    group.run([member("anna"), member("bob")], anna=mailbox("bad", "good", "locked", "unknown"), bob=mailbox("m1"))
    repository = group.place.reopen()
    assert count_verdicts(repository, cover_of(repository, group), repository, pytest.fail) == {
        ("anna", MAIL): {**NOTHING, "not_scanned": 4},
        ("bob", MAIL): {**NOTHING, "not_scanned": 1},
    }
    judge(repository, bad=VerdictKind.INFECTED, good=VerdictKind.CLEAN, locked=VerdictKind.UNSCANNABLE)
    repository = group.place.reopen()
    counts = count_verdicts(repository, cover_of(repository, group), repository, pytest.fail)
    assert counts["anna", MAIL] == {"infected": 1, "unscanned": 0, "unscannable": 1, "not_scanned": 1, "clean": 1}
    assert counts["bob", MAIL] == {**NOTHING, "not_scanned": 1}


def test_where_there_is_no_restore_point_there_is_nothing_to_count() -> None:
    group = Group()
    repository = group.place.reopen()
    assert count_verdicts(repository, cover_of(repository, group), repository, pytest.fail) == {}


def test_what_is_infected_is_a_problem_that_takes_no_protection_away() -> None:
    source = SourceCoverage(source=MAIL, status=None, last_good=None, availability="", problems=(Problem.ABSENT, Problem.STALE))
    found = with_verdicts(source, {"infected": 1})
    assert (found.problems, found.is_protected) == ((Problem.STALE, Problem.INFECTED, Problem.ABSENT), True)
    assert with_verdicts(source, {"infected": 0, "clean": 3}).problems == (Problem.STALE, Problem.ABSENT)
