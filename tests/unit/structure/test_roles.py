# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a role says of its variables in three places is the same."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
import yaml

ROLES = pathlib.Path(__file__).resolve().parents[3] / "roles"
NAMES = sorted(folder.name for folder in ROLES.iterdir() if (folder / "defaults/main.yml").exists())


def load(role: str, name: str) -> t.Any:
    return yaml.safe_load((ROLES / role / name).read_text(encoding="utf-8"))


def options(role: str) -> dict[str, dict[str, t.Any]]:
    return dict(load(role, "meta/argument_specs.yml")["argument_specs"]["main"]["options"])


@pytest.mark.parametrize("role", NAMES)
def test_every_variable_has_a_default_and_an_explanation_or_is_required(role: str) -> None:
    explained = options(role)
    required = {name for name, option in explained.items() if option.get("required")}
    assert set(load(role, "defaults/main.yml")) | required == set(explained)


@pytest.mark.parametrize("role", NAMES)
def test_a_default_is_the_one_that_is_explained(role: str) -> None:
    defaults = load(role, "defaults/main.yml")
    explained = {name: option["default"] for name, option in options(role).items() if "default" in option}
    assert {name: defaults[name] for name in explained} == explained
