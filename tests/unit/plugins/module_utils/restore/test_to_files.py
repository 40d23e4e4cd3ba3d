# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages as files: always below the target, whole or not at all, and left alone where they are."""

from __future__ import annotations

import os
import stat
import typing as t
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError, InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter import ItemFilter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import MAIL, META_TIME
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.mail_record import file_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Node, NodeKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.choice import ChosenItem, choose
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.durable_files import check_target
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.export_names import file_path
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.results import Restored, RestoreResult
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.sentences import failure_sentence, restore_sentence
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.snapshot_choice import choose_snapshot
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.to_files_run import restore_to_files
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.groups import Group, mailbox, member
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import MemoryStorage
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.restore.said import nothing_said

ANNA = member("anna", "../anna@x.example")
HOSTILE = st.text(max_size=120) | st.sampled_from(
    ["..", "../../etc", "/etc/passwd", ".", "", "\x00", "a\nb", "C:\\x", "😀" * 100, "漢" * 200, "\ud800"]
)


def item(subject: str, folder: tuple[str, ...], received: str = "2026-05-17T08:12:05Z") -> ChosenItem:
    record: dict[str, t.Any] = {"id": "m", "subject": subject, "received": received}
    record["file"] = file_of(record)
    return ChosenItem(MAIL, record, folder, Node("x", NodeKind.FILE, META_TIME))


@given(subject=HOSTILE, folder=st.lists(HOSTILE, max_size=4).map(tuple))
def test_every_path_stays_below_its_root_and_fits(subject: str, folder: tuple[str, ...]) -> None:
    path = file_path(item(subject, folder))
    assert not path.is_absolute()
    assert len(path.parts) == len(folder) + 1
    assert not {"..", "."} & set(path.parts)
    assert all(len(part.encode()) <= 255 for part in path.parts)
    assert path.name.startswith("2026-05-17 081205 ")
    assert path.name.endswith(".eml")


@given(subject=st.sampled_from(["😀" * 100, "漢" * 200, "../../etc", "a" * 300]))
def test_a_file_of_that_name_can_be_made(subject: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    target = tmp_path_factory.mktemp("names") / file_path(item(subject, (subject, subject)))
    target.parent.mkdir(parents=True)
    target.write_bytes(b"")


def test_two_messages_of_one_second_and_subject_have_two_files() -> None:
    other = item("x", ())
    other.record["file"] = file_of({**other.record, "id": "other"})
    assert file_path(item("x", ())) != file_path(other)


@pytest.fixture(scope="module")
def group() -> Group:
    group = Group()
    box = mailbox("../../etc/cron.d/x", "two")
    box.folders["up"] = ("../../..", "in")
    box.put("three", "up")
    group.run([ANNA], anna=box)
    return group


def restored(group: Group, target: Path, *, is_check: bool = False) -> RestoreResult:
    repository = group.place.reopen()
    choice = choose(repository, choose_snapshot(repository, "sales", "latest"), "anna", MAIL, None)
    return restore_to_files(repository, [choice], ItemFilter(), target, sifter=nothing_said(), is_check=is_check)


def files(target: Path) -> list[Path]:
    return sorted(path for path in target.rglob("*") if path.is_file())


def test_hostile_names_stay_below_the_target_and_contents_are_whole(group: Group, tmp_path: Path) -> None:
    result = restored(group, tmp_path / "deep" / "target")
    assert (result.restored, result.unchanged, result.findings) == (3, 0, [])
    assert len(files(tmp_path)) == len(files(tmp_path / "deep" / "target" / "_._anna@x.example" / "mail")) == 3
    contents = {path.read_bytes() for path in files(tmp_path)}
    assert contents == {mailbox_mime(name) for name in ("../../etc/cron.d/x", "two", "three")}
    assert result.restored_bytes == sum(path.stat().st_size for path in files(tmp_path))
    assert result.folders == {"Inbox": 2, "Inbox/../../..": 1}


def mailbox_mime(name: str) -> bytes:
    return mailbox(name).mime(name)


def test_a_second_restore_leaves_everything_alone(group: Group, tmp_path: Path) -> None:
    restored(group, tmp_path)
    before = {path: path.stat().st_ino for path in files(tmp_path)}
    result = restored(group, tmp_path)
    assert (result.restored, result.unchanged) == (0, 3)
    assert {path: path.stat().st_ino for path in files(tmp_path)} == before


def test_a_file_with_other_bytes_of_the_same_size_is_replaced(group: Group, tmp_path: Path) -> None:
    restored(group, tmp_path)
    spoilt = files(tmp_path)[0]
    good = spoilt.read_bytes()
    spoilt.write_bytes(bytes(len(good)))
    assert restored(group, tmp_path).restored == 1
    assert spoilt.read_bytes() == good


def test_files_carry_the_time_of_receipt_and_are_for_their_owner(group: Group, tmp_path: Path) -> None:
    restored(group, tmp_path)
    for path in files(tmp_path):
        assert path.stat().st_mtime == datetime(2026, 5, 17, 8, 12, 5, tzinfo=timezone.utc).timestamp()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_inv09_check_mode_writes_nothing_and_counts_the_same(group: Group, tmp_path: Path) -> None:
    predicted = restored(group, tmp_path / "target", is_check=True)
    assert list(tmp_path.iterdir()) == []
    assert predicted.as_dict() == restored(group, tmp_path / "target").as_dict()


def test_a_file_that_cannot_be_written_is_an_error_and_leaves_no_piece(group: Group, tmp_path: Path) -> None:
    restored(group, tmp_path)
    blocked = files(tmp_path)[0]
    blocked.unlink()
    blocked.mkdir()
    with pytest.raises(BackupError, match="Writing"):
        restored(group, tmp_path)
    assert not list(tmp_path.rglob(".restore-*"))


def test_damaged_content_never_reaches_a_file(group: Group, tmp_path: Path) -> None:
    storage = group.place.storage
    assert isinstance(storage, MemoryStorage)
    choice_place = Group(place=type(group.place)(storage.copy(), group.place.repository, group.place.clock))
    repository = choice_place.place.reopen()
    choice = choose(repository, choose_snapshot(repository, "sales", "latest"), "anna", MAIL, None)
    spoil(repository)
    result = restore_to_files(repository, [choice], ItemFilter(), tmp_path, sifter=nothing_said())
    assert (result.restored, files(tmp_path)) == (0, [])
    assert result.findings


def spoil(repository: Repository) -> None:
    """Turn around every bit of every pack."""
    storage = repository.storage
    for stored in list(storage.list(FileKind.DATA)):
        storage.put(FileKind.DATA, stored.name, bytes(byte ^ 255 for byte in storage.get(FileKind.DATA, stored.name)))


def test_a_target_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for target in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match="file is not a folder"):
            check_target(target)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_target_without_permission_is_refused(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)
    for target in (closed, closed / "below" / "more"):
        with pytest.raises(InputError, match="not writable"):
            check_target(target)


def test_a_target_that_does_not_exist_yet_is_fine(tmp_path: Path) -> None:
    check_target(tmp_path / "a" / "b")
    check_target(Path("relative"))


# What is said about it


def result(*outcomes: Restored, size: int = 0) -> RestoreResult:
    made = RestoreResult(snapshot_id="5" * 64, snapshot_time="t", member="anna", target="/srv/out")
    for outcome in outcomes:
        made.of(MAIL).add(("Inbox",), size, outcome)
    return made


@pytest.mark.parametrize(
    ("made", "is_check", "sentence"),
    [
        (result(Restored.WRITTEN, size=10), False, "1 message (10 bytes) of anna restored into /srv/out."),
        (result(*[Restored.WRITTEN] * 1200, size=2), True, "1,200 messages (2.3 KiB) of anna would be restored into /srv/out."),
        (result(Restored.UNCHANGED), False, "0 messages (0 bytes) of anna restored into /srv/out. 1 message was there already."),
        (
            result(Restored.UNCHANGED, Restored.UNCHANGED),
            False,
            "0 messages (0 bytes) of anna restored into /srv/out. 2 messages were there already.",
        ),
    ],
)
def test_what_a_restore_did_in_a_sentence(made: RestoreResult, is_check: bool, sentence: str) -> None:
    assert restore_sentence(made, is_check=is_check) == sentence


def test_what_could_not_be_restored_is_named() -> None:
    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Finding, FindingKind

    finding = Finding(kind=FindingKind.FAILED, object="message x", reason="It is too large.")
    made = result(*[Restored.WRITTEN] * 3)
    made.of(MAIL).findings.append(finding)
    assert failure_sentence(made) == (
        "1 message of anna could not be restored into /srv/out; 3 were restored. The first one, message x: It is too large."
    )
