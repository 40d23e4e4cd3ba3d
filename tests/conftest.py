# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of hypothesis for every test below this folder."""

from __future__ import annotations

import os

import hypothesis

# No deadline: a slow machine is no defect. In CI the same examples each time, so that a red run can be repeated.
hypothesis.settings.register_profile("gate", deadline=None, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.load_profile("gate")
