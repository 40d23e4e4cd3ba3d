# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks about keys on a real repository in a folder, whose key files are quick to open."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError, InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.document import plan_from_dict
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.key_management import (
    KeyTask,
    RecoveryState,
    keys_result,
    manage_keys,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.recovery_file import Handout, store_recovery_key
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.recovery_key import canonical_recovery_key, generate_recovery_key
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.repository_access import open_plan_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.store import StoredPlan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import WrongPassphrase
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.keys import KdfParameters
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import create_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage

OLD = "an old and weak one that a policy of today would refuse"
NEW = "seven zebras quietly paint the harbour at noon, unseen"
RECOVERY = generate_recovery_key(os.urandom)
WEAK = "password" * 6
CHEAP = KdfParameters(n=2)

Result = dict[str, t.Any]


class Place:
    """A plan with a repository that opens with OLD and RECOVERY."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "recovery-key"
        self.folder = folder / "repository"
        self.plan = plan_from_dict({"title": "Sales", "users": ["a"], "backup_type": "mailbox", "repository": str(self.folder)})
        create_repository(LocalStorage(self.folder), OLD, recovery_passphrase=RECOVERY, kdf=CHEAP)

    def opens(self, secret: str) -> bool:
        try:
            return bool(open_plan_repository(StoredPlan(plan=self.plan), secret).id)
        except WrongPassphrase:
            return False

    def do(self, *, check_mode: bool = False, **asked: t.Any) -> Result:
        task = KeyTask(**{"passphrase": OLD, **asked})
        outcome = manage_keys(
            self.plan, task, lambda secret: open_plan_repository(StoredPlan(plan=self.plan), secret), check_mode=check_mode, kdf=CHEAP
        )
        return {**keys_result(outcome, self.plan, check_mode=check_mode, diff=True), "warnings": list(outcome.warnings)}

    def contents(self) -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in self.folder.parent.rglob("*") if path.is_file()}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def proofs(result: Result) -> list[tuple[str, list[str]]]:
    return sorted((key["role"], key["opened_by"]) for key in result["key_files"])


def test_a_list_says_which_secret_was_proven_to_open_which_key(place: Place) -> None:
    before = place.contents()
    assert proofs(place.do()) == [("passphrase", ["passphrase"]), ("recovery", [])]
    proven = place.do(recovery_key=RECOVERY.lower())
    assert proofs(proven) == [("passphrase", ["passphrase"]), ("recovery", ["recovery_key"])]
    assert proofs(place.do(passphrase=RECOVERY)) == [("passphrase", []), ("recovery", ["passphrase"])]
    assert not proven["changed"]
    assert proven["msg"] == "The repository of plan sales opens with 1 passphrase and 1 recovery key."
    assert place.contents() == before


def test_a_recovery_key_that_opens_nothing_fails_the_proof(place: Place) -> None:
    with pytest.raises(WrongPassphrase, match="The recovery key opens no key"):
        place.do(recovery_key=generate_recovery_key(os.urandom))
    mistyped = RECOVERY[:-1] + ("0" if RECOVERY[-1] != "0" else "1")
    with pytest.raises(InputError, match="mistyped") as raised:
        place.do(recovery_key=mistyped)
    assert mistyped not in str(raised.value)
    with pytest.raises(WrongPassphrase, match="looks like a recovery key"):
        place.do(passphrase=mistyped)


@pytest.mark.parametrize(
    "asked",
    [
        {"new_passphrase": NEW},
        {"new_passphrase": NEW, "rotate": True},
        {"recovery_state": RecoveryState.ABSENT},
        {"recovery_state": RecoveryState.RENEWED, "recovery_key": generate_recovery_key(os.urandom)},
        {"passphrase": RECOVERY, "new_passphrase": NEW, "rotate": True},
    ],
)
def test_inv09_check_mode_says_what_the_task_does_and_the_second_one_changes_nothing(place: Place, asked: Result) -> None:
    before = place.contents()
    preview = place.do(check_mode=True, **asked)
    assert place.contents() == before
    real = place.do(**asked)
    for fact in ("changed", "added", "removed", "diff"):
        assert preview[fact] == real[fact], fact
    assert real["changed"]
    again = place.do(**asked)
    assert not again["changed"]
    assert again["diff"]["before"] == again["diff"]["after"]


def test_a_rotation_that_was_done_before_is_seen_with_the_old_passphrase_too(place: Place) -> None:
    place.do(new_passphrase=NEW, rotate=True)
    assert (place.opens(OLD), place.opens(NEW), place.opens(RECOVERY)) == (False, True, True)
    again = place.do(new_passphrase=NEW, rotate=True)
    assert not again["changed"]
    assert proofs(again) == [("passphrase", ["new_passphrase"]), ("recovery", [])]
    with pytest.raises(WrongPassphrase):
        place.do(new_passphrase=NEW)


def test_a_new_passphrase_must_be_fit_and_one_that_is_there_is_not_judged(place: Place) -> None:
    for weak, reason in ((WEAK, "can be guessed"), ("short", "has 5 characters")):
        with pytest.raises(InputError, match=reason) as raised:
            place.do(new_passphrase=weak, rotate=True)
        assert weak not in str(raised.value)
    assert place.opens(OLD)
    weakly = open_plan_repository(StoredPlan(plan=place.plan), OLD)
    weakly.add_key(WEAK, kdf=CHEAP)
    assert place.do(passphrase=WEAK, new_passphrase=WEAK, rotate=True)["changed"]
    assert not place.opens(OLD)


def test_a_generated_recovery_key_goes_into_its_file_and_then_counts_alone(place: Place) -> None:
    asked: Result = {"recovery_state": RecoveryState.RENEWED, "handout": Handout(file=place.file)}
    preview = place.do(check_mode=True, **asked)
    assert not place.file.exists()
    result = place.do(**asked)
    assert preview["recovery_key_file"] == result["recovery_key_file"] == str(place.file)
    assert "recovery_key" not in result
    key = canonical_recovery_key(place.file.read_text()) or ""
    assert key not in str(result)
    assert (place.opens(key), place.opens(RECOVERY), place.opens(OLD)) == (True, False, True)
    again = place.do(**asked)
    assert not again["changed"]
    assert any("was not renewed" in warning for warning in again["warnings"])
    rotated = place.do(**asked, new_passphrase=NEW, rotate=True)
    assert (rotated["added"], len(rotated["warnings"])) == (["passphrase"], 1)


def test_a_renewal_that_was_interrupted_after_its_file_is_finished_with_that_key(place: Place) -> None:
    key = store_recovery_key(place.file, generate_recovery_key(os.urandom))
    asked: Result = {"recovery_state": RecoveryState.RENEWED, "handout": Handout(file=place.file)}
    assert place.do(**asked)["changed"]
    assert (place.opens(key), place.opens(RECOVERY)) == (True, False)


def test_a_generated_recovery_key_is_returned_only_where_that_is_asked_for_and_not_in_check_mode(place: Place) -> None:
    asked: Result = {"recovery_state": RecoveryState.RENEWED, "handout": Handout(is_returned=True)}
    assert "recovery_key" not in place.do(check_mode=True, **asked)
    key = place.do(**asked)["recovery_key"]
    assert place.opens(key)
    with pytest.raises(InputError, match="does not say where it goes"):
        place.do(recovery_state=RecoveryState.RENEWED)


def test_a_recovery_key_that_is_there_suffices_and_a_missing_one_is_made(place: Place) -> None:
    present: Result = {"recovery_state": RecoveryState.PRESENT, "handout": Handout(file=place.file)}
    assert not place.do(**present)["changed"]
    assert not place.file.exists()
    place.do(recovery_state=RecoveryState.ABSENT)
    assert not place.opens(RECOVERY)
    assert place.do(**present)["added"] == ["recovery"]
    assert place.opens(canonical_recovery_key(place.file.read_text()) or "")
    assert not place.do(**present)["changed"]


def test_a_file_that_cannot_be_made_stops_the_task_before_it_changes_anything(place: Place) -> None:
    before = place.contents()
    nowhere = Handout(file=place.file / "below" / "nothing")
    for check_mode in (True, False):
        with pytest.raises(InputError, match="recovery key"):
            place.do(check_mode=check_mode, new_passphrase=NEW, recovery_state=RecoveryState.RENEWED, handout=nowhere)
    assert place.contents() == before


def test_the_key_in_use_is_removed_only_when_a_new_one_takes_its_place(place: Place) -> None:
    (current,) = (key["id"] for key in place.do()["key_files"] if key["opened_by"])
    with pytest.raises(InputError, match="known to open the repository would be removed"):
        place.do(remove_keys=(current,))
    assert place.do(remove_keys=(current[:10],), new_passphrase=NEW)["removed"][0]["id"] == current
    assert (place.opens(OLD), place.opens(NEW)) == (False, True)


def test_a_passphrase_gives_way_to_no_recovery_key_that_nobody_has_seen_yet(place: Place) -> None:
    (current,) = (key["id"] for key in place.do()["key_files"] if key["opened_by"])
    before = place.contents()
    with pytest.raises(InputError, match="known to open the repository would be removed"):
        place.do(remove_keys=(current,), recovery_state=RecoveryState.RENEWED, handout=Handout(is_returned=True))
    assert place.contents() == before


@pytest.mark.parametrize("others", [{}, {"passphrase": RECOVERY}, {"recovery_state": RecoveryState.PRESENT, "recovery_key": RECOVERY}])
def test_a_rotation_to_no_passphrase_at_all_is_refused(place: Place, others: Result) -> None:
    before = place.contents()
    with pytest.raises(InputError, match="new passphrase is empty"):
        place.do(rotate=True, **others)
    assert place.contents() == before


def test_the_keys_of_a_plan_without_encryption_stay_as_they_are(place: Place) -> None:
    declared = {"title": "Open", "users": ["a"], "backup_type": "mailbox", "repository": str(place.folder)}
    place.plan = plan_from_dict({**declared, "encryption": {"enabled": False}})
    for asked in ({"new_passphrase": NEW}, {"remove_keys": ("ab",)}, {"recovery_state": RecoveryState.PRESENT}):
        with pytest.raises(InputError, match="is not encrypted"):
            place.do(**asked)
    assert not place.do()["changed"]


def test_a_damaged_key_file_is_a_warning(place: Place) -> None:
    damaged = place.folder / "keys" / ("0" * 64)
    damaged.write_bytes(b"{}")
    (warning,) = place.do()["warnings"]
    assert damaged.name in warning
    assert place.do(new_passphrase=NEW, rotate=True)["changed"]
    assert damaged.exists()


def test_secrets_are_in_no_representation_of_a_task_or_its_outcome(place: Place) -> None:
    task = KeyTask(passphrase=OLD, new_passphrase=NEW, recovery_key=RECOVERY, recovery_state=RecoveryState.RENEWED)
    shown = repr(task)
    outcome = manage_keys(place.plan, task, lambda secret: open_plan_repository(StoredPlan(plan=place.plan), secret), check_mode=True)
    for secret in (OLD, NEW, RECOVERY):
        assert secret not in shown + repr(outcome)


@pytest.mark.parametrize("wrong", ["x" * 45, NEW])
def test_a_wrong_passphrase_changes_nothing(place: Place, wrong: str) -> None:
    before = place.contents()
    with pytest.raises(BackupError, match="opens no key"):
        place.do(passphrase=wrong, new_passphrase="nobody knows this one yet, and it is quite long", rotate=True)
    assert place.contents() == before
