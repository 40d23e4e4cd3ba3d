# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scan what earlier runs of a plan stored without a scan, straight from the repository.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..repository.errors import BlobMissing, RepositoryDamaged
from ..repository.types import Node, NodeKind
from ..scan.scanner import ScannerDown
from .content_scan import Said
from .layout import META_TIME
from .scan_marks import unscanned_mark
from .scan_results import Flagged, ScanTally, SourceScanned
from .scan_views import ScanAs
from .verdict_store import batches

if t.TYPE_CHECKING:
    from ..repository.writer import Writer
    from .content_scan import ContentScan
    from .unscanned import Unscanned

_AT_ONCE = 64
_SAVED_EVERY = timedelta(minutes=5)


def scan_backlog(
    scan: ContentScan,
    writer: Writer,
    names: t.Mapping[str, str],
    *,
    threads: int,
    is_stopping: t.Callable[[], bool] = lambda: False,
) -> SourceScanned:
    """Give verdicts to what the store lists as unscanned; what gets none stays listed. C(names) are those of members by id.

    Saves from time to time, so that a run that is killed has not scanned for nothing. When C(is_stopping) the rest stays
    listed, too. Raises StorageError.
    """
    plan, log = scan.rules.plan, scan.log
    if not log.store.has_unscanned(plan):
        return SourceScanned()
    tally = ScanTally()
    saved = scan.now()
    with ThreadPoolExecutor(threads, thread_name_prefix="scan") as pool:
        for batch in batches(log.store.unscanned(plan), _AT_ONCE):
            if is_stopping():
                return tally.so_far()
            for one, said in zip(batch, pool.map(lambda one: _judge(scan, writer, one), batch), strict=True):
                if said is None:
                    continue
                tally.count(said.kind, one.size, is_new=said.is_new, trouble=said.trouble)
                flagged = _flagged(one, said, names, scan.now())
                if flagged is not None:
                    tally.flag(flagged)
                if said.verdict is None:
                    log.add_unscanned(one)
            if scan.now() - saved >= _SAVED_EVERY:
                log.save(writer, scan.now())
                saved = scan.now()
    log.settle_unscanned()
    return tally.so_far()


def _judge(scan: ContentScan, writer: Writer, one: Unscanned) -> Said | None:
    """None for what is not in the repository any more."""
    try:
        return scan.said(one.key, _StoredContent(writer, one), ScanAs(one.how))
    except BlobMissing:
        return None
    except (RepositoryDamaged, ScannerDown) as error:
        return Said(None, trouble=str(error))


@dataclass(frozen=True, slots=True)
class _StoredContent:
    writer: Writer
    one: Unscanned

    @property
    def size(self) -> int:
        return self.one.size

    def chunks(self) -> t.Iterator[bytes]:
        return self.writer.read_file(Node(self.one.name, NodeKind.FILE, META_TIME, self.one.size, self.one.blobs))


def _flagged(one: Unscanned, said: Said, names: t.Mapping[str, str], now: datetime) -> Flagged | None:
    if said.verdict is not None and said.verdict.is_clean:
        return None
    mark = unscanned_mark(said.trouble, now) if said.verdict is None else said.verdict.as_dict()
    return Flagged(member=names.get(one.member, one.member), source=one.source, folder=one.folder, name=one.name, mark=mark)
