# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choose a malware engine, and see that it works.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t
from datetime import datetime
from pathlib import Path

from .clamd import ClamdScanner
from .clamd_address import parse_address
from .clamd_database import SIGNATURE_FOLDER, ClamdDatabase
from .scanner import AUTO, CLAMAV, YARA, Scanner, ScannerDown, ScannerUnusable, ScanSettings
from .self_test import self_test

_PATIENCE_WITH_A_CHOICE = 5.0
"""Seconds that clamd gets to answer where there are rules to fall back on."""


def open_scanner(settings: ScanSettings, *, now: t.Callable[[], datetime], signature_folder: Path = SIGNATURE_FOLDER) -> Scanner:
    """The engine that was asked for, after it found the test virus. Close it.

    Raises ScannerDown when clamd does not answer and there is nothing else, and ScannerUnusable for what only an
    administrator can mend.
    """
    if settings.engine == YARA:
        return _tested(_yara(settings, now))
    if settings.engine == CLAMAV:
        return _tested(_clamd(settings, now, signature_folder))
    if settings.engine != AUTO:
        raise ScannerUnusable(f"There is no malware engine {settings.engine!r}.", hint=f"Choose {AUTO}, {CLAMAV} or {YARA}.")
    if not settings.rules:
        return _tested(_clamd(settings, now, signature_folder))
    hurried = dataclasses.replace(settings, patience=min(settings.patience, _PATIENCE_WITH_A_CHOICE))
    try:
        _clamd(hurried, now, signature_folder).close()
    except ScannerDown:
        return _tested(_yara(settings, now))
    return _tested(_clamd(settings, now, signature_folder))


def _clamd(settings: ScanSettings, now: t.Callable[[], datetime], signature_folder: Path) -> Scanner:
    address = parse_address(settings.socket)
    return ClamdScanner(
        address,
        size_limit=settings.size_limit,
        at_once=settings.at_once,
        patience=settings.patience,
        now=now,
        database=ClamdDatabase(signature_folder if address.is_local else None),
    )


def _yara(settings: ScanSettings, now: t.Callable[[], datetime]) -> Scanner:
    from .yara_engine import open_yara  # Only who uses it needs to have its library, and waits for it.

    return open_yara(settings, now=now)


def _tested(scanner: Scanner) -> Scanner:
    try:
        self_test(scanner)
    except BaseException:
        scanner.close()
        raise
    return scanner
