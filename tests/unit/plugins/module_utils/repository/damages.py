# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a disk, a cable or a hand does to a file; and what of a repository can be restored afterwards."""

from __future__ import annotations

import contextlib
import random
import typing as t

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import RepositoryDamaged
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Path, TreeId

FLIPS = 12
Damage = t.Callable[[bytes], t.Union[bytes, None]]


def flip(share: float) -> Damage:
    """Change one bit, so far from the start."""

    def damage(data: bytes) -> bytes:
        position = min(int(share * len(data)), len(data) - 1)
        return data[:position] + bytes((data[position] ^ (1 << position % 8),)) + data[position + 1 :]

    return damage


DAMAGES: dict[str, Damage] = {
    **{f"flipped at {number}/{FLIPS}": flip(number / FLIPS) for number in range(FLIPS + 1)},
    "truncated to half": lambda data: data[: len(data) // 2],
    "truncated by a byte": lambda data: data[:-1],
    "emptied": lambda _data: b"",
    "zeroed": lambda data: bytes(len(data)),
    "zeroed at the end": lambda data: data[: len(data) // 2] + bytes(len(data) - len(data) // 2),
    "lengthened": lambda data: data + bytes(64),
    "another": lambda data: random.Random(len(data)).randbytes(len(data)),
    "deleted": lambda _data: None,
}


def restorable(repository: Repository) -> dict[Path, bytes]:
    """Every file of every snapshot that restores. Nothing but damage may keep one from it."""
    files: dict[Path, bytes] = {}

    def gather(tree: TreeId, prefix: Path) -> None:
        with contextlib.suppress(RepositoryDamaged):
            for node in repository.read_tree(tree):
                path = (*prefix, node.name)
                with contextlib.suppress(RepositoryDamaged):
                    if node.subtree is not None:
                        gather(node.subtree, path)
                    else:
                        files[path] = b"".join(repository.read_file(node))

    for snapshot in repository.snapshots(on_damage=lambda _error: None):
        gather(snapshot.tree, ())
    return files
