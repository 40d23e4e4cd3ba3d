# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of the control client for licences, retention labels and upload sessions."""

from __future__ import annotations

import typing as t

from .control_connection import ControlConnection


class HoldControlClient(ControlConnection):
    """See L(control_licences) and L(control_drive_holds)."""

    def give_licence(self, user: str, licence: str, *, since: str | None = None) -> None:
        """SPE_E3, DESKLESSPACK, EXCHANGESTANDARD, WACONEDRIVESTANDARD, O365_BUSINESS_PREMIUM (which comes with a mailbox)."""
        self._call("give_licence", user=user, licence=licence, since=since)

    def take_licences(self, user: str, *, since: str | None = None, status: str = "Deleted") -> None:
        """All of them; C(since) (ISO) is when, C(status) what becomes of the plans: Deleted, Suspended, LockedOut, Warning."""
        self._call("take_licences", user=user, since=since, status=status)

    def buy_licences(self, licence: str, units: int) -> None:
        """What subscribedSkus says was bought."""
        self._call("buy_licences", licence=licence, units=units)

    def add_retention_label(self, name: str, **settings: t.Any) -> None:
        """A label that apps may set. Without settings it keeps its items: no new content, no deletion (C(isDeleteAllowed=True) ...)."""
        self._call("add_retention_label", name=name, settings=settings)

    def label_item(self, user: str, path: str, name: str | None, **settings: t.Any) -> None:
        """Puts a label on an item of a drive, or (None) takes it away."""
        self._call("label_item", user=user, path=path, name=name, settings=settings)

    def upload_sessions(self) -> list[dict[str, t.Any]]:
        """Open upload sessions of drives: owner, path, received, total."""
        return list(self._call("upload_sessions"))

    def expire_upload_sessions(self) -> None:
        self._call("expire_upload_sessions")
