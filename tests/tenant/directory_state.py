# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""State of the directory: users, groups, other objects, memberships, and what was deleted. Knows nothing of HTTP."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from .call import GraphError
from .ids import stable_guid
from .mail_items import now

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from .mailbox import Mailbox

ObjectId = str
_DELETED_FOR = datetime.timedelta(days=30)  # then it is purged (facts D6)


@dataclasses.dataclass(slots=True, eq=False)
class DirectoryObject:
    """A user, group, administrativeUnit, device, orgContact or servicePrincipal; C(properties) as Graph shows them."""

    id: ObjectId
    kind: str
    properties: dict[str, t.Any]
    members: dict[ObjectId, None] = dataclasses.field(default_factory=dict)


class Directory:
    """All objects of a tenant in order of creation."""

    def __init__(self, domain: str) -> None:
        self.domain = domain
        self.objects: dict[ObjectId, DirectoryObject] = {}
        self.deleted: dict[ObjectId, DirectoryObject] = {}
        self._deleted_from: dict[ObjectId, list[ObjectId]] = {}
        self.removed_mailboxes: dict[ObjectId, Mailbox] = {}
        self._names: dict[str, ObjectId] = {}
        self._created = 0

    def add(self, kind: str, properties: dict[str, t.Any], *, object_id: ObjectId | None = None) -> DirectoryObject:
        """Adds an object. Raises ValueError for a name or id already taken."""
        self._created += 1
        key = object_id or stable_guid(self.domain, kind, self._created)
        if key in self.objects:
            raise ValueError(f"the directory already holds an object with the id {key}")
        name = properties.get("userPrincipalName")
        if name is not None:
            if name.lower() in self._names:
                raise ValueError(f"the directory already holds the user {name}")
            self._names[name.lower()] = key
        entry = DirectoryObject(key, kind, {"id": key, **properties})
        self.objects[key] = entry
        return entry

    @property
    def users(self) -> int:
        """How many there are: whoever has a sign-in name."""
        return len(self._names)

    def update(self, entry: DirectoryObject, properties: dict[str, t.Any]) -> None:
        new = properties.get("userPrincipalName")
        if new is not None:
            old = entry.properties["userPrincipalName"].lower()
            del self._names[old]
            self._names[new.lower()] = entry.id
        entry.properties.update(properties)

    def remove(self, entry: DirectoryObject, moment: datetime.datetime | None = None) -> None:
        """Soft-deletes an object: gone from lists and groups, until it is restored or purged."""
        del self.objects[entry.id]
        self.deleted[entry.id] = entry
        entry.properties["deletedDateTime"] = (moment or now()).strftime("%Y-%m-%dT%H:%M:%SZ")
        name = entry.properties.get("userPrincipalName")
        if name is not None:
            del self._names[name.lower()]
        self._deleted_from[entry.id] = [group.id for group in self.objects.values() if group.members.pop(entry.id, 0) is None]

    def restore(self, key: str) -> DirectoryObject:
        """Brings a deleted object back, into its groups, too. Raises GraphError 404, ValueError for a name that is taken meanwhile."""
        entry = self.deleted_object(key)
        name = entry.properties.get("userPrincipalName")
        if name is not None:
            if name.lower() in self._names:
                raise ValueError(f"the directory already holds the user {name}")
            self._names[name.lower()] = entry.id
        del self.deleted[entry.id]
        del entry.properties["deletedDateTime"]
        self.objects[entry.id] = entry
        for group in self._deleted_from.pop(entry.id):
            if group in self.objects:
                self.objects[group].members[entry.id] = None
        return entry

    def purge(self, key: str) -> None:
        """A deleted object is gone for good. Raises GraphError 404."""
        entry = self.deleted_object(key)
        del self.deleted[entry.id], self._deleted_from[entry.id]
        self.removed_mailboxes.pop(entry.id, None)

    def deleted_object(self, key: str) -> DirectoryObject:
        """What can still be restored. Raises GraphError 404."""
        entry = self.deleted.get(key.lower())
        if entry is None or entry not in self.all_deleted():
            raise not_found(key)
        return entry

    def all_deleted(self) -> list[DirectoryObject]:
        """What can still be restored: younger than 30 days."""
        limit = (now() - _DELETED_FOR).strftime("%Y-%m-%dT%H:%M:%SZ")
        return [entry for entry in self.deleted.values() if entry.properties["deletedDateTime"] > limit]

    def all(self, kind: str) -> Iterator[DirectoryObject]:
        return (entry for entry in self.objects.values() if entry.kind == kind)

    def user(self, key: str) -> DirectoryObject:
        """A user by object id or user principal name. Raises GraphError 404."""
        entry = self.objects.get(key.lower()) or self.objects.get(self._names.get(key.lower(), ""))
        if entry is None or entry.kind != "user":
            raise not_found(key)
        return entry

    def user_by_address(self, key: str) -> DirectoryObject:
        """A user as mail requests may name it: also by any of its addresses. Raises GraphError 404."""
        try:
            return self.user(key)
        except GraphError:
            wanted = key.lower()
            for entry in self.all("user"):
                addresses = [str(address).partition(":")[2].lower() for address in entry.properties.get("proxyAddresses") or ()]
                if wanted in addresses or wanted == str(entry.properties.get("mail") or "").lower():
                    return entry
            raise

    def group(self, key: str) -> DirectoryObject:
        """A group by object id. Raises GraphError 404."""
        return self._of_kind(key, "group")

    def unit(self, key: str) -> DirectoryObject:
        """An administrative unit by object id. Raises GraphError 404."""
        return self._of_kind(key, "administrativeUnit")

    def members(self, group: DirectoryObject, *, transitive: bool) -> list[DirectoryObject]:
        """Direct members, or everybody below; each object once, cycles allowed."""
        found: dict[ObjectId, DirectoryObject] = {}
        waiting = [group]
        while waiting:
            for member_id in waiting.pop(0).members:
                if member_id in found or member_id == group.id:
                    continue
                member = self.objects[member_id]
                found[member_id] = member
                if transitive and member.kind == "group":
                    waiting.append(member)
        return list(found.values())

    def _of_kind(self, key: str, kind: str) -> DirectoryObject:
        entry = self.objects.get(key.lower())
        if entry is None or entry.kind != kind:
            raise not_found(key)
        return entry


def not_found(key: str) -> GraphError:
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{key}' does not exist or one of its queried reference-property objects are not present.",
    )
