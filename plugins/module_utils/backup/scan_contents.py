# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contents that a scan of stored snapshots has met, each once, in a temporary database: what is known of them and what is to do.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass
from enum import Enum

from ..repository.types import BlobId
from ..scan.verdict import Verdict, VerdictKind
from .content_key import ContentKey, content_key
from .temporary_databases import open_temporary_database

_TABLES = (
    """
    CREATE TABLE contents (
        number INTEGER PRIMARY KEY, key BLOB UNIQUE, how TEXT, size INTEGER, blobs BLOB,
        state TEXT, kind TEXT DEFAULT '', verdict TEXT, earlier_kind TEXT DEFAULT '', earlier TEXT
    )
    """,
    "CREATE INDEX by_state ON contents (state, number)",
)
_PUT = "INSERT OR IGNORE INTO contents (key, how, size, blobs, state) VALUES (?, ?, ?, ?, 'unknown')"
_FILES = "SELECT number, how, size, blobs FROM contents WHERE state = ? AND number > ? ORDER BY number LIMIT ?"
_JUDGED = "SELECT number, how, size, blobs, kind, verdict, earlier_kind, earlier FROM contents WHERE"
_FLAGGED = f"""
    {_JUDGED} kind IN ('infected', 'unscannable')
    ORDER BY kind = 'unscannable', earlier_kind = kind, number LIMIT ?
"""
_CLEARED = f"{_JUDGED} state = 'done' AND kind <> 'infected' AND earlier_kind = 'infected' ORDER BY number LIMIT ?"
_DAMAGED = f"{_JUDGED} state = 'damaged' ORDER BY number LIMIT ?"
_TOTALS = "SELECT state, kind, earlier_kind, count(*), total(size) FROM contents GROUP BY state, kind, earlier_kind"
_FILES_AT_ONCE = 2_000
_ID_SIZE = 32


class State(str, Enum):
    """C(known): judged before by the engine and database of today. C(waiting): not yet. C(done): waited, and is judged by now.

    C(damaged): its bytes cannot be read.
    """

    UNKNOWN = "unknown"
    KNOWN = "known"
    WAITING = "waiting"
    DONE = "done"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A content in the repository. C(how) is the word for what of it an engine gets to see."""

    number: int
    how: str
    size: int
    blobs: tuple[BlobId, ...]

    @property
    def key(self) -> ContentKey:
        return content_key(self.blobs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A content with the verdict that counts and the one before it.

    C(kind) and C(earlier_kind) are None where there is none. The verdicts themselves are there where they are not clean.
    """

    file: StoredFile
    kind: VerdictKind | None
    verdict: Verdict | None
    earlier_kind: VerdictKind | None
    earlier: Verdict | None

    @property
    def is_news(self) -> bool:
        """Whether it got its kind by this scan."""
        return self.kind is not self.earlier_kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """How many contents share a state, a verdict and an earlier one, and their bytes. None: no verdict."""

    state: State
    kind: VerdictKind | None
    earlier: VerdictKind | None
    contents: int
    size: int


class ScanContents:
    """For one thread. Raises what L(temporary_databases) turns into words."""

    def __init__(self) -> None:
        self._database = open_temporary_database()
        for table in _TABLES:
            self._database.execute(table)
        # One transaction for all: nothing in here outlives the process, so nothing needs a journal of its own.
        self._database.execute("BEGIN")

    def __enter__(self) -> ScanContents:
        return self

    def __exit__(self, *exception: object) -> None:
        self._database.close()

    def add(self, contents: t.Iterable[tuple[str, int, tuple[BlobId, ...]]]) -> None:
        """How each of them is looked at, its size and its blobs. One that is there stays as it is."""
        rows = ((bytes.fromhex(content_key(blobs)), how, size, bytes.fromhex("".join(blobs))) for how, size, blobs in contents)
        self._database.executemany(_PUT, rows)

    def files(self, state: State) -> t.Iterator[list[StoredFile]]:
        """Those of a state in the order in which they were added, some at a time. Their state may be changed meanwhile."""
        last = 0
        while rows := self._database.execute(_FILES, (state.value, last, _FILES_AT_ONCE)).fetchall():
            last = rows[-1][0]
            yield [_file(*row) for row in rows]

    def know(self, number: int, verdict: Verdict) -> None:
        """The verdict that a content has, and that needs no other."""
        self._database.execute("UPDATE contents SET earlier_kind = ? WHERE number = ?", (verdict.kind.value, number))
        self._put(number, State.KNOWN, verdict)

    def wait(self, number: int, earlier: Verdict | None) -> None:
        """A content needs a verdict; this one it had before."""
        row = (State.WAITING.value, "" if earlier is None else earlier.kind.value, _dump(earlier), number)
        self._database.execute("UPDATE contents SET state = ?, earlier_kind = ?, earlier = ? WHERE number = ?", row)

    def judge(self, number: int, verdict: Verdict) -> None:
        """The verdict of a content that waited for one. What another engine has found before counts all the same."""
        earlier = None
        if verdict.kind is not VerdictKind.INFECTED:
            row = self._database.execute(
                "SELECT earlier FROM contents WHERE number = ? AND earlier_kind = 'infected'", (number,)
            ).fetchone()
            earlier = None if row is None else _load(row[0])
        self._put(number, State.DONE, verdict if earlier is None or earlier.engine == verdict.engine else earlier)

    def give_up(self, number: int) -> None:
        """A content cannot be read."""
        self._database.execute("UPDATE contents SET state = ? WHERE number = ?", (State.DAMAGED.value, number))

    def totals(self) -> list[Total]:
        return [
            Total(
                state=State(state),
                kind=_kind_of(kind),
                earlier=_kind_of(earlier),
                contents=contents,
                size=int(size),
            )
            for state, kind, earlier, contents, size in self._database.execute(_TOTALS)
        ]

    def flagged(self, limit: int) -> list[Judged]:
        """What is not clean: infected ones first, of these those first that were not so before."""
        return self._judged(_FLAGGED, limit)

    def cleared(self, limit: int) -> list[Judged]:
        """What was infected before, and is not any more."""
        return self._judged(_CLEARED, limit)

    def damaged(self, limit: int) -> list[Judged]:
        return self._judged(_DAMAGED, limit)

    def _put(self, number: int, state: State, verdict: Verdict) -> None:
        row = (state.value, verdict.kind.value, _dump(verdict), number)
        self._database.execute("UPDATE contents SET state = ?, kind = ?, verdict = ? WHERE number = ?", row)

    def _judged(self, query: str, limit: int) -> list[Judged]:
        rows = self._database.execute(query, (limit,)).fetchall()
        return [
            Judged(
                file=_file(*file), kind=_kind_of(kind), verdict=_load(verdict), earlier_kind=_kind_of(earlier_kind), earlier=_load(earlier)
            )
            for *file, kind, verdict, earlier_kind, earlier in rows
        ]


def _file(number: int, how: str, size: int, packed: bytes) -> StoredFile:
    blobs = tuple(BlobId(packed[start : start + _ID_SIZE].hex()) for start in range(0, len(packed), _ID_SIZE))
    return StoredFile(number=number, how=how, size=size, blobs=blobs)


def _kind_of(word: str) -> VerdictKind | None:
    return VerdictKind(word) if word else None


def _dump(verdict: Verdict | None) -> str | None:
    """What is clean needs no words, and there are many of it."""
    return None if verdict is None or verdict.is_clean else json.dumps(verdict.as_dict())


def _load(text: str | None) -> Verdict | None:
    return None if text is None else Verdict.from_dict(json.loads(text))
