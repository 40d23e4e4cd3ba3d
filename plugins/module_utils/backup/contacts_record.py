# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept of a contact in the catalogue, and where its JSON lies. Pure functions.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .catalogue import Record
from .item_fields import address
from .layout import named_path

_MAGIC = ((b"\xff\xd8\xff", "image/jpeg", ".jpg"), (b"\x89PNG\r\n", "image/png", ".png"), (b"GIF8", "image/gif", ".gif"))


def contact_record(contact: t.Mapping[str, t.Any]) -> Record:
    """C(subject) is the name that Outlook shows, C(to) are the addresses."""
    return {
        "key": contact.get("changeKey"),
        "subject": display_name(contact),
        "to": [address({"emailAddress": entry}) for entry in contact.get("emailAddresses") or ()],
        "received": contact.get("createdDateTime"),
        "modified": contact.get("lastModifiedDateTime"),
        "categories": sorted(contact.get("categories") or ()),
    }


def display_name(contact: t.Mapping[str, t.Any]) -> str:
    """The first thing that says who or what it is."""
    name = contact.get("displayName") or contact.get("fileAs") or ""
    if name:
        return str(name)
    names = " ".join(part for part in (contact.get("givenName"), contact.get("surname")) if part)
    return names or str(contact.get("companyName") or "")


def contact_file(record: Record) -> str:
    """<two digits of a hash>/<name>~<hash>.json"""
    return "/".join(named_path(record["id"], str(record.get("subject") or ""), ".json"))


def photo_type(content: bytes) -> tuple[str, str]:
    """Content type and suffix, from the first bytes: the service calls every photo a JPEG."""
    for magic, content_type, suffix in _MAGIC:
        if content.startswith(magic):
            return content_type, suffix
    return "application/octet-stream", ""
