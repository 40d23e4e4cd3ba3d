# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The malware engine of a plan, opened before anything is read.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t
from datetime import datetime

from .._process import usable_cores
from ..scan.scanner import ScannerDown, ScanSettings
from ..scan.verdict import Engine, Verdict
from .content_scan import ContentScan, ScanRules
from .verdict_heads import verdict_heads
from .verdict_log import VerdictLog
from .verdict_store import VerdictStore

if t.TYPE_CHECKING:
    from ..plan.model import MalwareScan, Plan
    from ..repository.errors import RepositoryDamaged
    from ..repository.types import Snapshot
    from ..scan.scanner import Content, Scanner
    from .listed_snapshots import SnapshotLister
    from .small_files import FileReader

Clock = t.Callable[[], datetime]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ScanSetup:
    """Everything that a process needs to scan for a run, picklable. C(heads) are the stored verdicts."""

    settings: ScanSettings
    rules: ScanRules
    heads: tuple[Snapshot, ...] = ()

    def shared_by(self, processes: int) -> ScanSetup:
        """The same for one of so many processes: an engine works for as many at once as there are cores."""
        return dataclasses.replace(self, settings=dataclasses.replace(self.settings, at_once=max(1, self.settings.at_once // processes)))

    def with_verdicts(self, snapshots: SnapshotLister) -> ScanSetup:
        """With what the repository knows of contents. Of damaged snapshots others tell."""
        return dataclasses.replace(self, heads=verdict_heads(snapshots.snapshots(on_damage=_pass_over)))


@dataclasses.dataclass(frozen=True, slots=True)
class OpenedEngine:
    """The engine of the process that leads a run."""

    setup: ScanSetup
    scanner: Scanner


def scan_setup(plan: Plan) -> ScanSetup | None:
    """None for a plan that does not scan."""
    if not plan.malware_scan.enabled:
        return None
    return ScanSetup(
        settings=scan_settings(plan.malware_scan),
        rules=ScanRules(
            plan=plan.name,
            size_limit=plan.malware_scan.size_limit_mb << 20,
            keeps_unscanned=plan.malware_scan.keeps_unscanned,
        ),
    )


def scan_settings(declared: MalwareScan) -> ScanSettings:
    """What a plan declares, as the engines take it; as many contents at once as there are cores."""
    return ScanSettings(
        engine=declared.engine.value,
        socket=declared.socket,
        rules=declared.rules,
        size_limit=declared.size_limit_mb << 20,
        at_once=usable_cores(),
    )


@contextlib.contextmanager
def opened_engine(setup: ScanSetup, now: Clock, *, may_be_down: bool | None = None) -> t.Iterator[Scanner]:
    """An engine that has found the test virus. C(may_be_down): one that does not answer is one that never answers, and no error;
    None: as the plan says.

    Raises ScannerUnusable, ScannerDown.
    """
    # Here, because a run that scans nothing shall not wait for what an engine imports.
    from ..scan.open_scanner import open_scanner

    try:
        scanner: Scanner = open_scanner(setup.settings, now=now)
    except ScannerDown as error:
        if not (setup.rules.keeps_unscanned if may_be_down is None else may_be_down):
            raise
        scanner = _DownScanner(setup.settings.engine, error)
    with contextlib.closing(scanner):
        yield scanner


def weaknesses(scanner: Scanner) -> tuple[str, ...]:
    """What the engine does not see, as far as it can be told by asking it: sentences."""
    from ..scan.self_test import blind_spots

    try:
        return blind_spots(scanner)
    except ScannerDown:
        return ()


@contextlib.contextmanager
def opened_scan(
    setup: ScanSetup, scanner: Scanner, store: FileReader, now: Clock, warn: t.Callable[[str], None]
) -> t.Iterator[ContentScan]:
    """The scan of what is saved into a repository, which has C(store) and the verdicts of C(setup.heads)."""
    with VerdictLog(VerdictStore(store, setup.heads, now=now(), warn=warn), setup.rules.plan) as log:
        yield ContentScan(scanner, log, setup.rules, now)


def _pass_over(damage: RepositoryDamaged) -> None:
    del damage


class _DownScanner:
    """An engine that did not answer when it was first asked."""

    def __init__(self, name: str, error: ScannerDown) -> None:
        self.engine = Engine(name=name, version="", database="")
        self._error = error

    def scan(self, content: Content) -> Verdict:
        raise self._error

    def close(self) -> None:
        """There is nothing to give back."""
