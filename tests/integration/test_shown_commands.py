# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands of pages that install, prepare, or work in a clone, run as they stand. What they would download comes from files."""

from __future__ import annotations

import dataclasses
import json
import platform
import shutil
import stat
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.passphrase import check_new_passphrase
from ansible_collections.tenantvault.m365_backup.tests.hosts.artefacts import tarball, wheels
from ansible_collections.tenantvault.m365_backup.tests.integration.galaxy_server import running_galaxy
from ansible_collections.tenantvault.m365_backup.tests.integration.page_commands import commands_of
from ansible_collections.tenantvault.m365_backup.tests.integration.walked_page import Session, programs_path, without_settings_of

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
LOCK = "roles/backup_host/files/requirements-3.11.txt"
INSTALLED = ".ansible/collections/ansible_collections/tenantvault/m365_backup"
ORIGIN = "https://github.com/tenantvault/m365_backup"
UV = Path(sys.executable).with_name("uv")
REPLACED = {
    # pages name the usual machine, and all tests of a folder take longer than those of one of its files
    "x86_64": platform.machine(),
    "pytest tests/unit/structure": "pytest tests/unit/structure/test_roles.py",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Workstation:
    """C(home) is empty at first. Programs are those of the tests; C(made) has what a tarball or a repository is made in."""

    home: Path
    made: Path
    environment: dict[str, str]

    def do(self, page: str, heading: str, folder: Path | None = None, **environment: str) -> str:
        """Run every command below a heading of a page; what was printed."""
        session = Session(folder or self.home, REPLACED, {**self.environment, **environment})
        return session.do(commands_of(ROOT / page)[heading])

    @property
    def clone(self) -> Path:
        return self.home / "m365_backup"


@pytest.fixture(scope="module")
def workstation(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Workstation]:
    home, made = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("made")
    inherited = without_settings_of("ANSIBLE_", without_settings_of("PYTEST_", without_settings_of("GIT_")))
    inherited.pop("PYTHONPATH", None)  # the collection that is tested lies there
    libraries = wheels(ROOT / LOCK, ROOT / ".build/wheels")
    with running_galaxy(tarball(made)) as galaxy:
        environment = {
            **inherited,
            "HOME": str(home),
            "PATH": programs_path(),
            "ANSIBLE_GALAXY_SERVER": galaxy,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(libraries),
            "UV_NO_INDEX": "1",
            "UV_NO_CONFIG": "1",
            "UV_FIND_LINKS": str(libraries),
            "UV_CACHE_DIR": str(made / "uv"),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{made / 'origin'}.insteadOf",
            "GIT_CONFIG_VALUE_0": ORIGIN,
        }
        yield Workstation(home, made, environment)


def make_origin(folder: Path) -> None:
    """A repository with the files of this checkout, as they are."""
    listed = subprocess.run(["git", "ls-files", "-zco", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    author = ("-c", "user.name=tests", "-c", "user.email=tests@example.com")
    for arguments in (("init", "-q"), ("add", "--all", "--force"), (*author, "commit", "-q", "-m", "all")):
        subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def cloned(workstation: Workstation) -> str:
    """What the commands of the first guide print that clone and would start the demo; make only says what it would do."""
    make_origin(workstation.made / "origin")
    said = workstation.do("docs/docsite/rst/first_group_backup.rst", "Try it without a tenant", MAKEFLAGS="n")
    (workstation.clone / ".venvs").mkdir()
    (workstation.clone / ".venvs/dev").symlink_to(sys.prefix)
    return said


def steps_of_the_gate() -> list[str]:
    """What each step of the gate calls, with the programs as the Makefile names them."""
    script = "import gate, json; print(json.dumps([step.command for steps in gate.PARTS.values() for step in steps]))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT / "tools", check=True, capture_output=True, text=True)
    return [" ".join(command).replace(f"{ROOT}/", "") for command in json.loads(done.stdout)]


def test_the_collection_is_installed_and_libraries_for_it(workstation: Workstation) -> None:
    workstation.do("README.md", "Installation")
    manifest = json.loads((workstation.home / INSTALLED / "MANIFEST.json").read_text(encoding="utf-8"))
    assert manifest["collection_info"]["name"] == "m365_backup"
    shutil.rmtree(workstation.home / INSTALLED)
    said = workstation.do("docs/docsite/rst/first_group_backup.rst", "Prepare the machine")
    assert "tenantvault.m365_backup:1.0.0 was installed successfully" in said
    assert "Requirement already satisfied: msal" in said


def test_the_passphrase_of_the_first_guide_is_long_enough_and_for_its_owner_alone(workstation: Workstation) -> None:
    workstation.do("docs/docsite/rst/first_group_backup.rst", "Choose a passphrase")
    passphrase = workstation.home / "m365_backup_passphrase"
    assert len(passphrase.read_text(encoding="utf-8").strip()) >= 45
    assert stat.S_IMODE(passphrase.stat().st_mode) == 0o600


def test_each_passphrase_that_a_machine_chooses_is_taken(workstation: Workstation) -> None:
    said = workstation.do("docs/docsite/rst/keys_and_recovery.rst", "Choose a passphrase")
    chosen = said.splitlines()
    assert len(chosen) == len(set(chosen)) == 2
    for passphrase in chosen:
        check_new_passphrase(passphrase)


def test_the_demo_and_the_tests_of_a_clone_are_what_ci_runs(workstation: Workstation, cloned: str) -> None:
    said = workstation.do("README.md", "Ansible collection tenantvault.m365_backup", workstation.clone, MAKEFLAGS="n")
    demo = ".venvs/dev/bin/python tools/demo.py"
    assert demo in cloned
    assert demo in said
    assert demo in steps_of_the_gate()
    assert ".venvs/dev/bin/python tools/gate.py test" in said
    assert (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()[-1] == "exec make test"


@pytest.mark.usefixtures("cloned")
def test_one_test_runs_by_itself_as_contributors_are_told(workstation: Workstation) -> None:
    said = workstation.do("CONTRIBUTING.md", "Contributing", workstation.clone)
    assert " passed" in said


@pytest.mark.usefixtures("cloned")
def test_files_for_hosts_without_a_package_index_are_downloaded(workstation: Workstation) -> None:
    workstation.do("roles/backup_host/README.md", "Without a package index", workstation.clone)
    locked = [line for line in (ROOT / LOCK).read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert len(list((workstation.clone / "wheels").glob("*.whl"))) == len([line for line in locked if line])
    assert [path.name for path in (workstation.clone / "files").glob("*.tar.gz")] == ["tenantvault-m365_backup-1.0.0.tar.gz"]


@pytest.mark.skipif(not UV.exists(), reason="uv is installed by `make test`")
@pytest.mark.usefixtures("cloned")
def test_the_exact_versions_of_backup_hosts_are_made_as_their_page_says(workstation: Workstation) -> None:
    said = workstation.do("docs/dependencies.md", "On backup hosts", workstation.clone)
    locked = (ROOT / LOCK).read_text(encoding="utf-8").splitlines()
    assert said.splitlines() == [line for line in locked if line and not line.startswith("#")]
