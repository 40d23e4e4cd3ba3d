# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong between us and Microsoft Graph, as classes that callers can act on.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from .._errors import BackupError


class GraphError(BackupError):
    """A request to Microsoft Graph, or the login for it, did not give what was asked for.

    ``status`` is the HTTP status, None without an answer; ``code`` is the service's own code; ``path`` never holds a query.
    """

    def __init__(
        self,
        what: str,
        *,
        hint: str = "",
        status: int | None = None,
        code: str = "",
        request_id: str = "",
        method: str = "",
        path: str = "",
    ) -> None:
        known = {"status": status, "code": code, "request_id": request_id, "method": method, "path": path}
        super().__init__(what, hint=hint, facts={name: value for name, value in known.items() if value})
        self.status = status
        self.code = code
        self.request_id = request_id
        self.method = method
        self.path = path


class AuthenticationFailed(GraphError):
    """Microsoft Entra or Graph does not accept who we are."""


class AccessDenied(GraphError):
    """We are known and not allowed. ``permission`` is the application permission that this feature needs."""

    permission: str = ""


class NotFound(GraphError):
    """The user, group, folder or item does not exist, or exists no longer."""


class MailboxUnavailable(GraphError):
    """The user has no mailbox that Graph can read: no licence, on-premises, inactive or soft-deleted."""


class ItemUnreadable(GraphError):
    """The service names the item and can never deliver it."""


class CursorLost(GraphError):
    """The service forgot this cursor: list everything again without one."""


class DeltaUnavailable(GraphError):
    """The mailbox answers no delta queries, for instance because it is over quota. Plain listing still works."""


class StreamBroken(GraphError):
    """The connection broke in the middle of a body. What came before is good."""


class Throttled(GraphError):
    """The service kept asking us to wait until the patience for this operation ended."""


class ServiceUnavailable(GraphError):
    """The service failed, or broke the connection, until the patience for this operation ended."""


class NetworkUnreachable(GraphError):
    """No connection: name resolution, routing, proxy or TLS."""


class LinkRefused(GraphError):
    """The service sent a link that leads to another place than the configured one. It was not followed."""


class BadAnswer(GraphError):
    """The answer was cut off, or is not what the protocol promises, also when asked again."""


class Conflict(GraphError):
    """Something of that name or state is already there."""


class TooLarge(GraphError):
    """The service does not take a request of this size."""


class QuotaExceeded(GraphError):
    """The mailbox or the drive has no room for what should be written."""


class RequestRefused(GraphError):
    """The service refused the request for a reason that has no class of its own."""


class AmbiguousOutcome(GraphError):
    """A write that must not be repeated blindly may or may not have happened: look before doing it again."""


class Cancelled(BackupError):
    """The run was asked to stop."""

    def __init__(self) -> None:
        super().__init__("The run was asked to stop.")


class TemporaryStorageFailed(BackupError):
    """A large body could not be kept in the temporary folder while it was read."""
