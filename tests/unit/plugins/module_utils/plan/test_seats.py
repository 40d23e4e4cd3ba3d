# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One seat a user, whatever number of plans."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import MailboxKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.roster import KnownMember
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.seats import (
    FREE_KINDS,
    SeatHolder,
    resolved_holders,
    seat_ledger,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.selection import Member

KINDS = (None, *MailboxKind)
holders = st.builds(
    lambda user, plan, kind, has_left: SeatHolder(id=user, principal_name=f"{user}@x", plan=plan, kind=kind, has_left=has_left),
    st.sampled_from("abcdefgh"),
    st.sampled_from(["files", "mail", "more"]),
    st.sampled_from(KINDS),
    st.booleans(),
)


def holder(user: str, plan: str, kind: MailboxKind | None = None, *, has_left: bool = False) -> SeatHolder:
    return SeatHolder(id=user, principal_name=f"{user}@x.example", plan=plan, kind=kind, has_left=has_left)


@given(st.lists(holders, max_size=30))
def test_everybody_counts_once_and_as_one_thing(given_holders: list[SeatHolder]) -> None:
    ledger = seat_ledger(given_holders)
    active = {one.id for one in given_holders if not one.has_left}
    assert ledger.used + ledger.free == len(active)
    assert ledger.leavers == len({one.id for one in given_holders} - active)
    assert ledger.used >= len(active - {one.id for one in given_holders if one.kind in FREE_KINDS})


@given(st.lists(holders, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_plans_and_naming_somebody_twice_does_not_matter(given_holders: list[SeatHolder], chance: random.Random) -> None:
    shuffled = [*given_holders, *given_holders]
    chance.shuffle(shuffled)
    assert seat_ledger(shuffled).as_dict() == seat_ledger(given_holders).as_dict()


def test_a_shared_mailbox_is_free_also_for_the_plan_of_files_that_does_not_know_its_kind() -> None:
    ledger = seat_ledger([holder("info", "files"), holder("info", "mail", MailboxKind.SHARED), holder("anna", "mail", MailboxKind.USER)])
    assert (ledger.used, ledger.free, ledger.as_dict()["free_by_kind"]) == (1, 1, {"shared": 1})


def test_a_mailbox_of_unknown_kind_takes_a_seat() -> None:
    assert seat_ledger([holder("anna", "mail")]).used == 1


def test_who_has_left_one_plan_and_not_the_other_keeps_the_seat() -> None:
    ledger = seat_ledger([holder("anna", "mail", has_left=True), holder("anna", "files"), holder("bob", "mail", has_left=True)])
    assert (ledger.used, ledger.leavers) == (1, 1)
    assert {plan: row["leavers"] for plan, row in ledger.as_dict()["plans"].items()} == {"mail": 2, "files": 0}


def test_the_table_counts_in_its_last_line_everybody_once() -> None:
    mail = [holder(user, "mail", MailboxKind.USER) for user in ("anna", "bob")]
    files = [holder(user, "files") for user in ("anna", "bob", "carol")]
    left = [holder("dave", "mail", has_left=True)]
    assert seat_ledger([*mail, *files, *left]).as_dict()["table"] == [
        "plan       seats  in several plans  free mailboxes  leavers",
        "files          3                 2               0        0",
        "mail           2                 2               0        1",
        "all plans      3                 2               0        1",
    ]


def test_a_plan_that_is_being_applied_counts_its_members_and_those_who_leave() -> None:
    anna = Member(id=UserId("1"), principal_name="anna@x", display_name="Anna", mail=None, via=(), kind=MailboxKind.ROOM)
    bob = KnownMember(id="2", principal_name="bob@x", display_name="Bob")
    ledger = seat_ledger(resolved_holders("mail", [anna], [bob]))
    assert (ledger.used, ledger.free, ledger.leavers) == (0, 1, 1)
