# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The snapshots of a repository, read once for all who ask: each of them is a file of its own.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ..repository.clock import Clock
    from ..repository.errors import RepositoryDamaged
    from ..repository.types import Snapshot, SnapshotId


class SnapshotLister(t.Protocol):
    """A repository, as far as its snapshots are listed."""

    @property
    def clock(self) -> Clock: ...

    def snapshots(self, *, on_damage: t.Callable[[RepositoryDamaged], None] | None = None) -> list[Snapshot]:
        """All snapshots, oldest first. A damaged one raises RepositoryDamaged, or is handed to ``on_damage`` and left out."""


class SnapshotReader(t.Protocol):
    """A repository, as far as its snapshots are read."""

    @property
    def clock(self) -> Clock: ...

    def snapshots(
        self, *, on_damage: t.Callable[[RepositoryDamaged], None] | None = None, seen: t.Mapping[SnapshotId, Snapshot] = ...
    ) -> list[Snapshot]:
        """As L(SnapshotLister); those of ``seen`` that are still there are not read again."""


class ListedSnapshots:
    """They are read when they are first asked for, but for those that were ``seen`` before: a snapshot never changes."""

    def __init__(self, repository: SnapshotReader, seen: t.Iterable[Snapshot] = ()) -> None:
        self._repository = repository
        self._seen = {snapshot.id: snapshot for snapshot in seen}
        self._snapshots: list[Snapshot] | None = None
        self._damage: list[RepositoryDamaged] = []

    @property
    def clock(self) -> Clock:
        return self._repository.clock

    def snapshots(self, *, on_damage: t.Callable[[RepositoryDamaged], None] | None = None) -> list[Snapshot]:
        """As L(SnapshotLister). Everybody who asks is told of what is damaged."""
        if self._snapshots is None:
            self._snapshots = self._repository.snapshots(on_damage=self._damage.append, seen=self._seen)
        for damage in self._damage:
            if on_damage is None:
                raise damage
            on_damage(damage)
        return list(self._snapshots)

    def again(self, *known: Snapshot) -> None:
        """Look anew when somebody asks the next time; C(known) are those that were saved here and need not be read."""
        self._seen |= {snapshot.id: snapshot for snapshot in (*(self._snapshots or ()), *known)}
        self._snapshots = None
        self._damage = []
