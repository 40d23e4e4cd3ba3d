# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is written down twice says the same: headers, lists of modules, minimum versions."""

from __future__ import annotations

import ast
import pathlib
import re
import subprocess
import typing as t

import pytest
import yaml

from ansible_collections.tenantvault.m365_backup.plugins.module_utils import _deps

ROOT = pathlib.Path(__file__).resolve().parents[3]
# REUSE-IgnoreStart
HEADER = (
    "Copyright: (c) 2026, tenantvault contributors",
    "GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)",
    "SPDX-License-Identifier: GPL-3.0-or-later",
)
# REUSE-IgnoreEnd
HEADED = (".py", ".sh", ".yml", ".yaml", ".toml", ".txt", ".md", ".rst", ".cfg", ".ini", ".j2", "Makefile")
WITHOUT_HEADER = ("changelogs/changelog.yaml", "CHANGELOG.rst", "LICENSES/")


def lacks_header(text: str) -> bool:
    """Whether the three lines are not at the top, in this order; a first line such as a shebang may come before them."""
    top = text.splitlines()[:6]
    places = [next((number for number, line in enumerate(top) if wanted in line), -1) for wanted in HEADER]
    return -1 in places or places != sorted(places)


def our_files() -> list[str]:
    listing = subprocess.run(["git", "ls-files", "-zco", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True)
    return sorted(name for name in listing.stdout.decode().split("\0") if name and (ROOT / name).is_file())


def headed_files() -> list[str]:
    return [name for name in our_files() if name.endswith(HEADED) and not name.startswith(WITHOUT_HEADER) and (ROOT / name).stat().st_size]


def requirements(name: str) -> dict[str, set[str]]:
    """Library -> the versions that are asked for, one entry a line of the file; for which Python does not matter here."""
    wanted: dict[str, set[str]] = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        found = re.match(r"([A-Za-z0-9_-]+) *([=<>][^;]*)?(?:;.*)?$", line)
        if found:
            wanted.setdefault(found.group(1).lower(), set()).add(found.group(2) or "")
    return wanted


def libraries_of_deps() -> dict[str, set[str]]:
    """What _deps.py tells a user to install."""
    named = [requirement.partition(" ") for requirement in (_deps.REQUIREMENTS | _deps.OPTIONAL_REQUIREMENTS).values()]
    return {name: {version} for name, _space, version in named}


def load(name: str) -> t.Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_every_file_begins_with_its_copyright_and_licence() -> None:
    assert [name for name in headed_files() if lacks_header((ROOT / name).read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("text", ["", "\n".join(HEADER[:2]), "\n".join(reversed(HEADER)), "\n" * 9 + "\n".join(HEADER)])
def test_a_header_that_is_missing_incomplete_disordered_or_too_low_is_noticed(text: str) -> None:
    assert lacks_header(text)


def test_the_action_group_lists_exactly_the_modules_that_exist() -> None:
    modules = sorted(file.stem for file in (ROOT / "plugins/modules").glob("*.py"))
    assert load("meta/runtime.yml")["action_groups"]["m365"] == modules


@pytest.mark.parametrize("module", sorted(path.stem for path in (ROOT / "plugins/modules").glob("m365_*.py")))
def test_defaults_of_the_action_group_fit_every_module_of_it(module: str) -> None:
    tree = ast.parse((ROOT / f"plugins/modules/{module}.py").read_text(encoding="utf-8"))
    main = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main")
    called = {node.func.id for node in ast.walk(main) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert "group_arguments" in called


def test_an_execution_environment_gets_the_libraries_that_a_module_asks_for() -> None:
    assert requirements("meta/ee-requirements.txt") == libraries_of_deps()


@pytest.mark.parametrize("kind", ["unit", "integration"])
def test_ansible_test_installs_what_make_test_installs(kind: str) -> None:
    ours = requirements("meta/ee-requirements.txt") | requirements("requirements/run.txt") | requirements("requirements/test.txt")
    theirs = requirements(f"tests/{kind}/requirements.txt")
    assert theirs.items() <= ours.items()
    assert requirements("meta/ee-requirements.txt").keys() <= theirs.keys()


def test_the_oldest_that_is_tested_is_the_oldest_that_is_declared() -> None:
    oldest = requirements("requirements/oldest.txt")
    for library, wanted in requirements("meta/ee-requirements.txt").items():
        declared = [version.removeprefix(">= ") for version in wanted if version]
        tested = [version.removeprefix("== ") for version in oldest.get(library, set())]
        assert all(f"{each}.".startswith(f"{minimum}.") for minimum in declared for each in tested or [""]), library
    core = load("meta/runtime.yml")["requires_ansible"].removeprefix(">=")
    assert next(iter(oldest["ansible-core"])).startswith(f"== {core.rpartition('.')[0]}.")


@pytest.mark.parametrize("name", ["requirements/run.txt", "requirements/test.txt", "requirements/oldest.txt"])
def test_every_tool_is_pinned_exactly(name: str) -> None:
    assert [library for library, wanted in requirements(name).items() if not all(line.startswith("== ") for line in wanted)] == []


def test_the_page_of_dependencies_has_a_row_for_each_library_with_its_minimum_version() -> None:
    page = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([^`]+)` \| ([^|]+?) \|", page, re.MULTILINE))
    wanted = {name: version.removeprefix(">= ") or "any" for name, (version,) in requirements("meta/ee-requirements.txt").items()}
    assert {name: rows.get(name) for name in wanted} == wanted


def test_every_tool_of_the_requirements_has_a_reason_on_the_page_of_dependencies() -> None:
    page = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8").lower()
    named = requirements("requirements/run.txt").keys() | requirements("requirements/test.txt").keys()
    assert [name for name in sorted(named) if f"`{name}`" not in page] == []


@pytest.mark.parametrize("name", sorted(file.name for file in (ROOT / "plugins/modules").glob("*.py")))
def test_every_option_that_a_module_declares_is_read_by_it(name: str) -> None:
    module = ast.parse((ROOT / "plugins/modules" / name).read_text(encoding="utf-8"))
    nodes = list(ast.walk(module))
    specs = [node.value for node in nodes if isinstance(node, ast.keyword) and node.arg == "options" and isinstance(node.value, ast.Dict)]
    declared = [str(key.value) for spec in specs for key in spec.keys if isinstance(key, ast.Constant)]
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name != "main"]
    read = {node.value for function in functions for node in ast.walk(function) if isinstance(node, ast.Constant)}
    assert [option for option in declared if not {option, option.removesuffix("_file")} & read] == []
