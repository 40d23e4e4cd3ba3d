# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folders of an archive: which there are now, and where each lies in the tree.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..graph.errors import AccessDenied, BadAnswer, NotFound, RequestRefused
from ..graph.exchange_folders import ExchangeFolder, list_exchange_folders
from ..graph.exchange_redirects import BETA
from .folder_places import FolderRound, SeenFolder, placed_folders
from .item_state import ItemState

if t.TYPE_CHECKING:
    from ..graph.exchange_redirects import ExchangeMailbox


@dataclass(frozen=True, slots=True)
class ArchiveFolders:
    """C(counts) are the items that the service counts, by folder id."""

    round: FolderRound
    counts: dict[str, int | None]


def read_archive_folders(mailbox: ExchangeMailbox, state: ItemState) -> ArchiveFolders:
    """Walk through all folders: by v1.0 where it serves archives, else by beta.

    Raises the error of beta when both refuse, and BadAnswer when all folders of an archive are gone at once.
    """
    try:
        found = list(list_exchange_folders(mailbox))
    except (AccessDenied, NotFound, RequestRefused):
        mailbox.version = BETA
        found = list(list_exchange_folders(mailbox))
    if state.folders and not found:
        raise BadAnswer(
            f"The archive mailbox {mailbox.mailbox} is said to have no folder any more, which is not believed.",
            hint="The archive that was backed up before stays as it was; look into the archive with Outlook.",
        )
    left_out = _searches(found)
    kept = [folder for folder in found if folder.id not in left_out]
    folders, next_folder = placed_folders(
        (SeenFolder(folder.id, folder.display_name, folder.parent_id, folder.is_hidden) for folder in kept), state
    )
    names = tuple(sorted(folder.display_name for folder in found if folder.id in left_out))
    places = FolderRound(folders, state.facts.cursor, next_folder, state.facts.well_known, names)
    return ArchiveFolders(places, {folder.id: folder.total_count for folder in kept})


def _searches(folders: t.Sequence[ExchangeFolder]) -> set[str]:
    """Search folders and what is below them: their items lie in other folders."""
    below: dict[str | None, list[str]] = {}
    for folder in folders:
        below.setdefault(folder.parent_id, []).append(folder.id)
    found: set[str] = set()
    waiting = [str(folder.id) for folder in folders if folder.is_search]
    while waiting:
        folder_id = waiting.pop()
        if folder_id not in found:
            found.add(folder_id)
            waiting += below.get(folder_id, ())
    return found
