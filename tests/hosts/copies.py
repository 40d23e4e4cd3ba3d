# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""This machine once more, booted by systemd: with everything that is installed here, and nothing of what it does comes back.

Its files are those of this machine, and what it writes lies in memory above them. It shares the network. Of the services only
those are started that a test asks for.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
import typing as t
import uuid
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.tests.hosts.layers import layers_above

PROGRAMS = ("systemd-nspawn", "nsenter", "mount", "umount")
BOOT_SECONDS = 60.0
STOP_SECONDS = 15.0
_TARGET = "[Unit]\nRequires=basic.target\nAfter=basic.target\nAllowIsolate=yes\n"
_TARGET_NAME = "m365-test.target"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A running copy. C(root) shows its files from outside; C(leader) is the process id of its systemd."""

    root: Path
    leader: int

    def run(self, command: str, *, environment: t.Mapping[str, str] | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Lines of bash in it, by root; what fails raises with what it printed."""
        enter = ("nsenter", "--target", str(self.leader), "--mount", "--uts", "--ipc", "--pid", "--", "bash", "-eu", "-o", "pipefail", "-c")
        plain = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
        done = subprocess.run((*enter, command), capture_output=True, text=True, check=False, env={**plain, **(environment or {})})
        if check and done.returncode:
            raise RuntimeError(f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done


def missing() -> str:
    """Why there can be no copy here; empty when there can."""
    if os.geteuid() != 0:
        return "machines can be booted by root only"
    absent = [name for name in PROGRAMS if not shutil.which(name)]
    return f"not on this machine: {', '.join(absent)}" if absent else ""


@contextlib.contextmanager
def booted_copy(folder: Path, *, shown: t.Iterable[Path]) -> t.Iterator[Copy]:
    """Boot a copy, and stop it at the end. C(folder) is for its log and its layers; C(shown) may lie on other disks than the root does."""
    with layers_above(Path("/"), folder / "layers") as root:
        _prepare(root)
        binds = [f"--bind-ro={path}" for path in dict.fromkeys(shown)]
        command = (
            *("systemd-nspawn", "--quiet", f"--directory={root}", "--machine=m365-copy", "--register=no", "--keep-unit"),
            *("--console=pipe", "--link-journal=no", *binds, "--boot", f"systemd.unit={_TARGET_NAME}"),
        )
        log = folder / "copy.log"
        with log.open("wb") as output:
            environment = os.environ | {"SYSTEMD_NSPAWN_TMPFS_TMP": "0"}
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, env=environment
            )
        try:
            yield _booted(root, process, log)
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _prepare(root: Path) -> None:
    """Nothing that is enabled here is started there, no other disk is mounted, and nobody empties C(/tmp)."""
    units = root / "etc/systemd/system"
    for wants in units.glob("*.wants"):
        shutil.rmtree(wants)
    (units / _TARGET_NAME).write_text(_TARGET, encoding="utf-8")
    (root / "etc/fstab").write_text("", encoding="utf-8")
    (root / "etc/machine-id").write_text(f"{uuid.uuid4().hex}\n", encoding="utf-8")
    (root / "etc/tmpfiles.d").mkdir(exist_ok=True)
    (root / "etc/tmpfiles.d/tmp.conf").write_text("", encoding="utf-8")


def _booted(root: Path, process: subprocess.Popen[bytes], log: Path) -> Copy:
    deadline = time.monotonic() + BOOT_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
        if children:
            copy = Copy(root=root, leader=int(children[0]))
            if copy.run("systemctl is-system-running", check=False).stdout.strip() == "running":
                return copy
        time.sleep(0.1)
    raise RuntimeError(f"The copy of this machine did not boot.\n{log.read_text(errors='replace')[-4000:]}")
