# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The helpers of the Makefile, as modules."""

from __future__ import annotations

import importlib
import pathlib
import types
import typing as t

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[3] / "tools"


@pytest.fixture(name="tool")
def fixture_tool(monkeypatch: pytest.MonkeyPatch) -> t.Callable[[str], types.ModuleType]:
    """Imports one of the scripts in tools/ by name."""
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module
