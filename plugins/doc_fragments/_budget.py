# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE to the collection: it can change at any time."""

from __future__ import annotations


class ModuleDocFragment:
    """What Microsoft allows an app to ask of OneDrive: mirrors C(budget_arguments) in C(module_utils/_arguments.py)."""

    DOCUMENTATION = r"""
options:
  tenant_licenses:
    description:
      - How many Microsoft 365 licences the tenant has bought, all kinds together. The Microsoft 365 admin center shows them under
        C(Billing) and C(Licenses).
      - It counts for OneDrive only. Microsoft allows an app so many resource units a minute, and 960 times as many a day. It is 1,250
        with up to 1,000 licences, 2,500 with up to 5,000, 3,750 with up to 15,000, 5,000 with up to 50,000, and 6,250 with more.
        A file that is read costs one unit, a file that is written about four.
      - The default is V(1000), because what it allows is allowed in every tenant, and an app that asks for more than it may is made to
        wait by Microsoft, together with every other program that uses the same app.
      - If not given, the environment variable E(M365_TENANT_LICENSES) is used.
    type: int
    default: 1000
  hosts_at_once:
    description:
      - How many hosts back up or restore OneDrives of the tenant with the same app registration at the same time. Each of them takes its
        share of what Microsoft allows the app.
      - The default is V(1), because most tenants are backed up by one host. Give the number of hosts of the play where several work. A
        run that is given C(shards) counts them by itself.
      - If not given, the environment variable E(M365_HOSTS_AT_ONCE) is used.
    type: int
    default: 1
"""
