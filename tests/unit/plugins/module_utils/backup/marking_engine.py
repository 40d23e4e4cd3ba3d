# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A malware engine in some lines, that looks for words and remembers what it was shown."""

from __future__ import annotations

import threading

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.scanner import Content, ScannerDown
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.verdict import Engine, Verdict, VerdictKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.verdicts import time_text
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import NOON


class MarkingEngine:
    """What holds one of C(words) is infected, what holds "locked" is unscannable. After C(answers) scans it gives no more answers.

    With a C(crash) that is the end of the process that scans.
    """

    def __init__(self, *words: str, database: str = "1", name: str = "marking", answers: int = 1_000_000, crash: bool = False) -> None:
        self.words = words
        self.seen: list[bytes] = []
        self.answers = answers
        self._end = MemoryError() if crash else ScannerDown("The engine is gone.")
        self._database = database
        self._name = name
        self._lock = threading.Lock()

    @property
    def engine(self) -> Engine:
        return Engine(name=self._name, version="1.0", database=self._database)

    def scan(self, content: Content) -> Verdict:
        data = b"".join(content.chunks())
        with self._lock:
            self.answers -= 1
            if self.answers < 0:
                raise self._end
            self.seen.append(data)
        names = tuple(word for word in self.words if word.encode() in data)
        if names:
            return self._verdict(VerdictKind.INFECTED, names=names)
        if b"locked" in data:
            return self._verdict(VerdictKind.UNSCANNABLE, reason="encrypted")
        return self._verdict(VerdictKind.CLEAN)

    def close(self) -> None:
        """Nothing to give back."""

    def _verdict(self, kind: VerdictKind, names: tuple[str, ...] = (), reason: str = "") -> Verdict:
        return Verdict(kind=kind, names=names, reason=reason, engine=self._name, database=self._database, time=time_text(NOON))
