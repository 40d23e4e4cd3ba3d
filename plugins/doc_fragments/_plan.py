# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE to the collection: it can change at any time."""

from __future__ import annotations


class ModuleDocFragment:
    """Which stored plan is meant: mirrors C(plan_reference_arguments) in C(module_utils/_arguments.py)."""

    DOCUMENTATION = r"""
options:
  plan:
    description:
      - The plan, by its name or its title, as M(tenantvault.m365_backup.m365_group_backup_plan) stored it on this host.
    type: str
    required: true
"""
