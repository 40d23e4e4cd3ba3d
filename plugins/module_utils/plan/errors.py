# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong with declared and stored plans, besides wrong declarations (L(InputError)).

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from .._errors import BackupError, InputError


class PlanNotFound(InputError):
    """No plan with that name or title is stored on this host."""


class DamagedPlan(BackupError):
    """The file of a stored plan is not what this collection wrote, or cannot be read."""


class StateUnusable(BackupError):
    """The folder for plans cannot be read or written: permissions, a read-only or a full disk."""


class SelectionError(InputError):
    """The declared users and groups do not resolve to members: unknown, ambiguous, or nobody at all."""


class RepositoryReplaced(BackupError):
    """Another repository lies where the plan's repository was, or none at all."""


class RepositoryUnwritable(BackupError):
    """The repository's folder cannot be written by this user."""
