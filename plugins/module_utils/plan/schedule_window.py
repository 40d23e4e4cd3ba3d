# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When the backup window of a plan closes. Pure.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import datetime

from .schedule import Schedule
from .schedule_times import is_inside, zone_of

_UTC = datetime.timezone.utc


def window_closes(schedule: Schedule | None, moment: datetime.datetime) -> datetime.datetime | None:
    """When the window that is open at ``moment`` (an aware time) closes, in UTC.

    None when there is no window, and when it is not open: whoever starts a plan outside of it means it. The clock on the wall
    decides; where daylight saving leaves out the end of the window, it closes when the clocks are changed.
    """
    if schedule is None or schedule.window is None:
        return None
    zone, window = zone_of(schedule), schedule.window
    local = moment.astimezone(zone)
    if not is_inside(window, local.time()):
        return None
    day = local.date() if local.time() < window.end else local.date() + datetime.timedelta(days=1)
    ends = [datetime.datetime.combine(day, window.end, tzinfo=zone).replace(fold=fold).astimezone(_UTC) for fold in (0, 1)]
    if ends[1] < ends[0]:  # no clock shows that time: the two lie around the change
        return _first_outside(ends[1], ends[0], zone)
    return next((end for end in ends if end > moment), ends[1])


def _first_outside(before: datetime.datetime, behind: datetime.datetime, zone: datetime.tzinfo) -> datetime.datetime:
    """The moment between the two, which are in UTC, from which on the offset of ``zone`` is another one, to the second."""
    offset = before.astimezone(zone).utcoffset()
    low, high = 0, int((behind - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if (before + datetime.timedelta(seconds=middle)).astimezone(zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return before + datetime.timedelta(seconds=high)
