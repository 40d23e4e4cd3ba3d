# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the readers of all sources hand to a run.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..repository.types import TreeId
from .results import Counts, Finding

#: C(availability) of a source whose user never had a mailbox.
NO_MAILBOX = "no_mailbox"
#: C(availability) of a source that Microsoft does not offer in the cloud of the tenant.
NOT_IN_THIS_CLOUD = "not_available_in_this_cloud"
#: C(availability) of a drive whose user has none, or whose tenant has no SharePoint, as graph's DriveMissing says.
NO_DRIVE = "no_drive"
NO_SHAREPOINT_LICENCE = "no_sharepoint_licence"
#: C(availability) of a drive that an administrator has locked.
DRIVE_LOCKED = "drive_locked"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRead:
    """A source that was read to its end.

    C(tree) is the old one's id when nothing has changed, and None when there is no such source to be read. C(availability)
    says why there is none, or what else a member's report should state of it; empty where there is nothing to say.
    """

    tree: TreeId | None
    counts: Counts
    findings: tuple[Finding, ...] = ()
    left_out: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    availability: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePreview:
    """What a run would do now with a source, without having read a body or written anything."""

    is_changed: bool
    counts: Counts
    findings: tuple[Finding, ...] = ()
    left_out: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    availability: str = ""
