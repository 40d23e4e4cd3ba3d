# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kinds of files that hold others and that are not unpacked here: they are never called clean.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import re
import typing as t

from .unpack_ole import OLE
from .unpack_piece import Piece

PROGRAM = b"MZ"
_BEGINS = (
    (b"7z\xbc\xaf\x27\x1c", "7-Zip archive"),
    (b"Rar!\x1a\x07", "RAR archive"),
    (b"MSCF\x00\x00\x00\x00", "cabinet file (CAB)"),
    (b"ITSF\x03\x00\x00\x00", "compiled help file (CHM)"),
    (b"xar!", "XAR archive"),
    (b"MSWIM\x00\x00\x00", "Windows image (WIM)"),
    (b"\x28\xb5\x2f\xfd", "Zstandard file"),
    (b"\x04\x22\x4d\x18", "LZ4 file"),
    (b"LZIP\x01", "lzip file"),
    (b"LRZI", "lrzip file"),
    (b"!<arch>\n", "Unix archive (ar, deb)"),
    (b"\xed\xab\xee\xdb", "RPM package"),
    (b"SZDD\x88\xf0\x27\x33", "compressed file of MS-DOS (SZDD)"),
    (b"KWAJ\x88\xf0\x27\xd1", "compressed file of MS-DOS (KWAJ)"),
    (b"070701", "cpio archive"),
    (b"070702", "cpio archive"),
    (b"070707", "cpio archive"),
    (b"hsqs", "squashfs image"),
    (b"KDMV", "disk image (VMDK)"),
    (b"# Disk DescriptorFile", "disk image (VMDK)"),
    (b"conectix", "disk image (VHD)"),
    (b"vhdxfile", "disk image (VHDX)"),
    (b"QFI\xfb", "disk image (QCOW)"),
    (b"!BDN", "Outlook data file (PST)"),
    (b"\x76\xe8\x04\x60\xc4\x11\xe3\x86", "encrypted mail (Microsoft Purview)"),
    (b".pfile", "encrypted file (Microsoft Purview)"),
    (b"Salted__", "file that OpenSSL has encrypted"),
    (b"age-encryption.org/v1", "file that age has encrypted"),
)
_PATTERNS = (
    (re.compile(rb"\x1f\x9d[\x80-\x90]"), "compress file (Z)"),
    (re.compile(rb"\x60\xea..[\x1e-\x40]", re.DOTALL), "ARJ archive"),
    (re.compile(rb"..-l(?:h[0-9d]|z[s45])-", re.DOTALL), "LHA archive"),
    (re.compile(rb".{7}\*\*ACE\*\*", re.DOTALL), "ACE archive"),
    (re.compile(rb"\xc7\x71.{5}[\x41\x81]|\x71\xc7.{4}[\x41\x81]", re.DOTALL), "cpio archive"),
    # A session key for somebody's public key, or for a passphrase (RFC 9580 5.1, 5.3).
    (re.compile(rb"\x85[\x00-\x04].[\x03\x06]|\x84.\x03|\x8c[\x04-\x40][\x04-\x06]", re.DOTALL), "file that OpenPGP has encrypted"),
)
#: In programs and installers, which unpack themselves.
_CARRIED = (
    (b"7z\xbc\xaf\x27\x1c", "7-Zip archive"),
    (b"Rar!\x1a\x07", "RAR archive"),
    (b"MSCF\x00\x00\x00\x00", "cabinet file (CAB)"),
    (b"NullsoftInst", "NSIS archive"),
    (b"Inno Setup Setup Data", "Inno Setup archive"),
    (b"InstallShield", "InstallShield archive"),
)
_TEXTS = (
    (b"-----BEGIN PGP MESSAGE-----", "encrypted text or mail (OpenPGP)"),
    (b"\n=ybegin ", "yEnc data"),
    (b"(This file must be converted with BinHex", "BinHex data"),
)
_ISO = ((0x8001, b"CD001"), (0x8801, b"CD001"), (0x8001, b"BEA01"))
_DISK_TRAILER = 512


def closed_kind(piece: Piece, head: bytes) -> str:
    """What it is, in the words of a reason: "RAR archive". Empty for everything else."""
    for magic, name in _BEGINS:
        if head.startswith(magic):
            return name
    for pattern, name in _PATTERNS:
        if pattern.match(head):
            return name
    if head.startswith((OLE, PROGRAM)):
        return next((f"{name} inside a program or installer" for magic, name in _CARRIED if piece.find(magic) >= 0), "")
    if any(piece.read(place, place + len(magic)) == magic for place, magic in _ISO):
        return "disk image (ISO, UDF)"
    trailer = piece.read(max(0, piece.size - _DISK_TRAILER), piece.size)
    if trailer.startswith(b"koly"):
        return "disk image (DMG)"
    return "disk image (VHD)" if piece.size > _DISK_TRAILER and trailer.startswith(b"conectix") else ""


def closed_text(piece: Piece) -> t.Iterator[str]:
    """What a text holds that cannot be looked into."""
    for mark, name in _TEXTS:
        if piece.find(mark) >= 0:
            yield name
