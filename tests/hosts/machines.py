# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole machines for tests of roles: a Debian that systemd has booted, reached over ssh, gone without a trace afterwards.

The root file system is built from packages once and kept in C(.build). A machine writes into memory above it, so each
starts clean, and what it has written is there after a reboot. Machines share the network of this one; only their sshd listens
there, on a port of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket
import subprocess
import threading
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.tests.hosts.layers import layers_above

SUITE = os.environ.get("M365_HOSTS_SUITE", "bookworm")
PACKAGES = ("dbus", "openssh-server", "python3", "python3-apt", "systemd", "systemd-sysv")
PROGRAMS = ("mmdebstrap", "systemd-nspawn", "ssh", "ssh-keygen")
BOOT_SECONDS = 60.0
STOP_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A running machine, and how root reaches it."""

    name: str
    port: int
    key: Path
    power: Power = field(repr=False)

    @property
    def variables(self) -> dict[str, t.Any]:
        """What an inventory says of it."""
        return {
            "ansible_host": "127.0.0.1",
            "ansible_port": self.port,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self.key),
            "ansible_ssh_common_args": " ".join(_SSH_OPTIONS),
            "ansible_python_interpreter": "/usr/bin/python3",
        }

    def run(self, command: str, *, check: bool = True, given: str = "") -> subprocess.CompletedProcess[str]:
        """A line of shell on the machine, which reads C(given); what fails raises with what it printed."""
        ssh = ("ssh", *_SSH_OPTIONS, "-i", str(self.key), "-p", str(self.port), "root@127.0.0.1", command)
        done = subprocess.run(ssh, input=given, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise RuntimeError(f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def says(self, command: str) -> str:
        """What a command prints, without the last line end."""
        return self.run(command).stdout.rstrip("\n")


class Power:
    """Switches a machine on and off. One that reboots by itself is booted again. C(log) is all that it has printed."""

    def __init__(self, command: t.Sequence[str], log: Path) -> None:
        self.times_booted = 0
        self._command, self._log = command, log
        self._process = self._boot()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    @property
    def is_on(self) -> bool:
        """Whether it has not ended."""
        return self._watcher.is_alive()

    @property
    def last_words(self) -> str:
        """The end of its log."""
        return self._log.read_text(errors="replace")[-4000:]

    def off(self) -> None:
        """Ask it to end, and end it when it does not."""
        self._process.terminate()
        self._watcher.join(STOP_SECONDS)
        if self.is_on:
            self._process.kill()
            self._watcher.join()

    def _boot(self) -> subprocess.Popen[bytes]:
        self.times_booted += 1
        with self._log.open("ab") as log:
            return subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def _watch(self) -> None:
        while self._process.wait() == _REBOOTS:
            self._process = self._boot()


_REBOOTS = 133  # what systemd-nspawn --keep-unit ends with when the machine wants to be booted again

_SSH_OPTIONS = (
    *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"),
    *("-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "ControlMaster=no"),
)


def missing() -> str:
    """Why there can be no machines here; empty when there can."""
    if os.geteuid() != 0:
        return "machines can be booted by root only"
    absent = [name for name in PROGRAMS if not shutil.which(name)]
    return f"not on this machine: {', '.join(absent)}" if absent else ""


def root_folder(machines: Path) -> Path:
    """A root file system with nothing but systemd, sshd and Python, built when it is not there (about 20 s). C(machines) keeps it."""
    kind = hashlib.sha256(" ".join(("2", SUITE, *PACKAGES)).encode()).hexdigest()[:12]
    folder = machines / f"{SUITE}-{kind}"
    if not folder.exists():
        machines.mkdir(parents=True, exist_ok=True)
        unfinished = folder.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        command = (
            "mmdebstrap",
            "--quiet",
            "--variant=apt",
            "--skip=cleanup/apt/lists",
            f"--include={','.join(PACKAGES)}",
            SUITE,
            str(unfinished),
        )
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"The machine could not be built from packages:\n{done.stdout}{done.stderr}")
        unfinished.rename(folder)
    return folder


@contextlib.contextmanager
def running_machine(name: str, root: Path, folder: Path) -> t.Iterator[Machine]:
    """Boot a machine above a root file system, and stop it at the end. C(folder) is for its key, its log and what it writes."""
    key, port = folder / f"{name}.key", _free_port()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    settings = folder / f"{name}.sshd.conf"
    settings.write_text(f"Port {port}\nListenAddress 127.0.0.1\nAuthorizedKeysFile /etc/ssh/authorized_key\n")
    with layers_above(root, folder / f"{name}.layers") as merged:
        (merged / "etc/hostname").write_text(f"{name}\n", encoding="utf-8")
        command = (
            *("systemd-nspawn", "--quiet", f"--directory={merged}", f"--machine={name}"),
            *("--register=no", "--keep-unit", "--console=pipe", "--link-journal=no", "--timezone=off"),
            *(f"--bind-ro={settings}:/etc/ssh/sshd_config.d/machine.conf", f"--bind-ro={key}.pub:/etc/ssh/authorized_key"),
            "--boot",
        )
        machine = Machine(name=name, port=port, key=key, power=Power(command, folder / f"{name}.log"))
        try:
            _wait_until_booted(machine)
            yield machine
        finally:
            machine.power.off()


def _wait_until_booted(machine: Machine) -> None:
    deadline = time.monotonic() + BOOT_SECONDS
    while machine.run("systemctl is-system-running --wait", check=False).stdout.strip() != "running":
        if not machine.power.is_on or time.monotonic() > deadline:
            state = machine.run("systemctl --failed --no-legend", check=False).stdout
            raise RuntimeError(f"The machine {machine.name} did not boot.\n{state}{machine.power.last_words}")
        time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
