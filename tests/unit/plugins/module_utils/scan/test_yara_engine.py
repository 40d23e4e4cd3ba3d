# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The embedded engine with the real library: verdicts, rules that are refused, and what counts as another database."""

from __future__ import annotations

import pathlib
import tempfile
import threading
import typing as t
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.scanner import ScannerDown, ScannerUnusable, ScanSettings
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.self_test import EICAR, BytesContent, blind_spots, self_test
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.verdict import Verdict, VerdictKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.yara_engine import YaraScanner, open_yara
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.scan.packings import (
    FILE,
    PACKINGS,
    encrypted_zip,
    mail,
    zipped,
)

pytest.importorskip("boreal", reason="boreal-python has no wheel for Python 3.10")

MARK = """
rule Marked : test { strings: $mark = "what must be found" condition: $mark }
rule Program { strings: $mz = "MZ" condition: $mz at 0 and filename == "" }
private rule Helper { condition: true }
"""
NOW = datetime(2026, 11, 23, 22, 30, tzinfo=timezone.utc)
TESTFILES = pathlib.Path("/usr/share/clamav-testfiles")
CLAM_EXE = """
import "hash"
rule Clam { condition: filesize == 544 and hash.md5(0, filesize) == "aa15bcf478d165efd2065190eb473bcb" }
"""
#: Kinds that are unpacked, of which a file of 544 bytes comes out again.
FOUND = {"clam.bz2.zip", "clam.exe", "clam.exe.bz2", "clam.exe.mbox.base64", "clam.exe.mbox.uu", "clam.mail", "clam.tar.gz"}
FOUND |= {"clam.tnef", "clam.zip", "clam.exe.html"}


class Rules(t.Protocol):
    def __call__(self, text: str = MARK, name: str = "own.yar", **options: t.Any) -> YaraScanner: ...


@pytest.fixture
def opened(tmp_path: pathlib.Path) -> Rules:
    def opened(text: str = MARK, name: str = "own.yar", **options: t.Any) -> YaraScanner:
        tmp_path.joinpath(name).write_text(text, encoding="utf-8")
        return open_yara(ScanSettings(rules=(str(tmp_path),), **options), now=lambda: NOW)

    return opened


def verdict_of(scanner: YaraScanner, content: bytes) -> Verdict:
    return scanner.scan(BytesContent(content))


@pytest.mark.parametrize("name", sorted(PACKINGS))
def test_what_is_packed_is_infected_with_the_names_of_the_rules(opened: Rules, name: str) -> None:
    verdict = verdict_of(opened(), PACKINGS[name](FILE))
    assert verdict.kind is VerdictKind.INFECTED
    assert set(verdict.names) <= {"Marked", "Program"}
    assert (verdict.engine, verdict.time) == ("yara", "2026-11-23T22:30:00Z")


@pytest.mark.parametrize("name", sorted(set(PACKINGS) - {"built mail"}))
def test_the_test_virus_is_found_in_every_packing_whatever_the_rules_of_the_administrator_are(opened: Rules, name: str) -> None:
    assert verdict_of(opened("rule Other { condition: filesize == 2 }"), PACKINGS[name](EICAR)).names == ("EICAR_Test_File",)


def test_the_engine_passes_the_self_test_and_calls_nothing_clean_that_it_did_not_look_into(opened: Rules) -> None:
    scanner = opened()
    self_test(scanner)
    assert blind_spots(scanner) == ()


def test_what_was_looked_into_is_clean_and_what_was_not_is_unscannable(opened: Rules) -> None:
    scanner = opened()
    assert verdict_of(scanner, mail(b"harmless")).kind is VerdictKind.CLEAN
    assert verdict_of(scanner, b"").kind is VerdictKind.CLEAN
    verdict = verdict_of(scanner, mail(encrypted_zip()))
    assert (verdict.kind, verdict.reason) == (VerdictKind.UNSCANNABLE, "encrypted zip file")


def test_what_is_found_beside_something_encrypted_is_infected(opened: Rules) -> None:
    content = mail(encrypted_zip()) + mail(FILE).partition(b"hello\n")[2]
    assert verdict_of(opened(), content).kind is VerdictKind.INFECTED


def test_a_content_above_the_size_limit_is_unscannable_without_a_look(opened: Rules) -> None:
    scanner = opened(size_limit=1 << 20)
    verdict = verdict_of(scanner, FILE + bytes(1 << 20))
    assert (verdict.kind, verdict.reason) == (VerdictKind.UNSCANNABLE, "larger than the limit of 1 MiB (1.0 MiB)")


def test_a_large_content_is_scanned_from_a_file_by_several_threads_at_a_time(opened: Rules) -> None:
    scanner = opened(at_once=2)
    contents = [bytes(5 << 20) + (FILE if number % 2 else b"harmless") for number in range(8)]
    with ThreadPoolExecutor(4) as threads:
        kinds = [verdict.kind for verdict in threads.map(lambda content: verdict_of(scanner, content), contents)]
    assert kinds == [VerdictKind.CLEAN, VerdictKind.INFECTED] * 4


def test_rules_that_take_too_long_make_a_content_unscannable(tmp_path: pathlib.Path) -> None:
    tmp_path.joinpath("own.yar").write_text(MARK, encoding="utf-8")
    times = iter(NOW + timedelta(minutes=number) for number in range(99))
    scanner = open_yara(ScanSettings(rules=(str(tmp_path),)), now=lambda: next(times))
    verdict = verdict_of(scanner, zipped(b"x") * 30)
    assert (verdict.kind, verdict.reason) == (VerdictKind.UNSCANNABLE, "scanning took longer than 5 minutes")


def test_a_scanner_that_is_closed_knows_nothing(opened: Rules) -> None:
    scanner = opened()
    scanner.close()
    with pytest.raises(ScannerDown):
        verdict_of(scanner, b"harmless")


def test_a_temporary_directory_that_takes_nothing_gives_no_verdict(opened: Rules, monkeypatch: pytest.MonkeyPatch) -> None:
    scanner = opened()
    monkeypatch.setattr(tempfile, "tempdir", "/proc/self/task")
    with pytest.raises(ScannerDown, match=r"temporary directory /proc/self/task .* No such file|Permission"):
        verdict_of(scanner, bytes(5 << 20))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'rule broken {\n strings: $a = "x"\n condition: $a and\n nothing }',
            r'bad\.yar, line 4 are not valid: unknown identifier "nothing"',
        ),
        ("rule broken {", r"bad\.yar, line 1 are not valid: syntax error"),
        ('import "cuckoo"\nrule broken { condition: true }', r"bad\.yar, line 1 are not valid: unknown import cuckoo"),
        ('include "not_there.yar"\nrule broken { condition: true }', r"bad\.yar, line 1 .* cannot include `not_there.yar`"),
    ],
)
def test_a_rule_that_is_not_valid_is_named_with_its_file_and_line(opened: Rules, text: str, expected: str) -> None:
    opened(name="good.yar")
    with pytest.raises(ScannerUnusable, match=expected):
        opened(text, "bad.yar")


@pytest.mark.parametrize("text", ["", "// only a remark", "private rule p { condition: true }"])
def test_files_without_a_rule_are_no_engine(opened: Rules, text: str) -> None:
    with pytest.raises(ScannerUnusable, match=r"no YARA rule in .*own\.yar"):
        opened(text)


def test_rules_have_to_be_there(tmp_path: pathlib.Path) -> None:
    for rules, expected in (
        ((), "has no rules"),
        ((str(tmp_path),), "holds no YARA rules"),
        ((str(tmp_path / "gone.yar"),), "gone.yar cannot be read: No such file"),
    ):
        with pytest.raises(ScannerUnusable, match=expected):
            open_yara(ScanSettings(rules=rules), now=lambda: NOW)


def test_rules_with_equal_names_in_several_files_and_folders_do_not_collide(opened: Rules, tmp_path: pathlib.Path) -> None:
    tmp_path.joinpath("deeper").mkdir()
    opened('rule Marked { strings: $a = "something else" condition: $a }', "deeper/other.YARA")
    assert verdict_of(opened(), FILE).names == ("Marked", "Program")
    assert verdict_of(opened(), b"something else").names == ("Marked",)


def test_the_database_is_another_one_when_any_rule_is_another_one(opened: Rules, tmp_path: pathlib.Path) -> None:
    (tmp_path / "parts").mkdir()
    include = tmp_path / "parts" / "part.inc"
    include.write_text('include "deeper.inc"', encoding="utf-8")
    (tmp_path / "parts" / "deeper.inc").write_text('rule Deep { strings: $a = "deep" condition: $a }', encoding="utf-8")
    text = 'include "parts/part.inc"\n' + MARK
    first = opened(text).engine
    assert opened(text).engine == first
    assert verdict_of(opened(text), b"deep").names == ("Deep",)
    (tmp_path / "parts" / "deeper.inc").write_text('rule Deep { strings: $a = "deeper" condition: $a }', encoding="utf-8")
    assert opened(text).engine.database != first.database
    assert verdict_of(opened(text), b"deep").is_clean
    assert opened(text + " // more").engine.database != opened(text).engine.database


def test_the_name_of_the_folder_of_rules_does_not_make_another_database(tmp_path: pathlib.Path) -> None:
    databases = set()
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "own.yar").write_text(MARK, encoding="utf-8")
        databases.add(open_yara(ScanSettings(rules=(str(tmp_path / name),)), now=lambda: NOW).engine.database)
    assert len(databases) == 1


@pytest.mark.skipif(not TESTFILES.is_dir(), reason="the package clamav-testfiles is not installed")
def test_the_test_files_of_clamav_are_found_as_far_as_this_engine_unpacks_and_no_archive_is_called_clean(opened: Rules) -> None:
    scanner = opened(CLAM_EXE)
    verdicts = {file.name: verdict_of(scanner, file.read_bytes()) for file in TESTFILES.iterdir()}
    assert len(verdicts) == 44
    assert {name for name, verdict in verdicts.items() if verdict.names} == FOUND
    archives = {name for name in verdicts if name.endswith((".7z", ".arj", ".cab", ".chm", ".cpio", ".zip", ".tgz", ".szdd", ".binhex"))}
    assert [name for name in sorted(archives) if verdicts[name].is_clean] == []


def test_many_threads_may_open_and_scan_at_the_same_time(opened: Rules, tmp_path: pathlib.Path) -> None:
    kinds: list[VerdictKind] = []
    scanner = opened()
    barrier = threading.Barrier(6)

    def work() -> None:
        barrier.wait()
        again = open_yara(ScanSettings(rules=(str(tmp_path),)), now=lambda: NOW)
        assert again.engine == scanner.engine
        kinds.append(verdict_of(again, zipped(FILE, zipfile.ZIP_STORED)).kind)

    threads = [threading.Thread(target=work) for _number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kinds == [VerdictKind.INFECTED] * 6
