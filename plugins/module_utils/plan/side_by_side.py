# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions to Graph that do not wait for one another.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor

AT_ONCE = 8
"""As many requests as the limiter lets through to the directory at the same time."""

_Question = t.TypeVar("_Question")
_Answer = t.TypeVar("_Answer")


def side_by_side(ask: t.Callable[[_Question], _Answer], questions: t.Iterable[_Question]) -> list[_Answer]:
    """The answers in the order of the questions. The first error is raised, and what has not been asked by then is not asked."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="selection") as pool:
        return list(pool.map(ask, questions))
