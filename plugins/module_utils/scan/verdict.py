# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a malware engine says of a content.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from enum import Enum


class VerdictKind(str, Enum):
    """C(unscannable): the engine could not look into all of it, and says why."""

    CLEAN = "clean"
    INFECTED = "infected"
    UNSCANNABLE = "unscannable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What judges: C(clamav) or C(yara), its version, and the version of what it looks for.

    Two equal values of C(database) find the same things. C(released) is when the database was made (ISO, UTC), empty
    where nobody knows.
    """

    name: str
    version: str
    database: str
    released: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """C(names) of what was found, sorted; C(reason) why it could not be scanned. C(time) is when (ISO, UTC, seconds)."""

    kind: VerdictKind
    names: tuple[str, ...] = ()
    reason: str = ""
    engine: str
    database: str
    time: str

    @property
    def is_clean(self) -> bool:
        return self.kind is VerdictKind.CLEAN

    def as_dict(self) -> dict[str, t.Any]:
        """Without what is empty."""
        document = {
            "verdict": self.kind.value,
            "names": list(self.names),
            "reason": self.reason,
            "engine": self.engine,
            "database": self.database,
            "time": self.time,
        }
        return {key: value for key, value in document.items() if value}

    @classmethod
    def from_dict(cls, document: t.Mapping[str, t.Any]) -> Verdict:
        return cls(
            kind=VerdictKind(document["verdict"]),
            names=tuple(document.get("names", ())),
            reason=document.get("reason", ""),
            engine=document.get("engine", ""),
            database=document.get("database", ""),
            time=document["time"],
        )
