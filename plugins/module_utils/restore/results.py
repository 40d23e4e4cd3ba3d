# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a restore says about itself.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from enum import Enum

from ..backup.results import Finding, listed


class Restored(Enum):
    WRITTEN = "written"
    UNCHANGED = "unchanged"


@dataclass(slots=True)
class RestoreResult:
    """C(target) is where the messages are now: a folder of this host, or a folder of a mailbox."""

    snapshot_id: str
    snapshot_time: str
    member: str
    target: str
    restored: int = 0
    unchanged: int = 0
    restored_bytes: int = 0
    folders: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, folder: tuple[str, ...], size: int, what: Restored) -> None:
        if what is Restored.UNCHANGED:
            self.unchanged += 1
            return
        self.restored += 1
        self.restored_bytes += size
        name = "/".join(folder)
        self.folders[name] = self.folders.get(name, 0) + 1

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "snapshot_id": self.snapshot_id,
            "snapshot_time": self.snapshot_time,
            "member": self.member,
            "target": self.target,
            "restored": self.restored,
            "unchanged": self.unchanged,
            "restored_bytes": self.restored_bytes,
            "folders": dict(sorted(self.folders.items())),
            "finding_count": len(self.findings),
            "findings": listed(self.findings),
        }
