# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Control over apps, tokens, limits, faults and the log."""

from __future__ import annotations

import dataclasses
import secrets
import typing as t
import uuid

from cryptography import x509

from .fault_catalogue import EFFECTS
from .tokens import DEFAULT_ROLES, App

if t.TYPE_CHECKING:
    from .request_log import LogEntry
    from .state import Tenant


class SystemControl:
    """Everything that is neither directory nor mail."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def add_app(
        self,
        client_id: str | None = None,
        client_secret: str | None = None,
        certificate_pem: str | None = None,
        roles: list[str] | None = None,
    ) -> dict[str, str]:
        app = App((client_id or str(uuid.uuid4())).lower(), roles=frozenset(roles if roles is not None else DEFAULT_ROLES))
        secret = client_secret or secrets.token_urlsafe(30)
        app.secrets.add(secret)
        if certificate_pem:
            app.certificates.append(x509.load_pem_x509_certificate(certificate_pem.encode()))
        self._tenant.tokens.apps[app.client_id] = app
        return {"client_id": app.client_id, "client_secret": secret}

    def set_roles(self, client_id: str, roles: list[str]) -> None:
        """Changes the consent; tokens already issued keep their roles, as in the real service."""
        self._app(client_id).roles = frozenset(roles)

    def disable_app(self, client_id: str, disabled: bool = True) -> None:
        self._app(client_id).disabled = disabled

    def expire_secret(self, client_id: str, client_secret: str) -> None:
        """The secret is known but past its end date."""
        app = self._app(client_id)
        app.secrets.discard(client_secret)
        app.expired_secrets.add(client_secret)

    def set_token_lifetime(self, seconds: float) -> None:
        self._tenant.tokens.lifetime = seconds

    def sign_in(self, user: str) -> str:
        """A refresh token, as a user's sign-in gives it to a program for people."""
        return self._tenant.tokens.sign_in(self._tenant.directory.user_by_address(user).id)

    def expire_tokens(self) -> None:
        self._tenant.tokens.expire_all()

    def arm(self, fault: dict[str, t.Any]) -> int:
        """Arms a fault; gives its number."""
        name = fault.get("name")
        if name not in EFFECTS:
            raise ValueError(f"there is no fault {name!r}; there are {', '.join(EFFECTS)}")
        mailbox = fault.get("mailbox")
        key = self._scope(mailbox) if mailbox is not None else None
        messages = (fault.get("match") or {}).get("message")
        numbers: list[int] | None = None
        if messages is not None:
            if key is None:
                raise ValueError("a fault that matches a message needs the mailbox too")
            box = self._tenant.mailboxes[key]
            numbers = [box.item_number(message) for message in ([messages] if isinstance(messages, str) else messages)]
        items = (fault.get("match") or {}).get("item")
        if items is not None:
            if key is None:
                raise ValueError("a fault that matches an item of a drive needs the mailbox (the user) too")
            drive = self._tenant.drives.default(key)
            numbers = [drive.find(item).number for item in ([items] if isinstance(items, str) else items)]
        return self._tenant.faults.arm(fault, mailbox=key, messages=numbers, defaults=EFFECTS[name].defaults).number

    def disarm(self, fault_id: int | None = None) -> None:
        self._tenant.faults.disarm(fault_id)

    def armed(self) -> list[dict[str, t.Any]]:
        return [
            {"id": fault.number, "name": fault.name, "mailbox": self._name(fault.mailbox), "left": fault.left, "hits": fault.hits}
            for fault in self._tenant.faults.armed
        ]

    def change_settings(self, changes: dict[str, t.Any]) -> dict[str, t.Any]:
        """Changes settings and gives those in force."""
        settings = self._tenant.settings
        for name, value in changes.items():
            if name not in {field.name for field in dataclasses.fields(settings)}:
                raise ValueError(f"there is no setting called {name}")
            setattr(settings, name, value)
        return dataclasses.asdict(settings)

    def set_latency(self, milliseconds: float) -> None:
        self._tenant.settings.latency_seconds = milliseconds / 1000

    def limits(self, changes: dict[str, t.Any]) -> dict[str, t.Any]:
        """Changes limits (null lifts one) and gives those in force."""
        mailboxes, drives, directory = self._tenant.limiter.limits, self._tenant.units.limits, self._tenant.directory_units.limits
        if "licenses" in changes:
            drives.set_licenses(changes["licenses"])
        for name, value in changes.items():
            owner = next((one for one in (mailboxes, drives, directory) if hasattr(one, name) and name != "set_licenses"), None)
            if owner is None:
                raise ValueError(f"there is no limit called {name}")
            setattr(owner, name, value)
        return {**dataclasses.asdict(mailboxes), **dataclasses.asdict(drives), **dataclasses.asdict(directory)}

    def requests(self, since: int = 0) -> list[LogEntry]:
        return [dataclasses.replace(entry, mailbox=self._name(entry.mailbox)) for entry in self._tenant.log.since(since)]

    def reset_log(self) -> None:
        """Empties the log, and forgets violations, mails sent and units counted (not what is used of the limits)."""
        self._tenant.log.clear()
        self._tenant.outgoing.clear()
        self._tenant.limiter.violations.clear()
        self._tenant.units.clear_counts()
        self._tenant.directory_units.clear_counts()

    def stats(self) -> dict[str, t.Any]:
        counts = self._tenant.log.stats()
        counts["max_concurrency"] = {self._name(key) or key: value for key, value in counts["max_concurrency"].items()}
        violations = [{**violation, "mailbox": self._name(violation["mailbox"])} for violation in self._tenant.limiter.violations]
        told = {"retry_after_violations": len(violations), "violations": violations}
        spent = {**self._tenant.units.counts(), **self._tenant.directory_units.counts()}
        return {**counts, **told, **spent, **self._tenant.outgoing.counts()}

    def reset(self) -> None:
        """An empty tenant; apps and their credentials stay."""
        self._tenant.reset()

    def _scope(self, mailbox: str) -> str:
        """What the log calls the mailbox of a user or a mailbox id."""
        if mailbox.upper().startswith("MBX:"):
            return self._tenant.exchange.scope(mailbox)
        return self._tenant.directory.user_by_address(mailbox).id

    def _app(self, client_id: str) -> App:
        return self._tenant.tokens.apps[client_id.lower()]

    def _name(self, key: str | None) -> str | None:
        """The principal name for an object id."""
        if key is None:
            return None
        entry = self._tenant.directory.objects.get(key) or self._tenant.directory.deleted.get(key)
        return str(entry.properties.get("userPrincipalName", key)) if entry is not None else key
