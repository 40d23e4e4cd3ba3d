# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parts of the verdict store: verdicts sorted by key in small files, each named by the first digits of its keys.

    <name>/verdicts/a/3/f     lines whose keys begin with a3f
    <name>/flagged/a          again those that are not clean, so that they are found without reading the others

How many digits depends on how many lines there are, so that a file has some hundred. Keys are hashes, so they spread
evenly. A part is never changed: what is said later is in another one, and small ones are merged into larger ones, each
verdict a few times in its life. So saving costs what is new, and finding one reads a file a part.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ..repository.errors import RepositoryDamaged
from ..repository.trees import edit_tree, find_node
from ..repository.types import Node, Path, TreeId
from .edit_spool import EditSpool
from .layout import META_TIME
from .recent_trees import RecentTrees
from .temporary_databases import open_temporary_database, temporary_databases
from .verdict_rows import EngineKey, EngineNumbers, VerdictRow, decode_row, encode_row

if t.TYPE_CHECKING:
    from ..repository.writer import Writer
    from .small_files import FileReader

VERDICTS = "verdicts"
FLAGGED = "flagged"
_LINES_PER_FILE = 1024
_DIGITS = "0123456789abcdef"
_MALFORMED = (ValueError, IndexError, TypeError)

_FETCHED_AT_ONCE = 8
_FETCHED_AHEAD = 64
_IS_KEPT = "SELECT 1 FROM file WHERE tree = ? AND prefix = ?"

_MERGED_AT_ONCE = 4
_SMALLEST = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictPart:
    """Picklable. C(digits) and C(flagged_digits) are how many of a key name the file that it is in; C(flagged) counts what is not clean."""

    tree: TreeId
    verdicts: int
    flagged: int
    digits: int
    flagged_digits: int
    engines: tuple[EngineKey, ...]

    @property
    def name(self) -> str:
        """Equal parts have equal names, whoever wrote them."""
        return self.tree[:16]

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "verdicts": self.verdicts,
            "flagged": self.flagged,
            "digits": self.digits,
            "flagged_digits": self.flagged_digits,
            "engines": [list(engine) for engine in self.engines],
        }

    @classmethod
    def from_dict(cls, tree: TreeId, document: t.Mapping[str, t.Any]) -> VerdictPart:
        """Raises KeyError, ValueError or TypeError for what is none."""
        return cls(
            tree=tree,
            verdicts=int(document["verdicts"]),
            flagged=int(document["flagged"]),
            digits=int(document["digits"]),
            flagged_digits=int(document["flagged_digits"]),
            engines=tuple((str(name), str(database)) for name, database in document["engines"]),
        )


def digits_for(lines: int) -> int:
    """How many digits of a key name its file, when a part has so many lines."""
    return next(digits for digits in itertools.count() if lines <= _LINES_PER_FILE * 16**digits)


def due_for_merge(sizes: t.Mapping[str, int]) -> set[str]:
    """Which parts to make one of, given how many verdicts each has: four of about the same size, and what is smaller.

    So a million verdicts are in some twenty parts at most, and each is written about eight times until it lies in a large one.
    """
    chosen: set[str] = set()
    for level in range(max(map(_level, sizes.values()), default=0) + 1):
        alike = {name for name, size in sizes.items() if _level(size) == level}
        is_one_of_them = _level(sum(sizes[name] for name in chosen)) == level if chosen else False
        if len(alike - chosen) + is_one_of_them >= _MERGED_AT_ONCE:
            chosen |= {name for name, size in sizes.items() if _level(size) <= level}
    return chosen


def _level(size: int) -> int:
    return next(level for level in itertools.count() if size < _SMALLEST * _MERGED_AT_ONCE**level)


def write_part(writer: Writer, rows: t.Iterable[VerdictRow], *, verdicts: int, flagged: int) -> VerdictPart | None:
    """Save rows that come sorted; None for none. C(verdicts) and C(flagged) are about how many there are."""
    engines = EngineNumbers()
    with temporary_databases(), contextlib.closing(EditSpool()) as edits:
        files = {
            VERDICTS: _SortedFiles(writer, edits, VERDICTS, digits_for(verdicts)),
            FLAGGED: _SortedFiles(writer, edits, FLAGGED, digits_for(flagged)),
        }
        for row in rows:
            line = encode_row(row, engines.number(row.engine))
            files[VERDICTS].put(row.key, line)
            if not row.is_clean:
                files[FLAGGED].put(row.key, line)
        for each in files.values():
            each.save()
        tree = edit_tree(writer, None, edits.sorted())
    if tree is None:
        return None
    return VerdictPart(
        tree=tree,
        verdicts=files[VERDICTS].lines,
        flagged=files[FLAGGED].lines,
        digits=files[VERDICTS].digits,
        flagged_digits=files[FLAGGED].digits,
        engines=engines.listed(),
    )


class _SortedFiles:
    """Cuts sorted lines into files."""

    def __init__(self, writer: Writer, edits: EditSpool, family: str, digits: int) -> None:
        self._writer = writer
        self._edits = edits
        self._family = family
        self.digits = digits
        self.lines = 0
        self._prefix = ""
        self._open: list[bytes] = []

    def put(self, key: str, line: bytes) -> None:
        if key[: self.digits] != self._prefix:
            self.save()
            self._prefix = key[: self.digits]
        self._open.append(line)
        self.lines += 1

    def save(self) -> None:
        if self._open:
            path = _file(self._family, self._prefix)
            self._edits.put(path, Node.file(path[-1], META_TIME, self._writer.save_file([b"".join(self._open)])))
            self._open = []


def _lines_of(content: bytes, start: bytes) -> t.Iterator[bytes]:
    """The lines that begin so, which lie one behind the other; C(content) and C(start) begin with a line feed."""
    place = content.find(start)
    while place >= 0:
        end = content.index(b"\n", place + 1)
        yield content[place + 1 : end]
        place = end if content.startswith(start, end) else -1


def _file(family: str, prefix: str) -> Path:
    return (family, *prefix)


class PartReader:
    """Reads parts. Each file is fetched at most once for all look-ups: a temporary database keeps them. Thread-safe.

    C(on_damage) is told of every file that cannot be read; what was in it is unknown then. Others raise StorageError.
    """

    def __init__(self, store: FileReader, on_damage: t.Callable[[VerdictPart, RepositoryDamaged], None]) -> None:
        self._store = store
        self._trees = RecentTrees(store)
        self._on_damage = on_damage
        self._lock = threading.Lock()
        # An object store takes its time for each file, and several at once.
        self._pool = ThreadPoolExecutor(_FETCHED_AT_ONCE, thread_name_prefix="verdicts")
        self._files = open_temporary_database()
        self._files.execute("CREATE TABLE file (tree TEXT, prefix TEXT, content BLOB, PRIMARY KEY (tree, prefix))")
        # One transaction for all: nothing in here outlives the process, so nothing needs a journal of its own.
        self._files.execute("BEGIN")

    def close(self) -> None:
        self._pool.shutdown()
        self._files.close()

    def find(self, part: VerdictPart, keys: t.Sequence[str]) -> t.Iterator[VerdictRow]:
        """What the part has of sorted keys."""
        self._keep(part, dict.fromkeys(key[: part.digits] for key in keys))
        for prefix, wanted in itertools.groupby(keys, key=lambda key: key[: part.digits]):
            content = self._kept(part, prefix)
            for key in wanted:
                yield from self._decoded(part, _lines_of(content, b'\n["%s"' % key.encode("ascii")))

    def rows(self, part: VerdictPart, family: str = VERDICTS) -> t.Iterator[VerdictRow]:
        """All of a part, or what is flagged in it, by key."""
        digits = part.digits if family == VERDICTS else part.flagged_digits
        prefixes = map("".join, itertools.product(_DIGITS, repeat=digits))
        for _prefix, content in self._fetched(RecentTrees(self._store), part, family, prefixes):
            yield from self._decoded(part, content.splitlines())

    def forget(self, part: VerdictPart) -> None:
        """The part is looked into no more."""
        with self._lock:
            self._files.execute("DELETE FROM file WHERE tree = ?", (part.tree,))

    def _keep(self, part: VerdictPart, prefixes: t.Iterable[str]) -> None:
        """Fetch what is not there yet."""
        with self._lock:
            lacking = [prefix for prefix in prefixes if not self._files.execute(_IS_KEPT, (part.tree, prefix)).fetchone()]
            for prefix, content in self._fetched(self._trees, part, VERDICTS, lacking):
                self._files.execute("INSERT INTO file VALUES (?, ?, ?)", (part.tree, prefix, b"\n" + content))

    def _kept(self, part: VerdictPart, prefix: str) -> bytes:
        with self._lock:
            found = self._files.execute("SELECT content FROM file WHERE tree = ? AND prefix = ?", (part.tree, prefix)).fetchone()
        # Forgotten meanwhile, which takes away nothing of the repository.
        return self._lines(part, prefix) if found is None else bytes(found[0])

    def _lines(self, part: VerdictPart, prefix: str) -> bytes:
        """With a line feed before and after each."""
        return b"\n" + self._content(part, self._node(RecentTrees(self._store), part, _file(VERDICTS, prefix)))

    def _fetched(self, trees: RecentTrees, part: VerdictPart, family: str, prefixes: t.Iterable[str]) -> t.Iterator[tuple[str, bytes]]:
        """The contents of files; empty where there are no such keys, and where a file cannot be read."""
        pending = iter(prefixes)
        while some := list(itertools.islice(pending, _FETCHED_AHEAD)):
            nodes = [self._node(trees, part, _file(family, prefix)) for prefix in some]
            yield from zip(some, self._pool.map(functools.partial(self._content, part), nodes), strict=True)

    def _node(self, trees: RecentTrees, part: VerdictPart, path: Path) -> Node | None:
        try:
            return find_node(trees, part.tree, path)
        except RepositoryDamaged as damage:
            self._on_damage(part, damage)
            return None

    def _content(self, part: VerdictPart, node: Node | None) -> bytes:
        try:
            return b"" if node is None else b"".join(self._store.read_file(node))
        except RepositoryDamaged as damage:
            self._on_damage(part, damage)
            return b""

    def _decoded(self, part: VerdictPart, lines: t.Iterable[bytes]) -> t.Iterator[VerdictRow]:
        for line in lines:
            try:
                yield decode_row(line, part.engines)
            except _MALFORMED as error:
                self._on_damage(
                    part, RepositoryDamaged(f"a file of verdicts in tree {part.tree[:8]}", f"holds a line that is none ({error})")
                )
