# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The run records of a plan as points of a chart.

A record names every member, so those of a large plan are megabytes. What is needed of each is read once and kept in a small file,
which may be removed at any time.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import json
import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from .files import replace_file
from .judging import UNPROTECTING, is_there, last_success, source_problems
from .run_record import record_path
from .summary import MOST_RUNS, RunPoint
from .summary_document import Malformed, from_document, to_document

Record = dict[str, t.Any]
_SUFFIX = ".json"
_CACHE_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDigest:
    """What is kept of a run record. C(made) is the id of the restore point that it made, C(known) of the newest one that it knew.

    C(flagged) are the items that its malware scan has flagged, as the record has them.
    """

    point: RunPoint
    made: str | None
    known: str | None
    flagged: tuple[dict[str, t.Any], ...]


def read_runs(state_path: Path, plan_name: str, *, max_age: timedelta | None, keeps: bool) -> tuple[RunDigest, ...]:
    """The newest runs, oldest first. With C(keeps) what was read is kept for the next time. What is no record is passed over."""
    folder = record_path(state_path, plan_name, "").parent
    cache_path = state_path / "cache" / "report" / f"{plan_name}{_SUFFIX}"
    known = _read_cache(cache_path, max_age)
    digests: dict[str, tuple[list[int], RunDigest]] = {}
    for path in _newest(folder):
        stamp = _stamp(path)
        found = known.get(path.name)
        if found is not None and found[0] == stamp:
            digests[path.name] = found
            continue
        record = read_record(path)
        digest = None if record is None else digest_of(record, max_age)
        if digest is not None:
            digests[path.name] = (stamp, digest)
    if keeps and digests != known:
        _write_cache(cache_path, max_age, digests)
    return tuple(digest for _name, (_stamp_of, digest) in sorted(digests.items()))


def newest_record(state_path: Path, plan_name: str) -> Record | None:
    """The newest one that can be read."""
    paths = _newest(record_path(state_path, plan_name, "").parent)
    return next((record for path in paths if (record := read_record(path)) is not None and digest_of(record, None) is not None), None)


def read_record(path: Path) -> Record | None:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def digest_of(record: Record, max_age: timedelta | None) -> RunDigest | None:
    """None for what is no record of a run."""
    try:
        return _digest(record, max_age)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _digest(record: Record, max_age: timedelta | None) -> RunDigest:
    start, end = datetime.fromisoformat(record["start"]), datetime.fromisoformat(record["end"])
    counts, members, scan = record["counts"], record["members"], record.get("scan")
    sources = [source for member in members for source in member["sources"].values()]
    times = [last_success(source, end) for source in sources if is_there(source)]
    protected = sum(
        not UNPROTECTING.intersection(
            problem for source in member["sources"].values() for problem in source_problems(source, now=end, max_age=max_age)
        )
        for member in members
    )
    point = RunPoint(
        run_id=record["run_id"],
        start=start,
        seconds=round((end - start).total_seconds(), 1),
        outcome=record["outcome"],
        stopped=record.get("stopped"),
        is_changed=record["changed"],
        items=counts["total"],
        added=counts["added"],
        updated=counts["updated"],
        moved=counts["moved"],
        removed=counts["removed"],
        fetched=counts["fetched"],
        fetched_bytes=counts["fetched_bytes"],
        stored_bytes=record["stored_bytes"],
        members=len(members),
        members_complete=sum(member["outcome"] == "complete" for member in members),
        members_protected=None if max_age is None else protected,
        oldest_success=None if None in times else min((time for time in times if time is not None), default=None),
        findings=sum(source["finding_count"] for source in sources),
        requests=record["requests"],
        throttled_seconds=record["throttled_seconds"],
        scanned=_count(scan, "scanned"),
        infected=_count(scan, "infected"),
        unscannable=_count(scan, "unscannable"),
        unscanned=_count(scan, "unscanned"),
        warnings=len(record.get("notes") or ()),
    )
    is_point = record.get("snapshot_id") is not None and record.get("stopped") is None
    return RunDigest(
        point=point,
        made=record["snapshot_id"] if is_point else None,
        known=record.get("restore_point"),
        flagged=tuple((scan or {}).get("flagged", ())),
    )


def _count(scan: t.Mapping[str, t.Any] | None, name: str) -> int | None:
    return None if scan is None else int(scan[name])


def _newest(folder: Path) -> list[Path]:
    """Newest first: their names sort by time."""
    try:
        return sorted(folder.glob(f"[0-9]*{_SUFFIX}"), reverse=True)[:MOST_RUNS]
    except OSError:
        return []


def _stamp(path: Path) -> list[int]:
    try:
        status = path.stat()
    except OSError:
        return []
    return [status.st_mtime_ns, status.st_size]


def _seconds(max_age: timedelta | None) -> float | None:
    return None if max_age is None else max_age.total_seconds()


def _read_cache(path: Path, max_age: timedelta | None) -> dict[str, tuple[list[int], RunDigest]]:
    document = read_record(path) or {}
    if document.get("version") != _CACHE_VERSION or document.get("max_age") != _seconds(max_age):
        return {}
    try:
        return {name: (stamp, from_document(RunDigest, digest)) for name, (stamp, digest) in document["runs"].items()}
    except (Malformed, KeyError, TypeError, ValueError, AttributeError):
        return {}


def _write_cache(path: Path, max_age: timedelta | None, digests: t.Mapping[str, tuple[list[int], RunDigest]]) -> None:
    runs = {name: [stamp, to_document(digest)] for name, (stamp, digest) in digests.items()}
    document = {"version": _CACHE_VERSION, "max_age": _seconds(max_age), "runs": runs}
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(path, json.dumps(document).encode())
