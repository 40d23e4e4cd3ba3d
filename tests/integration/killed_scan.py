# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scans of stored backups in processes that tests kill. They save after every few contents.

They print C(judged DIGEST KIND DATABASE) for what the engine said of a content, before anybody else hears of it, and at their
end C(totals KNOWN DONE OTHERS).
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import threading
import types
import typing as t
from datetime import timedelta
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.restore_points import plan_snapshots
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.scan_contents import State
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.scan_setup import scan_settings
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.scanning_again import SAVED_EVERY, Task, scan_again
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import open_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.open_scanner import open_scanner
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.verdict import Engine, Verdict
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import PASSPHRASE, Backup, now
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.disk_calls import die
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.killable import say, serve

if t.TYPE_CHECKING:
    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.scanner import Content, Scanner
    from tenant.harness import RunningTenant

SAVED_AT_ONCE = 5


class Death(t.NamedTuple):
    """At which content, or around which file of a kind, counted from 1, the process dies of itself."""

    what: str
    number: int
    is_after: bool = True


def job_of(backup: Backup, day: int, death: Death | None = None) -> dict[str, t.Any]:
    """A scan on one of the last days; C(day) counts from a year ago."""
    return {"folder": str(backup.folder), "users": backup.users, "malware_scan": backup.malware_scan, "day": day, "death": death}


class _Fate:
    """Ends the process when its time has come. Thread-safe."""

    def __init__(self, death: Death | None) -> None:
        self._death = death
        self._met: dict[tuple[str, bool], int] = {}
        self._lock = threading.Lock()

    def meet(self, what: str, *, is_after: bool = True, words: t.Sequence[str] = ()) -> None:
        with self._lock:
            if words:
                say(*words)
            self._met[what, is_after] = self._met.get((what, is_after), 0) + 1
            if self._death == (what, self._met[what, is_after], is_after):
                die()


class _Storage(LocalStorage):
    def __init__(self, path: Path, fate: _Fate) -> None:
        super().__init__(path)
        self._fate = fate

    def put(self, kind: FileKind, name: str, data: bytes | memoryview) -> None:
        self._fate.meet(kind.value, is_after=False)
        super().put(kind, name, data)
        self._fate.meet(kind.value)


class _Scanner:
    """The engine that is declared."""

    def __init__(self, scanner: Scanner, fate: _Fate) -> None:
        self._scanner = scanner
        self._fate = fate

    @property
    def engine(self) -> Engine:
        return self._scanner.engine

    def scan(self, content: Content) -> Verdict:
        verdict = self._scanner.scan(content)
        digest = hashlib.sha256(b"".join(content.chunks())).hexdigest()
        self._fate.meet("content", words=("judged", digest, verdict.kind.value, verdict.database))
        return verdict

    def close(self) -> None:
        self._scanner.close()


def scan(job: dict[str, t.Any]) -> None:
    # The tenant is not asked for anything.
    backup = Backup(
        tenant=t.cast("RunningTenant", types.SimpleNamespace()),
        folder=Path(job["folder"]),
        users=tuple(job["users"]),
        malware_scan=job["malware_scan"],
    )
    plan, fate = backup.plan, _Fate(None if job["death"] is None else Death(*job["death"]))
    repository = open_repository(_Storage(backup.location, fate), PASSPHRASE)
    settings = scan_settings(plan.malware_scan)
    moment = now() - timedelta(days=365 - job["day"])
    ticks = itertools.count(step=SAVED_EVERY / SAVED_AT_ONCE)
    task = Task(plan=plan.name, hostname="scan-host", now=lambda: moment, clock=lambda: next(ticks), lock_timeout=0.0, is_check=False)
    with contextlib.closing(open_scanner(settings, now=lambda: moment)) as scanner:
        found = scan_again(repository, _Scanner(scanner, fate), settings, task, lambda listed, _warn: plan_snapshots(listed, plan.name))
    counts = {state: sum(total.contents for total in found.totals if total.state is state) for state in State}
    say("totals", counts.pop(State.KNOWN), counts.pop(State.DONE), sum(counts.values()))


if __name__ == "__main__":
    serve(scan)
