# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All faults that control can arm."""

from __future__ import annotations

from . import fault_effects
from .drive_faults import DRIVE_EFFECTS
from .drive_write_faults import DRIVE_WRITE_EFFECTS
from .exchange_faults import EXCHANGE_EFFECTS
from .personal_faults import PERSONAL_EFFECTS
from .throttle_faults import THROTTLE_EFFECTS

EFFECTS: dict[str, fault_effects.Effect] = {
    **fault_effects.EFFECTS,
    **EXCHANGE_EFFECTS,
    **DRIVE_EFFECTS,
    **DRIVE_WRITE_EFFECTS,
    **PERSONAL_EFFECTS,
    **THROTTLE_EFFECTS,
}
