# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore a drive into a folder of this host: its folders, empty ones too, and its files, with their names and times.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import os
import typing as t
from pathlib import Path

from ..backup.item_fields import parse_time
from .choice import ChosenItem
from .drive_folders import ChosenFolder
from .durable_files import make_folder, writing_of
from .export_content import OnDamage
from .export_names import drive_path, file_path
from .results import SourceRestore
from .to_files import Written, write_files

if t.TYPE_CHECKING:
    from ..repository.repository import Repository


_NO_ROOM = "Names of files on this host have at most 255 bytes."


class FolderSpot(t.NamedTuple):
    """Where a folder goes, below the folder of the source, and the time of its last change in seconds since the epoch."""

    path: Path
    modified: float | None


def folder_spots(folders: t.Iterable[ChosenFolder]) -> list[FolderSpot]:
    return [FolderSpot(drive_path(folder.path, folder.names), _modified(folder)) for folder in folders]


def write_drive(
    repository: Repository,
    folders: t.Sequence[FolderSpot],
    items: t.Iterable[ChosenItem],
    root: Path,
    on_damage: OnDamage,
    part: SourceRestore,
    *,
    all_folders: bool,
    is_check: bool,
) -> t.Iterator[Written]:
    """As C(write_files). C(folders) get their times after the last file; with C(all_folders) they are made, those without files too.

    C(part) is told of new folders, and of what has another name here.
    """
    for folder in folders if all_folders else ():
        target = root / folder.path
        if target.is_dir():
            continue
        part.new_folders += 1
        if not is_check:
            with writing_of(target):
                make_folder(target)
    # Staged beside the folder of the source: in it everything may lie that people have.
    for written in write_files(repository, items, root, on_damage, staging=root.parent, is_check=is_check):
        _tell_of_name(written[0], part)
        yield written
    if not is_check:
        _set_times(root, folders)


def _tell_of_name(item: ChosenItem, part: SourceRestore) -> None:
    path, wanted = file_path(item).as_posix(), "/".join((*item.folder, str(item.record.get("subject") or "")))
    if path != wanted:
        part.rename(wanted, path, _NO_ROOM)


def _set_times(root: Path, folders: t.Iterable[FolderSpot]) -> None:
    for folder in folders:
        target = root / folder.path
        if folder.modified is None:
            continue
        # Where single files were chosen, not every folder is there.
        with writing_of(target), contextlib.suppress(FileNotFoundError):
            if target.stat().st_mtime != folder.modified:
                os.utime(target, (folder.modified, folder.modified))


def _modified(folder: ChosenFolder) -> float | None:
    moment = parse_time(folder.record.get("modified"))
    return None if moment is None else moment.timestamp()
