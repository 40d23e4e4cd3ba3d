# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One restore into a mailbox: the chosen sources of one member, one after the other.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._errors import BackupError, InputError
from .._text import count_text
from ..backup.layout import ARCHIVE, CALENDAR, CONTACTS, MAIL, SETTINGS
from ..backup.source_words import item_word
from ..graph.errors import AuthenticationFailed, NetworkUnreachable
from ..graph.exchange_discovery import read_exchange_mailboxes
from ..graph.exchange_import import ImportMailbox
from ..graph.exchange_redirects import ExchangeMailbox
from ..graph.ids import UserId
from ..graph.limits import LimitScope
from ..repository.advance import UNHEARD, Advance
from .archive_writer import ArchiveWriter
from .calendar_writer import CalendarWriter
from .choice import Choice, ChosenItem, chosen_items, state_warnings
from .conflict import Policy
from .contacts_writer import ContactsWriter
from .item_restore import restore_items
from .mail_writer import MailWriter
from .marks import restore_id
from .results import RestoreResult, SourceRestore
from .settings_restore import SettingsRestore

if t.TYPE_CHECKING:
    from ..backup.item_filter import ItemFilter
    from ..graph.client import GraphClient
    from ..repository.repository import Repository
    from .infected_items import Sifter
    from .writer import SourceWriter

_ROOT = "MsgFolderRoot"
#: So that the folders of an archive do not mix with those of the mail in the same new folder.
_ARCHIVE_FOLDER = "Archive mailbox"
#: The sources that are restored when none is named. Settings change what a mailbox does, so they have to be named.
RESTORED_BY_DEFAULT = (MAIL, CALENDAR, CONTACTS, ARCHIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxTarget:
    """C(top) is the name of the folder that receives everything; None for the places that the items came from. C(into_archive):
    archived items go into an archive mailbox again."""

    user: UserId
    principal_name: str
    top: str | None
    policy: Policy
    switch_on: frozenset[str] = frozenset()
    into_archive: bool = False

    def __str__(self) -> str:
        return self.top or f"the original folders of {self.principal_name}"


def restore_to_mailbox(
    repository: Repository,
    choices: t.Sequence[Choice],
    item_filter: ItemFilter,
    client: GraphClient,
    target: MailboxTarget,
    *,
    plan: str,
    now: t.Callable[[], float],
    sifter: Sifter,
    is_check: bool = False,
    advance: Advance = UNHEARD,
) -> RestoreResult:
    """Restore each of C(choices), which are of one member. A source that fails spoils no other one. C(now) gives the seconds
    since the epoch, C(sifter) knows what is infected.

    Raises InputError, AuthenticationFailed and NetworkUnreachable; everything else becomes a finding.
    """
    check_policy(choices, target)
    first = choices[0]
    result = RestoreResult(
        snapshot_id=first.snapshot.id,
        snapshot_time=first.snapshot.time.isoformat(timespec="seconds"),
        member=first.member.principal_name,
        target=str(target),
        advance=advance,
    )
    for choice in choices:
        result.warnings.extend(state_warnings(choice))
        part = result.of(choice.source)
        try:
            restore_source = _Sources(repository, client, target, plan, now).of(choice)
        except (AuthenticationFailed, NetworkUnreachable):
            raise
        except BackupError as error:
            part.stop(error)
            continue
        items = sifter.wanted(chosen_items(repository, choice, item_filter, part.findings), part)
        restore_source(items, part, is_check=is_check)
        if part.bound:
            result.warnings.append(
                f"{count_text(part.bound, item_word(choice.source))} with attendees {'was' if part.bound == 1 else 'were'} left as the"
                " mailbox has them: taking them away would send cancellations."
            )
    return result


def check_policy(choices: t.Sequence[Choice], target: MailboxTarget) -> None:
    """Raises InputError for what could not be started again without doing it twice."""
    if target.top is None and target.policy is not Policy.SKIP and any(choice.source == ARCHIVE for choice in choices):
        raise InputError(
            "Archived items cannot be copied or replaced in their original folders: the service takes them as they are, so a restore"
            " cannot mark what it has put there, and would do it again when it is started again.",
            hint="Use conflict_policy skip, or placement new_folder, or leave archive out of the sources.",
        )


class RestoreSource(t.Protocol):
    """Restores the items of one source."""

    def __call__(self, items: t.Iterable[ChosenItem], result: SourceRestore, *, is_check: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class _Sources:
    repository: Repository
    client: GraphClient
    target: MailboxTarget
    plan: str
    now: t.Callable[[], float]

    def of(self, choice: Choice) -> RestoreSource:
        """How the source of a choice is restored. Raises BackupError where the target has no place for it."""
        target = self.target
        if choice.source == SETTINGS:
            is_own = choice.member.id == target.user
            return SettingsRestore(
                self.repository, self.client, target.user, target.policy, target.switch_on, is_own_mailbox=is_own
            ).restore
        restore = restore_id(self.plan, choice.snapshot.first_id, choice.member.id, choice.source)
        writer = self._archive_writer(restore) if choice.source == ARCHIVE else self._writer(choice)

        def restore_source(items: t.Iterable[ChosenItem], result: SourceRestore, *, is_check: bool) -> None:
            restore_items(writer, items, target.policy, restore, result, is_check=is_check)

        return restore_source

    def _writer(self, choice: Choice) -> SourceWriter:
        kinds: dict[str, t.Callable[..., SourceWriter]] = {CALENDAR: CalendarWriter, CONTACTS: ContactsWriter}
        return kinds.get(choice.source, MailWriter)(self.repository, self.client, self.target.user, choice, self.target.top)

    def _archive_writer(self, restore: str) -> SourceWriter:
        target = self.target
        mailboxes = read_exchange_mailboxes(self.client, target.user)
        mailbox = mailboxes.archive if target.into_archive else mailboxes.primary
        if mailbox is None:
            raise BackupError(
                f"{target.principal_name} has no {'archive mailbox' if target.into_archive else 'mailbox that takes archived items'}.",
                hint="Restore into the ordinary mailbox with archive_target=primary." if target.into_archive else "Restore into files.",
            )
        # An archive has limits of its own; the ordinary mailbox shares them with everything else that goes there.
        limits = LimitScope.mailbox(mailbox if target.into_archive else target.user)
        top = () if target.top is None else (target.top,) if target.into_archive else (target.top, _ARCHIVE_FOLDER)
        return ArchiveWriter(
            self.repository,
            ImportMailbox(ExchangeMailbox(self.client, mailbox), limits, self.now),
            restore,
            top,
            None if target.into_archive else _ROOT,
            is_new=target.top is not None,
        )
