# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A restore drill: a sample of the latest restore point is really restored, compared with its records, and removed again.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import random
import tempfile
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from .._errors import BackupError, InputError
from ..backup.catalogue import Catalogue, Record
from ..backup.layout import MAIL, META, is_shard, safe_name
from ..backup.mail_record import received
from ..backup.members import MemberState, group_of, read_members
from ..repository.blob_index import BlobIndex
from ..repository.blobs import blob_id, plain_size
from ..repository.errors import RepositoryDamaged
from ..repository.trees import find_node, walk
from ..repository.types import BlobId, BlobKind, NodeKind, Snapshot
from .choice import LATEST, MailChoice, MailItem, choose_mail, choose_snapshot
from .to_files import file_path, write_file

if t.TYPE_CHECKING:
    from ..repository.repository import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillTask:
    """How many C(members), and C(messages) of each. C(seed) decides which. C(folder) is where the sample lies for a moment.

    In check mode nothing is written: what would be restored is read and compared in memory.
    """

    plan_name: str
    members: int
    messages: int
    seed: int
    folder: Path | None
    wants_repair: bool
    lock_timeout: float
    is_check: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """A message that was restored and compared. C(problem) is empty when it is what its record says."""

    folder: str
    subject: str
    received: str
    size: int
    problem: str = ""


@dataclass(slots=True, kw_only=True)
class MemberDrill:
    """C(messages) is how many the restore point holds. C(problems) concern the mailbox as a whole."""

    member: MemberState
    messages: int = 0
    sampled: list[Sampled] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """C(population) is how many members with mail there were to choose from."""

    snapshot: Snapshot
    seed: int
    population: int
    members: tuple[MemberDrill, ...]

    @property
    def is_passed(self) -> bool:
        return not any(member.problems or any(one.problem for one in member.sampled) for member in self.members)


def run_drill(repository: Repository, task: DrillTask) -> Drill:
    """Restore a sample and compare it. Damage becomes a problem of what it concerns; everything else is raised as BackupError.

    The plaintext lies in a folder of its own, mode 0700, and is removed whatever happens.
    """
    _refuse_nonsense(task)
    with contextlib.ExitStack() as stack:
        if not task.is_check:
            stack.enter_context(repository.reading(lock_timeout=task.lock_timeout))
        snapshot = choose_snapshot(repository, task.plan_name, LATEST, _refuse)
        chance = random.Random(task.seed)
        group = group_of(repository, snapshot)
        members = {} if group is None or group.subtree is None else read_members(repository, group.subtree)
        candidates = [member for _id, member in sorted(members.items()) if MAIL in member.sources]
        chosen = chance.sample(candidates, min(task.members, len(candidates)))
        root = None if task.is_check else Path(stack.enter_context(_temporary_folder(task.folder)))
        drills = tuple(_drill_member(repository, snapshot, member, task.messages, chance, root) for member in chosen)
        drill = Drill(snapshot=snapshot, seed=task.seed, population=len(candidates), members=drills)
        if drill.is_passed and not any(member.sampled for member in drills):
            raise InputError(
                f"The drill proved nothing: the mailboxes of its sample hold no message in the restore point {snapshot.id[:8]}.",
                hint="Raise drill_members, or choose another drill_seed.",
            )
        return drill


def _refuse(warning: str) -> t.NoReturn:
    """A drill on another restore point than the newest would prove too little."""
    raise BackupError(f"The drill was not done. {warning}", hint="Verify the repository at the level structure, and let it be repaired.")


def _refuse_nonsense(task: DrillTask) -> None:
    if task.wants_repair:
        raise InputError("A drill repairs nothing.", hint="Use repair with another level, such as data.")
    if task.members < 1 or task.messages < 1:
        raise InputError("A drill needs at least one member and one message.", hint="Correct drill_members and drill_messages.")


def _temporary_folder(folder: Path | None) -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(prefix="m365_backup_drill-", dir=folder)
    except OSError as error:
        raise InputError(
            f"The drill cannot make a folder in {folder or tempfile.gettempdir()}: {error.strerror}.",
            hint="Choose another drill_path; it has to exist, and the sample has to fit into it.",
        ) from error


def _drill_member(
    repository: Repository, snapshot: Snapshot, member: MemberState, messages: int, chance: random.Random, root: Path | None
) -> MemberDrill:
    drill = MemberDrill(member=member)
    try:
        choice = choose_mail(repository, snapshot, member.id, None)
        drill.problems.extend(f"{damage.obj} {damage.problem}" for damage in choice.damage)
        records = _sample(repository, choice, messages, chance, drill)
        _count(repository, choice, drill)
    except BackupError as error:
        drill.problems.append(error.what)
        return drill
    for record in records:
        drill.sampled.append(_drill_message(repository, choice, record, root))
    return drill


def _sample(repository: Repository, choice: MailChoice, wanted: int, chance: random.Random, drill: MemberDrill) -> list[Record]:
    """Some of the messages, each with the same chance, in one pass over the catalogue; and how many there are."""
    sample: list[Record] = []
    for record in Catalogue(repository, choice.state.tree, choice.state.facts.lines).live():
        if record["folder"] not in choice.folders:
            continue
        drill.messages += 1
        if len(sample) < wanted:
            sample.append(record)
        elif (place := chance.randrange(drill.messages)) < wanted:
            sample[place] = record
    return sample


def _count(repository: Repository, choice: MailChoice, drill: MemberDrill) -> None:
    """What the catalogue names, what the source says of itself, and what lies in the directories is the same number."""
    files = 0
    if choice.state.tree is not None:
        for path, node in walk(repository, choice.state.tree):
            files += node.kind is NodeKind.FILE and path[0] != META and any(is_shard(name) for name in path)
    if choice.state.facts.leaving:
        # An interrupted run was about to take messages out: the numbers meet again when it has gone on.
        return
    if drill.messages != choice.state.facts.items:
        drill.problems.append(f"the catalogue names {drill.messages:,} messages instead of {choice.state.facts.items:,}")
    if drill.messages != files:
        drill.problems.append(f"the directories hold {files:,} messages, and the catalogue names {drill.messages:,}")


def _drill_message(repository: Repository, choice: MailChoice, record: Record, root: Path | None) -> Sampled:
    folder = choice.folders[record["folder"]]
    names = choice.folder_names[folder.number]
    problem, size = "", 0
    try:
        node = None if choice.state.tree is None else find_node(repository, choice.state.tree, (*folder.path, *record["file"].split("/")))
        if node is None:
            problem = "the restore point has no content for it"
        else:
            size = node.size
            problem = _compare(repository, MailItem(record, names, node), choice, root)
    except RepositoryDamaged as error:
        problem = f"{error.obj} {error.problem}"
    return Sampled(
        folder="/".join(names),
        subject=str(record.get("subject") or ""),
        received=received(record).strftime("%Y-%m-%d %H:%M:%S UTC"),
        size=size,
        problem=problem,
    )


def _compare(repository: Repository, item: MailItem, choice: MailChoice, root: Path | None) -> str:
    """Restore a message and say what is wrong with it; empty when nothing is."""
    if root is None:
        size = sum(len(piece) for piece in repository.read_file(item.node))
    else:
        top = root / safe_name(choice.member.principal_name)
        write_file(repository, item, top, is_check=False)
        target = top / file_path(item)
        size = target.stat().st_size
        if not holds_exactly(target, item.node.content, repository.known_index.index()):
            return "the restored file differs from what was backed up"
    recorded = item.record.get("size")
    return "" if size == recorded else f"{size:,} bytes were restored instead of {recorded:,}"


def holds_exactly(target: Path, content: t.Iterable[BlobId], index: BlobIndex) -> bool:
    """Whether a file consists of these pieces and of nothing else, by their hashes."""
    with target.open("rb") as stream:
        for blob in content:
            place = index.find(BlobKind.DATA, blob)
            if place is None or blob_id(stream.read(plain_size(place.blob))) != blob:
                return False
        return not stream.read(1)
