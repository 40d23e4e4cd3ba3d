# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run gives to whoever backs up a member, and what it hears of each source.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..plan.selection import Member
from ..repository.errors import RepositoryDamaged
from ..repository.trees import find_node
from ..repository.types import TreeId
from .members import SourceState, source_tree
from .results import SourceResult

if t.TYPE_CHECKING:
    from ..repository.reading import BlobReader


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberTask:
    """A member to be backed up, and where its last states lie: below a directory in the tree of its group."""

    member: Member
    group: TreeId | None
    directory: str
    states: t.Mapping[str, SourceState]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReport:
    """Where a source stands. C(result) is None while it is being read.

    C(base) is the tree that it had before the run, None if it had none or that one is lost.
    """

    member_id: str
    source: str
    base: TreeId | None
    tree: TreeId | None
    state: SourceState
    result: SourceResult | None = None


def base_tree(task: MemberTask, source: str, store: BlobReader) -> TreeId | None:
    """What the source had before. Raises RepositoryDamaged."""
    return None if task.group is None else source_tree(store, task.group, task.directory, source)


def never_had_a_mailbox(task: MemberTask, store: BlobReader) -> bool:
    """Whether nothing of the member is stored, and nothing that was is lost: whose mailbox is stored has one that fails."""
    try:
        return task.group is None or not task.directory or find_node(store, task.group, (task.directory,)) is None
    except RepositoryDamaged:
        return False
