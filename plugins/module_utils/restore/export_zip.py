# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore items into one zip file, straight from the repository.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import hashlib
import itertools
import typing as t
from pathlib import Path

from .._errors import BackupError
from ..repository.errors import RepositoryDamaged
from .choice import ChosenItem
from .durable_files import DurableFiles
from .export_archive import readable_chunks, readable_path
from .export_content import OnDamage, contents, is_converted
from .export_names import file_path, modified_of
from .results import Restored
from .to_files import Written
from .zip_stream import ZipStream

if t.TYPE_CHECKING:
    from ..repository.repository import Repository

# Of everything that makes a zip of the same items different: how they are converted and named.
_FORM = b"1"
_SIGNATURE = b"m365_backup restore "
_INCOMPLETE = "0" * 64
_COMMENT_SIZE = len(_SIGNATURE) + 64 + 1 + 64
_END_SIZE = 22 + _COMMENT_SIZE


class ZipFolder(t.NamedTuple):
    """A folder that the zip has an entry for: its source, its path below that, and its time in seconds since the epoch."""

    source: str
    path: Path
    modified: float

    @property
    def name(self) -> str:
        return "/".join((self.source, *self.path.parts))


def fingerprint(items: t.Iterable[ChosenItem], folders: t.Iterable[ZipFolder] = ()) -> str:
    """What stands for a set of items and folders with their names, times and contents, in whatever order they come."""
    total = sum(_number("folder", folder.name, repr(folder.modified)) for folder in folders)
    for item in items:
        parts = [blob for part in item.parts for blob in part.node.content]
        total += _number(item.source, str(file_path(item)), repr(modified_of(item)), *item.node.content, *parts)
    return hashlib.sha256(_FORM + total.to_bytes(64, "big")).hexdigest()


def _number(*words: str) -> int:
    return int.from_bytes(hashlib.sha256("\0".join(words).encode("utf-8", "surrogatepass")).digest(), "big")


def write_zip(
    repository: Repository,
    mark: str,
    items: t.Iterable[ChosenItem],
    target: Path,
    on_damage: OnDamage,
    *,
    folders: t.Sequence[ZipFolder] = (),
    on_new_folder: t.Callable[[ZipFolder], None] = lambda _folder: None,
    password: str | None = None,
    is_check: bool,
) -> t.Iterator[Written]:
    """Write them into the zip file C(target), which appears when it is complete and on the disk; no zip for no item and no folder.

    A zip of the same items that is there and whole is left alone; C(mark) is their L(fingerprint). What is damaged is told
    of, not raised, and the zip is made anew the next time. C(password) encrypts contents, but not names.
    """
    if _holds(target, mark):
        for item in items:
            yield item, Restored.UNCHANGED, item.node.size
        return
    for folder in folders:
        on_new_folder(folder)
    if is_check:
        yield from _foreseen(repository, items, on_damage)
    else:
        yield from _written(repository, mark, items, folders, target, on_damage, password)


def _foreseen(repository: Repository, items: t.Iterable[ChosenItem], on_damage: OnDamage) -> t.Iterator[Written]:
    for item in items:
        if not is_converted(item.source):
            yield item, Restored.WRITTEN, item.node.size
            continue
        for one, content in contents(repository, (item,), on_damage):
            yield one, Restored.WRITTEN, sum(len(chunk) for chunk in content)


def _written(
    repository: Repository,
    mark: str,
    items: t.Iterable[ChosenItem],
    folders: t.Sequence[ZipFolder],
    target: Path,
    on_damage: OnDamage,
    password: str | None,
) -> t.Iterator[Written]:
    items = iter(items)
    first = next(items, None)
    if first is None and not folders:
        return
    is_whole = True

    def report(item: ChosenItem, damage: RepositoryDamaged) -> None:
        nonlocal is_whole
        is_whole = False
        on_damage(item, damage)

    with DurableFiles(target.parent) as files, files.opened(target) as stream:
        archive = ZipStream(stream, target.parent, password=password)
        for folder in folders:
            archive.add_folder(folder.name, folder.modified)
        for item, content in contents(repository, items if first is None else itertools.chain((first,), items), report):
            try:
                size = archive.add(_entry_name(item, file_path(item)), modified_of(item), item.node.size, content)
                readable = readable_path(item, file_path(item))
                if readable is not None:
                    archive.add(_entry_name(item, readable), modified_of(item), item.node.size, readable_chunks(repository, item))
            except RepositoryDamaged as damage:
                report(item, damage)
            else:
                yield item, Restored.WRITTEN, size
        archive.close(lambda digest: _SIGNATURE + f"{mark if is_whole else _INCOMPLETE} {digest}".encode("ascii"))


def _entry_name(item: ChosenItem, path: Path) -> str:
    return "/".join((item.source, *path.parts))


def _holds(target: Path, mark: str) -> bool:
    """Whether the zip is ours, of these items, and has not a byte changed."""
    try:
        size = target.stat().st_size
        with target.open("rb") as stream:
            stream.seek(max(0, size - _END_SIZE))
            words = stream.read()[22:].removeprefix(_SIGNATURE).decode("ascii", "replace").split(" ")
            if len(words) != 2 or words[0] != mark:
                return False
            stream.seek(0)
            digest, left = hashlib.sha256(), size - _END_SIZE
            while chunk := stream.read(min(left, 1 << 20)):
                digest.update(chunk)
                left -= len(chunk)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise BackupError(f"Reading {target} failed: {error.strerror}.", hint="Correct the permissions.") from error
    return words[1] == digest.hexdigest()
