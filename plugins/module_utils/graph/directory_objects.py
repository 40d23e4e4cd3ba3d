# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the directory has: users, groups, administrative units, and users that were deleted.

Every object may be limited: an app that may not see a kind of object is told its id and nothing else.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum

from .ids import Fields, GroupId, UnitId, UserId
from .licences import DriveLicence, directory_moment, drive_licence, has_mailbox_licence

USER_FIELDS = "id,userPrincipalName,mail,displayName,accountEnabled,userType,assignedPlans,onPremisesDistinguishedName"
DELETED_USER_FIELDS = "id,userPrincipalName,displayName,deletedDateTime"
GROUP_FIELDS = "id,displayName,mail,groupTypes,mailEnabled,securityEnabled,visibility,membershipRuleProcessingState"
UNIT_FIELDS = "id,displayName,visibility"


@dataclasses.dataclass(frozen=True, slots=True)
class User:
    """``is_limited``: the app may see no more than the id, and everything else is unknown.

    ``on_premises_dn`` is the distinguished name of a user who comes from an Active Directory. Licences are None where they are unknown.
    """

    id: UserId
    principal_name: str
    mail: str | None
    display_name: str
    is_enabled: bool | None
    user_type: str | None
    drive_licence: DriveLicence | None = None
    has_mailbox_licence: bool | None = None
    on_premises_dn: str | None = None

    @property
    def is_guest(self) -> bool:
        return (self.user_type or "").lower() == "guest"

    @property
    def is_limited(self) -> bool:
        return not self.principal_name


class GroupKind(enum.Enum):
    """What a group is in Microsoft 365."""

    MICROSOFT_365 = "microsoft_365"
    SECURITY = "security"
    MAIL_ENABLED_SECURITY = "mail_enabled_security"
    DISTRIBUTION = "distribution"
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """``is_dynamic``: a rule computes the members, some time after the fact; with ``is_paused`` not at all for the time being.

    ``has_hidden_members``: without the permission Member.Read.Hidden it seems to have none.
    """

    id: GroupId
    display_name: str
    mail: str | None
    kind: GroupKind
    is_dynamic: bool
    is_paused: bool = False
    has_hidden_members: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class AdministrativeUnit:
    """A part of the directory that somebody administers. ``has_hidden_members`` as for groups."""

    id: UnitId
    display_name: str
    has_hidden_members: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class DeletedUser:
    """A user that can be restored until 30 days after ``deleted``, which is None when the directory does not say."""

    id: UserId
    principal_name: str
    display_name: str
    deleted: datetime.datetime | None


def user_from(fields: Fields) -> User:
    """From an object of which only the id is certain."""
    is_enabled = fields.get("accountEnabled")
    return User(
        id=UserId(_text(fields, "id")),
        principal_name=_text(fields, "userPrincipalName"),
        mail=fields.get("mail") or None,
        display_name=_text(fields, "displayName"),
        is_enabled=is_enabled if isinstance(is_enabled, bool) else None,
        user_type=fields.get("userType") or None,
        drive_licence=drive_licence(fields.get("assignedPlans")),
        has_mailbox_licence=has_mailbox_licence(fields.get("assignedPlans")),
        on_premises_dn=fields.get("onPremisesDistinguishedName") or None,
    )


def group_from(fields: Fields) -> Group:
    """From an object of which only the id is certain."""
    types = [str(kind) for kind in fields.get("groupTypes") or ()]
    is_dynamic = "DynamicMembership" in types
    return Group(
        id=GroupId(_text(fields, "id")),
        display_name=_text(fields, "displayName"),
        mail=fields.get("mail") or None,
        kind=_kind(types, fields.get("mailEnabled"), fields.get("securityEnabled")),
        is_dynamic=is_dynamic,
        is_paused=is_dynamic and _text(fields, "membershipRuleProcessingState").lower() == "paused",
        has_hidden_members=_is_hidden(fields),
    )


def unit_from(fields: Fields) -> AdministrativeUnit:
    """From an object of which only the id is certain."""
    return AdministrativeUnit(UnitId(_text(fields, "id")), _text(fields, "displayName"), _is_hidden(fields))


def deleted_user_from(fields: Fields) -> DeletedUser:
    """From an object of which only the id is certain. The directory puts the id before the sign-in name of whom it deletes."""
    identity, name = _text(fields, "id"), _text(fields, "userPrincipalName")
    prefix = identity.replace("-", "").lower()
    return DeletedUser(
        id=UserId(identity),
        principal_name=name[len(prefix) :] if prefix and name.lower().startswith(prefix) else name,
        display_name=_text(fields, "displayName"),
        deleted=directory_moment(fields.get("deletedDateTime")),
    )


def _text(fields: Fields, name: str) -> str:
    return str(fields.get(name) or "")


def _is_hidden(fields: Fields) -> bool:
    return _text(fields, "visibility").lower() == "hiddenmembership"


def _kind(types: list[str], mail_enabled: object, security_enabled: object) -> GroupKind:
    if "Unified" in types:
        return GroupKind.MICROSOFT_365
    if mail_enabled is True:
        return GroupKind.MAIL_ENABLED_SECURITY if security_enabled is True else GroupKind.DISTRIBUTION
    return GroupKind.SECURITY if security_enabled is True else GroupKind.UNKNOWN
