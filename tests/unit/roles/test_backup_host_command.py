# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command C(m365-backup) by a real shell: what it hands to ansible-playbook, and what it refuses.

In the place of ansible-playbook stands a program that tells its arguments and its environment.
"""

from __future__ import annotations

import json
import os
import pwd
import shlex
import shutil
import signal
import subprocess
import sys
import typing as t
from dataclasses import dataclass
from pathlib import Path

import jinja2
import pytest

TEMPLATES = Path(__file__).resolve().parents[3] / "roles/backup_host/templates"
TELLS = f"""#!{sys.executable}
import json, os, signal, sys
if "wait" in sys.argv:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    print("waits", flush=True)
    sys.exit(signal.sigwait([signal.SIGTERM]))
print(json.dumps({{"arguments": sys.argv[1:], "environment": dict(os.environ), "stdin": sys.stdin.read()}}))
sys.exit(int(os.environ.get("EXIT", "0")))
"""
NOBODY = 65534


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How the command ended, and what ansible-playbook or Python was told."""

    code: int
    error: str
    arguments: list[str]
    environment: dict[str, str]
    given: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A backup host in a folder, whose account is that of the test."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "etc"

    @property
    def release(self) -> Path:
        return self.folder / "opt/releases/1.0.0"

    def command(self, account: str = "") -> str:
        """The text of the command, for the account that runs the tests or another one."""
        loader = jinja2.FileSystemLoader(TEMPLATES)
        environment = jinja2.Environment(loader=loader, trim_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined)
        environment.filters |= {"quote": shlex.quote, "comment": lambda text: f"# {text}"}
        return environment.get_template("m365-backup.sh.j2").render(
            ansible_managed="",
            backup_host_account=account or pwd.getpwuid(os.getuid()).pw_name,
            backup_host_path=str(self.folder / "opt"),
            backup_host_state_path=str(self.folder / "state"),
            __backup_host_config=str(self.config),
            __backup_host_logs=str(self.folder / "log"),
            __backup_host_command=str(self.folder / "m365-backup"),
        )

    def write(self, name: str, text: str) -> Path:
        path = self.config / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, *arguments: str, given: str = "", **environment: str) -> Told:
        plain = {"PATH": os.environ["PATH"], **environment}
        command = ("sh", str(self.folder / "m365-backup"), *arguments)
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, env=plain)
        told = json.loads(done.stdout) if done.stdout.startswith("{") else {"arguments": [], "environment": {}, "stdin": ""}
        return Told(
            code=done.returncode,
            error=done.stderr,
            arguments=told["arguments"],
            environment=told["environment"],
            given=told["stdin"],
        )


@pytest.fixture(name="place")
def fixture_place(tmp_path: Path) -> Place:
    place = Place(folder=tmp_path)
    programs = place.release / "venv/bin"
    programs.mkdir(parents=True)
    for name in ("ansible-playbook", "python"):
        (programs / name).write_text(TELLS, encoding="utf-8")
        (programs / name).chmod(0o755)
    (tmp_path / "opt/current").symlink_to("releases/1.0.0")
    for name in ("sales", "board"):
        (tmp_path / "state/plans").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"state/plans/{name}.json").write_text("{}", encoding="utf-8")
    (tmp_path / "log").mkdir()
    place.write("environment", "M365_TENANT_ID=contoso.com\nM365_NOTIFY_MAIL_FROM='It'\"'\"'s me <me@contoso.com>'\n")
    (tmp_path / "m365-backup").write_text(place.command(), encoding="utf-8")
    return place


def test_the_playbook_of_the_verb_is_run_for_the_plan_with_what_else_is_said(place: Place) -> None:
    told = place.run("run", "sales", "-e", "m365_backup_max_minutes=60")
    assert told.arguments == ["tenantvault.m365_backup.run", "-e", "m365_backup_plan=sales", "-e", "m365_backup_max_minutes=60"]


def test_variables_of_the_plan_come_before_what_is_said(place: Place) -> None:
    file = place.write("plans/sales.verify.json", "{}")
    told = place.run("verify", "sales", "-e", "m365_backup_level=all")
    assert told.arguments[1:] == ["-e", "m365_backup_plan=sales", "-e", f"@{file}", "-e", "m365_backup_level=all"]
    assert f"@{file}" not in place.run("verify", "board").arguments


@pytest.mark.parametrize("rest", [(), ("-e", "m365_backup_level=all")])
def test_a_report_may_be_about_all_plans(place: Place, rest: tuple[str, ...]) -> None:
    file = place.write("plans/report.json", "{}")
    assert place.run("report", *rest).arguments == ["tenantvault.m365_backup.report", "-e", f"@{file}", *rest]


def test_the_exit_code_is_that_of_the_playbook(place: Place) -> None:
    assert place.run("run", "sales", EXIT="4").code == 4


def test_settings_are_those_of_the_host(place: Place) -> None:
    environment = place.run("run", "sales", ANSIBLE_CONFIG="/root/ansible.cfg").environment
    assert environment["M365_TENANT_ID"] == "contoso.com"
    assert environment["M365_NOTIFY_MAIL_FROM"] == "It's me <me@contoso.com>"
    assert environment["ANSIBLE_CONFIG"] == str(place.config / "ansible.cfg")
    assert environment["HOME"] == str(place.folder / "state")
    assert environment["ANSIBLE_LOG_PATH"] == str(place.folder / "log/sales.run.log")


def test_what_runs_stays_with_the_installation_that_it_began_with(place: Place) -> None:
    environment = place.run("run", "sales").environment
    assert environment["ANSIBLE_COLLECTIONS_PATH"] == str(place.release / "collections")
    assert environment["PATH"].startswith(f"{place.release}/venv/bin:")


def test_each_credential_that_is_there_gets_its_variable(place: Place) -> None:
    names = ("client_secret", "certificate.pem", "passphrase", "smtp_password", "webhook_url", "webhook_token")
    paths = {name: str(place.write(f"credentials/{name}", "secret\n")) for name in names}
    place.write("credentials/certificate_passphrase", "of the key\n")
    place.write("credentials/s3_access_key_id", "who\n")
    place.write("credentials/s3_secret_access_key", "what\n")
    environment = place.run("run", "sales").environment
    assert environment.items() >= {
        ("M365_CLIENT_SECRET_FILE", paths["client_secret"]),
        ("M365_CERTIFICATE_PATH", paths["certificate.pem"]),
        ("M365_CERTIFICATE_PASSPHRASE", "of the key"),
        ("M365_BACKUP_PASSPHRASE_FILE", paths["passphrase"]),
        ("AWS_ACCESS_KEY_ID", "who"),
        ("AWS_SECRET_ACCESS_KEY", "what"),
        ("M365_NOTIFY_SMTP_PASSWORD_FILE", paths["smtp_password"]),
        ("M365_NOTIFY_WEBHOOK_URL_FILE", paths["webhook_url"]),
        ("M365_NOTIFY_WEBHOOK_TOKEN_FILE", paths["webhook_token"]),
    }


def test_credentials_that_are_not_there_set_nothing(place: Place) -> None:
    environment = place.run("run", "sales").environment
    assert [name for name in environment if name.endswith("_FILE") or name.startswith(("AWS_", "M365_CERT"))] == []


def test_a_plan_has_its_own_passphrase_before_that_of_all_plans(place: Place) -> None:
    common = place.write("credentials/passphrase", "common")
    own = place.write("credentials/sales.passphrase", "own")
    assert place.run("run", "sales").environment["M365_BACKUP_PASSPHRASE_FILE"] == str(own)
    assert place.run("run", "board").environment["M365_BACKUP_PASSPHRASE_FILE"] == str(common)


def test_credentials_of_systemd_come_before_files_and_what_is_set_already_before_both(place: Place) -> None:
    place.write("credentials/client_secret", "file")
    systemd = place.write("handed/client_secret", "systemd").parent
    secret = place.run("run", "sales", CREDENTIALS_DIRECTORY=str(systemd)).environment["M365_CLIENT_SECRET_FILE"]
    assert secret == str(systemd / "client_secret")
    kept = place.run("run", "sales", CREDENTIALS_DIRECTORY=str(systemd), M365_CLIENT_SECRET_FILE="/mine").environment
    assert kept["M365_CLIENT_SECRET_FILE"] == "/mine"


def test_python_gets_the_settings_its_arguments_and_its_input(place: Place) -> None:
    own = place.write("credentials/sales.passphrase", "own")
    told = place.run("python", "-", "x y", given="print()", M365_BACKUP_PLAN="sales")
    assert (told.arguments, told.given) == (["-", "x y"], "print()")
    assert told.environment["M365_BACKUP_PASSPHRASE_FILE"] == str(own)


@pytest.mark.parametrize("verb", ["apply", "notify"])
def test_a_plan_may_be_missing_where_it_is_made_and_where_its_failure_is_told(place: Place, verb: str) -> None:
    assert place.run(verb, "new").arguments == [f"tenantvault.m365_backup.{verb}", "-e", "m365_backup_plan=new"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "Usage: m365-backup VERB PLAN"),
        (("backup", "sales"), "there is no verb 'backup'"),
        (("run",), "run needs the name of a plan. Plans: board, sales."),
        (("run", "-e", "x=y"), "run needs the name of a plan"),
        (("run", "nobody"), "there is no plan nobody on this host. Plans: board, sales."),
        (("apply", "../sales"), "'../sales' is not the name of a plan"),
        (("run", "Sales"), "'Sales' is not the name of a plan"),
        (("run", "sales "), "'sales ' is not the name of a plan"),
    ],
)
def test_wrong_use_is_refused_with_a_sentence(place: Place, arguments: tuple[str, ...], says: str) -> None:
    told = place.run(*arguments)
    assert (told.code, says in told.error) == (64, True), told.error


def test_a_host_without_plans_says_so(place: Place) -> None:
    shutil.rmtree(place.folder / "state/plans")
    assert "No plan was applied here yet." in place.run("run", "sales").error


def test_a_host_that_lacks_the_collection_or_its_settings_is_told_apart(place: Place) -> None:
    (place.config / "environment").unlink()
    told = place.run("run", "sales")
    assert (told.code, "environment cannot be read" in told.error) == (78, True)
    (place.folder / "opt/current").unlink()
    told = place.run("run", "sales")
    assert (told.code, "nothing is installed" in told.error) == (78, True)


def test_the_account_alone_is_told_that_credentials_are_encrypted(place: Place) -> None:
    place.write("credentials.encrypted/passphrase.cred", "")
    told = place.run("run", "sales")
    assert (told.code, "are encrypted" in told.error) == (77, True)


def test_other_accounts_are_refused(place: Place) -> None:
    other = {"user": NOBODY} if os.geteuid() == 0 else {}
    command: t.Any = ("sh", "-s", "--", "run", "sales")
    text = place.command("somebody-else")
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, cwd="/", **other)
    assert (done.returncode, "only root and somebody-else can use it" in done.stderr) == (77, True)


def test_a_signal_to_the_command_is_one_to_the_playbook(place: Place) -> None:
    command = ("sh", str(place.folder / "m365-backup"), "run", "sales", "wait")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waits\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == signal.SIGTERM


def test_shellcheck_has_nothing_to_say(place: Place) -> None:
    if not shutil.which("shellcheck"):
        pytest.skip("shellcheck is not on this machine")
    done = subprocess.run(("shellcheck", str(place.folder / "m365-backup")), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
