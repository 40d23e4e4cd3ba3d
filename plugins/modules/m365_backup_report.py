#!/usr/bin/python
# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: m365_backup_report
short_description: Tell how the plans of a backup host are, as Prometheus metrics, as an HTML page and as data
version_added: 1.0.0
description:
  - Reads the plans and the records that runs, prunes, verifications, drills, restores and scans have left below O(state_path), and says who
    is protected, how the last tasks ended, and how both have developed.
  - Writes it as metrics for the textfile collector of Prometheus' node exporter, and as one HTML page that needs no server and no network.
  - With O(fleet) the page is about several backup hosts.
  - It asks neither the tenant nor any repository, and needs no passphrase. So it says what tasks on this host have seen. A repository that
    was lost since then is found by M(tenantvault.m365_backup.m365_backup_coverage_info) and M(tenantvault.m365_backup.m365_backup_verify).
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
attributes:
  check_mode:
    support: full
    details: Nothing is written, and C(changed) is as it would be.
  diff_mode:
    support: full
    details: Shows the metrics before and after. The page is not shown.
  idempotent:
    support: full
    details:
      - The files are written each time, so that their age tells that somebody still writes them. C(changed) is V(true) when they say
        something else than before, apart from the time at which they were written.
options:
  plans:
    description:
      - The plans to tell of, each by its name or its title. By default all plans on this host, apart from damaged ones, which become a
        warning.
    type: list
    elements: str
    default: []
  metrics_file:
    description:
      - Where to write the metrics of this host, in the text format of Prometheus. The name has to end in C(.prom) for the node exporter.
      - The folder must be there. The file is replaced as a whole, and everybody may read it, since the node exporter is another user.
        It names the members of the plans, so let the folder keep others out where that matters.
    type: path
  html_file:
    description:
      - Where to write the page. The folder must be there.
      - Its mode is C(0640), and its group that of the folder when the folder has the set-group-ID bit. The page names members, and
        items with findings.
    type: path
  title:
    description:
      - The title of the page.
    type: str
    default: Microsoft 365 backups
  fleet:
    description:
      - What other backup hosts tell, each as the RV(summary) of a task like this one on that host.
      - One of this host is left out, so that the same list may serve all hosts.
    type: list
    elements: dict
    default: []
  return_summary:
    description:
      - Whether the result has RV(summary). It grows to some megabytes with thousands of members.
    type: bool
    default: false
notes:
  - The options for the connection and the repository are accepted so that the same C(module_defaults) serve all modules of the action
    group.
seealso:
  - module: tenantvault.m365_backup.m365_backup_coverage_info
  - module: tenantvault.m365_backup.m365_backup_notify
  - name: Monitoring
    link: ansible_collections.tenantvault.m365_backup.docsite.monitoring
    description: Metrics, alert rules, the journal, notices and the page.
"""

EXAMPLES = r"""
- name: Write metrics for Prometheus
  tenantvault.m365_backup.m365_backup_report:
    metrics_file: /var/lib/prometheus/node-exporter/m365_backup.prom

- name: Write a page about this host
  tenantvault.m365_backup.m365_backup_report:
    html_file: /var/www/backup/index.html
    title: Backups of Contoso

- name: Ask every backup host how it is
  tenantvault.m365_backup.m365_backup_report:
    return_summary: true
  register: backup_report

- name: Write one page about all of them
  tenantvault.m365_backup.m365_backup_report:
    html_file: /var/www/backup/index.html
    fleet: "{{ ansible_play_hosts | map('extract', hostvars, ['backup_report', 'summary']) | list }}"
  run_once: true
"""

RETURN = r"""
plans:
  description: Each plan shortly.
  type: list
  elements: dict
  returned: success
  sample:
    - name: sales
      title: Sales
      outcome: complete
      members: 41
      members_protected: 40
      last_run: "2026-11-23T22:34:12+00:00"
      restore_point: 3bd1f5d3f0f6b4a9c8c5f6dd1f0e2c4a1b2c3d4e5f60718293a4b5c6d7e8f901
  contains:
    name:
      description: The name of the plan.
      type: str
      returned: always
    title:
      description: Its title.
      type: str
      returned: always
    outcome:
      description: How its newest run ended, V(null) when it has never run on this host.
      type: str
      returned: always
    members:
      description: How many members its newest run had on this host.
      type: int
      returned: always
    members_protected:
      description: Of how many of them one can rely on the backup.
      type: int
      returned: always
    last_run:
      description: When its newest run began.
      type: str
      returned: always
    restore_point:
      description: The first id of the newest restore point that runs of this host know.
      type: str
      returned: always
summary:
  description: All that is known, for O(fleet) of another task. Its form may change with each version of the collection.
  type: dict
  returned: when O(return_summary) is true
  sample: {"version": 1, "host": "backup1", "generated": "2026-11-23T22:40:00+00:00", "plans": [], "warnings": []}
metrics_file:
  description: Where the metrics are.
  type: str
  returned: when O(metrics_file) is given
  sample: /var/lib/prometheus/node-exporter/m365_backup.prom
html_file:
  description: Where the page is.
  type: str
  returned: when O(html_file) is given
  sample: /var/www/backup/index.html
msg:
  description: How things are, in a sentence.
  type: str
  returned: success
  sample: "40 of 41 members of 1 plan are protected. Not protected: bob@example.com (old, stale)."
"""

import datetime
import socket
import typing as t
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._arguments import (
    ArgumentSpec,
    group_arguments,
    run_module,
    wants_diff,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._parameters import plan_store
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.host_report import HostReport, Wish, report_host

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

OPTIONS = ArgumentSpec(
    options={
        "plans": {"type": "list", "elements": "str", "default": []},
        "metrics_file": {"type": "path"},
        "html_file": {"type": "path"},
        "title": {"type": "str", "default": "Microsoft 365 backups"},
        "fleet": {"type": "list", "elements": "dict", "default": []},
        "return_summary": {"type": "bool", "default": False},
    },
)


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Do what the task declares."""
    params = module.params
    wish = Wish(
        host=socket.gethostname(),
        state_path=Path(params["state_path"]),
        now=datetime.datetime.now(datetime.timezone.utc),
        references=tuple(params["plans"]),
        metrics_file=_path(params["metrics_file"]),
        html_file=_path(params["html_file"]),
        title=params["title"],
        fleet=tuple(params["fleet"]),
        is_check=module.check_mode,
    )
    report: HostReport = report_host(plan_store(params), wish)
    for warning in report.summary.warnings:
        module.warn(warning)
    return report.as_dict(with_summary=params["return_summary"], with_diff=wants_diff(module))


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


def main() -> None:
    """Entry point of the module."""
    run_module(OPTIONS.merge(group_arguments()), run, needs_libraries=False)


if __name__ == "__main__":
    main()
