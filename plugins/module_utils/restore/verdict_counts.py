# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many items of each member the malware scan has found infected, and how many it has never looked at.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import typing as t

from .._errors import BackupError
from ..backup.item_state import ItemState, load_facts
from ..backup.item_verdicts import ScanState
from ..backup.layout import SETTINGS
from ..backup.members import source_tree
from ..backup.temporary_databases import temporary_databases
from .catalogue_history import histories
from .found_verdicts import FoundVerdicts
from .infected_items import stored_verdicts

if t.TYPE_CHECKING:
    from ..backup.coverage import PlanCoverage
    from ..backup.listed_snapshots import SnapshotLister
    from ..repository.repository import Repository
    from ..repository.types import TreeId

Counts = dict[tuple[str, str], dict[str, int]]


def count_verdicts(repository: Repository, cover: PlanCoverage, listed: SnapshotLister, warn: t.Callable[[str], None]) -> Counts:
    """{(object id, source): {verdict: items}} of the newest restore point of a plan, of members and former ones.

    A file with an infected earlier version counts as infected. Settings are not scanned, and not counted. Reads the catalogue of each
    source, and where anything was ever scanned its directories; memory does not grow with them. Raises StorageError.
    """
    counts: Counts = {}
    if cover.point is None:
        return counts
    with stored_verdicts(repository, listed, warn) as store, temporary_databases():
        verdicts = FoundVerdicts(repository, store)
        for member in cover.point.members.values():
            for name in member.sources:
                if name == SETTINGS:
                    continue
                try:
                    tree = source_tree(repository, cover.point.group, member.directory, name)
                    counts[member.id, name] = _count(repository, verdicts, name, tree)
                except BackupError as error:
                    warn(f"What the malware scan says of the {name} of {member.principal_name} cannot be counted. {error}")
    return counts


def _count(repository: Repository, verdicts: FoundVerdicts, source: str, tree: TreeId | None) -> dict[str, int]:
    found: collections.Counter[ScanState] = collections.Counter()
    if tree is not None:
        (history,) = histories(repository, [ItemState(tree, load_facts(repository, tree), {}, {})])
        records = (record for record, _first, _end in history.versions())
        for _record, said in verdicts.of_records(source, tree, records):
            found[ScanState.INFECTED if said.matches(ScanState.INFECTED) else said.verdict.state] += 1
    return {state.value: found[state] for state in ScanState}
