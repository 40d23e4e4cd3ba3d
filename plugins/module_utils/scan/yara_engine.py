# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The embedded engine: YARA rules, run in this process over every content and what can be unpacked from it. No daemon.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import math
import threading
import typing as t
from datetime import datetime, timedelta

from .. import _deps
from .scanner import YARA, Content, ScannerDown, ScanSettings
from .unpack import REVISION
from .unpack_budget import Budget, Limits
from .unpack_piece import Piece, TooMuch
from .unpack_walk import look_through
from .verdict import Engine, Verdict, VerdictKind
from .verdicts import time_text, too_large
from .yara_rules import Rules, load_rules

LIMITS = Limits()
TIME_LIMIT = timedelta(minutes=5)
"""For one content, everything that is in it included."""
_MOST_REASONS = 5
_DIGITS = 16
_TOO_LONG = f"scanning took longer than {TIME_LIMIT.seconds // 60} minutes"


def open_yara(settings: ScanSettings, *, now: t.Callable[[], datetime]) -> YaraScanner:
    """Raises ScannerUnusable when there are no valid rules, and MissingLibraryError. C(now) is aware of its zone."""
    return YaraScanner(load_rules(settings.rules), settings, now)


class YaraScanner:
    """A Scanner. C(limits) bound what is unpacked from one content."""

    def __init__(self, rules: Rules, settings: ScanSettings, now: t.Callable[[], datetime], *, limits: Limits = LIMITS) -> None:
        self._rules = rules
        self._size_limit = settings.size_limit
        self._now = now
        self._limits = limits
        self._places = threading.BoundedSemaphore(max(1, settings.at_once))
        self._closed = threading.Event()
        database = f"{rules.version}/rules-{rules.digest[:_DIGITS]}/unpackers-{REVISION}"
        self.engine = Engine(name=YARA, version=rules.version, database=database)

    def scan(self, content: Content) -> Verdict:
        if content.size > self._size_limit:
            return too_large(content.size, self._size_limit, self.engine, self._now())
        names: set[str] = set()
        end = self._now() + TIME_LIMIT

        def see(piece: Piece) -> tuple[bool, str]:
            found, reason = self._matching(piece, end - self._now())
            names.update(found)
            # Infected is infected, whatever else is in it.
            return bool(names), reason

        with self._places, Piece(content.chunks()) as whole:
            reasons = look_through(whole, Budget(whole.size, self._limits), see)
        if names:
            return self._verdict(VerdictKind.INFECTED, names=tuple(sorted(names)))
        if reasons:
            more = f", and {len(reasons) - _MOST_REASONS} more" if len(reasons) > _MOST_REASONS else ""
            return self._verdict(VerdictKind.UNSCANNABLE, reason="; ".join(reasons[:_MOST_REASONS]) + more)
        return self._verdict(VerdictKind.CLEAN)

    def close(self) -> None:
        self._closed.set()

    def _verdict(self, kind: VerdictKind, *, names: tuple[str, ...] = (), reason: str = "") -> Verdict:
        return Verdict(kind=kind, names=names, reason=reason, engine=YARA, database=self.engine.database, time=time_text(self._now()))

    def _matching(self, piece: Piece, left: timedelta) -> tuple[list[str], str]:
        """Names of the rules that match, and why not all rules could look. Raises TooMuch when no time is left."""
        if self._closed.is_set():
            raise ScannerDown("The malware engine yara was closed while it scanned.")
        if left <= timedelta(0):
            raise TooMuch(_TOO_LONG)
        library = _deps.boreal
        # A large piece lies in a nameless file of ours, which the library maps.
        where = {"data": piece.data} if piece.data is not None else {"filepath": f"/proc/self/fd/{piece.descriptor}"}
        try:
            return [match.rule for match in self._rules.compiled.match(**where, timeout=math.ceil(left.total_seconds()))], ""
        except library.TimeoutError as error:
            raise TooMuch(_TOO_LONG) from error
        except library.ScanError as error:
            raise ScannerDown(f"The malware engine yara could not read what it was given: {error}.") from error
        except BaseException as error:
            # A defect in the library that this content touches. Its class is not exported, and is no Exception.
            if error.__class__.__name__ != "PanicException":
                raise
            return [], "the malware engine broke off"
