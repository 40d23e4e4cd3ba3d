# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE to the collection: it can change at any time."""

from __future__ import annotations


class ModuleDocFragment:
    """How a long task tells how far it is: mirrors C(progress_arguments) in C(module_utils/_arguments.py)."""

    DOCUMENTATION = r"""
options:
  progress_file:
    description:
      - A file on the backup host in which the task tells once a second how far it is, as JSON with numbers and the name of the plan.
        It is removed when the task ends.
      - It is not needed for the lines that Ansible prints while the task works. Those are there without it, unless the environment
        variable E(M365_BACKUP_PROGRESS) of the controller or the variable C(m365_backup_progress) of the host is V(false). See
        R(progress, ansible_collections.tenantvault.m365_backup.docsite.progress).
      - Check mode writes no such file.
    type: path
attributes:
  action:
    description: Has an action plugin of the same name, so that a part of it runs on the controller.
    support: full
    details: The action plugin prints how far the task is. The work is done by the module, on the host.
  async:
    description: Supports being used with the C(async) keyword.
    support: full
    details: A task in the background prints no progress.
"""
