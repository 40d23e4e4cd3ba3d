# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stored plans as the tasks that declare them, without what is a default: pure.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from .._errors import InputError
from .document import Document, plan_from_dict, plan_to_dict
from .model import Plan

MODULE = "tenantvault.m365_backup.m365_group_backup_plan"


def plan_task(plan: Plan) -> Document:
    """The task that applies this plan and no other. It holds no secrets, and nothing that only this host knows."""
    return {"name": f"Apply the plan {plan.title}", MODULE: declaration_of(plan)}


def declaration_of(plan: Plan) -> Document:
    """The shortest declaration that means exactly this plan: whatever can be left out is left out. No dictionary is empty."""
    declared = {option: value for option, value in plan_to_dict(plan).items() if value is not None}
    for option in reversed(tuple(declared)):
        shorter = {name: value for name, value in declared.items() if name != option}
        if _means(shorter, plan):
            declared = shorter
        elif isinstance(declared[option], dict):
            for key in reversed(tuple(declared[option])):
                inner = {name: value for name, value in declared[option].items() if name != key}
                if inner and _means({**declared, option: inner}, plan):
                    declared = {**declared, option: inner}
    return declared


def _means(declared: Document, plan: Plan) -> bool:
    try:
        return plan_from_dict(declared) == plan
    except InputError:
        return False
