# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All faults that control can arm."""

from __future__ import annotations

from . import fault_effects
from .exchange_faults import EXCHANGE_EFFECTS
from .personal_faults import PERSONAL_EFFECTS

EFFECTS: dict[str, fault_effects.Effect] = {**fault_effects.EFFECTS, **EXCHANGE_EFFECTS, **PERSONAL_EFFECTS}
