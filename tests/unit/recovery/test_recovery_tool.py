# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The recovery tool where somebody means it ill, and where a person in need uses it. What it reads is tested in test_golden.py."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
import typing as t
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from golden.make import HERE as GOLDEN
from golden.make import PASSPHRASE
from golden.workbench import TOOL, Blob, Document, Workbench, recover

EXPECTED: dict[str, t.Any] = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))


def unpack(name: str, folder: Path) -> Path:
    with tarfile.open(GOLDEN / f"{name}.tar.gz") as archive:
        archive.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    return folder / name


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return unpack("ours-good", tmp_path)


@pytest.fixture
def bench(repository: Path) -> Workbench:
    return Workbench(repository, PASSPHRASE, "recovery tool")


def run(*arguments: str | Path, limit_mib: int | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    settings = {key: value for key, value in os.environ.items() if not key.startswith("RESTIC_")}
    command = [sys.executable, str(TOOL), *map(str, arguments)]
    if limit_mib:
        command = ["sh", "-c", f'ulimit -v {limit_mib * 1024}; exec "$@"', "sh", *command]
    finished = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        env={**settings, **environment},
    )
    assert "Traceback" not in finished.stderr
    return finished


def recover_in(repository: Path, *arguments: str | Path, limit_mib: int | None = None) -> subprocess.CompletedProcess[str]:
    return run("-r", repository, *arguments, limit_mib=limit_mib, RESTIC_PASSWORD=PASSPHRASE)


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def node(name: str, kind: str = "file", **more: t.Any) -> Document:
    return {"name": name, "type": kind, "mtime": "2026-11-23T12:00:00.123456789+01:00", "content": None, **more}


def add_snapshot(bench: Workbench, nodes: list[Document], *more: Blob) -> str:
    """A snapshot of one folder with these entries; its id."""
    tree = json.dumps({"nodes": nodes}).encode()
    packs = [bench.store_pack([Blob(1, tree)]), *([bench.store_pack(more)] if more else [])]
    bench.store_document("index", {"packs": packs})
    root = packs[0]["blobs"][0]["id"]
    return bench.store_document("snapshots", {"time": "2030-01-01T00:00:00Z", "tree": root, "hostname": "evil\x1b[2J"})


def test_it_is_one_file_for_python_3_9_that_needs_two_libraries_and_nothing_of_ours() -> None:
    tree = ast.parse(TOOL.read_text(encoding="utf-8"), feature_version=(3, 9))
    imported = {name.name.partition(".")[0] for found in ast.walk(tree) if isinstance(found, ast.Import) for name in found.names}
    imported |= {str(found.module).partition(".")[0] for found in ast.walk(tree) if isinstance(found, ast.ImportFrom)}
    assert imported - set(sys.stdlib_module_names) == {"cryptography", "zstandard"}


def test_hostile_names_reach_nothing_outside_the_target_and_cost_only_themselves(
    bench: Workbench, repository: Path, tmp_path: Path
) -> None:
    (blob,) = bench.store_pack([Blob(0, b"content")])["blobs"]
    content = {"content": [blob["id"]]}
    empty = Blob(1, b'{"nodes": []}')
    (folder,) = bench.store_pack([empty])["blobs"]
    names = ["../out", "..", ".", "", "/etc/out", "a/../../out", "nul\\x00", "\\u002e\\u002e", "bad \\U00110000", "fine", "fine"]
    nodes = [node(name, **content) for name in names]
    nodes += [node("link", "symlink", linktarget=str(tmp_path)), node("link", "dir", subtree=folder["id"]), node("link", **content)]
    nodes += [node(".m365_recover.part", "dir", subtree=folder["id"]), node("pipe", "fifo"), node("x" * 300, **content), {"name": 7}, None]
    add_snapshot(bench, nodes)
    before = files_below(tmp_path)
    finished = recover_in(repository, "extract", "latest", tmp_path / "deep" / "target")
    assert finished.returncode == 1
    written = {name: content for name, content in files_below(tmp_path).items() if name not in before}
    assert written == {"deep/target/fine": b"content"}
    assert (tmp_path / "deep/target/link").is_dir()
    assert not (tmp_path / "deep/target/link").is_symlink()
    assert finished.stderr.count("LOST") == len(nodes) - 2
    assert "\x1b" not in finished.stderr + recover_in(repository, "list").stdout


def test_a_folder_that_holds_anything_is_no_target(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").write_bytes(b"mine")
    finished = recover_in(repository, "extract", "latest", tmp_path / "kept")
    assert (finished.returncode, files_below(tmp_path / "kept")) == (2, {"file": b"mine"})


@pytest.mark.parametrize("costs", [{"N": 2**40}, {"N": 2**20 + 1}, {"r": 10**6}, {"p": 10**9}, {"N": -2}, {"N": "16"}, {"kdf": "none"}])
def test_absurd_costs_of_a_key_file_are_refused_before_they_are_paid(repository: Path, costs: Document) -> None:
    for key in (repository / "keys").iterdir():
        key.write_text(json.dumps({**json.loads(key.read_text()), **costs}))
    finished = recover_in(repository, "list", limit_mib=600)
    assert finished.returncode == 2
    assert "2 of which are damaged" in finished.stderr


def bomb(**options: t.Any) -> bytes:
    """3 GiB of zeros."""
    compressor, zeros = zstandard.ZstdCompressor().compressobj(**options), bytes(1 << 24)
    return b"\x02" + b"".join([*(compressor.compress(zeros) for _number in range(192)), compressor.flush()])


def test_what_unpacks_to_gigabytes_is_named_and_not_unpacked(bench: Workbench, repository: Path, tmp_path: Path) -> None:
    index = bench.store("index", bench.seal(bomb()))
    snapshot = bench.store("snapshots", bench.seal(bomb(size=192 << 24)))
    finished = recover_in(repository, "extract", "latest", tmp_path / "out", limit_mib=600)
    assert finished.returncode == 1
    assert f"index/{index}" in finished.stderr
    assert f"snapshots/{snapshot}" in finished.stderr
    assert finished.stderr.count("LOST") == 0


@pytest.mark.parametrize("typed", [PASSPHRASE, EXPECTED["ours-good"]["passphrases"][1].lower().replace("-", " ")])
def test_passphrase_and_recovery_key_are_taken_from_a_file_or_the_environment(repository: Path, tmp_path: Path, typed: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"\ufeff{typed}\r\n", encoding="utf-8")
    assert run("-r", repository, "--password-file", secret, "list").returncode == 0
    assert run("list", RESTIC_REPOSITORY=str(repository), RESTIC_PASSWORD_FILE=str(secret)).returncode == 0
    assert run("list", RESTIC_REPOSITORY=str(repository), RESTIC_PASSWORD=typed).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-r", "/nowhere", "list"), "/nowhere is no repository"),
        (("-r", "{repository}", "extract", "ffffffff", "{target}"), "0 snapshots match 'ffffffff'"),
        (("-r", "{repository}", "--password-file", "/nowhere", "list"), "No such file"),
        (("-r", "{repository}", "ls"), "snapshot"),
        (("list",), "--repository"),
        ((), "COMMAND"),
    ],
)
def test_what_cannot_be_done_is_said_with_exit_code_2(repository: Path, tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    filled = [word.format(repository=repository, target=tmp_path / "out") for word in arguments]
    finished = run(*filled, RESTIC_PASSWORD=PASSPHRASE)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert words in finished.stderr


def test_a_passphrase_that_only_looks_like_a_recovery_key_is_taken_as_it_is() -> None:
    assert list(recover.spellings("ab" * 28)) == [b"ab" * 28, b"-".join([b"ABAB"] * 14)]
    assert list(recover.spellings("a passphrase of people")) == [b"a passphrase of people"]


def test_without_a_passphrase_and_nobody_to_ask_it_says_so(repository: Path) -> None:
    finished = run("-r", repository, "list")
    assert finished.returncode == 2
    assert "No passphrase" in finished.stderr


def test_list_names_the_members_and_ls_what_is_below_a_path(repository: Path) -> None:
    listed = recover_in(repository, "list")
    assert listed.stdout.count("/Sales/adele@contoso.com\n") == listed.stdout.count("/Sales/bo@contoso.com\n") == 2
    assert "outcome:complete" in listed.stdout
    files = [line.split("  ")[-1] for line in recover_in(repository, "ls", "latest", "/Sales/bo@contoso.com").stdout.splitlines()]
    assert {path for path in files if not path.endswith("/")} == {
        path for path in EXPECTED["ours-good"]["snapshots"][newest()] if path.startswith("/Sales/bo@contoso.com/")
    }
    assert recover_in(repository, "ls", "latest", "/Sales/nobody").returncode == 1


def test_the_latest_is_a_backup_though_what_the_malware_scan_said_was_stored_later(bench: Workbench) -> None:
    verdicts = {
        **bench.document("snapshots", newest()),
        "tags": ["m365", "verdicts"],
        "paths": ["/verdicts"],
        "time": "2030-01-01T00:00:00Z",
    }
    bench.store_document("snapshots", {**verdicts, "tree": bench.reader.snapshots()[0].tree.hex()})
    assert f"{newest()[:8]}" in recover_in(bench.folder, "list").stdout
    assert recover_in(bench.folder, "list").stdout.count("/verdicts\n") == 1
    listed = recover_in(bench.folder, "ls", "latest").stdout
    assert listed == recover_in(bench.folder, "ls", newest()[:8]).stdout


def newest() -> str:
    (name,) = (name for name, files in EXPECTED["ours-good"]["snapshots"].items() if any("11/05/" in path for path in files))
    return str(name)


def test_only_the_paths_that_were_asked_for_are_extracted(repository: Path, tmp_path: Path) -> None:
    wanted = [path for path in EXPECTED["ours-good"]["snapshots"][newest()] if path.startswith("/Sales/bo@contoso.com/mail/Inbox/2026")]
    one = next(path for path in EXPECTED["ours-good"]["snapshots"][newest()] if "adele" in path and path.endswith(".eml"))
    paths = ("--path", "/Sales/bo@contoso.com/mail/Inbox/2026", "--path", one, "--path", "/Sales/nobody")
    finished = recover_in(repository, "extract", newest()[:8], tmp_path / "out", *paths)
    assert {f"/{path}" for path in files_below(tmp_path / "out")} == {*wanted, one}
    assert finished.stderr == "LOST /Sales/nobody: it is not in this snapshot, or in a folder that cannot be read\n"


def test_what_is_left_of_a_large_file_never_looks_whole(tmp_path: Path) -> None:
    bench = Workbench(unpack("restic-good", tmp_path), PASSPHRASE, "")
    snapshot = bench.reader.snapshots()[-1]
    (large,) = (found for _steps, found in bench.reader.walk(snapshot.tree) if found.name == b"large")
    assert len(large.content) > 4
    whole = b"".join(bench.reader.read(0, blob) for blob in large.content)
    lost = bench.content(large.content[-1].hex())
    _blob, _kind, pack, offset, _length, _plain = bench.reader.copies("blob = ?", large.content[-1])[0]
    bench.flip("data", bench.reader.packs[pack].name, offset + 20)
    finished = recover_in(bench.folder, "extract", "latest", tmp_path / "out")
    assert not (tmp_path / "out/large").exists()
    assert (tmp_path / "out/large.damaged").read_bytes() == whole[: -len(lost)]
    assert "LOST /large: 1 of its" in finished.stderr


def shift_offsets(blobs: list[Document]) -> None:
    for blob in blobs:
        blob["offset"] += 1


def exchange_ids(blobs: list[Document]) -> None:
    ids = [blob["id"] for blob in blobs]
    for number, blob in enumerate(blobs):
        blob["id"] = ids[number - 1]


@pytest.mark.parametrize("spoil", [shift_offsets, exchange_ids])
def test_a_wrong_index_is_found_and_overruled_by_what_the_packs_say(
    bench: Workbench, repository: Path, tmp_path: Path, spoil: t.Callable[[list[Document]], None]
) -> None:
    index = bench.merged_index()
    for pack in index["packs"]:
        spoil(pack["blobs"])
    bench.remove("index", *bench.names("index"))
    bench.store_document("index", index)
    for number, option in enumerate(([], ["--ignore-index"])):
        finished = recover_in(repository, *option, "extract", newest(), tmp_path / f"out{number}")
        whole = {f"/{path}": sha256(content) for path, content in files_below(tmp_path / f"out{number}").items()}
        assert whole == EXPECTED["ours-good"]["snapshots"][newest()]
        assert finished.returncode == (0 if option else 1)
    assert recover_in(repository, "verify").stderr.count("it does not hold what the index says") == len(index["packs"])


def test_packs_that_only_a_superseded_index_names_are_not_missed(bench: Workbench, repository: Path) -> None:
    old = bench.store_document("index", {"packs": [{"id": "ab" * 32, "blobs": []}]})
    assert "data/ab/abab" in recover_in(repository, "verify").stderr
    bench.store_document("index", {"supersedes": [old], "packs": []})
    finished = recover_in(repository, "verify")
    assert (finished.returncode, finished.stderr) == (0, "")


def test_a_pack_without_a_readable_list_is_read_in_full_by_every_verification(tmp_path: Path) -> None:
    said = recover_in(unpack("ours-zeroed-pack", tmp_path), "verify").stderr
    lost = [path for paths in EXPECTED["ours-zeroed-pack"]["lost_for_good"].values() for path in paths]
    assert lost
    assert [path for path in lost if f"LOST {path}: " not in said] == []


def test_output_that_nobody_reads_to_its_end_is_no_trouble(repository: Path) -> None:
    command = f'"{sys.executable}" "{TOOL}" -r "{repository}" ls latest | head -n 1'
    finished = subprocess.run(
        ["sh", "-c", command], check=True, capture_output=True, text=True, env={**os.environ, "RESTIC_PASSWORD": PASSPHRASE}
    )
    assert finished.stderr == ""


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack("ours-good", tmp_path_factory.mktemp("good"))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), changes=st.integers(1, 6))
def test_any_damage_is_survived_and_nothing_false_is_restored(good: Path, tmp_path: Path, seed: int, changes: int) -> None:
    chance = random.Random(seed)
    folder = tmp_path / "case"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(good, folder / "repository")
    files = sorted(path for path in (folder / "repository").rglob("*") if path.is_file() and path.parent.name != "keys")
    for path in chance.sample(files, min(changes, len(files))):
        damage(path, chance)
    arguments = recover.parse_arguments(["-r", str(folder / "repository"), "extract", "latest", str(folder / "out")])
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        patch.setenv("RESTIC_PASSWORD", PASSPHRASE)
        with contextlib.suppress(recover.Refused):
            recover.run(arguments)
    whole = {f"/{path}": sha256(content) for path, content in files_below(folder / "out").items()}
    assert any(whole.items() <= snapshot.items() for snapshot in EXPECTED["ours-good"]["snapshots"].values())


def damage(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    kind = chance.randrange(4)
    if kind == 0:
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    elif kind == 1:
        del content[chance.randrange(len(content)) :]
    elif kind == 2:
        content[:] = chance.randbytes(chance.randrange(200))
    else:
        path.unlink()
        return
    path.write_bytes(content)
