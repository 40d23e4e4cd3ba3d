# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folders of a mailbox: which there are now, and which of them are backed up.

The folder delta names the visible tree. Whether it names hidden folders is not documented, so they are looked for
besides (L(mail_hidden)); recoverable items are in neither, and have requests of their own (L(mail_recoverable)).

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t
from datetime import datetime

from ..graph.delta import Removed
from ..graph.errors import BadAnswer, CursorLost, DeltaUnavailable, NotFound
from ..graph.ids import Cursor, FolderId, UserId
from ..graph.mail_folders import WELL_KNOWN, MailFolder, folder_changes, folder_from, list_folders, read_folder, well_known_folders
from .folder_places import FolderRound, SeenFolder, placed_folders
from .item_state import Folder, ItemState
from .mail_hidden import HiddenFolders
from .mail_recoverable import recoverable_folders, recoverable_ids
from .results import Finding

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient

#: Folders whose content is not mail of the user, or lies elsewhere too (graph-mailbox facts, section 1.3), also when they
#: appear later. What lies below them is left out, too.
LEFT_OUT = ("outbox", "syncissues", "conflicts", "localfailures", "serverfailures", "searchfolders")
_NOT_LISTED = "searchfolders"


@dataclasses.dataclass(slots=True)
class _Heard:
    """C(known) are the folders by id, C(named) those that the service has just named, C(left_out) the names by id of
    others that were left out before. C(cursor) is None where everything is to be listed the next time."""

    known: dict[str, MailFolder]
    left_out: dict[str, str]
    named: set[str] = dataclasses.field(default_factory=set)
    cursor: str | None = None
    is_listed: bool = False
    is_due: bool = False


def read_folders(
    client: GraphClient, user: UserId, state: ItemState, *, now: datetime, recoverable_items: bool = False
) -> tuple[FolderRound, list[Finding]]:
    """Ask for changed folders, or for all of them where there is no cursor or it is lost; and what could not be asked."""
    heard = _hear(client, user, state)
    stored = {folder_id: _as_mail_folder(state.folders[folder_id]) for folder_id in recoverable_ids(state)}
    for folder_id in stored:
        heard.known.pop(folder_id, None)
    well_known = _well_known(client, user, state, heard.known)
    findings: list[Finding] = []
    if heard.is_listed:
        _add_unlisted(client, user, heard.known, {*well_known.values(), *state.folders} - {well_known.get(_NOT_LISTED)} - stored.keys())
    else:
        seen = set(heard.known)
        hidden = HiddenFolders(client, user, heard.known, ignored=_roots(well_known) | heard.left_out.keys())
        if not hidden.find(heard.named, now, findings):
            hidden.keep(_as_mail_folder(folder) for folder_id, folder in state.folders.items() if folder_id not in stored)
            heard.cursor, heard.is_due = None, True
        if not heard.known.keys() <= seen | state.folders.keys() | heard.left_out.keys():
            well_known = _with_aliases(client, user, well_known, [alias for alias in WELL_KNOWN if alias not in well_known])
    left_out = {**heard.left_out, **_left_out(heard.known, _roots(well_known) | heard.left_out.keys())}
    recoverable: dict[str, MailFolder] = {}
    if recoverable_items:
        recoverable, aliases = recoverable_folders(client, user, stored, findings)
        well_known = {**well_known, **aliases}
    kept = [folder for folder_id, folder in {**heard.known, **recoverable}.items() if folder_id not in left_out]
    folders, next_folder = placed_folders(
        (SeenFolder(folder.id, folder.display_name, folder.parent_id, folder.is_hidden) for folder in kept), state
    )
    _demand_inbox(client, user, state, folders)
    names = tuple(sorted(left_out.values()))
    return FolderRound(folders, heard.cursor, next_folder, well_known, names, ignored=left_out, is_due=heard.is_due), findings


def _hear(client: GraphClient, user: UserId, state: ItemState) -> _Heard:
    """Every folder that the delta knows of, or that a list has where the mailbox refuses delta."""
    try:
        if state.facts.cursor is not None:
            heard = _Heard({folder.id: _as_mail_folder(folder) for folder in state.folders.values()}, dict(state.facts.left_out))
            try:
                heard.cursor = _merge_changes(client, user, state.facts.cursor, heard)
                return heard
            except CursorLost:
                pass
        heard = _Heard({}, {}, is_due=state.facts.cursor is not None)
        heard.cursor = _merge_changes(client, user, None, heard)
        return heard
    except DeltaUnavailable:
        return _Heard({str(folder.id): folder for folder in list_folders(client, user)}, {}, is_listed=True)


def _merge_changes(client: GraphClient, user: UserId, cursor: str | None, heard: _Heard) -> str | None:
    last: str | None = None
    partial: dict[str, dict[str, t.Any]] = {}
    removed: set[str] = set()
    for page in folder_changes(client, user, None if cursor is None else Cursor(cursor)):
        for entry in page.entries:
            if isinstance(entry, Removed):
                removed.add(entry.id)
            else:
                partial.setdefault(entry.id, {}).update(entry.fields)
        last = page.cursor or last
    for folder_id in removed | partial.keys():
        heard.left_out.pop(folder_id, None)
    for folder_id in removed - partial.keys():
        heard.known.pop(folder_id, None)
    for folder_id, fields in partial.items():
        try:
            # The order of entries is not promised: a folder that is both changed and removed is asked for.
            is_unclear = folder_id in removed
            heard.known[folder_id] = (
                read_folder(client, user, FolderId(folder_id))
                if is_unclear
                else _merged(client, user, heard.known.get(folder_id), {"id": folder_id, **fields})
            )
            heard.named.add(folder_id)
        except NotFound:
            heard.known.pop(folder_id, None)
    return last


def _merged(client: GraphClient, user: UserId, old: MailFolder | None, fields: dict[str, t.Any]) -> MailFolder:
    if old is None:
        if not fields.get("displayName") or "parentFolderId" not in fields:
            return read_folder(client, user, FolderId(fields["id"]))
        return folder_from(fields)
    new = folder_from(fields)
    return dataclasses.replace(
        new,
        display_name=new.display_name or old.display_name,
        parent_id=new.parent_id if "parentFolderId" in fields else old.parent_id,
        is_hidden=new.is_hidden if "isHidden" in fields else old.is_hidden,
        is_search=new.is_search or old.is_search,
    )


def _demand_inbox(client: GraphClient, user: UserId, state: ItemState, folders: t.Collection[str]) -> None:
    """A list without the inbox that we know is not believed: every folder that it lacks would be taken to be deleted.

    Unless there is another inbox, as in a mailbox that was made anew for the same user. Raises BadAnswer.
    """
    inbox = state.facts.well_known.get("inbox")
    if inbox not in state.folders or inbox in folders or read_folder(client, user, "inbox").id in folders:
        return
    raise BadAnswer(
        f"Listing the mail folders of user {user} failed: the inbox is not among them.",
        hint="Nothing is lost: the next run tries it again.",
    )


def _roots(well_known: t.Mapping[str, str]) -> set[str]:
    return {well_known[alias] for alias in LEFT_OUT if alias in well_known}


def _well_known(client: GraphClient, user: UserId, state: ItemState, known: t.Mapping[str, MailFolder]) -> dict[str, str]:
    """The ids behind the aliases. Asked for once, and again when a folder appears that may be one that was missing."""
    before, left_out = state.facts.well_known, state.facts.left_out
    if before and known.keys() <= state.folders.keys() | left_out.keys():
        return before
    here = known.keys() | left_out.keys()
    return _with_aliases(client, user, before, [alias for alias in WELL_KNOWN if before.get(alias) not in here])


def _with_aliases(client: GraphClient, user: UserId, before: dict[str, str], aliases: t.Iterable[str]) -> dict[str, str]:
    return {**before, **{alias: str(folder) for alias, folder in well_known_folders(client, user, aliases).items()}}


def _add_unlisted(client: GraphClient, user: UserId, known: dict[str, MailFolder], expected: t.Iterable[str | None]) -> None:
    """Lists were seen without well-known folders, and may lack hidden ones: those that we expect are asked for."""
    for folder_id in expected:
        if folder_id is None or folder_id in known:
            continue
        try:
            known[folder_id] = read_folder(client, user, FolderId(folder_id))
            known.update({str(folder.id): folder for folder in list_folders(client, user, FolderId(folder_id))})
        except NotFound:
            continue


def _as_mail_folder(folder: Folder) -> MailFolder:
    return MailFolder(
        id=FolderId(folder.id),
        display_name=folder.name,
        parent_id=None if folder.parent is None else FolderId(folder.parent),
        total_count=0,
        is_hidden=folder.is_hidden,
        is_search=False,
    )


def _left_out(known: t.Mapping[str, MailFolder], roots: t.Collection[str]) -> dict[str, str]:
    """The names by id of those that are not backed up: the roots, search folders, and what lies below them."""
    left_out = {folder_id for folder_id, folder in known.items() if folder_id in roots or folder.is_search}
    while True:
        below = {
            folder_id
            for folder_id, folder in known.items()
            if folder_id not in left_out and (folder.parent_id in left_out or folder.parent_id in roots)
        }
        if not below:
            return {folder_id: known[folder_id].display_name for folder_id in left_out}
        left_out |= below
