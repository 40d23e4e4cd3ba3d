# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One restore: from a chosen snapshot and member to files or into a mailbox.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from .._errors import BackupError
from .._text import count_text
from ..backup.layout import safe_name
from ..backup.results import finding_of
from ..graph.errors import (
    AmbiguousOutcome,
    BadAnswer,
    Conflict,
    GraphError,
    ItemUnreadable,
    RequestRefused,
    ServiceUnavailable,
    TooLarge,
)
from ..graph.ids import UserId
from ..repository.errors import RepositoryDamaged
from .choice import MailChoice, MailItem, mail_items, state_warnings
from .results import Restored, RestoreResult
from .to_files import check_target, write_files
from .to_mailbox import MailboxWriter

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..repository.repository import Repository

_AT_ONCE = 4
#: When nothing at all could be created, it is not the messages.
_HOPELESS_AFTER = 20
_ONE_ITEM = (
    AmbiguousOutcome,
    BadAnswer,
    Conflict,
    ItemUnreadable,
    RepositoryDamaged,
    RequestRefused,
    ServiceUnavailable,
    TooLarge,
)


def restore_to_files(repository: Repository, choice: MailChoice, target: Path, *, is_check: bool = False) -> RestoreResult:
    """Write the chosen messages as .eml files below C(target)/<user>. What is there with the same bytes is left alone."""
    check_target(target)
    root = target / safe_name(choice.member.principal_name)
    result = _result(choice, str(root))
    for item, outcome in write_files(repository, mail_items(repository, choice, result.findings), root, is_check=is_check):
        if isinstance(outcome, RepositoryDamaged):
            result.findings.append(finding_of(outcome, _name(item)))
        else:
            result.add(item.folder, item.node.size, outcome)
    return result


def restore_to_mailbox(
    repository: Repository, choice: MailChoice, client: GraphClient, user: UserId, top: str, *, is_check: bool = False
) -> RestoreResult:
    """Create the chosen messages in a mailbox, in their folders below the folder C(top).

    A message that the service refuses becomes a finding; an error that concerns the whole mailbox ends the restore.
    """
    result = _result(choice, top)
    items = mail_items(repository, choice, result.findings)
    if is_check:
        for item in items:
            result.add(item.folder, item.node.size, Restored.WRITTEN)
        return result
    writer = MailboxWriter(client, user, top)
    for item, written in _ahead(lambda one: writer.write(repository, one), items):
        _settle(item, written, result)
    return result


def _ahead(work: t.Callable[[MailItem], None], items: t.Iterator[MailItem]) -> t.Iterator[tuple[MailItem, Future[None]]]:
    """Do the work for some items at a time, as many as the service takes from one mailbox; results in the items' order."""
    waiting: deque[tuple[MailItem, Future[None]]] = deque()
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="restore") as pool:
        try:
            for item in items:
                waiting.append((item, pool.submit(work, item)))
                if len(waiting) >= 2 * _AT_ONCE:
                    yield waiting.popleft()
            while waiting:
                yield waiting.popleft()
        finally:
            for _item, future in waiting:
                future.cancel()


def _settle(item: MailItem, written: Future[None], result: RestoreResult) -> None:
    try:
        written.result()
    except _ONE_ITEM as error:
        result.findings.append(finding_of(error, _name(item)))
        if result.restored == 0 and len(result.findings) >= _HOPELESS_AFTER:
            raise _stopped(result, error) from error
    except GraphError as error:
        raise _stopped(result, error) from error
    else:
        result.add(item.folder, item.node.size, Restored.WRITTEN)


def _stopped(result: RestoreResult, error: BackupError) -> BackupError:
    return BackupError(
        f"The restore stopped after {count_text(result.restored, 'message')}. {error.what}", hint=error.hint, facts=error.facts
    )


def _name(item: MailItem) -> str:
    return f"message {item.record.get('subject') or item.record['id']}"


def _result(choice: MailChoice, target: str) -> RestoreResult:
    return RestoreResult(
        snapshot_id=choice.snapshot.id,
        snapshot_time=choice.snapshot.time.isoformat(timespec="seconds"),
        member=choice.member.principal_name,
        target=target,
        warnings=state_warnings(choice),
    )
