# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a restore says of itself: counts, sentences, and what it will cost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Finding, FindingKind, finding_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limits import Budget, drive_budget
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.windows import SlidingWindow
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.estimate import Estimate, base64_size
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.results import Restored, RestoreResult, SourceRestore
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.sentences import failure_sentence, restore_sentence


def result(*outcomes: Restored, source: str = "mail") -> RestoreResult:
    made = RestoreResult("3bd1f5d3", "2026-11-22T22:30:07+00:00", "anna@x.example", "Restored")
    for outcome in outcomes:
        made.of(source).add(("Inbox",), 1024, outcome)
    return made


def test_totals_are_those_of_all_sources_and_only_what_was_written_counts_as_bytes() -> None:
    made = result(Restored.WRITTEN, Restored.COPIED, Restored.SKIPPED, Restored.UNCHANGED)
    made.of("contacts").add(("Inbox",), 1, Restored.WRITTEN)
    told = made.as_dict()
    assert {name: told[name] for name in ("restored", "copied", "replaced", "kept", "unchanged", "restored_bytes")} == {
        "restored": 2,
        "copied": 1,
        "replaced": 0,
        "kept": 1,
        "unchanged": 1,
        "restored_bytes": 2049,
    }
    assert told["folders"] == {"Inbox": 3}
    assert {name: part["restored"] for name, part in told["sources"].items()} == {"mail": 1, "contacts": 1}


@pytest.mark.parametrize(
    ("made", "is_check", "sentence"),
    [
        (result(Restored.WRITTEN), False, "1 message (1.0 KiB) of anna@x.example restored into Restored."),
        (result(Restored.WRITTEN, source="calendar"), True, "1 event (1.0 KiB) of anna@x.example would be restored into Restored."),
        (
            result(Restored.WRITTEN, Restored.UNCHANGED),
            False,
            "1 message (1.0 KiB) of anna@x.example restored into Restored. 1 message was there already.",
        ),
        (
            result(Restored.SKIPPED, Restored.SKIPPED),
            False,
            "0 messages (0 bytes) of anna@x.example restored into Restored. 2 messages were left as the mailbox has them.",
        ),
        (
            result(Restored.REPLACED),
            False,
            "1 message (1.0 KiB) of anna@x.example restored into Restored. 1 message was put in the place of what the mailbox had.",
        ),
    ],
)
def test_what_a_restore_did_is_one_sentence(made: RestoreResult, is_check: bool, sentence: str) -> None:
    assert restore_sentence(made, is_check=is_check) == sentence


def test_the_sentence_of_a_check_says_how_long_the_service_makes_it_take() -> None:
    made = result(Restored.WRITTEN)
    made.of("mail").estimate = Estimate(1, 1_000_000_000, 12)
    assert restore_sentence(made, is_check=True).endswith(
        "That takes 12 requests and 953.7 MiB of uploads at least, for which the service needs 30 minutes or more."
    )
    assert "minutes" not in restore_sentence(made, is_check=False)


def test_the_sentence_of_a_check_of_a_drive_counts_resource_units() -> None:
    made = result(Restored.WRITTEN, Restored.SKIPPED, source="onedrive")
    made.of("onedrive").estimate = Estimate(1, 1024, 600, 2500, budget=drive_budget())
    made.of("onedrive").rename("a:b", "a_b~12345678", "Why.")
    assert restore_sentence(made, is_check=True).endswith(
        "1 file was left as the OneDrive has them. 1 path is another one than it was. That takes 600 requests that cost 2,500 resource"
        " units and 1.0 KiB of uploads at least, for which the service needs 2 minutes or more."
    )


@pytest.mark.parametrize(
    ("estimate", "minutes"),
    [
        (Estimate(resource_units=1250), 0),
        (Estimate(resource_units=12_500), 10),
        (Estimate(resource_units=1_200_001), 1440),
        (Estimate(upload_bytes=800_000_000_001, resource_units=1), 120),
        (Estimate(resource_units=10, sharings=301), 6),
    ],
)
def test_a_restore_into_a_drive_is_held_up_by_the_scarcest_of_its_limits(estimate: Estimate, minutes: int) -> None:
    assert (Estimate(budget=drive_budget()) + estimate).minutes == minutes


def test_a_failure_names_the_first_item_or_the_source_that_stopped() -> None:
    made = result(Restored.WRITTEN)
    made.of("mail").findings.append(finding_of(BackupError("No.", hint="Ask."), "message x"))
    assert failure_sentence(made) == (
        "1 message of anna@x.example could not be restored into Restored; 1 was restored. The first one, message x: No. Ask."
    )
    refused = Finding(kind=FindingKind.SKIPPED, object="message y", reason="Infected.", code="infected")
    made.of("mail").findings.insert(0, refused)
    made.of("mail").refused = 1
    assert failure_sentence(made) == (
        "1 message of anna@x.example could not be restored into Restored, and 1 was not because it is infected; 1 was restored."
        " The first one, message x: No. Ask."
    )
    assert made.of("mail").failures == 1
    made.of("calendar").stop(BackupError("Denied."))
    assert failure_sentence(made) == "The calendars of anna@x.example could not be restored into Restored: Denied."


@given(uploads=st.lists(st.integers(1, 40_000_000), max_size=40))
def test_no_restore_ends_before_the_estimate_says_so(uploads: list[int]) -> None:
    budget = Budget()
    window = SlidingWindow(budget.upload_bytes or 0, budget.upload_window)
    now = 0.0
    for size in uploads:
        while (delay := window.delay(now, size)) > 0:
            now += delay
        window.add(now, size)
    estimate = Estimate(len(uploads), sum(uploads), len(uploads))
    assert (estimate.minutes - 1) * 60 <= now or estimate.minutes == 0


@given(size=st.integers(0, 10**9))
def test_base64_counts_four_bytes_for_three(size: int) -> None:
    assert size * 4 / 3 <= base64_size(size) < size * 4 / 3 + 4


def test_of_very_many_folders_a_result_names_those_with_the_most_items() -> None:
    part = SourceRestore("onedrive", "/srv/out")
    for number in range(2000):
        for _item in range(1 + (number == 1234)):
            part.add((f"folder {number:04}",), 1, Restored.WRITTEN)
    folders = part.as_dict()["folders"]
    assert (len(folders), folders["folder 1234"], list(folders) == sorted(folders)) == (500, 2, True)


def test_folders_alone_are_a_change() -> None:
    made = RestoreResult(snapshot_id="5" * 64, snapshot_time="t", member="anna", target="/srv/out")
    assert not made.is_changed
    made.of("onedrive").new_folders = 2
    assert made.is_changed
    assert made.as_dict()["new_folders"] == 2
