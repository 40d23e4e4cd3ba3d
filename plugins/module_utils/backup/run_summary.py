# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run did, as the snapshot says that it has left.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .results import Counts

if t.TYPE_CHECKING:
    from .results import MemberResult
    from .scan_results import Flagged

_MOST_FLAGGED = 1000


def run_summary(run_id: str, outcome: str, results: t.Sequence[MemberResult], flagged: t.Sequence[Flagged]) -> dict[str, t.Any]:
    """What the run did, for whoever opens the snapshot: totals, and the members that changed or had findings."""
    total = sum((source.counts for result in results for source in result.sources), Counts())
    return {
        "run_id": run_id,
        "outcome": outcome,
        "counts": total.as_dict(),
        "members": {
            result.principal_name: {source.source: source.as_dict() for source in result.sources}
            for result in results
            if any(source.is_changed or source.findings for source in result.sources)
        },
        **({"flagged": [one.as_dict() for one in flagged[:_MOST_FLAGGED]]} if flagged else {}),
    }
