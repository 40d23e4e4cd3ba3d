# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The members of the newest restore point, for entries of the selection that the directory does not know any more. Pure.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import typing as t

from .selection import Selector

if t.TYPE_CHECKING:
    from .roster import KnownMember


class KnownMembers:
    """Finds them by the names that they had, and by the entries that covered them."""

    def __init__(self, members: t.Iterable[KnownMember]) -> None:
        self._by_name: dict[str, list[str]] = collections.defaultdict(list)
        self._by_entry: dict[str, list[KnownMember]] = collections.defaultdict(list)
        for member in members:
            self._by_name[member.principal_name.casefold()].append(member.id)
            if member.left is None:
                for entry in member.via:
                    self._by_entry[entry.casefold()].append(member)

    def named(self, key: str) -> list[str]:
        """The object ids of those who had this sign-in name, or were covered by this name of a user."""
        through = self._by_entry.get(f"{Selector.USER.value} {key}".casefold(), ())
        return list(dict.fromkeys([*self._by_name.get(key.casefold(), ()), *(member.id for member in through)]))

    def through(self, selector: Selector, key: str) -> tuple[str, list[str]]:
        """The name in the spelling of the entry, and the object ids of the members whom it covered."""
        label = f"{selector.value} {key}".casefold()
        members = self._by_entry.get(label, [])
        spelt = next((entry for member in members for entry in member.via if entry.casefold() == label), f"{selector.value} {key}")
        return spelt.removeprefix(f"{selector.value} "), [member.id for member in members]
