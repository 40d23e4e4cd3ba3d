#!/usr/bin/python
# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: m365_backup_coverage_info
short_description: Say who is protected by group backup plans, how old the last good backup of each is, and how many seats are used
version_added: 1.0.0
description:
  - Looks into the newest restore point of each plan and says of every member and each source, such as mail or calendar, when all of it
    was last known to be in the backup, and what is wrong with it.
  - Compares that age with what the plan promises, and can fail when somebody is not protected. Run it some time after the backups, or from
    your monitoring.
  - A run that finds nothing new leaves no restore point. That everything was looked at then stands only in the record that the run leaves
    below O(state_path). So run this module where the backups run. A record counts only while the restore point that it speaks of
    is still in the repository.
  - Counts the seats that all plans of each repository use, also plans of other hosts. A user needs one seat in however many plans.
    Shared mailboxes, rooms and equipment are free, and those who have left are counted apart.
  - Who has become a member since the last run is not known here. See M(tenantvault.m365_backup.m365_directory_info) and the next run.
  - It does not connect to the tenant, and changes nothing.
author:
  - tenantvault contributors (@tenantvault)
extends_documentation_fragment:
  - tenantvault.m365_backup._attributes
  - tenantvault.m365_backup._attributes.m365
  - tenantvault.m365_backup._budget
  - tenantvault.m365_backup._connection
  - tenantvault.m365_backup._passphrase
  - tenantvault.m365_backup._state
  - tenantvault.m365_backup._storage
options:
  plans:
    description:
      - The plans to look at, each by its name or its title. By default all plans on this host.
      - One passphrase has to open the repositories of all of them. If yours differ, use a task for each.
    type: list
    elements: str
    default: []
  max_age_hours:
    description:
      - How old the last good backup of a source may be.
      - By default twice the longest time between two runs by the schedule of the plan, so that one run may fail. Without a schedule
        nothing is promised, the age is not judged, and a warning says so.
    type: float
  fail_on:
    description:
      - The problems for which the task fails. By default it never does, and the result can be used in conditions and asserts.
      - V(unprotected) means any of V(never), V(old), V(unfinished), V(incomplete) and V(unreachable), which is when
        RV(plans[].members[].is_protected) is V(false).
      - V(never) means that no good state is stored, V(old) that the last good one is older than promised, V(unfinished) that the first
        backup is half done, V(incomplete) that the repository has lost a part of it, and V(unreachable) that Microsoft does not
        let it be read, such as a locked OneDrive or an archive that was refused.
      - V(stale) means that the newest run could not read it, V(findings) that single items are missing, V(infected) that the malware
        scan has found something in it (with O(verdicts=true)), and V(absent) that the member has nothing that could be backed up,
        such as no mailbox or no OneDrive.
      - A plan without any restore point fails the task with V(unprotected) and V(never).
    type: list
    elements: str
    choices: [unprotected, never, old, unfinished, incomplete, unreachable, stale, findings, infected, absent]
    default: []
  verdicts:
    description:
      - Whether to count the items of each source by what the malware scan says of them, with what later scans have found.
      - It reads the catalogues of all members, some seconds for each 100,000 items, and where anything was ever scanned their
        directories as well.
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
  - module: tenantvault.m365_backup.m365_backup_snapshot_info
  - module: tenantvault.m365_backup.m365_directory_info
  - module: tenantvault.m365_backup.m365_backup_run
  - name: Who is protected
    link: ansible_collections.tenantvault.m365_backup.docsite.coverage
    description: What counts as protected, and how to watch it.
"""

EXAMPLES = r"""
- name: Fail when somebody is not protected by one of the plans on this host
  tenantvault.m365_backup.m365_backup_coverage_info:
    passphrase_file: /etc/m365_backup/passphrase
    fail_on: [unprotected]

- name: Look at one plan
  tenantvault.m365_backup.m365_backup_coverage_info:
    plans: [Sales]
    passphrase_file: /etc/m365_backup/passphrase
    max_age_hours: 26
  register: coverage

- name: Stop here unless everybody is protected
  ansible.builtin.assert:
    that: coverage.all_protected
    fail_msg: "{{ coverage.msg }}"

- name: Show the seats
  ansible.builtin.debug:
    msg: "{{ coverage.seats | map(attribute='table') }}"
"""

RETURN = r"""
all_protected:
  description: Whether there is a plan, each has a restore point, and all members of all of them are protected.
  type: bool
  returned: success, and when O(fail_on) failed the task
  sample: false
plans:
  description: Each plan, in the order in which they were asked for, else by name.
  type: list
  elements: dict
  returned: success, and when O(fail_on) failed the task
  contains:
    name:
      description: The name of the plan.
      type: str
      returned: always
    title:
      description: Its title.
      type: str
      returned: always
    backup_type:
      description: V(mailbox) or V(onedrive).
      type: str
      returned: always
    repository:
      description: The location of its repository.
      type: str
      returned: always
    is_protected:
      description: Whether all members of this plan are protected.
      type: bool
      returned: always
    max_age_hours:
      description: How old the last good backup may be, V(null) where nothing is promised.
      type: float
      returned: always
    restore_point:
      description: The newest restore point, V(null) when there is none.
      type: dict
      returned: always
      contains:
        id:
          description: The id of the snapshot in the repository.
          type: str
          returned: always
        original_id:
          description: The id that it was made with. It stays, also when holds are set and released.
          type: str
          returned: always
        time:
          description: When it was made, in the time zone of the plan.
          type: str
          returned: always
        outcome:
          description: How its run ended, V(complete), V(partial), V(failed), or V(checkpoint) when it has not.
          type: str
          returned: always
        is_checkpoint:
          description: Whether it was left by a run that came to no end.
          type: bool
          returned: always
    last_run:
      description: The newest run that has left a record on this host, V(null) when none has.
      type: dict
      returned: always
      contains:
        run_id:
          description: The id of the run.
          type: str
          returned: always
        end:
          description: When it ended.
          type: str
          returned: always
        outcome:
          description: How it ended, V(complete), V(partial) or V(failed).
          type: str
          returned: always
    members:
      description: Everybody who was a member when the newest restore point was made, by sign-in name.
      type: list
      elements: dict
      returned: always
      sample:
        - id: 87d349ed-44d7-43e1-9a83-5f2406dee5bd
          principal_name: adele@example.com
          display_name: Adele Vance
          kind: user
          via: [group Sales]
          is_protected: true
          problems: [findings]
          last_good: "2026-11-22T22:30:05+01:00"
          age_hours: 11.5
          sources:
            mail:
              status: findings
              is_protected: true
              problems: [findings]
              last_good: "2026-11-22T22:30:05+01:00"
              age_hours: 11.5
              availability: ""
              finding_count: 1
              findings:
                - kind: failed
                  object: message AAMkAGI2
                  reason: The service could not give this message.
                  code: ErrorItemCorrupt
                  request_id: ""
              verdicts: null
      contains:
        id:
          description: The object id of the user.
          type: str
          returned: always
        principal_name:
          description: The sign-in name.
          type: str
          returned: always
        display_name:
          description: The display name.
          type: str
          returned: always
        kind:
          description: What the mailbox is for, such as V(user) or V(shared), V(null) where it is not known.
          type: str
          returned: always
        via:
          description: The declared entries that cover the member.
          type: list
          elements: str
          returned: always
        is_protected:
          description: Whether none of the problems of V(unprotected) is there, see O(fail_on).
          type: bool
          returned: always
        problems:
          description: The problems of all sources, in the words of O(fail_on), the worst first.
          type: list
          elements: str
          returned: always
        last_good:
          description: Since when everything of the member is in the backup, V(null) when something is not, or when there is nothing.
          type: str
          returned: always
        age_hours:
          description: How long ago that was.
          type: float
          returned: always
        sources:
          description: The same of each source of the plan, by its name.
          type: dict
          returned: always
          contains:
            status:
              description:
                - What the newest restore point says of it, V(good), V(findings), V(stale) or V(unfinished).
                - V(null) when it has nothing of it.
              type: str
              returned: always
            is_protected:
              description: Whether one can rely on it.
              type: bool
              returned: always
            problems:
              description: What is wrong with it.
              type: list
              elements: str
              returned: always
            last_good:
              description: When all of it was last known to be in the backup, V(null) if never or if that cannot be told.
              type: str
              returned: always
            age_hours:
              description: How long ago that was.
              type: float
              returned: always
            availability:
              description:
                - What the last run said of it beyond that, such as V(backed_up) and V(no_archive) of archive mailboxes,
                  V(no_mailbox), V(no_drive) and V(drive_locked). Empty where there is nothing to say.
              type: str
              returned: always
            finding_count:
              description: How many findings the run had that left the newest restore point.
              type: int
              returned: always
            findings:
              description: The first five of them.
              type: list
              elements: dict
              returned: always
            verdicts:
              description:
                - How many items the malware scan calls C(clean), C(infected), C(unscannable) and C(unscanned), and of how many it has said
                  nothing (C(not_scanned)).
                - V(null) without O(verdicts=true), and for settings, which are not scanned.
              type: dict
              returned: always
    former:
      description:
        - Everybody who has left the plan and still has a backup in the newest restore point.
        - Their sources are as those of members, but nothing is promised of their age.
      type: list
      elements: dict
      returned: always
      sample:
        - id: 626cbf8c-5dde-46b0-8385-9e40d64736fe
          principal_name: bob@example.com
          display_name: Bob Ross
          left: "2026-10-01T20:30:07+00:00"
          reason: deleted
          deleted: "2026-10-01T08:12:00+00:00"
          expires: null
          kind: user
          via: [group Sales]
          last_good: "2026-09-30T22:30:05+02:00"
          sources: {}
      contains:
        left:
          description: When a run found that they had left.
          type: str
          returned: always
        reason:
          description: Why they have left, such as V(not_selected), V(excluded), V(deleted) or V(purged).
          type: str
          returned: always
        expires:
          description: When their backup goes by the plan's policy for leavers, V(null) if no date removes it.
          type: str
          returned: always
unprotected:
  description: The members of all plans that are not protected, shortly.
  type: list
  elements: dict
  returned: success, and when O(fail_on) failed the task
  sample:
    - plan: sales
      id: 626cbf8c-5dde-46b0-8385-9e40d64736fe
      principal_name: bob@example.com
      problems: [old, stale]
seats:
  description: The seats that the plans of each repository use.
  type: list
  elements: dict
  returned: success, and when O(fail_on) failed the task
  sample:
    - repository: /srv/backup/m365
      used: 41
      free: 3
      leavers: 2
      free_by_kind:
        room: 1
        shared: 2
      plans:
        sales:
          used: 41
          in_several_plans: 38
          free: 3
          leavers: 2
        sales-files:
          used: 38
          in_several_plans: 38
          free: 0
          leavers: 2
      table:
        - plan         seats  in several plans  free mailboxes  leavers
        - sales           41                38               3        2
        - sales-files     38                38               0        2
        - all plans       41                38               3        2
  contains:
    repository:
      description: The location of the repository.
      type: str
      returned: always
    used:
      description: How many users take a seat, each once.
      type: int
      returned: always
    free:
      description: How many shared mailboxes, rooms and equipment are members.
      type: int
      returned: always
    leavers:
      description: How many users are members of no plan any more, and still have a backup.
      type: int
      returned: always
    free_by_kind:
      description: The free ones by what they are for.
      type: dict
      returned: always
    plans:
      description: The same for each plan. C(in_several_plans) is how many of those who take a seat are in another plan, too.
      type: dict
      returned: always
    table:
      description: All of it as lines of text. The last line counts everybody once.
      type: list
      elements: str
      returned: always
msg:
  description: Who is protected and who is not, in a sentence.
  type: str
  returned: success
  sample: "40 of 41 members of 1 plan are protected. Not protected: bob@example.com (old, stale)."
"""

import datetime
import typing as t
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._arguments import (
    ArgumentSpec,
    ReportedFailure,
    group_arguments,
    run_module,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._parameters import plan_store, read_passphrase, storage_credentials
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.coverage_report import FAILABLE, CoverageWish, report_coverage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.coverage_result import coverage_result, failure_sentence
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.repository_access import open_plan_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.verdict_counts import count_verdicts

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

OPTIONS = ArgumentSpec(
    options={
        "plans": {"type": "list", "elements": "str", "default": []},
        "max_age_hours": {"type": "float"},
        "fail_on": {"type": "list", "elements": "str", "choices": list(FAILABLE), "default": []},
        "verdicts": {"type": "bool", "default": False},
        "lock_timeout": {"type": "int", "default": 600},
    },
)


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Do what the task declares."""
    params = module.params
    hours = params["max_age_hours"]
    if hours is not None and hours <= 0:
        raise InputError("No backup is younger than that.", hint="Let max_age_hours be more than 0.")
    wish = CoverageWish(
        state_path=Path(params["state_path"]),
        now=datetime.datetime.now(datetime.timezone.utc),
        max_age=None if hours is None else datetime.timedelta(hours=hours),
        lock_timeout=None if module.check_mode else params["lock_timeout"],
        count_verdicts=count_verdicts if params["verdicts"] else None,
    )
    report = report_coverage(
        plan_store(params).choose(params["plans"]),
        lambda stored: open_plan_repository(stored, read_passphrase(params, stored.plan), storage_credentials(params)),
        wish,
    )
    for warning in report.warnings:
        module.warn(warning)
    result = coverage_result(report, now=wish.now)
    failure = failure_sentence(report, params["fail_on"])
    if failure is not None:
        del result["msg"]
        hint = "Look at the findings of the last run, and run the plan again; the result has each member and source."
        raise ReportedFailure(failure, hint=hint, result=result)
    return result


def main() -> None:
    """Entry point of the module."""
    run_module(OPTIONS.merge(group_arguments()), run)


if __name__ == "__main__":
    main()
