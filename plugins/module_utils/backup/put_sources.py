# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run has put in the place of earlier states, each with the stamp that says so.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass

from .last_states import SourceKey
from .members import MemberState, SourceState
from .stamps import NO_STAMP, Stamp

if t.TYPE_CHECKING:
    from ..repository.types import TreeId


@dataclass(frozen=True, slots=True)
class _Version:
    """A source as it was put last. C(state) has its stamp."""

    tree: TreeId | None
    state: SourceState


class PutSources:
    """C(before) is what the run goes on from. Whoever uses it sees to it that one thread does at a time."""

    def __init__(self, before: t.Mapping[str, MemberState], run_id: str) -> None:
        self._before = before
        self._run_id = run_id
        self._ours: dict[SourceKey, _Version] = {}
        self._counting: dict[SourceKey, _Version] = {}

    def put(self, key: SourceKey, base: TreeId | None, tree: TreeId | None, state: SourceState) -> SourceState | None:
        """What this run says of a source, C(base) being its tree before: the stamped state, None where that of another host is later."""
        member = self._before.get(key[0])
        before = None if member is None else member.sources.get(key[1])
        stamp = NO_STAMP if before is None else before.stamp
        last = self._ours.get(key)
        if last is None:
            is_same, has_moved, counted = before is not None and state == before and tree == base, tree != base, stamp
        else:
            is_same, has_moved, counted = state == last.state and tree == last.tree, tree != last.tree, last.state.stamp
        if not is_same:
            counted = Stamp(
                readings=stamp.readings + (1 if state.is_good else 0),
                moves=counted.moves + (1 if has_moved else 0),
                puts=counted.puts + 1,
                run=self._run_id,
            )
        ours = self._ours[key] = _Version(tree, dataclasses.replace(state, stamp=counted))
        counting = self._counting.get(key)
        if counting is not None and counting.state.stamp > counted:
            return None
        self._counting[key] = ours
        return ours.state

    def replace(self, key: SourceKey, tree: TreeId | None, state: SourceState) -> None:
        """Another host has a later state of the source."""
        self._counting[key] = _Version(tree, state)

    def offered(self, key: SourceKey) -> TreeId | None:
        """The tree that this run has of a source so far."""
        ours = self._ours.get(key)
        return None if ours is None else ours.tree

    def trees(self) -> t.Iterator[tuple[SourceKey, TreeId | None]]:
        """What is to be in the next snapshot of all that was put or replaced."""
        return ((key, version.tree) for key, version in self._counting.items())
