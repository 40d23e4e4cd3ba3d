# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors of the temporary databases that keep long lists out of memory, in words.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import sqlite3
import typing as t

from .._errors import BackupError

#: Of each, in memory; the rest is in a file. Several are open for each member that is read, and most hold little.
_CACHE_KIBIBYTES = 512


def open_temporary_database() -> sqlite3.Connection:
    """A database of its own, which leaves memory when it grows and is gone when it is closed.

    Statements commit by themselves. Several threads may use it in turns.
    """
    database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    database.execute(f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}")
    return database


@contextlib.contextmanager
def temporary_databases() -> t.Iterator[None]:
    """Raises BackupError instead of what SQLite raises, such as for a full disk."""
    try:
        yield
    except sqlite3.Error as error:
        # The folders are SQLite's own choice (its documentation of temporary files, section 5).
        raise BackupError(
            f"A temporary database could not be used: {error}.",
            hint="Free space in /var/tmp and /tmp, or let SQLITE_TMPDIR name a folder that has some.",
        ) from error
