# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One restore into a drive: files with their folders, times, earlier versions and permissions.

Folders come in the order of their paths. A folder is made when the first file goes there, several files go at a time,
and folders get their times when everything is in them. A restore that was killed and is started again is the same
thing from the beginning: what is there is compared, not marked.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import typing as t
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

from .._errors import BackupError
from .._text import count_text
from ..backup.item_filter import ItemFilter
from ..backup.layout import ONEDRIVE
from ..backup.results import finding_of
from ..backup.temporary_databases import temporary_databases
from ..graph.drive import drive_of
from ..graph.drive_errors import FileLocked, MalwareBlocked, RetentionHeld, UploadLost
from ..graph.drive_read import DriveReader
from ..graph.drive_write import DriveWriter
from ..graph.errors import (
    AccessDenied,
    AmbiguousOutcome,
    AuthenticationFailed,
    GraphError,
    NetworkUnreachable,
)
from ..graph.ids import DriveItemId
from ..repository.advance import UNHEARD, Advance
from .choice import Choice, ChosenItem, chosen_items, state_warnings
from .drive_children import Children
from .drive_decide import Deed
from .drive_folders import ChosenFolder, chosen_drive_folders
from .drive_left import Left
from .drive_places import Places
from .drive_plan import DriveTarget, Planner, Task, name_of
from .drive_share import Sharer, Sharing
from .drive_upload import FileUploader, Uploaded, foreseen, upload_cost
from .estimate import Estimate
from .failures import HOPELESS_AFTER, ONE_ITEM
from .results import Restored, RestoreResult, SourceRestore

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..graph.drive import Drive
    from ..repository.repository import Repository
    from ..repository.types import Node
    from .infected_items import Sifter

_AT_ONCE = 8
#: Each large file has a fragment and a piece of the repository in memory.
_LARGE = 16 << 20
_LARGE_AT_ONCE = 3
_SHORTCUT, _NOTEBOOK = "shortcut", "package"
_ONE_FILE = (*ONE_ITEM, AmbiguousOutcome, FileLocked, MalwareBlocked, RetentionHeld, UploadLost)


def restore_to_drive(
    repository: Repository,
    choice: Choice,
    item_filter: ItemFilter,
    client: GraphClient,
    target: DriveTarget,
    *,
    sifter: Sifter,
    is_check: bool = False,
    advance: Advance = UNHEARD,
) -> RestoreResult:
    """Restore the files of C(choice), with the folders that they need; all chosen folders if nothing is filtered. C(sifter) knows
    what is infected.

    Raises AuthenticationFailed and NetworkUnreachable; everything else becomes a finding.
    """
    result = RestoreResult(
        snapshot_id=choice.snapshot.id,
        snapshot_time=choice.snapshot.time.isoformat(timespec="seconds"),
        member=choice.member.principal_name,
        target=str(target),
        warnings=state_warnings(choice),
        advance=advance,
    )
    part = result.of(ONEDRIVE)
    part.estimate = Estimate(budget=client.drive_budget)
    try:
        drive = drive_of(client, target.user)
        reader, writer = DriveReader(client, drive.id), DriveWriter(client, drive.id)
        with temporary_databases(), Children(reader, writer) as children:
            run = _Run(repository, choice, target, drive, reader, writer, children, part, is_check=is_check)
            items = chosen_items(repository, choice, item_filter, part.findings)
            run.files(sifter.wanted(items, part, with_versions=target.versions))
            run.folders(is_whole=item_filter == ItemFilter())
            result.warnings.extend(run.left.warnings())
    except (AuthenticationFailed, NetworkUnreachable):
        raise
    except GraphError as error:
        part.stop(_stopped(part, error))
    return result


class _Run:
    def __init__(
        self,
        repository: Repository,
        choice: Choice,
        target: DriveTarget,
        drive: Drive,
        reader: DriveReader,
        writer: DriveWriter,
        children: Children,
        result: SourceRestore,
        *,
        is_check: bool,
    ) -> None:
        self._repository = repository
        self._choice = choice
        self._target = target
        self._writer = writer
        self._children = children
        self._result = result
        self._is_check = is_check
        self._paths = target.paths(drive)
        root = DriveItemId(str(writer.root()["id"]))
        self._places = Places(writer, children, root, self._paths, target.label, result, make=not is_check)
        self._planner = Planner(target, self._places, children)
        self._uploader = FileUploader(repository, writer, target.policy)
        self._sharer = Sharer(repository, reader, writer, target.user)
        self._large = threading.BoundedSemaphore(_LARGE_AT_ONCE)
        self.left = Left()

    def files(self, items: t.Iterable[ChosenItem]) -> None:
        tasks = self._tasks(items)
        if self._is_check:
            for task in tasks:
                self._predict(task)
            return
        for task, work in self._ahead(tasks):
            try:
                uploaded, sharing = work.result()
            except _ONE_FILE as error:
                self._fail(task.name, error)
            except AccessDenied as error:
                if task.file.decision.deed is not Deed.OVERWRITE:
                    raise
                # The service keeps this one file as it is; we may write all the others.
                self._fail(task.name, error)
            else:
                self._count(task, uploaded)
                self._count_sharing(task.name, sharing)

    def folders(self, *, is_whole: bool) -> None:
        """Those that are still to be made if the choice C(is_whole), and what all of them lack."""
        # The deepest come first in the second pass: whatever is done in a folder changes the time of the one above.
        folders = list(chosen_drive_folders(self._repository, self._choice, self._told))
        for folder in folders:
            with self._one(folder):
                self._folder(folder, is_whole=is_whole)
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="restore") as pool:
            for _depth, level in itertools.groupby(sorted(folders, key=_depth_of, reverse=True), _depth_of):
                self._set_times(pool, list(level))

    def _set_times(self, pool: ThreadPoolExecutor, folders: list[ChosenFolder]) -> None:
        places = [(folder, self._paths.folder(folder.names)) for folder in folders]
        lacking = [(folder, names) for folder, names in places if self._places.lacks_times_of(folder.record, names)]
        self._result.mended += sum(not self._places.is_filled(names) for _folder, names in lacking)
        work = [(folder, pool.submit(self._places.set_times, folder.record, names)) for folder, names in lacking if not self._is_check]
        for folder, done in work:
            with self._one(folder):
                done.result()

    def _tasks(self, items: t.Iterable[ChosenItem]) -> t.Iterator[Task]:
        for item in items:
            if item.record.get("kind") == _SHORTCUT:
                self.left.shortcuts += 1
                continue
            try:
                yield self._planner.task(item)
            except _ONE_FILE as error:
                self._fail(name_of(item), error)

    def _predict(self, task: Task) -> None:
        file, decision = task.file, task.file.decision
        if decision.deed in (Deed.CREATE, Deed.OVERWRITE):
            self._result.estimate += upload_cost(file.contents, decision.first_version)
        self._count(task, foreseen(file))
        if task.permissions is not None and decision.outcome is not Restored.SKIPPED:
            self._share_predicted(DriveItemId(decision.item_id), task.permissions, task.name)

    def _ahead(self, tasks: t.Iterable[Task]) -> t.Iterator[tuple[Task, Future[tuple[Uploaded, Sharing]]]]:
        """Do some at a time; results in their order."""
        waiting: deque[tuple[Task, Future[tuple[Uploaded, Sharing]]]] = deque()
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="restore") as pool:
            try:
                for task in tasks:
                    waiting.append((task, pool.submit(self._act, task)))
                    if len(waiting) >= 2 * _AT_ONCE:
                        yield waiting.popleft()
                while waiting:
                    yield waiting.popleft()
            finally:
                for _task, future in waiting:
                    future.cancel()

    def _act(self, task: Task) -> tuple[Uploaded, Sharing]:
        is_large = task.item.node.size > _LARGE and task.file.decision.deed in (Deed.CREATE, Deed.OVERWRITE)
        with self._large if is_large else contextlib.nullcontext():
            uploaded = self._uploader.carry_out(task.file)
        if task.permissions is None or uploaded.outcome is Restored.SKIPPED:
            return uploaded, Sharing()
        is_new = uploaded.outcome in (Restored.WRITTEN, Restored.COPIED)
        return uploaded, self._sharer.share(uploaded.item_id, task.permissions, is_new=is_new)

    def _folder(self, folder: ChosenFolder, *, is_whole: bool) -> None:
        names = self._paths.folder(folder.names)
        if not is_whole and not self._places.knows(names):
            return
        place = self._places.of(names)
        renaming = self._planner.folder_renaming(folder.names)
        if renaming is not None:
            self._result.rename(*renaming)
        self.left.notebooks += folder.record.get("kind") == _NOTEBOOK
        if folder.permissions is None or not self._target.permissions:
            return
        name = f"folder {'/'.join(folder.names)}"
        if self._is_check or place is None:
            self._share_predicted(DriveItemId("" if place is None else place.id), folder.permissions, name)
        else:
            self._count_sharing(name, self._sharer.share(place.id, folder.permissions, is_new=place.is_new))

    def _share_predicted(self, item_id: DriveItemId, permissions: Node, name: str) -> None:
        sharing = self._sharer.predict(item_id, permissions)
        self._result.estimate += sharing.estimate
        self._count_sharing(name, sharing)

    def _count(self, task: Task, uploaded: Uploaded) -> None:
        item = task.item
        self._result.add(item.folder, item.node.size, uploaded.outcome)
        self._result.mended += uploaded.is_mended
        if uploaded.is_unlike:
            self.left.is_unlike(task.name)
        renaming = self._planner.renaming(task, uploaded)
        if renaming is not None:
            self._result.rename(*renaming)

    def _count_sharing(self, name: str, sharing: Sharing) -> None:
        self.left.links += sharing.links
        self.left.others += sharing.others
        self._result.shared += sharing.given
        for who, error in sharing.refused:
            self._result.findings.append(finding_of(error, f"permission of {who} for {name}"))

    def _fail(self, name: str, error: BackupError) -> None:
        self._result.findings.append(finding_of(error, name))
        if self._result.written == 0 and self._result.failures >= HOPELESS_AFTER and isinstance(error, GraphError):
            raise error

    def _told(self, name: str, error: BackupError) -> None:
        self._result.findings.append(finding_of(error, name))

    @contextlib.contextmanager
    def _one(self, folder: ChosenFolder) -> t.Iterator[None]:
        try:
            yield
        except _ONE_FILE as error:
            self._fail(f"folder {'/'.join(folder.names)}", error)


def _depth_of(folder: ChosenFolder) -> int:
    return len(folder.names)


def _stopped(result: SourceRestore, error: GraphError) -> BackupError:
    return BackupError(f"The restore stopped after {count_text(result.written, 'file')}. {error.what}", hint=error.hint, facts=error.facts)
