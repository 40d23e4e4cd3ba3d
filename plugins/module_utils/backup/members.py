# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The members of a group as a snapshot knows them, and the state of each of their sources.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from ..plan.model import MailboxKind
from ..plan.roster import KnownMember, LeftReason
from ..repository.trees import find_node
from ..repository.types import Node, NodeKind, Snapshot, TreeId
from .layout import MEMBERS_FILE, META, distinct_names
from .small_files import read_file, to_json
from .stamps import NO_STAMP, Stamp

if t.TYPE_CHECKING:
    from ..repository.reading import BlobReader

_NO_STAMP = list(dataclasses.asdict(NO_STAMP).values())


class SourceStatus(str, Enum):
    """C(good): read to its end. C(findings): read to its end, single items are missing. C(stale): the last good state,
    carried over because this run could not read the source. C(unfinished): half read, by a run that was interrupted."""

    GOOD = "good"
    FINDINGS = "findings"
    STALE = "stale"
    UNFINISHED = "unfinished"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """C(last_success) is when the source was last read to its end and something had changed; ISO 8601, None if never.

    C(is_incomplete) says that the repository has lost a part of it, so that the next run reads the source in full.
    C(availability) is the one of the last report, such as C(no_archive), and C(asked) when the service said so, where nobody
    shall ask about it again too soon; ISO 8601. That time alone is nothing to leave a snapshot for. C(stamp) says which of two states
    is the later one, and nothing else.
    """

    status: SourceStatus
    last_success: str | None = None
    is_incomplete: bool = False
    availability: str = ""
    asked: str = field(default="", compare=False)
    stamp: Stamp = field(default=NO_STAMP, compare=False)

    @property
    def is_good(self) -> bool:
        return self.status in (SourceStatus.GOOD, SourceStatus.FINDINGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberState:
    """C(left) is when the member was found to be no longer selected, and C(left_reason) why, None if nobody could tell; its backup stays.

    C(via) are the declared entries that covered the member last. C(deleted) is when Entra deleted the account of somebody who has
    left. Times are ISO 8601.
    """

    id: str
    principal_name: str
    display_name: str
    via: tuple[str, ...] = ()
    kind: MailboxKind | None = None
    directory: str = ""
    left: str | None = None
    left_reason: LeftReason | None = None
    deleted: str | None = None
    sources: dict[str, SourceState] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupState:
    """All that a snapshot says of its group: C(members) by object id.

    C(covers) are the short ids of the snapshots whose states are in this one, besides its own; None where nobody has noted that.
    C(shards) are the hosts among which the members were shared, none where one host reads all.
    """

    members: dict[str, MemberState] = field(default_factory=dict)
    covers: frozenset[str] | None = None
    shards: tuple[str, ...] = ()


def short_id(snapshot: Snapshot) -> str:
    """What C(covers) calls a snapshot: enough of the id that stays when its tags or its tree are changed."""
    return snapshot.first_id[:16]


def read_members(store: BlobReader, group: TreeId) -> dict[str, MemberState]:
    """{object id: state} out of the tree of a group."""
    return read_group(store, group).members


def read_group(store: BlobReader, group: TreeId) -> GroupState:
    """What the tree of a group says of it."""
    content = read_file(store, group, (META, MEMBERS_FILE))
    if content is None:
        return GroupState()
    whole = json.loads(content)
    covers = whole.get("covers")
    return GroupState(
        members=_members(whole["members"]),
        covers=None if covers is None else frozenset(covers),
        shards=tuple(whole.get("shards", ())),
    )


def _members(documents: t.Iterable[dict[str, t.Any]]) -> dict[str, MemberState]:
    members = {}
    for document in documents:
        sources = {name: _source_state(state) for name, state in document.pop("sources").items()}
        kind, reason = document.pop("kind", None), document.pop("left_reason", None)
        members[document["id"]] = MemberState(
            **{**document, "via": tuple(document.get("via", ()))},
            kind=None if kind is None else MailboxKind(kind),
            left_reason=None if reason is None else LeftReason(reason),
            sources=sources,
        )
    return members


def known_members(members: t.Iterable[MemberState]) -> tuple[KnownMember, ...]:
    """What a plan's selection is compared with."""
    return tuple(
        KnownMember(
            id=member.id,
            principal_name=member.principal_name,
            display_name=member.display_name,
            via=member.via,
            kind=member.kind,
            left=None if member.left is None else datetime.fromisoformat(member.left),
            left_reason=member.left_reason,
            deleted=None if member.deleted is None else datetime.fromisoformat(member.deleted),
        )
        for member in members
    )


def members_as_json(members: t.Iterable[MemberState], *, covers: t.Collection[str] | None = None, shards: t.Sequence[str] = ()) -> bytes:
    """The file of a group; see L(GroupState)."""
    return to_json(
        {
            "version": 1,
            "members": [_as_dict(member) for member in sorted(members, key=lambda one: one.id)],
            **({} if covers is None else {"covers": sorted(covers)}),
            **({"shards": list(shards)} if shards else {}),
        }
    )


def with_directories(members: t.Mapping[str, MemberState]) -> dict[str, MemberState]:
    """Give every member the directory of its name, distinct from the others'."""
    names = distinct_names({member.id: member.principal_name for member in members.values()})
    return {member.id: dataclasses.replace(member, directory=names[member.id]) for member in members.values()}


def group_of(store: BlobReader, snapshot: Snapshot) -> Node | None:
    """The directory of the group in a snapshot; its name is the plan's title."""
    return next((node for node in store.read_tree(snapshot.tree) if node.kind is NodeKind.DIRECTORY), None)


def source_tree(store: BlobReader, group: TreeId, directory: str, source: str) -> TreeId | None:
    node = find_node(store, group, (directory, source)) if directory else None
    return None if node is None else node.subtree


def _as_dict(member: MemberState) -> dict[str, t.Any]:
    document = dataclasses.asdict(member)
    for key in ("via", "kind", "left_reason", "deleted"):
        if not document[key]:
            del document[key]
    for key in document.keys() & {"kind", "left_reason"}:
        document[key] = document[key].value
    for state in document["sources"].values():
        state["status"] = state["status"].value
        for key in ("is_incomplete", "availability", "asked"):
            if not state[key]:
                del state[key]
        stamp = list(state.pop("stamp").values())
        if stamp != _NO_STAMP:
            state["stamp"] = stamp
    return document


def _source_state(state: dict[str, t.Any]) -> SourceState:
    stamp = state.pop("stamp", None)
    return SourceState(
        **{**state, "status": SourceStatus(state["status"])},
        stamp=NO_STAMP if stamp is None else Stamp(*stamp),
    )
