# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing a catalogue anew when most of its lines no longer count.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from .._errors import BackupError
from ..repository.trees import edit_tree
from ..repository.types import Node, Path, TreeId
from .catalogue import FOLDERS, Catalogue, CatalogueAppender
from .edit_spool import EditSpool
from .item_state import SOURCE_PATH, DriveFacts, SourceFacts, facts_as_json, load_facts
from .layout import META, META_TIME

if t.TYPE_CHECKING:
    from ..repository.writer import Writer

#: Lines that may be out of date before it is worth a pass over the whole catalogue.
SLACK = 1024


def compacted(writer: Writer, tree: TreeId) -> TreeId:
    """The tree of a source with one line an item, once more than half of its lines are out of date; else the same tree.

    So the catalogue of a mailbox in which flags change every day stays within twice its items, and each line is written
    anew at most once for every line that was added.
    """
    facts = load_facts(writer, tree)
    if not _is_due(facts.lines, facts.items):
        return tree
    return _rewritten(writer, tree, (META,), facts.lines, lambda lines: dataclasses.replace(facts, lines=lines))


def compacted_drive(writer: Writer, tree: TreeId) -> TreeId:
    """L(compacted) for the tree of a drive, and for its folders."""
    tree = compacted(writer, tree)
    facts = load_facts(writer, tree)
    if not isinstance(facts, DriveFacts) or not _is_due(facts.folder_lines, facts.folders):
        return tree
    drive = facts
    return _rewritten(writer, tree, FOLDERS, drive.folder_lines, lambda lines: dataclasses.replace(drive, folder_lines=lines))


def _is_due(lines: int, items: int) -> bool:
    return lines > 2 * items + SLACK


def _rewritten(writer: Writer, tree: TreeId, where: Path, lines: int, facts_with: t.Callable[[int], SourceFacts]) -> TreeId:
    bare = edit_tree(writer, tree, [((*where, "ids"), None), ((*where, "items"), None)])
    with contextlib.closing(EditSpool()) as edits:
        appender = CatalogueAppender(Catalogue(writer, None, 0, where=where), writer, edits)
        for record in Catalogue(writer, tree, lines, where=where).live():
            appender.append(record)
        appender.save_tail()
        source = writer.save_file([facts_as_json(facts_with(appender.lines))])
        edits.put(SOURCE_PATH, Node.file(SOURCE_PATH[-1], META_TIME, source))
        new = edit_tree(writer, bare, edits.sorted())
    if new is None:
        raise BackupError("The tree of a source came out empty.", hint="This is a defect; please report it.")
    return new
