# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much is in the OneDrives of users, from Microsoft's usage report.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .usage_report import Row, is_true, number_of, read_report

if t.TYPE_CHECKING:
    from .client import GraphClient

_REPORT = "getOneDriveUsageAccountDetail"
_OWNER, _FILES, _BYTES, _DELETED = "Owner Principal Name", "File Count", "Storage Used (Byte)", "Is Deleted"


@dataclasses.dataclass(frozen=True, slots=True)
class DriveUsage:
    """Of so many drives together."""

    drives: int = 0
    files: int = 0
    bytes: int = 0

    def __add__(self, other: DriveUsage) -> DriveUsage:
        return DriveUsage(self.drives + other.drives, self.files + other.files, self.bytes + other.bytes)


def drive_usage(client: GraphClient, owners: t.Collection[str]) -> DriveUsage | None:
    """What the drives of these users hold together, by their principal names; None when it cannot be known. Raises Cancelled."""
    wanted = {owner.casefold() for owner in owners}
    return read_report(client, _REPORT, "OneDrive", lambda rows: _usage_of(rows, wanted))


def _usage_of(rows: t.Iterable[Row], wanted: t.Collection[str]) -> DriveUsage | None:
    """None for a report with concealed names, which are no addresses, and for one with other columns."""
    usage, has_names = DriveUsage(), False
    for row in rows:
        owner = (row.get(_OWNER) or "").casefold()
        has_names = has_names or "@" in owner
        if owner in wanted and not is_true(row.get(_DELETED)):
            usage += DriveUsage(1, number_of(row.get(_FILES)), number_of(row.get(_BYTES)))
    return usage if has_names else None
