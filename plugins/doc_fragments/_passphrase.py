# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE to the collection: it can change at any time."""

from __future__ import annotations


class ModuleDocFragment:
    """What opens the repository: mirrors C(passphrase_arguments) in C(module_utils/_arguments.py)."""

    DOCUMENTATION = r"""
options:
  passphrase:
    description:
      - The passphrase of the repository. It needs at least 45 characters, and for a new repository they must not be easy to guess.
      - The recovery key of the repository can be given instead.
      - It is never stored, so each task that touches the repository needs it.
      - Keep a copy in a safe place that is not backed up into this repository. Nobody can read the backups without it.
      - Mutually exclusive with O(passphrase_file).
      - If neither is given, the environment variable E(M365_BACKUP_PASSPHRASE) is used, then E(M365_BACKUP_PASSPHRASE_FILE).
      - It is not used for plans whose encryption is switched off.
    type: str
  passphrase_file:
    description:
      - A file on the host that runs the module. It holds the passphrase and nothing else; blanks and line ends around it do not count.
      - The file can be given to C(restic --password-file), too.
    type: path
"""
