# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What clamd says, as values. Pure; the protocol is in clamd(8), the replies as clamd 1.4 was seen to give them.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from datetime import datetime

from .verdict import VerdictKind

START_SESSION = b"zIDSESSION\0"
END_SESSION = b"zEND\0"
VERSION = b"zVERSION\0"
PING = b"zPING\0"
INSTREAM = b"zINSTREAM\0"
END_OF_STREAM = b"\0\0\0\0"
_EXTENDED_INFO = re.compile(r"\([0-9a-f]{32,64}:\d+\)$")
_ENCRYPTED = "Heuristics.Encrypted."
_LIMITS = "Heuristics.Limits."
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) (\d{2}):(\d{2}):(\d{2}) (\d{4})")
# Errors that may have their cause in the daemon's machine (memory, temporary files), not in the content.
_PASSING = ("Can't ", "Error writing", "Unable to ")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a reply to INSTREAM means. C(kind) is None where clamd has not judged and may do so another time; C(reason) says why."""

    kind: VerdictKind | None
    name: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """C(database) is the number of the official daily signatures, C(released) their date. The daemon says it in its own
    zone, which is taken to be ours.
    """

    engine: str
    database: str = ""
    released: datetime | None = None


def chunk_header(size: int) -> bytes:
    return struct.pack(">I", size)


def parse_judgement(reply: str) -> Judgement:
    """Clean is one exact reply. An error of the daemon is no verdict, one of the content is C(unscannable) at best."""
    status = reply.removeprefix("stream: ")
    if reply == "stream: OK":
        return Judgement(VerdictKind.CLEAN)
    if status.endswith(" FOUND") and reply.startswith("stream: "):
        return _found(_EXTENDED_INFO.sub("", status.removesuffix(" FOUND").strip()))
    reason = status.removesuffix(" ERROR").removesuffix(".").strip() or "an empty reply"
    if "size limit exceeded" in reason:
        return Judgement(VerdictKind.UNSCANNABLE, reason="larger than StreamMaxLength in clamd.conf")
    if not reply.startswith("stream: ") or reason.startswith(_PASSING):
        return Judgement(None, reason=f"clamd said: {reason}")
    return Judgement(VerdictKind.UNSCANNABLE, reason=f"clamd said: {reason}")


def parse_version(reply: str) -> Version | None:
    """C(ClamAV 1.4.6/27463/Mon Nov 23 14:33:05 2026); without official signatures only the first part. None for what is no clamd."""
    name, separator, rest = reply.partition(" ")
    if name != "ClamAV" or not separator:
        return None
    engine, _slash, rest = rest.partition("/")
    database, _slash, released = rest.partition("/")
    return Version(engine.strip(), database.strip(), _date(released.strip()))


def split_frames(received: bytes) -> tuple[list[tuple[int, str]], bytes]:
    """Whole replies of a session, each with the number of its command, and the bytes of one that is not there yet.

    A reply without a number (clamd gives up on the whole connection) has number 0.
    """
    *frames, rest = received.split(b"\0")
    return [_numbered(frame.decode("utf-8", "replace").strip()) for frame in frames], rest


def _numbered(text: str) -> tuple[int, str]:
    number, separator, rest = text.partition(":")
    if separator and number.isdecimal() and number.isascii():
        return int(number), rest.strip()
    return 0, text


def _found(name: str) -> Judgement:
    if name.startswith(_LIMITS):
        limit = name.removeprefix(_LIMITS).removeprefix("Exceeded.")
        return Judgement(VerdictKind.UNSCANNABLE, reason=f"exceeds {limit} in clamd.conf")
    if name.startswith(_ENCRYPTED):
        return Judgement(VerdictKind.UNSCANNABLE, reason=f"encrypted ({name.removeprefix(_ENCRYPTED)})")
    return Judgement(VerdictKind.INFECTED, name=name or "unnamed")


def _date(text: str) -> datetime | None:
    """Always English, whatever the locale, so strptime is no help."""
    found = _DATE.fullmatch(text)
    if not found or found[1] not in _MONTHS:
        return None
    day, hour, minute, second, year = map(int, found.groups()[1:])
    try:
        return datetime(year, _MONTHS.index(found[1]) + 1, day, hour, minute, second).astimezone()
    except ValueError:
        return None
