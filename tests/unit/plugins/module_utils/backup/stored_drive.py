# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore points of Anna's drive, laid down file by file as the layout says."""

from __future__ import annotations

import dataclasses
import json
import typing as t
from datetime import datetime, timedelta

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.catalogue import (
    FOLDERS,
    HASHES_PER_FILE,
    LINES_PER_FILE,
    Record,
    id_file,
    id_hash,
    item_file,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_fields import parse_time, without_empty
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_state import (
    RETRY_PATH,
    SOURCE_PATH,
    DriveFacts,
    facts_as_json,
    retries_as_json,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import (
    MEMBERS_FILE,
    META,
    ONEDRIVE,
    short_hash,
    snapshot_tags,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.members import (
    MemberState,
    SourceState,
    SourceStatus,
    members_as_json,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import edit_tree
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Node, Path, Snapshot
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.writer import Writer
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import (
    NOON,
    MemoryStorage,
    Place,
    new_place,
)

ROOT = "root"
USER = "anna@x.example"
TOP: Path = ("Sales", USER, ONEDRIVE)
MOMENT = "2026-05-17T08:12:05Z"


@dataclasses.dataclass
class StoredFile:
    """C(stored) is the name in the tree, the true one if empty. C(versions) are older contents by version id."""

    folder: str
    name: str
    content: bytes
    modified: str = MOMENT
    author: str = "Anna Meier"
    stored: str = ""
    versions: dict[str, bytes] = dataclasses.field(default_factory=dict)
    grants: bytes = b""
    facts: Record = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class StoredFolder:
    parent: str
    name: str
    modified: str = MOMENT
    stored: str = ""
    grants: bytes = b""


class StoredDrive:
    """A drive that tests change between C(back_up)s."""

    def __init__(self) -> None:
        self.place: Place = new_place(MemoryStorage())
        self.files: dict[str, StoredFile] = {}
        self.folders: dict[str, StoredFolder] = {}
        self.moment = NOON
        self._numbers = {ROOT: 0}
        self._file_lines: list[Record] = []
        self._folder_lines: list[Record] = []

    def put(self, file_id: str, folder: str, name: str, content: bytes = b"", **more: t.Any) -> None:
        self.files[file_id] = StoredFile(folder, name, content, **more)

    def folder(self, folder_id: str, parent: str, name: str, **more: t.Any) -> None:
        self.folders[folder_id] = StoredFolder(parent, name, **more)
        self._numbers.setdefault(folder_id, len(self._numbers))

    def path(self, folder_id: str) -> Path:
        """Where a folder lies in the tree."""
        if folder_id == ROOT:
            return ()
        folder = self.folders[folder_id]
        return (*self.path(folder.parent), folder.stored or folder.name)

    def back_up(self) -> Snapshot:
        """One more restore point, a day after the last."""
        self.moment += timedelta(days=1)
        _append(self._file_lines, {key: self._file_record(key, file) for key, file in self.files.items()})
        _append(self._folder_lines, {key: self._folder_record(key) for key in (ROOT, *self.folders)})
        with self.place.repository.writing(hostname="backup1") as writer:
            tree = edit_tree(writer, None, sorted(self._nodes(writer).items()))
            assert tree is not None
            tags = snapshot_tags("sales", f"run-{self.moment:%d}", "complete")
            return writer.save_snapshot(tree, time=self.moment, paths=["/m365"], tags=tags)

    def _nodes(self, writer: Writer) -> dict[Path, Node]:
        nodes: dict[Path, Node] = {}

        def save(path: Path, content: bytes, moment: datetime = NOON) -> None:
            nodes[path] = Node.file(path[-1], moment, writer.save_file([content] if content else []))

        state = SourceState(status=SourceStatus.GOOD, last_success=NOON.isoformat())
        anna = MemberState(id="anna", principal_name=USER, display_name="Anna Meier", directory=USER, sources={ONEDRIVE: state})
        facts = DriveFacts(
            lines=len(self._file_lines),
            items=len(self.files),
            next_folder=len(self._numbers),
            cursor="cursor",
            drive="b!1",
            root=ROOT,
            folder_lines=len(self._folder_lines),
            folders=len(self.folders) + 1,
        )
        save(("Sales", META, MEMBERS_FILE), members_as_json([anna]))
        save((*TOP, *SOURCE_PATH), facts_as_json(facts))
        save((*TOP, *RETRY_PATH), retries_as_json([]))
        for where, lines in (((META,), self._file_lines), (FOLDERS, self._folder_lines)):
            for path, content in _log(lines):
                save((*TOP, *where, *path), content)
        for key, file in self.files.items():
            save((*TOP, *self.path(file.folder), file.stored or file.name), file.content, parse_time(file.modified) or NOON)
            for version, content in file.versions.items():
                save((*TOP, *_versions(key), version), content)
            if file.grants:
                save((*TOP, *_permissions(key)), file.grants)
        for key, folder in self.folders.items():
            if not any(each.folder == key for each in self.files.values()) and not any(
                each.parent == key for each in self.folders.values()
            ):
                moment = parse_time(folder.modified) or NOON
                path = (*TOP, *self.path(key))
                nodes[path] = Node.directory(path[-1], moment, writer.save_tree([]))
            if folder.grants:
                save((*TOP, *_permissions(key)), folder.grants)
        return nodes

    def _file_record(self, key: str, file: StoredFile) -> Record:
        versions = [
            {"id": version, "size": len(content), "modified": f"2026-01-0{number}T00:00:00Z", "file": "/".join((*_versions(key), version))}
            for number, (version, content) in enumerate(file.versions.items(), 1)
        ]
        record = {
            "id": key,
            "folder": self._numbers[file.folder],
            "parent": file.folder,
            "file": file.stored or file.name,
            "subject": file.name,
            "size": len(file.content),
            "modified": file.modified,
            "created": file.modified,
            "received": file.modified,
            "from": file.author,
            "hash": short_hash(file.content.decode("latin-1"), 8),
            "versions": versions,
            "permissions": "/".join(_permissions(key)) if file.grants else "",
        }
        return {**without_empty(record), "folder": record["folder"], "size": record["size"], **file.facts}

    def _folder_record(self, key: str) -> Record:
        if key == ROOT:
            return {"id": ROOT, "number": 0, "parent": None, "file": "", "name": ""}
        folder = self.folders[key]
        return {
            "id": key,
            "number": self._numbers[key],
            "parent": folder.parent,
            "file": folder.stored or folder.name,
            "name": folder.name,
            "modified": folder.modified,
            **({"permissions": "/".join(_permissions(key))} if folder.grants else {}),
        }


def _versions(key: str) -> Path:
    return (META, "versions", "0042", short_hash(key, 16))


def _permissions(key: str) -> Path:
    return (META, "permissions", "0042", f"{short_hash(key, 16)}.json")


def _append(lines: list[Record], wanted: t.Mapping[str, Record]) -> None:
    """One line for everything that differs from what the lines say."""
    known: dict[str, Record] = {}
    for line in lines:
        known[line["id"]] = line
    lines.extend({"id": key, "removed": True} for key, line in known.items() if key not in wanted and not line.get("removed"))
    lines.extend(record for key, record in wanted.items() if known.get(key) != record)


def _log(lines: t.Sequence[Record]) -> t.Iterator[tuple[Path, bytes]]:
    for start in range(0, len(lines), LINES_PER_FILE):
        part = lines[start : start + LINES_PER_FILE]
        yield ("items", *item_file(start // LINES_PER_FILE)), b"".join(json.dumps(line).encode() + b"\n" for line in part)
    for start in range(0, len(lines), HASHES_PER_FILE):
        part = lines[start : start + HASHES_PER_FILE]
        yield ("ids", *id_file(start // HASHES_PER_FILE)), b"".join(id_hash(line["id"]) for line in part)
