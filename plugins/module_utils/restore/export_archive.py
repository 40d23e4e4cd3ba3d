# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archived items that people can open: beside the stream that Exchange takes back lies a message made from it.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

from ..backup.fts_mime import fts_as_eml
from ..backup.layout import ARCHIVE
from .choice import ChosenItem

if t.TYPE_CHECKING:
    from ..repository.repository import Repository


def readable_path(item: ChosenItem, path: Path) -> Path | None:
    """Where the readable form of an item lies whose own file is at C(path); None for what is readable itself."""
    return path.with_suffix(".eml") if item.source == ARCHIVE else None


def readable_chunks(repository: Repository, item: ChosenItem) -> t.Iterator[bytes]:
    """The message made from the stream. Raises RepositoryDamaged, StorageError."""
    with fts_as_eml(repository.read_file(item.node)) as mail:
        yield from mail.chunks()
