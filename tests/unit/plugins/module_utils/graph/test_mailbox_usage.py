# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much is in mailboxes, by a report that may be missing, concealed or of other columns, and what it costs to read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.plugins.module_utils.graph.fakes import Answer, Scene, refusal

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limits import Budget
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.mailbox_estimate import mailbox_estimate
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.mailbox_usage import MailboxUsage, mailbox_usage

LINK = Answer(302, b"", headers={"Location": "https://reports.office.com/data/download/secret"})
COLUMNS = (
    "Report Refresh Date,User Principal Name,Is Deleted,Item Count,Storage Used (Byte),"
    "Deleted Item Count,Deleted Item Size (Byte),Has Archive,Recipient Type,Report Period"
)
ROWS = (
    "2026-11-20,Anna@contoso.com,False,1200,500000,30,9000,True,User,7",
    "2026-11-20,berta@contoso.com,True,900,900,1,1,False,User,7",
    "2026-11-20,carla@contoso.com,False,,,,,False,Shared,7",
    "2026-11-20,dora@contoso.com,False,7,70,0,0,Yes,User,7",
    "2026-11-20,eva@contoso.com,False,99,99,99,99,False,User,7",
)
OWNERS = ("anna@contoso.com", "BERTA@contoso.com", "carla@contoso.com", "dora@contoso.com")


def report(*rows: str, columns: str = COLUMNS) -> Answer:
    return Answer(200, "\r\n".join(["\ufeff" + columns, *rows]).encode())


def test_the_mailboxes_of_the_members_are_added_up_for_two_requests() -> None:
    scene = Scene(LINK, report(*ROWS))
    assert mailbox_usage(scene.client, OWNERS) == MailboxUsage(3, 1207, 500_070, 1200, archives=2)
    assert [request.target for request in scene.sender.requests] == [
        "/v1.0/reports/getMailboxUsageDetail(period='D7')",
        "/data/download/secret",
    ]


def test_recoverable_items_count_where_they_are_backed_up() -> None:
    found = mailbox_usage(Scene(LINK, report(*ROWS)).client, OWNERS, recoverable_items=True)
    assert found == MailboxUsage(3, 1237, 509_070, 1230, archives=2)


@pytest.mark.parametrize(
    "script",
    [
        (refusal(403, "S2SUnauthorized", "Invalid permission."),),
        (LINK, report("2026-11-20,9F86D081884C7D659A2FEAA0C55AD015,False,120,5000,0,0,False,User,7")),
        (LINK, report("a,b", columns="One,Other")),
    ],
    ids=["forbidden", "concealed", "other columns"],
)
def test_an_estimate_is_worth_no_failure(script: tuple[Answer, ...]) -> None:
    assert mailbox_usage(Scene(*script).client, OWNERS) is None


def test_the_ten_minutes_of_the_largest_mailbox_bound_a_first_backup() -> None:
    estimate = mailbox_estimate(MailboxUsage(3, 150_000, 1 << 30, 100_000, archives=1), Budget(), with_archives=True)
    assert estimate.as_dict() == {
        "mailboxes": 3,
        "item_count": 150_000,
        "bytes": 1 << 30,
        "requests": 150_000 + 300 + 3 * 45,
        "archives": 1,
        "minutes_at_least": 101,
    }


def test_a_small_mailbox_is_bound_by_four_answers_at_a_time() -> None:
    estimate = mailbox_estimate(MailboxUsage(1, 4_747, 1, 4_747), Budget())
    assert estimate.requests == 4_802
    assert estimate.seconds == pytest.approx(4_802 * 0.1 / 4)


def test_of_nothing_nothing_is_expected() -> None:
    assert mailbox_estimate(MailboxUsage(), Budget()).as_dict()["minutes_at_least"] == 0


@given(st.lists(st.integers(0, 300_000), min_size=1, max_size=5), st.integers(0, 300_000))
def test_another_mailbox_never_makes_it_quicker(sizes: list[int], more: int) -> None:
    few = sum((MailboxUsage(1, items, items, items) for items in sizes), MailboxUsage())
    one, both = mailbox_estimate(few, Budget()), mailbox_estimate(few + MailboxUsage(1, more, more, more), Budget())
    assert one.seconds is not None
    assert both.seconds is not None
    assert one.requests <= both.requests
    assert one.seconds <= both.seconds
