# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the README and the guides tell people to write is what the modules take."""

from __future__ import annotations

import ast
import pathlib
import re
import textwrap
import typing as t

import pytest
import yaml

from ansible_collections.tenantvault.m365_backup.plugins.module_utils import _deps

ROOT = pathlib.Path(__file__).resolve().parents[3]
COLLECTION = "tenantvault.m365_backup."
PAGES = ["README.md", *sorted(file.relative_to(ROOT).as_posix() for file in (ROOT / "docs/docsite/rst").glob("*.rst"))]

Options = dict[str, dict[str, t.Any]]


def constants(path: pathlib.Path) -> dict[str, str]:
    """Every text that a file assigns to a name in capitals, at its top or in its class."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Constant):
            found[node.targets[0].id] = str(node.value.value)
    return found


def options_of(module: str) -> Options:
    """The documented options of a module, those of its fragments included."""
    document = yaml.safe_load(constants(ROOT / f"plugins/modules/{module}.py")["DOCUMENTATION"])
    options: Options = dict(document.get("options") or {})
    for name in document.get("extends_documentation_fragment") or []:
        fragment, _dot, part = name.removeprefix(COLLECTION).partition(".")
        text = constants(ROOT / f"plugins/doc_fragments/{fragment}.py")[part.upper() or "DOCUMENTATION"]
        options |= (yaml.safe_load(text) or {}).get("options") or {}
    return options


def yaml_blocks(text: str) -> t.Iterator[str]:
    for block in re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield textwrap.dedent(block)
    for block in re.findall(r"^\.\. code-block:: yaml\n\n((?:(?: +.*)?\n)+)", text, re.MULTILINE):
        yield textwrap.dedent(block)


def tasks(document: t.Any) -> t.Iterator[tuple[str, t.Any]]:
    """Module and options of every task of ours in a play or a list of tasks."""
    for entry in document:
        yield from tasks(entry.get("tasks", []))
        for name, value in entry.items():
            if name.startswith(COLLECTION):
                yield name.removeprefix(COLLECTION), value
        for value in entry.get("module_defaults", {}).values():
            yield "m365_backup_run", value | {"plan": "any"}


def mistakes(given: t.Any, options: Options, place: str = "") -> t.Iterator[str]:
    for name, value in given.items():
        if name not in options:
            yield f"{place}{name} is no option"
        elif isinstance(value, dict) and options[name]["type"] != "raw":
            yield from mistakes(value, options[name].get("suboptions") or {}, f"{place}{name}.")
    for name, option in options.items():
        if option.get("required") and name not in given:
            yield f"{place}{name} is required"


EXAMPLES = [
    (page, *task)
    for page in PAGES
    for block in yaml_blocks((ROOT / page).read_text(encoding="utf-8"))
    for task in tasks(yaml.safe_load(block))
]


@pytest.mark.parametrize(("page", "module", "given"), EXAMPLES)
def test_an_example_of_a_guide_uses_options_that_the_module_has(page: str, module: str, given: t.Any) -> None:
    assert list(mistakes(given, options_of(module))) == []


@pytest.mark.parametrize("page", ["README.md", "docs/docsite/rst/first_group_backup.rst"])
def test_a_page_for_beginners_shows_every_module(page: str) -> None:
    shown = {module for example_page, module, _given in EXAMPLES if example_page == page}
    assert shown >= {file.stem for file in (ROOT / "plugins/modules").glob("*.py")}


@pytest.mark.parametrize("kind", ["inventory", "lookup"])
def test_the_readme_names_every_plugin_that_is_no_module(kind: str) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    names = [file.stem for file in sorted((ROOT / "plugins" / kind).glob("*.py"))]
    assert names != []
    assert [name for name in names if f"`{COLLECTION}{name}`" not in readme] == []


def test_an_example_with_a_wrong_or_a_missing_option_would_be_found() -> None:
    options: Options = {"plan": {"required": True}, "schedule": {"type": "dict", "suboptions": {"every": {}}}}
    assert list(mistakes({"schedule": {"evry": 1}, "pan": "x"}, options)) == [
        "schedule.evry is no option",
        "pan is no option",
        "plan is required",
    ]


@pytest.mark.parametrize("file", sorted((ROOT / "plugins/doc_fragments").glob("*.py")), ids=lambda file: file.stem)
def test_the_requirements_that_the_docs_name_are_those_that_the_code_asks_for(file: pathlib.Path) -> None:
    always, optional = set(_deps.REQUIREMENTS.values()), set(_deps.OPTIONAL_REQUIREMENTS.values())
    for text in constants(file).values():
        named = set((yaml.safe_load(text) or {}).get("requirements") or [])
        assert named == always or named <= optional
