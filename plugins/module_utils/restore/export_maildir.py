# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore messages as a Maildir++, which mail servers and most mail programs of Linux read as it stands.

Maildir: cr.yp.to/proto/maildir.html; folders and C(S=): Courier's Maildir++. Folder names are encoded as on an IMAP
server (RFC 3501, section 5.1.3), which is what Courier and Dovecot expect on the disk.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import base64
import os
import re
import typing as t
from pathlib import Path

from .._errors import BackupError
from ..backup.catalogue import Record
from ..backup.layout import short_hash
from ..backup.mail_record import received
from ..backup.temporary_databases import open_temporary_database, temporary_databases
from ..repository.errors import RepositoryDamaged
from .choice import Choice, ChosenItem, true_path
from .durable_files import DurableFiles
from .export_content import OnDamage, contents
from .export_names import folder_name, item_hash
from .results import Restored
from .to_files import Written, is_same

if t.TYPE_CHECKING:
    from ..repository.repository import Repository

_INBOX = "INBOX"
_LONGEST_FOLDER = 240


def write_maildir(
    repository: Repository, choice: Choice, items: t.Iterable[ChosenItem], root: Path, on_damage: OnDamage, *, is_check: bool
) -> t.Iterator[Written]:
    """Write messages into a Maildir at C(root), whose top is the inbox. One that is there is left, whatever its flags are now."""
    settled: list[Written] = []
    names = _MaildirNames(choice, root)
    with temporary_databases(), _Present() as present, DurableFiles(root) as files:

        def missing() -> t.Iterator[ChosenItem]:
            for item in items:
                try:
                    there = present.find(names.folder(item), _base_name(item))
                    if there is not None and is_same(there, repository, item):
                        settled.append((item, Restored.UNCHANGED, item.node.size))
                    elif is_check:
                        settled.append((item, Restored.WRITTEN, item.node.size))
                    else:
                        yield item
                except RepositoryDamaged as damage:
                    on_damage(item, damage)

        for item, content in contents(repository, missing(), on_damage):
            folder = names.folder(item)
            try:
                there = present.find(folder, _base_name(item))
                for each in (root, folder):
                    _make_maildir(each, is_top=each == root, files=files)
                target = there or folder / "cur" / f"{_base_name(item)}:2,{flags_of(item.record)}"
                size = files.put(target, content, received(item.record).timestamp())
            except RepositoryDamaged as damage:
                on_damage(item, damage)
            else:
                yield item, Restored.WRITTEN, size
        yield from settled


def flags_of(record: Record) -> str:
    """Draft, flagged, seen; in the order of ASCII, as the format wants it. Graph does not say what was replied to."""
    marks = {
        "D": record.get("draft"),
        "F": record.get("flag") == "flagged",
        "S": record.get("read"),
    }
    return "".join(letter for letter, is_set in marks.items() if is_set)


def encoded_name(text: str) -> str:
    """A folder's name in the modified UTF-7 of IMAP."""
    return re.sub(r"&|[^\x20-\x7e]+", lambda found: _shifted(found[0]), text)


def _shifted(text: str) -> str:
    if text == "&":
        return "&-"
    packed = base64.b64encode(text.encode("utf-16-be", "surrogatepass")).rstrip(b"=").replace(b"/", b",")
    return f"&{packed.decode('ascii')}-"


def _base_name(item: ChosenItem) -> str:
    """The part of the file name that never changes: time, something unique, who wrote it, and the size for quotas."""
    return f"{int(received(item.record).timestamp())}.{item_hash(item.record['file'])}.m365_backup,S={item.node.size}"


class _MaildirNames:
    """Where the folders of a mailbox lie: the inbox is the top, everything else is beside one another with dots in the names."""

    def __init__(self, choice: Choice, root: Path) -> None:
        self._root = root
        inbox = choice.state.folders.get(choice.state.facts.well_known.get("inbox", ""))
        self._inbox = ("Inbox",) if inbox is None else true_path(inbox, choice.state.folders)

    def folder(self, item: ChosenItem) -> Path:
        names = item.folder
        if names[: len(self._inbox)] == self._inbox:
            names = (_INBOX, *names[len(self._inbox) :])
        if names == (_INBOX,):
            return self._root
        joined = "".join("." + encoded_name(folder_name(name).replace(".", "_")) for name in names)
        if len(joined) > _LONGEST_FOLDER:
            joined = f".{names[0][:20].encode('ascii', 'replace').decode('ascii').replace('?', '_')}~{short_hash(joined, 16)}"
        return self._root / joined


def _make_maildir(folder: Path, *, is_top: bool, files: DurableFiles) -> None:
    if (folder / "tmp").is_dir():
        return
    for name in ("cur", "new", "tmp"):
        files.make_folder(folder / name)
    if not is_top:
        files.put(folder / "maildirfolder", ())


class _Present:
    """The messages that are there already, in a temporary database that leaves memory when it grows."""

    def __init__(self) -> None:
        self._database = open_temporary_database()
        self._database.execute("CREATE TABLE present (folder TEXT, base TEXT, place TEXT, PRIMARY KEY (folder, base)) WITHOUT ROWID")
        self._known: set[Path] = set()

    def __enter__(self) -> _Present:
        return self

    def __exit__(self, *exception: object) -> None:
        self._database.close()

    def find(self, folder: Path, base: str) -> Path | None:
        """The message of this name, in whatever state a mail program has put it."""
        if folder not in self._known:
            self._known.add(folder)
            for state in ("new", "cur"):
                self._read(folder, folder / state)
        row = self._database.execute("SELECT place FROM present WHERE folder = ? AND base = ?", (str(folder), base)).fetchone()
        return None if row is None else folder / row[0]

    def _read(self, folder: Path, state: Path) -> None:
        try:
            with os.scandir(state) as entries:
                rows = ((str(folder), entry.name.partition(":")[0], f"{state.name}/{entry.name}") for entry in entries)
                self._database.executemany("INSERT OR REPLACE INTO present VALUES (?, ?, ?)", rows)
        except FileNotFoundError:
            return
        except OSError as error:
            raise BackupError(f"Reading {state} failed: {error.strerror}.", hint="Correct the permissions.") from error
