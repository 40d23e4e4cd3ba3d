# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the text in a plan to a storage."""

from __future__ import annotations

import os

from .._errors import InputError
from .storage import Storage
from .storage_local import LocalStorage


def open_storage(location: str) -> Storage:
    """The storage at a folder's absolute path. Raises InputError for places that are not supported."""
    scheme, separator, _rest = location.partition("://")
    if separator:
        raise InputError(
            f"Repositories at {scheme}:// are not supported yet.",
            hint="Give the absolute path of a local folder.",
        )
    if not os.path.isabs(location):
        raise InputError(f"The repository location {location!r} is not an absolute path.", hint="Give the absolute path of a local folder.")
    return LocalStorage(location)
