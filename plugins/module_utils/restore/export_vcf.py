# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Contacts as vCards, from the JSON that Graph gave.

Version 3.0 (RFC 2426), since Outlook, iCloud, Google and phones import it alike, and Outlook does not know 4.0.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .choice import ChosenItem, Part
from .export_ics import Fields, PartReader, graph_time
from .ical_text import Parameters, binary_lines, line, list_line, text_line, uri

_TEXTS = (
    ("TITLE", "jobTitle"),
    ("ROLE", "profession"),
    ("NOTE", "personalNotes"),
    ("X-SPOUSE", "spouseName"),
    ("X-MANAGER", "manager"),
    ("X-ASSISTANT", "assistantName"),
    ("X-MS-OFFICE-LOCATION", "officeLocation"),
    ("X-MS-GENERATION", "generation"),
    ("X-PHONETIC-FIRST-NAME", "yomiGivenName"),
    ("X-PHONETIC-LAST-NAME", "yomiSurname"),
    ("X-PHONETIC-ORG", "yomiCompanyName"),
    ("X-FILE-AS", "fileAs"),
)
_ADDRESSES = (("WORK", "businessAddress"), ("HOME", "homeAddress"), ("", "otherAddress"))
_ADDRESS = ("street", "city", "state", "postalCode", "countryOrRegion")
_PICTURES = ((b"\x89PNG", "PNG"), (b"GIF8", "GIF"))


def card_of_contact(item: ChosenItem, contact: Fields, read: PartReader) -> t.Iterator[bytes]:
    """The file of a contact, in pieces."""
    yield line("BEGIN", "VCARD")
    yield line("VERSION", "3.0")
    yield text_line("UID", contact.get("id") or item.record["id"])
    modified = graph_time(contact.get("lastModifiedDateTime"))
    if modified is not None:
        yield line("REV", f"{modified:%Y%m%dT%H%M%SZ}")
    yield from _name_lines(contact)
    yield list_line("ORG", _without_end(contact.get("companyName"), contact.get("department")), separator=";")
    for name, field in _TEXTS:
        yield text_line(name, contact.get(field))
    for child in contact.get("children") or ():
        yield text_line("X-CHILD", child)
    yield from _reach_lines(contact)
    yield from _address_lines(contact)
    for name, field in (("BDAY", "birthday"), ("X-ANNIVERSARY", "weddingAnniversary")):
        day = graph_time(contact.get(field))
        if day is not None:
            yield line(name, f"{day:%Y-%m-%d}", [("VALUE", "date")] if name == "BDAY" else ())
    yield list_line("CATEGORIES", contact.get("categories") or ())
    for part in item.parts:
        if part.facts.get("kind") == "photo":
            yield from _photo_lines(part, read)
    yield line("END", "VCARD")


def _name_lines(contact: Fields) -> t.Iterator[bytes]:
    """A card has to have both names; a contact may have neither."""
    parts = [contact.get(field) for field in ("surname", "givenName", "middleName", "title", "generation")]
    emails = [str(email.get("address") or "") for email in contact.get("emailAddresses") or ()]
    shown = contact.get("displayName") or " ".join(str(part) for part in (parts[1], parts[0]) if part)
    shown = shown or contact.get("companyName") or next(filter(None, emails), "") or "Unnamed"
    yield text_line("FN", shown)
    yield list_line("N", parts, separator=";") or line("N", ";;;;")
    yield list_line("NICKNAME", [contact["nickName"]] if contact.get("nickName") else ())


def _reach_lines(contact: Fields) -> t.Iterator[bytes]:
    """How to reach somebody; the first of a kind is the preferred one."""
    for number, email in enumerate(contact.get("emailAddresses") or ()):
        yield text_line("EMAIL", email.get("address"), [("TYPE", "INTERNET"), *_preferred(number)])
    for kinds, numbers in (
        (("WORK", "VOICE"), contact.get("businessPhones") or ()),
        (("HOME", "VOICE"), contact.get("homePhones") or ()),
        (("CELL", "VOICE"), [contact.get("mobilePhone")]),
    ):
        for number, phone in enumerate(each for each in numbers if each):
            yield text_line("TEL", phone, [*(("TYPE", kind) for kind in kinds), *_preferred(number)])
    for address in contact.get("imAddresses") or ():
        yield text_line("IMPP", address)
    for website in [contact.get("businessHomePage"), *(each.get("address") for each in contact.get("websites") or ())]:
        if website:
            yield line("URL", uri(str(website)))


def _address_lines(contact: Fields) -> t.Iterator[bytes]:
    for kind, field in _ADDRESSES:
        address: Fields = contact.get(field) or {}
        values = [address.get(key) for key in _ADDRESS]
        if any(values):
            yield list_line("ADR", ["", "", *values], [("TYPE", kind)] if kind else (), separator=";")


def _photo_lines(part: Part, read: PartReader) -> t.Iterator[bytes]:
    chunks = iter(read(part))
    start = next(chunks, b"")
    kind = next((kind for magic, kind in _PICTURES if start.startswith(magic)), "JPEG")
    if start:
        yield from binary_lines("PHOTO", _joined(start, chunks), [("ENCODING", "b"), ("TYPE", kind)])


def _joined(first: bytes, rest: t.Iterator[bytes]) -> t.Iterator[bytes]:
    yield first
    yield from rest


def _preferred(number: int) -> Parameters:
    return (("TYPE", "PREF"),) if number == 0 else ()


def _without_end(*values: t.Any) -> list[t.Any]:
    """A department that is not there leaves no separator behind."""
    kept = list(values)
    while kept and not kept[-1]:
        kept.pop()
    return kept
