# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of the folders and files of a drive of which parts cannot be read.

Files lie under their own names, so a path says most. The catalogue adds the id, by which the next run asks again, and the
names of what lies in a directory that is lost.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..repository.reading import BlobReader
from ..repository.types import Path, TreeId
from .catalogue import FOLDERS, ITEMS, Record
from .damaged_source import ItemName, Readable, moment_of
from .layout import META

_VERSIONS, _PERMISSIONS = (META, "versions"), (META, "permissions")
_OF_PERMISSIONS = "the permissions of"


class DriveNames:
    """What can still be told. ``tree`` is None where not even the top of the drive can be read."""

    def __init__(self, reader: BlobReader, tree: TreeId | None) -> None:
        self._tree = Readable(reader, tree)
        self._folders: dict[str, Record] = {}
        for record in self._tree.lines((*FOLDERS, "items")):
            self._folders[record["id"]] = record
        self._folders = {key: record for key, record in self._folders.items() if not record.get("removed")}
        self._paths = {key: self._path(record, "file") for key, record in self._folders.items()}
        self._names = {path: "/".join(self._path(self._folders[key], "name")) for key, path in self._paths.items()}

    def is_item(self, path: Path, *, is_directory: bool) -> bool:
        """Whether a path is a file of the drive, or belongs to one."""
        return not is_directory and (path[0] != META or _is_beside(path))

    def holds_items(self, path: Path) -> bool:
        """Whether a directory at a path has files in it or below it, or what belongs to files."""
        return path[0] != META or _is_beside(path)

    def directory(self, path: Path) -> tuple[str, str]:
        """The folder of a directory that holds files, and what to call the directory."""
        if _is_beside(path):
            return "", f"the directory of {'permissions' if path[:2] == _PERMISSIONS else 'earlier versions'} in the OneDrive"
        return self.folder(path), f"the folder {self.folder(path)}"

    def folder(self, path: Path) -> str:
        """The true names from the top to this folder; those of the directories where the true ones cannot be read."""
        return self._names.get(path) or "/".join(path)

    def items(self, wanted: t.Mapping[Path, bool]) -> dict[Path, list[ItemName]]:
        """The files at these paths and below those that are directories, as the catalogue has them.

        A file that the catalogue does not name, because that is damaged too, goes by its path. Costs a pass over the catalogue
        and memory for what is wanted.
        """
        found: dict[Path, dict[str, list[ItemName]]] = {path: {} for path in wanted}
        places = _Places(wanted, self._paths, self._folders)
        for record in self._tree.lines(ITEMS):
            # Of several lines of a file the last counts.
            for path in places.told.pop(record["id"], ()):
                found[path].pop(record["id"], None)
            if record.get("removed"):
                continue
            for path, part in places.of(record):
                places.told.setdefault(record["id"], set()).add(path)
                found[path].setdefault(record["id"], []).append(self._file(record, part))
        for key, record in self._folders.items():
            for path in places.of_permissions(record):
                found[path][f"folder {key}"] = [self._folder_itself(key, record)]
        names = {path: [name for of_file in of_path.values() for name in of_file] for path, of_path in found.items()}
        return {path: names[path] or ([] if is_directory else [self._nameless(path)]) for path, is_directory in wanted.items()}

    def _file(self, record: Record, part: str) -> ItemName:
        folder = self._names.get(self._paths.get(str(record.get("parent")), ()), "")
        return ItemName(record["id"], folder, str(record.get("subject") or ""), moment_of(record), part)

    def _folder_itself(self, key: str, record: Record) -> ItemName:
        above = self._names.get(self._paths.get(str(record.get("parent")), ()), "")
        return ItemName(key, above, str(record["name"]), "", _OF_PERMISSIONS, "folder")

    def _nameless(self, path: Path) -> ItemName:
        if _is_beside(path):
            part = _OF_PERMISSIONS if path[:2] == _PERMISSIONS else f"version {path[-1]} of"
            return ItemName("", "", "", "", part)
        return ItemName("", self.folder(path[:-1]), path[-1], "")

    def _path(self, record: Record, what: str) -> Path:
        names: list[str] = []
        seen = set[str]()
        above: Record | None = record
        while above is not None and above["id"] not in seen:
            seen.add(above["id"])
            names.append(above[what])
            above = self._folders.get(str(above["parent"]))
        # The top has no name.
        return tuple(name for name in reversed(names) if name)


def _is_beside(path: Path) -> bool:
    return path[:2] in (_VERSIONS, _PERMISSIONS)


@dataclass(slots=True)
class _Places:
    """Which wanted paths a record belongs to, and as what. C(told) remembers it by file."""

    wanted: t.Mapping[Path, bool]
    paths: t.Mapping[str, Path]
    folders: t.Mapping[str, Record]
    told: dict[str, set[Path]] = field(default_factory=dict)
    _numbers: dict[int, Path] = field(default_factory=dict)
    _lost: dict[int, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        directories = [path for path, is_directory in self.wanted.items() if is_directory]
        for key, path in self.paths.items():
            number = self.folders[key]["number"]
            self._numbers[number] = path
            for directory in directories:
                if path[: len(directory)] == directory:
                    self._lost[number] = directory

    def of(self, record: Record) -> t.Iterator[tuple[Path, str]]:
        number = record.get("folder", -1)
        lost = self._lost.get(number)
        path = (*self._numbers[number], str(record.get("file"))) if number in self._numbers else None
        if lost is not None:
            yield lost, ""
        elif path is not None and self.wanted.get(path) is False:
            yield path, ""
        for version in record.get("versions", ()):
            for place in self._beside(str(version.get("file"))):
                yield place, f"version {version.get('id')} of"
        for place in self.of_permissions(record):
            yield place, _OF_PERMISSIONS

    def of_permissions(self, record: Record) -> t.Iterator[Path]:
        yield from self._beside(str(record.get("permissions") or ""))

    def _beside(self, file: str) -> t.Iterator[Path]:
        """The wanted path of something that lies apart from its file: itself, or a directory above it."""
        path = tuple(file.split("/"))
        for depth in range(2, len(path) + 1):
            if path[:depth] in self.wanted:
                yield path[:depth]
                return
