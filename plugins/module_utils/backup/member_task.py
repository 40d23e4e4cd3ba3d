# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run gives to whoever backs up a member, and what it hears of each source.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..plan.selection import Member
from ..repository.trees import find_node
from ..repository.types import TreeId
from .members import SourceState
from .results import SourceResult
from .scan_results import SourceScanned

if t.TYPE_CHECKING:
    from ..repository.reading import BlobReader


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberTask:
    """A member to be backed up, and the tree of its directory with its last states, None if it has none.

    The directory's own tree, because the one of the group is as large as the group is. C(taken) are the trees of sources that are
    not in it, because another host has left a later one.
    """

    member: Member
    tree: TreeId | None
    states: t.Mapping[str, SourceState]
    taken: t.Mapping[str, TreeId | None] = field(default_factory=dict)

    @property
    def is_stored(self) -> bool:
        """Whether anything of the member is."""
        return self.tree is not None or any(tree is not None for tree in self.taken.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReport:
    """Where a source stands. C(result) is None while it is being read.

    C(base) is the tree that it had before the run, None if it had none or that one is lost. C(scan) is what the malware scan has
    found in it so far, None where nothing is scanned.
    """

    member_id: str
    source: str
    base: TreeId | None
    tree: TreeId | None
    state: SourceState
    result: SourceResult | None = None
    scan: SourceScanned | None = None


def base_tree(task: MemberTask, source: str, store: BlobReader) -> TreeId | None:
    """What the source had before. Raises RepositoryDamaged."""
    if source in task.taken:
        return task.taken[source]
    node = None if task.tree is None else find_node(store, task.tree, (source,))
    return None if node is None else node.subtree
