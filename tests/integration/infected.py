# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test virus EICAR in the disguises in which mail and drives carry things."""

from __future__ import annotations

import base64
import binascii
import bz2
import gzip
import io
import lzma
import quopri
import struct
import tarfile
import zipfile
from email.message import EmailMessage

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.self_test import EICAR
from tenant.fts import write_stream
from tenant.fts_mail import mime_to_mapi

_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def zipped(content: bytes, name: str = "eicar.com", *others: tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for other, inside in others:
            archive.writestr(other, inside)
        archive.writestr(name, content)
    return packed.getvalue()


def word_document(embedded: bytes) -> bytes:
    types = b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
    document = b'<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"/>'
    return zipped(embedded, "word/embeddings/oleObject1.bin", ("[Content_Types].xml", types), ("word/document.xml", document))


def tarred(content: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("eicar.com")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def winmail(content: bytes) -> bytes:
    """A TNEF stream with one attachment (MS-OXTNEF 2.1)."""
    attributes = (
        (0x00069002, b"\x01\x00" + b"\xff" * 4 + b"\x20\x00" * 2 + b"\x00" * 4),
        (0x00018010, b"eicar.com\0"),
        (0x0006800F, content),
    )
    written = [struct.pack("<IH", 0x223E9F78, 1), b"\x01" + _attribute(0x00089006, struct.pack("<I", 0x00010000))]
    return b"".join([*written, *(b"\x02" + _attribute(name, value) for name, value in attributes)])


def _attribute(name: int, value: bytes) -> bytes:
    return struct.pack("<II", name, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def mail(
    attachment: bytes = b"", name: str = "eicar.com", kind: str = "application/octet-stream", text: str = "Please see below.\n"
) -> bytes:
    return _message(attachment, name, kind, text).as_bytes()


def _message(attachment: bytes, name: str, kind: str, text: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "eve@example.org", "alice@contoso.com", f"An attachment: {name}"
    message["Date"] = "Mon, 23 Nov 2026 10:00:00 +0000"
    message.set_content(text)
    if attachment:
        main, _slash, sub = kind.partition("/")
        message.add_attachment(attachment, maintype=main, subtype=sub, filename=name)
    return message


def _quoted_printable() -> bytes:
    head, body = mail(b"@@", kind="application/x-msdos-program").split(base64.b64encode(b"@@"))
    return head.replace(b"base64", b"quoted-printable") + quopri.encodestring(EICAR, quotetabs=True) + body


def _nested() -> bytes:
    message = _message(b"", "forwarded", "", "See the forwarded message.\n")
    message.add_attachment(_message(EICAR, "eicar.com", "application/octet-stream", "inner\n"))
    return message.as_bytes()


def _uuencoded() -> bytes:
    lines = [binascii.b2a_uu(EICAR[start : start + 45]).decode() for start in range(0, len(EICAR), 45)]
    return mail(text="begin 644 eicar.com\n" + "".join(lines) + "`\nend\n")


def mails() -> dict[str, bytes]:
    """MIME, by what is done to the test virus."""
    innermost = zipped(EICAR)
    return {
        "as the body": mail(text=EICAR.decode() + "\n"),
        "in base64": mail(EICAR),
        "in quoted-printable": _quoted_printable(),
        "uuencoded in the body": _uuencoded(),
        "in a nested message": _nested(),
        "in a zip": mail(innermost, "eicar.zip", "application/zip"),
        "in a zip in a zip": mail(zipped(innermost, "inner.zip"), "outer.zip", "application/zip"),
        "in a zip that says it is a picture": mail(innermost, "holiday.jpg", "image/jpeg"),
        "in a docx": mail(word_document(EICAR), "offer.docx", _WORD),
        "in a tar.gz": mail(tarred(EICAR), "eicar.tar.gz", "application/gzip"),
        "in a winmail.dat": mail(winmail(EICAR), "winmail.dat", "application/ms-tnef"),
        "in a zip in a winmail.dat": mail(winmail(innermost), "winmail.dat", "application/ms-tnef"),
    }


def files() -> dict[str, bytes]:
    """Files of a drive."""
    return {
        "as it is": EICAR,
        "in a zip": zipped(EICAR),
        "in a zip in a zip": zipped(zipped(EICAR), "inner.zip"),
        "in a docx": word_document(EICAR),
        "in a gzip": gzip.compress(EICAR, mtime=0),
        "in a bzip2": bz2.compress(EICAR),
        "in an xz": lzma.compress(EICAR),
        "in a tar.gz": tarred(EICAR),
        "in a winmail.dat": winmail(EICAR),
        "in a saved mail": mail(EICAR),
    }


def export_streams() -> dict[str, bytes]:
    """What an archive mailbox gives of such mails."""
    return {name: write_stream(mime_to_mapi(content)) for name, content in mails().items()}
