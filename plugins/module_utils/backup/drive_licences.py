# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose OneDrive Microsoft is going to archive, which no backup can read any more then.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from ..graph.drive_errors import DriveMissing, NoSharePointLicence
from ..plan.drive_forecast import unlicensed, unlicensed_sentence
from .layout import ONEDRIVE

if t.TYPE_CHECKING:
    from ..plan.selection import Member
    from .results import RunResult

_WITHOUT_DRIVE = (DriveMissing.availability, NoSharePointLicence.availability)


def licence_warnings(result: RunResult, members: t.Iterable[Member]) -> t.Iterator[str]:
    """One sentence, of members who have a drive and no licence for it."""
    with_drive = {
        member.id
        for member in result.members
        for source in member.sources
        if source.source == ONEDRIVE and source.availability not in _WITHOUT_DRIVE
    }
    endangered = [member for member in unlicensed(members) if member.id in with_drive]
    if endangered:
        yield unlicensed_sentence(endangered)
