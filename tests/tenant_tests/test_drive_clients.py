# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs of other people, unmodified, work with the tenant's drives: Debian's rclone and onedrive, and a newer rclone."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest

from tenant import namespace
from tenant.harness import RunningTenant, running_tenant

USER = "adele.vance@contoso.com"
RCLONES = tuple(dict.fromkeys(path for path in (shutil.which("rclone"), "/usr/bin/rclone") if path and Path(path).exists()))
NAMES = (
    "plain.txt",
    "Ä ö ü.docx",
    "50 % of #1 + 2 & 3.bin",
    "it's.csv",
    ".hidden",
    "смета.xlsx",
    "報告 📄.pdf",
    "e\u0301t\u00e9.txt",
    "a" * 180 + ".txt",
)

no_namespace = namespace.why_unavailable()
pytestmark = pytest.mark.skipif(no_namespace is not None, reason=str(no_namespace))


@pytest.fixture(scope="module")
def private() -> t.Iterator[RunningTenant]:
    """A tenant on the port that Microsoft's hosts have, for programs in a namespace of their own."""
    address = f"127.{20 + os.getpid() % 200}.{os.getpid() // 200 % 250}.4"
    with running_tenant(address=address, port=443) as tenant:
        yield tenant


@pytest.fixture
def drive(private: RunningTenant) -> str:
    """Adele's drive: nasty names, an empty file, an empty folder, three versions, a file of several pieces."""
    control = private.control
    control.reset()
    control.add_user(USER)
    drive = control.create_drive(USER)
    for number, name in enumerate(NAMES):
        control.put_file(USER, f"/Names/{name}", seed=number, size=1000 * number + 1, modified="2020-01-02T03:04:05Z")
    control.put_file(USER, "/Deep/er/and deeper/large.bin", seed=99, size=30 * 1024 * 1024 + 7)
    control.put_file(USER, "/empty.txt", b"")
    control.make_folder(USER, "/Nothing in here")
    for text in (b"first", b"second", b"the third"):
        control.put_file(USER, "/versions.txt", text)
    return drive


def run(private: RunningTenant, *command: str, home: Path) -> str:
    address = private.listener_url.partition("://")[2].rpartition(":")[0]
    environment = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}
    done = namespace.run_in_namespace(
        ["timeout", "100", *command], address=address, ca_bundle=private.ca_bundle, environment=environment, capture_output=True
    )
    said = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == 0, said
    return said


class Rclone:
    """rclone with a remote C(od:), signed in as a user."""

    def __init__(self, private: RunningTenant, drive: str, program: str, folder: Path) -> None:
        token = {
            "access_token": "-",
            "token_type": "Bearer",
            "refresh_token": private.control.sign_in(USER),
            "expiry": "2020-01-01T00:00:00Z",
        }
        self._config = folder / "rclone.conf"
        self._config.write_text(f"[od]\ntype = onedrive\ndrive_id = {drive}\ndrive_type = business\ntoken = {json.dumps(token)}\n", "utf-8")
        self._private, self._program, self._folder = private, program, folder
        version = subprocess.run([program, "version"], capture_output=True, text=True, check=True).stdout.split()[1]
        if tuple(map(int, version.lstrip("v").partition("-")[0].split(".")[:2])) < (1, 67):  # sends its token along
            private.control.settings(drive_refuses_token=False)

    def __call__(self, *arguments: str) -> str:
        return run(self._private, self._program, "--config", str(self._config), "--retries", "1", *arguments, home=self._folder)


@pytest.fixture(params=RCLONES or ["rclone"])
def rclone(request: pytest.FixtureRequest, private: RunningTenant, drive: str, tmp_path: Path) -> Rclone:
    if not RCLONES:
        pytest.skip("rclone is not on this machine (apt install rclone)")
    return Rclone(private, drive, request.param, tmp_path)


def hashes_of(folder: Path) -> dict[str, str]:
    return {
        f"/{path.relative_to(folder).as_posix()}": hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def hashes_in(private: RunningTenant) -> dict[str, str]:
    control = private.control
    return {line["path"]: control.file(USER, line["id"])["sha256"] for line in control.drive_listing(USER) if line["kind"] == "file"}


def test_rclone_copies_a_drive_with_all_its_names_and_finds_the_hashes_right(
    rclone: Rclone, private: RunningTenant, tmp_path: Path
) -> None:
    down = tmp_path / "down"
    rclone("copy", "od:", str(down), "--create-empty-src-dirs")
    assert hashes_of(down) == hashes_in(private)
    assert (down / "Nothing in here").is_dir()
    assert (down / "Names" / "plain.txt").stat().st_mtime == 1577934245
    assert "0 differences found" in rclone("check", "od:", str(down))
    listing = {line["path"]: line for line in private.control.drive_listing(USER)}
    hashes = rclone("hashsum", "quickxor", "od:Names")
    assert all(f"{base64.b64decode(listing['/Names/' + name]['quick_xor']).hex()}  {name}\n" in hashes for name in NAMES)


@pytest.mark.skipif("M365_CORPUS" not in os.environ, reason="M365_CORPUS does not name a folder of sample data")
def test_rclone_copies_the_sample_files_and_finds_them_as_they_are_on_disk(rclone: Rclone, private: RunningTenant, tmp_path: Path) -> None:
    source = Path(os.environ["M365_CORPUS"], "files")
    assert len(private.control.load_files(USER, source, path="/Corpus")) > 300
    assert "0 differences found" in rclone("check", "od:Corpus", str(source), "--checkers", "8")
    rclone("copy", "od:Corpus", str(tmp_path / "down"))
    assert hashes_of(tmp_path / "down") == hashes_of(source)


def test_rclone_reads_ranges_and_lists_sizes(rclone: Rclone, private: RunningTenant) -> None:
    whole = private.control.file_content(USER, "/versions.txt")
    assert rclone("cat", "--offset", "3", "--count", "4", "od:versions.txt").encode() == whole[3:7]
    assert str(30 * 1024 * 1024 + 7) in rclone("lsl", "od:Deep")


def test_rclone_copies_into_a_drive_what_it_then_finds_there(rclone: Rclone, private: RunningTenant, tmp_path: Path) -> None:
    up = tmp_path / "up"
    (up / "folder").mkdir(parents=True)
    for number, name in enumerate(NAMES[:-1]):
        (up / "folder" / name).write_bytes(bytes([number]) * number * 50_000)
    (up / "pieces.bin").write_bytes(os.urandom(11 * 1024 * 1024))
    rclone("copy", str(up), "od:Uploaded")
    assert "0 differences found" in rclone("check", str(up), "od:Uploaded")
    stored = {path.removeprefix("/Uploaded"): value for path, value in hashes_in(private).items() if path.startswith("/Uploaded/")}
    assert stored == hashes_of(up)


@pytest.fixture
def onedrive(private: RunningTenant, drive: str, tmp_path: Path) -> t.Callable[[], str]:
    program = shutil.which("onedrive")
    if program is None:
        pytest.skip("onedrive is not on this machine (apt install onedrive)")
    config = tmp_path / "config"
    config.mkdir()
    (tmp_path / "sync").mkdir()
    (config / "config").write_text(f'sync_dir = "{tmp_path}/sync"\ndrive_id = "{drive}"\nskip_dotfiles = "false"\n', "utf-8")
    (config / "refresh_token").write_text(private.control.sign_in(USER), "utf-8")
    words = ("--synchronize", "--download-only", "--resync", "--resync-auth", "--verbose")
    return lambda: run(private, program, "--confdir", str(config), *words, home=tmp_path)


def test_the_onedrive_client_downloads_a_drive_and_finds_sizes_and_hashes_right(
    onedrive: t.Callable[[], str], private: RunningTenant, tmp_path: Path
) -> None:
    said = onedrive()
    assert "ERROR" not in said
    assert hashes_of(tmp_path / "sync") == hashes_in(private)
    assert (tmp_path / "sync" / "Nothing in here").is_dir()


def test_the_onedrive_client_follows_changes(onedrive: t.Callable[[], str], private: RunningTenant, tmp_path: Path) -> None:
    private.control.settings(drive_page_size=3)
    onedrive()
    private.control.move_item(USER, "/Deep/er", "/")
    private.control.put_file(USER, "/er/new.txt", b"new")
    onedrive()
    assert hashes_of(tmp_path / "sync").items() >= {path: value for path, value in hashes_in(private).items() if "er" in path}.items()


def test_the_onedrive_client_sees_a_file_whose_size_and_hash_are_wrong(onedrive: t.Callable[[], str], private: RunningTenant) -> None:
    private.control.set_item(USER, "/Names/plain.txt", stated_size=2, stated_hash="aCgDG9jwBhDc4Q1yawMZAAAAAAA=")  # it is content with one
    assert "ERROR: File download" in onedrive()


def test_rclone_sees_a_file_whose_hash_is_wrong(rclone: Rclone, private: RunningTenant, tmp_path: Path) -> None:
    private.control.set_item(USER, "/Names/plain.txt", stated_hash="aCgDG9jwBhDc4Q1yawMZAAAAAAA=")
    with pytest.raises(AssertionError, match="corrupted on transfer"):
        rclone("copy", "od:Names", str(tmp_path / "down"))
