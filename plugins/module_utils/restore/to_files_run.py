# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One restore into files of this host.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

from ..backup.item_filter import ItemFilter
from ..backup.layout import MAIL, ONEDRIVE
from ..backup.results import finding_of
from ..repository.advance import UNHEARD, Advance
from ..repository.errors import RepositoryDamaged
from .choice import Choice, ChosenItem, chosen_items, item_name, state_warnings
from .drive_folders import chosen_drive_folders
from .drive_to_files import FolderSpot, folder_spots, write_drive
from .durable_files import check_target
from .export_content import OnDamage
from .export_maildir import write_maildir
from .export_mbox import write_mboxes
from .export_names import folder_name
from .export_zip import ZipFolder, fingerprint, write_zip
from .infected_items import PASSWORD
from .results import RestoreResult, SourceRestore
from .to_files import Written, write_files

if t.TYPE_CHECKING:
    from ..repository.repository import Repository
    from .infected_items import Sifter

FILES, MAILDIR, MBOXRD, ZIP = "files", "maildir", "mboxrd", "zip"
FILE_FORMATS = (FILES, MAILDIR, MBOXRD, ZIP)


def restore_to_files(
    repository: Repository,
    choices: t.Sequence[Choice],
    item_filter: ItemFilter,
    target: Path,
    file_format: str = FILES,
    *,
    sifter: Sifter,
    is_check: bool = False,
    advance: Advance = UNHEARD,
) -> RestoreResult:
    """Write the chosen items of one member below C(target)/<user>/<source>, or into the file C(target)/<user>.zip.

    What is there with the same content is left alone. Maildirs and mboxes are for mail; of other sources they have files.
    What is infected, as C(sifter) knows, goes into C(target)/<user>.infected.zip if it is restored at all.
    Raises InputError for a target that cannot take files, BackupError, StorageError.
    """
    check_target(target)
    snapshot, member = choices[0].snapshot, choices[0].member
    name = folder_name(member.principal_name)
    root = target / (f"{name}.zip" if file_format == ZIP else name)
    result = RestoreResult(
        snapshot_id=snapshot.id,
        snapshot_time=snapshot.time.isoformat(timespec="seconds"),
        member=member.principal_name,
        target=str(root),
        warnings=[warning for choice in choices for warning in state_warnings(choice)],
        advance=advance,
    )

    def again(choice: Choice) -> t.Iterator[ChosenItem]:
        return chosen_items(repository, choice, item_filter, [])

    def harmless(choice: Choice) -> t.Iterator[ChosenItem]:
        part = result.of(choice.source)
        return sifter.harmless(chosen_items(repository, choice, item_filter, part.findings), part)

    def on_damage(item: ChosenItem, damage: RepositoryDamaged) -> None:
        result.of(item.source).findings.append(finding_of(damage, item_name(item.source, item.record, item.folder)))

    if file_format == ZIP:
        marks = (item for choice in choices for item in sifter.harmless(again(choice), SourceRestore(choice.source, "")))
        items = (item for choice in choices for item in harmless(choice))
        folders = [folder for choice in choices for folder in _zip_folders(repository, choice)] if item_filter.is_empty else []

        def count(folder: ZipFolder) -> None:
            result.of(folder.source).new_folders += 1

        mark = fingerprint(marks, folders)
        _take(result, None, write_zip(repository, mark, items, root, on_damage, folders=folders, on_new_folder=count, is_check=is_check))
    for choice in choices if file_format != ZIP else ():
        part, place = result.of(choice.source), root / choice.source
        part.target = str(place)
        if choice.source == ONEDRIVE:
            spots, all_folders = _spots(repository, choice), item_filter.is_empty
            written = write_drive(repository, spots, harmless(choice), place, on_damage, part, all_folders=all_folders, is_check=is_check)
        else:
            written = _written(repository, choice, harmless(choice), place, file_format, on_damage, is_check)
        _take(result, part, written)
    if infected := [choice for choice in choices if result.of(choice.source).infected]:
        archive = target / f"{name}.infected.zip"
        result.infected_archive = str(archive)
        mark = fingerprint(item for choice in infected for item in sifter.infected(again(choice)))
        items = (item for choice in infected for item in sifter.infected(again(choice)))
        _take(result, None, write_zip(repository, mark, items, archive, on_damage, password=PASSWORD, is_check=is_check))
    return result


def _spots(repository: Repository, choice: Choice) -> list[FolderSpot]:
    # No folder of this host is given the permissions that people had, so it does not matter whether they can be read.
    return folder_spots(chosen_drive_folders(repository, choice, lambda _name, _error: None))


def _zip_folders(repository: Repository, choice: Choice) -> t.Iterator[ZipFolder]:
    if choice.source == ONEDRIVE:
        for spot in _spots(repository, choice):
            yield ZipFolder(ONEDRIVE, spot.path, spot.modified or 0.0)


def _written(
    repository: Repository, choice: Choice, items: t.Iterator[ChosenItem], root: Path, file_format: str, on_damage: OnDamage, is_check: bool
) -> t.Iterator[Written]:
    if choice.source == MAIL and file_format == MAILDIR:
        return write_maildir(repository, choice, items, root, on_damage, is_check=is_check)
    if choice.source == MAIL and file_format == MBOXRD:
        return write_mboxes(repository, items, root, on_damage, is_check=is_check)
    return write_files(repository, items, root, on_damage, is_check=is_check)


def _take(result: RestoreResult, part: SourceRestore | None, written: t.Iterable[Written]) -> None:
    for item, outcome, size in written:
        (part or result.of(item.source)).add(item.folder, size, outcome)
