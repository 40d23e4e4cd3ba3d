# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may import whom, and what no plugin may do: the plan of the house, read from the files themselves."""

from __future__ import annotations

import ast
import pathlib
import sys
import typing as t

import pytest

PLUGINS = pathlib.Path(__file__).resolve().parents[3] / "plugins"
COLLECTION = "ansible_collections.tenantvault.m365_backup.plugins"

# Room -> what it may import besides itself and what everybody may.
ROOMS = {
    "graph": set[str](),
    "repository": set[str](),
    "scan": set[str](),
    "plan": {"_text", "graph", "repository"},
    # _signals: a task that is stopped leaves a record, too.
    "report": {"_text", "_signals", "plan"},
    # _process, _signals: a worker process of a run begins in this room, and a run ends in its own way.
    "backup": {"_text", "_process", "_signals", "graph", "repository", "scan", "plan", "report"},
    "restore": {"_text", "graph", "repository", "scan", "plan", "report", "backup"},
}
BOTH_MEET_IN = {"backup", "restore"}
EVERYBODY_MAY = {"_errors", "_deps"}
ABOVE_THE_ROOMS = {"backup", "restore", "plan", "report", "_arguments", "_parameters", "_text"} | EVERYBODY_MAY
ARGUMENTS_MAY = {"_parameters", "_process", "_signals", "graph", "plan", "report"} | EVERYBODY_MAY
SPEAKS_ANSIBLE = ("modules", "action", "filter", "inventory", "lookup", "plugin_utils")
# What runs on the controller shares code that no module needs.
ON_THE_CONTROLLER = ("action/", "filter/", "inventory/", "lookup/", "plugin_utils/")


class Import(t.NamedTuple):
    """One imported module by its full name, the line, and whether only type checkers read it."""

    name: str
    line: int
    for_types: bool


def complaints(path: str, source: str) -> list[str]:
    """What is wrong with a file; ``path`` is relative to the folder of plugins."""
    tree = ast.parse(source)
    found = [f"line {use.line}: {reason}" for use in imports(path, tree) if (reason := forbidden(path, use))]
    if room_of(path) not in BOTH_MEET_IN and both_meet(path, tree):
        found.append("line 1: only files of backup and restore see both graph and repository")
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            found.append(f"line {node.lineno}: assert vanishes under python -O, raise instead")
        if isinstance(node, ast.ExceptHandler) and room_of(path) in ROOMS and catches_everything(node):
            found.append(f"line {node.lineno}: a room catches what it knows, not everything")
    if "from __future__ import annotations" not in source:
        found.append("line 1: from __future__ import annotations is missing")
    return found


def forbidden(path: str, use: Import) -> str:
    """Why this file may not import that; empty when it may."""
    top = use.name.split(".")[0]
    if use.name.startswith(f"{COLLECTION}."):
        return forbidden_among_ours(path, use.name.removeprefix(f"{COLLECTION}."))
    if top == "ansible_collections":
        return f"{use.name} belongs to another collection, and we depend on none"
    if top == "ansible":
        return "" if speaks_ansible(path) else f"Ansible stops at the modules and _arguments.py: {use.name}"
    if top in sys.stdlib_module_names or use.for_types or path == "module_utils/_deps.py":
        return ""
    return f"third-party libraries come through _deps.py: {use.name}"


def forbidden_among_ours(path: str, name: str) -> str:
    if name.startswith("plugin_utils") and path.startswith(ON_THE_CONTROLLER):
        return ""
    if name.split(".")[0] != "module_utils":
        return "" if name.startswith("doc_fragments") else f"nobody imports {name}"
    target = name.split(".")[1] if "." in name else ""
    here = room_of(path)
    if here in ROOMS:
        allowed = ROOMS[here] | EVERYBODY_MAY | {here}
    elif path in ("module_utils/_arguments.py", "module_utils/_parameters.py"):
        allowed = ARGUMENTS_MAY
    elif path.startswith("module_utils/"):
        allowed = EVERYBODY_MAY
    else:
        allowed = ABOVE_THE_ROOMS
    return "" if target in allowed else f"{path.rpartition('/')[0]} may not import {target or 'module_utils as a whole'}"


def imports(path: str, tree: ast.Module) -> t.Iterator[Import]:
    typing_lines = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for inner in node.body
        for line in range(inner.lineno, (inner.end_lineno or inner.lineno) + 1)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, node.lineno in typing_lines)
        elif isinstance(node, ast.ImportFrom):
            for name in from_targets(path, node):
                yield Import(name, node.lineno, node.lineno in typing_lines)


def from_targets(path: str, node: ast.ImportFrom) -> t.Iterator[str]:
    """Full names; ``from ..x import y`` counts as x.y, because y may be the module that is meant."""
    base = [node.module] if node.module else []
    if node.level:
        package = [COLLECTION, *path.split("/")[:-1]]
        base = package[: len(package) - node.level + 1] + base
    for alias in node.names:
        yield ".".join([*base, alias.name])


def both_meet(path: str, tree: ast.Module) -> bool:
    names = [use.name.removeprefix(f"{COLLECTION}.module_utils.") + "." for use in imports(path, tree)]
    return all(any(name.startswith(room) for name in names) for room in ("graph.", "repository."))


def catches_everything(handler: ast.ExceptHandler) -> bool:
    """Whether it takes errors that it does not know and lets them end here; cleaning up and raising again is fine."""
    if any(isinstance(node, ast.Raise) and node.exc is None for node in ast.walk(handler)):
        return False
    return handler.type is None or any(
        isinstance(name, ast.Name) and name.id in ("Exception", "BaseException") for name in ast.walk(handler.type)
    )


def room_of(path: str) -> str:
    parts = path.split("/")
    return parts[1] if parts[0] == "module_utils" and len(parts) > 2 else ""


def speaks_ansible(path: str) -> bool:
    return path.startswith(SPEAKS_ANSIBLE) or path == "module_utils/_arguments.py"


FILES = sorted(file.relative_to(PLUGINS).as_posix() for file in PLUGINS.rglob("*.py"))


@pytest.mark.parametrize("path", [path for path in FILES if not path.endswith("__init__.py")])
def test_a_plugin_file_keeps_to_the_plan_of_the_house(path: str) -> None:
    assert complaints(path, (PLUGINS / path).read_text(encoding="utf-8")) == []


def test_every_room_is_one_that_the_plan_of_the_house_knows() -> None:
    assert {room_of(path) for path in FILES} - {""} <= set(ROOMS)


@pytest.mark.parametrize("path", [path for path in FILES if path.endswith("__init__.py")])
def test_an_init_file_is_empty(path: str) -> None:
    assert (PLUGINS / path).read_text(encoding="utf-8") == ""


FUTURE = "from __future__ import annotations\n"


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("module_utils/graph/mail.py", "from ..repository.types import BlobId"),
        ("module_utils/graph/mail.py", "from ..plan import model"),
        ("module_utils/graph/mail.py", "from .. import backup"),
        ("module_utils/graph/mail.py", "def f():\n    from ..plan import model"),
        ("module_utils/graph/mail.py", "import typing as t\nif t.TYPE_CHECKING:\n    from ..plan import model"),
        ("module_utils/repository/keys.py", f"from {COLLECTION}.module_utils.graph.client import GraphClient"),
        ("module_utils/repository/keys.py", f"import {COLLECTION}.module_utils.graph.client"),
        ("module_utils/plan/apply.py", "from ..repository import repository\nfrom ..graph import client"),
        ("module_utils/repository/keys.py", "from .._text import plural"),
        ("module_utils/report/record.py", "from ..graph import client"),
        ("module_utils/backup/engine.py", "from ..restore import engine"),
        ("module_utils/backup/engine.py", "from .._arguments import CONNECTION"),
        ("module_utils/_errors.py", "from .graph import errors"),
        ("module_utils/_arguments.py", "from .repository import repository"),
        ("module_utils/_parameters.py", "from ansible.module_utils.basic import AnsibleModule"),
        ("modules/m365_backup_run.py", f"from {COLLECTION}.module_utils.graph.client import connect"),
        ("modules/m365_backup_run.py", f"from {COLLECTION}.modules import m365_backup_prune"),
        ("modules/m365_backup_run.py", f"from {COLLECTION}.plugin_utils._options import checked_options"),
        ("lookup/latest_snapshot.py", f"from {COLLECTION}.modules import m365_backup_prune"),
        ("modules/m365_backup_run.py", "from ansible_collections.community.general.plugins.module_utils import version"),
        ("module_utils/backup/engine.py", "from ansible.module_utils.basic import AnsibleModule"),
        ("module_utils/graph/mail.py", "import urllib3"),
        ("module_utils/graph/mail.py", "try:\n    from msal import ConfidentialClientApplication\nexcept ImportError:\n    pass"),
        ("modules/m365_backup_run.py", "import requests"),
        ("module_utils/graph/mail.py", "assert True"),
        ("module_utils/graph/mail.py", "try:\n    pass\nexcept Exception:\n    pass"),
        ("module_utils/graph/mail.py", "try:\n    pass\nexcept (ValueError, BaseException):\n    pass"),
        ("module_utils/graph/mail.py", "try:\n    pass\nexcept:\n    pass"),
    ],
)
def test_the_checker_complains_once_about_each_kind_of_trespass(path: str, source: str) -> None:
    assert len(complaints(path, FUTURE + source)) == 1


def test_the_checker_misses_the_future_import() -> None:
    assert complaints("module_utils/graph/mail.py", "import os") == ["line 1: from __future__ import annotations is missing"]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (
            "module_utils/graph/mail.py",
            "from .._errors import BackupError\nfrom .. import _deps\nfrom . import client\nfrom .errors import GraphError",
        ),
        ("module_utils/graph/mail.py", "import typing as t\nif t.TYPE_CHECKING:\n    import urllib3"),
        ("module_utils/plan/selection.py", "from ..graph import directory"),
        ("module_utils/plan/repository_access.py", "from ..repository import repository"),
        ("module_utils/graph/mail.py", "try:\n    pass\nexcept BaseException:\n    raise"),
        (
            "module_utils/backup/engine.py",
            "from ..graph.client import GraphClient\nfrom ..repository.writer import Writer\nfrom ..plan.model import Plan",
        ),
        ("module_utils/restore/engine.py", "from ..backup import layout\nfrom .._text import plural"),
        ("module_utils/_deps.py", "import msal\nfrom ._errors import MissingLibraryError"),
        ("module_utils/_arguments.py", "from ansible.module_utils.basic import env_fallback\nfrom .graph.client import ConnectionSettings"),
        ("lookup/latest_snapshot.py", f"from ansible.errors import AnsibleError\nfrom {COLLECTION}.plugin_utils import _options"),
        (
            "modules/m365_backup_run.py",
            f"from ansible.module_utils.basic import AnsibleModule\nfrom {COLLECTION}.module_utils.backup.engine import run",
        ),
    ],
)
def test_the_checker_lets_pass_what_the_plan_of_the_house_allows(path: str, source: str) -> None:
    assert complaints(path, FUTURE + source) == []
