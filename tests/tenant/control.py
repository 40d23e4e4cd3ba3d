# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Client of the control API, for tests and the demo. Needs nothing but the standard library."""

from __future__ import annotations

import base64
import datetime
import typing as t

from .control_connection import TenantControlError
from .control_directory_client import DirectoryControlClient
from .control_drive_client import DriveControlClient
from .control_exchange_client import ExchangeControlClient
from .control_hold_client import HoldControlClient
from .control_personal_client import PersonalControlClient

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

Moment = datetime.datetime | str
FolderKey = str | t.Sequence[str]
MessageKeys = str | t.Sequence[str]
_BATCH_BYTES = 4 * 1024 * 1024

__all__ = ("ControlClient", "TenantControlError")


class ControlClient(DirectoryControlClient, DriveControlClient, ExchangeControlClient, HoldControlClient, PersonalControlClient):
    """One method per operation; may be used by several threads."""

    # Mail

    def create_folder(
        self, mailbox: str, name: str, *, parent: FolderKey = "msgfolderroot", hidden: bool = False, search: bool = False
    ) -> str:
        return str(self._call("create_folder", mailbox=mailbox, name=name, parent=_folder(parent), hidden=hidden, search=search))

    def rename_folder(self, mailbox: str, folder: FolderKey, name: str) -> None:
        self._call("rename_folder", mailbox=mailbox, folder=_folder(folder), name=name)

    def move_folder(self, mailbox: str, folder: FolderKey, parent: FolderKey) -> None:
        self._call("move_folder", mailbox=mailbox, folder=_folder(folder), parent=_folder(parent))

    def delete_folder(self, mailbox: str, folder: FolderKey) -> None:
        self._call("delete_folder", mailbox=mailbox, folder=_folder(folder))

    def folders(self, mailbox: str) -> list[dict[str, t.Any]]:
        return list(self._call("folders", mailbox=mailbox))

    def deliver(
        self,
        mailbox: str,
        folder: FolderKey,
        mime: bytes,
        *,
        received: Moment | None = None,
        is_read: bool = False,
        is_draft: bool = False,
        flagged: bool = False,
        categories: Sequence[str] = (),
    ) -> str:
        """Puts a message into a folder; gives its immutable id."""
        return str(
            self._call(
                "deliver",
                mailbox=mailbox,
                folder=_folder(folder),
                mime=_bytes(mime),
                received=_moment(received),
                is_read=is_read,
                is_draft=is_draft,
                flagged=flagged,
                categories=list(categories),
            )
        )

    def deliver_many(self, mailbox: str, folder: FolderKey, mimes: Iterable[bytes], *, received: Moment | None = None) -> list[str]:
        ids: list[str] = []
        batch: list[t.Any] = []
        size = 0
        for mime in mimes:
            batch.append(_bytes(mime))
            size += len(mime)
            if size > _BATCH_BYTES:
                ids += self._call("deliver_many", mailbox=mailbox, folder=_folder(folder), mimes=batch, received=_moment(received))
                batch, size = [], 0
        if batch:
            ids += self._call("deliver_many", mailbox=mailbox, folder=_folder(folder), mimes=batch, received=_moment(received))
        return ids

    def deliver_generated(
        self,
        mailbox: str,
        count: int,
        *,
        seed: int = 1,
        folder: FolderKey | None = "inbox",
        first: int = 0,
        until: Moment | None = None,
        years: float = 3.0,
        size_limit: int | None = None,
    ) -> list[str]:
        """Messages number C(first) to C(first + count - 1) of the generator; C(folder=None) spreads them over folders."""
        return list(
            self._call(
                "deliver_generated",
                mailbox=mailbox,
                count=count,
                seed=seed,
                folder=None if folder is None else _folder(folder),
                first=first,
                until=_moment(until),
                years=years,
                size_limit=size_limit,
            )
        )

    def load_folder(self, mailbox: str, path: Path, *, folder: FolderKey = "inbox") -> list[dict[str, str]]:
        return list(self._call("load_folder", mailbox=mailbox, path=str(path), folder=_folder(folder)))

    def move(self, mailbox: str, messages: MessageKeys, folder: FolderKey) -> None:
        self._call("move", mailbox=mailbox, messages=_keys(messages), folder=_folder(folder))

    def delete(self, mailbox: str, messages: MessageKeys) -> None:
        self._call("delete", mailbox=mailbox, messages=_keys(messages))

    def update(
        self,
        mailbox: str,
        messages: MessageKeys,
        *,
        is_read: bool | None = None,
        flagged: bool | None = None,
        categories: Sequence[str] | None = None,
        subject: str | None = None,
    ) -> None:
        marks = {"is_read": is_read, "flagged": flagged, "categories": None if categories is None else list(categories), "subject": subject}
        self._call("update", mailbox=mailbox, messages=_keys(messages), **marks)

    def messages(self, mailbox: str, folder: FolderKey | None = None) -> list[dict[str, t.Any]]:
        return list(self._call("messages", mailbox=mailbox, folder=None if folder is None else _folder(folder)))

    def mime(self, mailbox: str, message: str) -> bytes:
        """The bytes that $value serves."""
        return base64.b64decode(self._call("mime", mailbox=mailbox, message=message)["$bytes"])

    def set_mailbox_state(self, mailbox: str, state: str) -> None:
        """ok, not_enabled, on_premises, invalid_user, access_denied, odata_disabled, quota_exceeded, unavailable."""
        self._call("set_mailbox_state", mailbox=mailbox, state=state)

    def set_mailbox_settings(self, mailbox: str, *, user_purpose: str | None = None, denied: bool | None = None) -> None:
        self._call("set_mailbox_settings", mailbox=mailbox, user_purpose=user_purpose, denied=denied)

    def expire_cursors(self, mailbox: str | None = None) -> None:
        self._call("expire_cursors", mailbox=mailbox)

    # Apps and tokens

    def add_app(
        self,
        *,
        client_id: str | None = None,
        client_secret: str | None = None,
        certificate_pem: str | None = None,
        roles: Sequence[str] | None = None,
    ) -> dict[str, str]:
        granted = None if roles is None else list(roles)
        return dict(self._call("add_app", client_id=client_id, client_secret=client_secret, certificate_pem=certificate_pem, roles=granted))

    def set_roles(self, client_id: str, roles: Sequence[str]) -> None:
        self._call("set_roles", client_id=client_id, roles=list(roles))

    def disable_app(self, client_id: str, *, disabled: bool = True) -> None:
        self._call("disable_app", client_id=client_id, disabled=disabled)

    def expire_secret(self, client_id: str, client_secret: str) -> None:
        self._call("expire_secret", client_id=client_id, client_secret=client_secret)

    def set_token_lifetime(self, seconds: float) -> None:
        self._call("set_token_lifetime", seconds=seconds)

    def expire_tokens(self) -> None:
        self._call("expire_tokens")

    # Faults, limits, log

    def arm(self, fault: dict[str, t.Any]) -> int:
        """Arms a fault (tests/tenant/README.md lists them); gives its number."""
        return int(self._call("arm", fault=fault))

    def disarm(self, fault_id: int | None = None) -> None:
        self._call("disarm", fault_id=fault_id)

    def armed(self) -> list[dict[str, t.Any]]:
        return list(self._call("armed"))

    def set_latency(self, milliseconds: float) -> None:
        self._call("set_latency", milliseconds=milliseconds)

    def settings(self, **changes: t.Any) -> dict[str, t.Any]:
        """Changes settings (see tests/tenant/README.md) and gives those in force."""
        return dict(self._call("change_settings", changes=changes))

    def limits(self, **changes: t.Any) -> dict[str, t.Any]:
        return dict(self._call("limits", changes=changes))

    def requests(self, since: int = 0) -> list[dict[str, t.Any]]:
        return list(self._call("requests", since=since))

    def reset_log(self) -> None:
        self._call("reset_log")

    def stats(self) -> dict[str, t.Any]:
        return dict(self._call("stats"))

    def reset(self) -> None:
        self._call("reset")


def _folder(key: FolderKey) -> str | list[str]:
    return key if isinstance(key, str) else list(key)


def _keys(keys: MessageKeys) -> str | list[str]:
    return keys if isinstance(keys, str) else list(keys)


def _bytes(content: bytes) -> dict[str, str]:
    return {"$bytes": base64.b64encode(content).decode()}


def _moment(moment: Moment | None) -> str | None:
    return moment.isoformat() if isinstance(moment, datetime.datetime) else moment
