# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a restore did, in sentences for an administrator.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from .._text import count_text, size_text
from .results import RestoreResult


def restore_sentence(result: RestoreResult, *, is_check: bool) -> str:
    """A restore without findings."""
    messages = count_text(result.restored, "message")
    done = "would be restored" if is_check else "restored"
    were = "was" if result.unchanged == 1 else "were"
    there = f" {count_text(result.unchanged, 'message')} {were} there already." if result.unchanged else ""
    return f"{messages} ({size_text(result.restored_bytes)}) of {result.member} {done} into {result.target}.{there}"


def failure_sentence(result: RestoreResult) -> str:
    """A restore in which single messages could not be restored."""
    first = result.findings[0]
    return (
        f"{count_text(len(result.findings), 'message')} of {result.member} could not be restored into {result.target}; "
        f"{result.restored:,} {'was' if result.restored == 1 else 'were'} restored. The first one, {first.object}: {first.reason}"
    )
