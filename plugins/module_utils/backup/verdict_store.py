# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of contents: the verdicts of all runs and plans of a repository.

Damage takes what it hits and nothing else: such contents are unknown, and scanned again. The next one who saves writes
anew what is left.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import typing as t
from datetime import datetime

from ..plan.retention import CLOCK_TOLERANCE
from ..repository.errors import RepositoryDamaged
from .content_key import ContentKey
from .temporary_databases import temporary_databases
from .unscanned import Unscanned, UnscannedPart, plan_directory, read_unscanned
from .verdict_heads import HeadParts, NewerFormat, read_head
from .verdict_parts import FLAGGED, VERDICTS, PartReader, VerdictPart
from .verdict_rows import VerdictRow, by_weight, merged, seconds_of, verdict_of

if t.TYPE_CHECKING:
    from ..repository.types import Snapshot
    from ..scan.verdict import Verdict
    from .small_files import FileReader

_LOOKED_UP_AT_ONCE = 1_000

One = t.TypeVar("One")


class VerdictStore:
    """Thread-safe. C(heads) are of L(verdict_heads); what cannot be read of them is handed to C(warn) in a sentence.

    Verdicts from after C(now) give way to others: the clock of their host was wrong.
    """

    def __init__(self, store: FileReader, heads: t.Sequence[Snapshot], *, now: datetime, warn: t.Callable[[str], None]) -> None:
        self._store = store
        self._warn = warn
        self._latest = int((now + CLOCK_TOLERANCE).timestamp())
        self._lock = threading.Lock()
        self._warned: set[str] = set()
        self._damaged: dict[str, str] = {}
        self._has_lost_heads = False
        with temporary_databases():
            self._reader = PartReader(store, self._note_damage)
        held = {head: holds for head in heads if (holds := self._read_head(head)) is not None}
        #: What who saves has to replace.
        self.heads = tuple(held)
        self.parts = _distinct(part for holds in held.values() for part in holds.parts)
        self.unscanned_parts = _distinct(part for holds in held.values() for part in holds.unscanned)

    def __enter__(self) -> VerdictStore:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back the temporary files."""
        self._reader.close()

    @property
    def is_empty(self) -> bool:
        """Whether no verdict is known of any content."""
        return not self.parts

    @property
    def has_flagged(self) -> bool:
        """Whether anything was ever infected or unscannable. Reads nothing."""
        return any(part.flagged for part in self.parts)

    @property
    def is_damaged(self) -> bool:
        """Whether there is something to write anew."""
        return self._has_lost_heads or bool(self._damaged)

    def find(self, keys: t.Collection[ContentKey]) -> dict[ContentKey, Verdict]:
        """The verdict that counts of each content that has one. Many at once cost far less than one at a time.

        That is the newest; but what an engine has found is taken back by the same engine only. Raises StorageError.
        """
        return {key: verdicts[0] for key, verdicts in self.find_each(keys).items()}

    def find_each(self, keys: t.Collection[ContentKey], more: t.Iterable[VerdictRow] = ()) -> dict[ContentKey, tuple[Verdict, ...]]:
        """The newest verdict of each engine, the one that counts first; C(more) are rows of these keys that are not in the store."""
        found = self._find_rows(keys)
        for row in more:
            found.setdefault(row.key, []).append(row)
        return {ContentKey(key): tuple(map(verdict_of, by_weight(rows, self._latest))) for key, rows in found.items()}

    def flagged(self) -> t.Iterator[tuple[ContentKey, Verdict]]:
        """Every content whose verdict is not clean, by key, in bounded memory. Raises StorageError."""
        keys = heapq.merge(*([row.key for row in self._reader.rows(part, FLAGGED)] for part in self.parts if part.flagged))
        for batch in batches((ContentKey(key) for key, _same in itertools.groupby(keys)), _LOOKED_UP_AT_ONCE):
            for key, verdict in sorted(self.find(batch).items()):
                if not verdict.is_clean:
                    yield key, verdict

    def has_unscanned(self, plan: str) -> bool:
        """Whether a run of the plan has left contents that it could not scan. Reads nothing."""
        return any(part.plan == plan_directory(plan) for part in self.unscanned_parts)

    def unscanned(self, plan: str) -> t.Iterator[Unscanned]:
        """What runs of the plan have stored without a verdict, and that got none since. Raises StorageError."""
        listed = (
            one
            for part in self.unscanned_parts
            if part.plan == plan_directory(plan)
            for one in read_unscanned(self._store, part, self._note_unscanned_damage)
        )
        for batch in batches(listed, _LOOKED_UP_AT_ONCE):
            found = self._find_rows({one.key for one in batch})
            for one in batch:
                if all(row.time < seconds_of(one.time) for row in found.get(one.key, ())):
                    yield one

    def merged_rows(self, parts: t.Iterable[VerdictPart], more: t.Iterable[VerdictRow]) -> t.Iterator[VerdictRow]:
        """What parts and C(more) say together, sorted."""
        return merged([*(self._reader.rows(part) for part in parts), more], self._latest)

    def look_through(self) -> None:
        """Read all verdicts, so that all damage is known. Raises StorageError."""
        for part in self.parts:
            for family in (VERDICTS, FLAGGED):
                for _row in self._reader.rows(part, family):
                    pass

    def damage(self) -> dict[str, str]:
        """The names of parts of which something could not be read, and a sentence about it."""
        with self._lock:
            return dict(self._damaged)

    def note_damage(self, part: str, sentence: str) -> None:
        """As if it had been found here. It is warned of once."""
        with self._lock:
            self._damaged.setdefault(part, sentence)
        self._warn_once(part, sentence)

    def hold(self, parts: t.Iterable[VerdictPart], unscanned: t.Iterable[UnscannedPart]) -> None:
        """Look into these from here on."""
        before, self.parts = self.parts, _distinct(parts)
        self.unscanned_parts = _distinct(unscanned)
        for part in set(before) - set(self.parts):
            self._reader.forget(part)

    def is_saved_as(self, head: Snapshot, mended: t.Collection[str]) -> None:
        """All that is held is in a snapshot by now; C(mended) are the names of parts that were written anew."""
        self.heads = (head,)
        with self._lock:
            self._has_lost_heads = False
            for name in mended:
                self._damaged.pop(name, None)

    def _find_rows(self, keys: t.Collection[str]) -> dict[str, list[VerdictRow]]:
        wanted = sorted(set(keys))
        found: dict[str, list[VerdictRow]] = {}
        with temporary_databases():
            for part in self.parts:
                for row in self._reader.find(part, wanted):
                    found.setdefault(row.key, []).append(row)
        return found

    def _read_head(self, head: Snapshot) -> HeadParts | None:
        """None for what has to be left as it is."""
        try:
            return read_head(self._store, head)
        except NewerFormat:
            self._warn(
                f"Snapshot {head.id[:8]} holds verdicts of the malware scan that a newer version of this collection has written."
                " They are not known here; bring all hosts to the same version."
            )
            return None
        except RepositoryDamaged as damage:
            self._has_lost_heads = True
            self._warn_once(head.id, _sentence(f"The verdicts of the malware scan in snapshot {head.id[:8]} cannot be read.", damage))
            return HeadParts(parts=(), unscanned=())

    def _note_damage(self, part: VerdictPart, damage: RepositoryDamaged) -> None:
        self.note_damage(part.name, _sentence("Some verdicts of the malware scan cannot be read.", damage))

    def _note_unscanned_damage(self, damage: RepositoryDamaged) -> None:
        what = "The list of what was stored without a scan cannot be read in full. Scan the backups of the plan again."
        self._warn_once("unscanned", _sentence(what, damage))

    def _warn_once(self, what: str, sentence: str) -> None:
        with self._lock:
            if what in self._warned:
                return
            self._warned.add(what)
        self._warn(sentence)


def _sentence(what: str, damage: RepositoryDamaged) -> str:
    return f"{what} {damage} Such contents count as not scanned, and are scanned when they come by."


def batches(things: t.Iterable[One], size: int) -> t.Iterator[list[One]]:
    """So many at a time."""
    pending = iter(things)
    while batch := list(itertools.islice(pending, size)):
        yield batch


def _distinct(parts: t.Iterable[One]) -> tuple[One, ...]:
    """Heads share most parts."""
    return tuple(dict.fromkeys(parts))
