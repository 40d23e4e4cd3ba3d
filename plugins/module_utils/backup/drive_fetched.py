# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an unfinished pass over a drive has fetched, kept in the tree so that a run that is killed need not fetch it again.

The tree of the drive itself waits for the end of the pass, because only then it is known what is where. Until then there is
a catalogue of what was read at C(.m365/fetched), beside the contents, with the cursor of before: the next run hears the same
changes again, and finds most of the contents there.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import BackupError
from ..repository.trees import edit_tree
from ..repository.types import Node, Path, TreeId
from .catalogue import Catalogue, CatalogueAppender, Record
from .drive_answers import Answer
from .edit_spool import EditSpool
from .item_state import SOURCE_PATH, DriveFacts, facts_as_json
from .layout import META, META_TIME
from .small_files import FileReader

if t.TYPE_CHECKING:
    from ..repository.writer import Writer

FETCHED: Path = (META, "fetched")
_OFFER_BYTES = 16 * 1024 * 1024
_OFFER_ANSWERS = 4096
_FAN_OUT = 64


class FetchedLog:
    """Without a writer it only tells what is there."""

    def __init__(self, store: FileReader, tree: TreeId | None, facts: DriveFacts, writer: Writer | None) -> None:
        self._tree = tree
        self._facts = facts
        self._writer = writer
        self._base = Catalogue(store, tree, facts.fetched, where=FETCHED)
        self._edits = EditSpool() if writer is not None else None
        self._appender = None if writer is None or self._edits is None else CatalogueAppender(self._base, writer, self._edits)
        self._waiting: list[tuple[str, str, Answer]] = []
        self._waiting_bytes = 0

    def close(self) -> None:
        if self._edits is not None:
            self._edits.close()

    def find(self, ids: t.Collection[str]) -> dict[str, Record]:
        """What an earlier run fetched: C(asked) and C(answer)."""
        return self._base.find(ids) if ids and self._base.lines else {}

    def add(self, item_id: str, asked: str, answer: Answer) -> None:
        """Keep what was fetched. It is in the tree with the next L(save), and costs nothing where none comes."""
        self._waiting.append((item_id, asked, answer))
        self._waiting_bytes += sum(body.size for body in answer.bodies())

    @property
    def has_news(self) -> bool:
        """Whether something was fetched since the last L(save)."""
        return bool(self._waiting)

    @property
    def is_due(self) -> bool:
        """Whether so much was fetched since the last time that it is worth a tree."""
        return self._waiting_bytes >= _OFFER_BYTES or len(self._waiting) >= _OFFER_ANSWERS

    def save(self) -> TreeId:
        """The tree of before with everything that was fetched so far."""
        if self._writer is None or self._appender is None or self._edits is None:
            raise BackupError("A preview has nothing to save.", hint="This is a defect; please report it.")
        for item_id, asked, answer in self._waiting:
            number = self._appender.lines
            self._appender.append({"id": item_id, "asked": asked, "answer": answer.as_dict()})
            for place, body in enumerate(answer.bodies()):
                path = (*FETCHED, "content", *_shard(number), f"{number % _FAN_OUT:02d}-{place}")
                self._edits.put(path, body.node(path[-1], {}))
        self._waiting, self._waiting_bytes = [], 0
        self._appender.save_tail()
        facts = dataclasses.replace(self._facts, fetched=self._appender.lines)
        self._edits.put(SOURCE_PATH, Node.file(SOURCE_PATH[-1], META_TIME, self._writer.save_file([facts_as_json(facts)])))
        self._tree = edit_tree(self._writer, self._tree, self._edits.sorted())
        self._edits.clear()
        if self._tree is None:
            raise BackupError("The tree of a drive came out empty.", hint="This is a defect; please report it.")
        return self._tree


def _shard(number: int) -> Path:
    """Full directories are never written again."""
    return f"{number // _FAN_OUT**2:04d}", f"{number // _FAN_OUT % _FAN_OUT:02d}"
