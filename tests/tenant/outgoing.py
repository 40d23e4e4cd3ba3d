# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What would leave the tenant: mails that the service sends by itself. Nothing is sent; everything is counted (facts 9.5, 14.58)."""

from __future__ import annotations

import dataclasses
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable

KINDS = ("invitation", "notification", "cancellation", "read_receipt", "sharing_mail")


@dataclasses.dataclass(frozen=True, slots=True)
class Sent:
    """One mail: why, from which mailbox (object id), to whom, about what."""

    kind: str
    mailbox: str
    to: str
    subject: str


class Outgoing:
    """Every mail that the service would have sent."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []

    def add(self, kind: str, mailbox: str, to: Iterable[str], subject: str) -> None:
        self.sent.extend(Sent(kind, mailbox, address, subject) for address in to)

    def clear(self) -> None:
        self.sent.clear()

    def counts(self) -> dict[str, int]:
        """C(invitations_sent), C(notifications_sent) and so on, and their sum as C(mails_sent)."""
        counts = {f"{kind}s_sent": sum(mail.kind == kind for mail in self.sent) for kind in KINDS}
        return {**counts, "mails_sent": len(self.sent)}
