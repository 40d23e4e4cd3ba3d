# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-builder finds what the collection needs, and makes the context of an image from our definition."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ansible_collections.tenantvault.m365_backup.plugins.module_utils import _deps
from ansible_collections.tenantvault.m365_backup.tests.integration.awx_job import COLLECTION
from ansible_collections.tenantvault.m365_backup.tests.integration.page_commands import commands_of
from ansible_collections.tenantvault.m365_backup.tests.integration.walked_page import Session, programs_path, without_settings_of

PAGE = COLLECTION / "docs/docsite/rst/awx.rst"
DEFINITION = COLLECTION / "extensions/execution_environment/execution-environment.yml"
PODMAN = """#!/bin/sh
# No image is built here: what podman would get is written down.
echo "$@" >> called
"""
BUILDER = Path(sys.executable).with_name("ansible-builder")
needs_builder = pytest.mark.skipif(not BUILDER.exists(), reason="ansible-builder is installed by `make test` on Python 3.11 and later")


def build(*arguments: str, folder: Path) -> str:
    done = subprocess.run([str(BUILDER), *arguments], check=True, capture_output=True, text=True, cwd=folder)
    return done.stdout


@needs_builder
def test_what_the_collection_needs_is_found_by_the_builder(tmp_path: Path) -> None:
    installed = tmp_path / "ansible_collections" / "tenantvault" / "m365_backup"
    shutil.copytree(COLLECTION / "meta", installed / "meta")
    shutil.copy(COLLECTION / "galaxy.yml", installed)
    found = yaml.safe_load(build("introspect", str(tmp_path), "--sanitize", folder=tmp_path))
    wanted = {name.partition(" ")[0] for name in (_deps.REQUIREMENTS | _deps.OPTIONAL_REQUIREMENTS).values()}
    assert {re.split("[ <>=;#]", line)[0] for line in found["python"]} == wanted
    assert {line.partition(" ")[0] for line in found["system"]} == {"tzdata"}


@needs_builder
def test_the_definition_gives_the_context_of_an_image(tmp_path: Path) -> None:
    shutil.copy(DEFINITION, tmp_path)
    build("create", "--context", "context", folder=tmp_path)
    recipe = next((tmp_path / "context").glob("*ile")).read_text(encoding="utf-8")
    assert "ansible-core~=2.20.0" in recipe
    assert "mkdir -p /data/m365_backup" in recipe
    collections = yaml.safe_load((tmp_path / "context" / "_build" / "requirements.yml").read_text())["collections"]
    assert [collection["name"] for collection in collections] == ["tenantvault.m365_backup"]


@needs_builder
def test_the_command_of_the_guide_has_podman_build_that_context_under_the_name_of_the_image(tmp_path: Path) -> None:
    programs, folder = tmp_path / "bin", tmp_path / "definition"
    programs.mkdir()
    folder.mkdir()
    shutil.copy(DEFINITION, folder)
    (programs / "podman").write_text(PODMAN, encoding="utf-8")
    (programs / "podman").chmod(0o755)
    session = Session(folder, {}, {**without_settings_of("ANSIBLE_"), "PATH": programs_path(programs)})
    assert "Complete!" in session.do(commands_of(PAGE)["Build the execution environment"])
    (called,) = (folder / "called").read_text(encoding="utf-8").splitlines()
    recipe = re.fullmatch(r"build -f (\S+) -t registry\.example\.com/m365_backup:1\.0\.0 (\S+)", called)
    assert recipe is not None, called
    assert "mkdir -p /data/m365_backup" in (folder / recipe[1]).read_text(encoding="utf-8")
    assert (folder / recipe[2] / "_build/requirements.yml").exists()
