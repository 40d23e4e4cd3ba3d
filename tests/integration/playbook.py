# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks that really run through ansible-playbook, and what they answered."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import typing as t
from pathlib import Path

import ansible_collections
from ansible_collections.tenantvault.m365_backup.tests.integration.walked_page import without_settings_of
from tenant.harness import RunningTenant

NAMESPACE = "tenantvault.m365_backup"
PASSPHRASE = "a passphrase of the tests that is long enough to be one"

Answer = dict[str, t.Any]
Task = dict[str, t.Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """The answers of the tasks in their order, and everything that ansible-playbook printed."""

    answers: list[Answer]
    output: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """Runs tasks on localhost against a tenant, with a state path and a place for files of its own."""

    tenant: RunningTenant
    folder: Path

    @property
    def state_path(self) -> Path:
        """Where plans are stored."""
        return self.folder / "state"

    @property
    def repository(self) -> Path:
        """A place for a repository."""
        return self.folder / "repository"

    def defaults(self) -> Task:
        """What every module of the action group needs to do its work."""
        return {
            "tenant_id": self.tenant.tenant_id,
            "client_id": self.tenant.client_id,
            "client_secret": self.tenant.client_secret,
            "proxy": self.tenant.proxy_url,
            "ca_bundle": str(self.tenant.ca_bundle),
            "passphrase": PASSPHRASE,
            "state_path": str(self.state_path),
        }

    def run(
        self,
        *tasks: Task,
        defaults: Task | None = None,
        environment: t.Mapping[str, str] | None = None,
        arguments: t.Sequence[str] = (),
        output: int | None = None,
    ) -> Report:
        """Run the tasks one after the other, the later ones also when an earlier one failed.

        Each task is a dictionary as in a playbook; see L(Playbook.task). ``defaults`` take the place of L(Playbook.defaults).
        ``output`` is a file, such as a terminal, that gets what ansible-playbook prints.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        answers = self.folder / "answers.json"
        registered = [{**task, "register": f"answer_{number}", "ignore_errors": True} for number, task in enumerate(tasks)]
        collected = ", ".join(f"answer_{number}" for number in range(len(tasks)))
        keep = {
            "copy": {"content": f"{{{{ [{collected}] | to_json }}}}", "dest": str(answers), "mode": "0600"},
            "check_mode": False,
            "diff": False,
        }
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": {f"group/{NAMESPACE}.m365": self.defaults() if defaults is None else defaults},
            "tasks": [*registered, keep],
        }
        (self.folder / "playbook.json").write_text(json.dumps([play]), encoding="utf-8")
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-i",
            "localhost,",
            "-c",
            "local",
            *arguments,
            str(self.folder / "playbook.json"),
        ]
        finished = subprocess.run(
            command,
            check=False,
            stdout=subprocess.PIPE if output is None else output,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environment(environment or {}),
        )
        if finished.returncode:
            raise AssertionError(finished.stdout)
        return Report(answers=json.loads(answers.read_text(encoding="utf-8")), output=finished.stdout or "")

    @staticmethod
    def task(module: str, /, check_mode: bool = False, diff: bool = False, **options: t.Any) -> Task:
        """A task of one of our modules."""
        return {f"{NAMESPACE}.{module}": options, "check_mode": check_mode, "diff": diff}

    def environment(self, more: t.Mapping[str, str]) -> dict[str, str]:
        """What Ansible runs with: nothing of the tests' own settings but where the collection is."""
        return {
            **without_settings_of("ANSIBLE_"),
            "ANSIBLE_COLLECTIONS_PATH": str(collections_path()),
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_NOCOLOR": "1",
            **more,
        }


def collections_path() -> Path:
    """Where Ansible finds this collection."""
    roots = (Path(path) for path in ansible_collections.__path__)
    return next(root.parent for root in roots if (root / "tenantvault" / "m365_backup").exists())
