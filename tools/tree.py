# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The copy of this checkout below ``.build/ansible_collections``, where Ansible's tools find a collection.

ansible-test insists on a real folder of that name and lists files with git, so the copy is a git repository of its own:
otherwise it lies in an ignored folder of the outer one, and every test "passes" over no files at all.
"""

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / ".build"


def collection_name() -> tuple[str, str]:
    """Namespace and name, as galaxy.yml says them."""
    found = _declared()
    return found["namespace"], found["name"]


def collection_version() -> str:
    """The version that the next artefact gets."""
    return _declared()["version"]


def _declared() -> dict[str, str]:
    text = (ROOT / "galaxy.yml").read_text(encoding="utf-8")
    return dict(re.findall(r"^(namespace|name|version): *(\S+)$", text, re.MULTILINE))


def copy_path() -> pathlib.Path:
    """The folder of the copy."""
    return BUILD.joinpath("ansible_collections", *collection_name())


def make_copy() -> pathlib.Path:
    """Copy every file that git tracks or would track; files that are gone here are gone there."""
    target = copy_path()
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    listing = subprocess.run(["git", "ls-files", "-zco", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True)
    for name in filter(None, listing.stdout.decode().split("\0")):
        source = ROOT / name
        if not source.is_file():
            continue
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target / name, follow_symlinks=False)
    subprocess.run(["git", "init", "-q"], cwd=target, check=True)
    return target
