# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Contents that were stored without a verdict, because no engine answered: what the next run of the plan scans first.

They lie in parts as verdicts do, but in the order in which they were stored: a part is only ever read as a whole.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import typing as t
from dataclasses import asdict, dataclass

from ..repository.errors import RepositoryDamaged
from ..repository.trees import edit_tree, walk
from ..repository.types import BlobId, Node, TreeId
from .catalogue import item_file
from .content_key import ContentKey, content_key
from .edit_spool import EditSpool
from .layout import META_TIME, short_hash
from .small_files import to_json
from .temporary_databases import temporary_databases

if t.TYPE_CHECKING:
    from ..repository.writer import Writer
    from .small_files import FileReader

_LINES_PER_FILE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Unscanned:
    """A content and one item that has it. C(member) is an object id; C(folder) and C(name) are what people call the item.

    C(how) is how an engine looks at the content. C(time) is when it was stored (ISO, UTC, seconds), C(reason) why without a scan.
    """

    blobs: tuple[BlobId, ...]
    size: int
    plan: str
    member: str
    source: str
    folder: str
    name: str
    how: str
    time: str
    reason: str

    @property
    def key(self) -> ContentKey:
        return content_key(self.blobs)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnscannedPart:
    """Picklable. C(plan) is the name of the directory that the parts of a plan lie in."""

    tree: TreeId
    plan: str

    @property
    def name(self) -> str:
        return self.tree[:16]


def plan_directory(plan: str) -> str:
    return short_hash(plan, 16)


def encode_unscanned(one: Unscanned) -> bytes:
    return to_json(asdict(one)) + b"\n"


def decode_unscanned(line: bytes) -> Unscanned:
    """Raises ValueError or TypeError for a line that is none."""
    document = json.loads(line)
    blobs = tuple(document.pop("blobs"))
    return Unscanned(**document, blobs=blobs)


def write_unscanned(writer: Writer, plan: str, lines: t.Iterable[bytes]) -> UnscannedPart | None:
    """Save encoded lines; None for none."""
    pending = iter(lines)
    with temporary_databases(), contextlib.closing(EditSpool()) as edits:
        for number in itertools.count():
            some = b"".join(itertools.islice(pending, _LINES_PER_FILE))
            if not some:
                break
            path = item_file(number)
            edits.put(path, Node.file(path[-1], META_TIME, writer.save_file([some])))
        tree = edit_tree(writer, None, edits.sorted())
    return None if tree is None else UnscannedPart(tree=tree, plan=plan_directory(plan))


def read_unscanned(store: FileReader, part: UnscannedPart, on_damage: t.Callable[[RepositoryDamaged], None]) -> t.Iterator[Unscanned]:
    """All that can be read of a part."""
    try:
        for _path, node in walk(store, part.tree):
            if node.subtree is None:
                yield from _read_file(store, node, on_damage)
    except RepositoryDamaged as damage:
        on_damage(damage)


def _read_file(store: FileReader, node: Node, on_damage: t.Callable[[RepositoryDamaged], None]) -> t.Iterator[Unscanned]:
    try:
        for line in b"".join(store.read_file(node)).splitlines():
            yield decode_unscanned(line)
    except (ValueError, TypeError) as error:
        on_damage(RepositoryDamaged(f"the list {node.name} of contents that were not scanned", f"holds a line that is none ({error})"))
    except RepositoryDamaged as damage:
        on_damage(damage)
