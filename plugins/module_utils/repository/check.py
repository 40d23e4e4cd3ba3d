# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Examines a whole repository, and reports instead of stopping. Reads only."""

from __future__ import annotations

import collections
import concurrent.futures
import dataclasses
import itertools
import typing as t

from .advance import UNHEARD, Advance
from .blob_index import BlobIndex
from .blobs import PackContent
from .check_files import STORAGE_NEXT_STEP, SmallFiles
from .check_trees import BlobKey, ExaminingReader, TreeFacts, walk_trees
from .findings import Finding, Severity
from .object_files import object_name
from .pack_reading import ReadPack, read_packs
from .packs import pack_size
from .reading import blob_name
from .repository import Repository
from .storage import FileKind
from .types import BlobId, BlobKind, PackId, Snapshot, TreeId

__all__ = ("ALL_DATA", "STRUCTURE", "Examination", "Finding", "Scope", "Severity", "check", "examine")

_LOST = (
    "Restore the file from a copy of the storage if there is one. Otherwise repair the repository and run its plans: what the "
    "mailboxes still hold is fetched and stored again, which heals all restore points that need it."
)
_REINDEX = "Repair the repository: the index is made again from the packs."
_PRUNE = "Nothing has to be done: the next prune puts it in order."
_DEFECT = "Restore it from an older restore point. Please report this: whatever wrote it has a defect."
#: More of the same kind become one finding.
_NAMED = 10


class Scope(t.NamedTuple):
    """Which packs are read in full: the C(part)-th of C(parts), counted from 1, as restic's C(--read-data-subset) does."""

    part: int
    parts: int

    def takes(self, pack: PackId) -> bool:
        return self.parts > 0 and int(pack[:2], 16) % self.parts == self.part - 1


STRUCTURE = Scope(0, 0)
ALL_DATA = Scope(1, 1)


@dataclasses.dataclass(slots=True)
class Examination:
    """What was found.

    ``lost`` are the blobs that cannot be read from any place in the index, with the number of the finding that says why; not
    all of them need be in a snapshot. ``wrong_files`` are files in trees that open and are wrong. ``damaged`` are small
    files that are not what they should be, ``reports`` the packs that were found wanting. ``missing_packs`` and
    ``unindexed`` compare the index with the storage.
    """

    reader: ExaminingReader
    snapshots: list[Snapshot]
    packs: dict[PackId, int]
    trees: int = 0
    packs_read: int = 0
    bytes_read: int = 0
    findings: list[Finding] = dataclasses.field(default_factory=list)
    damaged: list[tuple[FileKind, str]] = dataclasses.field(default_factory=list)
    reports: dict[PackId, ReadPack] = dataclasses.field(default_factory=dict)
    missing_packs: set[PackId] = dataclasses.field(default_factory=set)
    unindexed: list[PackId] = dataclasses.field(default_factory=list)
    lost: dict[BlobKey, int] = dataclasses.field(default_factory=dict)
    wrong_files: dict[tuple[TreeId, str], int] = dataclasses.field(default_factory=dict)

    @property
    def index(self) -> BlobIndex:
        return self.reader.index

    @property
    def is_sound(self) -> bool:
        return all(finding.severity is Severity.WARNING for finding in self.findings)


def check(repository: Repository, read_data: bool = False) -> list[Finding]:
    """The findings alone: of the structure, or of all data too."""
    return examine(repository, ALL_DATA if read_data else STRUCTURE).findings


def examine(repository: Repository, scope: Scope, advance: Advance = UNHEARD) -> Examination:
    """Keys, locks, snapshots and index files can be read; every pack is there in its size; every tree can be read and finds
    what it needs. Packs of ``scope``, and all that look suspicious, are read in full and compared with their name, their
    header and the index, and every blob in them is opened.

    Memory is some packs, and what is damaged. Whoever expects a prune beside it holds a lock. Raises StorageError when the
    storage cannot be listed.
    """
    advance.phase("reading the index")
    return _Examiner(repository, advance).run(scope)


class _Examiner:
    def __init__(self, repository: Repository, advance: Advance) -> None:
        self._advance = advance
        files = repository.files
        small = SmallFiles(repository)
        small.check_keys()
        small.check_locks()
        snapshots = small.snapshots()
        self._reader = ExaminingReader(files.storage, files.key, small.index())
        self._index = self._reader.index
        packs = {PackId(stored.name): stored.size for stored in files.storage.list(FileKind.DATA)}
        self._files = files
        self._result = Examination(self._reader, snapshots, packs, findings=small.findings, damaged=small.damaged)
        #: The places of each blob that are known to be bad: pack, offset, number of the finding.
        self._bad: dict[BlobKey, list[tuple[PackId, int, int]]] = {}

    def run(self, scope: Scope) -> Examination:
        suspects = self._compare_with_listing()
        with concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="verify-trees") as pool:
            walking = pool.submit(walk_trees, self._reader, self._result.snapshots)
            if suspects or scope.parts:
                self._read_packs(lambda pack: pack in suspects or scope.takes(pack))
            self._advance.phase("reading directories")
            trees = walking.result()
        others = {pack for pack in trees.suspects - suspects if not scope.takes(pack)}
        if others:
            self._read_packs(others.__contains__)
        self._settle_lost_blobs()
        self._settle_trees(trees)
        return self._result

    def _add(self, obj: str, problem: str, next_step: str, severity: Severity = Severity.ERROR) -> int:
        """The number of the new finding."""
        self._result.findings.append(Finding(obj, problem, severity, next_step))
        return len(self._result.findings) - 1

    def _compare_with_listing(self) -> set[PackId]:
        """Packs that need a closer look."""
        packs, suspects, indexed = self._result.packs, set[PackId](), set[PackId]()
        for pack in self._index.packs():
            indexed.add(pack.id)
            size = packs.get(pack.id)
            if size is None:
                number = self._add(
                    object_name(FileKind.DATA, pack.id), f"is missing; the index places {len(pack.blobs):,} blobs in it", _LOST
                )
                self._result.missing_packs.add(pack.id)
                self._mark_bad(pack, number)
            elif size != pack_size(pack.blobs) or not _is_gapless(pack):
                suspects.add(pack.id)
        self._result.unindexed = sorted(packs.keys() - indexed)
        self._report_untidiness()
        return suspects

    def _report_untidiness(self) -> None:
        unindexed = self._result.unindexed
        problem = "named by no index: an interrupted run left {}, or one that is still running"
        if len(unindexed) > _NAMED:
            self._add(f"{len(unindexed):,} packs", f"are {problem.format('them')}", _PRUNE, Severity.WARNING)
            unindexed = []
        for pack in unindexed:
            self._add(object_name(FileKind.DATA, pack), f"is {problem.format('it')}", _PRUNE, Severity.WARNING)
        times = collections.Counter(entry.pack for entry in self._index.entries())
        for pack in sorted(pack for pack, count in times.items() if count > 1):
            self._add(object_name(FileKind.DATA, pack), f"is named {times[pack]} times in the index", _PRUNE, Severity.WARNING)

    def _read_packs(self, is_wanted: t.Callable[[PackId], bool]) -> None:
        packs = self._result.packs
        sizes = [packs[pack.id] for pack in self._index.packs() if pack.id in packs and is_wanted(pack.id)]
        self._advance.phase("reading data", unit="packs", total=len(sizes), bytes_total=sum(sizes))
        wanted = ((pack, packs[pack.id]) for pack in self._index.packs() if pack.id in packs and is_wanted(pack.id))
        for read in read_packs(self._files.storage, self._files.key, wanted):
            self._result.packs_read += 1
            self._result.bytes_read += read.size
            self._advance.add(1, packs[read.pack.id])
            problems = list(read.report.problems)
            expected = pack_size(read.pack.blobs)
            if read.size != expected and read.report.is_readable and _is_gapless(read.pack):
                problems.insert(0, f"has {read.size:,} bytes instead of {expected:,}")
            if problems:
                self._report_pack(read, problems)

    def _report_pack(self, read: ReadPack, problems: t.Sequence[str]) -> None:
        self._result.reports[read.pack.id] = read
        next_step = _REINDEX if read.report.is_sound else _LOST
        if not read.report.is_readable:
            next_step = STORAGE_NEXT_STEP
        number = self._add(object_name(FileKind.DATA, read.pack.id), "; it ".join(problems), next_step)
        self._mark_bad(PackContent(read.pack.id, tuple(bad.blob for bad in read.report.bad)), number)

    def _mark_bad(self, pack: PackContent, number: int) -> None:
        for blob in pack.blobs:
            self._bad.setdefault((blob.kind, blob.id), []).append((pack.id, blob.offset, number))

    def _settle_lost_blobs(self) -> None:
        for key, places in self._bad.items():
            known = {(pack, offset) for pack, offset, _number in places}
            if all((place.pack, place.blob.offset) in known for place in self._index.places(*key)):
                self._result.lost[key] = places[0][2]

    def _settle_trees(self, trees: TreeFacts) -> None:
        result = self._result
        result.trees = trees.trees
        for tree, damage in trees.unread.items():
            if (BlobKind.TREE, BlobId(tree)) not in result.lost:
                result.lost[BlobKind.TREE, BlobId(tree)] = self._add(damage.obj, damage.problem, _LOST)
        for tree, problem in trees.senseless.items():
            result.lost[BlobKind.TREE, BlobId(tree)] = self._add(blob_name(BlobKind.TREE, tree), problem, _DEFECT)
        for (tree, name), (size, content) in trees.sizes.items():
            problem = f"gives the file {name} {size:,} bytes, and its content has {content:,}"
            result.wrong_files[tree, name] = self._add(blob_name(BlobKind.TREE, tree), problem, _DEFECT)
        self._settle_missing(trees.missing)

    def _settle_missing(self, missing: t.Mapping[BlobKey, str]) -> None:
        next_step = _REINDEX if self._result.unindexed else _LOST
        confused = {key for key in missing if self._index.find(_other(key[0]), key[1]) is not None}
        unknown = missing.keys() - confused
        if len(unknown) > _NAMED:
            (kind, blob), needed_by = next(item for item in missing.items() if item[0] in unknown)
            problem = f"are in no index, and snapshots need them, such as {blob_name(kind, blob)}, which {needed_by} needs"
            number = self._add(f"{len(unknown):,} blobs", problem, next_step)
            self._result.lost.update(dict.fromkeys(unknown, number))
            unknown = set()
        for key in (key for key in missing if key in confused or key in unknown):
            where = f"is in no index as a {_WORDS[key[0]]}" if key in confused else "is in no index"
            self._result.lost[key] = self._add(
                blob_name(*key), f"{where}, and {missing[key]} needs it", _DEFECT if key in confused else next_step
            )


_WORDS = {BlobKind.DATA: "piece of a file", BlobKind.TREE: "directory"}


def _other(kind: BlobKind) -> BlobKind:
    return BlobKind.DATA if kind is BlobKind.TREE else BlobKind.TREE


def _is_gapless(pack: PackContent) -> bool:
    """Whether the blobs lie one behind the other, as in every pack; where index files disagree, they do not."""
    ends = itertools.accumulate(blob.length for blob in pack.blobs)
    return all(blob.offset + blob.length == end for blob, end in zip(pack.blobs, ends, strict=True))
