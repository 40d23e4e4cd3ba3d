# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drive in a folder of this host: every name, folder and time as it was, nothing flattened, and nothing of ours among it."""

from __future__ import annotations

import stat
import typing as t
import zipfile
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter import ItemFilter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import META, ONEDRIVE
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import find_node
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.choice import choose
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.export_names import drive_path
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.results import RestoreResult
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.sentences import restore_sentence
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.snapshot_choice import choose_snapshot
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.to_files_run import restore_to_files
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.stored_drive import ROOT, TOP, USER, StoredDrive
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.losses import lose
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.restore.said import nothing_said

EARLY, LATE = "2019-02-03T04:05:06Z", "2026-10-11T12:13:14Z"
LONG = "漢" * 200 + ".docx"
NASTY = [
    "#1 100% & more +.txt",
    "it's.txt",
    ".hidden",
    "😀.txt",
    "e\u0301.txt",
    "\u00e9.txt",
    "\u202egpj.exe",
    "2026",
    "notes.files",
    ".folder.json",
    "old name. ",
]


def drive() -> StoredDrive:
    made = StoredDrive()
    made.folder("docs", ROOT, "Documents", modified=EARLY)
    made.folder("year", "docs", "2026", modified=LATE)
    made.folder("empty", "year", "Empty", modified=EARLY)
    made.folder("meta", ROOT, META, stored="m365~1", modified=LATE)
    made.folder("staging", ROOT, ".restore-points")
    made.put("top", ROOT, "top.txt", b"top", modified=EARLY)
    made.put("zero", "docs", "zero.bin", b"", modified=LATE)
    made.put("plan", "year", "plan.xlsx", b"plan", modified=LATE, author="Ben Brown")
    made.put("cfg", "meta", "source.json", b"theirs")
    made.put("point", "staging", "1", b"point")
    made.put("long", "docs", LONG, b"long", stored=LONG[:60] + "~1234.docx")
    made.put("big", "docs", "big.bin", bytes(range(256)) * 40_000, modified=EARLY)
    for number, name in enumerate(NASTY):
        made.put(f"n{number}", "year", name, name.encode())
    made.back_up()
    return made


@pytest.fixture(scope="module")
def stored() -> StoredDrive:
    return drive()


def restored(drive: StoredDrive, target: Path, folder: str | None = None, **options: t.Any) -> RestoreResult:
    repository = drive.place.reopen()
    wanted, file_format = options.pop("wanted", ItemFilter()), options.pop("file_format", "files")
    choice = choose(repository, choose_snapshot(repository, "sales", options.pop("snapshot", "latest")), "anna", ONEDRIVE, folder)
    return restore_to_files(repository, [choice], wanted, target, file_format, sifter=nothing_said(), **options)


def listing(target: Path) -> dict[str, bytes | None]:
    """Paths below the folder of the source with contents; None for folders."""
    top = target / USER / ONEDRIVE
    return {path.relative_to(top).as_posix(): path.read_bytes() if path.is_file() else None for path in top.rglob("*")}


def true_listing(drive: StoredDrive) -> dict[str, bytes | None]:
    def path(folder: str) -> str:
        return "" if folder == ROOT else f"{path(drive.folders[folder].parent)}{drive.folders[folder].name}/"

    files = {f"{path(file.folder)}{file.stored or file.name}": file.content for file in drive.files.values()}
    return {**files, **{path(key).rstrip("/"): None for key in drive.folders}}


def seconds(moment: str) -> float:
    return datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()


def test_a_whole_drive_comes_back_with_its_folders_names_and_contents(stored: StoredDrive, tmp_path: Path) -> None:
    result = restored(stored, tmp_path)
    assert listing(tmp_path) == true_listing(stored)
    assert (result.restored, result.new_folders, result.findings) == (len(stored.files), len(stored.folders), [])
    assert result.restored_bytes == sum(len(file.content) for file in stored.files.values())
    assert [path.name for path in tmp_path.iterdir()] == [USER]


def test_files_and_folders_have_their_times_and_are_for_their_owner(stored: StoredDrive, tmp_path: Path) -> None:
    restored(stored, tmp_path)
    top = tmp_path / USER / ONEDRIVE
    for path, moment in {
        "top.txt": EARLY,
        "Documents/zero.bin": LATE,
        "Documents": EARLY,
        "Documents/2026/Empty": EARLY,
        META: LATE,
    }.items():
        assert (top / path).stat().st_mtime == seconds(moment)
    assert stat.S_IMODE((top / "Documents/big.bin").stat().st_mode) == 0o600
    assert stat.S_IMODE((top / "Documents/2026/Empty").stat().st_mode) == 0o700


def test_a_name_that_linux_has_no_room_for_is_mapped_and_told(stored: StoredDrive, tmp_path: Path) -> None:
    part = restored(stored, tmp_path).of(ONEDRIVE)
    assert [(each["original"], each["restored"]) for each in part.renamed] == [(f"Documents/{LONG}", f"Documents/{LONG[:60]}~1234.docx")]
    assert "255 bytes" in part.renamed[0]["reason"]


def test_a_second_restore_changes_nothing_not_even_a_time(stored: StoredDrive, tmp_path: Path) -> None:
    restored(stored, tmp_path)
    before = {path: (path.stat().st_ino, path.stat().st_mtime) for path in tmp_path.rglob("*") if USER in path.parts[:-1]}
    again = restored(stored, tmp_path)
    assert (again.is_changed, again.unchanged, again.new_folders) == (False, len(stored.files), 0)
    assert {path: (path.stat().st_ino, path.stat().st_mtime) for path in tmp_path.rglob("*") if USER in path.parts[:-1]} == before


def test_what_differs_is_put_right_even_in_the_middle_of_a_file_of_many_pieces(stored: StoredDrive, tmp_path: Path) -> None:
    restored(stored, tmp_path)
    big = tmp_path / USER / ONEDRIVE / "Documents" / "big.bin"
    content = bytearray(big.read_bytes())
    content[5_000_000] ^= 1
    big.write_bytes(content)
    assert restored(stored, tmp_path).restored == 1
    assert big.read_bytes() == stored.files["big"].content


def test_inv09_check_mode_writes_nothing_and_counts_the_same(stored: StoredDrive, tmp_path: Path) -> None:
    for file_format in ("files", "zip"):
        predicted = restored(stored, tmp_path / "target", is_check=True, file_format=file_format)
        assert list(tmp_path.iterdir()) == []
        real = restored(stored, tmp_path / "target", file_format=file_format)
        assert predicted.as_dict() == real.as_dict()
        assert predicted.is_changed
        assert not restored(stored, tmp_path / "target", file_format=file_format, is_check=True).is_changed
        for path in sorted(tmp_path.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()


def test_a_folder_is_restored_with_everything_below_it_in_its_place(stored: StoredDrive, tmp_path: Path) -> None:
    result = restored(stored, tmp_path, "documents/2026")
    whole = true_listing(stored)
    expected = {path: content for path, content in whole.items() if path.startswith("Documents/2026")}
    assert listing(tmp_path) == {**expected, "Documents": None}
    assert result.new_folders == 2


@pytest.mark.parametrize(
    ("wanted", "files"),
    [
        (ItemFilter(subject="PLAN"), {"Documents/2026/plan.xlsx"}),
        (ItemFilter(sender="ben brown"), {"Documents/2026/plan.xlsx"}),
        (ItemFilter(before=datetime(2020, 1, 1, tzinfo=timezone.utc)), {"top.txt", "Documents/big.bin"}),
        (ItemFilter(min_size=1_000_000), {"Documents/big.bin"}),
        (ItemFilter(max_size=0), {"Documents/zero.bin"}),
        (ItemFilter(ids=frozenset({"cfg", "top"})), {f"{META}/source.json", "top.txt"}),
        (ItemFilter(subject="nothing"), set()),
    ],
)
def test_single_files_come_with_the_folders_on_their_way_and_no_others(
    stored: StoredDrive, tmp_path: Path, wanted: ItemFilter, files: set[str]
) -> None:
    result = restored(stored, tmp_path, wanted=wanted)
    found = listing(tmp_path)
    assert {path for path, content in found.items() if content is not None} == files
    assert {path for path, content in found.items() if content is None} == {
        parent.as_posix() for path in files for parent in Path(path).parents if parent.name
    }
    assert (result.restored, result.new_folders) == (len(files), 0)


def test_the_folder_of_a_single_file_has_its_time(stored: StoredDrive, tmp_path: Path) -> None:
    restored(stored, tmp_path, wanted=ItemFilter(subject="plan"))
    assert (tmp_path / USER / ONEDRIVE / "Documents" / "2026").stat().st_mtime == seconds(LATE)


def test_each_point_in_time_has_the_names_and_contents_of_then(tmp_path: Path) -> None:
    made = drive()
    before = true_listing(made)
    first = choose_snapshot(made.place.reopen(), "sales", "latest")
    made.folders["docs"].name = "Papers"
    made.files["plan"].content = b"another plan"
    made.files["top"].folder = "year"
    del made.files["cfg"]
    made.back_up()
    restored(made, tmp_path / "now")
    restored(made, tmp_path / "then", snapshot=first.id)
    assert listing(tmp_path / "now") == true_listing(made)
    assert listing(tmp_path / "then") == before


def test_a_zip_has_the_same_paths_folders_and_times(stored: StoredDrive, tmp_path: Path) -> None:
    result = restored(stored, tmp_path, file_format="zip")
    with zipfile.ZipFile(tmp_path / f"{USER}.zip") as archive:
        assert archive.testzip() is None
        entries = {info.filename: info for info in archive.infolist()}
        found = {name: None if info.is_dir() else archive.read(info) for name, info in entries.items()}
        archive.extractall(tmp_path / "out" / USER)
    true = true_listing(stored)
    assert found == {f"{ONEDRIVE}/{path}{'/' if content is None else ''}": content for path, content in true.items()}
    assert listing(tmp_path / "out") == true
    assert entries[f"{ONEDRIVE}/top.txt"].date_time == (2019, 2, 3, 4, 5, 6)
    assert entries[f"{ONEDRIVE}/Documents/2026/Empty/"].date_time == (2019, 2, 3, 4, 5, 6)
    assert (result.restored, result.new_folders) == (len(stored.files), len(stored.folders))
    assert not restored(stored, tmp_path, file_format="zip").is_changed


def test_a_drive_of_empty_folders_is_a_change_and_then_none(tmp_path: Path) -> None:
    made = StoredDrive()
    made.folder("a", ROOT, "A")
    made.folder("b", "a", "B")
    made.back_up()
    for file_format in ("files", "zip"):
        first = restored(made, tmp_path, file_format=file_format)
        assert (first.is_changed, first.new_folders, first.written) == (True, 2, 0)
        assert not restored(made, tmp_path, file_format=file_format).is_changed
    assert (tmp_path / USER / ONEDRIVE / "A" / "B").is_dir()
    assert zipfile.ZipFile(tmp_path / f"{USER}.zip").namelist() == [f"{ONEDRIVE}/A/", f"{ONEDRIVE}/A/B/"]


def test_a_file_of_which_a_piece_is_lost_is_named_by_its_path_and_leaves_nothing(tmp_path: Path) -> None:
    made = drive()
    repository = made.place.reopen()
    node = find_node(repository, choose_snapshot(repository, "sales", "latest").tree, (*TOP, "Documents", "big.bin"))
    assert node is not None
    assert len(node.content) > 1
    lose(made.place, (BlobKind.DATA, node.content[-1]))
    for file_format in ("files", "zip"):
        result = restored(made, tmp_path / file_format, file_format=file_format)
        assert [finding.object for finding in result.findings] == ["file Documents/big.bin"]
        assert result.restored == len(made.files) - 1
    expected = true_listing(made)
    del expected["Documents/big.bin"]
    assert listing(tmp_path / "files") == expected


def test_a_file_in_the_place_of_a_folder_is_an_error_that_names_it(stored: StoredDrive, tmp_path: Path) -> None:
    top = tmp_path / USER / ONEDRIVE
    top.mkdir(parents=True)
    (top / "Documents").write_bytes(b"in the way")
    with pytest.raises(BackupError, match="Documents"):
        restored(stored, tmp_path)
    assert (top / "Documents").read_bytes() == b"in the way"


HOSTILE = st.text(min_size=1, max_size=300) | st.sampled_from(["..", ".", "/", "\x00", "a/b", "\ud800", "漢" * 200, META])


@given(st.lists(HOSTILE, min_size=1, max_size=4).map(tuple))
def test_whatever_a_stored_name_is_the_path_stays_below_its_root(names: tuple[str, ...]) -> None:
    path = drive_path(names, names)
    assert not path.is_absolute()
    assert len(path.parts) == len(names)
    assert not {"..", "."} & set(path.parts)
    assert all(0 < len(part.encode()) <= 255 for part in path.parts)


def test_a_restore_tells_of_the_folders_that_it_made(stored: StoredDrive, tmp_path: Path) -> None:
    sentence = restore_sentence(restored(stored, tmp_path), is_check=False)
    assert sentence.startswith(f"{len(stored.files)} files (")
    assert f"{len(stored.folders)} folders were made." in sentence
