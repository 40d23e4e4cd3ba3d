# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong with a OneDrive in particular, as classes that callers can act on.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from .errors import AccessDenied, Conflict, GraphError, RequestRefused


class DriveMissing(GraphError):
    """The user has no OneDrive that an app can reach: it was never opened, or is gone. ``availability`` is a word for results."""

    availability = "no_drive"


class NoSharePointLicence(DriveMissing):
    """The whole tenant has no SharePoint, so nobody in it has a OneDrive."""

    availability = "no_sharepoint_licence"


class DriveLocked(GraphError):
    """The site of the drive is locked as a whole, by an administrator or by Microsoft."""


class FileLocked(GraphError):
    """Somebody has this one item open, or has checked it out, in a way that keeps everybody else from it."""


class MalwareBlocked(GraphError):
    """The service takes the file for malware and refuses it."""


class AddressExpired(GraphError):
    """The pre-authenticated address of a file is not good any more: ask for another one."""


class RangeRefused(GraphError):
    """The bytes that a request names are not those that the service has, or expects next."""


class ContentChanged(Conflict):
    """The item is not the one any more that the request was about."""


class NameTaken(Conflict):
    """There is another item of that name, or an upload session that is open reserves it."""


class NameHeld(NameTaken):
    """No item has the name: an upload session reserves it of which we know nothing."""


class UploadLost(GraphError):
    """The upload session vanished again and again."""


class NameRefused(RequestRefused):
    """The service takes no item of that name, or at a path of that length."""


class RetentionHeld(AccessDenied):
    """A retention label keeps the item as it is."""


class RecipientsRefused(RequestRefused):
    """The service knows nobody of that name, or nobody with whom the item may be shared."""


class SharingDisabled(RequestRefused):
    """An administrator does not let people share this."""
