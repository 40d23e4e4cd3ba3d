# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE to the collection: it can change at any time."""

from __future__ import annotations


class ModuleDocFragment:
    """What each module says about itself; modules add C(support) and, where needed, C(details)."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and say truthfully whether it would change something, without changing anything.
  diff_mode:
    description: Returns details on what has changed, or would change in C(check_mode), when run in diff mode.
  idempotent:
    description: Does nothing and reports C(changed=false) when it is run again with the same options and nothing has changed meanwhile.
"""

    M365 = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/tenantvault.m365_backup.m365) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - tenantvault.m365_backup.m365
"""
