# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stored plans say, mean and would do, as the result of a module: pure.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .._text import count_text, listed_names
from .document import Document, plan_to_dict
from .plan_tasks import plan_task
from .timing_facts import retention_facts, schedule_facts
from .yaml_text import yaml_text

if t.TYPE_CHECKING:
    import datetime

    from .store import StoredPlan


def plans_result(stored: t.Sequence[StoredPlan], *, now: datetime.datetime, as_tasks: bool) -> Document:
    """Every plan with what follows from it; with ``as_tasks`` also the tasks that declare them all, as data and as YAML."""
    result: Document = {
        "changed": False,
        "plans": [_facts(each, now) for each in stored],
        "msg": _sentence(stored),
    }
    if as_tasks:
        result["tasks"] = [plan_task(each.plan) for each in stored]
        result["tasks_yaml"] = yaml_text(result["tasks"])
    return result


def _facts(stored: StoredPlan, now: datetime.datetime) -> Document:
    plan = stored.plan
    return {
        "name": plan.name,
        "title": plan.title,
        "backup_type": plan.backup_type.value,
        "repository": plan.repository,
        "repository_id": stored.repository_id,
        "plan": plan_to_dict(plan),
        "schedule": schedule_facts(plan, now),
        "retention": retention_facts(plan, now),
    }


def _sentence(stored: t.Sequence[StoredPlan]) -> str:
    if not stored:
        return "No plan is stored on this host."
    return f"{count_text(len(stored), 'plan')} stored on this host: {listed_names([each.plan.name for each in stored])}."
