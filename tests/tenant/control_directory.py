# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Control over the directory: what an administrator does in Entra, also to many at once."""

from __future__ import annotations

import datetime
import typing as t

from .directory_state import not_found
from .licences import STANDARD, licence_rows
from .mail_items import now
from .mailbox import Mailbox
from .message_view import stamp

if t.TYPE_CHECKING:
    from .directory_state import DirectoryObject
    from .state import Tenant

_GROUP_KINDS: dict[str, dict[str, t.Any]] = {
    "security": {"groupTypes": [], "mailEnabled": False, "securityEnabled": True},
    "microsoft365": {"groupTypes": ["Unified"], "mailEnabled": True, "securityEnabled": False},
    "distribution": {"groupTypes": [], "mailEnabled": True, "securityEnabled": False},
    "mail_security": {"groupTypes": [], "mailEnabled": True, "securityEnabled": True},
    "dynamic_security": {
        "groupTypes": ["DynamicMembership"],
        "mailEnabled": False,
        "securityEnabled": True,
        "membershipRuleProcessingState": "On",
    },
    "dynamic_microsoft365": {
        "groupTypes": ["Unified", "DynamicMembership"],
        "mailEnabled": True,
        "securityEnabled": False,
        "membershipRuleProcessingState": "On",
    },
}


class DirectoryControl:
    """Users, groups, administrative units, memberships. Nobody computes dynamic groups: members are what control adds."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def add_user(
        self,
        user_principal_name: str,
        display_name: str | None = None,
        mail: str | None = None,
        object_id: str | None = None,
        mailbox: bool = True,
        user_type: str | None = "Member",
        account_enabled: bool = True,
        folder_names: dict[str, str] | None = None,
        properties: dict[str, t.Any] | None = None,
    ) -> str:
        given, _space, family = (display_name or "").partition(" ")
        entry = self._tenant.directory.add(
            "user",
            {
                "userPrincipalName": user_principal_name,
                "displayName": display_name or user_principal_name.partition("@")[0],
                "givenName": given or None,
                "surname": family or None,
                "mail": mail,
                "mailNickname": user_principal_name.partition("@")[0],
                "userType": user_type,
                "accountEnabled": account_enabled,
                "createdDateTime": stamp(now()),
                "proxyAddresses": [f"SMTP:{mail}"] if mail else [],
                **(licence_rows(STANDARD) if mailbox else {}),
                **(properties or {}),
            },
            object_id=object_id,
        )
        if mailbox:
            self._tenant.mailboxes[entry.id] = Mailbox(entry.id, folder_names=folder_names)
        return entry.id

    def add_people(
        self, count: int, name: str, mailboxes: bool, per_person: list[dict[str, t.Any]], properties: dict[str, t.Any]
    ) -> list[str]:
        """Numbered users; C(per_person) are properties that take turns."""
        found = []
        for number in range(count):
            address = f"{name}{number:05}@{self._tenant.domain}"
            own = per_person[number % len(per_person)] if per_person else {}
            enabled = {**properties, **own}
            user_type, is_enabled = enabled.pop("userType", "Member"), enabled.pop("accountEnabled", True)
            found.append(
                self.add_user(
                    address,
                    f"{name.capitalize()} {number:05}",
                    address,
                    mailbox=mailboxes,
                    user_type=user_type,
                    account_enabled=is_enabled,
                    properties={**licence_rows(STANDARD), **enabled},
                )
            )
        return found

    def update_user(self, user: str, properties: dict[str, t.Any]) -> None:
        self._tenant.directory.update(self._tenant.directory.user(user), properties)

    def remove_user(self, user: str, moment: str | None = None) -> None:
        """Soft-deletes a user, at C(moment) (ISO, now unless given); the mailbox goes with it."""
        directory = self._tenant.directory
        entry = directory.user(user)
        directory.remove(entry, None if moment is None else datetime.datetime.fromisoformat(moment))
        mailbox = self._tenant.mailboxes.pop(entry.id, None)
        if mailbox is not None:
            directory.removed_mailboxes[entry.id] = mailbox

    def restore_user(self, user: str) -> None:
        """Brings a deleted user back, by its id, with groups and mailbox."""
        entry = self._tenant.directory.restore(user)
        if entry.id in self._tenant.directory.removed_mailboxes:
            self._tenant.mailboxes[entry.id] = self._tenant.directory.removed_mailboxes.pop(entry.id)

    def purge_user(self, user: str) -> None:
        """Deletes a user for good, by its id; one that is there yet is deleted first."""
        if user.lower() in self._tenant.directory.objects:
            self.remove_user(user)
        self._tenant.directory.purge(user)

    def add_group(
        self,
        display_name: str,
        mail: str | None = None,
        object_id: str | None = None,
        kind: str = "security",
        properties: dict[str, t.Any] | None = None,
    ) -> str:
        if kind not in _GROUP_KINDS:
            raise ValueError(f"kind must be one of {', '.join(_GROUP_KINDS)}, not {kind}")
        nickname = "".join(letter for letter in display_name if letter.isalnum()).lower()
        content = {
            "displayName": display_name,
            "mail": mail,
            "mailNickname": nickname,
            "createdDateTime": stamp(now()),
            "visibility": "Private",
            **_GROUP_KINDS[kind],
            "proxyAddresses": [f"SMTP:{mail}"] if mail else [],
            **(properties or {}),
        }
        return self._tenant.directory.add("group", content, object_id=object_id).id

    def add_groups(self, groups: dict[str, list[str]], kind: str) -> dict[str, str]:
        """Groups by display name, with their members by id. Gives the object ids by name."""
        found = {}
        for name, members in groups.items():
            found[name] = self.add_group(name, kind=kind)
            self._tenant.directory.objects[found[name]].members.update(dict.fromkeys(map(self._known, members)))
        return found

    def update_group(self, group: str, properties: dict[str, t.Any]) -> None:
        self._tenant.directory.update(self._group(group), properties)

    def rename_group(self, group: str, display_name: str) -> None:
        self._group(group).properties["displayName"] = display_name

    def remove_group(self, group: str) -> None:
        self._tenant.directory.remove(self._group(group))

    def add_unit(self, display_name: str, members: list[str], hidden: bool) -> str:
        """An administrative unit; members by id. With C(hidden) only an app that may read hidden members sees them."""
        visibility = "HiddenMembership" if hidden else None
        unit = self._tenant.directory.add(
            "administrativeUnit", {"displayName": display_name, "description": None, "visibility": visibility}
        )
        unit.members.update(dict.fromkeys(map(self._known, members)))
        return unit.id

    def rename_unit(self, unit: str, display_name: str) -> None:
        self._tenant.directory.unit(unit).properties["displayName"] = display_name

    def remove_unit(self, unit: str) -> None:
        self._tenant.directory.remove(self._tenant.directory.unit(unit))

    def add_unit_member(self, unit: str, member: str) -> None:
        self._tenant.directory.unit(unit).members[self._member(member).id] = None

    def remove_unit_member(self, unit: str, member: str) -> None:
        self._tenant.directory.unit(unit).members.pop(self._member(member).id, None)

    def add_directory_object(self, kind: str, display_name: str) -> str:
        """A device, orgContact or servicePrincipal."""
        return self._tenant.directory.add(kind, {"displayName": display_name}).id

    def add_member(self, group: str, member: str) -> None:
        self._group(group).members[self._member(member).id] = None

    def remove_member(self, group: str, member: str) -> None:
        self._group(group).members.pop(self._member(member).id, None)

    def _group(self, key: str) -> DirectoryObject:
        by_id = self._tenant.directory.objects.get(key.lower())
        if by_id is not None and by_id.kind == "group":
            return by_id
        named = [group for group in self._tenant.directory.all("group") if group.properties["displayName"] == key]
        if len(named) != 1:
            raise ValueError(f"{len(named)} groups are called {key!r}")
        return named[0]

    def _known(self, key: str) -> str:
        """An object id that is one. Raises GraphError 404."""
        if key not in self._tenant.directory.objects:
            raise not_found(key)
        return key

    def _member(self, key: str) -> DirectoryObject:
        directory = self._tenant.directory
        if key.lower() in directory.objects:
            return directory.objects[key.lower()]
        return directory.user(key) if "@" in key else self._group(key)
