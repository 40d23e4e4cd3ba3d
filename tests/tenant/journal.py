# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The change journal of one folder (or of one mailbox's folder tree): what delta queries are answered from."""

from __future__ import annotations

import bisect
import enum
import typing as t


class Change(enum.IntEnum):
    """What happened to an object in this folder."""

    ADDED = 1
    UPDATED = 2
    READ = 3
    REMOVED = 4


class Entry(t.NamedTuple):
    """One line of the journal; C(version) grows strictly within a mailbox."""

    version: int
    number: int
    change: Change


class Line(t.NamedTuple):
    """What a delta round has to tell of one object: its last change, whether nothing but its read mark changed, and
    whether it was here when the round began."""

    entry: Entry
    only_read: bool
    was_here: bool


class Journal:
    """Append-only list of changes, in order of their versions."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._arrivals: dict[int, int] = {}
        self._earlier: dict[int, list[int]] = {}

    def append(self, version: int, number: int, change: Change) -> None:
        self._entries.append(Entry(version, number, change))
        if change is Change.ADDED:
            if number in self._arrivals:
                self._earlier.setdefault(number, []).append(self._arrivals[number])
            self._arrivals[number] = version

    def additions(self, after: int, until: int) -> t.Iterator[Entry]:
        """Arrivals with C(after < version <= until), oldest first."""
        for position in range(self._start(after), len(self._entries)):
            entry = self._entries[position]
            if entry.version > until:
                return
            if entry.change is Change.ADDED:
                yield entry

    def since(self, after: int, until: int) -> list[Line]:
        """One line for each object that changed with C(after < version <= until), in order of the last changes."""
        lines: dict[int, Line] = {}
        for position in range(self._start(after), len(self._entries)):
            entry = self._entries[position]
            if entry.version > until:
                break
            known = lines.pop(entry.number, None)
            only_read = entry.change is Change.READ and (known is None or known.only_read)
            lines[entry.number] = Line(entry, only_read, entry.change is not Change.ADDED if known is None else known.was_here)
        return list(lines.values())

    def arrival(self, number: int, until: int) -> int:
        """Version of the last arrival of an object here, not later than C(until) if there is one that early; 0 if it never came."""
        last = self._arrivals.get(number, 0)
        return last if last <= until else max((one for one in self._earlier.get(number, ()) if one <= until), default=last)

    def _start(self, after: int) -> int:
        return bisect.bisect_right(self._entries, after, key=lambda entry: entry.version)
