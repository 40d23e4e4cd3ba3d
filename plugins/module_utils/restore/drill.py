# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A restore drill: a sample of the latest restore point is really restored, compared with its records, and removed again.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import collections
import contextlib
import random
import tempfile
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from .._errors import BackupError, InputError
from .._text import count_text
from ..backup.catalogue import Catalogue, Record
from ..backup.item_filter import item_span
from ..backup.item_state import Folder
from ..backup.item_verdicts import NOT_SCANNED
from ..backup.layout import FOLDER_FILE, META, ONEDRIVE, is_parts, safe_name, shortened
from ..backup.listed_snapshots import ListedSnapshots
from ..backup.members import MemberState, group_of, read_members
from ..backup.source_words import SOURCES, item_word
from ..report.progress import Meter, silent_meter
from ..repository.errors import RepositoryDamaged
from ..repository.trees import find_node, walk
from ..repository.types import Node, NodeKind, Snapshot
from ..repository.types import Path as StoredPath
from .choice import Choice, ChosenItem, Part, choose, true_path
from .drive_files import parts_facts
from .durable_files import DurableFiles
from .export_content import content_of, is_converted
from .export_names import file_path
from .infected_items import Sifter, sifting
from .snapshot_choice import LATEST, choose_snapshot
from .to_files import holds_exactly

if t.TYPE_CHECKING:
    from ..repository.repository import Repository

_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillTask:
    """How many C(members), and how many C(items) of each of their sources. C(seed) decides which.

    C(folder) is where the sample lies for a moment. In check mode nothing is written: what would be restored is read and
    compared in memory.
    """

    plan_name: str
    members: int
    items: int
    seed: int
    folder: Path | None
    wants_repair: bool
    lock_timeout: float
    is_check: bool
    meter: Meter = field(default_factory=silent_meter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """An item that was restored and compared. C(problem) is empty when it is what its record says. C(verdict) is what the malware
    scan has said of it."""

    source: str
    folder: str
    subject: str
    received: str
    size: int
    verdict: str
    problem: str = ""


@dataclass(slots=True, kw_only=True)
class MemberDrill:
    """C(items) is how many the restore point holds, by source. C(problems) concern sources as a whole: (source, problem)."""

    member: MemberState
    items: dict[str, int] = field(default_factory=dict)
    sampled: list[Sampled] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """C(population) is how many members with a backup there were to choose from."""

    snapshot: Snapshot
    seed: int
    population: int
    members: tuple[MemberDrill, ...]

    @property
    def is_passed(self) -> bool:
        return not any(member.problems or any(one.problem for one in member.sampled) for member in self.members)


def run_drill(repository: Repository, task: DrillTask) -> Drill:
    """Restore a sample and compare it. Damage becomes a problem of what it concerns; everything else is raised as BackupError.

    The plaintext lies in a folder of its own, mode 0700, and is removed whatever happens. What is infected is compared in memory.
    """
    _refuse_nonsense(task)
    with contextlib.ExitStack() as stack:
        if not task.is_check:
            stack.enter_context(repository.reading(lock_timeout=task.lock_timeout))
        snapshots = ListedSnapshots(repository)
        snapshot = choose_snapshot(snapshots, task.plan_name, LATEST, _refuse)
        # Verdicts that cannot be read are no matter of a restore, and verifying the structure names them.
        sifter = stack.enter_context(sifting(repository, snapshots, lambda _warning: None, includes_infected=False))
        chance = random.Random(task.seed)
        group = group_of(repository, snapshot)
        members = {} if group is None or group.subtree is None else read_members(repository, group.subtree)
        candidates = [member for _id, member in sorted(members.items()) if member.sources]
        chosen = chance.sample(candidates, min(task.members, len(candidates)))
        root = None if task.is_check else Path(stack.enter_context(_temporary_folder(task.folder)))
        task.meter.phase("restoring a sample", members_total=len(chosen))
        drills = tuple(_drill_member(repository, snapshot, member, task, chance, root, sifter) for member in chosen)
        drill = Drill(snapshot=snapshot, seed=task.seed, population=len(candidates), members=drills)
        if drill.is_passed and not any(member.sampled for member in drills):
            raise InputError(
                f"The drill proved nothing: the members of its sample have no item in the restore point {snapshot.id[:8]}.",
                hint="Raise drill_members, or choose another drill_seed.",
            )
        return drill


def _refuse(warning: str) -> t.NoReturn:
    """A drill on another restore point than the newest would prove too little."""
    raise BackupError(f"The drill was not done. {warning}", hint="Verify the repository at the level structure, and let it be repaired.")


def _refuse_nonsense(task: DrillTask) -> None:
    if task.wants_repair:
        raise InputError("A drill repairs nothing.", hint="Use repair with another level, such as data.")
    if task.members < 1 or task.items < 1:
        raise InputError("A drill needs at least one member and one item.", hint="Correct drill_members and drill_items.")


def _temporary_folder(folder: Path | None) -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(prefix="m365_backup_drill-", dir=folder)
    except OSError as error:
        raise InputError(
            f"The drill cannot make a folder in {folder or tempfile.gettempdir()}: {error.strerror}.",
            hint="Choose another drill_path; it has to exist, and the sample has to fit into it.",
        ) from error


def _drill_member(
    repository: Repository,
    snapshot: Snapshot,
    member: MemberState,
    task: DrillTask,
    chance: random.Random,
    root: Path | None,
    sifter: Sifter,
) -> MemberDrill:
    drill = MemberDrill(member=member)
    for source in SOURCES:
        if source not in member.sources:
            continue
        try:
            choice = choose(repository, snapshot, member.id, source, None)
            drill.problems.extend((source, f"{damage.obj} {damage.problem}") for damage in choice.damage)
            records = _sample(repository, choice, task.items, chance, drill)
            _count(repository, choice, drill)
        except BackupError as error:
            # What was never read to a restorable state, or does not exist for the member, is told of by runs.
            if isinstance(error, InputError) and member.sources[source].last_success is None:
                continue
            drill.problems.append((source, error.what))
            continue
        for record in records:
            drill.sampled.append(_drill_item(repository, choice, record, root, sifter))
            task.meter.add(1, drill.sampled[-1].size)
    task.meter.member_done()
    return drill


def _sample(repository: Repository, choice: Choice, wanted: int, chance: random.Random, drill: MemberDrill) -> list[Record]:
    """Some of the items, each with the same chance, in one pass over the catalogue; and how many there are."""
    sample: list[Record] = []
    seen = 0
    for record in Catalogue(repository, choice.state.tree, choice.state.facts.lines).live():
        if record["folder"] not in choice.folders:
            continue
        seen += 1
        if len(sample) < wanted:
            sample.append(record)
        elif (place := chance.randrange(seen)) < wanted:
            sample[place] = record
    drill.items[choice.source] = seen
    return sample


def _count(repository: Repository, choice: Choice, drill: MemberDrill) -> None:
    """What the catalogue names, what the source says of itself, and what lies in the directories is the same number."""
    files = folders = 0
    if choice.state.tree is not None:
        for path, node in walk(repository, choice.state.tree):
            if choice.source == ONEDRIVE:
                # Whatever lies outside our own directory has the name that people gave it.
                files += node.kind is NodeKind.FILE and path[0] != META
                folders += node.subtree is not None and path[0] != META
                continue
            is_part = any(is_parts(name) for name in path[:-1])
            files += node.kind is NodeKind.FILE and path[0] != META and path[-1] != FOLDER_FILE and not is_part
    if choice.state.facts.leaving:
        # An interrupted run was about to take items out: the numbers meet again when it has gone on.
        return
    known, word = drill.items[choice.source], item_word(choice.source)
    if known != choice.state.facts.items:
        drill.problems.append((choice.source, f"the catalogue names {count_text(known, word)} instead of {choice.state.facts.items:,}"))
    if known != files:
        drill.problems.append((choice.source, f"the directories hold {count_text(files, word)}, and the catalogue names {known:,}"))
    named = sum(1 for folder in choice.folders.values() if folder.path)
    if choice.source == ONEDRIVE and named != folders:
        drill.problems.append((choice.source, f"there are {count_text(folders, 'folder')}, and the catalogue names {named:,}"))


def _drill_item(repository: Repository, choice: Choice, record: Record, root: Path | None, sifter: Sifter) -> Sampled:
    folder = choice.folders[record["folder"]]
    names = true_path(folder, choice.state.folders)
    problem, size, verdict = "", 0, NOT_SCANNED
    try:
        node = _node(repository, choice, (*folder.path, *record["file"].split("/")))
        if node is None:
            problem = "the restore point has no content for it"
        else:
            parts = tuple(_parts(repository, choice, folder, record))
            size = node.size + sum(part.node.size for part in parts)
            item = ChosenItem(choice.source, record, names, node, parts, (*folder.path, record["file"]))
            verdict, is_harmful = sifter.verdict(item), sifter.has_infected(item)
            problem = _compare(repository, item, choice, None if is_harmful else root)
    except RepositoryDamaged as error:
        problem = f"{error.obj} {error.problem}"
    span = item_span(record)
    return Sampled(
        source=choice.source,
        folder="/".join(names),
        subject=str(record.get("subject") or ""),
        received="" if span is None else span[0].strftime("%Y-%m-%d %H:%M:%S UTC"),
        size=size,
        verdict=verdict.state.value,
        problem=problem,
    )


def _parts(repository: Repository, choice: Choice, folder: Folder, record: Record) -> t.Iterator[Part]:
    """What belongs to an item: beside it, or apart from it."""
    if choice.source == ONEDRIVE:
        found = ((facts, _node(repository, choice, tuple(str(facts["file"]).split("/")))) for facts in parts_facts(record))
    else:
        found = ((facts, _node(repository, choice, (*folder.path, *facts["file"].split("/")))) for facts in record.get("parts", ()))
    yield from (Part(facts, node) for facts, node in found if node is not None)


def _node(repository: Repository, choice: Choice, path: StoredPath) -> Node | None:
    return None if choice.state.tree is None else find_node(repository, choice.state.tree, path)


def _compare(repository: Repository, item: ChosenItem, choice: Choice, root: Path | None) -> str:
    """Restore an item with what belongs to it, and say what is wrong with it; empty when nothing is."""
    size = 0
    place = file_path(item)
    for number, node in enumerate((item.node, *(part.node for part in item.parts))):
        if root is None:
            size += sum(len(piece) for piece in repository.read_file(node))
            continue
        top = root / safe_name(choice.member.principal_name) / choice.source
        target = top / place.parent / shortened(f"{number} {place.name}", _LONGEST_NAME, _LONGEST_NAME)
        with DurableFiles(top) as files:
            size += files.put(target, repository.read_file(node))
        if not holds_exactly(target, node.content, repository.known_index.index()):
            return "the restored file differs from what was backed up"
    if is_converted(item.source):
        collections.deque(content_of(repository, item, _refuse_damage), maxlen=0)
    if item.source == ONEDRIVE:
        # Its versions have sizes of their own.
        size = item.node.size
    recorded = item.record.get("size", size)
    return "" if size == recorded else f"{size:,} bytes were restored instead of {recorded:,}"


def _refuse_damage(_item: ChosenItem, damage: RepositoryDamaged) -> t.NoReturn:
    raise damage
