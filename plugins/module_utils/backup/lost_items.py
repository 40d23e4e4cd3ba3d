# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What lost items mean for the next runs: the items and sources of a plan that have to be read again.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, field

from ..repository.errors import RepositoryDamaged
from .base_point import BasePoint, base_tree_of, find_base
from .damaged_items import DamagedItem, ItemKind
from .item_state import load_retries
from .last_states import SourceKey
from .members import MemberState

if t.TYPE_CHECKING:
    from ..repository.repository import Repository

_MORE_THAN_ITEMS = (ItemKind.MEMBER, ItemKind.SOURCE, ItemKind.FOLDER, ItemKind.CATALOGUE, ItemKind.STATE)


@dataclass(frozen=True, slots=True)
class Wishes:
    """For one plan: {(member id, source): item ids} to read again, and the sources that are read in full."""

    items: dict[SourceKey, set[str]] = field(default_factory=dict)
    afresh: set[SourceKey] = field(default_factory=set)


def find_wishes(repository: Repository, items: t.Iterable[DamagedItem]) -> dict[str, Wishes]:
    """By plan what the restore point lacks that its next run goes on from. What only older ones lack may have left the mailbox long ago."""
    wishes: dict[str, Wishes] = {}
    bases: dict[str, BasePoint] = {}
    for item in items:
        if not item.plan or not item.member_id:
            continue
        if item.plan not in bases:
            bases[item.plan] = _base(repository, item.plan)
        base = bases[item.plan]
        members = base.members
        if base.since is None or item.affected.newest.time < base.since:
            continue
        of_plan = wishes.setdefault(item.plan, Wishes())
        if item.kind in _MORE_THAN_ITEMS:
            known = members[item.member_id].sources if item.member_id in members else {}
            of_plan.afresh.update((item.member_id, source) for source in ([item.source] if item.source else known))
        elif item.id:
            of_plan.items.setdefault((item.member_id, item.source), set()).add(item.id)
    return wishes


def is_new(repository: Repository, plan_name: str, wishes: Wishes) -> bool:
    """Whether the plan does not know of all of it yet."""
    base = _base(repository, plan_name)
    return any(
        member is not None and not _is_incomplete(member, key[1]) and (key in wishes.afresh or not _asks_for(repository, base, key, ids))
        for key, ids in {**dict.fromkeys(wishes.afresh, frozenset[str]()), **wishes.items}.items()
        for member in (base.members.get(key[0]),)
    )


def _base(repository: Repository, plan_name: str) -> BasePoint:
    """What the plan's next run goes on from."""
    return find_base(repository, repository, plan_name, lambda _warning: None, passed_over=RepositoryDamaged)


def _is_incomplete(member: MemberState, source: str) -> bool:
    return source not in member.sources or member.sources[source].is_incomplete


def _asks_for(repository: Repository, base: BasePoint, key: SourceKey, items: t.Collection[str]) -> bool:
    """Whether these items are to be tried again already."""
    with contextlib.suppress(RepositoryDamaged):
        tree = base_tree_of(repository, base, key)
        return tree is not None and load_retries(repository, tree).keys() >= set(items)
    return False
