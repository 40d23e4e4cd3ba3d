# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sends a notice on every way that is set up, so that one that is broken does not keep the other from telling.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime

from .._errors import BackupError, InputError
from .._text import listed_names
from .mailing import MailServer, send_mail
from .webhook import Webhook, post_notice

if t.TYPE_CHECKING:
    from .notices import Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailing:
    """Who gets mail from whom through which server."""

    server: MailServer
    sender: str
    recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """None for a way that is not set up."""

    mail: Mailing | None
    webhook: Webhook | None

    @property
    def is_empty(self) -> bool:
        return self.mail is None and self.webhook is None

    @property
    def names(self) -> list[str]:
        return [name for name, way in (("mail", self.mail), ("webhook", self.webhook)) if way is not None]

    def sentence(self, notice: Notice, *, is_check: bool) -> str:
        """What was sent where."""
        if self.is_empty:
            return f"Nobody was told, because neither mail_to nor a webhook is given: {notice.subject}"
        places = [f"by mail to {listed_names(self.mail.recipients)}"] if self.mail is not None else []
        places += [f"to the webhook at {self.webhook.host}"] if self.webhook is not None else []
        return f"{'Would be sent' if is_check else 'Sent'} {' and '.join(places)}: {notice.subject}"


def check_ways(ways: Ways) -> t.Iterator[str]:
    """Warnings about what is set up, without using it. Raises InputError for what cannot work."""
    if ways.mail is not None:
        if not ways.mail.sender:
            raise InputError("Mail needs a sender.", hint="Give mail_from, or set M365_NOTIFY_MAIL_FROM in the environment.")
        ways.mail.server.check()
    host = None if ways.webhook is None else ways.webhook.host
    if ways.webhook is not None and ways.webhook.is_readable_by_others:
        yield f"The webhook at {host} is reached without TLS: others can read the notice, and may learn how to post there."


def send_notice(ways: Ways, notice: Notice, *, now: datetime, sleep: t.Callable[[float], None]) -> list[str]:
    """Warnings. Raises the error of the first way that failed, after all were tried."""
    warnings: list[str] = []
    errors: list[BackupError] = []
    if ways.mail is not None:
        try:
            refused = send_mail(ways.mail.server, ways.mail.sender, ways.mail.recipients, notice, now)
            if refused:
                warnings.append(f"The mail server {ways.mail.server.address} took no mail for {listed_names(refused)}.")
        except BackupError as error:
            errors.append(error)
    if ways.webhook is not None:
        try:
            post_notice(ways.webhook, notice, sleep)
        except BackupError as error:
            errors.append(error)
    if len(errors) > 1:
        raise BackupError(" ".join(error.what for error in errors), hint=" ".join(error.hint for error in errors)) from errors[0]
    if errors:
        raise errors[0]
    return warnings
