# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE to the collection: it can change at any time."""

from __future__ import annotations


class ModuleDocFragment:
    """Who is meant: mirrors C(selection_arguments) in C(module_utils/_arguments.py)."""

    DOCUMENTATION = r"""
options:
  users:
    description:
      - Users that are members, each by sign-in name, mail address or object id.
      - At least one of O(users), O(users_csv), O(groups), O(administrative_units), O(user_filter), O(on_premises_ous) and O(all_users=true)
        is needed. A user that is unknown or ambiguous is an error that lists candidates.
    type: list
    elements: str
    default: []
  users_csv:
    description:
      - A file with users, besides those in O(users), on the host that runs the module. It is read each time the task runs.
      - It has comma-separated values in UTF-8 or UTF-16, with commas, semicolons or tabs, such as the lists that can be downloaded
        from the Microsoft Entra and Microsoft 365 admin centers. The users are found by the heading of their column, such as
        C(userPrincipalName), C(User principal name) or C(Object ID). A file without headings may have one column.
      - A line without a sign-in name, mail address or object id is an error that names the line.
    type: path
  users_csv_column:
    description:
      - The heading of the column of O(users_csv) that has the users, if it is not one that the admin centers use.
    type: str
  groups:
    description:
      - Groups whose users are members, each by display name, mail address or object id. They may be Microsoft 365 groups, security
        groups and distribution lists, with members that are assigned or computed. The members of nested groups are included.
      - A group that is unknown or ambiguous is an error that lists candidates. A group without users is a warning.
    type: list
    elements: str
    default: []
  administrative_units:
    description:
      - Administrative units of Entra whose users are members, each by display name or object id. As in Entra, a group in a
        unit does not bring its members into it.
      - Their names can be read with the application permission C(AdministrativeUnit.Read.All) only.
    type: list
    elements: str
    default: []
  user_filter:
    description:
      - An OData filter over users. Everybody who passes it is a member, for example V(department eq 'Sales').
      - It is the C($filter) of Microsoft Graph for users, and may use what needs advanced queries, such as
        V(employeeType ne 'Contractor') or V(onPremisesExtensionAttributes/extensionAttribute1 eq 'backup').
    type: str
  on_premises_ous:
    description:
      - Organizational units of an on-premises Active Directory, each by distinguished name such as V(OU=Sales,DC=example,DC=com).
        Users that are synchronized from the unit, or from a unit inside it, are members. Upper and lower case do not matter.
      - Microsoft Graph does not filter by them, so all synchronized users are listed, 999 a request.
    type: list
    elements: str
    default: []
  all_users:
    description:
      - Whether every user of the tenant is a member, except for O(exclude).
    type: bool
    default: false
  exclude:
    description:
      - Who is not a member although chosen. An exclusion wins over everything that chooses the same user.
      - An entry that is unknown or ambiguous is an error here, too.
    type: dict
    suboptions:
      users:
        description: Users, each by sign-in name, mail address or object id.
        type: list
        elements: str
      groups:
        description: Groups, each by display name, mail address or object id. The members of nested groups are excluded, too.
        type: list
        elements: str
      administrative_units:
        description: Administrative units, each by display name or object id.
        type: list
        elements: str
      user_filter:
        description: An OData filter over users. Everybody who passes it is excluded.
        type: str
      on_premises_ous:
        description: Organizational units of an on-premises Active Directory, each by distinguished name.
        type: list
        elements: str
  licensed_only:
    description:
      - Whether users without a licence for what is backed up, Exchange or OneDrive, are left out.
        Shared, room and equipment mailboxes need no licence and stay.
      - The default is V(false), because mailboxes and drives are there for some time after the licence is gone.
    type: bool
    default: false
  include_guests:
    description:
      - Whether guests are members who were not named in O(users). The default is V(false), because their data is in their own organisation.
    type: bool
    default: false
  mailbox_kinds:
    description:
      - The kinds of mailboxes that are members. The default is all kinds, since what was left out is missed only when it is gone.
      - V(user) are mailboxes of people, V(shared), V(room) and V(equipment) those that Exchange calls so, and V(other) are those that
        Microsoft gives no name. Shared, room and equipment mailboxes use no seat.
      - A selection of kinds costs a request for each mailbox. Without one the kind is only looked up for users who are blocked or have no
        Exchange licence. Both need the application permission C(MailboxSettings.Read).
      - It concerns O(backup_type=mailbox) only.
    type: list
    elements: str
    choices: [user, shared, room, equipment, other]
"""
