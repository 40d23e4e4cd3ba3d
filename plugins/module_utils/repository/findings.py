# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an examination says of a repository."""

from __future__ import annotations

import dataclasses
import enum


class Severity(enum.Enum):
    """C(ERROR): something cannot be restored, or could soon not be. C(WARNING): the next prune puts it in order."""

    ERROR = "error"
    WARNING = "warning"


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """``obj`` names an object, ``problem`` goes on with the sentence, ``next_step`` is what to do."""

    obj: str
    problem: str
    severity: Severity = Severity.ERROR
    next_step: str = dataclasses.field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.obj} {self.problem}"
