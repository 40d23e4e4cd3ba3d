# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.tenantvault.m365_backup.plugins.plugin_utils._progress_action import ProgressAction


class ActionModule(ProgressAction):
    """The module of the same name, which tells how far it is."""
