# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the plan to an engine, and what a run says of it."""

from __future__ import annotations

import contextlib
import dataclasses
import pickle
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Outcome, RunResult
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.scan_results import Flagged, RunScanned, ScanCounts
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.scan_sentences import refused_sentence, scan_warnings
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.scan_setup import ScanSetup, opened_engine, scan_setup
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.sentences import failure_sentence, run_sentence
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.bodies import Body
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.document import plan_from_dict
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.scanner import ScannerDown
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.verdict import Engine
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import NOON

ENGINE = Engine(name="clamav", version="1.4.6", database="1.4.6/27801")


def setup_of(**scan: t.Any) -> ScanSetup | None:
    declared = {"title": "Sales", "groups": ["Sales"], "backup_type": "mailbox", "repository": "/srv/backup"}
    return scan_setup(plan_from_dict({**declared, "malware_scan": scan}))


def flagged(name: str, verdict: str, **more: t.Any) -> Flagged:
    return Flagged(member="anna@x.example", source="mail", folder="Inbox", name=name, mark={"verdict": verdict, **more})


def run(counts: ScanCounts, *items: Flagged, refused: tuple[Flagged, ...] = ()) -> RunResult:
    return RunResult(
        run_id="run-1",
        plan="sales",
        started=NOON,
        ended=NOON,
        outcome=Outcome.PARTIAL if counts.unscanned else Outcome.COMPLETE,
        snapshot_id="0" * 64,
        is_changed=True,
        members=(),
        stored_bytes=0,
        requests=0,
        throttled_seconds=0.0,
        scan=RunScanned(engine=ENGINE, counts=counts, flagged=items),
        refused=refused,
    )


def test_a_run_that_scans_nothing_imports_no_engine() -> None:
    package = "ansible_collections.tenantvault.m365_backup.plugins.module_utils"
    program = (
        f"import sys, {package}.backup.run; print([name for name in sys.modules if 'clamd' in name or 'yara' in name or 'boreal' in name])"
    )
    environment = {"PYTHONPATH": ":".join(sys.path)}
    assert subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True).stdout == "[]\n"


def test_what_a_plan_declares_reaches_the_engine_and_every_process_has_its_share_of_the_cores() -> None:
    assert setup_of(enabled=False) is None
    setup = setup_of(engine="yara", rules=["/etc/rules/"], size_limit_mb=3, on_scanner_down="backup_unscanned")
    assert setup is not None
    settings = setup.settings
    assert (settings.engine, settings.rules, settings.size_limit, setup.rules.size_limit) == ("yara", ("/etc/rules",), 3 << 20, 3 << 20)
    assert (setup.rules.plan, setup.rules.keeps_unscanned) == ("sales", True)
    eight = dataclasses.replace(setup, settings=dataclasses.replace(settings, at_once=8))
    assert [eight.shared_by(processes).settings.at_once for processes in (1, 3, 8, 20)] == [8, 2, 1, 1]
    assert pickle.loads(pickle.dumps(setup)) == setup


@pytest.mark.parametrize(
    ("on_scanner_down", "may_be_down", "opens"), [("fail", None, False), ("backup_unscanned", None, True), ("fail", True, True)]
)
def test_an_engine_that_does_not_answer_is_an_error_or_never_says_anything(
    tmp_path: Path, on_scanner_down: str, may_be_down: bool | None, opens: bool
) -> None:
    setup = setup_of(engine="clamav", socket=str(tmp_path / "clamd.ctl"), on_scanner_down=on_scanner_down)
    assert setup is not None
    setup = dataclasses.replace(setup, settings=dataclasses.replace(setup.settings, patience=0.01))
    with contextlib.ExitStack() as stack:
        opening = opened_engine(setup, lambda: NOON, may_be_down=may_be_down)
        if not opens:
            with pytest.raises(ScannerDown):
                stack.enter_context(opening)
            return
        scanner = stack.enter_context(opening)
        with pytest.raises(ScannerDown):
            scanner.scan(Body(b"x", None, 1))


def test_a_run_says_how_much_was_scanned_and_who_has_to_look_at_what() -> None:
    bad = [flagged(f"Invoice {number}", "infected", names=["Win.Test.EICAR_HDB-1"]) for number in range(7)]
    locked = flagged("Offer", "unscannable", reason="an encrypted zip")
    result = run(ScanCounts(scanned=9, known=1, clean=2, infected=7, unscannable=1), *bad, locked, refused=tuple(bad))
    assert run_sentence(result, is_check=False).endswith(
        "Malware scan of 10 contents (1 of them known): 7 infected, 1 not scannable, 2 clean."
    )
    assert result.scan is not None
    infected, unscannable = scan_warnings(result.scan)
    first = "mail of anna@x.example, Inbox/Invoice 0 (Win.Test.EICAR_HDB-1)"
    assert infected.startswith(f"The malware scan found 7 contents infected: {first}; ")
    assert "and 2 more. All of it is stored and marked" in infected
    assert unscannable == (
        "The malware scan could not look into 1 content: mail of anna@x.example, Inbox/Offer (an encrypted zip)."
        " All of it is stored, and marked."
    )
    assert f"fails because the plan says so of infected contents: {first}; " in refused_sentence(result)


def test_a_run_is_not_complete_while_earlier_contents_wait_for_the_scanner() -> None:
    waiting = flagged("Offer", "unscanned", reason="clamd at /run/clamd does not answer.")
    sentence = failure_sentence(run(ScanCounts(unscanned=12), waiting))
    assert "ended partial: 12 contents that an earlier run stored without a malware scan could not be scanned yet." in sentence
    assert "clamd at /run/clamd does not answer." in sentence


def test_a_run_that_looked_at_nothing_says_nothing_of_it() -> None:
    quiet = run(ScanCounts())
    assert "scan" not in run_sentence(quiet, is_check=False)
    assert quiet.scan is not None
    assert list(scan_warnings(quiet.scan)) == []
