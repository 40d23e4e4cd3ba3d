# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs as AWX starts them: ansible-runner in a private folder with a project, an inventory script, extra variables and credentials.

What AWX writes there is read in its C(awx/main/tasks/jobs.py), and what it keeps of a job in C(awx/main/tasks/callback.py).
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import collections_path

COLLECTION = Path(__file__).resolve().parents[2]
PLAYBOOKS = "extensions/patterns/group_backup/playbooks"

Variables = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What AWX would show of a job: its status, what it printed, its artifacts, and the events that its tasks left."""

    code: int
    status: str
    output: str
    artifacts: dict[str, t.Any]
    events: list[dict[str, t.Any]]

    def results(self, verb: str) -> dict[str, t.Any]:
        """The artifact of a playbook, by host."""
        found: dict[str, t.Any] = self.artifacts[f"m365_backup_{verb}_results"]
        return found


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Awx:
    """Launches job templates whose project is this collection, with the environment that credentials inject."""

    folder: Path
    credentials: t.Mapping[str, str]
    hosts: t.Mapping[str, Variables]

    def launch(self, playbook: str, *, check: bool = False, credentials: t.Mapping[str, str] | None = None, **answers: t.Any) -> Job:
        """Run a playbook of the project to its end, with these answers of a survey."""
        number = len(list(self.folder.glob("job-*"))) + 1
        private = self.folder / f"job-{number}"
        for name in ("env", "inventory"):
            (private / name).mkdir(parents=True, mode=0o700)
        self._inventory(private / "inventory" / "hosts")
        environment = {**self._settings(), **self.credentials, **(credentials or {})}
        (private / "env" / "envvars").write_text(json.dumps(environment), encoding="utf-8")
        (private / "env" / "extravars").write_text(json.dumps({"awx_job_id": number, **answers}), encoding="utf-8")
        if check:
            (private / "env" / "cmdline").write_text("--check --diff", encoding="utf-8")
        command = [
            *(str(Path(sys.executable).with_name("ansible-runner")), "run", str(private), "--ident", str(number)),
            *("--project-dir", str(COLLECTION), "-p", playbook if "." in playbook else f"{PLAYBOOKS}/{playbook}.yml"),
        ]
        subprocess.run(command, check=False, capture_output=True, env=self._runner_environment(), timeout=240)
        return _job(private / "artifacts" / str(number))

    def _inventory(self, path: Path) -> None:
        listed = {"all": {"hosts": list(self.hosts)}, "_meta": {"hostvars": {name: dict(facts) for name, facts in self.hosts.items()}}}
        path.write_text(f"#!{sys.executable}\nprint({json.dumps(listed)!r})\n", encoding="utf-8")
        path.chmod(0o700)

    def _settings(self) -> dict[str, str]:
        return {
            "ANSIBLE_COLLECTIONS_PATH": str(collections_path()),
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        }

    def _runner_environment(self) -> dict[str, str]:
        """As in an execution environment, which has its own programs first and none of the variables of this machine."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "M365_", "AZURE_", "AWS_"))}
        return {**kept, "PATH": path}


def _job(artifacts: Path) -> Job:
    paths = sorted((artifacts / "job_events").glob("*.json"), key=lambda path: int(path.name.partition("-")[0]))
    events = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    stats = [event["event_data"].get("artifact_data", {}) for event in events if event["event"] == "playbook_on_stats"]
    return Job(
        code=int((artifacts / "rc").read_text(encoding="utf-8")),
        status=(artifacts / "status").read_text(encoding="utf-8"),
        output=(artifacts / "stdout").read_text(encoding="utf-8"),
        artifacts=stats[-1] if stats else {},
        events=events,
    )
