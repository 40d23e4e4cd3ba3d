# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verdicts that need no engine to look.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from datetime import datetime, timezone

from .verdict import Engine, Verdict, VerdictKind

_MIB = 1 << 20


def unscannable(reason: str, engine: Engine, now: datetime) -> Verdict:
    return Verdict(kind=VerdictKind.UNSCANNABLE, reason=reason, engine=engine.name, database=engine.database, time=time_text(now))


def too_large(size: int, limit: int, engine: Engine, now: datetime) -> Verdict:
    """For C(size) bytes where C(limit) is what the plan allows."""
    return unscannable(f"larger than the limit of {_mebibytes(limit)} ({_mebibytes(size)})", engine, now)


def time_text(time: datetime) -> str:
    """ISO, UTC, whole seconds."""
    return time.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _mebibytes(size: int) -> str:
    return f"{size // _MIB:,} MiB" if size % _MIB == 0 else f"{size / _MIB:,.1f} MiB"
