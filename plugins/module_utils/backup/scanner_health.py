# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the malware scanner of a host would do for a run.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime, timezone

from .._text import count_text
from ..scan.open_scanner import open_scanner
from ..scan.scanner import AUTO, CLAMAV, YARA, ScanSettings
from ..scan.self_test import blind_spots
from ..scan.verdict import Engine

ENGINES = (AUTO, CLAMAV, YARA)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannerHealth:
    """An engine that has found the test virus.

    C(age_days) is the age of its database, None where nobody knows it. C(complaints) are sentences about what it calls
    clean without having looked into it.
    """

    engine: Engine
    age_days: int | None
    complaints: tuple[str, ...]

    def old_database(self, max_days: int) -> str:
        """A sentence when the database is older than C(max_days); empty when it is not, or nobody knows."""
        if self.age_days is None or self.age_days <= max_days:
            return ""
        return (
            f"The database of {self.engine.name} ({self.engine.database}) is {count_text(self.age_days, 'day')} old. "
            "Younger malware is not found. The log of freshclam says why it was not updated: journalctl -u clamav-freshclam."
        )

    def sentence(self) -> str:
        """All of it for people, without the complaints."""
        age = f"is {count_text(self.age_days, 'day')} old" if self.age_days is not None else "says nothing about its age"
        return f"{self.engine.name} {self.engine.version} finds the test virus. Its database {self.engine.database} {age}."

    def as_dict(self) -> dict[str, t.Any]:
        """As a module returns it."""
        return {
            "engine": self.engine.name,
            "engine_version": self.engine.version,
            "database": self.engine.database,
            "database_released": self.engine.released,
            "database_age_days": self.age_days,
            "complaints": list(self.complaints),
        }


def scan_settings(engine: str, socket: str, rules: t.Sequence[str], *, patience: float) -> ScanSettings:
    """For one look at the scanner."""
    return ScanSettings(engine=engine, socket=socket, rules=tuple(rules), patience=patience)


def examine_scanner(settings: ScanSettings, *, now: t.Callable[[], datetime]) -> ScannerHealth:
    """Open the scanner as a run does, with its self-test, and look at its settings.

    Raises L(ScannerDown) and L(ScannerUnusable) as L(open_scanner) does.
    """
    scanner = open_scanner(settings, now=now)
    try:
        return ScannerHealth(
            engine=scanner.engine,
            age_days=age_in_days(scanner.engine.released, now()),
            complaints=blind_spots(scanner),
        )
    finally:
        scanner.close()


def age_in_days(released: str, now: datetime) -> int | None:
    """Whole days since a time (ISO, UTC where it names no zone), none when it lies in the future; None for an empty text."""
    if not released:
        return None
    # Python 3.10 does not read the Z.
    time = datetime.fromisoformat(released.replace("Z", "+00:00"))
    if time.tzinfo is None:
        time = time.replace(tzinfo=timezone.utc)
    return max(0, (now - time).days)
