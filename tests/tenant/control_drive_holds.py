# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Control over what holds on to files and names: retention labels, open upload sessions."""

from __future__ import annotations

import typing as t

from .drive_labels import RETAIN, label_item
from .drive_view import identity_json

if t.TYPE_CHECKING:
    from .state import Tenant

Json = dict[str, t.Any]


class DriveHoldControl:
    """Items by path or id, as in L(control_drive)."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def add_retention_label(self, name: str, settings: Json) -> None:
        """A label that apps may set; C(settings) are laid over those of a label that keeps its items."""
        self._tenant.drive_labels[name] = _checked(settings)

    def label_item(self, user: str, path: str, name: str | None, settings: Json) -> None:
        """Puts a label on an item, or (None) takes it away."""
        drive = self._tenant.drives.default(self._tenant.directory.user_by_address(user).id)
        item = drive.by_id(path) if drive.ids.read_item(path) is not None else drive.at_path(path)
        if name is None:
            item.more.label = None
        else:
            label_item(drive, item, name, _checked(settings), identity_json(self._tenant.drives.identity(drive.owner_id)))

    def upload_sessions(self) -> list[Json]:
        """The open ones: owner, path of the file to be, bytes received and announced."""
        self._tenant.drive_uploads.drop_expired()
        return [
            {
                "owner": one.drive.owner_id,
                "path": f"{one.drive.path(one.parent).rstrip('/')}/{one.name}",
                "received": one.growing.size,
                "total": one.total,
            }
            for one in self._tenant.drive_uploads.open.values()
        ]

    def expire_upload_sessions(self) -> None:
        """Every open session is gone, and its name free."""
        for one in list(self._tenant.drive_uploads.open.values()):
            self._tenant.drive_uploads.drop(one)


def _checked(settings: Json) -> Json:
    unknown = set(settings) - set(RETAIN)
    if unknown:
        raise ValueError(f"labels have no {', '.join(sorted(unknown))}; they have {', '.join(RETAIN)}")
    return settings
