# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Extended MAPI properties of messages (facts 9.1): reading them back through C($expand)."""

from __future__ import annotations

import re
import typing as t

from .message_view import stamp

if t.TYPE_CHECKING:
    from .mail_items import Message

MESSAGE_FLAGS = "Integer 0xE07"
SENT = "SystemTime 0x39"
RECEIVED = "SystemTime 0xE06"
_ID = re.compile(r"^\s*(\w+)\s+0x0*([0-9a-fA-F]+)\s*$")


def normal_id(text: str) -> str:
    """C(Integer 0x0E07) as C(Integer 0xE07): the service drops leading zeros; ids compare without case."""
    match = _ID.match(text)
    return f"{match[1]} 0x{match[2].upper()}" if match else text.strip()


def expanded_properties(message: Message, expand: str) -> list[dict[str, t.Any]]:
    """The values of the ids named in C($expand=singleValueExtendedProperties($filter=id eq '...' or ...))."""
    known = {
        MESSAGE_FLAGS: str((1 if message.is_read else 0) | (8 if message.is_draft else 0)),
        RECEIVED: stamp(message.received),
        SENT: stamp(message.body.summary().sent),
        **(message.extended or {}),
    }
    wanted = [normal_id(text) for text in re.findall(r"id\s+eq\s+'([^']*)'", expand)]
    return [{"id": name, "value": known[name]} for name in dict.fromkeys(wanted) if name in known]
