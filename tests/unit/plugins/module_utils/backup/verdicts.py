# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verdicts to store, and a repository that several hosts store them in."""

from __future__ import annotations

import contextlib
import hashlib
import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.content_key import ContentKey
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.unscanned import Unscanned
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.verdict_heads import verdict_heads
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.verdict_log import VerdictLog
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.verdict_store import VerdictStore
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobId, Snapshot
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.writer import Writer
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.verdict import Verdict, VerdictKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.verdicts import time_text
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    NOON,
    Place,
    RecordingStorage,
    new_place,
)

CLEAN, INFECTED, UNSCANNABLE = VerdictKind.CLEAN, VerdictKind.INFECTED, VerdictKind.UNSCANNABLE


def key_of(name: object) -> ContentKey:
    return ContentKey(hashlib.sha256(str(name).encode()).hexdigest())


def verdict(kind: VerdictKind = CLEAN, minute: float = 0, engine: str = "clamav") -> Verdict:
    names = ("Win.Test.EICAR_HDB-1",) if kind is INFECTED else ()
    reason = "an archive with a password" if kind is UNSCANNABLE else ""
    return Verdict(
        kind=kind, names=names, reason=reason, engine=engine, database="1.4.6/27801", time=time_text(NOON + timedelta(minutes=minute))
    )


def unscanned(name: str, *, plan: str = "sales", minute: float = 0) -> Unscanned:
    return Unscanned(
        blobs=(BlobId(key_of(name)),),
        size=7,
        plan=plan,
        member="id-of-anna",
        source="mail",
        folder="Inbox",
        name=name,
        how="whole",
        time=time_text(NOON + timedelta(minutes=minute)),
        reason="The daemon does not answer.",
    )


@dataclass
class Hosts:
    """A repository, and whoever stores verdicts in it. C(warnings) are what all of them said."""

    place: Place = field(default_factory=lambda: new_place(RecordingStorage()))
    warnings: list[str] = field(default_factory=list)

    @property
    def storage(self) -> RecordingStorage:
        return t.cast(RecordingStorage, self.place.storage)

    def heads(self) -> tuple[Snapshot, ...]:
        return verdict_heads(self.place.reopen().snapshots())

    @contextlib.contextmanager
    def run(self, plan: str = "sales", *, now: datetime = NOON) -> t.Iterator[tuple[VerdictLog, Writer]]:
        """What a run has: the verdicts of when it began, and a writer."""
        repository = self.place.reopen()
        with repository.writing(hostname="backup1") as writer:
            store = VerdictStore(writer, verdict_heads(repository.snapshots()), now=now, warn=self.warnings.append)
            with VerdictLog(store, plan) as log:
                yield log, writer

    def save(self, verdicts: t.Mapping[ContentKey, Verdict]) -> Snapshot | None:
        """One run that adds these."""
        with self.run() as (log, writer):
            for key, one in verdicts.items():
                log.add(key, one)
            return log.save(writer, NOON)

    @contextlib.contextmanager
    def store(self, *, now: datetime = NOON) -> t.Iterator[VerdictStore]:
        """The verdicts as anybody reads them."""
        repository = self.place.reopen()
        with VerdictStore(repository, verdict_heads(repository.snapshots()), now=now, warn=self.warnings.append) as store:
            yield store

    def known(self, keys: t.Iterable[ContentKey]) -> dict[ContentKey, Verdict]:
        with self.store() as store:
            return store.find(list(keys))
