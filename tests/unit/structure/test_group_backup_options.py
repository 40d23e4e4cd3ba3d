# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role group_backup hands the options of a plan over one by one: none is missing, and its defaults are those that it documents."""

from __future__ import annotations

import pathlib
import typing as t

import yaml

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._arguments import recovery_arguments, selection_arguments
from ansible_collections.tenantvault.m365_backup.plugins.modules.m365_group_backup_plan import OPTIONS

ROLE = pathlib.Path(__file__).resolve().parents[3] / "roles/group_backup"
MODULE = "tenantvault.m365_backup.m365_group_backup_plan"
OF_THE_ROLE = {"jobs"}
OF_THE_HOST = {"state_path"}
ONLY_WITHOUT_A_LOG = {"return_recovery_key"}


def content(path: str) -> t.Any:
    return yaml.safe_load((ROLE / path).read_text(encoding="utf-8"))


def test_a_plan_of_the_role_takes_each_option_of_the_module() -> None:
    options = set(OPTIONS.merge(recovery_arguments(), selection_arguments()).options) - ONLY_WITHOUT_A_LOG
    [task] = [task for task in content("tasks/plans.yml") if MODULE in task]
    assert set(task[MODULE]) == options | OF_THE_HOST
    assert set(content("vars/main.yml")["__group_backup_options"]) == options | OF_THE_ROLE


def test_defaults_are_as_documented() -> None:
    documented = content("meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    defaults = content("defaults/main.yml")
    assert set(documented) == set(defaults)
    for name, option in documented.items():
        if "default" in option:
            assert option["default"] == defaults[name], name
