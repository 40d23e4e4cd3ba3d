# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What searches of tests begin with: everything of everybody in every restore point."""

from __future__ import annotations

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter import ItemFilter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.item_search import Wish

WISH = Wish(
    plan_name="sales",
    snapshots=("all",),
    snapshots_after=None,
    snapshots_before=None,
    members=(),
    sources=(),
    folder=None,
    item_filter=ItemFilter(),
    verdict=None,
    limit=1000,
)
