# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the catalogue keeps of an export stream, so that items can be found without reading them. The keys are those of mail.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from datetime import datetime

from . import fts_tags as tags
from .catalogue import Record
from .fts_reader import FtsObject, FtsReader, ObjectKind

_MOST_PEOPLE = 2000
_MOST_NAMES = 500
_LONGEST = 1000
_ROLES = {1: "to", 2: "cc", 3: "bcc"}
_DISPLAYED = {"to": tags.DISPLAY_TO, "cc": tags.DISPLAY_CC, "bcc": tags.DISPLAY_BCC}


@dataclass(frozen=True, slots=True)
class FtsSummary:
    """C(damage) says why the stream is not whole (then it must not count as stored), C(fields) are for the catalogue."""

    damage: str
    fields: Record


@dataclass(slots=True)
class _Gathered:
    people: dict[str, list[str]] = field(default_factory=lambda: {role: [] for role in _ROLES.values()})
    names: list[str] = field(default_factory=list)
    attachments: int = 0


def summary_of(chunks: t.Iterable[bytes]) -> FtsSummary:
    """Read a stream once, without its contents. Never raises for what a stream holds; C(unparsed) in the fields says what was
    not understood."""
    reader = FtsReader(chunks)
    gathered = _Gathered()
    fields: Record = {}
    for found in reader.objects():
        if found.kind is ObjectKind.RECIPIENT and not found.path:
            _add_person(gathered, found)
        elif found.kind is ObjectKind.ATTACHMENT:
            _add_attachment(gathered, found)
        elif found.kind is ObjectKind.MESSAGE and found.path:
            _add_name(gathered, _subject(found))
        elif found.kind is ObjectKind.MESSAGE:
            fields = _fields(found, gathered)
    if reader.problems:
        fields["unparsed"] = "; ".join(reader.problems)[:_LONGEST]
    return FtsSummary(reader.damage, {key: value for key, value in fields.items() if value not in (None, False, "", [])})


def person(owner: FtsObject, keys: tuple[int, int, int, int]) -> tuple[str, str]:
    """Name and address; the address is empty where there is none that mail could be sent to."""
    name, smtp, kind, address = (owner.text(key).strip() for key in keys)
    mailbox = smtp or (address if kind.upper() in ("", "SMTP") or "@" in address else "")
    return _line(name), _line(mailbox)


def sender_of(message: FtsObject) -> tuple[str, str]:
    """Who a message is from: the person it was sent for, or who sent it."""
    found = person(message, tags.FROM)
    return found if any(found) else person(message, tags.SENDER)


def attachment_name(attachment: FtsObject) -> str:
    keys = (tags.ATTACHMENT_NAME, tags.ATTACHMENT_SHORT_NAME, tags.DISPLAY_NAME)
    return next((name for key in keys if (name := _line(attachment.text(key)))), "")


def moment_of(owner: FtsObject, *keys: t.Any) -> datetime | None:
    """The first of these properties that is a time."""
    return next((value for key in keys if isinstance(value := owner.values.get(key), datetime)), None)


def _fields(message: FtsObject, gathered: _Gathered) -> Record:
    flags = message.number(tags.MESSAGE_FLAGS)
    keywords, search_key = message.values.get(tags.KEYWORDS), message.values.get(tags.SEARCH_KEY)
    for role, tag in _DISPLAYED.items():
        if not gathered.people[role]:
            gathered.people[role] = [name for part in message.text(tag).split(";") if (name := _line(part))][:_MOST_PEOPLE]
    mails = [_line(mail) for key in tags.CONTACT_MAILS if "@" in (mail := message.text(key))]
    return {
        "class": _line(message.text(tags.MESSAGE_CLASS)),
        "subject": _subject(message),
        "from": _shown(*sender_of(message)),
        "to": gathered.people["to"] or mails,
        "cc": gathered.people["cc"],
        "bcc": gathered.people["bcc"],
        "sent": _iso(moment_of(message, tags.SENT)),
        "received": _iso(moment_of(message, tags.RECEIVED, tags.SENT, tags.CREATED)),
        "start": _iso(moment_of(message, tags.APPOINTMENT_START, tags.START)),
        "end": _iso(moment_of(message, tags.APPOINTMENT_END, tags.END)),
        "read": bool(flags & tags.READ),
        "draft": bool(flags & tags.UNSENT),
        "flag": {1: "complete", 2: "flagged"}.get(message.number(tags.FLAG_STATUS), ""),
        "importance": {0: "low", 2: "high"}.get(message.number(tags.IMPORTANCE, 1), ""),
        "categories": sorted({_line(word) for word in keywords if isinstance(word, str)}) if isinstance(keywords, list) else [],
        "attachments": gathered.attachments > 0,
        "attachment_names": gathered.names,
        # Stays the same when an item is exported and imported: a restore knows by it what is there (graph-mailbox facts, 3).
        "search_key": search_key.hex() if isinstance(search_key, bytes) else "",
    }


def _add_person(gathered: _Gathered, recipient: FtsObject) -> None:
    people = gathered.people[_ROLES.get(recipient.number(tags.RECIPIENT_TYPE, 1) & 0xF, "to")]
    shown = _shown(*person(recipient, tags.PERSON))
    if shown and len(people) < _MOST_PEOPLE:
        people.append(shown)


def _add_attachment(gathered: _Gathered, attachment: FtsObject) -> None:
    _add_name(gathered, attachment_name(attachment))
    if len(attachment.path) == 1 and not attachment.values.get(tags.ATTACHMENT_HIDDEN):
        gathered.attachments += 1


def _add_name(gathered: _Gathered, name: str) -> None:
    if name and name not in gathered.names and len(gathered.names) < _MOST_NAMES:
        gathered.names.append(name)


def _subject(message: FtsObject) -> str:
    return _line(message.text(tags.SUBJECT) or message.text(tags.SUBJECT_PREFIX) + message.text(tags.NORMALIZED_SUBJECT))


def _shown(name: str, mailbox: str) -> str:
    """As in the catalogue of mail."""
    if not mailbox:
        return name
    return mailbox if name in ("", mailbox) else f"{name} <{mailbox}>"


def _iso(moment: datetime | None) -> str:
    return "" if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment.year >= 1000 else ""


def _line(text: str) -> str:
    """One line of printable characters."""
    return " ".join("".join(char if char.isprintable() else " " for char in text[:_LONGEST]).split())
