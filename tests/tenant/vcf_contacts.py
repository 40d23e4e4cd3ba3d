# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Contacts of a vCard file as Graph's JSON."""

from __future__ import annotations

import re
import typing as t

from .content_lines import Component, Line, read_components

Json = dict[str, t.Any]
_ADDRESS = ("", "", "street", "city", "state", "postalCode", "countryOrRegion")
_NAME = ("surname", "givenName", "middleName", "title", "generation")
_TEXTS = {
    "FN": "displayName",
    "NICKNAME": "nickName",
    "TITLE": "jobTitle",
    "ROLE": "profession",
    "NOTE": "personalNotes",
    "URL": "businessHomePage",
    "X-MANAGER": "manager",
    "X-ASSISTANT": "assistantName",
    "X-SPOUSE": "spouseName",
}
_IMAGES = ((b"\xff\xd8", "image/jpeg"), (b"\x89PNG", "image/png"), (b"GIF8", "image/gif"), (b"RIFF", "image/webp"))
_MOST = {"emailAddresses": 3, "homePhones": 2, "businessPhones": 2}


class Card(t.NamedTuple):
    """A card of a file: its JSON (None for a distribution list, which Graph shows nowhere), its picture, what was lost."""

    name: str
    contact: Json | None
    photo: tuple[bytes, str] | None
    notes: list[str]


def read_cards(content: bytes) -> list[Card]:
    return [_card(component) for component in read_components(content).below("VCARD")]


def _card(component: Component) -> Card:
    name = component.text("FN") or " ".join(filter(None, component.text("N").split(";")))
    if "group" in (component.text("KIND") + component.text("X-ADDRESSBOOKSERVER-KIND")).lower():
        return Card(name, None, None, ["a distribution list"])
    contact: Json = {}
    for line in component.lines:
        _read(line, contact)
    notes = []
    for key, most in _MOST.items():
        if len(contact.get(key, ())) > most:
            notes.append(f"{key} beyond the first {most} are left out")
            contact[key] = contact[key][:most]
    photo = _photo(component)
    return Card(name, contact, photo, notes)


def _read(line: Line, contact: Json) -> None:
    kinds = {kind.strip().lower() for kind in line.parameter("TYPE").split(",")}
    value = line.text().strip()
    if not value:
        return
    if line.name in _TEXTS:
        contact.setdefault(_TEXTS[line.name], value)
    elif line.name == "N":
        contact.update({key: part for key, part in zip(_NAME, line.parts(), strict=False) if part})
    elif line.name == "ORG":
        contact.update({key: part for key, part in zip(("companyName", "department"), line.parts(), strict=False) if part})
    elif line.name == "EMAIL":
        contact.setdefault("emailAddresses", []).append({"name": contact.get("displayName") or value, "address": value})
    elif line.name == "TEL":
        _read_phone(re.sub(r"^tel:", "", value), kinds, contact)
    elif line.name == "ADR":
        key = "homeAddress" if "home" in kinds else "businessAddress" if "work" in kinds else "otherAddress"
        parts = {name: part for name, part in zip(_ADDRESS, line.parts(), strict=False) if part and name}
        if parts:
            contact.setdefault(key, parts)
    elif line.name == "CATEGORIES":
        contact["categories"] = list(dict.fromkeys(part.strip() for part in line.parts(",") if part.strip()))
    elif line.name in ("IMPP", "X-AIM", "X-JABBER", "X-SKYPE", "X-MSN", "X-ICQ"):
        contact.setdefault("imAddresses", []).append(value)
    elif line.name == "BDAY":
        match = re.match(r"^(\d{4})-?(\d{2})-?(\d{2})", value)
        if match is not None:
            contact["birthday"] = f"{match[1]}-{match[2]}-{match[3]}T11:59:00Z"


def _read_phone(number: str, kinds: set[str], contact: Json) -> None:
    if "cell" in kinds or "iphone" in kinds:
        contact.setdefault("mobilePhone", number)
    else:
        contact.setdefault("homePhones" if "home" in kinds else "businessPhones", []).append(number)


def _photo(component: Component) -> tuple[bytes, str] | None:
    for line in component.all("PHOTO"):
        content = line.content()
        if content:
            return content, next((kind for head, kind in _IMAGES if content.startswith(head)), "image/jpeg")
    return None
