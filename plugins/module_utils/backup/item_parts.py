# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files beside an item (attachments, a photo) while it is read.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import typing as t
from datetime import datetime

from .._errors import BackupError
from ..repository.types import Node
from .item_source import Problem
from .layout import META_TIME, parts_path, safe_name, short_hash

if t.TYPE_CHECKING:
    from .contents import Contents, Flag

_LONGEST_SUFFIX = 10


class Parts:
    """C(entries) is what the record says of them, C(nodes) are the files, C(names) those of all attachments, also of
    such that have no file. C(flags) are those of files that are not clean. Without C(contents) everything is read and nothing
    is stored. For one thread."""

    def __init__(self, contents: Contents | None, file: str) -> None:
        self._contents = contents
        self._directory = "/".join(parts_path(tuple(file.split("/"))))
        self._taken: set[str] = set()
        self.names: list[str] = []
        self.entries: list[dict[str, t.Any]] = []
        self.nodes: list[Node] = []
        self.flags: list[Flag] = []
        self.problems: list[Problem] = []
        self.stored_bytes = 0

    def add(
        self,
        kind: str,
        name: str,
        content: t.Iterable[bytes],
        *,
        key: str,
        modified: datetime | None,
        facts: t.Mapping[str, t.Any],
    ) -> str:
        """Store a file; its path inside the folder. C(key) tells it from others of the same name, C(facts) go into the record."""
        file_name = part_name(name, key, self._taken)
        self._taken.add(file_name.casefold())
        path = f"{self._directory}/{file_name}"
        if self._contents is None:
            collections.deque(content, maxlen=0)
            return path
        kept = self._contents.save(content, part=f"{kind} {name}")
        saved = kept.file
        if kept.flag is not None:
            self.flags.append(kept.flag)
        self.nodes.append(Node.file(file_name, modified or META_TIME, saved))
        self.stored_bytes += saved.stored_bytes
        known = {"file": path, "kind": kind, "name": name, "size": saved.size, **facts}
        self.entries.append({fact: value for fact, value in known.items() if value not in (None, "", False)})
        return path

    def fail(self, name: str, error: BackupError) -> None:
        """Something beside the item could not be read; the next run asks for the item again."""
        self.problems.append(Problem(name, error))

    @property
    def size(self) -> int:
        return sum(node.size for node in self.nodes)


def part_name(name: str, key: str, taken: t.Collection[str]) -> str:
    """A file name that people recognise, with its suffix, and that is not taken (compared without case)."""
    stem, dot, suffix = name.rpartition(".")
    if not dot or not stem or len(suffix) > _LONGEST_SUFFIX or not suffix.isalnum() or not suffix.isascii():
        stem, suffix = name, ""
    plain = safe_name(stem)
    ending = f".{suffix}" if suffix else ""
    attempt, candidate = key, plain + ending
    while candidate.casefold() in taken:
        candidate = f"{plain}~{short_hash(attempt, 8)}{ending}"
        attempt += "+"
    return candidate
