# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore items as files into a folder of this host, one file an item.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import hashlib
import typing as t
from pathlib import Path

from .._errors import BackupError
from ..repository.errors import RepositoryDamaged
from .choice import ChosenItem
from .durable_files import DurableFiles
from .export_archive import readable_chunks, readable_path
from .export_content import OnDamage, content_of, contents, is_converted
from .export_names import file_path, modified_of
from .results import Restored

if t.TYPE_CHECKING:
    from ..repository.repository import Repository

#: An item, what became of it, and how many bytes it has.
Written = tuple[ChosenItem, Restored, int]


def write_files(
    repository: Repository, items: t.Iterable[ChosenItem], root: Path, on_damage: OnDamage, *, is_check: bool
) -> t.Iterator[Written]:
    """Write each of them below C(root), in the order in which reading them costs least; what is there with the same bytes is left.

    All files are on the disk when the iterator has come to its end. What is damaged is told of, not raised. Raises
    BackupError, StorageError.
    """
    with DurableFiles(root) as files:
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
    settled: list[Written] = []
    missing = _missing(repository, items, root, settled, on_damage, is_check=is_check)
    for item, content in contents(repository, missing, on_damage):
        yield from _drained(settled)
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
    yield from _drained(settled)


def _missing(
    repository: Repository, items: t.Iterable[ChosenItem], root: Path, settled: list[Written], on_damage: OnDamage, *, is_check: bool
) -> t.Iterator[ChosenItem]:
    """What has to be read. Of an item that is restored as it is stored, the file tells by its hash whether it is there."""
    for item in items:
        if is_converted(item.source):
            yield item
            continue
        try:
            if is_same(root / file_path(item), repository, item):
                settled.append((item, Restored.UNCHANGED, item.node.size))
            elif is_check:
                settled.append((item, Restored.WRITTEN, item.node.size))
            else:
                yield item
        except RepositoryDamaged as damage:
            on_damage(item, damage)


def _drained(settled: list[Written]) -> t.Iterator[Written]:
    while settled:
        yield settled.pop()


def _told_before(_item: ChosenItem, _damage: RepositoryDamaged) -> None:
    """The same damage is met again when an item is converted again."""


def is_same(target: Path, repository: Repository, item: ChosenItem) -> bool:
    """Whether a file has the bytes that are stored. Raises RepositoryDamaged for an item of many pieces that cannot be read."""
    there = _digest(target, item.node.size)
    if there is None:
        return False
    if len(item.node.content) == 1:
        return there.hex() == item.node.content[0]
    wanted = hashlib.sha256()
    for chunk in repository.read_file(item.node):
        wanted.update(chunk)
    return there == wanted.digest()


def _is_same_as(target: Path, content: t.Iterable[bytes]) -> bool:
    """Whether a file has exactly this content."""
    wanted, size = hashlib.sha256(), 0
    for chunk in content:
        wanted.update(chunk)
        size += len(chunk)
    return _digest(target, size) == wanted.digest()


def _digest(target: Path, size: int) -> bytes | None:
    """None where no file of this size is."""
    try:
        if target.stat().st_size != size:
            return None
        digest = hashlib.sha256()
        with target.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BackupError(f"Reading {target} failed: {error.strerror}.", hint="Correct the permissions.") from error
    return digest.digest()
