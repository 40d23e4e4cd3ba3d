# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps what is infected out of a restore, unless it was asked for by name.

Everything else is restored, and what the malware scan could not look into is counted. A plan that does not scan costs a
look at the list of snapshots.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from ..backup.item_verdicts import ItemVerdict, KnownVerdicts, ScanState, key_of, verdict_of, version_verdict
from ..backup.layout import ONEDRIVE
from ..backup.results import Finding, FindingKind
from ..backup.verdict_heads import verdict_heads
from ..backup.verdict_store import VerdictStore
from .choice import ChosenItem, Part, item_name, part_name
from .drive_files import VERSION
from .results import SourceRestore

if t.TYPE_CHECKING:
    from ..backup.content_key import ContentKey
    from ..backup.listed_snapshots import SnapshotLister
    from ..repository.errors import RepositoryDamaged
    from ..repository.repository import Repository
    from ..repository.types import Node
    from ..scan.verdict import Verdict

#: What the trade uses for samples of malware, so that no scanner on the way takes them away.
PASSWORD = "infected"
CODE = "infected"


class FlaggedVerdicts(KnownVerdicts, t.Protocol):
    """The verdict store."""

    @property
    def has_flagged(self) -> bool:
        """Whether C(flagged) has any. Reads nothing."""

    def flagged(self) -> t.Iterator[tuple[ContentKey, Verdict]]:
        """Every content that is not clean, by its key."""


class Sifter:
    """Says which items of a restore are infected. For one thread.

    The keys of all contents that are not clean are held in memory, which are few.
    """

    def __init__(self, store: FlaggedVerdicts, *, includes_infected: bool) -> None:
        self._store = store
        self._includes_infected = includes_infected
        self._keys: frozenset[ContentKey] | None = None if store.has_flagged else frozenset()

    def wanted(self, items: t.Iterable[ChosenItem], part: SourceRestore, *, with_versions: bool = False) -> t.Iterator[ChosenItem]:
        """What goes into a mailbox or a drive, infected items as they are where they were asked for.

        C(with_versions): earlier versions of files go there, too, each of which is sifted by itself.
        """
        for item in items:
            if self._is_infected(item, part):
                if not self._includes_infected:
                    continue
                part.infected += 1
            yield self._with_versions(item, part) if with_versions else item

    def harmless(self, items: t.Iterable[ChosenItem], part: SourceRestore) -> t.Iterator[ChosenItem]:
        """What is written into files. Infected items that were asked for are counted, and go elsewhere."""
        for item in items:
            if not self._is_infected(item, part):
                yield item
            elif self._includes_infected:
                part.infected += 1

    def infected(self, items: t.Iterable[ChosenItem]) -> t.Iterator[ChosenItem]:
        """The others of the same items, and nothing is counted again."""
        return (item for item in items if self._is_known_infected(item))

    def verdict(self, item: ChosenItem) -> ItemVerdict:
        """What is said of the content that is restored: of a file of a drive the newest one, of all others with what belongs to it."""
        return verdict_of(item.record, item.node, _scanned_with(item), self._store)

    def has_infected(self, item: ChosenItem) -> bool:
        """Whether an item is infected, or anything that belongs to it."""
        return self._is_known_infected(item) or any(map(self._is_infected_version, item.parts))

    def _against(self, item: ChosenItem) -> ItemVerdict | None:
        """The verdict of an item of which anything but good was ever said. All others cost nothing."""
        parts = _scanned_with(item)
        return self.verdict(item) if "scan" in item.record or self._has_flagged(item.node, *parts) else None

    def _is_known_infected(self, item: ChosenItem) -> bool:
        verdict = self._against(item)
        return verdict is not None and verdict.is_infected

    def _is_infected(self, item: ChosenItem, part: SourceRestore) -> bool:
        """Count what is said of an item, and tell of one that is refused."""
        verdict = self._against(item)
        if verdict is None:
            return False
        part.unscannable += verdict.state is ScanState.UNSCANNABLE
        part.unscanned += verdict.state is ScanState.UNSCANNED
        if verdict.is_infected and not self._includes_infected:
            _refuse(part, item_name(item.source, item.record, item.folder), verdict)
        return verdict.is_infected

    def _with_versions(self, item: ChosenItem, part: SourceRestore) -> ChosenItem:
        infected = [each for each in item.parts if self._is_infected_version(each)]
        if not infected or self._includes_infected:
            return item
        name = item_name(item.source, item.record, item.folder)
        for version in infected:
            _refuse(part, part_name(version.facts, name), version_verdict(version.facts, version.node, self._store))
        return dataclasses.replace(item, parts=tuple(each for each in item.parts if each not in infected))

    def _is_infected_version(self, each: Part) -> bool:
        if each.facts.get("kind") != VERSION or not ("scan" in each.facts or self._has_flagged(each.node)):
            return False
        return version_verdict(each.facts, each.node, self._store).is_infected

    def _has_flagged(self, *nodes: Node) -> bool:
        if self._keys is None:
            self._keys = frozenset(key for key, _verdict in self._store.flagged())
        return bool(self._keys) and not self._keys.isdisjoint(key_of(node) for node in nodes)


@contextlib.contextmanager
def sifting(
    repository: Repository, snapshots: SnapshotLister, warn: t.Callable[[str], None], *, includes_infected: bool
) -> t.Iterator[Sifter]:
    """A sifter that knows the verdicts of a repository."""
    with stored_verdicts(repository, snapshots, warn) as store:
        yield Sifter(store, includes_infected=includes_infected)


def stored_verdicts(repository: Repository, snapshots: SnapshotLister, warn: t.Callable[[str], None]) -> VerdictStore:
    """The verdicts of a repository, to be closed. C(snapshots) lists the snapshots of it."""
    heads = verdict_heads(snapshots.snapshots(on_damage=_told_elsewhere))
    return VerdictStore(repository, heads, now=snapshots.clock.now(), warn=warn)


def _told_elsewhere(_damage: RepositoryDamaged) -> None:
    """Whoever chose the restore point has been told of damaged snapshots."""


def _scanned_with(item: ChosenItem) -> tuple[Node, ...]:
    """What is scanned with an item beside its own content. Versions of a file are judged by themselves."""
    return () if item.source == ONEDRIVE else tuple(part.node for part in item.parts)


def said_of(verdict: ItemVerdict) -> str:
    """What was found in an item, and when, in a sentence."""
    names = ", ".join(verdict.names) or "malware"
    return f"The malware scan found {names} in it on {verdict.time[:19].replace('T', ' ')} UTC."


def _refuse(part: SourceRestore, name: str, verdict: ItemVerdict) -> None:
    part.refused += 1
    reason = f"{said_of(verdict)} It stays in the backup. Set include_infected to restore it nevertheless."
    part.findings.append(Finding(kind=FindingKind.SKIPPED, object=name, reason=reason, code=CODE))
