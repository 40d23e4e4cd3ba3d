# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring the tree and the catalogues of a drive to what a pass has said, or count what that would be.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import BackupError
from ..repository.trees import edit_tree
from ..repository.types import BlobId, Node, Path, TreeId
from .catalogue import CatalogueAppender, Record
from .contents import About, Contents, Flag
from .drive_answers import Answer, permissions_path, versions_path
from .drive_changes import DriveChanges
from .drive_decide import file_record, folder_record, is_same
from .drive_directories import Directories
from .drive_fetched import FETCHED
from .drive_old import OldTree
from .drive_places import FolderRow, Places
from .drive_record import Entry, What, stored_name
from .drive_said import Said, Statement
from .edit_spool import EditSpool
from .item_state import RETRY_PATH, SOURCE_PATH, DriveFacts, Retry, facts_as_json, retries_as_json
from .layout import META_TIME
from .results import Counts, Finding
from .scan_marks import SCAN

if t.TYPE_CHECKING:
    from ..repository.writer import Writer

_NOTHING = Answer()


class DriveTree:
    """C(findings) and C(troubled) are what the pass left to say about items, C(counts) what has become of files."""

    def __init__(self, writer: Writer, contents: Contents, old: OldTree, changes: DriveChanges, places: Places) -> None:
        self.findings: list[Finding] = []
        self.troubled: set[str] = set()
        self.counts = Counts(total=old.facts.items)
        self._writer = writer
        self._contents = contents
        self._old = old
        self._said: Said = changes.said
        self._places = places
        self._edits = EditSpool()
        self._files = CatalogueAppender(old.files, writer, self._edits)
        self._folders = CatalogueAppender(old.folders, writer, self._edits)
        self._folder_count = old.facts.folders
        self._directories = Directories(writer, old, self._said, places)

    def close(self) -> None:
        self._edits.close()

    def build(self) -> None:
        """Settle everything that was said."""
        for statement in self._said.statements("kind = 'f'"):
            self._settle_file(statement)
        for item_id in self._directories.fill():
            self._lose(item_id)
        self._directories.build(self._edits, self._place_file, self._place_folder)
        self._place_root()
        for statement in self._said.statements("kind = 'r' AND old_kind = 'f'"):
            self._remove_file(statement.old or {})
        for row in self._places.rows("NOT is_alive AND old NOT NULL"):
            self._folders.remove(row.id)
            self._folder_count -= 1
            self._drop_beside(row.old or {})
        self.troubled |= self._directories.clashes

    @property
    def is_same(self) -> bool:
        """Whether nothing differs from the old tree so far."""
        return self._old.tree is not None and len(self._edits) == 0 and not self._has_new_lines

    def save(self, facts: DriveFacts, retries: t.Mapping[str, Retry]) -> TreeId:
        """Write the tree with facts and retries. Of the facts, the numbers of lines and items are found here."""
        self._files.save_tail()
        self._folders.save_tail()
        facts = dataclasses.replace(
            facts, lines=self._files.lines, items=self.counts.total, folder_lines=self._folders.lines, folders=self._folder_count, fetched=0
        )
        self._put_small(SOURCE_PATH, facts_as_json(facts))
        if retries:
            self._put_small(RETRY_PATH, retries_as_json(retries.values()))
        else:
            self._edits.put(RETRY_PATH, None)
        self._edits.put(FETCHED, None)
        tree = edit_tree(self._writer, self._old.tree, self._edits.sorted())
        if tree is None:
            raise BackupError("The tree of a drive came out empty.", hint="This is a defect; please report it.")
        return tree

    @property
    def _has_new_lines(self) -> bool:
        return (self._files.lines, self._folders.lines) != (self._old.files.lines, self._old.folders.lines)

    def _settle_file(self, statement: Statement) -> None:
        entry, old = statement.entry, statement.old
        answer = self._answer(statement, "shortcut" if entry.what is What.SHORTCUT else "file")
        if old is None and answer.body is None:
            self.troubled.add(entry.id)
            return
        record = file_record(old, entry, content=answer.content, beside=self._put_beside(statement, answer))
        self._report_flagged(entry, old or {}, answer)
        file = stored_name(entry.name, entry.id, is_at_top=entry.parent == self._places.root)
        is_moved = old is None or (entry.parent, file) != (old["parent"], old["file"])
        if old is None or is_moved or answer.body is not None or record.get("modified") != old.get("modified"):
            self._directories.put(record, file, answer.body, old)
        else:
            self._place_file({**record, "folder": old["folder"], "file": file}, old)

    def _answer(self, statement: Statement, word: str) -> Answer:
        if not statement.asked:
            return _NOTHING
        answer = self._said.answer(statement.entry.id, statement.asked) or _NOTHING
        for finding in answer.findings:
            name = f"{word} {'/'.join(filter(None, (self._places.path_of(statement.entry.parent), statement.entry.name)))}"
            self.findings.append(dataclasses.replace(finding, object=finding.object + name))
        if answer.has_failed:
            self.troubled.add(statement.entry.id)
        return answer

    def _report_flagged(self, entry: Entry, old: Record, answer: Answer) -> None:
        """Tell of what was read and is not clean; of earlier versions that were stored before, a run before has told."""
        before = {version["id"] for version in old.get("versions", ())}
        flags = [
            Flag(version.scan, tuple(map(BlobId, version.body.blobs)), version.body.size, part=f"version {version.name}")
            for version in answer.versions or ()
            if version.scan is not None and version.name not in before
        ]
        if answer.body is not None and answer.content is not None and SCAN in answer.content:
            flags.insert(0, Flag(answer.content[SCAN], tuple(map(BlobId, answer.body.blobs)), answer.body.size))
        if flags:
            self._contents.report(About(entry.name, self._places.path_of(entry.parent)), flags)

    def _put_beside(self, statement: Statement, answer: Answer) -> dict[str, t.Any]:
        """Store what belongs beside an item; what its record says of it."""
        item_id, old, beside = statement.entry.id, statement.old or {}, dict[str, t.Any]()
        versions = answer.versions if answer.versions is not None or answer.body is None else ()
        if versions is not None:
            beside["versions"] = [version.record(item_id) for version in versions]
            if versions:
                nodes = self._writer.save_tree([version.node() for version in versions])
                self._edits.put(versions_path(item_id), Node.directory(versions_path(item_id)[-1], META_TIME, nodes))
            elif old.get("versions"):
                self._edits.put(versions_path(item_id), None)
        path = permissions_path(item_id)
        if answer.permissions is not None:
            beside["permissions"] = "/".join(path)
            node = answer.permissions.node(path[-1], {})
            if self._old.node(path) != node:
                self._edits.put(path, node)
        elif old.get("permissions") and not statement.entry.shared:
            self._edits.put(path, None)
        return beside

    def _place_file(self, record: Record, old: Record | None) -> None:
        if record == old:
            return
        self._files.append(record)
        self.counts.keep(None if old is None else old["folder"], record["folder"])

    def _place_folder(self, row: FolderRow, name: str) -> None:
        old = row.old
        if row.entry is None:
            record: Record = {**(old or {}), "parent": row.parent, "file": name}
        else:
            statement = Statement(entry=row.entry, old=old, is_old_folder=True, asked=row.asked)
            answer = self._answer(statement, "folder")
            beside = {key: value for key, value in self._put_beside(statement, answer).items() if key == "permissions"}
            record = {**folder_record(old, row.entry, beside=beside), "parent": row.parent, "number": row.number, "file": name}
        if record == old:
            return
        self._folders.append(record)
        self._folder_count += old is None

    def _place_root(self) -> None:
        row = next(self._places.rows("id = ?", (self._places.root,)))
        if row.old is None:
            self._folders.append({"id": row.id, "number": row.number, "parent": None, "file": "", "name": ""})
            self._folder_count += 1

    def _remove_file(self, old: Record) -> None:
        self._files.remove(old["id"])
        self.counts.remove()
        self._drop_beside(old)

    def _drop_beside(self, old: Record) -> None:
        if old.get("versions"):
            self._edits.put(versions_path(old["id"]), None)
        if old.get("permissions"):
            self._edits.put(permissions_path(old["id"]), None)

    def _lose(self, item_id: str) -> None:
        """A content that the tree should have and has not: read again by the next run."""
        statement = self._said.get(item_id)
        if statement is not None and statement.old is not None:
            self._remove_file(statement.old)
            self.troubled.add(item_id)

    def _put_small(self, path: Path, content: bytes) -> None:
        self._edits.put(path, Node.file(path[-1], META_TIME, self._writer.save_file([content])))


def foreseen(changes: DriveChanges, places: Places, old: OldTree) -> Counts:
    """What L(DriveTree) would count, if everything can be read that has to be."""
    counts = Counts(total=old.facts.items)
    for statement in changes.said.statements("kind = 'f'"):
        entry, before = statement.entry, statement.old
        is_fetched = "c" in statement.asked.rpartition(" ")[2]
        if is_fetched and not entry.is_malware:
            counts.fetched += 1
            counts.fetched_bytes += entry.size
        number = places.number_of(entry.parent)
        if number is None or (is_fetched and entry.is_malware and before is None):
            continue
        if before is None or not is_same(before, entry) or (before["folder"], entry.parent) != (number, before["parent"]):
            counts.keep(None if before is None else before["folder"], number)
    for _statement in changes.said.statements("kind = 'r' AND old_kind = 'f'"):
        counts.remove()
    return counts
