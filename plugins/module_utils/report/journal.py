# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happened to a plan, told to journald with fields that one can search by.

The native protocol is that of systemd's C(JOURNAL_NATIVE_PROTOCOL.md): one datagram an entry; a field is C(NAME=value) and a line
end, or, when the value has several lines, the name, a line end, the length as 64 bits little-endian, the value, a line end.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import typing as t
from pathlib import Path

JOURNAL = Path("/run/systemd/journal/socket")
IDENTIFIER = "m365-backup"

RUN_MESSAGE_ID = "4bc538d6fc274c7a9f342212896bd83f"
"""MESSAGE_ID of the end of a run."""

TASK_MESSAGE_ID = "8212a9e5eba541168ff2cb69dc2bcdf8"
"""MESSAGE_ID of the end of a prune, verify, drill, restore or scan."""

_ERROR, _WARNING, _INFORMATION = 3, 4, 6
_LONGEST = 4_000
_SHORT_OF_TIME = 1.0


def priority_of(outcome: str) -> int:
    """As syslog counts: 3 is an error, 4 a warning, 6 information."""
    return {"complete": _INFORMATION, "partial": _WARNING}.get(outcome, _ERROR)


def send_entry(message: str, message_id: str, outcome: str, fields: t.Mapping[str, object], journal: Path = JOURNAL) -> bool:
    """Whether the journal has taken it. It is not said anywhere when there is none, as in a container: records say the same.

    C(fields) have names of capital letters, digits and underscores, as C(M365_PLAN).
    """
    entry = {
        "MESSAGE": message[:_LONGEST],
        "MESSAGE_ID": message_id,
        "PRIORITY": priority_of(outcome),
        "SYSLOG_IDENTIFIER": IDENTIFIER,
        **fields,
    }
    datagram = b"".join(_field(name, str(value)) for name, value in entry.items() if value is not None)
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.settimeout(_SHORT_OF_TIME)
        sender.sendto(datagram, str(journal))
        return True
    return False


def _field(name: str, value: str) -> bytes:
    data = value.encode("utf-8", "replace")
    if b"\n" not in data:
        return name.encode() + b"=" + data + b"\n"
    return name.encode() + b"\n" + struct.pack("<Q", len(data)) + data + b"\n"
