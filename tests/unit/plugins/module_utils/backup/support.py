# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small sources in a real repository that lives in memory."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.catalogue import Catalogue, CatalogueAppender, Record
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.edit_spool import EditSpool
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import edit_tree
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import TreeId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.writer import Writer
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import new_place


@contextlib.contextmanager
def writing() -> t.Iterator[Writer]:
    """A writer of a new repository."""
    with new_place().repository.writing(hostname="backup1") as writer:
        yield writer


def extended(writer: Writer, tree: TreeId | None, lines: int, change: t.Callable[[CatalogueAppender], None]) -> tuple[TreeId | None, int]:
    """One run on a catalogue: its tree and its number of lines afterwards."""
    with contextlib.closing(EditSpool()) as edits:
        appender = CatalogueAppender(Catalogue(writer, tree, lines), writer, edits)
        change(appender)
        appender.save_tail()
        return edit_tree(writer, tree, edits.sorted()), appender.lines


def append_all(records: t.Iterable[Record]) -> t.Callable[[CatalogueAppender], None]:
    """A run that adds these records and nothing else."""

    def change(appender: CatalogueAppender) -> None:
        for record in records:
            appender.append(record)

    return change
