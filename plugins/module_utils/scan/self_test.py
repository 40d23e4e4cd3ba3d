# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does an engine find what it must find, and where is it blind?

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import base64
import gzip
import io
import typing as t
import zipfile

from .scanner import Scanner, ScannerUnusable
from .verdict import VerdictKind

# In halves: an antivirus that guards this machine would take away a file with the whole string in it.
EICAR = (r"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*").encode("ascii")
"""The harmless test virus of the European Institute for Computer Antivirus Research: every engine knows it."""
_DEPTH = 120
"""More than clamd's highest possible MaxRecursion, 100."""
_CLAMD = "With {} yes in clamd.conf they are unscannable, and reported."
ENCRYPTED_ZIP = base64.b64decode(
    "UEsDBAoACQAAAAAAIQBpzcmJFwAAAAsAAAAFAAAAYS50eHT8BIvjsJAcYmCiLHRpvnshgp1j7PMUXFBLBwhpzcmJFwAAAAsAAABQSwECHgMK"
    "AAkAAAAAACEAac3JiRcAAAALAAAABQAAAAAAAAAAAAAApIEAAAAAYS50eHRQSwUGAAAAAAEAAQAzAAAASgAAAAAA"
)
"""A harmless text behind the password C(infected), as C(zip -P) writes it."""


class BytesContent:
    """A small content that is there as it is."""

    __slots__ = ("_bytes",)

    def __init__(self, content: bytes) -> None:
        self._bytes = content

    @property
    def size(self) -> int:
        return len(self._bytes)

    def chunks(self) -> t.Iterator[bytes]:
        if self._bytes:
            yield self._bytes


def self_test(scanner: Scanner) -> None:
    """Raises ScannerUnusable when it does not find the test virus as a file, or in a zip that is attached to a mail; and ScannerDown."""
    name = scanner.engine.name
    if scanner.scan(BytesContent(EICAR)).kind is not VerdictKind.INFECTED:
        raise ScannerUnusable(
            f"The malware engine {name} ({scanner.engine.database}) does not find the test virus EICAR, so its verdicts are worth nothing.",
            hint="Install its official signatures, or add a signature of EICAR to your own.",
        )
    if scanner.scan(BytesContent(_mail_with_zip())).kind is not VerdictKind.INFECTED:
        raise ScannerUnusable(
            f"The malware engine {name} finds the test virus EICAR as a file, but not in a zip that is attached to a mail.",
            hint="In clamd.conf ScanMail and ScanArchive must be yes (the default), and the limits not tiny.",
        )


def blind_spots(scanner: Scanner) -> tuple[str, ...]:
    """One sentence for each kind of content that the engine calls clean without having looked into it. Raises ScannerDown."""
    name, found = scanner.engine.name, []
    if scanner.scan(BytesContent(ENCRYPTED_ZIP)).is_clean:
        found.append(f"The malware engine {name} calls encrypted archives clean. {_CLAMD.format('AlertEncrypted')}")
    if scanner.scan(BytesContent(deep_gzip())).is_clean:
        found.append(f"The malware engine {name} calls contents clean that exceed its limits. {_CLAMD.format('AlertExceedsMax')}")
    return tuple(found)


def deep_gzip() -> bytes:
    """A harmless text that is packed more often than any engine unpacks."""
    content = b"the innermost of many"
    for _depth in range(_DEPTH):
        content = gzip.compress(content, mtime=0)
    return content


def _mail_with_zip() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("eicar.com", EICAR)
    lines = (
        "From: <self-test@m365-backup.invalid>",
        "To: <self-test@m365-backup.invalid>",
        "Subject: self-test of the malware scan",
        "MIME-Version: 1.0",
        'Content-Type: multipart/mixed; boundary="part"',
        "",
        "--part",
        "Content-Type: text/plain",
        "",
        "The attachment holds the test virus EICAR.",
        "--part",
        'Content-Type: application/zip; name="eicar.zip"',
        "Content-Transfer-Encoding: base64",
        'Content-Disposition: attachment; filename="eicar.zip"',
        "",
        base64.encodebytes(packed.getvalue()).decode("ascii").replace("\n", "\r\n").rstrip(),
        "--part--",
        "",
    )
    return "\r\n".join(lines).encode("ascii")
