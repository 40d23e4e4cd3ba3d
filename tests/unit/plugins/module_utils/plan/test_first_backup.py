# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an administrator hears of the first backup before it begins."""

from __future__ import annotations

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.drive_estimate import drive_estimate
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limits import Budget, drive_budget
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.mailbox_estimate import mailbox_estimate
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.mailbox_usage import MailboxUsage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.first_backup import first_backup_sentence

UNLIMITED = Budget(requests=None, upload_bytes=None)


@pytest.mark.parametrize(
    ("files", "text"),
    [(1, "1 file, 1 bytes"), (1_250, "2 minutes"), (120_000, "100 minutes"), (300_000, "5 hours"), (9_000_000, "8 days")],
)
def test_a_duration_is_in_units_that_one_can_imagine(files: int, text: str) -> None:
    assert text in first_backup_sentence(drive_estimate(files, 1, drive_budget(), is_listed=True))


def test_without_limits_only_the_amount_is_said() -> None:
    assert first_backup_sentence(drive_estimate(2_000, 3 << 20, UNLIMITED)) == "2,000 files, 3.0 MiB have to be read."
    assert (
        first_backup_sentence(mailbox_estimate(MailboxUsage(2, 2_000, 3 << 20, 1_500), UNLIMITED))
        == "2,000 items of 2 mailboxes, 3.0 MiB, have to be read."
    )


def test_archives_are_told_of_where_the_plan_reads_them() -> None:
    usage = MailboxUsage(1, 100_000, 3 << 30, 100_000, archives=1)
    without = first_backup_sentence(mailbox_estimate(usage, Budget()))
    assert without == ("100,000 items of 1 mailbox, 3.0 GiB, have to be read, for which Microsoft's limits allow no less than 101 minutes.")
    assert first_backup_sentence(mailbox_estimate(usage, Budget(), with_archives=True)) == without + " Besides, 1 archive of unknown size."
