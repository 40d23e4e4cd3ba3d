# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the text in a plan to a storage."""

from __future__ import annotations

import os

from .._errors import InputError
from .storage import Storage
from .storage_local import LocalStorage
from .storage_options import StorageOptions
from .storage_s3 import S3Storage
from .storage_s3_settings import SCHEME, resolve_settings


def open_storage(location: str, options: StorageOptions | None = None) -> Storage:
    """The storage at a folder's absolute path, or at C(s3://bucket/prefix). Nothing is looked at there.

    Raises InputError for places that are not supported and options that cannot be used, MissingLibraryError.
    """
    scheme, separator, _rest = location.partition("://")
    if not separator and os.path.isabs(location):
        return LocalStorage(location)
    if location.startswith(SCHEME):
        return S3Storage(resolve_settings(location, options or StorageOptions()))
    problem = f"{scheme}:// is not supported" if separator else f"{location!r} is not an absolute path"
    raise InputError(
        f"The location of the repository cannot be used: {problem}.",
        hint="Give the absolute path of a local folder, or s3://bucket/prefix for an object store.",
    )
