# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folders of a backed-up drive that a restore is about, empty ones too.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._errors import BackupError
from ..backup.catalogue import Record
from ..backup.drive_state import folder_records
from ..backup.temporary_databases import temporary_databases
from ..repository.types import Node, Path
from .choice import Choice
from .drive_files import part_node, parts_facts

if t.TYPE_CHECKING:
    from ..repository.repository import Repository


@dataclass(frozen=True, slots=True)
class ChosenFolder:
    """C(names) are the true ones from the top, C(path) is where it is stored. C(permissions) is the file that holds them.

    Of a folder whose record cannot be read no more is known than its name.
    """

    record: Record
    names: tuple[str, ...]
    path: Path
    permissions: Node | None = None


def chosen_drive_folders(
    repository: Repository, choice: Choice, on_problem: t.Callable[[str, BackupError], None]
) -> t.Iterator[ChosenFolder]:
    """Every chosen folder but the top of the drive, each before those below it. Costs memory for the chosen folders.

    ``on_problem`` is told of permissions that cannot be read, with what to call them. Raises StorageError.
    """
    names = choice.folder_names
    records = {} if choice.damage else _records(repository, choice)
    for folder in sorted(choice.folders.values(), key=lambda folder: folder.path):
        if not folder.path:
            continue
        record = records.pop(folder.id, None) or {"id": folder.id, "number": folder.number, "file": folder.path[-1], "name": folder.name}
        permissions = None
        for facts in parts_facts({"permissions": record.get("permissions")}):
            try:
                permissions = None if choice.state.tree is None else part_node(repository, choice.state.tree, facts)
            except BackupError as error:
                on_problem(f"permissions of the folder {'/'.join(names[folder.number])}", error)
        yield ChosenFolder(record, names[folder.number], folder.path, permissions)


def _records(repository: Repository, choice: Choice) -> dict[str, Record]:
    if choice.state.tree is None:
        return {}
    chosen = {folder.id for folder in choice.folders.values()}
    with temporary_databases():
        return {record["id"]: record for record in folder_records(repository, choice.state.tree) if record["id"] in chosen}
