# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Client of the control over the directory."""

from __future__ import annotations

import datetime
import typing as t

from .control_connection import ControlConnection

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_UNSET: t.Any = object()


class DirectoryControlClient(ControlConnection):
    """See L(control_directory)."""

    def add_user(
        self,
        user_principal_name: str,
        *,
        display_name: str | None = None,
        mail: str | None = _UNSET,
        object_id: str | None = None,
        mailbox: bool = True,
        user_type: str | None = "Member",
        account_enabled: bool = True,
        folder_names: dict[str, str] | None = None,
        **properties: t.Any,
    ) -> str:
        """A user with a mailbox; C(mail) is the principal name unless given. Gives the object id."""
        address = user_principal_name if mail is _UNSET else mail
        return str(
            self._call(
                "add_user",
                user_principal_name=user_principal_name,
                display_name=display_name,
                mail=address,
                object_id=object_id,
                mailbox=mailbox,
                user_type=user_type,
                account_enabled=account_enabled,
                folder_names=folder_names,
                properties=properties,
            )
        )

    def update_user(self, user: str, **properties: t.Any) -> None:
        self._call("update_user", user=user, properties=properties)

    def remove_user(self, user: str, *, moment: datetime.datetime | None = None) -> None:
        """Soft-deletes a user, at C(moment) (now unless given); 30 days later it is purged."""
        self._call("remove_user", user=user, moment=None if moment is None else moment.isoformat())

    def restore_user(self, user: str) -> None:
        """Brings a deleted user back, by its id, with groups and mailbox."""
        self._call("restore_user", user=user)

    def purge_user(self, user: str) -> None:
        """Deletes a user for good, by its id."""
        self._call("purge_user", user=user)

    def add_people(
        self,
        count: int,
        *,
        name: str = "person",
        mailboxes: bool = False,
        per_person: Sequence[Mapping[str, t.Any]] = (),
        **properties: t.Any,
    ) -> list[str]:
        """So many licensed users in one call, C(person00000@...) and so on, with mailboxes or without. Gives the object ids.

        All have the C(properties); those of C(per_person) take turns.
        """
        turns = [dict(one) for one in per_person]
        return list(self._call("add_people", count=count, name=name, mailboxes=mailboxes, per_person=turns, properties=properties))

    def add_group(
        self, display_name: str, *, mail: str | None = None, object_id: str | None = None, kind: str = "security", **properties: t.Any
    ) -> str:
        """C(kind): security, microsoft365, distribution, mail_security, dynamic_security, dynamic_microsoft365. Gives the object id."""
        return str(self._call("add_group", display_name=display_name, mail=mail, object_id=object_id, kind=kind, properties=properties))

    def add_groups(self, groups: Mapping[str, Sequence[str]], *, kind: str = "security") -> dict[str, str]:
        """Groups in one call: members by object id, for each display name. Gives the object ids by name."""
        return dict(self._call("add_groups", groups={name: list(members) for name, members in groups.items()}, kind=kind))

    def update_group(self, group: str, **properties: t.Any) -> None:
        """Such as C(visibility="HiddenMembership"), C(membershipRuleProcessingState="Paused")."""
        self._call("update_group", group=group, properties=properties)

    def rename_group(self, group: str, display_name: str) -> None:
        self._call("rename_group", group=group, display_name=display_name)

    def remove_group(self, group: str) -> None:
        self._call("remove_group", group=group)

    def add_unit(self, display_name: str, *, members: Sequence[str] = (), hidden: bool = False) -> str:
        """An administrative unit with members by object id; C(hidden): only for who may read hidden members. Gives the object id."""
        return str(self._call("add_unit", display_name=display_name, members=list(members), hidden=hidden))

    def rename_unit(self, unit: str, display_name: str) -> None:
        self._call("rename_unit", unit=unit, display_name=display_name)

    def remove_unit(self, unit: str) -> None:
        self._call("remove_unit", unit=unit)

    def add_unit_member(self, unit: str, member: str) -> None:
        """Unit by id; member as for groups."""
        self._call("add_unit_member", unit=unit, member=member)

    def remove_unit_member(self, unit: str, member: str) -> None:
        self._call("remove_unit_member", unit=unit, member=member)

    def add_directory_object(self, kind: str, display_name: str) -> str:
        return str(self._call("add_directory_object", kind=kind, display_name=display_name))

    def add_member(self, group: str, member: str) -> None:
        """Group by id or name; member by id, principal name or group name."""
        self._call("add_member", group=group, member=member)

    def remove_member(self, group: str, member: str) -> None:
        self._call("remove_member", group=group, member=member)
