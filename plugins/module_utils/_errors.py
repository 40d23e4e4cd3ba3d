# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The root of every error that this collection raises on purpose.

Rooms derive their own errors from L(BackupError). A module catches that one class and nothing else, so whatever is
raised as something different is a defect of ours and is shown with its traceback.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t


class BackupError(Exception):
    """Something that an administrator can understand and act on.

    ``what`` is one sentence: what failed, on which object, with the service's own code. ``hint`` is one sentence: what
    to do next. ``facts`` are structured values for the module's result, such as ``request_id``; never secrets.
    """

    def __init__(self, what: str, *, hint: str = "", facts: t.Mapping[str, object] | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.facts: dict[str, object] = dict(facts or {})

    def __str__(self) -> str:
        return f"{self.what} {self.hint}".rstrip()

    def __reduce__(self) -> tuple[t.Any, ...]:
        """Errors go from worker processes to their parent; those of rooms are made from other arguments than they keep."""
        return _revived, (self.__class__, self.args, self.__dict__)


class InputError(BackupError):
    """A declaration that cannot be carried out as it stands. Nothing was touched."""


class MissingLibraryError(BackupError):
    """A Python library that this task needs is not installed on the machine that runs it."""

    def __init__(self, libraries: t.Sequence[str], traceback_text: str) -> None:
        super().__init__(
            f"This task needs the Python libraries {', '.join(libraries)}.",
            hint="Install them for the Python interpreter that runs the module.",
        )
        self.libraries = tuple(libraries)
        self.traceback_text = traceback_text


def _revived(kind: type[BackupError], args: tuple[object, ...], state: dict[str, object]) -> BackupError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error
