# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the parts of the OneDrive benchmark found. Times in seconds, sizes in bytes."""

from __future__ import annotations

import dataclasses
import statistics
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from .figures import EngineRun, Usage


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CopyResult:
    """First backups of some drives, and C(rclone copy) of the same drives to a folder, round by round.

    C(transfers): how many files each of them fetches at a time.
    """

    drives: int
    files: int
    size: int
    transfers: int
    ours: list[EngineRun]
    rclone: list[Usage]
    rclone_version: str | None

    @property
    def throughput(self) -> float | None:
        """Our bytes a second for one of rclone's: the median over the rounds, since what disturbs a round disturbs both."""
        return _median_ratio([usage.wall for usage in self.rclone], [run.process.wall for run in self.ours])

    @property
    def cpu(self) -> float | None:
        """Our CPU seconds for one of rclone's."""
        return _median_ratio([run.process.cpu for run in self.ours], [usage.cpu for usage in self.rclone])


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BoundRun:
    """One program under the limit of the tenant: what it was charged, how often it was refused, and its whole time."""

    units: int
    refused: int
    wall: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BoundResult:
    """First backups while the tenant enforces so many resource units in C(seconds), which stand for a minute."""

    files: int
    units: int
    seconds: float
    ours: BoundRun
    rclone: BoundRun | None

    def share(self, run: BoundRun) -> float:
        """How much of what the limit allows was used, over the whole time of the process. Refused requests count for nothing."""
        return (run.units - run.refused) / run.wall / (self.units / self.seconds)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ScaleResult:
    """A small drive, then a large one: its first run, one without changes, one after a folder was renamed, one after it was moved.

    C(drive_requests): requests to the drives that the last three made.
    """

    small_files: int
    files: int
    below: int
    small: EngineRun
    first: EngineRun
    unchanged: EngineRun
    renamed: EngineRun
    moved: EngineRun
    drive_requests: tuple[int, int, int]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LargeResult:
    """One large file: backed up, changed a little in its middle, backed up again, restored into the drive of somebody else.

    C(changed): as many bytes as before, others; C(inserted): further bytes between them.
    """

    size: int
    first: EngineRun
    changed: EngineRun
    inserted: EngineRun
    changed_bytes: int
    restored: Usage
    is_identical: bool
    is_checked_by_rclone: bool


def _median_ratio(above: Sequence[float], below: Sequence[float]) -> float | None:
    ratios = [one / other for one, other in zip(above, below, strict=False)]
    return statistics.median(ratios) if ratios else None
