#!/usr/bin/python
# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: m365_backup_verify
short_description: Verify that backups can be restored, and repair a damaged repository
version_added: 1.0.0
description:
  - Examines the repository of a group backup plan, as thoroughly as O(level) says. A finding names the object that is damaged, and the
    members, folders and items that suffer from it, with the restore points that hold them.
  - The whole repository is examined, with all plans in it and with whatever restic itself has backed up into it.
  - The task fails when something is damaged, unless O(fail_on_findings) is V(false). Untidiness that the next prune removes
    is a warning in the result, and no failure.
  - With O(repair) the repository is put in order, and what is lost for good is named. Nothing is ever deleted by it.
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
attributes:
  check_mode:
    support: full
    details:
      - Examines in the same way, but takes no lock, so that also a read-only copy can be verified.
      - With O(repair) it says what a repair would do, and what would stay lost.
      - With O(level=drill) the sample is read and compared in memory.
  diff_mode:
    support: none
    details: What is found and repaired is in the result.
  idempotent:
    support: full
    details: A repair that has put everything in order has nothing to do the next time.
options:
  level:
    description:
      - How thoroughly to look.
      - V(structure) reads keys, locks, restore points, the index and all directories, and compares the index with the files that
        are there. It finds what is missing or has the wrong size, and reads few of the data.
      - V(subset) also reads a part of the data, and checks each piece of it by its authentication code and its hash. See O(subset)
        and O(rotate_over).
      - V(data) reads all data.
      - V(drill) restores a sample of the latest restore point of the plan into a temporary folder, compares it with what the backup has
        recorded of it, and removes it again. What the malware scan has found to be infected is compared in memory instead.
        It proves that restoring works with the secret that you give. Give it the recovery
        key in O(recovery_key), to prove that this works, too.
    type: str
    choices: [structure, subset, data, drill]
    default: structure
  subset:
    description:
      - Which part of the data to read with O(level=subset), as V(n/t), such as V(3/7) for the third of seven parts. The parts are those of
        C(restic check --read-data-subset=n/t).
      - Mutually exclusive with O(rotate_over).
    type: str
  rotate_over:
    description:
      - In how many parts to read the data with O(level=subset), a part a day. The part follows from the date in UTC, so a task that runs
        each day reads all data every O(rotate_over) days.
      - This is how the part is chosen if O(subset) is not given.
      - Between 1 and 256.
    type: int
    default: 7
  repair:
    description:
      - Put in order what O(level) finds. Nothing happens if nothing is damaged.
      - A damaged or missing index is made again from the packs. Intact pieces of a damaged pack are saved into new packs. What is
        missing or damaged leaves the index, so that the next run stores it again when it meets it, which heals all restore points
        that need it. The damaged files are moved into the folder C(quarantine) of the repository, which you may delete when you no
        longer need it.
      - What the latest restore point has lost is noted in the repository. The next run reads lost items again from the mailbox, and the
        whole source, such as all mail, if more than single items is lost.
      - A damaged restore point is put aside, too. Restore its file from a copy of the storage first if there is one, since
        the next prune removes what only it needed.
      - A repair waits until no other task uses the repository. It cannot be interrupted in a way that makes things worse.
      - It cannot be used with O(level=drill).
    type: bool
    default: false
  fail_on_findings:
    description:
      - Whether the task fails when something is damaged and was not put in order.
      - With V(false) look at RV(outcome) in a later task.
    type: bool
    default: true
  recovery_key:
    description:
      - The recovery key of the repository. The drill opens the repository with it instead of the passphrase. The other levels
        prove that it opens the repository.
      - Mutually exclusive with O(recovery_key_file).
    type: str
  recovery_key_file:
    description:
      - A file on the host that runs the module, with the recovery key.
    type: path
  drill_members:
    description:
      - Of how many members a drill restores items, chosen at random.
    type: int
    default: 5
  drill_items:
    description:
      - How many items of each of their sources (mail, calendars, contacts and so on), chosen at random.
    type: int
    default: 20
  drill_seed:
    description:
      - What the random choice starts from. The same number chooses the same sample from the same restore point.
      - If not given, each drill takes another one, and returns it.
    type: int
  drill_path:
    description:
      - An existing folder on the host that runs the module, in which the drill makes its temporary folder. It holds plain items for a
        moment, and only the user that runs the module can read them.
      - If not given, the folder for temporary files of the system is used.
    type: path
  lock_timeout:
    description:
      - How many seconds to wait while other tasks use the repository. A prune keeps everybody out, and a repair needs the
        repository for itself.
    type: int
    default: 600
notes:
  - Verifying does not connect to the tenant. The options for the connection are accepted so that the same C(module_defaults)
    serve all modules of the action group.
seealso:
  - module: tenantvault.m365_backup.m365_backup_key
  - module: tenantvault.m365_backup.m365_backup_prune
  - module: tenantvault.m365_backup.m365_backup_restore
"""

EXAMPLES = r"""
- name: Every day read a seventh of the data, so that all of it is read once a week
  tenantvault.m365_backup.m365_backup_verify:
    plan: sales-and-marketing
    level: subset
    rotate_over: 7
    passphrase: "{{ m365_backup_passphrase }}"

- name: Read all data, and put in order what is damaged
  tenantvault.m365_backup.m365_backup_verify:
    plan: Sales and Marketing
    level: data
    repair: true
    passphrase_file: /etc/m365_backup/passphrase

- name: Prove that the recovery key from the safe restores mail
  tenantvault.m365_backup.m365_backup_verify:
    plan: sales-and-marketing
    level: drill
    recovery_key: "{{ recovery_key_from_the_safe }}"
    drill_members: 10
"""

RETURN = r"""
plan:
  description: The name of the plan.
  type: str
  returned: success or damage
  sample: sales-and-marketing
repository:
  description: The location of the repository.
  type: str
  returned: success or damage
  sample: /srv/backup/m365
level:
  description: How thoroughly it was looked at.
  type: str
  returned: success or damage
  sample: subset
subset:
  description: Which part of the data was read with O(level=subset).
  type: str
  returned: with O(level=subset)
  sample: 3/7
outcome:
  description:
    - V(sound) without damage, V(repaired) when there was damage that O(repair) could put in order without a loss, otherwise V(damaged).
  type: str
  returned: success or damage
  sample: damaged
snapshots:
  description: How many restore points of all plans and programs there are.
  type: int
  returned: if O(level) is not V(drill)
  sample: 27
packs:
  description: How many data files the repository has.
  type: int
  returned: if O(level) is not V(drill)
  sample: 412
packs_read:
  description: How many of them were read in full.
  type: int
  returned: if O(level) is not V(drill)
  sample: 59
bytes_read:
  description: How many bytes that were.
  type: int
  returned: if O(level) is not V(drill)
  sample: 989855744
blobs:
  description: How many pieces of content the index names.
  type: int
  returned: if O(level) is not V(drill)
  sample: 204113
trees:
  description: How many directories were read.
  type: int
  returned: if O(level) is not V(drill)
  sample: 9120
finding_count:
  description: How many findings there are.
  type: int
  returned: success or damage
  sample: 1
findings:
  description: What was found, damage first. At most a hundred.
  type: list
  elements: dict
  returned: success or damage
  contains:
    severity:
      description: V(error) for damage, V(warning) for what the next prune puts in order.
      type: str
      returned: always
    object:
      description: What is concerned, by its kind and id in the repository.
      type: str
      returned: always
    problem:
      description: What is wrong with it.
      type: str
      returned: always
    next_step:
      description: What to do.
      type: str
      returned: always
    affected_count:
      description: How many items suffer.
      type: int
      returned: always
    affected:
      description: The items that suffer, those of the newest restore points first. At most a hundred.
      type: list
      elements: dict
      returned: always
  sample:
    - severity: error
      object: pack 6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b
      problem: does not match its name, the hash of its content; it holds 1 of 212 blobs that cannot be read
      next_step: Restore the file from a copy of the storage if there is one.
      affected_count: 1
      affected:
        - kind: message
          name: the message "Quarterly numbers" in Inbox of Adele Vance (adele@contoso.com), received 2026-05-17 08:12:05 UTC
          plan: sales-and-marketing
          member: adele@contoso.com
          display_name: Adele Vance
          source: mail
          folder: Inbox
          subject: Quarterly numbers
          received: 2026-05-17 08:12:05 UTC
          path: /Sales and Marketing/adele@contoso.com/mail/Inbox/2026/05/17/081205-0f1e2d3c4b5a6978.eml
          snapshots: 12
          newest_snapshot:
            id: 3bd1f5d3f0f6b4a9c8c5f6dd1f0e2c4a1b2c3d4e5f60718293a4b5c6d7e8f901
            time: "2026-10-01T20:30:07+00:00"
          oldest_snapshot:
            id: 81d4c0f3a5b6978812fe34dc56ba7890a1b2c3d4e5f60718293a4b5c6d7e8f90
            time: "2026-05-17T20:30:05+00:00"
members:
  description: Who suffers, with the number of items.
  type: list
  elements: dict
  returned: if O(level) is not V(drill)
  sample:
    - plan: sales-and-marketing
      member: adele@contoso.com
      display_name: Adele Vance
      items: 1
repair:
  description: What the repair did, or would do in check mode. Null without O(repair).
  type: dict
  returned: if O(level) is not V(drill)
  contains:
    blobs_salvaged:
      description: How many intact pieces were saved out of damaged packs.
      type: int
      returned: always
    packs_indexed:
      description: How many packs came into the index again.
      type: int
      returned: always
    packs_dropped:
      description: How many packs are no longer in the index.
      type: int
      returned: always
    files_quarantined:
      description: How many files were put aside.
      type: int
      returned: always
    quarantined:
      description: Where they lie. At most a hundred; empty in check mode.
      type: list
      elements: str
      returned: always
    items_asked_for:
      description: How many lost items the next run reads again.
      type: int
      returned: always
    sources_read_again:
      description: How many sources of members the next run reads in full, since more than single items is lost.
      type: int
      returned: always
    restore_points_lost:
      description: The ids of the restore points that cannot be read and were put aside.
      type: list
      elements: str
      returned: always
    lost_count:
      description: How many items stay lost.
      type: int
      returned: always
    lost:
      description: These items, described as in RV(findings[].affected). At most a hundred.
      type: list
      elements: dict
      returned: always
  sample:
    blobs_salvaged: 211
    packs_indexed: 0
    packs_dropped: 1
    files_quarantined: 2
    quarantined: [/srv/backup/m365/quarantine/index/4e07, /srv/backup/m365/quarantine/data/6b86]
    items_asked_for: 1
    sources_read_again: 0
    restore_points_lost: []
    lost_count: 1
    lost: []
drill:
  description: What was restored and compared.
  type: dict
  returned: with O(level=drill)
  contains:
    snapshot:
      description: The restore point, with its id and time.
      type: dict
      returned: always
    seed:
      description: What the random choice started from.
      type: int
      returned: always
    opened_with:
      description: Which secret opened the repository, V(passphrase) or V(recovery key).
      type: str
      returned: always
    population:
      description: From how many members the sample was chosen.
      type: int
      returned: always
    items_restored:
      description: How many items were restored and compared.
      type: int
      returned: always
    bytes_restored:
      description: Their size.
      type: int
      returned: always
    members:
      description:
        - The members of the sample, how many items the restore point holds of each, by source, and the items that were sampled.
        - Of these also C(verdict), which is what the malware scan says of them.
      type: list
      elements: dict
      returned: always
  sample:
    snapshot:
      id: 3bd1f5d3f0f6b4a9c8c5f6dd1f0e2c4a1b2c3d4e5f60718293a4b5c6d7e8f901
      time: "2026-10-01T20:30:07+00:00"
    seed: 4711
    opened_with: recovery key
    population: 57
    items_restored: 1
    bytes_restored: 81920
    members:
      - member: adele@contoso.com
        display_name: Adele Vance
        items: {"mail": 2040}
        sampled:
          - source: mail
            folder: Inbox
            subject: Quarterly numbers
            received: 2026-05-17 08:12:05 UTC
            size: 81920
            verdict: clean
            problem: ""
msg:
  description: What was found and done, in some sentences.
  type: str
  returned: always
  sample: "The repository /srv/backup/m365 is sound: 27 restore points, 204,113 blobs, 59 packs of 412 read in full (944.0 MiB)."
"""

import dataclasses
import datetime
import secrets
import socket
import typing as t
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._arguments import (
    ArgumentSpec,
    ReportedFailure,
    group_arguments,
    metered,
    noted_as,
    plan_reference_arguments,
    progress_arguments,
    run_module,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._parameters import (
    plan_store,
    read_passphrase,
    read_secret_option,
    storage_credentials,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.verify_result import verification_result
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.verify_scope import Level, choose_scope
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.verifying import Task, verify
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.repository_access import open_plan_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.drill import DrillTask, run_drill
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.drill_result import drill_result

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.store import StoredPlan

OPTIONS = ArgumentSpec(
    options={
        "level": {"type": "str", "choices": [level.value for level in Level], "default": Level.STRUCTURE.value},
        "subset": {"type": "str"},
        "rotate_over": {"type": "int", "default": 7},
        "repair": {"type": "bool", "default": False},
        "fail_on_findings": {"type": "bool", "default": True},
        "recovery_key": {"type": "str", "no_log": True},
        "recovery_key_file": {"type": "path", "no_log": False},
        "drill_members": {"type": "int", "default": 5},
        "drill_items": {"type": "int", "default": 20},
        "drill_seed": {"type": "int"},
        "drill_path": {"type": "path"},
        "lock_timeout": {"type": "int", "default": 600},
    },
    mutually_exclusive=(("recovery_key", "recovery_key_file"),),
)


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Do what the task declares."""
    stored = plan_store(module.params).find(module.params["plan"])
    look = _drill if Level(module.params["level"]) is Level.DRILL else _verify
    result = {"plan": stored.plan.name, "repository": stored.plan.repository, "level": module.params["level"], **look(module, stored)}
    if result["outcome"] == "damaged":
        message = result.pop("msg")
        if module.params["fail_on_findings"]:
            raise ReportedFailure(message, result=result)
        module.warn(message)
        result["msg"] = message
    return result


def _verify(module: AnsibleModule, stored: StoredPlan) -> dict[str, t.Any]:
    params = module.params
    scope = choose_scope(Level(params["level"]), params["subset"], params["rotate_over"], _now())
    task = Task(
        run_id=f"verify-{_now():%Y%m%dT%H%M%SZ}",
        hostname=socket.gethostname(),
        now=_now,
        lock_timeout=params["lock_timeout"],
        is_check=module.check_mode,
    )
    recovery_key = read_secret_option(params, "recovery_key")
    repository = open_plan_repository(stored, read_passphrase(params, stored.plan), storage_credentials(params))
    with metered(module, "verify") as meter:
        task = dataclasses.replace(task, advance=meter)
        found = verify(repository, scope, recovery_key=recovery_key, wants_repair=params["repair"], task=task)
    return verification_result(found, scope, stored.plan.repository, is_check=module.check_mode)


def _drill(module: AnsibleModule, stored: StoredPlan) -> dict[str, t.Any]:
    params = module.params
    recovery_key = read_secret_option(params, "recovery_key")
    repository = open_plan_repository(stored, recovery_key or read_passphrase(params, stored.plan), storage_credentials(params))
    task = DrillTask(
        plan_name=stored.plan.name,
        members=params["drill_members"],
        items=params["drill_items"],
        seed=secrets.randbelow(1 << 31) if params["drill_seed"] is None else params["drill_seed"],
        folder=None if params["drill_path"] is None else Path(params["drill_path"]),
        wants_repair=params["repair"],
        lock_timeout=params["lock_timeout"],
        is_check=module.check_mode,
    )
    opened_with = "recovery key" if recovery_key else "passphrase"
    with metered(module, "drill") as meter:
        drill = run_drill(repository, dataclasses.replace(task, meter=meter))
    return drill_result(drill, stored.plan.repository, opened_with=opened_with, is_check=module.check_mode)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def _noted(module: AnsibleModule) -> dict[str, t.Any]:
    return noted_as("drill" if Level(module.params["level"]) is Level.DRILL else "verify", run)(module)


def main() -> None:
    """Entry point of the module."""
    run_module(OPTIONS.merge(group_arguments(), plan_reference_arguments(), progress_arguments()), _noted)


if __name__ == "__main__":
    main()
