# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore messages as mboxes of the kind mboxrd: one file a folder, the oldest message first.

In an mboxrd every line that begins with "From ", or with any number of ">" and "From ", has one ">" more in front than in
the message, so taking one away gives the message back. Line ends are those of the message. A message whose last line has
no end gets one; that alone cannot be undone.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import hashlib
import re
import typing as t
from pathlib import Path

from .._errors import BackupError
from ..backup.catalogue import Record
from ..backup.mail_record import received
from ..backup.temporary_databases import temporary_databases
from ..repository.bulk_read import read_many
from ..repository.errors import RepositoryDamaged
from .choice import ChosenItem
from .durable_files import DurableFiles
from .export_content import OnDamage
from .export_names import folder_name
from .item_spool import ItemSpool
from .results import Restored
from .to_files import Written

if t.TYPE_CHECKING:
    from ..repository.repository import Repository
    from ..repository.types import Node

_Key = tuple[int, str]

_FROM_LINE = re.compile(rb"^(?=>*From )", re.MULTILINE)
_BEGINS_LIKE_ONE = re.compile(rb">*(?:F(?:r(?:om?)?)?)?")
_ADDRESS = re.compile(r"[^\s<>]+@[^\s<>]+")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_BATCH_ITEMS = 500
_BATCH_BYTES = 32 << 20


def write_mboxes(
    repository: Repository, items: t.Iterable[ChosenItem], root: Path, on_damage: OnDamage, *, is_check: bool
) -> t.Iterator[Written]:
    """Write an mbox for every folder, below C(root) at the place of the folder. One that is there with the same bytes is left.

    What is damaged is told of, not raised. Raises BackupError, StorageError.
    """
    with temporary_databases(), ItemSpool() as spool, DurableFiles(root) as files:
        for item in items:
            spool.add(str(mbox_path(item.folder)), received(item.record), item)
        for place in spool.places():
            target = root / place
            there = _digest(target)
            damaged: dict[_Key, tuple[ChosenItem, RepositoryDamaged]] = {}
            is_same = there is not None and _digest_of(_mbox(repository, spool.items(place), damaged)) == there
            if not is_same and not is_check:
                damaged.clear()
                files.put(target, _mbox(repository, spool.items(place), damaged))
            for item, damage in damaged.values():
                on_damage(item, damage)
            outcome = Restored.UNCHANGED if is_same else Restored.WRITTEN
            for item in spool.items(place):
                if _key(item) not in damaged:
                    yield item, outcome, item.node.size


def mbox_path(folder: tuple[str, ...]) -> Path:
    """Beside the directory with the mboxes of the folders below it."""
    names = [folder_name(name) for name in folder] or ["mailbox"]
    return Path(*names[:-1], names[-1] + ".mbox")


def from_line(record: Record) -> bytes:
    """Who sent it, and when it came in, in UTC and in the words of C's asctime, which take no notice of a locale."""
    address = _ADDRESS.search(str(record.get("from") or ""))
    sender = address[0].encode("ascii", "replace").decode("ascii") if address else "MAILER-DAEMON"
    moment = received(record)
    day = f"{_DAYS[moment.weekday()]} {_MONTHS[moment.month - 1]} {moment.day:2d} {moment:%H:%M:%S} {moment.year}"
    return f"From {sender} {day}\n".encode("ascii")


def quoted(chunks: t.Iterable[bytes]) -> t.Iterator[bytes]:
    """A message as it stands in an mbox, with the empty line behind it."""
    rest, is_at_start = b"", True
    for chunk in chunks:
        # What does not begin a line is not to be taken for one that does.
        guard = b"" if is_at_start else b"-"
        data = guard + rest + chunk
        end = data.rfind(b"\n") + 1
        may_be_one = (end > 0 or is_at_start) and _BEGINS_LIKE_ONE.fullmatch(data, end) is not None
        ready, rest = (data[:end], data[end:]) if may_be_one else (data, b"")
        if ready:
            yield _FROM_LINE.sub(b">", ready)[len(guard) :]
        is_at_start = may_be_one
    # A beginning of "From " that nothing follows needs no mark.
    yield rest + (b"\n" if is_at_start and not rest else b"\n\n")


def _mbox(
    repository: Repository, items: t.Iterable[ChosenItem], damaged: dict[_Key, tuple[ChosenItem, RepositoryDamaged]]
) -> t.Iterator[bytes]:
    """The whole file, in pieces. Damaged messages are put down, and left out."""
    for batch in _batches(items):
        contents: dict[_Key, bytes] = {}
        small: list[tuple[ChosenItem, Node]] = [(item, item.node) for item in batch if len(item.node.content) == 1]

        def on_damage(item: ChosenItem, damage: RepositoryDamaged) -> None:
            damaged[_key(item)] = (item, damage)

        for item, _offset, content in read_many(repository, small, on_damage):
            contents[_key(item)] = content
        for item in batch:
            if _key(item) in contents:
                yield from_line(item.record)
                yield from quoted((contents.pop(_key(item)),))
            elif len(item.node.content) != 1 and _is_readable(repository, item, on_damage):
                yield from_line(item.record)
                yield from quoted(repository.read_file(item.node))


def _is_readable(repository: Repository, item: ChosenItem, on_damage: OnDamage) -> bool:
    """Of a large message nothing may be in the file when its end cannot be read."""
    try:
        for _chunk in repository.read_file(item.node):
            pass
    except RepositoryDamaged as damage:
        on_damage(item, damage)
        return False
    return True


def _key(item: ChosenItem) -> _Key:
    return item.record["folder"], item.record["file"]


def _batches(items: t.Iterable[ChosenItem]) -> t.Iterator[list[ChosenItem]]:
    batch: list[ChosenItem] = []
    size = 0
    for item in items:
        batch.append(item)
        size += item.node.size if len(item.node.content) == 1 else 0
        if len(batch) >= _BATCH_ITEMS or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _digest_of(chunks: t.Iterable[bytes]) -> bytes:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.digest()


def _digest(target: Path) -> bytes | None:
    """None where no file is."""
    try:
        with target.open("rb") as stream:
            return _digest_of(iter(lambda: stream.read(1 << 20), b""))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BackupError(f"Reading {target} failed: {error.strerror}.", hint="Correct the permissions.") from error
