# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the bytes of a file come from: memory, disk, or a generator that needs neither. All can be read from any place."""

from __future__ import annotations

import hashlib
import os
import tempfile
import typing as t
import weakref
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from .drive_hash import QuickXor

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CHUNK = 256 * 1024
_KEPT_IN_MEMORY = 16 * 1024
_AES_BLOCK = 16


class Content:
    """Bytes that do not change. Subclasses say how many there are, and read a range."""

    __slots__ = ("__weakref__", "_quick_xor", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self._quick_xor: bytes | None = None

    def read(self, start: int, end: int) -> bytes:
        """The bytes from C(start) up to C(end), both within the size."""
        raise NotImplementedError

    def chunks(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        end = self.size if end is None else end
        while start < end:
            following = min(end, start + CHUNK)
            yield self.read(start, following)
            start = following

    def quick_xor(self) -> bytes:
        """The hash, made once."""
        if self._quick_xor is None:
            state = QuickXor()
            for chunk in self.chunks():
                state.update(chunk)
            self._quick_xor = state.digest()
        return self._quick_xor

    def sha256(self) -> str:
        state = hashlib.sha256()
        for chunk in self.chunks():
            state.update(chunk)
        return state.hexdigest()


class MemoryContent(Content):
    """Bytes in memory."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        super().__init__(len(data))
        self._data = data

    def read(self, start: int, end: int) -> bytes:
        return self._data[start:end]


class FileContent(Content):
    """A file on disk, which nobody changes."""

    __slots__ = ("_path",)

    def __init__(self, path: str, size: int) -> None:
        super().__init__(size)
        self._path = path

    def read(self, start: int, end: int) -> bytes:
        with open(self._path, "rb") as file:
            file.seek(start)
            return file.read(end - start)


class GeneratedContent(Content):
    """The keystream of a seed: incompressible, unlike any other seed's, at any place at once."""

    __slots__ = ("_seed",)

    def __init__(self, seed: int, size: int) -> None:
        super().__init__(size)
        self._seed = seed

    def read(self, start: int, end: int) -> bytes:
        key = hashlib.sha256(b"%d" % self._seed).digest()[:16]
        first = start // _AES_BLOCK
        stream = Cipher(algorithms.AES(key), modes.CTR(first.to_bytes(16, "big"))).encryptor()
        skipped = start - first * _AES_BLOCK
        return stream.update(bytes(skipped + end - start))[skipped:]


class SplicedContent(Content):
    """Ranges of other contents, one after the other: an edit of a large file that stores the edit alone."""

    __slots__ = ("_pieces",)

    def __init__(self, pieces: Sequence[tuple[Content, int, int]]) -> None:
        super().__init__(sum(end - start for _content, start, end in pieces))
        self._pieces = tuple(pieces)

    def read(self, start: int, end: int) -> bytes:
        parts: list[bytes] = []
        at = 0
        for content, first, last in self._pieces:
            low, high = max(start, at), min(end, at + last - first)
            if low < high:
                parts.append(content.read(first + low - at, first + high - at))
            at += last - first
        return b"".join(parts)


class Spool:
    """Keeps what is put into it: small contents in memory, others in a folder that goes with the spool."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def keep(self, data: bytes) -> Content:
        if len(data) <= _KEPT_IN_MEMORY:
            return MemoryContent(bytes(data))
        growing = self.open()
        growing.append(data)
        return growing.finish()

    def open(self) -> Growing:
        """A content that comes in pieces."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="tenant-drives-")
        handle, name = tempfile.mkstemp(dir=self._folder.name)
        os.close(handle)
        return Growing(Path(name))


class Growing:
    """What has come of a content so far. Ends with C(finish) or C(drop)."""

    __slots__ = ("_path", "size")

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = 0

    def append(self, data: bytes) -> None:
        with self._path.open("ab") as file:
            file.write(data)
        self.size += len(data)

    def finish(self) -> Content:
        """The content; its file goes when nobody holds it any more."""
        content = FileContent(str(self._path), self.size)
        weakref.finalize(content, _remove, str(self._path))
        return content

    def drop(self) -> None:
        _remove(str(self._path))


def _remove(path: str) -> None:
    Path(path).unlink(missing_ok=True)
