# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that scans with YARA rules, in its worker processes and without a daemon."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Outcome
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.scanner import ScannerUnusable
from ansible_collections.tenantvault.m365_backup.tests.integration import infected
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup
from ansible_collections.tenantvault.m365_backup.tests.integration.scanned_contents import marks, records, verdicts
from tenant.harness import RunningTenant

pytest.importorskip("boreal", reason="boreal-python has no wheel for Python 3.10")

ALICE, BOB = "alice@contoso.com", "bob@contoso.com"
CLEAN = 10
RULE = 'rule Of_Ours {{ strings: $text = "{}" condition: $text }}'


@pytest.fixture
def control(tenant: RunningTenant) -> t.Any:
    tenant.control.reset()
    for user in (ALICE, BOB):
        tenant.control.add_user(user)
        tenant.control.deliver_generated(user, CLEAN, folder="inbox", size_limit=20_000, first=1_000 * len(user))
    return tenant.control


def test_rules_find_in_workers_what_comes_packed_in_mail_and_other_rules_are_another_database(
    tenant: RunningTenant, control: t.Any, tmp_path: Path
) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "own.yar").write_text(RULE.format("nothing of it"), encoding="utf-8")
    mails = [mime.replace(b"Subject: ", b"Subject: %d " % number) for number, mime in enumerate(infected.mails().values())]
    control.deliver_many(ALICE, "inbox", mails)
    scan = {"engine": "yara", "rules": [str(rules)]}
    backup = Backup(tenant=tenant, folder=tmp_path, users=(ALICE, BOB), malware_scan=scan)
    result = backup.run(workers=2)
    assert result.scan is not None
    assert (result.outcome, result.scan.engine.name) == (Outcome.COMPLETE, "yara")
    counts = result.scan.counts
    assert (counts.infected, counts.clean, counts.unscannable, counts.unscanned) == (len(mails), 2 * CLEAN, 0, 0)
    assert set(marks(records(backup, ALICE, "mail")).values()) == {"infected"}
    assert {name for one in result.scan.flagged for name in one.mark["names"]} == {"EICAR_Test_File"}
    assert all(verdict is not None and verdict.database == result.scan.engine.database for verdict in verdicts(backup).values())

    # The same contents come by again: known to these rules, and not to others.
    harmless = next(message for message in control.messages(ALICE, "inbox") if message["subject"].startswith("0 "))
    control.deliver(BOB, "inbox", control.mime(ALICE, harmless["id"]))
    again = backup.run(workers=2)
    assert again.scan is not None
    assert (again.scan.counts.scanned, again.scan.counts.known, again.scan.counts.infected) == (0, 1, 1)
    (rules / "own.yar").write_text(RULE.format("word of today"), encoding="utf-8")
    control.deliver(BOB, "inbox", control.mime(ALICE, harmless["id"]))
    control.deliver(BOB, "inbox", b"Subject: of today\r\n\r\nThe word of today.\r\n")
    third = backup.run(workers=2)
    assert third.scan is not None
    assert (third.scan.counts.scanned, third.scan.counts.known, third.scan.counts.infected) == (2, 0, 2)
    assert {name for one in third.scan.flagged for name in one.mark["names"]} == {"EICAR_Test_File", "Of_Ours"}


def test_a_rule_that_is_not_valid_stops_the_run_before_anything_is_read(tenant: RunningTenant, control: t.Any, tmp_path: Path) -> None:
    (tmp_path / "broken.yar").write_text("rule Broken {\n condition: nothing }", encoding="utf-8")
    backup = Backup(
        tenant=tenant, folder=tmp_path, users=(ALICE,), malware_scan={"engine": "yara", "rules": [str(tmp_path / "broken.yar")]}
    )
    before = control.stats()["requests"]
    with pytest.raises(ScannerUnusable, match=r"broken\.yar, line 2"):
        backup.run()
    assert control.stats()["requests"] == before
