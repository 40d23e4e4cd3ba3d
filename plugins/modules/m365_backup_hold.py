#!/usr/bin/python
# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: m365_backup_hold
short_description: Protect restore points of a plan from being pruned
version_added: 1.0.0
description:
  - Sets or releases a hold, also called a legal hold, on restore points of a group backup plan. A restore point that has a hold is not
    removed by M(tenantvault.m365_backup.m365_backup_prune), whatever the retention of the plan says, until each of its holds is released.
  - Holds lie in the repository, as tags of its snapshots. So they count for every host that uses the repository, survive the loss of
    a host, and C(restic snapshots) shows them. Each hold is a tag C(hold:<label>), and restore points with at least one have the tag
    C(hold), too.
  - A hold protects whole restore points, with all members of the group. It cannot protect a single mailbox.
  - A hold covers the restore points that exist when the task runs. To protect what later runs store, run the task again after them.
author:
  - tenantvault contributors (@tenantvault)
extends_documentation_fragment:
  - tenantvault.m365_backup._attributes
  - tenantvault.m365_backup._attributes.m365
  - tenantvault.m365_backup._budget
  - tenantvault.m365_backup._connection
  - tenantvault.m365_backup._passphrase
  - tenantvault.m365_backup._plan
  - tenantvault.m365_backup._state
  - tenantvault.m365_backup._storage
options:
  label:
    description:
      - What the hold is for, such as the number of a case. 1 to 100 printable characters without a comma.
      - It is stored encrypted.
      - A restore point can have several holds with different labels. Each is released by its own label.
    type: str
    required: true
  state:
    description:
      - V(present) sets the hold on the chosen restore points.
      - V(absent) releases it. If nothing is chosen, it is released from each restore point of the plan that has it.
    type: str
    choices: [present, absent]
    default: present
  snapshots:
    description:
      - The restore points, each by its id, by at least the first 8 characters of its id, or as V(latest).
      - An id stays valid when a hold gives the snapshot another one, see RV(snapshots[].original_id).
    type: list
    elements: str
  since:
    description:
      - Choose the restore points that were made at or after this time. A date such as V(2026-05-17) means its beginning.
      - Times are those of the time zone of the plan, unless they name another, as in V(2026-05-17T08:00:00+02:00).
    type: str
  up_to:
    description:
      - Choose the restore points that were made at or before this time. A date means its end.
      - See O(since) for how to write it.
    type: str
  member:
    description:
      - Choose the restore points that hold anything of this member, by object id or user principal name. That includes restore points
        in which the mailbox could not be read and an older state was carried over, and those made after the member has left.
      - It can be combined with O(since) and O(up_to).
    type: str
  lock_timeout:
    description:
      - How many seconds to wait while runs or restores use the repository.
      - As long as a run writes, no prune can remove anything. So nothing is lost while the task waits.
    type: int
    default: 600
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
notes:
  - Setting a hold does not connect to the tenant. The options for the connection are accepted so that the same C(module_defaults)
    serve all modules of the action group.
  - Who can delete files in the storage, or run C(restic forget) without C(--keep-tag hold), can remove a restore point in spite of
    its hold. Against that, use a storage that keeps files for a fixed time, such as a bucket with Object Lock.
seealso:
  - module: tenantvault.m365_backup.m365_backup_prune
  - ref: ansible_collections.tenantvault.m365_backup.docsite.retention_and_holds
    description: How long restore points are kept, and what protects them.
"""

EXAMPLES = r"""
- name: Keep everything of the first quarter for a case
  tenantvault.m365_backup.m365_backup_hold:
    plan: sales-and-marketing
    passphrase: "{{ m365_backup_passphrase }}"
    label: case 2026-117
    since: "2026-01-01"
    up_to: "2026-03-31"

- name: Keep each restore point that holds anything of a member
  tenantvault.m365_backup.m365_backup_hold:
    plan: sales-and-marketing
    passphrase: "{{ m365_backup_passphrase }}"
    label: case 2026-117
    member: adele@example.com

- name: Keep the newest restore point before a migration
  tenantvault.m365_backup.m365_backup_hold:
    plan: sales-and-marketing
    passphrase: "{{ m365_backup_passphrase }}"
    label: before migration
    snapshots:
      - latest

- name: Release whatever was held for the case
  tenantvault.m365_backup.m365_backup_hold:
    plan: sales-and-marketing
    passphrase: "{{ m365_backup_passphrase }}"
    label: case 2026-117
    state: absent
"""

RETURN = r"""
plan:
  description: The name of the plan.
  type: str
  returned: success
  sample: sales-and-marketing
label:
  description: The label of the hold.
  type: str
  returned: success
  sample: case 2026-117
snapshots:
  description: Each restore point that was chosen, oldest first.
  type: list
  elements: dict
  returned: success
  sample:
    - id: 81d4c0f3a5b6978812fe34dc56ba7890a1b2c3d4e5f60718293a4b5c6d7e8f90
      original_id: 3bd1f5d3f0f6b4a9c8c5f6dd1f0e2c4a1b2c3d4e5f60718293a4b5c6d7e8f901
      time: "2026-02-03T22:30:05+01:00"
      holds: [case 2026-117]
      changed: true
  contains:
    id:
      description:
        - The id of the snapshot in the repository after the task.
        - Snapshots are never rewritten in place. One that gets other tags becomes a file with a new id, and the old file is removed.
      type: str
      returned: success
    original_id:
      description: The id that it was made with. It stays, and all modules that take the id of a restore point accept it.
      type: str
      returned: success
    time:
      description: When it was made, in the time zone of the plan.
      type: str
      returned: success
    holds:
      description: The labels of all its holds after the task. In check mode, those that it would have.
      type: list
      elements: str
      returned: success
    changed:
      description: Whether the hold was set or released by this task, or would be in check mode.
      type: bool
      returned: success
snapshots_changed:
  description: How many of them were changed, or would be in check mode.
  type: int
  returned: success
  sample: 12
msg:
  description: What the task did, in a sentence.
  type: str
  returned: success
  sample: 12 restore points of plan sales-and-marketing were held for case 2026-117; 0 already had the hold.
"""

import typing as t

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._arguments import (
    ArgumentSpec,
    group_arguments,
    plan_reference_arguments,
    run_module,
    wants_diff,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._parameters import plan_store, read_passphrase, storage_credentials
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.holding import HoldRequest, change_holds, hold_result
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.repository_access import open_plan_repository

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

OPTIONS = ArgumentSpec(
    options={
        "label": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "snapshots": {"type": "list", "elements": "str"},
        "since": {"type": "str"},
        "up_to": {"type": "str"},
        "member": {"type": "str"},
        "lock_timeout": {"type": "int", "default": 600},
    },
    mutually_exclusive=(("snapshots", "since"), ("snapshots", "up_to"), ("snapshots", "member")),
    required_if=(("state", "present", ("snapshots", "since", "up_to", "member"), True),),
)


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Do what the task declares."""
    params = module.params
    stored = plan_store(params).find(params["plan"])
    repository = open_plan_repository(stored, read_passphrase(params, stored.plan), storage_credentials(params))
    request = HoldRequest(
        label=params["label"],
        is_present=params["state"] == "present",
        snapshots=None if params["snapshots"] is None else tuple(params["snapshots"]),
        since=params["since"],
        up_to=params["up_to"],
        member=params["member"],
    )
    held = change_holds(repository, stored.plan, request, is_check=module.check_mode, lock_timeout=params["lock_timeout"])
    return hold_result(held, stored.plan, request, is_check=module.check_mode, diff=wants_diff(module))


def main() -> None:
    """Entry point of the module."""
    run_module(OPTIONS.merge(group_arguments(), plan_reference_arguments()), run)


if __name__ == "__main__":
    main()
