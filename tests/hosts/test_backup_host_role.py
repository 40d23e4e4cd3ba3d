# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role backup_host on a machine with nothing but Debian, without a package index: the collection is a tarball, libraries are wheels.

The tests share the machine and run in the order of this file, which ends with a machine that has forgotten backups.
"""

from __future__ import annotations

import json
import shlex
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.tests.hosts.artefacts import SOURCE, tarball, wheels
from ansible_collections.tenantvault.m365_backup.tests.hosts.machines import Machine, running_machine
from ansible_collections.tenantvault.m365_backup.tests.hosts.plays import Outcome, play

LOCK = SOURCE / "roles/backup_host/files/requirements-3.11.txt"
WHEELS = SOURCE / ".build/wheels"
SECRETS = {
    "backup_host_client_secret": "the client secret, 'quoted' and $expanded",
    "backup_host_passphrase": "the passphrase of all plans but one",
    "backup_host_plan_passphrases": {"sales": "the passphrase of the plan sales"},
}
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nno real one\n-----END CERTIFICATE-----\n"
PLACES = {
    "/opt/m365_backup/venv/bin/ansible-playbook": "root:root 755",
    "/usr/local/bin/m365-backup": "root:root 755",
    "/etc/m365_backup/environment": "root:m365backup 640",
    "/etc/m365_backup/plans": "root:m365backup 750",
    "/etc/m365_backup/credentials": "root:m365backup 750",
    "/etc/m365_backup/credentials/client_secret": "root:m365backup 640",
    "/etc/m365_backup/credentials/sales.passphrase": "root:m365backup 640",
    "/var/lib/m365_backup": "m365backup:m365backup 700",
    "/var/log/m365_backup": "m365backup:m365backup 750",
    "/srv/m365_backup": "m365backup:m365backup 700",
}
SHOW_SECRETS = """
import os
for name in ("M365_CLIENT_SECRET_FILE", "M365_BACKUP_PASSPHRASE_FILE"):
    print(open(os.environ[name]).read().strip())
"""
SERVICE = """
[Service]
Type=oneshot
User=m365backup
Environment=M365_BACKUP_PLAN=sales
ExecStart=/usr/local/bin/m365-backup python /etc/m365_backup/show_secrets.py
"""
# Blocked, so that it is there when python looks for it.
WAIT_FOR_SIGNAL = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print("waits", flush=True)
print(signal.sigwait([signal.SIGTERM]).name, flush=True)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A machine, what the role was told first, and what came of the first two plays."""

    machine: Machine
    folder: Path
    variables: dict[str, t.Any]
    predicted: Outcome
    applied: Outcome

    def play(self, *arguments: str, without: t.Iterable[str] = (), **variables: t.Any) -> Outcome:
        given = {name: value for name, value in self.variables.items() if name not in without}
        return play("backup_host", self.machine, self.folder, *arguments, **(given | variables))

    def installed(self) -> str:
        """The version of the collection that is in use."""
        manifest = self.machine.says("cat /opt/m365_backup/collections/ansible_collections/tenantvault/m365_backup/MANIFEST.json")
        return str(json.loads(manifest)["collection_info"]["version"])

    def runs_python(self, code: str, *, plan: str = "sales") -> str:
        return self.machine.says(f"M365_BACKUP_PLAN={plan} m365-backup python -c {shlex.quote(code)}")


@pytest.fixture(scope="module")
def host(machine_root: Path, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Host]:
    folder = tmp_path_factory.mktemp("host")
    variables = {
        "backup_host_collection": str(tarball(folder, "0.9.0")),
        "backup_host_wheels_path": str(wheels(LOCK, WHEELS)),
        "backup_host_tenant_id": "contoso.onmicrosoft.com",
        "backup_host_client_id": "66666666-7777-8888-9999-000000000000",
        "backup_host_environment": {"M365_NOTIFY_MAIL_FROM": "Backups of Contoso's mail <backup@contoso.com>"},
        **SECRETS,
    }
    with running_machine("m365-backup-host", machine_root, folder) as machine:
        predicted = play("backup_host", machine, folder, "--check", **variables)
        machine.run("test ! -e /opt/m365_backup && test ! -e /etc/m365_backup && ! getent passwd m365backup && ! command -v logrotate")
        applied = play("backup_host", machine, folder, **variables)
        yield Host(machine=machine, folder=folder, variables=variables, predicted=predicted, applied=applied)


def test_check_mode_on_a_bare_host_predicts_a_change_and_the_role_then_makes_it(host: Host) -> None:
    assert host.predicted.is_good, host.predicted.output
    assert host.predicted.changed > 0
    assert host.applied.is_good, host.applied.output
    assert host.installed() == "0.9.0"


def test_a_second_play_changes_nothing(host: Host) -> None:
    again = host.play()
    assert again.is_good, again.output
    assert again.changed == 0, again.output


@pytest.mark.parametrize("path", PLACES)
def test_each_place_has_its_owner_and_its_mode(host: Host, path: str) -> None:
    assert host.machine.says(f"stat -c '%U:%G %a' {path}") == PLACES[path]


def test_no_play_shows_a_secret_and_no_file_for_everybody_holds_one(host: Host) -> None:
    texts = [secret if isinstance(secret, str) else secret["sales"] for secret in SECRETS.values()]
    for text in texts:
        assert text not in host.predicted.output + host.applied.output
    found = host.machine.run(f"grep -rlF {' '.join(f'-e {shlex.quote(text)}' for text in texts)} /etc /opt /usr/local /var", check=False)
    folder = "/etc/m365_backup/credentials"
    assert sorted(found.stdout.split()) == [f"{folder}/{name}" for name in ("client_secret", "passphrase", "sales.passphrase")]


def test_root_starts_it_as_the_account_with_settings_and_the_passphrase_of_the_plan(host: Host) -> None:
    assert host.runs_python(SHOW_SECRETS) == f"{SECRETS['backup_host_client_secret']}\n{SECRETS['backup_host_plan_passphrases']['sales']}"
    assert host.runs_python(SHOW_SECRETS, plan="other").endswith(str(SECRETS["backup_host_passphrase"]))
    settings = "import getpass, os; print(getpass.getuser(), os.getuid() != 0, os.environ['M365_NOTIFY_MAIL_FROM'])"
    assert host.runs_python(settings) == "m365backup True Backups of Contoso's mail <backup@contoso.com>"
    host.runs_python("import boreal, jsonschema, msal, obstore, pyfastcdc, requests, zstandard")


def test_a_playbook_of_the_collection_runs_and_its_log_is_rotated(host: Host) -> None:
    asked = host.machine.run("m365-backup coverage", check=False)
    assert asked.returncode == 2
    assert "No plan is stored on this host" in asked.stdout
    assert "WARNING" not in asked.stdout + asked.stderr
    host.machine.run("logrotate --force /etc/logrotate.d/m365_backup")
    assert host.machine.says("stat -c '%U %a' /var/log/m365_backup/coverage.log.1") == "m365backup 600"


def test_an_installation_that_fails_leaves_the_one_in_use(host: Host) -> None:
    empty = host.folder / "no_wheels"
    empty.mkdir()
    failed = host.play(backup_host_collection=str(tarball(host.folder, "1.0.0")), backup_host_wheels_path=str(empty))
    assert not failed.is_good
    assert host.installed() == "0.9.0"
    host.runs_python("import msal")


def encrypted(host: Host) -> dict[str, t.Any]:
    return {"backup_host_collection": str(tarball(host.folder, "1.0.0")), "backup_host_encrypt_credentials": True}


def test_an_upgrade_lets_what_runs_end_with_what_it_began(host: Host) -> None:
    host.machine.run("systemd-run --unit=long-run m365-backup python -c 'import time; time.sleep(600)'")
    host.machine.run("echo brought by somebody else > /etc/m365_backup/credentials/other.passphrase")
    before = host.machine.says("readlink -e /opt/m365_backup/current")
    predicted = host.play("--check", **encrypted(host))
    assert predicted.is_good, predicted.output
    assert predicted.changed > 0
    assert host.installed() == "0.9.0"
    upgraded = host.play(**encrypted(host))
    assert upgraded.is_good, upgraded.output
    assert host.installed() == "1.0.0"
    host.machine.run(f"test -d {before} && systemctl is-active long-run")
    host.machine.run("systemctl stop long-run")


def test_the_installation_before_goes_when_nothing_uses_it_and_nothing_else_changes(host: Host) -> None:
    again = host.play(**encrypted(host))
    assert again.is_good, again.output
    assert again.changed == 1, again.output
    assert "0.9.0" not in host.machine.says("ls /opt/m365_backup/releases /opt/m365_backup/sources")


def test_encrypted_credentials_leave_none_in_clear(host: Host) -> None:
    host.machine.run("test ! -e /etc/m365_backup/credentials")
    assert host.runs_python(SHOW_SECRETS, plan="other").endswith("brought by somebody else")
    assert host.machine.says("ls -d /run/m365-backup.*; true") == ""


def test_a_service_of_systemd_gets_encrypted_credentials_and_the_account_by_itself_does_not(host: Host) -> None:
    host.machine.run("cat > /etc/m365_backup/show_secrets.py", given=SHOW_SECRETS)
    host.machine.run("cat > /etc/systemd/system/m365-backup-probe@.service", given=SERVICE)
    host.machine.run("systemctl daemon-reload && systemctl start m365-backup-probe@sales.service")
    shown = host.machine.says("journalctl --output=cat _SYSTEMD_UNIT=m365-backup-probe@sales.service")
    assert str(SECRETS["backup_host_client_secret"]) in shown
    alone = host.machine.run("setpriv --reuid=m365backup --regid=m365backup --init-groups m365-backup python -c ''", check=False)
    assert (alone.returncode, "are encrypted" in alone.stderr) == (77, True)


def test_a_signal_reaches_what_root_has_started_with_encrypted_credentials(host: Host) -> None:
    start = f"m365-backup python -c {shlex.quote(WAIT_FOR_SIGNAL)} > /root/said & started=$!"
    until = "until grep -q waits /root/said; do sleep 0.1; done"
    ended = "kill -TERM $started; wait $started; echo $?; cat /root/said; ls -d /run/m365-backup.*; true"
    assert host.machine.says(f"{start}; {until}; {ended}").split() == ["0", "waits", "SIGTERM"]


def test_a_certificate_takes_the_place_of_the_secret_and_what_is_not_given_stays(host: Host) -> None:
    changed = host.play(
        without=SECRETS, backup_host_collection=str(tarball(host.folder, "1.0.0")), backup_host_certificate=CERTIFICATE.strip()
    )
    assert changed.is_good, changed.output
    listed = host.machine.says("ls /etc/m365_backup/credentials")
    assert listed.split() == ["certificate.pem", "other.passphrase", "passphrase", "sales.passphrase"]
    assert host.machine.says("cat /etc/m365_backup/credentials/certificate.pem") == CERTIFICATE.strip()
    host.machine.run("test ! -e /etc/m365_backup/credentials.encrypted")


def test_absent_is_refused_while_something_runs_and_then_keeps_what_cannot_be_made_again(host: Host) -> None:
    host.machine.run(
        "echo precious > /srv/m365_backup/pack && systemd-run --unit=long-run m365-backup python -c 'import time; time.sleep(600)'"
    )
    refused = host.play(backup_host_state="absent")
    assert not refused.is_good
    assert "backup_host_stop_runs" in refused.output
    removed = host.play(backup_host_state="absent", backup_host_stop_runs=True)
    assert removed.is_good, removed.output
    host.machine.run(
        "! systemctl is-active long-run && ! ls -d /opt/m365_backup /usr/local/bin/m365-backup /etc/systemd/system/m365-backup-*"
    )
    host.machine.run("test -e /etc/m365_backup/credentials/passphrase && test -d /var/lib/m365_backup && getent passwd m365backup")
    assert host.machine.says("cat /srv/m365_backup/pack") == "precious"


def test_absent_with_a_purge_leaves_nothing_and_has_nothing_to_do_the_second_time(host: Host) -> None:
    host.machine.run("rm /etc/m365_backup/show_secrets.py")
    told: dict[str, t.Any] = {"backup_host_state": "absent", "backup_host_purge": ["repositories", "state", "credentials"]}
    purged = host.play(**told)
    assert purged.is_good, purged.output
    left = host.machine.run(
        "ls -d /opt/m365* /etc/m365* /var/lib/m365* /var/log/m365* /srv/m365* /etc/*/m365*; getent passwd m365backup", check=False
    )
    assert left.stdout == ""
    again = host.play(**told)
    assert again.is_good, again.output
    assert again.changed == 0, again.output
