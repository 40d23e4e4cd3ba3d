#!/usr/bin/python
# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: m365_backup_snapshot_info
short_description: List the restore points of a group backup plan, what each holds, and what retention says of it
version_added: 1.0.0
description:
  - Lists the restore points of a plan with the time, the outcome and the counts of the run that left each of them, the state of its
    members, its holds, and whether the next M(tenantvault.m365_backup.m365_backup_prune) would keep it, and why.
  - Says of one member, or of all, in which restore points there is anything, and whether it is whole.
  - It does not connect to the tenant, and changes nothing. What is damaged is said in warnings and hides nothing else.
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
  latest:
    description:
      - Only the newest of the restore points that the other options leave. What an interrupted run has left counts only when
        there is nothing else.
    type: bool
    default: false
  since:
    description:
      - Only restore points that were made at this time or later, such as V(2026-05-17) or V(2026-05-17T08:00:00+02:00).
      - It is in the time zone of the plan unless it names another.
    type: str
  up_to:
    description:
      - Only restore points that were made at this time or earlier. A date means the end of that day.
    type: str
  member:
    description:
      - Only restore points that hold anything of this member, by sign-in name or object id. The member may have left.
      - The state of this member is in RV(snapshots[].members).
    type: str
  details:
    description:
      - Whether RV(snapshots[].members) lists everybody. In a large group with many restore points the result is large.
    type: bool
    default: false
  lock_timeout:
    description:
      - How many seconds to wait while a prune has the repository for itself.
      - The default is ten minutes, which most prunes need less than.
    type: int
    default: 600
attributes:
  check_mode:
    support: full
    details: Nothing is changed in either mode. In check mode not even a lock is put into the repository.
  diff_mode:
    support: N/A
    details: Nothing is changed.
  idempotent:
    support: N/A
    details: Nothing is changed.
notes:
  - The options for the connection are accepted so that the same C(module_defaults) serve all modules of the action group.
seealso:
  - module: tenantvault.m365_backup.m365_backup_item_info
  - module: tenantvault.m365_backup.m365_backup_coverage_info
  - module: tenantvault.m365_backup.m365_backup_restore
  - module: tenantvault.m365_backup.m365_backup_prune
"""

EXAMPLES = r"""
- name: List all restore points of a plan
  tenantvault.m365_backup.m365_backup_snapshot_info:
    plan: Sales
    passphrase_file: /etc/m365_backup/passphrase

- name: Find the last restore point of September with anything of Adele
  tenantvault.m365_backup.m365_backup_snapshot_info:
    plan: Sales
    passphrase_file: /etc/m365_backup/passphrase
    member: adele@example.com
    up_to: "2026-09-30"
    latest: true
  register: found

- name: Restore it
  tenantvault.m365_backup.m365_backup_restore:
    plan: Sales
    passphrase_file: /etc/m365_backup/passphrase
    member: adele@example.com
    snapshot: "{{ found.snapshots[0].id }}"
    target_path: /srv/restored
"""

RETURN = r"""
plan:
  description: The name of the plan.
  type: str
  returned: success
  sample: sales
repository:
  description: The location of the repository.
  type: str
  returned: success
  sample: /srv/backup/m365
snapshots:
  description: The restore points that were asked for, oldest first.
  type: list
  elements: dict
  returned: success
  sample:
    - id: 3bd1f5d3f0f6b4a9c8c5f6dd1f0e2c4a1b2c3d4e5f60718293a4b5c6d7e8f901
      original_id: 3bd1f5d3f0f6b4a9c8c5f6dd1f0e2c4a1b2c3d4e5f60718293a4b5c6d7e8f901
      time: "2026-10-01T22:30:07+02:00"
      title: Sales
      host: backup1
      run_id: 20261001T203000Z-3f9a1c
      outcome: partial
      is_checkpoint: false
      holds: []
      kept: true
      reasons: [daily 3 of 14]
      member_counts:
        active: 41
        good: 39
        findings: 1
        stale: 1
        unfinished: 0
        not_read: 0
        former: 2
      counts:
        total: 812345
        added: 1204
        updated: 310
        moved: 41
        removed: 87
        fetched: 1514
        fetched_bytes: 98304321
        stored_bytes: 40213377
  contains:
    id:
      description: The id of the snapshot in the repository.
      type: str
      returned: always
    original_id:
      description: The id that it was made with. It stays, also when holds are set and released, and all modules accept it.
      type: str
      returned: always
    time:
      description: When it was made, in the time zone of the plan.
      type: str
      returned: always
    title:
      description: The title that the plan had, which is the name of the top directory in it.
      type: str
      returned: always
    host:
      description: The host that made it.
      type: str
      returned: always
    run_id:
      description: The run that left it.
      type: str
      returned: always
    outcome:
      description: How that run ended, V(complete), V(partial), V(failed), or V(checkpoint) when it came to no end.
      type: str
      returned: always
    is_checkpoint:
      description: Whether it was left by a run that came to no end.
      type: bool
      returned: always
    holds:
      description: The labels of the holds that protect it.
      type: list
      elements: str
      returned: always
    kept:
      description: Whether the next prune would keep it, V(null) when that cannot be told because of damage.
      type: bool
      returned: always
    reasons:
      description: Each rule that keeps it, or why it goes.
      type: list
      elements: str
      returned: always
    member_counts:
      description:
        - How many members it has by the worst state of their sources, C(not_read) of whom nothing was read yet, and C(former)
          that had left.
        - V(null) when that cannot be read.
      type: dict
      returned: always
    counts:
      description: The items of all members in it and what the run did to them. Empty for a checkpoint.
      type: dict
      returned: always
    members:
      description: The state of O(member), or of everybody with O(details).
      type: list
      elements: dict
      returned: when O(member) is given or O(details=true)
      contains:
        id:
          description: The object id of the user.
          type: str
          returned: always
        principal_name:
          description: The sign-in name at that time.
          type: str
          returned: always
        display_name:
          description: The display name at that time.
          type: str
          returned: always
        kind:
          description: What the mailbox is for, V(null) where it is not known.
          type: str
          returned: always
        via:
          description: The declared entries that cover the member.
          type: list
          elements: str
          returned: always
        left:
          description: When a run found that the member had left, V(null) for a member.
          type: str
          returned: always
        left_reason:
          description: Why the member has left, V(null) where it is not known.
          type: str
          returned: always
        is_stored:
          description: Whether the restore point holds anything of the member.
          type: bool
          returned: always
        sources:
          description:
            - The state of each source by its name.
            - C(status) is V(good), V(findings) when single items are missing, V(stale) when the run could not read it and it is the
              last good state, or V(unfinished) when it is half read.
            - C(last_success) is when it was last read to its end and something had changed.
            - C(is_incomplete) says that the repository has lost a part of it, and C(availability) what else is to be said,
              such as V(no_archive).
          type: dict
          returned: always
snapshots_total:
  description: How many restore points the plan has.
  type: int
  returned: success
  sample: 27
msg:
  description: How many there are, in a sentence.
  type: str
  returned: success
  sample: "27 restore points of plan sales listed, of 27; the next prune would remove 4 of those listed."
"""

import contextlib
import datetime
import typing as t

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._arguments import (
    ArgumentSpec,
    group_arguments,
    plan_reference_arguments,
    run_module,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._parameters import plan_store, read_passphrase, storage_credentials
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.point_list import PointWish, list_points, point_list_result
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.repository_access import open_plan_repository

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

OPTIONS = ArgumentSpec(
    options={
        "latest": {"type": "bool", "default": False},
        "since": {"type": "str"},
        "up_to": {"type": "str"},
        "member": {"type": "str"},
        "details": {"type": "bool", "default": False},
        "lock_timeout": {"type": "int", "default": 600},
    },
)


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Do what the task declares."""
    params = module.params
    stored = plan_store(params).find(params["plan"])
    wish = PointWish(
        latest=params["latest"], since=params["since"], up_to=params["up_to"], member=params["member"], is_detailed=params["details"]
    )
    repository = open_plan_repository(stored, read_passphrase(params, stored.plan), storage_credentials(params))
    with contextlib.nullcontext() if module.check_mode else repository.reading(lock_timeout=params["lock_timeout"]):
        found = list_points(repository, stored.plan, wish, now=datetime.datetime.now(datetime.timezone.utc))
    for warning in found.warnings:
        module.warn(warning)
    return point_list_result(found, stored.plan, wish)


def main() -> None:
    """Entry point of the module."""
    run_module(OPTIONS.merge(group_arguments(), plan_reference_arguments()), run)


if __name__ == "__main__":
    main()
