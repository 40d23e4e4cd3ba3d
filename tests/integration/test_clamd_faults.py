# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A clamd that is killed, hangs, comes back, reloads or refuses: nothing is clean without its word, and nothing waits for ever."""

from __future__ import annotations

import shutil
import socket
import threading
import time
import typing as t

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan import clamd, clamd_session, outage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.open_scanner import open_scanner
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.scanner import AUTO, CLAMAV, ScannerDown, ScanSettings
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.self_test import EICAR
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.verdict import VerdictKind
from ansible_collections.tenantvault.m365_backup.tests.integration.clamd_daemon import Clamd, needs_clamd, running_clamd
from ansible_collections.tenantvault.m365_backup.tests.integration.scan_contents import Eventful, scanner_of, utc_now, verdict_of

INFECTED, UNSCANNABLE, CLEAN = VerdictKind.INFECTED, VerdictKind.UNSCANNABLE, VerdictKind.CLEAN
SHORT = 1.5
MARKER = b"Is this a marker that I see before me?"
pytestmark = needs_clamd


@pytest.fixture
def daemon() -> t.Iterator[Clamd]:
    with running_clamd() as daemon:
        yield daemon


@pytest.fixture
def marked() -> t.Iterator[Clamd]:
    """One that finds MARKER wherever it stands, so that a content is only known when all of it was seen."""
    with running_clamd() as daemon:
        daemon.set_signatures({"Test.Marker": MARKER})
        daemon.reload()
        yield daemon


def later(seconds: float, *actions: t.Callable[[], None]) -> None:
    """Do it in another thread, after some time."""

    def act() -> None:
        time.sleep(seconds)
        for action in actions:
            action()

    threading.Thread(target=act).start()


@pytest.mark.parametrize("how", ["killed", "stopped", "hung", "reloaded"])
def test_a_content_gets_its_verdict_though_the_daemon_goes_away_in_the_middle(marked: Clamd, how: str) -> None:
    def event() -> None:
        if how == "reloaded":
            marked.reload()
        elif how == "hung":
            marked.hang()
            later(1.0, marked.go_on)
        else:
            (marked.kill if how == "killed" else marked.stop)()
            later(0.3, marked.start)

    content = Eventful(event, end=MARKER)
    with scanner_of(marked.socket) as scanner:
        assert scanner.scan(content).names == ("Test.Marker.UNOFFICIAL",)
        assert verdict_of(scanner, b"harmless").kind is CLEAN


@pytest.mark.parametrize("how", ["killed", "stopped", "hung"])
def test_inv11_a_daemon_that_stays_away_in_the_middle_makes_nothing_clean(daemon: Clamd, how: str) -> None:
    away = {"killed": daemon.kill, "stopped": daemon.stop, "hung": daemon.hang}[how]
    with scanner_of(daemon.socket, patience=SHORT) as scanner:
        with pytest.raises(ScannerDown) as first:
            scanner.scan(Eventful(away))
        with pytest.raises(ScannerDown) as second:
            verdict_of(scanner, b"harmless")
    assert daemon.socket in first.value.what
    assert second.value.what == first.value.what


def test_a_daemon_that_comes_back_after_it_was_given_up_is_used_again(daemon: Clamd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage, "PROBE_EVERY", 0.5)
    with scanner_of(daemon.socket, patience=SHORT) as scanner:
        daemon.hang()
        with pytest.raises(ScannerDown, match="gave no sign of life"):
            verdict_of(scanner, b"harmless")
        daemon.go_on()
        with pytest.raises(ScannerDown):
            verdict_of(scanner, EICAR)
        time.sleep(0.6)
        assert verdict_of(scanner, EICAR).kind is INFECTED


def test_a_long_scan_is_waited_for_as_long_as_the_daemon_lives_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """An expression that cannot match keeps one of its threads busy for seconds; the others answer PING all the time."""
    slow = b"slow:" + b"a" * 24 + b"b!"
    with running_clamd(PCREMatchLimit="2000000000", PCRERecMatchLimit="2000000000") as daemon:
        (daemon.signatures / "slow.ldb").write_text(f"Test.Slow;Engine:81-255,Target:0;0&1;{b'slow:'.hex()};0/(a+)+!/\n", encoding="ascii")
        daemon.reload()
        with scanner_of(daemon.socket, patience=SHORT) as scanner:
            started = time.monotonic()
            assert verdict_of(scanner, slow).kind is CLEAN
            assert time.monotonic() - started > SHORT
            monkeypatch.setattr(clamd_session, "LONGEST_SCAN", 0.5)
            assert verdict_of(scanner, slow + b" ").reason.startswith("clamd was not ready after")
            assert verdict_of(scanner, EICAR).kind is INFECTED


def test_inv11_a_content_on_which_the_daemon_ends_each_time_is_unscannable_and_stops_nobody_else(daemon: Clamd) -> None:
    def crash() -> None:
        daemon.kill()
        daemon.start()

    with scanner_of(daemon.socket) as scanner:
        verdict = scanner.scan(Eventful(crash, end=EICAR, times=9))
        assert (verdict.kind, verdict.reason.startswith("clamd gave up on it 3 times")) == (UNSCANNABLE, True)
        assert verdict_of(scanner, EICAR).kind is INFECTED


def test_inv11_a_content_that_is_read_too_slowly_for_the_daemon_is_not_blamed_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clamd, "_ATTEMPTS", 1)
    monkeypatch.setattr(clamd, "_SLOW", 1.0)
    with running_clamd(ReadTimeout="1") as daemon, scanner_of(daemon.socket) as scanner:
        with pytest.raises(ScannerDown, match="read too slowly"):
            scanner.scan(Eventful(lambda: time.sleep(2.5), times=9))
        assert verdict_of(scanner, EICAR).kind is INFECTED


@pytest.mark.parametrize("over_tcp", [False, True])
def test_a_content_over_the_size_limit_of_the_daemon_is_unscannable_and_the_next_ones_are_scanned(over_tcp: bool) -> None:
    with (
        running_clamd(port=free_port(), StreamMaxLength="1M") as daemon,
        scanner_of(daemon.tcp if over_tcp else daemon.socket) as scanner,
    ):
        for _time in range(3):
            verdict = verdict_of(scanner, b"." * (40 << 20))
            assert (verdict.kind, verdict.reason) == (UNSCANNABLE, "larger than StreamMaxLength in clamd.conf")
            assert verdict_of(scanner, EICAR).kind is INFECTED


def test_a_daemon_without_a_free_connection_is_waited_for_and_not_for_ever() -> None:
    with running_clamd(MaxThreads="1", MaxQueue="2", MaxConnectionQueueLength="1") as daemon:
        others = list(all_connections(daemon))
        later(0.5, *(other.close for other in others))
        with scanner_of(daemon.socket) as scanner:
            assert verdict_of(scanner, EICAR).kind is INFECTED
        others = list(all_connections(daemon))
        with pytest.raises(ScannerDown, match="Resource temporarily unavailable") as caught:
            scanner_of(daemon.socket, patience=SHORT).__enter__()
        assert "MaxConnectionQueueLength" in caught.value.hint
        for other in others:
            other.close()


def test_inv11_a_daemon_that_has_no_place_for_temporary_files_has_judged_nothing(daemon: Clamd) -> None:
    with scanner_of(daemon.socket, patience=SHORT) as scanner:
        shutil.rmtree(daemon.folder / "temporary")
        with pytest.raises(ScannerDown, match="does not answer"):
            verdict_of(scanner, b"harmless")
        (daemon.folder / "temporary").mkdir()


def test_new_signatures_are_used_by_a_run_that_is_under_way_and_its_verdicts_say_so(daemon: Clamd, monkeypatch: pytest.MonkeyPatch) -> None:
    with scanner_of(daemon.socket) as scanner:
        before = verdict_of(scanner, MARKER)
        assert (before.kind, before.database) == (CLEAN, f"{scanner.engine.version}/1")
        daemon.set_signatures({"Test.Marker": MARKER}, version=2)
        daemon.reload()
        monkeypatch.setattr(clamd, "_AGE", 0.0)
        after = verdict_of(scanner, MARKER)
        assert (after.names, after.database) == (("Test.Marker.UNOFFICIAL",), f"{scanner.engine.version}/2")
        assert scanner.engine.database == after.database


def test_own_signatures_beside_the_official_ones_are_another_database(daemon: Clamd) -> None:
    (daemon.signatures / "own.ndb").write_text(f"Own.Marker:0:*:{MARKER.hex()}\n", encoding="ascii")
    daemon.reload()
    settings = ScanSettings(engine=CLAMAV, socket=daemon.socket)
    scanner = open_scanner(settings, now=utc_now, signature_folder=daemon.signatures)
    assert verdict_of(scanner, MARKER).names == ("Own.Marker.UNOFFICIAL",)
    assert scanner.engine.database.startswith(f"{scanner.engine.version}/1+own-")
    scanner.close()


def test_inv11_a_daemon_that_comes_back_without_the_signatures_is_not_believed(daemon: Clamd) -> None:
    def worse() -> None:
        daemon.kill()
        daemon.set_signatures({"Test.Marker": MARKER}, with_eicar=False)
        daemon.start()

    with scanner_of(daemon.socket, patience=SHORT) as scanner, pytest.raises(ScannerDown, match="does not find the test virus"):
        scanner.scan(Eventful(worse))


def test_a_scan_under_way_ends_when_the_scanner_is_closed(daemon: Clamd) -> None:
    with scanner_of(daemon.socket) as scanner:
        with pytest.raises(ScannerDown, match="was ended"):
            scanner.scan(Eventful(lambda: (daemon.hang(), later(0.2, scanner.close))[0]))
        with pytest.raises(ScannerDown):
            verdict_of(scanner, EICAR)


def test_a_socket_that_nobody_listens_on_is_an_engine_that_is_down(daemon: Clamd) -> None:
    for address in (f"{daemon.socket}-gone", f"tcp://127.0.0.1:{free_port()}"):
        with pytest.raises(ScannerDown, match=r"cannot be reached") as caught:
            scanner_of(address, patience=0.2).__enter__()
        assert "Start clamd" in caught.value.hint


def test_auto_takes_the_daemon_that_answers(daemon: Clamd) -> None:
    with scanner_of(daemon.socket, engine=AUTO, rules=("/rules/that/are/not/read",)) as scanner:
        assert scanner.engine.name == CLAMAV


def all_connections(daemon: Clamd) -> t.Iterator[socket.socket]:
    """As many as it takes, each in the middle of a content."""
    refusals = 0
    while refusals < 10:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(1)
        try:
            connection.connect(daemon.socket)
        except BlockingIOError:
            connection.close()
            refusals += 1
        else:
            connection.sendall(b"zINSTREAM\0\0\0\0\x05")
            refusals = 0
            yield connection
        time.sleep(0.03)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
