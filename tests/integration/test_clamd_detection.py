# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real clamd finds in what we give it, and what it says of what it cannot look into."""

from __future__ import annotations

import os
import random
import tracemalloc
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.fts_mime import fts_as_eml
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.held_content import HeldContent
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.scanner import ScannerUnusable
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.self_test import EICAR, ENCRYPTED_ZIP, blind_spots, deep_gzip
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.verdict import Verdict, VerdictKind
from ansible_collections.tenantvault.m365_backup.tests.integration import infected
from ansible_collections.tenantvault.m365_backup.tests.integration.clamd_daemon import (
    CLAM_EXE_NAME,
    EICAR_NAME,
    TEST_FILES,
    Clamd,
    needs_clamd,
    running_clamd,
)
from ansible_collections.tenantvault.m365_backup.tests.integration.scan_contents import scanner_of, verdict_of

if t.TYPE_CHECKING:
    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.scanner import Scanner

CORPUS = os.environ.get("M365_CORPUS", "")
INFECTED, UNSCANNABLE, CLEAN = VerdictKind.INFECTED, VerdictKind.UNSCANNABLE, VerdictKind.CLEAN
pytestmark = needs_clamd


@pytest.fixture(scope="module")
def scanner(clamd: Clamd) -> t.Iterator[Scanner]:
    with scanner_of(clamd.socket, at_once=2) as scanner:
        yield scanner


def found(scanner: Scanner, contents: dict[str, bytes]) -> dict[str, tuple[str, ...]]:
    return {name: verdict_of(scanner, content).names for name, content in contents.items()}


def test_every_test_file_of_clamav_is_found(scanner: Scanner) -> None:
    contents = {path.name: path.read_bytes() for path in TEST_FILES.iterdir()}
    assert len(contents) >= 44
    assert found(scanner, contents) == dict.fromkeys(contents, (CLAM_EXE_NAME,))


def test_eicar_is_found_in_every_disguise_of_mail(scanner: Scanner) -> None:
    contents = infected.mails()
    assert found(scanner, contents) == dict.fromkeys(contents, (EICAR_NAME,))


def test_eicar_is_found_in_every_disguise_of_a_file(scanner: Scanner) -> None:
    contents = infected.files()
    assert found(scanner, contents) == dict.fromkeys(contents, (EICAR_NAME,))


def test_eicar_is_found_in_what_an_archive_mailbox_exports(scanner: Scanner) -> None:
    contents = {}
    for name, stream in infected.export_streams().items():
        with fts_as_eml([stream]) as converted:
            contents[name] = b"".join(converted.chunks())
    assert found(scanner, contents) == dict.fromkeys(contents, (EICAR_NAME,))


def test_a_verdict_says_by_what_and_when(scanner: Scanner) -> None:
    verdict = verdict_of(scanner, EICAR)
    assert (verdict.engine, verdict.database) == ("clamav", scanner.engine.database)
    assert scanner.engine.database == f"{scanner.engine.version}/1"
    assert scanner.engine.released.startswith("20")
    assert Verdict.from_dict(verdict.as_dict()) == verdict


def test_inv11_what_cannot_be_looked_into_is_unscannable_and_not_clean(scanner: Scanner) -> None:
    assert verdict_of(scanner, ENCRYPTED_ZIP).kind is UNSCANNABLE
    assert verdict_of(scanner, infected.mail(ENCRYPTED_ZIP, "locked.zip", "application/zip")).reason == "encrypted (Zip)"
    sealed = infected.mail(text="-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n")
    assert verdict_of(scanner, sealed).reason == "encrypted (PGP)"
    deep = verdict_of(scanner, deep_gzip())
    assert (deep.kind, deep.reason) == (UNSCANNABLE, "exceeds MaxRecursion in clamd.conf")


def test_what_is_infected_beside_what_is_locked_is_infected(scanner: Scanner) -> None:
    both = infected.zipped(EICAR, "eicar.com", ("locked.zip", ENCRYPTED_ZIP))
    assert verdict_of(scanner, both).names == (EICAR_NAME,)


@pytest.mark.skipif(not CORPUS, reason="M365_CORPUS does not name a folder of sample data")
def test_nothing_in_the_corpus_is_called_infected(scanner: Scanner) -> None:
    paths = [path for path in sorted(Path(CORPUS).rglob("*")) if path.is_file()]
    with ThreadPoolExecutor(2) as pool:
        verdicts = dict(pool.map(lambda path: (path, verdict_of(scanner, path.read_bytes())), paths))
    alarms = {path.name: verdict.names for path, verdict in verdicts.items() if verdict.kind is INFECTED}
    assert len(verdicts) > 1000
    assert alarms == {}


def test_many_threads_share_it_and_each_gets_the_verdict_on_its_own_content(clamd: Clamd) -> None:
    order = random.Random(6)
    contents = [EICAR if order.random() < 0.3 else order.randbytes(order.choice((0, 10, 5000, 300_000))) for _number in range(150)]
    with scanner_of(clamd.socket, at_once=3) as scanner, ThreadPoolExecutor(12) as pool:
        verdicts = list(pool.map(lambda content: verdict_of(scanner, content), contents))
    assert [verdict.kind for verdict in verdicts] == [INFECTED if content == EICAR else CLEAN for content in contents]


def test_a_large_content_is_never_in_memory_as_a_whole(scanner: Scanner) -> None:
    with HeldContent(200 << 20) as held:
        tracemalloc.start()
        for _piece in held.watch(b"%07d\n" % number * 16384 for number in range(1200)):
            pass
        verdict = scanner.scan(held)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (verdict.kind, held.size >> 20) == (CLEAN, 150)
    assert peak < 16 << 20


def test_the_limits_of_the_plan_and_of_the_daemon_make_unscannable(clamd: Clamd) -> None:
    with scanner_of(clamd.socket, size_limit=1 << 20) as scanner:
        assert verdict_of(scanner, b"." * (1 << 20)).kind is CLEAN
        assert verdict_of(scanner, b"." * ((1 << 20) + 1)).reason == "larger than the limit of 1 MiB (1.0 MiB)"
    with running_clamd(MaxFileSize="1M") as small, scanner_of(small.socket) as scanner:
        verdict = verdict_of(scanner, random.Random(1).randbytes(2 << 20))
        assert (verdict.kind, verdict.reason) == (UNSCANNABLE, "exceeds MaxFileSize in clamd.conf")


def test_a_daemon_that_is_blind_by_its_settings_is_told_of_or_refused() -> None:
    with running_clamd() as daemon, scanner_of(daemon.socket) as scanner:
        assert blind_spots(scanner) == ()
    with running_clamd(AlertEncrypted="no", AlertExceedsMax="no") as daemon, scanner_of(daemon.socket) as scanner:
        spots = blind_spots(scanner)
        assert [word for spot in spots for word in ("AlertEncrypted yes", "AlertExceedsMax yes") if word in spot] == [
            "AlertEncrypted yes",
            "AlertExceedsMax yes",
        ]
    with running_clamd(ScanMail="no") as daemon, pytest.raises(ScannerUnusable, match="not in a zip that is attached to a mail"):
        scanner_of(daemon.socket).__enter__()
    with running_clamd() as daemon:
        daemon.set_signatures(with_eicar=False)
        daemon.reload()
        with pytest.raises(ScannerUnusable, match="does not find the test virus EICAR"):
            scanner_of(daemon.socket).__enter__()
