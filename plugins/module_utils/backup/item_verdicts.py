# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the malware scan has said of an item: of its record when it was backed up, and of its contents since.

Verdicts belong to contents. The record of an item carries what was said of it when it was stored, unless it was clean; the
verdict store knows what was said later, by a scan again with another database, but may have been lost.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from enum import Enum

from ..scan.verdict import Verdict
from .catalogue import Record
from .content_key import ContentKey, content_key
from .item_fields import parse_time

if t.TYPE_CHECKING:
    from ..repository.types import Node


class ScanState(str, Enum):
    """C(unscanned): the plan allowed to store it while no engine answered. C(not_scanned): nobody has said anything of all of it.

    In the order in which they count for an item of several contents.
    """

    INFECTED = "infected"
    UNSCANNED = "unscanned"
    UNSCANNABLE = "unscannable"
    NOT_SCANNED = "not_scanned"
    CLEAN = "clean"


SEVERITY = tuple(ScanState)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemVerdict:
    """C(names) of what was found, sorted. C(reason) says why it could not be scanned. C(time) is when (ISO, UTC).

    What is not known is empty.
    """

    state: ScanState
    names: tuple[str, ...] = ()
    reason: str = ""
    engine: str = ""
    database: str = ""
    time: str = ""

    @property
    def is_infected(self) -> bool:
        return self.state is ScanState.INFECTED

    def as_dict(self) -> dict[str, t.Any]:
        """As results list it, with every key."""
        return {
            "verdict": self.state.value,
            "names": list(self.names),
            "reason": self.reason,
            "engine": self.engine,
            "database": self.database,
            "time": self.time,
        }


NOT_SCANNED = ItemVerdict(state=ScanState.NOT_SCANNED)


class KnownVerdicts(t.Protocol):
    """The verdict store."""

    def find_each(self, keys: t.Collection[ContentKey]) -> t.Mapping[ContentKey, t.Sequence[Verdict]]:
        """Of those that have any, the newest verdict of each engine, the one that counts first."""


def verdict_of(record: Record, node: Node, parts: t.Iterable[Node], store: KnownVerdicts) -> ItemVerdict:
    """What counts for an item: C(node) is its own content, C(parts) are the other ones that are scanned (attachments, a photo).

    Of a file of a drive give no parts: its earlier versions have verdicts of their own (L(version_verdict)).
    """
    return verdict_of_contents(record.get("scan"), [node, *parts], store)


def version_verdict(version: t.Mapping[str, t.Any], node: Node, store: KnownVerdicts) -> ItemVerdict:
    """The same of an earlier version of a file; C(version) is what the record of the file says of it."""
    return verdict_of_contents(version.get("scan"), [node], store)


def verdict_of_contents(mark: t.Mapping[str, t.Any] | None, nodes: t.Iterable[Node], store: KnownVerdicts) -> ItemVerdict:
    """The newest of C(mark), which is what a record says (None for nothing), and what the store says of each content.

    A mark does not say which of the contents it is about. So it counts until all of them have verdicts that are not older, and
    that an item is infected only the engine that found it can take back.
    """
    keys = {key_of(node) for node in nodes}
    stored = list(store.find_each(keys).values())
    said = [_of_verdict(verdicts[0]) for verdicts in stored]
    is_all_known = bool(keys) and len(stored) == len(keys)
    if mark is not None and not (is_all_known and all(_is_settled(mark, verdicts) for verdicts in stored)):
        said.append(_of_mark(mark))
    elif not is_all_known:
        said.append(NOT_SCANNED)
    worst = min(said, key=lambda verdict: SEVERITY.index(verdict.state))
    names = sorted({name for verdict in said for name in verdict.names}) if worst.is_infected else ()
    return ItemVerdict(
        state=worst.state, names=tuple(names), reason=worst.reason, engine=worst.engine, database=worst.database, time=worst.time
    )


def key_of(node: Node) -> ContentKey:
    """What the store knows the content of a file by."""
    return content_key(node.content)


def _of_verdict(verdict: Verdict) -> ItemVerdict:
    return ItemVerdict(
        state=ScanState(verdict.kind.value),
        names=verdict.names,
        reason=verdict.reason,
        engine=verdict.engine,
        database=verdict.database,
        time=verdict.time,
    )


def _of_mark(mark: t.Mapping[str, t.Any]) -> ItemVerdict:
    texts = {name: str(mark.get(name) or "") for name in ("reason", "engine", "database", "time")}
    return ItemVerdict(state=ScanState(mark["verdict"]), names=tuple(mark.get("names", ())), **texts)


def _is_settled(mark: t.Mapping[str, t.Any], verdicts: t.Iterable[Verdict]) -> bool:
    """Whether somebody has looked at a content since. C(verdicts) are the newest on it, of each engine one."""
    marked = parse_time(mark.get("time"))
    by = mark.get("engine") if mark["verdict"] == ScanState.INFECTED.value else None
    judged = [parse_time(verdict.time) for verdict in verdicts if by in (None, verdict.engine)]
    return any(marked is None or (moment is not None and moment >= marked) for moment in judged)
