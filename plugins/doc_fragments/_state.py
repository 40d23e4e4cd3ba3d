# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE to the collection: it can change at any time."""

from __future__ import annotations


class ModuleDocFragment:
    """Where plans are stored on the host: mirrors C(state_arguments) in C(module_utils/_arguments.py)."""

    DOCUMENTATION = r"""
options:
  state_path:
    description:
      - The folder on the backup host in which plans are stored. It holds no backups and no secrets.
      - Its subfolder C(cache) holds copies of the indexes of large repositories, some 60 bytes for each stored message, so that
        they open at once. Nothing relies on it, and it may be removed at any time.
      - The default is where the Filesystem Hierarchy Standard wants the state of system services, and needs root.
      - If not given, the environment variable E(M365_BACKUP_STATE_PATH) is used.
    type: path
    default: /var/lib/m365_backup
"""

    # For plugins that run on the controller: it says once more what modules get from C(state_arguments).
    PLUGIN = r"""
options:
  state_path:
    env:
      - name: M365_BACKUP_STATE_PATH
"""
