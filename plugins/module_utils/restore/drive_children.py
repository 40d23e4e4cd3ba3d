# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the folders of a drive have, asked for as cheaply as a restore can.

The first few names of a folder are asked for one by one, at a resource unit each. Whoever asks for more gets the folder
listed, into a temporary database: a folder may hold any number of files.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from ..backup.temporary_databases import open_temporary_database
from .drive_decide import Child, Content
from .drive_names import name_key

if t.TYPE_CHECKING:
    from ..graph.drive_read import DriveReader
    from ..graph.drive_write import DriveWriter
    from ..graph.ids import DriveItemId, Fields

#: A page of a listing costs two units, and shows two hundred names or more.
_ASKED_ONE_BY_ONE = 8
_TABLE = """CREATE TABLE children (
    folder TEXT, key TEXT, id TEXT, name TEXT, is_file INTEGER, is_folder INTEGER, size INTEGER, hash TEXT, created TEXT, modified TEXT,
    is_made_by_app INTEGER, is_by_app INTEGER,
    PRIMARY KEY (folder, key)
) WITHOUT ROWID"""


class Children:
    """For one thread. Close it, or use it as a context manager."""

    def __init__(self, reader: DriveReader, writer: DriveWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._database = open_temporary_database()
        self._database.execute(_TABLE)
        self._asked: dict[DriveItemId, int] = {}
        self._complete: set[DriveItemId] = set()

    def __enter__(self) -> Children:
        return self

    def __exit__(self, *exception: object) -> None:
        self._database.close()

    def is_new(self, folder: DriveItemId) -> None:
        """The folder was just made: nothing is in it."""
        self._complete.add(folder)

    def named(self, folder: DriveItemId, name: str) -> Child | None:
        """What the folder had under a name when it was first asked for. Raises GraphError."""
        if folder not in self._complete:
            asked = self._asked[folder] = self._asked.get(folder, 0) + 1
            if asked <= _ASKED_ONE_BY_ONE:
                return ask(self._writer, folder, name)
            self._list(folder)
        row = self._database.execute(
            "SELECT id, name, is_file, is_folder, size, hash, created, modified, is_made_by_app, is_by_app FROM children"
            " WHERE folder = ? AND key = ?",
            (folder, _text(name_key(name))),
        ).fetchone()
        return None if row is None else _child(row)

    def _list(self, folder: DriveItemId) -> None:
        self._database.execute("BEGIN")
        found = (child_of(fields) for fields in self._reader.children(folder))
        self._database.executemany(
            "INSERT OR REPLACE INTO children VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (_row(folder, each) for each in found)
        )
        self._database.execute("COMMIT")
        self._complete.add(folder)
        self._asked.pop(folder, None)


def ask(writer: DriveWriter, folder: DriveItemId, name: str) -> Child | None:
    """What the folder has under a name now. Raises GraphError."""
    fields = writer.find(folder, name)
    return None if fields is None else child_of(fields)


def child_of(fields: Fields) -> Child:
    """A driveItem as decisions see it."""
    times = fields.get("fileSystemInfo") or {}
    hashes = (fields.get("file") or {}).get("hashes") or {}
    return Child(
        id=str(fields.get("id") or ""),
        name=str(fields.get("name") or ""),
        is_file="file" in fields and "package" not in fields and "remoteItem" not in fields,
        is_folder=("folder" in fields or "package" in fields) and "remoteItem" not in fields,
        content=Content(int(fields.get("size") or 0), str(hashes.get("quickXorHash") or "")),
        created=str(times.get("createdDateTime") or ""),
        modified=str(times.get("lastModifiedDateTime") or ""),
        is_made_by_app=_is_app(fields.get("createdBy")),
        is_by_app=_is_app(fields.get("lastModifiedBy")),
    )


def _is_app(who: t.Mapping[str, t.Any] | None) -> bool:
    return bool((who or {}).get("application"))


def _row(folder: DriveItemId, child: Child) -> tuple[str | int, ...]:
    names = (_text(name_key(child.name)), child.id, _text(child.name))
    content = (child.content.size, child.content.hash)
    return (folder, *names, child.is_file, child.is_folder, *content, child.created, child.modified, child.is_made_by_app, child.is_by_app)


def _child(row: tuple[t.Any, ...]) -> Child:
    child_id, name, is_file, is_folder, size, stated, created, modified, is_made_by_app, is_by_app = row
    return Child(
        id=child_id,
        name=name,
        is_file=bool(is_file),
        is_folder=bool(is_folder),
        content=Content(size, stated),
        created=created,
        modified=modified,
        is_made_by_app=bool(is_made_by_app),
        is_by_app=bool(is_by_app),
    )


def _text(name: str) -> str:
    """SQLite takes no half of a surrogate pair."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
