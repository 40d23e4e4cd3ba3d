# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a verdict store has said of contents, without a repository."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.content_key import ContentKey
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.infected_items import Sifter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.verdict import Verdict, VerdictKind

NOON = "2026-05-17T12:00:00Z"


def verdict(kind: VerdictKind, *, time: str = NOON, **more: t.Any) -> Verdict:
    names = ("Win.Test.Local",) if kind is VerdictKind.INFECTED else ()
    return Verdict(**{"kind": kind, "names": names, "engine": "clamav", "database": "1.4.6/1", "time": time, **more})


@dataclass(frozen=True)
class Said:
    """C(others) are verdicts of other engines that count less. C(looked) is how often somebody asked for single contents."""

    verdicts: dict[ContentKey, Verdict] = field(default_factory=dict)
    others: tuple[Verdict, ...] = ()
    looked: list[int] = field(default_factory=list)

    @property
    def has_flagged(self) -> bool:
        return any(not one.is_clean for one in self.verdicts.values())

    def find_each(self, keys: t.Collection[ContentKey]) -> dict[ContentKey, tuple[Verdict, ...]]:
        self.looked.append(len(keys))
        return {key: (self.verdicts[key], *self.others) for key in keys if key in self.verdicts}

    def flagged(self) -> t.Iterator[tuple[ContentKey, Verdict]]:
        yield from ((key, one) for key, one in self.verdicts.items() if not one.is_clean)


def nothing_said() -> Sifter:
    """The sifter of a repository that was never scanned."""
    return Sifter(Said(), includes_infected=False)
