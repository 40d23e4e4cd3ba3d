#!/usr/bin/python
# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: m365_backup_prune
short_description: Remove the restore points of a plan that its retention does not keep
version_added: 1.0.0
description:
  - Decides about each restore point of a group backup plan, says why, and removes those that no retention rule keeps,
    together with all data in the repository that nothing else needs.
  - The last good state of each source of each member stays whatever the rules say, also of members that have left the plan.
    It is kept in the newest restore point that holds it.
  - What is stored of former members goes only where the plan declares C(leavers) with C(expire_after_days) and their time has come, or
    a task names them in O(remove_members). Then each restore point that stays is rewritten without them. It keeps its time, its tags
    and its place in the history, and is found by its first id.
  - What M(tenantvault.m365_backup.m365_backup_hold) protects stays, with all members that are in it.
  - Checkpoints of interrupted runs go as soon as a later run has finished, unless they hold the last good state of a member.
  - A clock that is wrong must not make restore points expire. Days are counted back from the newest restore point, not from
    today, and a restore point that is dated in the future stays without counting for any rule.
  - A prune that would remove much of the history stops before anything is touched. See O(max_delete_percent).
  - Only restore points of this plan are removed. Those of other plans in the same repository, and whatever restic itself has
    backed up into it, stay.
  - While a run writes to the repository, pruning waits for O(lock_timeout). A prune that was interrupted is finished by the next one.
author:
  - tenantvault contributors (@tenantvault)
extends_documentation_fragment:
  - tenantvault.m365_backup._attributes
  - tenantvault.m365_backup._attributes.m365
  - tenantvault.m365_backup._budget
  - tenantvault.m365_backup._connection
  - tenantvault.m365_backup._passphrase
  - tenantvault.m365_backup._plan
  - tenantvault.m365_backup._progress
  - tenantvault.m365_backup._state
  - tenantvault.m365_backup._storage
options:
  max_delete_percent:
    description:
      - How much of its history a plan may lose in one task, in percent of the days that have a restore point now. A prune that would
        take more fails with the exact figures and removes nothing.
      - It catches a retention that was shortened by mistake, and a host with a wrong clock. If the removal is what you want, look at
        the list of RV(snapshots) in the failed result, and run the task once with a larger value, V(100) for whatever it is.
      - It also stops a prune that would remove the backups of more than one and of more than 20 percent of the members of the
        newest restore point. A value above the default allows so many percent of them for this task.
      - Restore points of one day count as one, so thinning out the restore points of a day costs nothing. Up to five days may always go.
      - The result is the same in check mode.
    type: int
    default: 50
  remove_members:
    description:
      - Former members of whom everything goes that is stored, from all restore points of the plan that no hold protects. Each by
        the user principal name that it had last, or by object id.
      - Somebody who is a member is refused. Exclude the user in the plan, and run the plan once before.
      - Refused, too, where the plan declares C(leavers) with C(keep_forever).
      - What other members have as well, such as the same message, stays for them.
      - This cannot be undone. Look at RV(members_removed) in check mode first.
    type: list
    elements: str
    default: []
  accept_missing:
    description:
      - Prune although parts of the restore points are lost for good.
      - Without it, pruning refuses to touch a repository in which anything is missing that a restore point needs.
      - Give it only after M(tenantvault.m365_backup.m365_backup_verify) with repair has named what is lost, and a run afterwards
        could not bring it back from the mailboxes. Nothing that can be reached is removed because of it, but what lies below a
        directory that is lost cannot be reached any more, and goes.
    type: bool
    default: false
  lock_timeout:
    description:
      - How many seconds to wait while runs or restores use the repository.
    type: int
    default: 600
attributes:
  check_mode:
    support: full
    details: >-
      Lists exactly the restore points that would go, the former members, and how much space that would free. Fails where the real task
      would.
  diff_mode:
    support: full
  idempotent:
    support: full
    details: Restore points also expire because time passes.
notes:
  - Pruning does not connect to the tenant. The options for the connection are accepted so that the same C(module_defaults)
    serve all modules of the action group.
seealso:
  - module: tenantvault.m365_backup.m365_backup_hold
  - module: tenantvault.m365_backup.m365_group_backup_plan
  - module: tenantvault.m365_backup.m365_backup_run
"""

EXAMPLES = r"""
- name: Remove what the retention of the plan does not keep
  tenantvault.m365_backup.m365_backup_prune:
    plan: sales-and-marketing
    passphrase: "{{ m365_backup_passphrase }}"

- name: Only list what would be removed
  tenantvault.m365_backup.m365_backup_prune:
    plan: Sales and Marketing
    passphrase_file: /etc/m365_backup/passphrase
  check_mode: true
  register: preview

- name: Remove everything that is stored of somebody who has left
  tenantvault.m365_backup.m365_backup_prune:
    plan: Sales and Marketing
    passphrase_file: /etc/m365_backup/passphrase
    remove_members:
      - bob@contoso.com

- name: Remove what was listed, although it is most of the history
  tenantvault.m365_backup.m365_backup_prune:
    plan: Sales and Marketing
    passphrase_file: /etc/m365_backup/passphrase
    max_delete_percent: 95
"""

RETURN = r"""
plan:
  description: The name of the plan.
  type: str
  returned: success
  sample: sales-and-marketing
repository:
  description: The location of the repository.
  type: str
  returned: success
  sample: /srv/backup/m365
snapshots:
  description: Each restore point that the plan had before, oldest first, with what was decided about it.
  type: list
  elements: dict
  returned: success, and when O(max_delete_percent) stopped the task
  sample:
    - id: 3bd1f5d3f0f6b4a9c8c5f6dd1f0e2c4a1b2c3d4e5f60718293a4b5c6d7e8f901
      time: "2026-10-01T22:30:07+02:00"
      kept: true
      is_checkpoint: false
      holds: []
      reasons: [daily 3 of 14, weekly 1 of 8]
    - id: 81d4c0f3a5b6978812fe34dc56ba7890a1b2c3d4e5f60718293a4b5c6d7e8f90
      time: "2026-08-03T22:30:05+02:00"
      kept: false
      is_checkpoint: false
      holds: []
      reasons: [no retention rule keeps it]
  contains:
    id:
      description: The id of the snapshot in the repository.
      type: str
      returned: success
    time:
      description: When it was made, in the time zone of the plan.
      type: str
      returned: success
    kept:
      description: Whether it stays.
      type: bool
      returned: success
    is_checkpoint:
      description: Whether it was left by a run that was interrupted.
      type: bool
      returned: success
    holds:
      description: The labels of the holds that protect it.
      type: list
      elements: str
      returned: success
    reasons:
      description: Each rule that keeps it, or why it goes.
      type: list
      elements: str
      returned: success
snapshots_kept:
  description: How many restore points of the plan stay.
  type: int
  returned: success
  sample: 23
snapshots_removed:
  description: How many restore points of the plan were removed, or would be in check mode.
  type: int
  returned: success
  sample: 4
members_removed:
  description: The former members whose backups were removed, or would be in check mode.
  type: list
  elements: dict
  returned: success, and when O(max_delete_percent) stopped the task
  sample:
    - id: 5b1f3a52-7a4e-4e43-9d63-1f0a5f4f9a77
      principal_name: bob@contoso.com
      display_name: Bob Ray
      left: "2025-11-20T22:30:00+00:00"
      reason: deleted
      deleted: "2025-11-20T09:12:44+00:00"
      expires: "2026-11-20T22:30:00+00:00"
      cause: expired
      restore_points: 23
      held_restore_points: 0
  contains:
    id:
      description: The object id that the account has or had in the directory.
      type: str
      returned: success
    principal_name:
      description: The last user principal name.
      type: str
      returned: success
    display_name:
      description: The last display name.
      type: str
      returned: success
    left:
      description: When a run found that the member had left, in UTC.
      type: str
      returned: success
    reason:
      description: Why, as in the results of M(tenantvault.m365_backup.m365_backup_run).
      type: str
      returned: success
    deleted:
      description: When Entra deleted the account, null where it did not.
      type: str
      returned: success
    expires:
      description: From when on the policy of the plan has the backup removed, null where it does not.
      type: str
      returned: success
    cause:
      description: V(expired), or V(by_hand) for O(remove_members).
      type: str
      returned: success
    restore_points:
      description: From how many restore points that stay the backup goes.
      type: int
      returned: success
    held_restore_points:
      description: In how many it stays, because a hold protects them.
      type: int
      returned: success
bytes_freed:
  description:
    - By how many bytes the data in the repository gets smaller, not counting the small files of its index and its snapshots.
    - It can be negative by some kilobytes where members were removed of whom nothing was stored that others have not, too.
  type: int
  returned: success
  sample: 734003200
bytes_rewritten:
  description: How many bytes are written again, because they lie in one file with data that goes.
  type: int
  returned: success
  sample: 16777216
msg:
  description: What the task did, in a sentence.
  type: str
  returned: success
  sample: "4 of 27 restore points of plan sales-and-marketing were removed; that freed 700.0 MiB."
"""

import datetime
import typing as t

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._arguments import (
    ArgumentSpec,
    ReportedFailure,
    group_arguments,
    metered,
    noted_as,
    plan_reference_arguments,
    progress_arguments,
    run_module,
    wants_diff,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._parameters import plan_store, read_passphrase, storage_credentials
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.pruning import (
    PruneOptions,
    plan_pruning,
    prune_plan,
    pruning_result,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.repository_access import open_plan_repository

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

OPTIONS = ArgumentSpec(
    options={
        "max_delete_percent": {"type": "int", "default": 50},
        "remove_members": {"type": "list", "elements": "str", "default": []},
        "accept_missing": {"type": "bool", "default": False},
        "lock_timeout": {"type": "int", "default": 600},
    }
)


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Do what the task declares."""
    params = module.params
    stored = plan_store(params).find(params["plan"])
    repository = open_plan_repository(stored, read_passphrase(params, stored.plan), storage_credentials(params))
    options = PruneOptions(
        now=datetime.datetime.now(datetime.timezone.utc),
        max_delete_percent=params["max_delete_percent"],
        accept_missing=params["accept_missing"],
        remove_members=tuple(params["remove_members"]),
    )
    if module.check_mode:
        pruning = plan_pruning(repository, stored.plan, options)
    else:
        with metered(module, "prune") as meter:
            pruning = prune_plan(repository, stored.plan, options, lock_timeout=params["lock_timeout"], advance=meter)
    for warning in pruning.warnings(options.now):
        module.warn(warning)
    result = pruning_result(pruning, stored.plan, check_mode=module.check_mode, diff=wants_diff(module))
    if pruning.refusal is not None:
        hint = (
            "If that is intended, run the task once with a larger max_delete_percent; snapshots and members_removed in"
            " this result say what would go, and why."
        )
        raise ReportedFailure(f"{pruning.refusal} {result.pop('msg')}", hint=hint, result=result)
    return result


def main() -> None:
    """Entry point of the module."""
    run_module(OPTIONS.merge(group_arguments(), plan_reference_arguments(), progress_arguments()), noted_as("prune", run))


if __name__ == "__main__":
    main()
