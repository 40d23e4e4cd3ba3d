# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is to have access again to a shared file or folder, out of the permissions that it had. Pure.

People and groups are invited anew, without a mail. What cannot come back is counted: a link gets another address
whenever it is made, so nobody who had the old one gains anything; groups of a site and rights of applications belong to
the old place; a right that ends on a day would come back without its end.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

Json = t.Mapping[str, t.Any]

READ, WRITE = "read", "write"
_ROLES_OF_LINKS = {"view": READ, "edit": WRITE}


@dataclass(frozen=True, slots=True)
class Grantee:
    """A person or group: by its object id, or an address where there is none. C(name) is for sentences."""

    key: str
    is_address: bool
    name: str

    def as_recipient(self) -> dict[str, str]:
        return {"email" if self.is_address else "objectId": self.key}


@dataclass(frozen=True, slots=True)
class Grants:
    """By whom the role that they had. C(links) and C(others) cannot come back."""

    roles: dict[Grantee, str]
    links: int = 0
    others: int = 0


def grants_of(permissions: t.Iterable[Json], owner: str = "") -> Grants:
    """What the permissions of an item grant directly. C(owner) is the object id of whose drive it is, who needs no right."""
    roles: dict[Grantee, str] = {}
    links = others = 0
    for permission in permissions:
        role = _role(permission)
        if "inheritedFrom" in permission or role == "":
            continue
        link = permission.get("link")
        if link and link.get("scope") != "users":
            links += 1
            continue
        if role is None or permission.get("expirationDateTime"):
            others += 1
            continue
        for identity in _identities(permission):
            grantee = _grantee(identity)
            if grantee is None:
                others += 1
            elif grantee.key.lower() != owner.lower() and roles.get(grantee) != WRITE:
                roles[grantee] = role
    return Grants(roles, links, others)


def missing(wanted: Grants, there: Grants) -> dict[str, list[Grantee]]:
    """By role who does not have it yet. Who may write may read."""
    found: dict[str, list[Grantee]] = {}
    keys = {name: role for grantee, role in there.roles.items() for name in (grantee.key.lower(), grantee.name.lower())}
    for grantee, role in wanted.roles.items():
        has = keys.get(grantee.key.lower()) or (keys.get(grantee.name.lower()) if grantee.name else None)
        if has != WRITE and has != role:
            found.setdefault(role, []).append(grantee)
    return found


def _role(permission: Json) -> str | None:
    """Empty for what needs no restoring, None for what an invitation cannot give."""
    roles = [str(role).lower() for role in permission.get("roles") or ()]
    link = permission.get("link")
    if link:
        return WRITE if WRITE in roles else _ROLES_OF_LINKS.get(str(link.get("type") or "").lower(), READ if READ in roles else None)
    if not roles or "owner" in roles:
        return ""
    return WRITE if WRITE in roles else READ if READ in roles else None


def _identities(permission: Json) -> list[Json]:
    several = permission.get("grantedToIdentitiesV2") or permission.get("grantedToIdentities") or ()
    one = permission.get("grantedToV2") or permission.get("grantedTo")
    return [*several] if several or not one else [one]


def _grantee(identity: Json) -> Grantee | None:
    for kind in ("user", "group"):
        who = identity.get(kind)
        if who:
            address = str(who.get("email") or who.get("userPrincipalName") or "")
            name = address or str(who.get("displayName") or who.get("id") or "")
            if who.get("id"):
                return Grantee(str(who["id"]), False, name)
            if address:
                return Grantee(address, True, name)
    address = str((identity.get("siteUser") or {}).get("email") or "")
    return Grantee(address, True, address) if address else None
