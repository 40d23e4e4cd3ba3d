# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folders of recoverable items: what users deleted for good, until Exchange lets it go.

They are reached by an alias that Microsoft does not document but that answers on real tenants; where it does not, the
documented one of the deletions alone is used (graph-mailbox facts, section 1.3).

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..graph.errors import AccessDenied, NotFound, RequestRefused
from ..graph.ids import UserId
from ..graph.mail_folders import RECOVERABLE_DELETIONS, RECOVERABLE_ROOT, MailFolder, list_folders, read_folder
from .item_failures import ONE_OBJECT
from .item_state import ItemState
from .results import Finding, finding_of

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient


def recoverable_ids(state: ItemState) -> set[str]:
    """Which of the folders that are stored are folders of recoverable items."""
    roots = {state.facts.well_known.get(alias) for alias in (RECOVERABLE_ROOT, RECOVERABLE_DELETIONS)}
    found = {folder_id for folder_id in state.folders if folder_id in roots}
    while True:
        below = {folder_id for folder_id, folder in state.folders.items() if folder_id not in found and folder.parent in found}
        if not below:
            return found
        found |= below


def recoverable_folders(
    client: GraphClient, user: UserId, stored: dict[str, MailFolder], findings: list[Finding]
) -> tuple[dict[str, MailFolder], dict[str, str]]:
    """The folders by id, and the ids behind the aliases. Those that are stored, with a finding, where they are refused."""
    try:
        try:
            return _all(client, user)
        except (NotFound, RequestRefused, AccessDenied):
            only = read_folder(client, user, RECOVERABLE_DELETIONS)
            return {str(only.id): dataclasses.replace(only, parent_id=None)}, {RECOVERABLE_DELETIONS: str(only.id)}
    except (*ONE_OBJECT, AccessDenied) as error:
        findings.append(finding_of(error, "recoverable items"))
        return stored, {}


def _all(client: GraphClient, user: UserId) -> tuple[dict[str, MailFolder], dict[str, str]]:
    root = read_folder(client, user, RECOVERABLE_ROOT)
    folders = {str(root.id): dataclasses.replace(root, parent_id=None)}
    folders.update({str(folder.id): folder for folder in list_folders(client, user, root.id)})
    return folders, {RECOVERABLE_ROOT: str(root.id)}
