# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which paths of which snapshots suffer from damage."""

from __future__ import annotations

import dataclasses
import typing as t

from .check import Examination
from .errors import RepositoryDamaged
from .reachability import BlobSet
from .types import BlobId, BlobKind, Node, Path, Snapshot, TreeId


@dataclasses.dataclass(frozen=True, slots=True)
class Affected:
    """A file, or a directory with everything in it, that cannot be restored. The empty path is a whole snapshot.

    ``finding`` is the number of the finding that says why; ``newest``, ``oldest`` and ``snapshots`` say where it lies at this
    path.
    """

    path: Path
    is_directory: bool
    size: int
    finding: int
    newest: Snapshot
    oldest: Snapshot
    snapshots: int


class _Entry(t.NamedTuple):
    """What suffers in a directory: a file or a directory itself, or something below C(subtree), where C(finding) is None."""

    name: str
    finding: int | None
    size: int
    subtree: TreeId | None


def find_affected(examination: Examination) -> list[Affected]:
    """The newest snapshots first, then by path. Costs one walk over all trees and memory for what suffers; nothing when all is sound."""
    if not examination.lost and not examination.wrong_files:
        return []
    damage = _Damage(examination)
    found: dict[tuple[Path, int], Affected] = {}
    for snapshot in reversed(examination.snapshots):
        for path, entry, finding in damage.below(snapshot.tree):
            known = found.get((path, finding))
            if known is None:
                found[path, finding] = Affected(path, entry.subtree is not None, entry.size, finding, snapshot, snapshot, 1)
            else:
                found[path, finding] = dataclasses.replace(known, oldest=snapshot, snapshots=known.snapshots + 1)
    return sorted(found.values(), key=lambda one: (-one.newest.time.timestamp(), one.path))


class _Damage:
    """Remembers of every directory what suffers in it, so that what snapshots share is looked at once."""

    def __init__(self, examination: Examination) -> None:
        self._reader = examination.reader
        self._lost = examination.lost
        self._wrong_files = examination.wrong_files
        self._clean = BlobSet()
        self._suffering: dict[TreeId, tuple[_Entry, ...]] = {}

    def below(self, root: TreeId) -> t.Iterator[tuple[Path, _Entry, int]]:
        """Everything below a root that suffers, in order of the paths."""
        finding = self._finding(root)
        if finding is not None:
            yield (), _Entry("", finding, 0, root), finding
            return
        self._explore(root)
        pending: list[tuple[Path, _Entry]] = [((entry.name,), entry) for entry in reversed(self._suffering.get(root, ()))]
        while pending:
            path, entry = pending.pop()
            if entry.finding is not None:
                yield path, entry, entry.finding
            elif entry.subtree is not None:
                pending.extend(((*path, child.name), child) for child in reversed(self._suffering[entry.subtree]))

    def _explore(self, root: TreeId) -> None:
        """Find out what suffers in a directory and in all below it, those below first."""
        frames = [] if self._is_explored(root) else [self._frame(root)]
        while frames:
            tree, nodes, subtrees = frames[-1]
            subtree = next((one for one in subtrees if not self._is_explored(one)), None)
            if subtree is not None:
                frames.append(self._frame(subtree))
                continue
            frames.pop()
            entries = tuple(entry for node in nodes if (entry := self._entry(tree, node)) is not None)
            if entries:
                self._suffering[tree] = entries
            else:
                self._clean.add(BlobKind.TREE, tree)

    def _frame(self, tree: TreeId) -> tuple[TreeId, tuple[Node, ...], t.Iterator[TreeId]]:
        try:
            nodes = self._reader.read_tree(tree)
        except RepositoryDamaged:
            # It could be read a moment ago, so nothing is known of what lies in it; the finding that says so comes with the next look.
            nodes = ()
        return tree, nodes, iter([node.subtree for node in nodes if node.subtree is not None and self._finding(node.subtree) is None])

    def _entry(self, tree: TreeId, node: Node) -> _Entry | None:
        if node.subtree is not None:
            finding = self._finding(node.subtree)
            suffers = finding is not None or node.subtree in self._suffering
            return _Entry(node.name, finding, 0, node.subtree) if suffers else None
        numbers = (self._lost.get((BlobKind.DATA, blob)) for blob in node.content)
        finding = next((number for number in numbers if number is not None), self._wrong_files.get((tree, node.name)))
        return None if finding is None else _Entry(node.name, finding, node.size, None)

    def _finding(self, tree: TreeId) -> int | None:
        return self._lost.get((BlobKind.TREE, BlobId(tree)))

    def _is_explored(self, tree: TreeId) -> bool:
        return tree in self._suffering or self._clean.has(BlobKind.TREE, tree)
