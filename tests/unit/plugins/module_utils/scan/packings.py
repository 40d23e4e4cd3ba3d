# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A thing that must be found, packed in every way that is unpacked; and the eyes that look for it."""

from __future__ import annotations

import base64
import binascii
import bz2
import email.message
import gzip
import io
import lzma
import struct
import tarfile
import typing as t
import zipfile
import zlib

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.unpack_budget import Budget, Limits
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.unpack_piece import Piece
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.unpack_walk import look_through

MARK = b"<< what must be found, whatever it is packed in >>"
FILE = b"MZ" + bytes(range(1, 256)) + MARK + b"\r\n" + bytes(range(256))
"""A program, so to say: bytes of every value."""


def look(content: bytes, limits: Limits = Limits()) -> tuple[bool, tuple[str, ...]]:
    """Whether the mark is seen in a piece, and what could not be looked into."""
    with Piece([content]) as whole:
        seen: list[bool] = []

        def see(piece: Piece) -> tuple[bool, str]:
            seen.append(piece.find(MARK) >= 0)
            return seen[-1], ""

        reasons = look_through(whole, Budget(whole.size, limits), see)
    return any(seen), reasons


def zipped(content: bytes, method: int = zipfile.ZIP_DEFLATED, name: str = "a.exe") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr("first.txt", b"harmless " * 50)
        archive.writestr(name, content)
    return packed.getvalue()


def streamed_zip(content: bytes) -> bytes:
    """As programs write it that cannot go back: sizes stand behind the data."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise io.UnsupportedOperation

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.exe", content)
    return pipe.getvalue()


def two_zips(content: bytes) -> bytes:
    """The directory at the end knows nothing of what comes first."""
    return zipped(content) + zipped(b"harmless")


def contradicting_zip(content: bytes, place: int, value: bytes) -> bytes:
    """The header of the last entry says something else than the directory."""
    packed = bytearray(zipped(content))
    begin = packed.find(b"PK\x03\x04", 4)
    packed[begin + place : begin + place + len(value)] = value
    return bytes(packed)


def encrypted_zip() -> bytes:
    packed = bytearray(zipped(FILE))
    place = packed.find(b"PK\x03\x04", 4)
    packed[place + 6] |= 1
    packed[packed.rfind(b"PK\x01\x02") + 8] |= 1
    return bytes(packed)


def tarred(content: bytes, form: int = tarfile.PAX_FORMAT) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=form) as archive:
        for name, data in (("name" * (40 if form != tarfile.USTAR_FORMAT else 4), b"harmless"), ("a.exe", content)):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def mail(content: bytes, encoding: str = "base64") -> bytes:
    body = {
        "base64": base64.encodebytes,
        "quoted-printable": lambda data: binascii.b2a_qp(data, istext=False),
        "8bit": lambda data: data,
        "x-uuencode": uuencoded,
    }[encoding](content)
    head = (
        "Received: from elsewhere\nSubject: a file\nMIME-Version: 1.0\n"
        'Content-Type: multipart/mixed; boundary="b 1"\n\npreamble\n--b 1\nContent-Type: text/plain\n\nhello\n--b 1\n'
        f'Content-Type: application/octet-stream; name="a.exe"\nContent-Transfer-Encoding: {encoding}\n\n'
    )
    return head.encode() + body + b"\n--b 1--\nepilogue\n"


def attached_mail(content: bytes) -> bytes:
    inner = mail(content).replace(b"b 1", b"b 1 1")
    outer = mail(b"x", "8bit").replace(b"application/octet-stream", b"message/rfc822")
    return outer.replace(b"\n\nx\n", b"\n\n" + inner + b"\n").replace(b"\n", b"\r\n")


def built_mail(content: bytes) -> bytes:
    """As Python's own library writes it."""
    message = email.message.EmailMessage()
    message["Subject"] = "Grüße"
    message.set_content("Text")
    message.add_alternative("<p>Text</p>", subtype="html")
    message.add_attachment(content, maintype="application", subtype="octet-stream", filename="a.exe")
    return message.as_bytes()


def uuencoded(content: bytes) -> bytes:
    lines = [binascii.b2a_uu(content[place : place + 45]) for place in range(0, len(content), 45)]
    return b"some text\nbegin 644 a.exe\n" + b"".join(lines) + b"`\nend\nmore text\n"


def tnef(content: bytes) -> bytes:
    """winmail.dat with an attachment."""
    return b"\x78\x9f\x3e\x22\x01\x00" + _attribute(0x00069002, b"\0" * 14) + _attribute(0x0006800F, content)


def tnef_in_tnef(content: bytes) -> bytes:
    """An attached message: an object among the properties of an attachment, behind its interface id."""
    inner = b"\x07\x03\x02\x00" + b"\0" * 12 + tnef(content)
    number = struct.pack("<II", 0x37050003, 5)
    named = struct.pack("<I", 0x8001001F) + b"\0" * 16 + struct.pack("<II", 1, 4) + b"n\0\0\0" + struct.pack("<II", 1, 4) + b"v\0\0\0"
    value = struct.pack("<III", 0x3701000D, 1, len(inner)) + inner + b"\0" * (-len(inner) % 4)
    return b"\x78\x9f\x3e\x22\x01\x00" + _attribute(0x00069005, struct.pack("<I", 3) + number + named + value)


def signed_mail(content: bytes) -> bytes:
    """S/MIME whose message lies inside the signature (smime.p7m), in octets of 1,000 bytes as Outlook writes them."""
    inner = mail(content)
    octets = b"".join(_der(0x04, inner[place : place + 1000]) for place in range(0, len(inner), 1000))
    data = _der(0x30, bytes.fromhex("06092a864886f70d010701") + b"\xa0\x80\x24\x80" + octets + b"\0\0\0\0")
    signed = _der(0x30, _der(0x02, b"\x01") + _der(0x31, _der(0x30, bytes.fromhex("0609608648016503040201"))) + data + _der(0x31, b""))
    cms = _der(0x30, bytes.fromhex("06092a864886f70d010702") + _der(0xA0, signed))
    head = b"MIME-Version: 1.0\nSubject: signed\nContent-Type: application/pkcs7-mime\nContent-Transfer-Encoding: base64\n\n"
    return head + base64.encodebytes(cms)


def pdf(content: bytes) -> bytes:
    """An attached file, as PDF programs compress it."""
    packed = zlib.compress(content)
    head = f"%PDF-1.7\n1 0 obj <</Filter /FlateDecode /Length {len(packed)}>>\nstream\r\n".encode()
    return head + packed + b"\nendstream endobj\ntrailer <</Root 1 0 R>>\n%%EOF\n"


def rtf(content: bytes) -> bytes:
    lines = b"\n".join(content[place : place + 32].hex().encode() for place in range(0, len(content), 32))
    return b"{\\rtf1\\ansi Hello {\\object\\objemb{\\*\\objdata \\bin0 " + lines + b"}}}"


def ole(content: bytes, name: str = "Ole10Native") -> bytes:
    """A compound file with one stream, its sectors in reverse order: nothing of it stands there in one piece."""
    size = max(len(content), 4096)
    sectors = -(-size // 512)
    padded = content.ljust(sectors * 512, b"\0")
    fat = [0xFFFFFFFD, 0xFFFFFFFE] + [number - 1 if number > 2 else 0xFFFFFFFE for number in range(2, sectors + 2)]
    directory = _entry("Root Entry", 5, 0xFFFFFFFE, 0) + _entry(name, 2, sectors + 1, size) + bytes(256)
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<6H", 0x3E, 3, 0xFFFE, 9, 6, 0) + bytes(8)
    header += struct.pack("<IIIIIIII", 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0) + struct.pack("<109I", 0, *[0xFFFFFFFF] * 108)
    table = struct.pack(f"<{len(fat)}I", *fat).ljust(512, b"\xff")
    parts = [padded[place : place + 512] for place in range(0, len(padded), 512)]
    return header + table + directory + b"".join(reversed(parts))


def _entry(name: str, kind: int, start: int, size: int) -> bytes:
    encoded = name.encode("utf-16-le") + b"\0\0"
    return encoded.ljust(64, b"\0") + struct.pack("<HB", len(encoded), kind) + bytes(49) + struct.pack("<IQ", start, size)


def macro(source: bytes) -> bytes:
    """Compressed as VBA does it, all bytes as they are but for a repetition at the end of each chunk's begin."""
    text = b'Attribute VB_Name = "M"\r\n' + source
    out = b"\x01"
    for place in range(0, len(text), 3000):
        piece = text[place : place + 3000]
        data = b"".join(b"\0" + piece[start : start + 8] for start in range(0, len(piece), 8))
        out += struct.pack("<H", 0xB000 | (len(data) + 2 - 3)) + data
    return b"what comes before" + out


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    return bytes((tag, 0x84)) + size.to_bytes(4, "big") + content


def _attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("<BII", 2, kind, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


PACKINGS: dict[str, t.Callable[[bytes], bytes]] = {
    "as it is": lambda content: content,
    "gzip": gzip.compress,
    "two gzips": lambda content: gzip.compress(b"") + gzip.compress(content),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zip": zipped,
    "stored zip": lambda content: zipped(content, zipfile.ZIP_STORED),
    "bzip2 zip": lambda content: zipped(content, zipfile.ZIP_BZIP2),
    "lzma zip": lambda content: zipped(content, zipfile.ZIP_LZMA),
    "streamed zip": streamed_zip,
    "zip behind a program": lambda content: b"MZ" + b"\x90" * 5000 + zipped(content),
    "docx": lambda content: zipped(content, name="word/vbaProject.bin"),
    "two zips": two_zips,
    "zip with another method": lambda content: contradicting_zip(content, 8, b"\0\0"),
    "zip with another size": lambda content: contradicting_zip(content, 18, b"\x07\0\0\0"),
    "tar": tarred,
    "gnu tar": lambda content: tarred(content, tarfile.GNU_FORMAT),
    "old tar": lambda content: tarred(content, tarfile.USTAR_FORMAT),
    "tgz": lambda content: gzip.compress(tarred(content)),
    "base64 mail": mail,
    "quoted-printable mail": lambda content: mail(content, "quoted-printable"),
    "8bit mail": lambda content: mail(content, "8bit"),
    "uuencoded mail": lambda content: mail(content, "x-uuencode"),
    "uuencoded text": uuencoded,
    "attached mail": attached_mail,
    "built mail": built_mail,
    "mail with CRLF": lambda content: mail(content).replace(b"\n", b"\r\n"),
    "mail behind blank lines": lambda content: b"\r\n\r\n" + mail(content),
    "mailbox file": lambda content: b"From a@b Mon Nov 23 2026\n" + mail(b"x") + b"\nFrom a@b Mon Nov 23 2026\n" + mail(content),
    "winmail.dat": tnef,
    "message in winmail.dat": tnef_in_tnef,
    "winmail.dat in a mail": lambda content: mail(tnef(content)),
    "signed mail": signed_mail,
    "pdf": pdf,
    "rtf": rtf,
    "data url": lambda content: b'<a href="data:application/octet-stream;base64,' + base64.b64encode(content) + b'">here</a>',
    "ole": ole,
    "macro": lambda content: ole(macro(content), "Module1"),
    "docm": lambda content: zipped(ole(macro(content)), name="word/vbaProject.bin"),
    "mail with the begin of an rtf": lambda content: b"{\\rtf: x\n" + mail(content),
    "mail with a pdf as its subject": lambda content: b"Subject: %PDF-1.7\n" + mail(content),
}
