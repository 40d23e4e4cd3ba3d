# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every malware engine offers, and what is asked of it.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._errors import BackupError
from .verdict import Engine, Verdict

AUTO = "auto"
CLAMAV = "clamav"
YARA = "yara"
DEFAULT_SOCKET = "/run/clamav/clamd.ctl"
DEFAULT_SIZE_LIMIT = 200 << 20


class ScannerDown(BackupError):
    """The engine gave no answer, though it was waited for. Nothing is known of the content; it was not scanned."""


class ScannerUnusable(BackupError):
    """There is no engine that could be trusted: not installed, no rules, or it did not find the test virus."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanSettings:
    """C(engine): auto, clamav or yara. C(socket): a path, or C(tcp://host:port), of clamd. C(rules): files or folders of YARA.

    Contents of more than C(size_limit) bytes are not scanned: C(unscannable). C(at_once) contents are scanned at a time.
    A daemon that does not answer is waited for C(patience) seconds in all, then everything is ScannerDown.
    """

    engine: str = AUTO
    socket: str = DEFAULT_SOCKET
    rules: tuple[str, ...] = ()
    size_limit: int = DEFAULT_SIZE_LIMIT
    at_once: int = 1
    patience: float = 60.0


class Content(t.Protocol):
    """Bytes that can be read several times. graph's Body is one."""

    @property
    def size(self) -> int: ...

    def chunks(self) -> t.Iterator[bytes]:
        """All of it, from the start each time."""


class Scanner(t.Protocol):
    """Any number of threads may share one."""

    @property
    def engine(self) -> Engine: ...

    def scan(self, content: Content) -> Verdict:
        """Raises ScannerDown. C(clean) only when the engine said so of all of it."""

    def close(self) -> None:
        """Give back connections. Scans under way fail with ScannerDown."""
