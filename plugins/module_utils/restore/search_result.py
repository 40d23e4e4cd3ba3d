# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a search says: as the result of a module, and in a sentence.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .._text import count_text, size_text
from ..backup.results import listed
from ..repository.types import Snapshot
from .found_items import FoundItem, State
from .found_verdicts import FoundVerdict
from .item_search import Search

_LISTED = 100


def search_result(found: Search, plan_name: str) -> dict[str, t.Any]:
    """The same in check mode. Lists that are cut come with their whole counts."""
    return {
        "changed": False,
        "item_count": found.count,
        "total_size": sum(totals.size for totals in found.totals.values()),
        "truncated": len(found.items) < found.count,
        "matches": [_item(found, item) for item in found.items],
        "members": [
            {"member": found.names[member], "member_id": member, "source": source, "item_count": totals.items, "size": totals.size}
            for (member, source), totals in found.totals.items()
        ],
        "snapshots": [_snapshot(snapshot) for snapshot in found.snapshots],
        "finding_count": len(found.findings),
        "findings": listed(found.findings),
        "msg": search_sentence(found, plan_name),
    }


def search_sentence(found: Search, plan_name: str) -> str:
    """How much was found and where, how much of it is listed, and what could not be looked at."""
    where = f"{count_text(len(found.snapshots), 'snapshot')} of the plan {plan_name}"
    size = size_text(sum(totals.size for totals in found.totals.values()))
    text = f"{count_text(found.count, 'item')} ({size}) found in {where}." if found.count else f"No item found in {where}."
    if len(found.items) < found.count:
        text += f" Only the newest {len(found.items):,} are listed: raise limit, or ask for less."
    if found.findings:
        first = found.findings[0]
        more = count_text(len(found.findings), "finding")
        text += f" Not everything could be looked at: {more}. The first one, {first.object}: {first.reason}"
    return text


def _item(found: Search, item: FoundItem) -> dict[str, t.Any]:
    record = item.record
    first, last = found.snapshots[item.snapshots[0]], found.snapshots[item.snapshots[-1]]
    return {
        "member": found.names[item.member],
        "member_id": item.member,
        "source": item.source,
        "folder": _text("/".join(item.folder)),
        "id": record["id"],
        "subject": _text(record.get("subject")),
        "sender": _text(record.get("from")),
        "recipients": [_text(each) for key in ("to", "cc", "bcc") for each in record.get(key, ())],
        "received": record.get("received"),
        "start": record.get("start"),
        "end": record.get("end"),
        "size": int(record.get("size") or 0),
        "has_attachments": bool(record.get("attachments") or record.get("attachment_names")),
        "attachments": [_text(name) for name in record.get("attachment_names", ())],
        "categories": [_text(name) for name in record.get("categories", ())],
        "message_id": record.get("mid"),
        "first_snapshot": _snapshot(first),
        "last_snapshot": _snapshot(last),
        "snapshot_count": len(item.snapshots),
        "snapshots": [found.snapshots[place].id for place in item.snapshots[-_LISTED:]],
        "modified": record.get("modified"),
        **_scan(item.scan),
        "states": [_state(found, state) for state in item.states[-_LISTED:]],
    }


def _scan(found: FoundVerdict) -> dict[str, t.Any]:
    facts = found.verdict.as_dict()
    return {"verdict": facts.pop("verdict"), "scan": {**facts, "infected_versions": found.infected_versions}}


def _state(found: Search, state: State) -> dict[str, t.Any]:
    first, last = found.snapshots[state.snapshots[0]], found.snapshots[state.snapshots[-1]]
    return {
        "path": _text("/".join((*state.folder, str(state.facts.get("subject") or "")))),
        "size": int(state.facts.get("size") or 0),
        "modified": state.facts.get("modified"),
        "modified_by": _text(state.facts.get("from")),
        "hash": state.facts.get("hash"),
        "first_snapshot": _snapshot(first),
        "last_snapshot": _snapshot(last),
        "snapshot_count": len(state.snapshots),
    }


def _text(value: object) -> str:
    """What Graph sends may hold half a character, which no result can."""
    return str(value or "").encode("utf-8", "replace").decode("utf-8")


def _snapshot(snapshot: Snapshot) -> dict[str, str]:
    return {"id": snapshot.id, "time": snapshot.time.isoformat(timespec="seconds")}
