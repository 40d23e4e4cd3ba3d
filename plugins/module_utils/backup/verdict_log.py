# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run has found out about contents, on its way into the store.

Workers write it as parts, and tell their parent which; the parent alone saves snapshots.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import json
import threading
import typing as t
from dataclasses import dataclass, field

from .content_key import ContentKey
from .restore_points import time_after
from .temporary_databases import open_temporary_database, temporary_databases
from .unscanned import Unscanned, UnscannedPart, encode_unscanned, plan_directory, write_unscanned
from .verdict_heads import HeadParts, save_head
from .verdict_parts import VerdictPart, due_for_merge, write_part
from .verdict_rows import VerdictRow, row_of

if t.TYPE_CHECKING:
    from datetime import datetime

    from ..repository.types import Snapshot
    from ..repository.writer import Writer
    from ..scan.verdict import Verdict
    from .verdict_store import VerdictStore

#: Stands for what is in no part yet, among the names of parts.
_PENDING = "pending"
_READ_AT_ONCE = 1_000
_WRITTEN_AT_ONCE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class NewParts:
    """What a worker has written: picklable, and small however much it is. C(damage) is as of the store."""

    verdicts: tuple[VerdictPart, ...] = ()
    unscanned: tuple[UnscannedPart, ...] = ()
    damage: t.Mapping[str, str] = field(default_factory=dict)


class VerdictLog:
    """Adds to C(store) what a run of a plan finds out. Thread-safe; memory does not grow with it."""

    def __init__(self, store: VerdictStore, plan: str) -> None:
        self.store = store
        self._plan = plan
        self._old_unscanned = frozenset(part for part in store.unscanned_parts if part.plan == plan_directory(plan))
        self._is_settled = False
        self._has_new_parts = False
        self._lock = threading.Lock()
        self._saving = threading.Lock()
        with temporary_databases():
            self._pending = _Pending()
        self._being_saved: _Pending | None = None

    def __enter__(self) -> VerdictLog:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget what was not saved, and give back the temporary files; also those of the store."""
        self._pending.close()
        self.store.close()

    @property
    def has_news(self) -> bool:
        """Whether there is something to save."""
        with self._lock:
            return (
                self._has_new_parts
                or self.store.is_damaged
                or (self._is_settled and bool(self._old_unscanned))
                or not self._pending.is_empty
            )

    def find(self, keys: t.Collection[ContentKey]) -> dict[ContentKey, Verdict]:
        """As of the store, with what was only added here. Raises StorageError."""
        return {key: verdicts[0] for key, verdicts in self.find_each(keys).items()}

    def find_each(self, keys: t.Collection[ContentKey]) -> dict[ContentKey, tuple[Verdict, ...]]:
        """As of the store, with what was only added here. Raises StorageError."""
        rows: list[VerdictRow] = []
        with temporary_databases(), self._lock:
            for pending in (self._being_saved, self._pending):
                if pending is not None and not pending.is_empty:
                    rows += pending.find(keys)
        # After those: what is saved meanwhile is in the store before it leaves them.
        return self.store.find_each(keys, rows)

    def add(self, key: ContentKey, verdict: Verdict) -> None:
        """Of several on one content by one engine the newest counts."""
        row = row_of(key, verdict)
        with temporary_databases(), self._lock:
            self._pending.add(row)

    def add_unscanned(self, one: Unscanned) -> None:
        """The content is stored, and no engine has looked at it."""
        line = encode_unscanned(one)
        with temporary_databases(), self._lock:
            self._pending.add_unscanned(line)

    def settle_unscanned(self) -> None:
        """All that the store listed for the plan has a verdict by now, was added again, or is gone: the next save drops the list."""
        with self._lock:
            self._is_settled = True

    def save_parts(self, writer: Writer) -> NewParts:
        """Write what was added, for somebody else to L(adopt) once the writer has flushed. It can still be found here."""
        with self._saving, temporary_databases():
            pending = self._take()
            part = write_part(writer, self._rows(pending), verdicts=pending.verdicts, flagged=pending.flagged)
            unscanned = write_unscanned(writer, self._plan, self._lines(pending))
            new = NewParts(
                verdicts=() if part is None else (part,),
                unscanned=() if unscanned is None else (unscanned,),
                damage=self.store.damage(),
            )
            self.store.hold((*self.store.parts, *new.verdicts), (*self.store.unscanned_parts, *new.unscanned))
            self._drop(pending)
            return new

    def adopt(self, new: NewParts) -> None:
        """Take over what a worker has written and flushed."""
        for part, sentence in new.damage.items():
            self.store.note_damage(part, sentence)
        if not new.verdicts and not new.unscanned:
            return
        with self._saving:
            self.store.hold((*self.store.parts, *new.verdicts), (*self.store.unscanned_parts, *new.unscanned))
            with self._lock:
                self._has_new_parts = True

    def save(self, writer: Writer, now: datetime) -> Snapshot | None:
        """Leave a snapshot with all that is known, unless there is nothing new. Raises StorageError, LockLost."""
        with self._saving, temporary_databases():
            if not self.has_news:
                return None
            pending = self._take()
            with self._lock:
                dropped = self._old_unscanned if self._is_settled else frozenset()
                self._old_unscanned -= dropped
                self._has_new_parts = False
            parts, mended = self._with_parts(writer, pending)
            unscanned = [part for part in self.store.unscanned_parts if part not in dropped]
            more = write_unscanned(writer, self._plan, self._lines(pending))
            unscanned += [] if more is None else [more]
            holds = HeadParts(parts=tuple(parts), unscanned=tuple(unscanned))
            # So that "the newest one" means the same to everybody, restic included, whatever the clocks of hosts say.
            time = time_after(max((head.time for head in self.store.heads), default=None), now)
            snapshot = save_head(writer, holds, replaces=self.store.heads, time=time)
            self.store.hold(holds.parts, holds.unscanned)
            self.store.is_saved_as(snapshot, mended)
            self._drop(pending)
            return snapshot

    def _with_parts(self, writer: Writer, pending: _Pending) -> tuple[list[VerdictPart], set[str]]:
        """The parts that the store has with what is pending, and the names of those that were written anew."""
        sizes = {part.name: part.verdicts for part in self.store.parts}
        if pending.verdicts:
            sizes[_PENDING] = pending.verdicts
        going = due_for_merge(sizes) | self.store.damage().keys()
        parts = [part for part in self.store.parts if part.name not in going]
        merging = [part for part in self.store.parts if part.name in going]
        rows = self._rows(pending)
        if merging and _PENDING not in going:
            parts += self._merge(writer, merging, (), 0, 0)
            merging = []
        parts += self._merge(writer, merging, rows, pending.verdicts, pending.flagged)
        return parts, going

    def _merge(
        self, writer: Writer, parts: t.Sequence[VerdictPart], more: t.Iterable[VerdictRow], verdicts: int, flagged: int
    ) -> list[VerdictPart]:
        """One part of several, or none."""
        rows = self.store.merged_rows(parts, more)
        verdicts += sum(part.verdicts for part in parts)
        flagged += sum(part.flagged for part in parts)
        part = write_part(writer, rows, verdicts=verdicts, flagged=flagged)
        return [] if part is None else [part]

    def _take(self) -> _Pending:
        """What was added so far; what comes from here on is for the next save."""
        with self._lock:
            taken, self._pending = self._pending, _Pending()
            self._being_saved = taken
            return taken

    def _drop(self, pending: _Pending) -> None:
        with self._lock:
            self._being_saved = None
            pending.close()

    def _rows(self, pending: _Pending) -> t.Iterator[VerdictRow]:
        """By key and engine. Others look into it meanwhile."""
        last = ("", "")
        while True:
            with self._lock:
                rows = pending.rows_after(*last)
            if not rows:
                return
            yield from rows
            last = (rows[-1].key, rows[-1].engine[0])

    def _lines(self, pending: _Pending) -> t.Iterator[bytes]:
        last = 0
        while True:
            with self._lock:
                lines = pending.lines_after(last)
            if not lines:
                return
            yield from lines
            last += len(lines)


class _Pending:
    """What is in no part yet, in a temporary database. Not thread-safe."""

    def __init__(self) -> None:
        self._database = open_temporary_database()
        self._database.execute(
            "CREATE TABLE verdict (key TEXT, time INTEGER, severity INTEGER, engine TEXT, database TEXT, names TEXT, reason TEXT,"
            " PRIMARY KEY (key, engine)) WITHOUT ROWID"
        )
        self._database.execute("CREATE TABLE unscanned (number INTEGER PRIMARY KEY, line BLOB)")
        # One transaction for all: nothing in here outlives the process, so nothing needs a journal of its own.
        self._database.execute("BEGIN")
        self._recent: list[VerdictRow] = []
        self.is_empty = True

    @property
    def verdicts(self) -> int:
        self._write()
        return int(self._database.execute("SELECT count(*) FROM verdict").fetchone()[0])

    @property
    def flagged(self) -> int:
        self._write()
        return int(self._database.execute("SELECT count(*) FROM verdict WHERE severity > 0").fetchone()[0])

    def add(self, row: VerdictRow) -> None:
        self.is_empty = False
        self._recent.append(row)
        if len(self._recent) >= _WRITTEN_AT_ONCE:
            self._write()

    def add_unscanned(self, line: bytes) -> None:
        self.is_empty = False
        self._database.execute("INSERT INTO unscanned (line) VALUES (?)", (line,))

    def find(self, keys: t.Iterable[str]) -> list[VerdictRow]:
        self._write()
        return [_row(columns) for key in keys for columns in self._database.execute("SELECT * FROM verdict WHERE key = ?", (key,))]

    def rows_after(self, key: str, engine: str) -> list[VerdictRow]:
        """Some more, by key and engine."""
        self._write()
        query = "SELECT * FROM verdict WHERE (key, engine) > (?, ?) ORDER BY key, engine LIMIT ?"
        return [_row(columns) for columns in self._database.execute(query, (key, engine, _READ_AT_ONCE))]

    def lines_after(self, number: int) -> list[bytes]:
        """Some more, in the order in which they came."""
        query = "SELECT line FROM unscanned WHERE number > ? ORDER BY number LIMIT ?"
        return [line for (line,) in self._database.execute(query, (number, _READ_AT_ONCE))]

    def close(self) -> None:
        self._database.close()

    def _write(self) -> None:
        """Each call gives the interpreter to other threads, so one for many."""
        self._database.executemany(
            "INSERT INTO verdict VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key, engine) DO UPDATE SET time = excluded.time,"
            " severity = excluded.severity, database = excluded.database, names = excluded.names,"
            " reason = excluded.reason WHERE (excluded.time, excluded.severity) >= (time, severity)",
            [(row.key, row.time, row.severity, *row.engine, json.dumps(row.names), row.reason) for row in self._recent],
        )
        self._recent.clear()


def _row(columns: tuple[str, int, int, str, str, str, str]) -> VerdictRow:
    key, time, severity, engine, database, names, reason = columns
    return VerdictRow(key, time, severity, (engine, database), tuple(json.loads(names)), reason)
