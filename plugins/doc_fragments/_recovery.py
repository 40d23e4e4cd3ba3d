# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE to the collection: it can change at any time."""

from __future__ import annotations


class ModuleDocFragment:
    """Where a generated recovery key goes: mirrors C(recovery_arguments) in C(module_utils/_arguments.py)."""

    DOCUMENTATION = r"""
options:
  recovery_key_file:
    description:
      - A file on the host that runs the module, for the recovery key. A generated key is written into it, readable by its owner only,
        before the repository relies on it.
      - A file that exists is never overwritten. If it holds a recovery key, that key is used instead of a generated one, so an interrupted
        task can simply be repeated. If it holds anything else, the task fails.
      - It is as powerful as the passphrase. Take it to a safe place elsewhere, then delete the file.
      - Mutually exclusive with O(return_recovery_key).
    type: path
  return_recovery_key:
    description:
      - Whether a generated recovery key is handed out in the result of the task, as C(recovery_key), to be registered and
        stored by a later task.
      - It is handed out this once. If the task is interrupted before you have it, make another one with
        O(tenantvault.m365_backup.m365_backup_key#module:recovery_key_state=renewed).
      - Ansible shows results and AWX stores them, so this needs C(no_log=true) on the task and is refused without it.
      - Mutually exclusive with O(recovery_key_file).
    type: bool
    default: false
"""
