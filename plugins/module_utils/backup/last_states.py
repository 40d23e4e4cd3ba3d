# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which restore points hold the last good state of each source: a pure decision over what snapshots say.

A state is found again by its content. A source that could not be read any more, or whose member has left, is carried
over from snapshot to snapshot, so the newest snapshot mostly still holds the state that an old one made, and the old
one need not stay for it. But that is only believed of a tree that is the same.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import enum
import typing as t

from .stamps import NO_STAMP, Stamp

SourceKey = tuple[str, str]
"""The object id of a member, and the name of a source of it."""


class Standing(enum.Enum):
    """What a snapshot says of a source in it: read to its end, carried over from an earlier one, or not read to its end."""

    GOOD = enum.auto()
    CARRIED = enum.auto()
    PARTIAL = enum.auto()


@dataclasses.dataclass(frozen=True, slots=True)
class SourceSeen:
    """A source in a snapshot. ``tree`` finds the id of its directory, None when there is none; it is asked for seldom.

    ``stamp`` tells which of two states is the later one.
    """

    key: SourceKey
    standing: Standing
    tree: t.Callable[[], str | None]
    stamp: Stamp = NO_STAMP


@dataclasses.dataclass(frozen=True, slots=True)
class LastStates:
    """Ids of snapshots: where the last good state of each source is, and for sources without one, what was read so far.

    There are several candidates for a good state when the snapshot that made it is gone, and carried ones differ; and when an older
    snapshot has a later state than a newer one, because two hosts saved at the same time and no run has gone on from both yet.
    """

    good: dict[SourceKey, tuple[str, ...]]
    partial: dict[SourceKey, str]


def find_last_states(newest_first: t.Iterable[tuple[str, t.Iterable[SourceSeen]]]) -> LastStates:
    """Look through snapshots, the newest first, for what must not be lost."""
    good: dict[SourceKey, tuple[str, ...]] = {}
    carried: dict[SourceKey, dict[str, str]] = {}
    partial: dict[SourceKey, tuple[Stamp, str]] = {}
    latest: dict[SourceKey, Stamp] = {}
    for snapshot, sources in newest_first:
        for source in sources:
            is_later = source.stamp > latest.get(source.key, source.stamp)
            latest[source.key] = max(source.stamp, latest.get(source.key, source.stamp))
            if source.key in good:
                if is_later and source.standing is not Standing.PARTIAL and source.tree() is not None:
                    good[source.key] = (*good[source.key], snapshot)
            elif source.standing is Standing.GOOD:
                places = carried.pop(source.key, {})
                # A carried tree that is another one was made later, by a snapshot that is gone.
                good[source.key] = tuple(places.values()) if places and source.tree() in places else (*places.values(), snapshot)
            elif source.standing is Standing.CARRIED:
                tree = source.tree()
                if tree is not None:
                    carried.setdefault(source.key, {}).setdefault(tree, snapshot)
            elif (source.key not in partial or source.stamp > partial[source.key][0]) and source.tree() is not None:
                partial[source.key] = (source.stamp, snapshot)
    good |= {key: tuple(places.values()) for key, places in carried.items()}
    return LastStates(good, {key: snapshot for key, (_stamp, snapshot) in partial.items() if key not in good})
