# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a recovery key gets out of a task: into a file on the host, or into the result of the task.

The file is on the disk before the repository relies on the key. A file that exists is never overwritten: if it holds a
recovery key, that one is used. So a task that was interrupted in between finds its own key when it is repeated, and one
recovery key can serve several repositories if somebody wants that.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
import stat
import typing as t
from pathlib import Path

from .._errors import InputError
from .recovery_key import canonical_recovery_key, generate_recovery_key

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Handout:
    """Where a generated recovery key goes: into a file, into the result, or (neither) nowhere, and then none is made."""

    file: Path | None = None
    is_returned: bool = False

    @property
    def is_wanted(self) -> bool:
        return self.file is not None or self.is_returned


def read_recovery_file(path: Path) -> str | None:
    """The recovery key in a file; None when there is no file. Raises L(InputError) for a file of something else."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(1 << 10).decode("ascii", "replace")
    except FileNotFoundError:
        if path.is_symlink():
            raise _unusable(
                path, "is a link that leads nowhere", "Is its disk mounted? Or remove the link, or name another file."
            ) from None
        return None
    except OSError as error:
        raise _unusable(path, f"cannot be read: {error.strerror}", "Check its owner and mode, or name another file.") from error
    if stat.S_IMODE(mode) & 0o077:
        raise _unusable(path, "can be read by others than its owner", "Set its mode to 0600, or name a file that does not exist yet.")
    key = canonical_recovery_key(content)
    if key is None:
        hint = "Name a file that does not exist yet; the key is written there. If a person typed the file, a character is mistyped."
        raise _unusable(path, "holds no recovery key", hint)
    return key


def check_recovery_file(path: Path) -> None:
    """Raise L(InputError) when L(store_recovery_key) would be refused, as far as can be told without writing."""
    if read_recovery_file(path) is None and not (path.parent.is_dir() and os.access(path.parent, os.W_OK | os.X_OK)):
        raise _unusable(
            path,
            f"cannot be made: {path.parent} is no folder that this user may write",
            "Make the folder, run the task as another user (become), or choose another place.",
        )


def obtain_recovery_key(handout: Handout, random: t.Callable[[int], bytes]) -> str | None:
    """The recovery key of a new repository, in its file already if it goes into one. Raises L(InputError)."""
    if handout.file:
        return read_recovery_file(handout.file) or store_recovery_key(handout.file, generate_recovery_key(random))
    return generate_recovery_key(random) if handout.is_returned else None


def store_recovery_key(path: Path, key: str) -> str:
    """Write the key into a new file of mode 0600, durably; if a file is there by now, the recovery key in it. The one that counts.

    Raises L(InputError).
    """
    try:
        _write_new(path, f"{key}\n".encode("ascii"))
    except FileExistsError:
        found = read_recovery_file(path)
        if found is None:
            raise _unusable(path, "has just been removed by somebody", "Start the task again.") from None
        return found
    except OSError as error:
        raise _unusable(path, f"cannot be written: {error.strerror}", "Check the folder and its disk, or choose another place.") from error
    return key


def _write_new(path: Path, content: bytes) -> None:
    """Complete or absent after any crash, and never in place of another file: written aside, then linked."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write_synced(temporary, content)
        try:
            os.link(temporary, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without links, such as a memory stick's
            _write_synced(path, content)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _write_synced(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, _NEW_FILE, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _unusable(path: Path, problem: str, hint: str) -> InputError:
    return InputError(f"The file for the recovery key, {path}, {problem}.", hint=hint)
