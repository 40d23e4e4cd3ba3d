# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exported tasks declare exactly the plan that they were made of."""

from __future__ import annotations

import typing as t

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.document import plan_from_dict
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import Plan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.plan_tasks import MODULE, plan_task
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.yaml_text import yaml_text
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.plan.strategies import plans


class Loader(yaml.SafeLoader):
    """Reads what Ansible reads."""


Loader.add_constructor("!unsafe", lambda _loader, node: node.value)


def load(text: str) -> t.Any:
    return yaml.load(text, Loader)


letters = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
plain_data = st.recursive(
    st.none() | st.booleans() | st.integers() | letters, lambda inner: st.lists(inner) | st.dictionaries(letters, inner), max_leaves=12
)


@settings(max_examples=60, deadline=None)
@given(st.lists(plans, max_size=2))
def test_the_tasks_of_plans_read_back_from_yaml_mean_the_same_plans(some: list[Plan]) -> None:
    tasks = load(yaml_text([plan_task(plan) for plan in some]))
    assert [plan_from_dict(task[MODULE]) for task in tasks] == some


@given(plain_data)
def test_data_is_the_same_after_it_was_written_as_yaml(data: t.Any) -> None:
    assert load(yaml_text(data)) == data


def test_a_task_leaves_out_whatever_is_a_default() -> None:
    declared = {
        "title": "Sales",
        "groups": ["Sales"],
        "backup_type": "mailbox",
        "schedule": {"every": "daily", "at": "23:00", "timezone": "UTC"},
        "retention": {"forever": True},
        "malware_scan": {"enabled": True, "engine": "auto"},
        "repository": "/srv/backup",
    }
    assert plan_task(plan_from_dict(declared)) == {
        "name": "Apply the plan Sales",
        MODULE: {
            "title": "Sales",
            "groups": ["Sales"],
            "backup_type": "mailbox",
            "schedule": {"every": "daily"},
            "malware_scan": {"enabled": True},
            "repository": "/srv/backup",
        },
    }


def test_a_name_that_does_not_follow_from_the_title_is_kept() -> None:
    plan = plan_from_dict({"title": "Sales", "name": "s", "users": ["a@x"], "backup_type": "onedrive", "repository": "/srv/backup"})
    assert plan_task(plan)[MODULE]["name"] == "s"


@pytest.mark.parametrize("text", ["{{ lookup('pipe', 'id') }}", "100 {% if", "a {# b"])
def test_text_that_ansible_would_take_for_a_template_is_marked(text: str) -> None:
    assert yaml_text({"title": text}).startswith('---\ntitle: !unsafe "')


@pytest.mark.parametrize(
    "text", ["yes", "Off", "null", "1", "1e3", "0x1f", "23:00", "~", "- a", "a: b", "a #b", "", "\u2028", "2026-01-01"]
)
def test_text_that_yaml_would_take_for_something_else_is_quoted(text: str) -> None:
    assert yaml_text([text]).startswith('---\n- "')
