# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of a plan without Ansible around them, for tests that look closely at what a run does."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import subprocess
import tempfile
import typing as t
from datetime import datetime, timezone
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.engine import Workers, preview_plan, run_plan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import MAIL
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import RunResult
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.scan_setup import OpenedEngine, opened_engine, scan_setup
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.stopping import Stop
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.worker import WorkerSetup
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import connect
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limits import Budget, Budgets
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.document import plan_from_dict
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import Plan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.resolve import resolve_members
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.keys import KdfParameters
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import (
    Repository,
    create_repository,
    open_repository,
    repository_exists,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.tests.integration.graph_tenant import settings_for
from tenant.harness import RunningTenant

PASSPHRASE = "a passphrase of the tests that is long enough to be one"
NO_TEN_MINUTE_LIMIT = Budgets(mailbox=Budget(requests=None, upload_bytes=None))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A plan over some users of a tenant, with a repository below C(folder)."""

    tenant: RunningTenant
    folder: Path
    users: tuple[str, ...]
    title: str = "The group"
    sources: tuple[str, ...] = (MAIL,)
    archives: bool = False
    recoverable_items: bool = False
    backup_type: str = "mailbox"
    versions: int = 0
    permissions: bool = False
    malware_scan: t.Mapping[str, t.Any] | None = None
    scanner_patience: float = 60.0

    @property
    def location(self) -> Path:
        return self.folder / "repository"

    def repository(self) -> Repository:
        storage = LocalStorage(self.location)
        if repository_exists(storage):
            return open_at(self.location)
        return create_repository(storage, PASSPHRASE, kdf=KdfParameters(n=2**10))

    def run(self, *, budgets: Budgets | None = None, workers: int = 1, stop: Stop | None = None) -> RunResult:
        setup = WorkerSetup(
            plan=self.plan,
            settings=settings_for(self.tenant),
            open_repository=functools.partial(open_at, self.location),
            now=now,
            hostname="backup-host",
            budgets=budgets,
        )
        return self._each(run_plan, budgets, hostname=setup.hostname, workers=Workers(setup=setup, count=workers), stop=stop)

    def preview(self) -> RunResult:
        return self._each(preview_plan, None)

    @property
    def plan(self) -> Plan:
        of_mailboxes = {
            "sources": list(self.sources),
            "archive_mailboxes": self.archives,
            "recoverable_items": self.recoverable_items,
        }
        of_drives = {"versions": self.versions, "permissions": self.permissions}
        return plan_from_dict(
            {
                "name": "group",
                "title": self.title,
                "users": list(self.users),
                "backup_type": self.backup_type,
                "repository": str(self.location),
                "retention": {"forever": True},
                "malware_scan": self.malware_scan,
                **(of_mailboxes if self.backup_type == "mailbox" else of_drives),
            },
        )

    def _each(self, execute: t.Callable[..., RunResult], budgets: Budgets | None, **more: t.Any) -> RunResult:
        with self._engine() as engine, connect(settings_for(self.tenant), budgets=budgets) as client:
            members = resolve_members(client, self.plan).members
            return execute(self.plan, members, client, self.repository(), run_id="run", now=now, engine=engine, **more)

    @contextlib.contextmanager
    def _engine(self) -> t.Iterator[OpenedEngine | None]:
        """As a run opens it, but that it may wait for another time."""
        setup = scan_setup(self.plan)
        if setup is None:
            yield None
            return
        setup = dataclasses.replace(setup, settings=dataclasses.replace(setup.settings, patience=self.scanner_patience))
        with opened_engine(setup, now) as scanner:
            yield OpenedEngine(setup, scanner)

    def restic(self, *arguments: str) -> str:
        """What restic says; AssertionError with its output when it is not content."""
        finished = subprocess.run(
            ["restic", "--no-cache", *arguments],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "RESTIC_REPOSITORY": str(self.location), "RESTIC_PASSWORD": PASSPHRASE},
        )
        if finished.returncode:
            raise AssertionError(finished.stdout)
        return finished.stdout

    def restored_by_restic(self, snapshot: str = "latest") -> dict[str, bytes]:
        """{path below the group: content} of every message in a snapshot."""
        target = Path(tempfile.mkdtemp(dir=self.folder))
        of_plan = ("--tag", f"plan:{self.plan.name}") if snapshot == "latest" else ()
        self.restic("restore", snapshot, *of_plan, "--target", str(target), "--quiet")
        root = target / self.title
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.eml")}


def open_at(location: Path) -> Repository:
    return open_repository(LocalStorage(location), PASSPHRASE)


def now() -> datetime:
    return datetime.now(timezone.utc)


def mail_of(tenant: RunningTenant, *users: str) -> list[bytes]:
    """Every message as the service serves it, sorted, to compare with what a restore gave back."""
    control = tenant.control
    return sorted(control.mime(user, message["id"]) for user in users for message in control.messages(user))


def mail(subject: str, body: str = "Hello") -> bytes:
    return (
        f"From: a@example.com\r\nTo: b@example.com\r\nSubject: {subject}\r\nMessage-ID: <{subject}@example.com>\r\n\r\n{body}\r\n".encode()
    )


needs_restic = pytest.mark.skipif(
    not any(Path(folder, "restic").exists() for folder in os.environ.get("PATH", "").split(os.pathsep)),
    reason="restic is not installed: it is the independent judge of what we write (apt-get install restic)",
)
