# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of two states of a source is to be kept, where several hosts have left one each.

A state is made from the one before, and has a greater stamp than that: readings and moves never go down, and puts go up. So what
goes on from a state always wins over it, whatever the clocks of the hosts say. Of two states that two hosts have made side by side
from the same one, the one that was read to its end wins over the one that failed or is half read. The other stays in
its own restore point, and what Microsoft has changed since is asked for again by the cursor of the winner: nothing is lost.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Stamp:
    """How often a source was read to its end with a change, how often its tree was changed, how often anything of it; C(run) did the last.

    The order is that of the fields. A state that has no stamp is older than any that has one.
    """

    readings: int = 0
    moves: int = 0
    puts: int = 0
    run: str = ""


NO_STAMP = Stamp()
