# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalogues of one source in many snapshots, read in one pass.

A catalogue only grows, so that of a later snapshot begins with that of an earlier one, and a line of it holds in exactly
those snapshots whose catalogue had reached it and not yet the next line of the same item.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import bisect
import hashlib
import json
import typing as t

from .._errors import BackupError
from ..backup.catalogue import ITEMS, LINES_PER_FILE, Record, item_file
from ..backup.item_state import ItemState
from ..backup.layout import META
from ..backup.recent_trees import RecentTrees
from ..backup.temporary_databases import open_temporary_database
from ..repository.bulk_read import read_many
from ..repository.errors import RepositoryDamaged
from ..repository.trees import find_node
from ..repository.types import Node, Path, TreeId

if t.TYPE_CHECKING:
    from ..repository.repository import Repository

_FILES_AT_ONCE = 256


class History:
    """Source trees of which each one's catalogue goes on with that of the one before. C(states) come shortest catalogue first."""

    def __init__(self, repository: Repository, states: t.Sequence[ItemState]) -> None:
        self._repository = repository
        self.states = tuple(states)
        self._lengths = [state.facts.lines for state in states]

    def versions(self) -> t.Iterator[tuple[Record, int, int]]:
        """Every record that holds in one of the trees, with the trees in which it does: those from one place up to another.

        Newest lines first. Raises RepositoryDamaged, StorageError.
        """
        newest = self.states[-1]
        if newest.tree is None:
            return
        with _NextLines() as following:
            for ordinal, line in _lines_backwards(self._repository, newest.tree, newest.facts.lines):
                record: Record = json.loads(line)
                # A tree has this line when it is longer than its ordinal, and not its successor when it ends at that.
                first = bisect.bisect_right(self._lengths, ordinal)
                end = bisect.bisect_right(self._lengths, following.replace(record["id"], ordinal))
                if first < end and not record.get("removed"):
                    yield record, first, end


def histories(repository: Repository, states: t.Iterable[ItemState]) -> list[History]:
    """Put the trees of one source into as few histories as there are. Costs the few directories in which they differ."""
    chains: list[tuple[list[ItemState], Log]] = []
    trees = RecentTrees(repository)
    for state in sorted(states, key=lambda state: state.facts.lines):
        if state.tree is None:
            continue
        log = Log(state.tree, state.facts.lines)
        for number, (chain, last) in enumerate(chains):
            if goes_on(trees, last, log):
                chains[number] = ([*chain, state], log)
                break
        else:
            chains.append(([state], log))
    return [History(repository, chain) for chain, _log in chains]


class Log(t.NamedTuple):
    """The catalogue at C(where) in the tree of a source, with so many lines."""

    tree: TreeId
    lines: int
    where: Path = (META,)


def goes_on(trees: RecentTrees, shorter: Log, longer: Log) -> bool:
    """Whether the one catalogue goes on with the lines of the other. Raises RepositoryDamaged."""
    items = (*shorter.where, "items")
    ours, theirs = (find_node(trees, log.tree, items) for log in (shorter, longer))
    if not shorter.lines or ours == theirs:
        return True
    if shorter.lines > longer.lines or ours is None or theirs is None:
        return False
    last = item_file(shorter.lines // LINES_PER_FILE) if shorter.lines % LINES_PER_FILE else None
    if not _same_files(trees, ours.subtree, theirs.subtree, last):
        return False
    if last is None:
        return True
    begun, there = (find_node(trees, log.tree, (*items, *last)) for log in (shorter, longer))
    if begun is None or there is None:
        return False
    return b"".join(trees.read_file(there)).startswith(b"".join(trees.read_file(begun)))


def _same_files(trees: RecentTrees, ours: TreeId | None, theirs: TreeId | None, unlike: tuple[str, ...] | None) -> bool:
    """Whether every file below ours is the same below theirs, but for the one at the path C(unlike)."""
    if ours is None or theirs is None:
        return False
    known = {node.name: node for node in trees.read_tree(theirs)}
    for node in trees.read_tree(ours):
        other = known.get(node.name)
        if other is None:
            return False
        below = unlike[1:] if unlike and unlike[0] == node.name else None
        if other.content == node.content and other.subtree == node.subtree:
            continue
        if below == ():
            continue
        if node.subtree is None or not _same_files(trees, node.subtree, other.subtree, below):
            return False
    return True


def _lines_backwards(repository: Repository, tree: TreeId, lines: int) -> t.Iterator[tuple[int, bytes]]:
    """The lines of a catalogue from the last to the first with their ordinals. Some hundred files are read at a time."""
    trees = RecentTrees(repository)
    for end in range(-(-lines // LINES_PER_FILE), 0, -_FILES_AT_ONCE):
        numbers = range(max(0, end - _FILES_AT_ONCE), end)
        contents: dict[int, dict[int, bytes]] = {number: {} for number in numbers}
        for number, offset, piece in read_many(repository, _nodes(trees, tree, numbers), _raise):
            contents[number][offset] = piece
        for number in reversed(numbers):
            content = b"".join(piece for _offset, piece in sorted(contents.pop(number).items())).splitlines()
            for place in range(len(content) - 1, -1, -1):
                yield number * LINES_PER_FILE + place, content[place]


def _nodes(trees: RecentTrees, tree: TreeId, numbers: t.Iterable[int]) -> t.Iterator[tuple[int, Node]]:
    for number in numbers:
        node = find_node(trees, tree, (*ITEMS, *item_file(number)))
        if node is None:
            raise BackupError(f"The catalogue of a source lacks its file {'/'.join(item_file(number))}.", hint="Verify the repository.")
        yield number, node


def _raise(_number: int, damage: RepositoryDamaged) -> t.NoReturn:
    raise damage


class _NextLines:
    """For each item the ordinal of the line that was seen last, in a temporary database that leaves memory when it grows."""

    _NEVER = 1 << 62

    def __init__(self) -> None:
        self._database = open_temporary_database()
        self._database.execute("CREATE TABLE next (digest BLOB PRIMARY KEY, ordinal INTEGER) WITHOUT ROWID")

    def __enter__(self) -> _NextLines:
        return self

    def __exit__(self, *exception: object) -> None:
        self._database.close()

    def replace(self, item_id: str, ordinal: int) -> int:
        """Put down a line; the ordinal that stood there before, or one that no catalogue reaches."""
        digest = hashlib.sha256(item_id.encode("utf-8", "surrogatepass")).digest()[:16]
        row = self._database.execute("SELECT ordinal FROM next WHERE digest = ?", (digest,)).fetchone()
        self._database.execute("INSERT OR REPLACE INTO next VALUES (?, ?)", (digest, ordinal))
        return self._NEVER if row is None else int(row[0])
