# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Items that are no mail: appointments, contacts, distribution lists, tasks, notes, journal entries, as MAPI keeps them."""

from __future__ import annotations

import datetime
import hashlib
import typing as t

from . import fts
from .fts import MapiAttachment, MapiMessage
from .fts_format import BINARY, BOOLEAN, DOUBLE, INT32, MULTIPLE, STRING, TIME, Named

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from .fts_format import Properties

_APPOINTMENT = "00062002-0000-0000-c000-000000000046"
_TASK = "00062003-0000-0000-c000-000000000046"
_ADDRESS = "00062004-0000-0000-c000-000000000046"
_JOURNAL = "0006200a-0000-0000-c000-000000000046"
_NOTE = "0006200e-0000-0000-c000-000000000046"
_HOUR = datetime.timedelta(hours=1)
_GIVEN_NAME, _SURNAME, _COMPANY, _MOBILE = 0x3A06001F, 0x3A11001F, 0x3A16001F, 0x3A1C001F

# Kind of item: its class, and the type of the folders where it lives.
KINDS: dict[str, tuple[str, str]] = {
    "message": ("IPM.Note", "IPF.Note"),
    "appointment": ("IPM.Appointment", "IPF.Appointment"),
    "contact": ("IPM.Contact", "IPF.Contact"),
    "distribution_list": ("IPM.DistList", "IPF.Contact"),
    "task": ("IPM.Task", "IPF.Task"),
    "note": ("IPM.StickyNote", "IPF.StickyNote"),
    "journal": ("IPM.Activity", "IPF.Journal"),
}


def make_item(kind: str, subject: str, text: str, moment: datetime.datetime, facts: dict[str, t.Any]) -> MapiMessage:
    """An item of a kind of C(KINDS); C(moment) is its start, due date or creation. Raises KeyError for another kind.

    C(facts) go into its properties; C(attachment_size) gives it a file of so many bytes.
    """
    item_class, _folder_type = KINDS[kind]
    properties: Properties = {
        fts.IMPORTANCE: 1,
        fts.MESSAGE_CLASS: item_class,
        fts.SUBJECT: subject,
        fts.BODY: text,
        **_EXTRAS.get(kind, _nothing)(subject, moment, facts),
    }
    size = int(facts.get("attachment_size", 0))
    return MapiMessage(properties, attachments=[_file(subject, size)] if size else [])


def _file(subject: str, size: int) -> MapiAttachment:
    return MapiAttachment(
        {
            fts.ATTACH_NUMBER: 0,
            fts.ATTACH_METHOD: fts.BY_VALUE,
            fts.ATTACH_LONG_NAME: f"{subject}.bin",
            fts.ATTACH_MIME_TYPE: "application/octet-stream",
            fts.ATTACH_DATA: hashlib.shake_128(subject.encode()).digest(size),
        }
    )


def _appointment(subject: str, moment: datetime.datetime, facts: dict[str, t.Any]) -> Properties:
    return {
        Named(_APPOINTMENT, 0x820D, TIME): moment,
        Named(_APPOINTMENT, 0x820E, TIME): moment + _HOUR * float(facts.get("hours", 1)),
        Named(_APPOINTMENT, 0x8208, STRING): str(facts.get("location", "")),
        Named(_APPOINTMENT, 0x8215, BOOLEAN): bool(facts.get("all_day", False)),
    }


def _contact(subject: str, moment: datetime.datetime, facts: dict[str, t.Any]) -> Properties:
    given, _space, family = subject.partition(" ")
    address = str(facts.get("email", f"{given}.{family}@example.com".lower()))
    return {
        fts.DISPLAY_NAME: subject,
        _GIVEN_NAME: given,
        _SURNAME: family,
        _COMPANY: str(facts.get("company", "")),
        _MOBILE: str(facts.get("mobile", "")),
        Named(_ADDRESS, 0x8083, STRING): address,
        Named(_ADDRESS, 0x8080, STRING): subject,
    }


def _distribution_list(subject: str, moment: datetime.datetime, facts: dict[str, t.Any]) -> Properties:
    members = [str(member).encode("utf-16-le") for member in facts.get("members", ())]
    return {
        fts.DISPLAY_NAME: subject,
        Named(_ADDRESS, 0x8053, STRING): subject,
        Named(_ADDRESS, 0x8055, MULTIPLE | BINARY): members,
    }


def _task(subject: str, moment: datetime.datetime, facts: dict[str, t.Any]) -> Properties:
    return {
        Named(_TASK, 0x8101, INT32): 2 if facts.get("complete") else 0,
        Named(_TASK, 0x8102, DOUBLE): 1.0 if facts.get("complete") else 0.0,
        Named(_TASK, 0x8105, TIME): moment,
        Named(_TASK, 0x811C, BOOLEAN): bool(facts.get("complete", False)),
    }


def _note(subject: str, moment: datetime.datetime, facts: dict[str, t.Any]) -> Properties:
    return {Named(_NOTE, 0x8B00, INT32): int(facts.get("color", 3)), Named(_NOTE, 0x8B02, INT32): 200, Named(_NOTE, 0x8B03, INT32): 166}


def _journal(subject: str, moment: datetime.datetime, facts: dict[str, t.Any]) -> Properties:
    return {Named(_JOURNAL, 0x8700, STRING): "Phone call", Named(_JOURNAL, 0x8706, TIME): moment}


def _nothing(subject: str, moment: datetime.datetime, facts: dict[str, t.Any]) -> Properties:
    return {}


_EXTRAS: dict[str, Callable[[str, datetime.datetime, dict[str, t.Any]], Properties]] = {
    "appointment": _appointment,
    "contact": _contact,
    "distribution_list": _distribution_list,
    "task": _task,
    "note": _note,
    "journal": _journal,
}
