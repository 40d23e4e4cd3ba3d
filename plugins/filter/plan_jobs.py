# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: plan_jobs
short_description: What a backup host does for its group backup plans, and when
version_added: 1.0.0
author:
  - tenantvault contributors (@tenantvault)
description:
  - Turns declared plans into the jobs that a scheduler of the host is to start, with their times in the words of systemd and of cron.
  - The role P(tenantvault.m365_backup.group_backup#role) writes timers from it. Use it to have another scheduler do the same.
  - Nothing is read but what is given, so it needs neither the host nor the libraries of a backup host.
options:
  _input:
    description:
      - Plans as O(tenantvault.m365_backup.group_backup#role:main:group_backup_plans) has them.
    type: list
    elements: dict
    required: true
  jobs:
    description:
      - What is done for each plan, as O(tenantvault.m365_backup.group_backup#role:main:group_backup_jobs).
    type: dict
    required: true
  report:
    description:
      - The report about all plans, as O(tenantvault.m365_backup.group_backup#role:main:group_backup_report). Without it there is none.
    type: dict
    default: {enabled: false}
  host:
    description:
      - The name of the host in the inventory.
    type: str
    required: true
  hosts:
    description:
      - The names of all hosts that share the plans. Each then has a share of the members, if the repository is an object store.
    type: list
    elements: str
    default: []
  maintained:
    description:
      - Whether the host prunes, verifies, scans and drills, too.
    type: bool
    default: true
seealso:
  - plugin: tenantvault.m365_backup.group_backup
    plugin_type: role
"""

EXAMPLES = r"""
- name: Say when what is done
  ansible.builtin.debug:
    msg: "{{ item.verb }} {{ item.plan }} {{ item.explanation }}"
  loop: "{{ plans | tenantvault.m365_backup.plan_jobs(jobs=jobs, host=inventory_hostname) }}"
  vars:
    plans:
      - name: sales
        schedule: {every: daily, at: "22:30"}
    jobs:
      run: {}
      verify: {schedule: {every: daily, at: "12:00"}}
"""

RETURN = r"""
_value:
  description:
    - The jobs, each with C(plan) (its name; empty for a report about all), C(verb) (V(run), V(prune), V(verify), V(scan), V(drill) or
      V(report)), C(unit) (the name of its units, without their ending), C(explanation) (its times, to go after "runs"),
      C(on_calendar) (a list for C(OnCalendar) of systemd), C(catches_up) (whether a run that was missed is made up for), C(cron) (a list of
      the five time fields of crontab), C(cron_problem) (why cron cannot say it, else V(none)), C(time_zone) (in which the times are),
      C(variables) (for the playbook of that verb), and C(variables_file) (the name of the file that C(m365-backup) reads them from).
  type: list
  elements: dict
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.host_jobs import jobs_of


def plan_jobs(
    plans: t.Sequence[t.Mapping[str, t.Any]],
    *,
    jobs: t.Mapping[str, t.Any],
    host: str,
    hosts: t.Sequence[str] = (),
    report: t.Mapping[str, t.Any] | None = None,
    maintained: bool = True,
) -> list[dict[str, t.Any]]:
    """See C(DOCUMENTATION)."""
    try:
        found = jobs_of(plans, jobs=jobs, report=report or {"enabled": False}, is_maintained_here=maintained, host=host, hosts=hosts)
        return [job.to_dict() for job in found]
    except BackupError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Filters of the collection."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """By their names."""
        return {"plan_jobs": plan_jobs}
