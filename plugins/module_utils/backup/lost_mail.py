# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What lost items mean for the next runs: the messages and mailboxes of a plan that have to be read again.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, field

from ..repository.errors import RepositoryDamaged
from .damaged_items import DamagedItem, ItemKind
from .group_tree import newest_readable
from .layout import MAIL
from .mail_state import load_retries
from .members import MemberState, source_tree

if t.TYPE_CHECKING:
    from ..repository.repository import Repository
    from ..repository.types import Snapshot, TreeId

_MORE_THAN_MESSAGES = (ItemKind.MEMBER, ItemKind.SOURCE, ItemKind.FOLDER, ItemKind.CATALOGUE, ItemKind.STATE)


@dataclass(frozen=True, slots=True)
class Wishes:
    """For one plan: {member id: message ids} to read again, and the ids of members whose mail is read in full."""

    messages: dict[str, set[str]] = field(default_factory=dict)
    afresh: set[str] = field(default_factory=set)

    @property
    def message_count(self) -> int:
        return sum(len(ids) for ids in self.messages.values())


def find_wishes(repository: Repository, items: t.Iterable[DamagedItem]) -> dict[str, Wishes]:
    """By plan what the restore point lacks that its next run goes on from. What only older ones lack may have left the mailbox long ago."""
    wishes: dict[str, Wishes] = {}
    bases: dict[str, Snapshot | None] = {}
    for item in items:
        if not item.plan or not item.member_id:
            continue
        if item.plan not in bases:
            bases[item.plan] = _base(repository, item.plan)[0]
        base = bases[item.plan]
        if base is None or item.affected.newest.time < base.time:
            continue
        of_plan = wishes.setdefault(item.plan, Wishes())
        if item.kind in _MORE_THAN_MESSAGES:
            of_plan.afresh.add(item.member_id)
        elif item.id:
            of_plan.messages.setdefault(item.member_id, set()).add(item.id)
    return wishes


def is_new(repository: Repository, plan_name: str, wishes: Wishes) -> bool:
    """Whether the plan does not know of all of it yet."""
    _snapshot, group, members = _base(repository, plan_name)
    return any(
        member is not None and not _is_incomplete(member) and (key in wishes.afresh or not _asks_for(repository, group, member, ids))
        for key, ids in {**dict.fromkeys(wishes.afresh, frozenset[str]()), **wishes.messages}.items()
        for member in (members.get(key),)
    )


def _base(repository: Repository, plan_name: str) -> tuple[Snapshot | None, TreeId | None, dict[str, MemberState]]:
    """The snapshot that the plan's next run goes on from, its group and members."""
    snapshot, group, members = newest_readable(repository, repository, plan_name, lambda _warning: None, passed_over=RepositoryDamaged)
    return snapshot, None if group is None else group.subtree, members


def _is_incomplete(member: MemberState) -> bool:
    return MAIL not in member.sources or member.sources[MAIL].is_incomplete


def _asks_for(repository: Repository, group: TreeId | None, member: MemberState, messages: t.Collection[str]) -> bool:
    """Whether these messages are to be tried again already."""
    with contextlib.suppress(RepositoryDamaged):
        tree = None if group is None else source_tree(repository, group, member.directory, MAIL)
        return tree is not None and load_retries(repository, tree).keys() >= set(messages)
    return False
