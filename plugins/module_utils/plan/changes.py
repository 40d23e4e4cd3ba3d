# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What applying a plan would change: one decision for check mode, for the diff and for the real run.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .document import plan_to_dict
from .model import Plan


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One option that gets another value. ``before`` or ``after`` is None when the option is not there on that side."""

    option: str
    before: t.Any
    after: t.Any


def plan_changes(current: Plan | None, wanted: Plan | None) -> tuple[Change, ...]:
    """The options in which two plans differ, in the order of the options; empty exactly when the plans are equal.

    None stands for a plan that does not exist.
    """
    before = plan_to_dict(current) if current else {}
    after = plan_to_dict(wanted) if wanted else {}
    return tuple(
        Change(option=option, before=before.get(option), after=after.get(option))
        for option in dict.fromkeys((*before, *after))
        if before.get(option) != after.get(option)
    )
