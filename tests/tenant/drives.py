# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All drives of the tenant: whose they are, and the many ways of having none (facts A1, A2)."""

from __future__ import annotations

import enum
import functools
import secrets
import typing as t

from .call import GraphError, NoDrive
from .drive_content import Spool
from .drive_store import Identity, item_not_found
from .drive_tree import Drive

if t.TYPE_CHECKING:
    from .call import Call
    from .directory_state import DirectoryObject
    from .state import Tenant

USER = "user:"  # how a call names the default drive of a user: C(user:adele@contoso.com), C(user:me)
ME = "me"
_HIDDEN_LIBRARIES = ("PersonalCacheLibrary", "Preservation Hold Library")
_BLOCKED = "Access to this site has been blocked. Please contact the administrator to resolve this problem."


class Shape(enum.Enum):
    """How Graph answers for the drive of a user."""

    OK = "ok"
    NO_MYSITE = "no_mysite"
    FILE_NOT_FOUND = "file_not_found"
    FILE_NOT_FOUND_UNKNOWN = "file_not_found_unknown"
    NO_MYSITE_URL = "no_mysite_url"
    APP_ONLY = "app_only"
    NO_LICENCE = "no_licence"
    PROVISIONING_NOT_ALLOWED = "provisioning_not_allowed"
    BEING_PROVISIONED = "being_provisioned"
    LOCKED = "locked"
    LOCKED_RESOURCE = "locked_resource"
    NO_ACCESS = "no_access"


_MISSING: dict[Shape, tuple[int, str, str, str | None]] = {
    Shape.NO_MYSITE: (404, "ResourceNotFound", "User's mysite not found.", None),
    Shape.FILE_NOT_FOUND: (404, "itemNotFound", "404 FILE NOT FOUND", None),
    Shape.FILE_NOT_FOUND_UNKNOWN: (404, "UnknownError", "404 FILE NOT FOUND", None),
    Shape.NO_MYSITE_URL: (404, "UnknownError", "Unable to retrieve user's mysite URL.", None),
    Shape.APP_ONLY: (400, "invalidRequest", "A call to the default drive is not supported for app-only (apponly) tokens.", None),
    Shape.NO_LICENCE: (400, "BadRequest", "Tenant does not have a SPO license.", None),
    Shape.PROVISIONING_NOT_ALLOWED: (403, "accessDenied", "The resource cannot be provisioned.", "provisioningNotAllowed"),
    Shape.BEING_PROVISIONED: (404, "itemNotFound", "The resource is being provisioned.", "resourceBeingProvisioned"),
}
_LOCKED: dict[Shape, tuple[int, str, str, str | None]] = {
    Shape.LOCKED: (423, "notAllowed", _BLOCKED, None),
    Shape.LOCKED_RESOURCE: (423, "notAllowed", _BLOCKED, "resourceLocked"),
    Shape.NO_ACCESS: (403, "accessDenied", "Access denied", None),
}


class Drives:
    """Drives by id and by owner; the first of an owner is the default one."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._by_id: dict[str, Drive] = {}
        self._by_owner: dict[str, list[Drive]] = {}
        self.shapes: dict[str, Shape] = {}
        self.spool = Spool()
        self.secret = secrets.token_bytes(16)
        self.url_epoch = 0  # pre-authenticated URLs of another epoch are expired

    def create(self, owner_id: str, *, hidden_libraries: bool = False, quota: int = 1 << 40) -> Drive:
        """The default drive of a user, in working order. Raises ValueError if there is one."""
        if owner_id in self._by_owner:
            raise ValueError("the user already has a drive")
        libraries = ["OneDrive", *(_HIDDEN_LIBRARIES if hidden_libraries else ())]
        self._by_owner[owner_id] = [Drive(owner_id, library, quota=quota) for library in libraries]
        self._by_id.update((drive.id, drive) for drive in self._by_owner[owner_id])
        self.shapes[owner_id] = Shape.OK
        return self._by_owner[owner_id][0]

    def remove(self, owner_id: str) -> None:
        """The drives of a user, gone with the user's site."""
        for drive in self._by_owner.pop(owner_id, ()):
            del self._by_id[drive.id]
        self.shapes.pop(owner_id, None)

    def drive(self, call: Call) -> Drive:
        """The drive that a call's C({drive}) names, in working order. Raises GraphError, NoDrive."""
        key = call.values["drive"]
        if not key.startswith(USER):
            return self.by_id(key)
        owner = self._user(call, key.removeprefix(USER)).id
        self.refuse_in_shape(owner)
        return self._by_owner[owner][0]

    def named(self, call: Call) -> Drive | None:
        """The drive that a call is about, in whatever state; None if there is none."""
        key = call.values.get("drive", "")
        if not key.startswith(USER):
            return self._by_id.get(key)
        return next(iter(self._by_owner.get(self.owner_of(call) or "", ())), None)

    def by_id(self, drive_id: str) -> Drive:
        """Raises GraphError."""
        drive = self._by_id.get(drive_id)
        if drive is None:
            raise item_not_found()
        self.refuse_in_shape(drive.owner_id)
        return drive

    def of_user(self, call: Call) -> list[Drive]:
        """All drives of the user that a call names. Raises GraphError, NoDrive."""
        drive = self.drive(call)
        return self._by_owner[drive.owner_id]

    def default(self, owner_id: str) -> Drive:
        """The default drive, in whatever state. Raises ValueError."""
        if owner_id not in self._by_owner:
            raise ValueError("the user has no drive; create_drive gives one")
        return self._by_owner[owner_id][0]

    def all(self) -> list[Drive]:
        return list(self._by_id.values())

    def owner_of(self, call: Call) -> str | None:
        """Object id of the user whose drive a call is about; None if there is nobody."""
        key = call.values.get("drive", "")
        if not key.startswith(USER):
            return self._by_id[key].owner_id if key in self._by_id else None
        try:
            return self._user(call, key.removeprefix(USER)).id
        except GraphError:
            return None

    def refuse_in_shape(self, owner_id: str) -> None:
        """Raises the GraphError of a user without a drive that could be used."""
        shape = self.shapes.get(owner_id, Shape.NO_MYSITE)
        if shape in _MISSING:
            status, code, message, inner = _MISSING[shape]
            raise NoDrive(status, code, message, inner={"code": inner} if inner else None)
        if shape in _LOCKED:
            status, code, message, inner = _LOCKED[shape]
            raise GraphError(status, code, message, inner={"code": inner} if inner else None)

    def identity(self, owner_id: str) -> Identity:
        """The owner, as items name people."""
        entry = self._tenant.directory.objects.get(owner_id) or self._tenant.directory.deleted.get(owner_id)
        properties = entry.properties if entry is not None else {}
        return Identity("user", owner_id, str(properties.get("displayName", "")), str(properties.get("mail") or ""))

    def site_name(self, owner_id: str) -> str:
        """C(adele_contoso_com): the owner's principal name in URLs."""
        entry = self._tenant.directory.objects.get(owner_id) or self._tenant.directory.deleted.get(owner_id)
        return _site_name(str(entry.properties.get("userPrincipalName", owner_id)) if entry is not None else owner_id)

    def _user(self, call: Call, key: str) -> DirectoryObject:
        if key != ME:
            return self._tenant.directory.user(key)
        if not call.user_id:
            raise GraphError(400, "BadRequest", "/me request is only valid with delegated authentication flow.")
        return self._tenant.directory.user(call.user_id)


@functools.lru_cache(maxsize=1024)
def _site_name(principal_name: str) -> str:
    return "".join(one if one.isalnum() and one.isascii() else "_" for one in principal_name.lower())
