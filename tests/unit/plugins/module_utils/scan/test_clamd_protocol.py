# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What replies of clamd mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.clamd_protocol import (
    Judgement,
    Version,
    parse_judgement,
    parse_version,
    split_frames,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.verdict import VerdictKind

CLEAN, INFECTED, UNSCANNABLE = VerdictKind.CLEAN, VerdictKind.INFECTED, VerdictKind.UNSCANNABLE


@pytest.mark.parametrize(
    ("reply", "judgement"),
    [
        ("stream: OK", Judgement(CLEAN)),
        ("stream: Win.Test.EICAR_HDB-1 FOUND", Judgement(INFECTED, name="Win.Test.EICAR_HDB-1")),
        ("stream: Eicar-Test-Signature(44d88612fea8a8f36de82e1278abb02f:68) FOUND", Judgement(INFECTED, name="Eicar-Test-Signature")),
        ("stream: YARA.some_rule.UNOFFICIAL FOUND", Judgement(INFECTED, name="YARA.some_rule.UNOFFICIAL")),
        ("stream: Heuristics.Phishing.Email.SpoofedDomain FOUND", Judgement(INFECTED, name="Heuristics.Phishing.Email.SpoofedDomain")),
        ("stream: Heuristics.Encrypted.Zip FOUND", Judgement(UNSCANNABLE, reason="encrypted (Zip)")),
        ("stream: Heuristics.Limits.Exceeded.MaxScanTime FOUND", Judgement(UNSCANNABLE, reason="exceeds MaxScanTime in clamd.conf")),
        ("INSTREAM size limit exceeded. ERROR", Judgement(UNSCANNABLE, reason="larger than StreamMaxLength in clamd.conf")),
        ("stream: Time limit reached ERROR", Judgement(UNSCANNABLE, reason="clamd said: Time limit reached")),
        ("stream: Can't allocate memory ERROR", Judgement(None, reason="clamd said: Can't allocate memory")),
        ("stream: Can't create temporary file ERROR", Judgement(None, reason="clamd said: Can't create temporary file")),
        ("Error processing command. ERROR", Judgement(None, reason="clamd said: Error processing command")),
        ("", Judgement(None, reason="clamd said: an empty reply")),
        ("stream: OK ERROR", Judgement(UNSCANNABLE, reason="clamd said: OK")),
        ("stream:  FOUND", Judgement(INFECTED, name="unnamed")),
    ],
)
def test_a_reply_becomes_a_judgement(reply: str, judgement: Judgement) -> None:
    assert parse_judgement(reply) == judgement


@given(
    st.one_of(
        st.text(), st.text().map("stream: {}".format), st.sampled_from(["stream: OK ", "stream: OK\n", "stream:OK", "OK", "1: stream: OK"])
    )
)
def test_inv11_nothing_but_the_one_exact_reply_is_clean(reply: str) -> None:
    assert (parse_judgement(reply).kind is CLEAN) == (reply == "stream: OK")


@given(st.lists(st.tuples(st.integers(1, 10**6), st.text(st.characters(codec="ascii", exclude_categories=["C"]), min_size=1))), st.data())
def test_replies_are_the_same_however_the_network_cuts_them(replies: list[tuple[int, str]], data: st.DataObject) -> None:
    wire = b"".join(f"{number}: {text}\0".encode() for number, text in replies)
    cut = data.draw(st.integers(0, len(wire)))
    first, rest = split_frames(wire[:cut])
    second, end = split_frames(rest + wire[cut:])
    assert end == b""
    assert first + second == [(number, text.strip()) for number, text in replies]


def test_a_reply_that_gives_up_the_whole_connection_has_no_number() -> None:
    assert split_frames(b"COMMAND READ TIMED OUT\0") == ([(0, "COMMAND READ TIMED OUT")], b"")


@pytest.mark.parametrize(
    ("reply", "version"),
    [
        ("ClamAV 1.4.6/27463/Thu Feb 30 04:03:05 2026", Version("1.4.6", "27463")),
        ("ClamAV 1.4.6", Version("1.4.6")),
        ("SSH-2.0-OpenSSH_9.2", None),
        ("", None),
    ],
)
def test_the_version_is_that_of_engine_and_official_signatures(reply: str, version: Version | None) -> None:
    assert parse_version(reply) == version


@pytest.mark.parametrize(
    ("text", "iso"), [("Mon Nov 23 14:33:05 2026", "2026-11-23 14:33:05"), ("Tue Dec  1 04:03:05 2026", "2026-12-01 04:03:05")]
)
def test_the_date_of_the_signatures_is_that_of_the_clock_on_the_wall(text: str, iso: str) -> None:
    version = parse_version(f"ClamAV 1.4.6/27463/{text}")
    assert version is not None
    assert version.released is not None
    assert (version.database, f"{version.released:%Y-%m-%d %H:%M:%S}") == ("27463", iso)
