# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are replaced as a whole: who reads them sees the old content or the new one; and folders of records.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from datetime import datetime
from pathlib import Path


def replace_file(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Write beside it, flush, rename. The folder must be there. Raises OSError, and leaves nothing behind then."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise


def keep_newest(folder: Path, number: int) -> None:
    """Remove all records but so many: their names sort by time. What cannot be removed is tried again with the next record."""
    with contextlib.suppress(OSError):
        for path in sorted(folder.glob("[0-9]*.json"))[:-number]:
            path.unlink()


def moment_of(text: str) -> datetime:
    """A time in ISO 8601. Raises ValueError for anything else, and where no time zone is given."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment
