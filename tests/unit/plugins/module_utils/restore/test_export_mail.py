# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mail as a Maildir, as mboxes and as a zip: read back by other programs, the same twice, nothing half there."""

from __future__ import annotations

import mailbox as python_mailbox
import re
import shutil
import stat
import subprocess
import typing as t
import zipfile
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter import ItemFilter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import MAIL
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.restore_points import plan_snapshots
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import walk
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.choice import choose
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.export_maildir import encoded_name, flags_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.export_mbox import from_line, mbox_path, quoted
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.results import RestoreResult
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.snapshot_choice import choose_snapshot
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.to_files_run import FILE_FORMATS, restore_to_files
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.groups import Group, mailbox, member
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.losses import in_memory, lose
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import Place
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.restore.said import nothing_said

ANNA = member("anna")
RECEIVED = datetime(2026, 5, 17, 8, 12, 5, tzinfo=timezone.utc).timestamp()


def backup() -> Group:
    group = Group()
    box = mailbox()
    box.folders = {"inbox": ("Posteingang", None), "sub": ("Übung / a.b", "inbox"), "con": ("CON", None)}
    box.put(
        "a1", "inbox", isRead=True, flag={"flagStatus": "flagged"}, **{"from": {"emailAddress": {"name": "B", "address": "b@x.example"}}}
    )
    box.put("a2", "inbox", receivedDateTime="2025-01-02T03:04:05Z", isRead=False)
    box.put("From nobody", "sub", isDraft=True)
    box.put("a4", "con")
    group.run([ANNA], anna=box)
    return group


GROUP = backup()


def restored(target: Path, file_format: str, place: Place | None = None, *, is_check: bool = False, **wanted: t.Any) -> RestoreResult:
    repository = (place or GROUP.place).reopen()
    choice = choose(repository, choose_snapshot(repository, "sales", "latest"), "anna", MAIL, wanted.pop("folder", None))
    return restore_to_files(repository, [choice], ItemFilter(**wanted), target, file_format, sifter=nothing_said(), is_check=is_check)


def mime(subject: str) -> bytes:
    return mailbox(subject).mime(subject)


MESSAGES = sorted(mime(subject) for subject in ("a1", "a2", "From nobody", "a4"))


def files(target: Path) -> dict[str, bytes]:
    return {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}


@pytest.mark.parametrize("file_format", FILE_FORMATS)
def test_a_second_restore_changes_nothing_and_says_so(file_format: str, tmp_path: Path) -> None:
    first = restored(tmp_path, file_format)
    before = {path: (path.stat().st_ino, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()}
    second = restored(tmp_path, file_format)
    assert (first.restored, first.unchanged, first.findings) == (4, 0, [])
    assert (second.restored, second.unchanged, second.findings) == (0, 4, [])
    assert {path: (path.stat().st_ino, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("file_format", FILE_FORMATS)
def test_inv09_check_mode_writes_nothing_and_foresees_both_runs(file_format: str, tmp_path: Path) -> None:
    foreseen = restored(tmp_path / "x", file_format, is_check=True)
    assert list(tmp_path.iterdir()) == []
    assert foreseen.as_dict() == restored(tmp_path / "x", file_format).as_dict()
    assert restored(tmp_path / "x", file_format, is_check=True).as_dict() == restored(tmp_path / "x", file_format).as_dict()


@pytest.mark.parametrize("file_format", FILE_FORMATS)
def test_everything_is_for_its_owner_alone(file_format: str, tmp_path: Path) -> None:
    restored(tmp_path / "target", file_format)
    for path in (tmp_path / "target", *(tmp_path / "target").rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize("file_format", FILE_FORMATS)
def test_a_damaged_message_is_named_and_leaves_no_trace(file_format: str, tmp_path: Path) -> None:
    place = Place(in_memory(GROUP.place).copy(), GROUP.place.repository, GROUP.place.clock)
    repository = place.reopen()
    nodes = dict(walk(repository, plan_snapshots(repository, "sales")[-1].tree))
    lost = next(node for path, node in nodes.items() if path[-1].endswith(".eml") and b"".join(repository.read_file(node)) == mime("a2"))
    lose(place, (BlobKind.DATA, lost.content[0]))
    for _time in range(2):
        result = restored(tmp_path, file_format, place)
        assert [finding.object for finding in result.findings] == ["message a2"]
        assert result.restored + result.unchanged == 3
        content = b"".join(files(tmp_path).values())
        assert b"Body of a2" not in content or file_format == "zip"
    if file_format == "zip":
        assert sorted(messages_of_zip(tmp_path)) == sorted(set(MESSAGES) - {mime("a2")})


# Maildir


def test_a_maildir_is_read_by_python_with_folders_and_flags(tmp_path: Path) -> None:
    restored(tmp_path, "maildir")
    root = tmp_path / "anna@x.example" / "mail"
    top = python_mailbox.Maildir(root, create=False)
    assert sorted(message.get_flags() for message in top) == ["", "FS"]
    assert sorted(top.list_folders()) == sorted(["INBOX.&ANw-bung _ a_b", "_CON"])
    drafts = list(top.get_folder("INBOX.&ANw-bung _ a_b"))
    assert [message.get_flags() for message in drafts] == ["D"]
    found = sorted(path.read_bytes() for path in root.rglob("cur/*"))
    assert found == MESSAGES
    assert {path.stat().st_mtime for path in root.glob("cur/*")} == {RECEIVED, 1735787045.0}


def test_a_message_that_was_read_since_is_not_restored_again(tmp_path: Path) -> None:
    restored(tmp_path, "maildir")
    message = next((tmp_path / "anna@x.example" / "mail" / "cur").iterdir())
    message.rename(message.with_name(message.name.partition(":")[0] + ":2,RST"))
    assert restored(tmp_path, "maildir").unchanged == 4


def test_sizes_in_names_are_true(tmp_path: Path) -> None:
    restored(tmp_path, "maildir")
    for path in tmp_path.rglob("cur/*"):
        assert f",S={path.stat().st_size}:2," in path.name


def test_a_folder_of_the_inbox_is_below_it_also_when_it_is_restored_alone(tmp_path: Path) -> None:
    restored(tmp_path, "maildir", folder="Posteingang/Übung / a.b")
    assert python_mailbox.Maildir(tmp_path / "anna@x.example" / "mail", create=False).list_folders() == ["INBOX.&ANw-bung _ a_b"]


@given(text=st.text(max_size=30))
def test_encoded_names_are_ascii_and_decode(text: str) -> None:
    encoded = encoded_name(text)
    assert re.fullmatch(r"[\x20-\x7e]*", encoded)

    def back(found: re.Match[str]) -> str:
        return "&" if found[1] == "" else (found[1].replace(",", "/").join("+-")).encode().decode("utf-7")

    if not re.search("[\ud800-\udfff]", text):
        assert re.sub(r"&([^-]*)-", back, encoded) == text


@given(
    st.fixed_dictionaries(
        {}, optional={key: st.booleans() for key in ("read", "draft")} | {"flag": st.sampled_from(["flagged", "complete"])}
    )
)
def test_flags_stand_in_order_and_mean_what_the_record_says(record: dict[str, t.Any]) -> None:
    flags = flags_of(record)
    assert list(flags) == sorted(set(flags))
    assert ("S" in flags, "D" in flags) == (bool(record.get("read")), bool(record.get("draft")))
    assert ("F" in flags) == (record.get("flag") == "flagged")


# mboxrd

NEAR_FROM = [b"From ", b">From x", b">>From ", b"From", b"Fro", b">", b">>", b"text", b"", b" From ", b"-", b"F\r"]
LINES = st.lists(st.sampled_from(NEAR_FROM) | st.binary(max_size=8), max_size=12)


def unquoted(content: bytes) -> bytes:
    return re.sub(rb"^>(>*From )", rb"\1", content, flags=re.MULTILINE)


@given(lines=LINES, end=st.sampled_from([b"\n", b"\r\n"]), data=st.data())
def test_every_message_comes_back_out_of_an_mbox_however_it_was_cut(lines: list[bytes], end: bytes, data: st.DataObject) -> None:
    content = end.join(lines) + end
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=8)))
    pieces = [content[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    written = b"".join(quoted(pieces))
    assert written.endswith(b"\n\n") or content == b"\n" or content == b"\r\n"
    assert unquoted(written[:-1]) == content
    assert not re.search(rb"^From ", written, re.MULTILINE)


@given(content=st.binary(max_size=60).filter(lambda content: not content.endswith(b"\n")))
def test_a_last_line_without_an_end_gets_one(content: bytes) -> None:
    assert unquoted(b"".join(quoted([content]))) == (content + b"\n\n" if content else b"\n")


def test_mboxes_are_read_by_python_the_oldest_message_first(tmp_path: Path) -> None:
    restored(tmp_path, "mboxrd")
    root = tmp_path / "anna@x.example" / "mail"
    assert sorted(files(root)) == sorted(["Posteingang.mbox", "Posteingang/Übung _ a.b.mbox", "_CON.mbox"])
    inbox = python_mailbox.mbox(root / "Posteingang.mbox", create=False)
    assert [message["subject"] for message in inbox] == ["a2", "a1"]
    assert [message.get_from() for message in inbox][1] == "b@x.example Sun May 17 08:12:05 2026"


def test_lines_from_cannot_be_broken_and_name_who_sent_it() -> None:
    assert (
        from_line({"from": "Evil\nFrom x <a@b.example>", "received": "2026-05-07T08:12:05Z"})
        == b"From a@b.example Thu May  7 08:12:05 2026\n"
    )
    assert from_line({"from": "nobody"}) == b"From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n"


def test_every_folder_has_an_mbox_of_its_own_below_the_root() -> None:
    assert mbox_path(("..", "/etc", "NUL")) == Path("_", "_etc", "_NUL.mbox")
    assert mbox_path(()) == Path("mailbox.mbox")


# zip


def the_zip(target: Path) -> Path:
    return target / "anna@x.example.zip"


def messages_of_zip(target: Path) -> list[bytes]:
    with zipfile.ZipFile(the_zip(target)) as archive:
        assert archive.testzip() is None
        return [archive.read(name) for name in archive.namelist()]


def test_a_zip_has_the_tree_of_files_with_times_and_safe_names(tmp_path: Path) -> None:
    restored(tmp_path / "zip", "zip")
    restored(tmp_path / "files", "files")
    tree = files(tmp_path / "files" / "anna@x.example")
    with zipfile.ZipFile(the_zip(tmp_path / "zip")) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == tree
        for info in archive.infolist():
            assert not re.search(r'[\x00-\x1f\\:*?"<>|]', info.filename)
            assert info.date_time in ((2026, 5, 17, 8, 12, 4), (2025, 1, 2, 3, 4, 4))
    assert list((tmp_path / "zip").iterdir()) == [the_zip(tmp_path / "zip")]


@pytest.mark.skipif(shutil.which("unzip") is None, reason="unzip is not installed")
def test_unzip_finds_nothing_wrong(tmp_path: Path) -> None:
    restored(tmp_path, "zip")
    subprocess.run(["unzip", "-tq", the_zip(tmp_path)], check=True, capture_output=True)


def test_a_zip_with_a_changed_byte_is_made_anew(tmp_path: Path) -> None:
    restored(tmp_path, "zip")
    good = the_zip(tmp_path).read_bytes()
    the_zip(tmp_path).write_bytes(good[:40] + bytes([good[40] ^ 1]) + good[41:])
    assert restored(tmp_path, "zip").restored == 4
    assert the_zip(tmp_path).read_bytes() == good


@pytest.mark.parametrize("file_format", FILE_FORMATS)
def test_nothing_to_restore_leaves_nothing_behind(file_format: str, tmp_path: Path) -> None:
    assert restored(tmp_path, file_format, subject="no such thing").restored == 0
    assert list(tmp_path.iterdir()) == []


def test_another_choice_makes_another_zip(tmp_path: Path) -> None:
    restored(tmp_path, "zip")
    assert restored(tmp_path, "zip", subject="a1").restored == 1
    assert messages_of_zip(tmp_path) == [mime("a1")]
