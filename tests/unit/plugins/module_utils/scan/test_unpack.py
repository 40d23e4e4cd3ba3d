# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is packed is found, what cannot be unpacked is said, and nothing makes the unpackers crash, hang or fill memory."""

from __future__ import annotations

import base64
import gzip
import io
import re
import tracemalloc
import typing as t
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.unpack_budget import Budget, Limits
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.unpack_ole import macro_chunks
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.unpack_piece import IN_MEMORY, WINDOW, Piece
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.unpack_walk import look_through
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.scan.packings import (
    FILE,
    MARK,
    PACKINGS,
    encrypted_zip,
    look,
    mail,
    signed_mail,
    tarred,
    tnef,
    zipped,
)

NAMES = sorted(PACKINGS)
CARRIERS = sorted(set(PACKINGS) - {"macro", "docm"})
"""In which a file lies as it is; a macro is text around it."""
MIB = 1 << 20


@pytest.mark.parametrize("name", NAMES)
def test_what_is_packed_is_found_and_nothing_harmless_in_that_packing_is_called_unscannable(name: str) -> None:
    assert look(PACKINGS[name](FILE)) == (True, ())
    assert look(PACKINGS[name](b"harmless" * 40)) == (False, ("zip data that is cut off",) if name == "zip with another size" else ())


@pytest.mark.parametrize("inner", ["data url", "uuencoded text"])
def test_zeros_behind_a_text_hide_nothing_in_it(inner: str) -> None:
    assert look(PACKINGS[inner](FILE) + bytes(500))[0]


@settings(max_examples=60)
@given(st.lists(st.sampled_from(CARRIERS), min_size=2, max_size=4), st.binary(max_size=300))
def test_packings_inside_one_another_are_unpacked(names: list[str], around: bytes) -> None:
    content = around + FILE
    for name in names:
        content = PACKINGS[name](content)
    assert look(content)[0]


def by_reason(value: object) -> str:
    """Contents have times in them, and the names of tests shall be the same each time."""
    return value if isinstance(value, str) else ""


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (encrypted_zip(), "encrypted zip file"),
        (mail(encrypted_zip()), "encrypted zip file"),
        (zipped(b"harmless")[:-90], "damaged zip file"),
        (b"PK\x03\x04" + bytes(40), "damaged zip file"),
        (gzip.compress(b"harmless" * 40)[:-12], "gzip data that is cut off"),
        (mail(gzip.compress(b"harmless" * 40)[:15] + b"xxxxxxxx"), "damaged gzip data"),
        (tarred(b"harmless" * 400)[:4500], "tar file that is cut off"),
        (tnef(b"harmless" * 40)[:60], "TNEF data (winmail.dat) that is cut off"),
        (mail(b"7z\xbc\xaf\x27\x1c" + bytes(40)), "7-Zip archive"),
        (zipped(b"Rar!\x1a\x07\x01\x00" + bytes(40)), "RAR archive"),
        (b"MSCF\0\0\0\0" + bytes(40), "cabinet file (CAB)"),
        (b"MZ" + bytes(400) + b"Rar!\x1a\x07\x01\x00", "RAR archive inside a program or installer"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "EncryptedPackage".encode("utf-16-le"), "encrypted Office document"),
        (bytes(0x8001) + b"CD001" + bytes(4000), "disk image (ISO, UDF)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "damaged compound file (old Office document or .msg)"),
        (PACKINGS["ole"](b"harmless" * 900)[:-600], "damaged compound file (old Office document or .msg)"),
        (mail(bytes.fromhex("76e80460c411e386") + bytes(40)), "encrypted mail (Microsoft Purview)"),
        (b"%PDF-1.7\ntrailer <</Encrypt 5 0 R>>", "encrypted PDF file"),
        (mail(b"-----BEGIN PGP MESSAGE-----\n\nhQEM\n", "8bit"), "encrypted text or mail (OpenPGP)"),
        (b"\x30\x80" + bytes.fromhex("06092a864886f70d010703") + bytes(40), "encrypted mail (S/MIME)"),
        (mail(b"x").replace(b"application/octet-stream", b"message/partial"), "mail that is one of several fragments"),
        (b"MIME-Version: 1.0\nX: " + b"y" * (5 * MIB), "mail header of more than 4 MiB"),
    ],
    ids=by_reason,
)
def test_what_cannot_be_looked_into_is_said(content: bytes, reason: str) -> None:
    found, reasons = look(content)
    assert reason in reasons
    assert not found or FILE in content or MARK in content


@pytest.mark.parametrize(
    ("packed", "expected"),
    [
        # The first two are examples of [MS-OVBA] 3.2.1 and 3.2.2.
        ("0119b000616263646566676800696a6b6c6d6e6f70007172737475762e", "abcdefghijklmnopqrstuv."),
        (
            "012fb00023616161626364658266007061676869 6a01380861 6b6c00306d6e6f7006710270041072737475761077 78797a003c",
            "#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa",
        ),
        ("0103b002614500", "a" * 73),
    ],
)
def test_a_macro_is_unpacked_as_its_description_says(packed: str, expected: str) -> None:
    with Piece([bytes.fromhex(packed)]) as piece:
        text = b"".join(macro_chunks(piece, 0)).decode()
    assert text == expected


def test_what_came_before_the_damage_is_looked_at() -> None:
    cut = gzip.compress(MARK + zlib.compress(bytes(range(256)) * 40, 0), 0)[:-100]
    assert look(cut)[0]


@pytest.mark.parametrize(
    "disguise",
    [
        lambda content: content.replace(b"Encoding: base64", b'Encoding :\n  "BASE64" '),
        lambda content: content.replace(b"Encoding: base64", b"Encoding: 7bit\nContent-Transfer-Encoding: base64"),
        lambda content: content.replace(b'boundary="b 1"', b'boundary*0="b"; boundary*1=" 1"'),
        lambda content: content.replace(b'boundary="b 1"', b"boundary*=us-ascii'en'b%201"),
        lambda content: content.replace(b'boundary="b 1"', b'boundary="b 1'),
        lambda content: content.replace(b'boundary="b 1"', b"boundary=other"),
        lambda content: content.replace(b'; boundary="b 1"', b""),
        lambda content: content.replace(b'boundary="b 1"', b'boundary="x"; boundary="b 1"'),
        lambda content: content.replace(b"Content-Type: multipart", b"Content-Type: text/plain\nContent-type:multipart"),
        lambda content: content.replace(b"--b 1\nContent-Type: app", b"--b 1--\n--b 1  \nContent-Type: app"),
        lambda content: content.replace(b"--b 1--", b""),
        lambda content: content.replace(b"Subject: a file", b"this is no header\nSubject: a file"),
        lambda content: content.replace(b"\n\npreamble", b"\n\n\n\npreamble"),
    ],
)
def test_a_malformed_mail_is_read_as_leniently_as_mail_programs_do(disguise: t.Callable[[bytes], bytes]) -> None:
    disguised = disguise(mail(FILE))
    assert disguised != mail(FILE)
    assert look(disguised)[0]


def test_base64_is_read_on_behind_padding_and_through_what_does_not_belong_to_it() -> None:
    coded = base64.b64encode(FILE[:100]) + b"\n" + b"-~*".join(base64.b64encode(FILE[100:])[place:][:7] for place in range(0, 800, 7))
    plain = mail(b"")
    place = plain.find(b"base64\n\n") + 8
    assert look(plain[:place] + coded + plain[place:])[0]


@given(st.sampled_from(NAMES), st.data())
def test_no_damage_makes_the_unpackers_crash(name: str, data: st.DataObject) -> None:
    content = bytearray(PACKINGS[name](FILE))
    for _change in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    look(bytes(content[: data.draw(st.integers(1, len(content)))]))


@given(st.sampled_from([PACKINGS[name](b"")[:16] for name in NAMES]), st.binary(max_size=600))
def test_no_content_makes_the_unpackers_crash(begin: bytes, content: bytes) -> None:
    look(begin + content)
    look(content)


def bomb(layers: int, size: int) -> bytes:
    content = bytes(size)
    for _layer in range(layers):
        content = gzip.compress(content)
    return content


@pytest.mark.parametrize(
    ("content", "limits", "reason"),
    [
        (bomb(1, 3 * MIB), Limits(ratio=10, ratio_from=MIB), "unpacks to more than 1 MiB and 10 times its size"),
        (bomb(3, 3 * MIB), Limits(unpacked=MIB), "unpacks to more than 1 MiB"),
        (bomb(20, 10), Limits(), "packed more than 16 times in one another"),
        (b"".join(tarred(b"x") for _number in range(30)), Limits(pieces=20), "holds more than 20 parts"),
        (mail(b"x") + b"--b 1\n\nx\n" * 12_000, Limits(), "holds more than 10,000 parts"),
        (gzip.compress(b"") * 12_000, Limits(), "gzip data in more than 10,000 pieces"),
    ],
    ids=by_reason,
)
def test_a_bomb_is_unscannable_and_never_clean(content: bytes, limits: Limits, reason: str) -> None:
    assert reason in look(content, limits)[1]


def test_a_zip_whose_entries_lie_over_one_another_is_stopped() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(2 * MIB))
    whole = packed.getvalue()
    start = whole.find(b"PK\x01\x02")
    end = whole.find(b"PK\x05\x06")
    entries = [whole[start:end][:42] + bytes((number % 3, 0, 0, 0)) + whole[start:end][46:] for number in range(3)]
    directory = whole[start:end] * 500 + b"".join(entries)
    tail = whole[end : end + 12] + len(directory).to_bytes(4, "little") + whole[end + 16 :]
    assert look(whole[:start] + directory + tail, Limits(unpacked=MIB))[1] == ("unpacks to more than 1 MiB",)


def test_a_message_of_150_mib_is_looked_through_in_little_memory() -> None:
    line = base64.b64encode(bytes(range(57))) + b"\r\n"
    block = line * (MIB // len(line))

    def chunks() -> t.Iterator[bytes]:
        yield mail(b"").partition(b"base64\n\n")[0] + b"base64\n\n"
        for _number in range(151):
            yield block
        yield base64.b64encode(zipped(FILE)) + b"\n--b 1--\n"

    sizes = []

    def see(piece: Piece) -> tuple[bool, str]:
        sizes.append(piece.size)
        return False, ""

    tracemalloc.start()
    with Piece(chunks()) as whole:
        look_through(whole, Budget(whole.size, Limits()), see)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert max(sizes) > 150 * MIB
    assert sorted(sizes)[-2] > 110 * MIB
    assert peak < 2 * IN_MEMORY + 8 * MIB


@settings(max_examples=25)
@given(st.binary(min_size=1, max_size=400), st.binary(min_size=1, max_size=3), st.integers(0, 400), st.integers(0, 500))
def test_a_piece_in_a_file_answers_like_one_in_memory(block: bytes, wanted: bytes, start: int, stop: int) -> None:
    content = block * 3
    with Piece([content]) as small, Piece([bytes(IN_MEMORY), content, bytes(WINDOW), content]) as large:
        assert large.data is None
        assert large.descriptor >= 0
        assert small.data == content
        assert large.read(IN_MEMORY + start, IN_MEMORY + stop) == (content + bytes(WINDOW))[start:stop]
        expected = (content + bytes(WINDOW) + content).find(wanted, start, stop)
        assert large.find(wanted, IN_MEMORY + start, IN_MEMORY + stop) == (expected if expected < 0 else IN_MEMORY + expected)
        match = large.search(re.compile(re.escape(wanted)), IN_MEMORY + start, IN_MEMORY + stop)
        assert match == (None if expected < 0 else (IN_MEMORY + expected, wanted))
        assert large.search(re.compile(re.escape(b"\1\2" + content)), WINDOW // 2) is None
        last = large.find(content, IN_MEMORY + len(content))
        assert last == (bytes(IN_MEMORY) + content + bytes(WINDOW) + content).find(content, IN_MEMORY + len(content))


def test_signed_mail_with_a_signature_beside_it_holds_nothing_more() -> None:
    assert look(signed_mail(b"harmless").replace(b"pkcs7-mime", b"pkcs7-signature")) == (False, ())
