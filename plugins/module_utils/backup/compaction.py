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
from ..repository.types import Node, TreeId
from .catalogue import IDS, ITEMS, Catalogue, CatalogueAppender
from .edit_spool import EditSpool
from .item_state import SOURCE_PATH, facts_as_json, load_facts
from .layout import META_TIME

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
    if facts.lines <= 2 * facts.items + SLACK:
        return tree
    bare = edit_tree(writer, tree, [(IDS, None), (ITEMS, None)])
    with contextlib.closing(EditSpool()) as edits:
        appender = CatalogueAppender(Catalogue(writer, None, 0), writer, edits)
        for record in Catalogue(writer, tree, facts.lines).live():
            appender.append(record)
        appender.save_tail()
        source = writer.save_file([facts_as_json(dataclasses.replace(facts, lines=appender.lines))])
        edits.put(SOURCE_PATH, Node.file(SOURCE_PATH[-1], META_TIME, source))
        new = edit_tree(writer, bare, edits.sorted())
    if new is None:
        raise BackupError("The tree of a mailbox came out empty.", hint="This is a defect; please report it.")
    return new
