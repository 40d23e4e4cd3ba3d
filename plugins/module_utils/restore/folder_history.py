# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the folders of one source were called in many snapshots.

A mailbox has few folders, so each snapshot's are held. A drive may have ten thousands, and mostly none of them changes from
one snapshot to the next: theirs are read once, with the lines by which the log of folders grows from snapshot to snapshot.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import itertools
import json
import typing as t

from .._errors import BackupError
from ..backup.catalogue import FOLDERS, LINES_PER_FILE, Record, item_file
from ..backup.drive_state import folder_records, load_drive_facts
from ..backup.item_state import ItemState
from ..backup.recent_trees import RecentTrees
from ..backup.small_files import FileReader, read_file
from ..repository.errors import RepositoryDamaged
from ..repository.types import TreeId
from .catalogue_history import Log, goes_on
from .choice import true_path

Names = tuple[str, ...]


class FolderNames(t.Protocol):
    """C(unreadable) are the places of snapshots whose folders are not known."""

    unreadable: set[int]

    def of(self, number: int, first: int, end: int) -> t.Iterator[tuple[Names, int, int]]:
        """The names from the top of a folder, with the snapshots in which they hold: those from one place up to another.

        Only snapshots from the place C(first) up to C(end) count; none in which the folder is not.
        """
        raise NotImplementedError


class FolderLists:
    """Of states that have all their folders with them."""

    def __init__(self, states: t.Sequence[ItemState]) -> None:
        self.unreadable = set[int]()
        self._states = states
        self._folders = [{folder.number: folder for folder in state.folders.values()} for state in states]

    def of(self, number: int, first: int, end: int) -> t.Iterator[tuple[Names, int, int]]:
        for place in range(first, end):
            folder = self._folders[place].get(number)
            if folder is not None:
                yield true_path(folder, self._states[place].folders), place, place + 1


class FolderHistory:
    """Of the trees of a drive, in the order of its snapshots. Costs memory for the folders and for what became of them."""

    def __init__(self, store: FileReader, trees: t.Iterable[TreeId]) -> None:
        self.unreadable = set[int]()
        self._names: dict[int, list[tuple[int, Names | None]]] = {}
        self._folders: dict[str, Record] = {}
        self._below: dict[str, set[str]] = {}
        self._last: Log | None = None
        recent = RecentTrees(store)
        for place, tree in enumerate(trees):
            try:
                self._go_on(recent, tree, place)
            except RepositoryDamaged:
                self.unreadable.add(place)

    def of(self, number: int, first: int, end: int) -> t.Iterator[tuple[Names, int, int]]:
        spots = self._names.get(number, ())
        for (start, names), (following, _names) in itertools.zip_longest(spots, spots[1:], fillvalue=(end, None)):
            if names is not None and max(start, first) < min(following, end):
                yield names, max(start, first), min(following, end)

    def _go_on(self, store: RecentTrees, tree: TreeId, place: int) -> None:
        log = Log(tree, load_drive_facts(store, tree).folder_lines, FOLDERS)
        if self._last is not None and goes_on(store, self._last, log):
            records = list(_lines(store, log, self._last.lines)) if log.lines > self._last.lines else []
        else:
            live = {record["id"]: record for record in folder_records(store, tree)}
            records = [*live.values(), *({"id": gone, "removed": True} for gone in self._folders.keys() - live.keys())]
        self._last = log
        self._note(place, {record["id"]: record for record in records})

    def _note(self, place: int, changed: t.Mapping[str, Record]) -> None:
        """Take over what changed in a snapshot, and the names of everything below it."""
        for folder_id, record in changed.items():
            before = self._folders.pop(folder_id, None)
            if before is not None:
                self._below.get(str(before["parent"]), set[str]()).discard(folder_id)
            if not record.get("removed"):
                self._folders[folder_id] = record
                self._below.setdefault(str(record["parent"]), set()).add(folder_id)
            elif before is not None:
                self._put(before["number"], place, None)
        waiting, seen = [folder_id for folder_id in changed if folder_id in self._folders], set[str]()
        while waiting:
            folder_id = waiting.pop()
            if folder_id not in seen:
                seen.add(folder_id)
                self._put(self._folders[folder_id]["number"], place, self._path(folder_id))
                waiting.extend(self._below.get(folder_id, ()))

    def _put(self, number: int, place: int, names: Names | None) -> None:
        spots = self._names.setdefault(number, [])
        if not spots or spots[-1][1] != names:
            spots.append((place, names))

    def _path(self, folder_id: str) -> Names:
        names: list[str] = []
        seen = set[str]()
        above: str | None = folder_id
        while above is not None and above in self._folders and above not in seen:
            seen.add(above)
            names.append(self._folders[above]["name"])
            above = self._folders[above]["parent"]
        # The top of a drive has no name.
        return tuple(name for name in reversed(names) if name)


def _lines(store: RecentTrees, log: Log, start: int) -> t.Iterator[Record]:
    """The lines of a log from an ordinal on. Raises RepositoryDamaged."""
    for number in range(start // LINES_PER_FILE, -(-log.lines // LINES_PER_FILE)):
        path = (*log.where, "items", *item_file(number))
        content = read_file(store, log.tree, path)
        if content is None:
            raise BackupError(f"The catalogue of a source lacks its file {'/'.join(path)}.", hint="Verify the repository.")
        for line in content.splitlines()[max(0, start - number * LINES_PER_FILE) :]:
            yield json.loads(line)
