# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sources and their items as sentences name them.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from .layout import ARCHIVE, CALENDAR, CONTACTS, MAIL, ONEDRIVE, SETTINGS, TASKS

_ITEMS = {
    MAIL: "message",
    CALENDAR: "event",
    CONTACTS: "contact",
    TASKS: "task",
    SETTINGS: "setting",
    ARCHIVE: "archived item",
    ONEDRIVE: "file",
}
_SOURCES = {CALENDAR: "calendars", ARCHIVE: "archive mailbox", ONEDRIVE: "OneDrive"}

#: All of them, those first that mean most to people.
SOURCES = tuple(_ITEMS)


def item_word(source: str) -> str:
    """One item of a source: C(message), C(event)."""
    return _ITEMS.get(source, "item")


def source_words(source: str) -> str:
    """What goes after "the" and before "of Anna": C(mail), C(calendars)."""
    return _SOURCES.get(source, source)
