# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore messages as .eml files into a folder of this host.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import tempfile
import typing as t
from pathlib import Path

from .._errors import BackupError, InputError
from ..backup.layout import safe_name, shortened
from ..backup.mail_record import received
from ..repository.bulk_read import read_many
from ..repository.errors import RepositoryDamaged
from .choice import MailItem
from .results import Restored

if t.TYPE_CHECKING:
    from ..repository.repository import Repository
    from ..repository.types import Node

_ITEMS_AT_ONCE = 2_000
# A file name may have 255 bytes; time, hash and suffix take 31.
_SUBJECT_BYTES = 200


def check_target(target: Path) -> None:
    """Refuse a target that cannot take files, before anything is read."""
    existing = next(folder for folder in (target, *target.parents) if os.path.exists(folder))
    if not existing.is_dir():
        raise InputError(f"{existing} is not a folder.", hint="Choose a folder to restore into.")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(f"The folder {existing} is not writable for this user.", hint="Choose another one, or change its owner.")


def file_path(item: MailItem) -> Path:
    """Folder path and file name of a message below the member's folder; made of safe names, so it stays below it."""
    record = item.record
    folders = [safe_name(name) for name in item.folder]
    subject = shortened(safe_name(str(record.get("subject") or "no subject")), 60, _SUBJECT_BYTES).rstrip(" .")
    digest = record["file"].rpartition("-")[2][:8]
    return Path(*folders, f"{received(record):%Y-%m-%d %H%M%S} {subject} {digest}.eml")


def write_files(
    repository: Repository, items: t.Iterable[MailItem], root: Path, *, is_check: bool
) -> t.Iterator[tuple[MailItem, Restored | RepositoryDamaged]]:
    """As L(write_file) for each of them, in the order in which reading them costs least. What is damaged is told of, not raised."""
    items = iter(items)
    while batch := list(itertools.islice(items, _ITEMS_AT_ONCE)):
        yield from _write_batch(repository, batch, root, is_check)


def _write_batch(
    repository: Repository, items: t.Iterable[MailItem], root: Path, is_check: bool
) -> t.Iterator[tuple[MailItem, Restored | RepositoryDamaged]]:
    settled: list[tuple[MailItem, Restored | RepositoryDamaged]] = []

    def missing() -> t.Iterator[tuple[MailItem, Node]]:
        """What is to be read and written in one piece; everything else is settled on the way."""
        for item in items:
            try:
                if is_check or len(item.node.content) != 1:
                    settled.append((item, write_file(repository, item, root, is_check=is_check)))
                elif _is_same(root / file_path(item), repository, item):
                    settled.append((item, Restored.UNCHANGED))
                else:
                    yield item, item.node
            except RepositoryDamaged as damage:
                settled.append((item, damage))

    for item, _offset, content in read_many(repository, missing(), lambda item, damage: settled.append((item, damage))):
        _write(root / file_path(item), (content,), item)
        yield item, Restored.WRITTEN
    yield from settled


def write_file(repository: Repository, item: MailItem, root: Path, *, is_check: bool) -> Restored:
    """Write one message, or leave it when it is there with the same bytes."""
    target = root / file_path(item)
    if _is_same(target, repository, item):
        return Restored.UNCHANGED
    if not is_check:
        _write(target, repository.read_file(item.node), item)
    return Restored.WRITTEN


def _is_same(target: Path, repository: Repository, item: MailItem) -> bool:
    try:
        if target.stat().st_size != item.node.size:
            return False
        with target.open("rb") as stream:
            there = hashlib.sha256()
            while chunk := stream.read(1 << 20):
                there.update(chunk)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise BackupError(f"Reading {target} failed: {error.strerror}.", hint="Correct the permissions.") from error
    if len(item.node.content) == 1:
        return there.hexdigest() == item.node.content[0]
    wanted = hashlib.sha256()
    for chunk in repository.read_file(item.node):
        wanted.update(chunk)
    return there.digest() == wanted.digest()


def _write(target: Path, content: t.Iterable[bytes], item: MailItem) -> None:
    try:
        _write_synced(target, content, received(item.record).timestamp())
    except OSError as error:
        raise BackupError(
            f"Writing {target} failed: {error.strerror}.", hint="Free space or correct the permissions, then run the task again."
        ) from error


def _write_synced(target: Path, content: t.Iterable[bytes], modified: float) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".restore-")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            for chunk in content:
                stream.write(chunk)
            stream.flush()
            os.fsync(stream.fileno())
        os.utime(temporary, (modified, modified))
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
