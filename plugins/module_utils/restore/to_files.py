# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore items as files into a folder of this host, one file an item.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import typing as t
from pathlib import Path

from .._errors import BackupError
from ..repository.blob_index import BlobIndex
from ..repository.blobs import blob_id, plain_size
from ..repository.errors import RepositoryDamaged
from ..repository.types import BlobId, BlobKind
from .choice import ChosenItem
from .durable_files import DurableFiles
from .export_archive import readable_chunks, readable_path
from .export_content import ITEMS_AT_ONCE, OnDamage, content_of, contents, is_converted
from .export_names import file_path, modified_of
from .results import Restored

if t.TYPE_CHECKING:
    from ..repository.repository import Repository

#: An item, what became of it, and how many bytes it has.
Written = tuple[ChosenItem, Restored, int]


def write_files(
    repository: Repository, items: t.Iterable[ChosenItem], root: Path, on_damage: OnDamage, *, staging: Path | None = None, is_check: bool
) -> t.Iterator[Written]:
    """Write each of them below C(root), in the order in which reading them costs least; what is there with the same bytes is left.

    They are written in C(staging) first, a folder of the same disk: C(root) itself where nothing can have the names that are ours.
    All files are on the disk when the iterator has come to its end. What is damaged is told of, not raised. Raises
    BackupError, StorageError.
    """
    with DurableFiles(staging or root) as files:
        for item, outcome, size in _written(repository, items, root, files, on_damage, is_check=is_check):
            readable = readable_path(item, root / file_path(item))
            if readable is not None and not is_check and (outcome is Restored.WRITTEN or not readable.exists()):
                try:
                    files.put(readable, readable_chunks(repository, item), modified_of(item))
                except RepositoryDamaged as damage:
                    on_damage(item, damage)
            yield item, outcome, size


def _written(
    repository: Repository, items: t.Iterable[ChosenItem], root: Path, files: DurableFiles, on_damage: OnDamage, *, is_check: bool
) -> t.Iterator[Written]:
    items = iter(items)
    while batch := list(itertools.islice(items, ITEMS_AT_ONCE)):
        missing = []
        for item in batch:
            outcome = _settled(repository, item, root, is_check=is_check)
            if outcome is None:
                missing.append(item)
            else:
                yield item, outcome, item.node.size
        yield from _put(repository, missing, root, files, on_damage, is_check=is_check)


def _settled(repository: Repository, item: ChosenItem, root: Path, *, is_check: bool) -> Restored | None:
    """What becomes of an item without reading its content; None where that has to be read.

    Of an item that is restored as it is stored, the file tells by its hashes whether it is there.
    """
    if is_converted(item.source):
        return None
    if is_same(root / file_path(item), repository, item):
        return Restored.UNCHANGED
    return Restored.WRITTEN if is_check else None


def _put(
    repository: Repository, items: t.Iterable[ChosenItem], root: Path, files: DurableFiles, on_damage: OnDamage, *, is_check: bool
) -> t.Iterator[Written]:
    for item, content in contents(repository, items, on_damage):
        target = root / file_path(item)
        try:
            # Converting again costs less than holding what may have large attachments.
            if is_converted(item.source) and _is_same_as(target, content):
                yield item, Restored.UNCHANGED, item.node.size
                continue
            wanted = content_of(repository, item, _told_before) if is_converted(item.source) else content
            size = sum(len(chunk) for chunk in wanted) if is_check else files.put(target, wanted, modified_of(item))
            yield item, Restored.WRITTEN, size
        except RepositoryDamaged as damage:
            on_damage(item, damage)


def _told_before(_item: ChosenItem, _damage: RepositoryDamaged) -> None:
    """The same damage is met again when an item is converted again."""


def is_same(target: Path, repository: Repository, item: ChosenItem) -> bool:
    """Whether a file has the bytes that are stored. Nothing is read from the repository but its index."""
    if _size(target) != item.node.size:
        return False
    return holds_exactly(target, item.node.content, repository.known_index.index())


def holds_exactly(target: Path, content: t.Iterable[BlobId], index: BlobIndex) -> bool:
    """Whether a file consists of these pieces and of nothing else, by their hashes."""
    with _reading(target), target.open("rb") as stream:
        for blob in content:
            place = index.find(BlobKind.DATA, blob)
            if place is None or blob_id(stream.read(plain_size(place.blob))) != blob:
                return False
        return not stream.read(1)


def _is_same_as(target: Path, content: t.Iterable[bytes]) -> bool:
    """Whether a file has exactly this content."""
    wanted, size = hashlib.sha256(), 0
    for chunk in content:
        wanted.update(chunk)
        size += len(chunk)
    return _digest(target, size) == wanted.digest()


def _digest(target: Path, size: int) -> bytes | None:
    """None where no file of this size is."""
    if _size(target) != size:
        return None
    digest = hashlib.sha256()
    with _reading(target), target.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.digest()


def _size(target: Path) -> int | None:
    """None where no such file is."""
    with _reading(target):
        try:
            return target.stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None


@contextlib.contextmanager
def _reading(target: Path) -> t.Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupError(f"Reading {target} failed: {error.strerror}.", hint="Correct the permissions.") from error
