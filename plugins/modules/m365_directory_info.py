#!/usr/bin/python
# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: m365_directory_info
short_description: See whom a selection of users and groups means, and why
version_added: 1.0.0
description:
  - Looks a selection up in the directory of the tenant, in the words of M(tenantvault.m365_backup.m365_group_backup_plan), and lists who
    would be a member through what, who is left out and why, and how many users each entry has.
  - Nothing is stored, and neither a plan nor a repository is needed.
  - An entry that is unknown or ambiguous is an error that lists candidates, and so is a selection of nobody.
author:
  - tenantvault contributors (@tenantvault)
extends_documentation_fragment:
  - tenantvault.m365_backup._attributes
  - tenantvault.m365_backup._attributes.m365
  - tenantvault.m365_backup._budget
  - tenantvault.m365_backup._connection
  - tenantvault.m365_backup._passphrase
  - tenantvault.m365_backup._selection
  - tenantvault.m365_backup._state
  - tenantvault.m365_backup._storage
attributes:
  check_mode:
    support: full
    details: Nothing is changed in either mode. The directory is read in both.
  diff_mode:
    support: N/A
    details: Nothing is changed.
  idempotent:
    support: N/A
    details: Nothing is changed.
options:
  backup_type:
    description:
      - What is to be backed up of the members, V(mailbox) or V(onedrive). It says which licence counts. The kinds of mailboxes
        are only looked up for V(mailbox).
    type: str
    choices: [mailbox, onedrive]
    default: mailbox
notes:
  - The options for the host and the repository are accepted so that the same C(module_defaults) serve all modules of the action
    group. They are not used.
seealso:
  - module: tenantvault.m365_backup.m365_group_backup_plan
  - ref: ansible_collections.tenantvault.m365_backup.docsite.permissions
    description: What the application has to be allowed to see.
"""

EXAMPLES = r"""
- name: See who would be backed up
  tenantvault.m365_backup.m365_directory_info:
    groups:
      - Sales
      - marketing@example.com
    exclude:
      groups:
        - Sales Interns
  register: preview

- name: Show why somebody is not a member
  ansible.builtin.debug:
    msg: "{{ preview.left_out | selectattr('principal_name', 'equalto', 'gil@example.com') }}"

- name: List all room and equipment mailboxes of a department
  tenantvault.m365_backup.m365_directory_info:
    user_filter: department eq 'Facilities'
    mailbox_kinds:
      - room
      - equipment

- name: See how many users with a licence for OneDrive an organizational unit has
  tenantvault.m365_backup.m365_directory_info:
    backup_type: onedrive
    on_premises_ous:
      - OU=Sales,DC=example,DC=com
    licensed_only: true

- name: Check a list of users that was downloaded from an admin center
  tenantvault.m365_backup.m365_directory_info:
    users_csv: /root/exportUsers.csv
"""

RETURN = r"""
members:
  description: Who would be a member, by sign-in name.
  type: list
  elements: dict
  returned: success
  contains:
    id:
      description: The object id of the user in Entra.
      type: str
      sample: 7f3c1b2a-9d4e-4a55-8a61-0f5f0f5c2d10
    principal_name:
      description: The sign-in name. It is the object id where the application may not see more.
      type: str
      sample: alice@example.com
    display_name:
      description: The name that people see.
      type: str
      sample: Alice Adams
    mail:
      description: The mail address, or null.
      type: str
      sample: alice@example.com
    via:
      description: Which entries of the selection cover the user.
      type: list
      elements: str
      sample: ["user alice@example.com", "group Sales"]
    kind:
      description:
        - The kind of the mailbox, V(user), V(shared), V(room), V(equipment) or V(other). It is null where nobody could tell, and for
          O(backup_type=onedrive).
      type: str
      sample: user
    is_blocked:
      description: Whether the user cannot sign in. What the user has can be backed up all the same.
      type: bool
      sample: false
    is_licensed:
      description: Whether the user has a licence for what is backed up. It is null where the application may not see that.
      type: bool
      sample: true
left_out:
  description: Who was chosen and is no member, by sign-in name.
  type: list
  elements: dict
  returned: success
  contains:
    id:
      description: The object id of the user in Entra.
      type: str
      sample: 0a1d9c64-52fb-4c7e-b2c9-6a8f0e7d3b21
    principal_name:
      description: The sign-in name.
      type: str
      sample: gil_partner.example#EXT#@example.com
    display_name:
      description: The name that people see.
      type: str
      sample: Gil
    via:
      description: Which entries of the selection chose the user.
      type: list
      elements: str
      sample: ["group Sales"]
    reason:
      description:
        - Why the user is left out. V(excluded), V(guest), V(unlicensed) with O(licensed_only), or V(mailbox_kind) with O(mailbox_kinds).
      type: str
      sample: guest
    by:
      description: Which entries of O(exclude) exclude the user.
      type: list
      elements: str
      sample: []
entries:
  description: What the entries of the selection are in the directory. Users that are named themselves are not among them.
  type: list
  elements: dict
  returned: success
  contains:
    selector:
      description: What it is, C(group), C(administrative unit), C(user filter), C(on-premises OU) or C(all users).
      type: str
      sample: group
    name:
      description: Its name in the directory. It is null where it has none.
      type: str
      sample: Sales
    id:
      description: Its object id. It is null where it has none.
      type: str
      sample: 5b6c9d1e-0c3f-4f2a-9d0b-1f7a4be6d2c8
    users:
      description: How many users it has, with those of nested groups. Of an excluded organizational unit it is how many of the chosen ones.
      type: int
      sample: 42
    is_exclusion:
      description: Whether it is an entry of O(exclude).
      type: bool
      sample: false
    group_kind:
      description:
        - The kind of a group. V(microsoft_365), V(security), V(mail_enabled_security), V(distribution), or V(unknown) where the application
          may not see it. It is null for everything else.
      type: str
      sample: microsoft_365
    is_dynamic:
      description: Whether the members of a group are computed by a rule. It is null for everything else.
      type: bool
      sample: false
seats:
  description: How many seats a plan with these members would use by itself.
  type: dict
  returned: success
  contains:
    used:
      description: One for each user. A mailbox of which nobody could tell the kind counts, too.
      type: int
      sample: 40
    free:
      description: How many shared, room and equipment mailboxes there are besides.
      type: int
      sample: 2
problems:
  description: A sentence for each entry that is unknown or ambiguous, with candidates.
  type: list
  elements: str
  returned: failure for such entries
  sample: ["The directory has no group 'Salse'. Did you mean Sales (5b6c9d1e-0c3f-4f2a-9d0b-1f7a4be6d2c8)?"]
msg:
  description: The result in a sentence, or why the task failed.
  type: str
  returned: always
  sample: The selection covers 42 members, who use 40 seats. 1 user who is chosen is left out (1 as guests).
"""

import typing as t

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._arguments import (
    ArgumentSpec,
    group_arguments,
    run_module,
    selection_arguments,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._parameters import tenant_connector
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.document import selection_from_dict
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import BackupType
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.resolve import resolve_selection
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.selection_options import declared_selection
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.selection_preview import preview_result

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

OPTIONS = ArgumentSpec(
    options={"backup_type": {"type": "str", "choices": [each.value for each in BackupType], "default": BackupType.MAILBOX.value}},
)


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Do what the task declares."""
    params = module.params
    connect = tenant_connector(params)
    selection = selection_from_dict({**declared_selection(params), "backup_type": params["backup_type"]})
    with connect() as client:
        resolution = resolve_selection(client, selection, BackupType(params["backup_type"]))
    for warning in resolution.warnings:
        module.warn(warning)
    return preview_result(resolution)


def main() -> None:
    """Entry point of the module."""
    run_module(OPTIONS.merge(group_arguments(), selection_arguments()), run)


if __name__ == "__main__":
    main()
