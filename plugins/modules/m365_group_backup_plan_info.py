#!/usr/bin/python
# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: m365_group_backup_plan_info
short_description: List the group backup plans of a host, what their schedules and retentions mean, and the tasks that recreate them
version_added: 1.0.0
description:
  - Returns the plans that M(tenantvault.m365_backup.m365_group_backup_plan) has stored on this host.
  - Says when each of them runs next, the same as a timer of systemd and as a schedule of AWX, and how many restore points its
    retention comes to keep.
  - With O(as_tasks) it returns the tasks that declare exactly these plans, to take plans from one host to another or to put them
    under version control.
  - It reads nothing but the stored plans. Neither the tenant nor a repository is asked, no secret is needed, and none is returned.
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
      - The plans to return, each by its name or its title. By default all plans on this host.
    type: list
    elements: str
    default: []
  as_tasks:
    description:
      - Whether to return RV(tasks) and RV(tasks_yaml) as well.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    details: Nothing is changed in either mode.
  diff_mode:
    support: N/A
    details: Nothing is changed.
  idempotent:
    support: N/A
    details: Nothing is changed.
notes:
  - The options for the connection, the passphrase and the storage are accepted so that the same C(module_defaults) serve all
    modules of the action group.
seealso:
  - module: tenantvault.m365_backup.m365_group_backup_plan
  - module: tenantvault.m365_backup.m365_backup_coverage_info
"""

EXAMPLES = r"""
- name: Look at all plans of this host
  tenantvault.m365_backup.m365_group_backup_plan_info:
    state_path: /var/lib/m365_backup
  register: declared

- name: Show when they run next
  ansible.builtin.debug:
    msg: "{{ item.title }} {{ (item.schedule.next | default([])) if item.schedule else 'runs when somebody runs it' }}"
  loop: "{{ declared.plans }}"
  loop_control:
    label: "{{ item.name }}"

- name: Get the tasks that recreate one plan
  tenantvault.m365_backup.m365_group_backup_plan_info:
    plans: [Sales]
    as_tasks: true
  register: exported

- name: Keep them in a file
  ansible.builtin.copy:
    content: "{{ exported.tasks_yaml }}"
    dest: /root/plans.yml
    mode: "0600"
"""

RETURN = r"""
plans:
  description: Each plan, in the order in which they were asked for, else by name.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: The name of the plan.
      type: str
      returned: always
      sample: sales
    title:
      description: Its title.
      type: str
      returned: always
      sample: Sales
    backup_type:
      description: V(mailbox) or V(onedrive).
      type: str
      returned: always
      sample: mailbox
    repository:
      description: The location of its repository.
      type: str
      returned: always
      sample: /srv/backup/m365
    repository_id:
      description: The id of the repository that it was applied with.
      type: str
      returned: always
      sample: 5f1c9b7d3e2a4f60718293a4b5c6d7e8f9010a1b2c3d4e5f60718293a4b5c6d7
    plan:
      description: All options of the plan with all defaults, in the words of M(tenantvault.m365_backup.m365_group_backup_plan).
      type: dict
      returned: always
      sample:
        name: sales
        title: Sales
        groups: [Sales]
        backup_type: mailbox
        repository: /srv/backup/m365
    schedule:
      description: What its schedule means, V(null) when nothing starts the plan by itself.
      type: dict
      returned: always
      sample:
        explanation: every day at 22:30 Europe/Berlin
        on_calendar: ["*-*-* 22:30:00 Europe/Berlin"]
        next: ["2026-11-23T22:30:00+01:00", "2026-11-24T22:30:00+01:00"]
        longest_gap_hours: 25.0
        catches_up: true
        rrule: DTSTART;TZID=Europe/Berlin:20260101T223000 RRULE:FREQ=DAILY;INTERVAL=1
        rrule_reason: null
      contains:
        explanation:
          description: When it runs, in words that go after "runs".
          type: str
          returned: always
        on_calendar:
          description: The same as C(OnCalendar) expressions of systemd. A plan with a window may have several.
          type: list
          elements: str
          returned: always
        next:
          description: The next times, at most five.
          type: list
          elements: str
          returned: always
        longest_gap_hours:
          description:
            - The longest time between two runs. M(tenantvault.m365_backup.m365_backup_coverage_info) expects a backup not to be older than
              twice that.
          type: float
          returned: always
        catches_up:
          description: >-
            Whether a run that was missed, such as while the host was off, is to be made up for later. Not with a window, since it would
            begin outside of it.
          type: bool
          returned: always
        rrule:
          description: The same as a rule for the schedule of an AWX job template, V(null) where AWX cannot say it.
          type: str
          returned: always
        rrule_reason:
          description: Why AWX cannot say it, V(null) where it can.
          type: str
          returned: always
    retention:
      description: What its retention means.
      type: dict
      returned: always
      sample:
        explanation: the newest of each of the last 14 days and of the last 8 weeks
        forecast:
          restore_points: 20
          oldest: "2026-09-27T22:30:00+02:00"
          explanation: Once it has run for long enough it would keep 20 restore points.
      contains:
        explanation:
          description: Its rules, in words that go after "keeps".
          type: str
          returned: always
        forecast:
          description:
            - What there would be now if the plan had run by its schedule all the time.
            - V(null) without a schedule, and when everything is kept.
          type: dict
          returned: always
tasks:
  description: A task for each plan that declares exactly this plan. What is a default is left out.
  type: list
  elements: dict
  returned: when O(as_tasks=true)
  sample:
    - name: Apply the plan Sales
      tenantvault.m365_backup.m365_group_backup_plan:
        title: Sales
        groups: [Sales]
        backup_type: mailbox
        repository: /srv/backup/m365
tasks_yaml:
  description:
    - RV(tasks) as the text of a YAML file that C(ansible.builtin.include_tasks) takes. Text that looks like a template is
      marked C(!unsafe).
    - Users that came from a CSV file are listed one by one. Connection and passphrase are not part of a plan, so give them as
      C(module_defaults).
  type: str
  returned: when O(as_tasks=true)
  sample: "---\n- name: Apply the plan Sales\n  ..."
msg:
  description: Which plans there are, in a sentence.
  type: str
  returned: success
  sample: "2 plans stored on this host: sales, sales-files."
"""

import datetime
import typing as t

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._arguments import ArgumentSpec, group_arguments, run_module
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._parameters import plan_store
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.plan_facts import plans_result

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

OPTIONS = ArgumentSpec(
    options={
        "plans": {"type": "list", "elements": "str", "default": []},
        "as_tasks": {"type": "bool", "default": False},
    },
)


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Do what the task declares."""
    params = module.params
    stored = plan_store(params).choose(params["plans"])
    return plans_result(stored, now=datetime.datetime.now(datetime.timezone.utc), as_tasks=params["as_tasks"])


def main() -> None:
    """Entry point of the module."""
    run_module(OPTIONS.merge(group_arguments()), run)


if __name__ == "__main__":
    main()
