# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: latest_snapshot
short_description: The newest restore point of a group backup plan
version_added: 1.0.0
author:
  - tenantvault contributors (@tenantvault)
description:
  - Gives the id of the newest restore point of each plan that is named, or what is known of it, such as its time and its outcome.
  - What an interrupted run has left is no restore point. It counts only when the plan has nothing else.
  - A run that finds nothing new leaves no restore point. So its time does not tell when a plan has run last;
    M(tenantvault.m365_backup.m365_backup_coverage_info) tells that.
  - Lookups run on the controller. So the stored plans, the file of the passphrase, and a repository that lies in a folder must be there,
    as they are when the controller is the backup host, or an execution environment mounts them.
  - Nothing is changed. No connection to Microsoft 365 is used, and no lock is put into the repository.
extends_documentation_fragment:
  - tenantvault.m365_backup._passphrase
  - tenantvault.m365_backup._state
  - tenantvault.m365_backup._state.plugin
  - tenantvault.m365_backup._storage
options:
  _terms:
    description:
      - The plans, each by its name or its title, as M(tenantvault.m365_backup.m365_group_backup_plan) stored it.
    type: list
    elements: str
    required: true
  complete:
    description:
      - Only a restore point whose run ended without any finding. With O(member) it is enough that everything of that member was read
        without one.
    type: bool
    default: false
  member:
    description:
      - Only a restore point that has something of this member, by user principal name or object id. Members that left count, too.
    type: str
  facts:
    description:
      - Whether to give a dictionary with what is known of the restore point instead of its id alone.
    type: bool
    default: false
seealso:
  - plugin: tenantvault.m365_backup.m365_backup_members
    plugin_type: inventory
  - module: tenantvault.m365_backup.m365_backup_snapshot_info
    description: Lists all restore points, on the backup host.
"""

EXAMPLES = r"""
- name: Restore what Adele had when her mailbox was last read without a finding
  tenantvault.m365_backup.m365_backup_restore:
    plan: Sales
    member: adele@example.com
    snapshot: "{{ lookup('tenantvault.m365_backup.latest_snapshot', 'Sales', member='adele@example.com', complete=true) }}"
    target_path: /srv/restored

- name: Hold the newest restore points of two plans
  tenantvault.m365_backup.m365_backup_hold:
    plan: "{{ item.plan }}"
    label: case 2026-117
    snapshots: ["{{ item.id }}"]
  loop: "{{ query('tenantvault.m365_backup.latest_snapshot', 'Sales', 'Sales files', facts=true, passphrase_file=secret) }}"
  vars:
    secret: /etc/m365_backup/passphrase
"""

RETURN = r"""
_raw:
  description:
    - For each plan the id of the restore point, or with O(facts) a dictionary with C(id), C(original_id) (which stays when holds give it
      another id), C(plan) (its name), C(time) (ISO 8601 with its zone), C(outcome) (V(complete), V(partial), V(failed), or
      V(checkpoint) for what an interrupted run has left), and C(holds) (their labels).
    - With O(member), it also has C(member) with C(id), C(principal_name), C(display_name), C(left) (when the member left the plan),
      and C(sources) (each with its C(status) and its C(last_success)).
  type: list
  elements: raw
"""

import typing as t

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._deps import require_libraries
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._parameters import (
    Parameters,
    plan_store,
    read_passphrase,
    storage_credentials,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.latest_point import latest_point
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.repository_access import open_plan_repository
from ansible_collections.tenantvault.m365_backup.plugins.plugin_utils._options import checked_options, stored_plan_options

display = Display()


class LookupModule(LookupBase):
    """See C(DOCUMENTATION)."""

    def run(self, terms: list[str], variables: t.Mapping[str, t.Any] | None = None, **kwargs: t.Any) -> list[t.Any]:
        """One id or dictionary for each plan."""
        self.set_options(var_options=variables, direct=kwargs)
        try:
            require_libraries()
            params = checked_options(stored_plan_options(), self.get_options())
            return [self._newest(params, str(term)) for term in terms]
        except BackupError as error:
            raise AnsibleLookupError(str(error)) from error

    def _newest(self, params: Parameters, plan: str) -> t.Any:
        stored = plan_store(params).find(plan)
        repository = open_plan_repository(stored, read_passphrase(params, stored.plan), storage_credentials(params))
        found = latest_point(
            repository,
            stored.plan.name,
            complete=self.get_option("complete"),
            member=self.get_option("member"),
            warn=display.warning,
        )
        return found.as_dict() if self.get_option("facts") else found.snapshot.id
