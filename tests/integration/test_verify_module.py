# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verify module as an administrator uses it: sound, damaged by one byte, repaired, healed by the next run; a drill."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter import ItemFilter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import MAIL
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.keys import KdfParameters
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository, open_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.choice import ChosenItem, choose, chosen_items
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.snapshot_choice import choose_snapshot
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import mail_of
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import PASSPHRASE, Answer, Playbook, Task
from tenant.harness import RunningTenant

ALICE, BOB = "alice@contoso.com", "bob@contoso.com"
PLAN = "sales"
RECOVERY_KEY = "a recovery key of the tests that is long enough to be one, too"


@pytest.fixture(scope="module")
def playbook(tenant: RunningTenant, tmp_path_factory: pytest.TempPathFactory) -> Playbook:
    """A group of two with a backup, which each test leaves as sound as it was."""
    control = tenant.control
    control.reset()
    control.add_group("Sales")
    for user in (ALICE, BOB):
        control.add_user(user)
        control.add_member("Sales", user)
        control.deliver_generated(user, 30, folder=None, size_limit=30_000)
    playbook = Playbook(tenant=tenant, folder=tmp_path_factory.mktemp("verify"))
    declared: dict[str, t.Any] = {"title": "Sales", "groups": ["Sales"], "backup_type": "mailbox", "repository": str(playbook.repository)}
    answers = playbook.run(playbook.task("m365_group_backup_plan", **declared, retention={"keep_last": 5}), run(playbook)).answers
    assert [answer["changed"] for answer in answers] == [True, True]
    return playbook


def run(playbook: Playbook, **options: t.Any) -> Task:
    return playbook.task("m365_backup_run", plan=PLAN, **options)


def verify(playbook: Playbook, **options: t.Any) -> Task:
    return playbook.task("m365_backup_verify", plan=PLAN, **options)


def restore(playbook: Playbook, target: str) -> Task:
    return playbook.task("m365_backup_restore", plan=PLAN, member=ALICE, sources=["mail"], target_path=target)


def repository_of(playbook: Playbook) -> Repository:
    return open_repository(LocalStorage(playbook.repository), PASSPHRASE)


def a_message(playbook: Playbook) -> ChosenItem:
    repository = repository_of(playbook)
    choice = choose(repository, choose_snapshot(repository, PLAN, "latest"), ALICE, MAIL, None)
    return max(chosen_items(repository, choice, ItemFilter(), []), key=lambda item: item.node.size)


def flip_a_byte(playbook: Playbook, item: ChosenItem) -> None:
    """In the middle of a message, in the pack that holds it."""
    place = repository_of(playbook).known_index.index().find(BlobKind.DATA, item.node.content[0])
    assert place is not None
    pack = playbook.repository / "data" / place.pack[:2] / place.pack
    os.chmod(pack, 0o600)
    with pack.open("r+b") as file:
        file.seek(place.blob.offset + place.blob.length // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes((byte[0] ^ 1,)))


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def restored(playbook: Playbook, answer: Answer) -> list[bytes]:
    return sorted(path.read_bytes() for path in Path(answer["target"]).rglob("*.eml"))


def test_a_flipped_byte_is_named_repaired_and_healed_by_the_next_run(playbook: Playbook) -> None:
    item = a_message(playbook)
    (sound,) = playbook.run(verify(playbook, level="data")).answers
    assert (sound["outcome"], sound["changed"], sound["findings"], sound["packs_read"]) == ("sound", False, [], sound["packs"])
    flip_a_byte(playbook, item)
    before = files_below(playbook.repository)
    target = str(playbook.folder / "restored")
    quick, found, foreseen = playbook.run(
        verify(playbook),
        verify(playbook, level="data", fail_on_findings=False),
        verify(playbook, level="data", repair=True, check_mode=True),
    ).answers
    assert quick["outcome"] == "sound"
    assert (found["outcome"], found["changed"], found.get("failed", False)) == ("damaged", False, False)
    (finding,) = found["findings"]
    (affected,) = finding["affected"]
    assert (affected["member"], affected["subject"]) == (ALICE, item.record["subject"])
    assert item.record["subject"] in found["msg"]
    assert ALICE in found["msg"]
    assert (foreseen["failed"], foreseen["changed"], foreseen["repair"]["lost_count"]) == (True, True, 1)
    assert files_below(playbook.repository) == before

    repaired, again, others = playbook.run(
        verify(playbook, level="data", repair=True),
        verify(playbook, level="data", repair=True),
        restore(playbook, target),
    ).answers
    assert (repaired["failed"], repaired["changed"], repaired["repair"]["items_asked_for"]) == (True, True, 1)
    assert repaired["repair"]["lost"][0]["subject"] == item.record["subject"]
    assert all(Path(path).exists() for path in repaired["repair"]["quarantined"])
    assert (again["changed"], again["repair"]["lost_count"]) == (False, 1)
    assert others["restored"] == 29

    healed, sound, whole = playbook.run(run(playbook), verify(playbook, level="data"), restore(playbook, target)).answers
    assert (healed["outcome"], healed["counts"]["fetched"]) == ("complete", 1)
    assert sound["outcome"] == "sound"
    assert (whole["restored"], restored(playbook, whole)) == (1, mail_of(playbook.tenant, ALICE))


def test_a_drill_with_the_recovery_key_restores_a_sample_and_leaves_nothing_behind(playbook: Playbook) -> None:
    repository_of(playbook).add_key(RECOVERY_KEY, kdf=KdfParameters(n=2**10))
    place = playbook.folder / "drill"
    place.mkdir()
    options: dict[str, t.Any] = {
        "level": "drill",
        "recovery_key": RECOVERY_KEY,
        "drill_items": 4,
        "drill_seed": 7,
        "drill_path": str(place),
    }
    report = playbook.run(
        verify(playbook, **options), verify(playbook, **options, check_mode=True), verify(playbook, level="subset", subset="9/7")
    )
    first, second, refused = report.answers
    assert (first["outcome"], first["changed"], first["drill"]["opened_with"]) == ("sound", False, "recovery key")
    sampled = {member["member"]: [one["source"] for one in member["sampled"]] for member in first["drill"]["members"]}
    assert {member: sources.count("mail") for member, sources in sampled.items()} == {ALICE: 4, BOB: 4}
    assert {"mail", "settings"} <= set(sampled[ALICE])
    assert first["drill"] == second["drill"]
    assert list(place.iterdir()) == []
    assert RECOVERY_KEY not in report.output
    assert "9/7" in refused["msg"]
