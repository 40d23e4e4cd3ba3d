# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which host backs up which member, where several share a plan. Pure.

Rendezvous hashing: every host is drawn for every member, and the highest draw has him. All hosts come to the same answer without
asking one another, a host that is added takes only its share from the others, and one that is taken away leaves only its own.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import dataclass

from .._errors import InputError

_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Share:
    """What C(name) has of the members of a plan that all of C(names) share."""

    name: str
    names: tuple[str, ...]

    def has(self, member_id: str) -> bool:
        """Whether the member of this object id is backed up here."""
        return drawn(member_id, self.names) == self.name


def drawn(member_id: str, names: t.Iterable[str]) -> str:
    """Whose member it is. Raises ValueError without names."""
    return max(names, key=lambda name: (_draw(member_id, name), name))


def share_of(name: str | None, names: t.Sequence[str] | None) -> Share | None:
    """The share that a task declares, None when this host backs up everybody. Raises InputError for what cannot be meant."""
    if name is None and not names:
        return None
    if name is None or not names:
        raise InputError("The options shard and shards are only given together.", hint="shards names all hosts, shard is this one of them.")
    if len(set(names)) != len(names):
        raise InputError(f"A name is twice in shards: {', '.join(names)}.", hint="Give every host a name of its own.")
    for each in names:
        if not each or len(each) > _LONGEST_NAME or "," in each or not each.isprintable():
            raise InputError(f"{each!r} is no name for a shard.", hint="Use the name of the host in the inventory.")
    if name not in names:
        raise InputError(
            f"The shard {name} is not among the shards {', '.join(names)}, so nobody would back up its members.",
            hint="Give all hosts the same list in shards, with this one in it.",
        )
    return Share(name, tuple(sorted(names)))


def _draw(member_id: str, name: str) -> bytes:
    return hashlib.sha256(f"{name}\0{member_id.casefold()}".encode("utf-8", "surrogatepass")).digest()
