# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The malware scan of the contents that a run reads: each content once, whatever item it belongs to.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import typing as t
from datetime import datetime

from .._text import count_text
from ..scan.held_content import MEMORY, HeldContent
from ..scan.scanner import ScannerDown
from ..scan.verdict import Engine, Verdict, VerdictKind
from ..scan.verdicts import too_large
from .content_key import ContentKey, content_key
from .contents import About, Flag
from .results import Finding, FindingKind
from .scan_marks import UNSCANNED, unscanned_mark
from .scan_results import Flagged, ScanTally, SourceScanned
from .scan_views import ScanAs, judge, was_too_large
from .unscanned import Unscanned

if t.TYPE_CHECKING:
    from ..plan.selection import Member
    from ..repository.types import SavedFile
    from ..scan.scanner import Content, Scanner
    from .verdict_log import VerdictLog


#: So many contents that do not stay in memory lie in the temporary folder at a time, each as large as the plan's limit at most.
_LARGE_AT_ONCE = 8


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ScanRules:
    """C(keeps_unscanned): what cannot be scanned because the engine does not answer is stored all the same."""

    plan: str
    size_limit: int
    keeps_unscanned: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Said:
    """C(verdict) is None when nobody can say, for the reason in C(trouble). C(is_new): the engine was asked."""

    verdict: Verdict | None
    is_new: bool = False
    trouble: str = ""

    @property
    def kind(self) -> VerdictKind | None:
        return None if self.verdict is None else self.verdict.kind


class ContentScan:
    """One engine and what is known of contents, for all sources that a process reads. Thread-safe."""

    def __init__(self, scanner: Scanner, log: VerdictLog, rules: ScanRules, now: t.Callable[[], datetime]) -> None:
        self.log = log
        self.rules = rules
        self.now = now
        self._scanner = scanner
        self.places_for_large = threading.BoundedSemaphore(_LARGE_AT_ONCE)
        self._changed = threading.Condition()
        self._under_way: set[ContentKey] = set()

    @property
    def engine(self) -> Engine:
        return self._scanner.engine

    def of(self, member: Member, source: str) -> SourceScan:
        return SourceScan(self, member, source)

    def said(self, key: ContentKey, content: Content, how: ScanAs, *, is_new: bool = False) -> Said:
        """What there is to say of a stored content; C(is_new): the repository did not have it before, so nobody knows it.

        Raises ScannerDown when nobody can say, and the plan does not want it stored then.
        """
        self._claim(key)
        try:
            each = () if is_new else self.log.find_each([key]).get(key, ())
            known = each[0] if each else None
            if any(self._still_holds(verdict, content.size) for verdict in each):
                return Said(known)
            try:
                verdict = self._judge(content, how)
            except ScannerDown as error:
                if not self.rules.keeps_unscanned:
                    raise
                # An older verdict is better than none.
                return Said(known, trouble="" if known is not None else str(error))
            self.log.add(key, verdict)
            return Said(verdict if known is None or not _stands_against(known, verdict) else known, is_new=True)
        finally:
            self._release(key)

    def _judge(self, content: Content, how: ScanAs) -> Verdict:
        if isinstance(content, HeldContent) and content.is_too_large:
            return too_large(content.size, self.rules.size_limit, self.engine, self.now())
        return judge(self._scanner, content, how, size_limit=self.rules.size_limit, now=self.now)

    def _still_holds(self, verdict: Verdict, size: int) -> bool:
        engine = self.engine
        is_same = (verdict.engine, verdict.database) == (engine.name, engine.database)
        return is_same and not (was_too_large(verdict) and size <= self.rules.size_limit)

    def _claim(self, key: ContentKey) -> None:
        """Wait while another thread has the same content scanned."""
        with self._changed:
            while key in self._under_way:
                self._changed.wait()
            self._under_way.add(key)

    def _release(self, key: ContentKey) -> None:
        with self._changed:
            self._under_way.discard(key)
            self._changed.notify_all()


def _stands_against(before: Verdict, verdict: Verdict) -> bool:
    """What one engine found is not undone by another, which looks for other things."""
    return before.kind is VerdictKind.INFECTED and verdict.kind is not VerdictKind.INFECTED and before.engine != verdict.engine


class SourceScan:
    """What the scan has found in one source of a member so far. Thread-safe."""

    def __init__(self, scan: ContentScan, member: Member, source: str) -> None:
        self._scan = scan
        self._member = member
        self._source = source
        self._tally = ScanTally()

    @contextlib.contextmanager
    def held(self, size: int) -> t.Iterator[HeldContent]:
        """Where a content of about so many bytes is kept until it has its verdict. Waits while there is no room for large ones."""
        limit = self._scan.rules.size_limit
        is_large = MEMORY < size <= limit
        with self._scan.places_for_large if is_large else contextlib.nullcontext(), contextlib.closing(HeldContent(limit)) as held:
            yield held

    def flag_of(self, saved: SavedFile, content: Content, how: ScanAs, part: str) -> Flag | None:
        """Have a stored content scanned, unless it has a verdict. None for a clean one. Raises as L(ContentScan.said)."""
        said = self._scan.said(content_key(saved.content), content, how, is_new=saved.is_new)
        self._tally.count(said.kind, saved.size, is_new=said.is_new, trouble=said.trouble)
        if said.verdict is not None and said.verdict.is_clean:
            return None
        mark = unscanned_mark(said.trouble, self._scan.now()) if said.verdict is None else said.verdict.as_dict()
        return Flag(mark, saved.content, saved.size, how, part)

    def report(self, about: About, flag: Flag) -> None:
        """An item with this content comes into the tree."""
        flagged = Flagged(
            member=self._member.principal_name, source=self._source, folder=about.folder, name=about.name, part=flag.part, mark=flag.mark
        )
        self._tally.flag(flagged)
        if flagged.verdict == UNSCANNED:
            self._scan.log.add_unscanned(
                Unscanned(
                    blobs=flag.blobs,
                    size=flag.size,
                    plan=self._scan.rules.plan,
                    member=self._member.id,
                    source=self._source,
                    name=f"{about.name}, {flag.part}" if flag.part else about.name,
                    folder=about.folder,
                    how=flag.how.value,
                    time=flag.mark["time"],
                    reason=flag.mark["reason"],
                )
            )

    def findings(self, title: str) -> tuple[Finding, ...]:
        """One for everything that was not scanned: who reads it mends the engine, and the next run scans the rest."""
        scanned = self.so_far()
        if not scanned.counts.unscanned:
            return ()
        reason = (
            f"{count_text(scanned.counts.unscanned, 'content')} of the {title} were stored without a malware scan,"
            f" and will be scanned by the next run. {scanned.trouble}"
        )
        return (Finding(kind=FindingKind.FAILED, object=title, reason=reason, code=UNSCANNED),)

    def so_far(self) -> SourceScanned:
        return self._tally.so_far()
