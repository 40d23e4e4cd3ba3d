# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the repository asks of a place that keeps files. Files are written once and never changed."""

from __future__ import annotations

import dataclasses
import enum
import typing as t


class FileKind(enum.Enum):
    """The kinds of files. The value is restic's name of their folder (of the file itself for C(CONFIG))."""

    CONFIG = "config"
    KEY = "keys"
    DATA = "data"
    INDEX = "index"
    SNAPSHOT = "snapshots"
    LOCK = "locks"


CONFIG_NAME = "config"
QUARANTINE = "quarantine"


@dataclasses.dataclass(frozen=True, slots=True)
class StoredFile:
    name: str
    size: int


class Storage(t.Protocol):
    """Every method raises StorageError when the place refuses, and ObjectMissing when a named file is not there."""

    @property
    def location(self) -> str:
        """Where this is, for messages; without credentials."""

    @property
    def lists_at_once(self) -> bool:
        """Whether a file is in everybody's L(list) as soon as its L(put) has returned. False where that is not certain."""

    def prepare(self) -> None:
        """Make the place ready for a new repository. Nothing else creates its root."""

    def put(self, kind: FileKind, name: str, data: bytes | memoryview) -> None:
        """Store a whole file. It is durable and complete when this returns, and absent or complete after any crash.

        A config is never replaced: raises ObjectExists. (A storage that cannot be that strict lets two simultaneous
        creations of a repository spoil each other, and nothing else.)
        """

    def get(self, kind: FileKind, name: str) -> bytes: ...

    def get_range(self, kind: FileKind, name: str, offset: int, length: int) -> bytes:
        """At most C(length) bytes from C(offset); fewer where the file ends."""

    def list(self, kind: FileKind) -> t.Iterator[StoredFile]:
        """Every complete file of a kind, in no order."""

    def delete(self, kind: FileKind, name: str) -> None:
        """Of a file that is not there it raises ObjectMissing, or passes: an object store cannot tell the two apart."""

    def stat(self, kind: FileKind, name: str) -> StoredFile | None: ...

    def quarantine(self, kind: FileKind, name: str) -> str:
        """Move a file out of the repository's sight, and keep it. Durable; says where it lies. Nothing there is ever replaced."""

    def remove_leftovers(self) -> int:
        """Remove what interrupted writes left behind; how many. Only while nobody writes."""
