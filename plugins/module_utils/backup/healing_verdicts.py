# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""After a repair: verdicts of the malware scan without those that are lost.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from datetime import datetime

from .verdict_heads import verdict_heads
from .verdict_log import VerdictLog
from .verdict_store import VerdictStore

if t.TYPE_CHECKING:
    from ..repository.repository import Repository


def leave_lost_verdicts(repository: Repository, *, now: t.Callable[[], datetime], hostname: str, lock_timeout: float = 0.0) -> bool:
    """Save what can be read of all verdicts, if some cannot; the next prune then removes what cannot. Whether that was needed.

    Such contents count as not scanned. Raises RepositoryLocked, StorageError.
    """
    with repository.writing(hostname=hostname, lock_timeout=lock_timeout) as writer:
        heads = verdict_heads(repository.snapshots(on_damage=_pass_over))
        with VerdictLog(VerdictStore(writer, heads, now=now(), warn=_pass_over), "") as log:
            log.store.look_through()
            return log.save(writer, now()) is not None


def _pass_over(damage: object) -> None:
    """The verification has told of it."""
    del damage
