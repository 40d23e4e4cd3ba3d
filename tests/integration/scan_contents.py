# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contents, and a scanner that judges them by a daemon of the tests."""

from __future__ import annotations

import contextlib
import typing as t
from datetime import datetime, timezone

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.open_scanner import open_scanner
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.scanner import CLAMAV, Scanner, ScanSettings
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.self_test import BytesContent

if t.TYPE_CHECKING:
    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.verdict import Verdict

PIECE = 1 << 16


class Eventful:
    """So many bytes before C(end), in the middle of which something happens, each time or only the first times."""

    def __init__(self, event: t.Callable[[], None], *, end: bytes = b"", padding: int = 4 << 20, times: int = 1) -> None:
        self.size = padding + len(end)
        self._event = event
        self._end = end
        self._times = times

    def chunks(self) -> t.Iterator[bytes]:
        rest = self.size - len(self._end)
        for start in range(0, rest, PIECE):
            if start >= rest // 2 > start - PIECE and self._times:
                self._times -= 1
                self._event()
            yield b"." * min(PIECE, rest - start)
        yield self._end


def utc_now() -> datetime:
    return datetime.now(timezone.utc)


@contextlib.contextmanager
def scanner_of(socket: str, **settings: t.Any) -> t.Iterator[Scanner]:
    scanner = open_scanner(ScanSettings(**{"engine": CLAMAV, "socket": socket, "patience": 20.0, **settings}), now=utc_now)
    try:
        yield scanner
    finally:
        scanner.close()


def verdict_of(scanner: Scanner, content: bytes) -> Verdict:
    return scanner.scan(BytesContent(content))
