# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which mails are encrypted, as far as their beginning says so."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.sealed_mail import BEGINNING, Beginning, sealed_with

ENVELOPED = base64.encodebytes(bytes.fromhex("308201d306092a864886f70d010703a08201c4308201c0020100") + b"x" * 90)
SIGNED = base64.encodebytes(bytes.fromhex("308201d306092a864886f70d010702a08201c4308201c0020100") + b"x" * 90)


def mail(content_type: str, body: bytes) -> bytes:
    return f"From: a@b\r\nReceived: by x\r\nContent-Type: {content_type}\r\nContent-Transfer-Encoding: base64\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("content", "seal"),
    [
        (mail("application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", ENVELOPED), "S/MIME"),
        (mail('application/x-pkcs7-mime;\r\n\tname="smime.p7m"', ENVELOPED), "S/MIME"),
        (mail("application/pkcs7-mime; smime-type=signed-data", ENVELOPED), "S/MIME"),
        (mail("application/pkcs7-mime; smime-type=enveloped-data", b"\r\n"), "S/MIME"),
        (mail("Application/PKCS7-MIME; smime-type=signed-data; name=smime.p7m", SIGNED), ""),
        (mail("application/pkcs7-mime; smime-type=enveloped-data", SIGNED), ""),
        (mail("multipart/signed; protocol=application/pkcs7-signature", b"text"), ""),
        (mail('multipart/encrypted;\r\n protocol="application/pgp-encrypted"; boundary=x', b"--x"), "PGP"),
        (mail("text/plain", b"Hello\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA\r\n"), "PGP"),
        (b"-----BEGIN PGP MESSAGE-----\n\nhQEMA\n", "PGP"),
        (mail("text/plain", b"> -----BEGIN PGP MESSAGE-----\r\n"), ""),
        (mail("text/plain", b"-----BEGIN PGP SIGNED MESSAGE-----\r\n"), ""),
        (mail("text/plain", b"Write multipart/encrypted or application/pkcs7-mime there.\r\n"), ""),
        (b"", ""),
    ],
)
def test_a_mail_is_sealed_when_its_structure_says_so(content: bytes, seal: str) -> None:
    assert sealed_with(content) == seal


@given(st.lists(st.binary(max_size=3 * BEGINNING // 4), max_size=5))
def test_the_beginning_is_remembered_and_everything_passes_each_time(chunks: list[bytes]) -> None:
    beginning = Beginning()
    for _attempt in range(2):
        assert list(beginning.watch(chunks)) == chunks
        assert beginning.bytes() == b"".join(chunks)[:BEGINNING]


@given(st.binary())
def test_any_bytes_can_be_asked(content: bytes) -> None:
    assert sealed_with(content) in ("", "PGP", "S/MIME")
    assert sealed_with(mail("application/pkcs7-mime", content)) in ("", "PGP", "S/MIME")
