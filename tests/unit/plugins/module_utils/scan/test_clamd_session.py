# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a session makes of a peer that is no clamd, or one that has lost its mind. A real one is in tests/integration."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
import typing as t
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.clamd_address import Address
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.clamd_session import BlindDaemon, Session
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.clamd_wire import NoReply
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.verdict import VerdictKind

GREETING = b"1: ClamAV 1.4.6/27463/Mon Nov 23 14:33:05 2026\0"
SEES_EICAR = b"2: stream: Eicar FOUND\0"


@contextlib.contextmanager
def peer(*replies: bytes) -> t.Iterator[Address]:
    """Somebody who says one of these things after each end of a stream, the first at once, and then hangs up."""
    with tempfile.TemporaryDirectory(prefix="peer-") as folder, socket.socket(socket.AF_UNIX) as listener:
        path = str(Path(folder, "socket"))
        listener.bind(path)
        listener.listen()

        def speak() -> None:
            connection, _address = listener.accept()
            with connection, contextlib.suppress(OSError):
                for number, reply in enumerate(replies):
                    heard = b""
                    while number and not heard.endswith(b"\0\0\0\0"):
                        heard += connection.recv(1 << 16) or b"\0\0\0\0"
                    connection.sendall(reply)

        speaker = threading.Thread(target=speak)
        speaker.start()
        try:
            yield Address(path, path=path)
        finally:
            speaker.join()


def judged(reply: bytes) -> VerdictKind | None:
    with peer(GREETING, SEES_EICAR, reply) as address:
        session = Session(address, patience=2.0, may_take=2.0)
        try:
            return session.judge((b"content",)).kind
        except NoReply:
            return None
        finally:
            session.close()


def test_the_exact_reply_to_the_command_is_believed() -> None:
    assert judged(b"3: stream: OK\0") is VerdictKind.CLEAN
    assert judged(b"3: stream: Some.Virus FOUND\0") is VerdictKind.INFECTED


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"\0",
        b"3: stream: OK",
        b"stream: OK\0",
        b"2: stream: OK\0",
        b"4: stream: OK\0",
        b"OK\0",
        b"3:\0stream: OK\0",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
)
def test_inv11_what_is_not_the_whole_reply_to_the_command_is_no_verdict(reply: bytes) -> None:
    assert judged(reply) is None


@settings(max_examples=60)
@given(st.binary(max_size=60))
def test_inv11_no_noise_is_a_clean_verdict(noise: bytes) -> None:
    assert judged(noise) is not VerdictKind.CLEAN


@pytest.mark.parametrize(
    ("replies", "error"),
    [
        ((b"220 mail.example.com ESMTP\r\n",), NoReply),
        ((b"1: PONG\0",), NoReply),
        ((GREETING, b"2: stream: OK\0"), BlindDaemon),
        ((), NoReply),
    ],
)
def test_who_is_no_clamd_or_does_not_know_the_test_virus_gets_no_content(replies: tuple[bytes, ...], error: type[Exception]) -> None:
    with peer(*replies) as address, pytest.raises(error):
        Session(address, patience=1.0, may_take=1.0)
