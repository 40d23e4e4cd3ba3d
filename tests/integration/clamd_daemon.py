# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real clamd of the machine, with signatures that tests make themselves.

They are packed as an unsigned C(daily) database, so the daemon tells a number and a date of its signatures, as with the
official ones; and signatures that take a new number are a new database to everybody who asks.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.self_test import EICAR

_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/bin"))
CLAMD = shutil.which("clamd", path=_PATH)
SIGTOOL = shutil.which("sigtool", path=_PATH)
TEST_FILES = Path("/usr/share/clamav-testfiles")
needs_clamd = pytest.mark.skipif(not (CLAMD and SIGTOOL and TEST_FILES.is_dir()), reason="clamd or its test files are not installed")
EICAR_NAME = "Test.Eicar.UNOFFICIAL"
CLAM_EXE_NAME = "Test.ClamExe.UNOFFICIAL"
_CLAM_EXE = "aa15bcf478d165efd2065190eb473bcb:544"
_START_SECONDS = 30.0


class Clamd:
    """C(socket) is its path; with C(port) it listens on TCP, too. Options are lines of clamd.conf."""

    def __init__(self, folder: Path, *, port: int = 0, **options: str) -> None:
        self.folder = folder
        self.signatures = folder / "signatures"
        self.socket = str(folder / "clamd.ctl")
        self.tcp = f"tcp://127.0.0.1:{port}"
        self._process: subprocess.Popen[bytes] | None = None
        # The daemon ends with us, however that is; the kernel means the thread that began it, so that one has to stay.
        self._starter = ThreadPoolExecutor(1)
        self._config = folder / "clamd.conf"
        self.signatures.mkdir()
        (folder / "temporary").mkdir()
        settings = {
            "Foreground": "yes",
            "LocalSocket": self.socket,
            "FixStaleSocket": "yes",
            "DatabaseDirectory": str(self.signatures),
            "TemporaryDirectory": str(folder / "temporary"),
            "LogFile": str(folder / "clamd.log"),
            "ConcurrentDatabaseReload": "yes",
            "AlertExceedsMax": "yes",
            "AlertEncrypted": "yes",
            "StreamMaxLength": "300M",
            "MaxFileSize": "300M",
            "MaxScanSize": "600M",
            "MaxThreads": "4",
            **({"TCPSocket": str(port), "TCPAddr": "127.0.0.1"} if port else {}),
            **options,
        }
        self._config.write_text("".join(f"{name} {value}\n" for name, value in settings.items() if value), encoding="utf-8")
        self.set_signatures()

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def set_signatures(self, markers: t.Mapping[str, bytes] | None = None, *, version: int = 1, with_eicar: bool = True) -> None:
        """EICAR, the program of Debian's test files, and contents that hold certain bytes, by name. Takes effect by C(reload)."""
        eicar = f"{EICAR_NAME.removesuffix('.UNOFFICIAL')}:0:0:{EICAR.hex()}\n" if with_eicar else ""
        with tempfile.TemporaryDirectory(prefix="sigtool-") as folder:
            files = {
                "COPYING": "signatures of a test\n",
                "daily.hdb": f"{_CLAM_EXE}:{CLAM_EXE_NAME.removesuffix('.UNOFFICIAL')}\n",
                "daily.ndb": eicar + "".join(f"{name}:0:*:{content.hex()}\n" for name, content in (markers or {}).items()),
            }
            for name, text in files.items():
                # An empty file makes sigtool fail.
                if text:
                    Path(folder, name).write_text(text, encoding="ascii")
            subprocess.run(
                [str(SIGTOOL), "--build=daily.cud", "--unsigned", f"--cvd-version={version}", "--no-cdiff"],
                cwd=folder,
                env={**os.environ, "SIGNDUSER": "tests", "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=True,
            )
            # Renamed into place: the daemon may look at any time.
            shutil.copy(Path(folder, "daily.cud"), self.signatures / "next")
        (self.signatures / "next").replace(self.signatures / "daily.cud")

    def start(self) -> None:
        """Returns when it answers."""
        keeper = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        with (self.folder / "output").open("ab") as output:
            self._process = self._starter.submit(
                subprocess.Popen,
                [*keeper, str(CLAMD), f"--config-file={self._config}"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            ).result()
        self._wait_until(lambda: self.ask("PING") == "PONG", "it does not answer")

    def ask(self, command: str) -> str:
        """The reply to a command, empty when there is none."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(5)
                connection.connect(self.socket)
                connection.sendall(f"z{command}\0".encode())
                return connection.makefile("rb").read().decode().strip("\0")
        except OSError:
            return ""

    def reload(self) -> None:
        """Returns when the signatures that lie there now are in use."""
        reloads = self._log().count("Activating the newly loaded database")
        self.ask("RELOAD")
        self._wait_until(lambda: self._log().count("Activating the newly loaded database") > reloads, "it does not reload")

    def hang(self) -> None:
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """As a crash: nobody is told, and its socket stays where it is."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """As systemd does it."""
        self._end(signal.SIGTERM)

    def _end(self, with_signal: signal.Signals) -> None:
        if self._process is not None:
            self._signal(with_signal)
            self._process.wait(20)
            self._process = None

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def _log(self) -> str:
        return (self.folder / "clamd.log").read_text(encoding="utf-8", errors="replace")

    def _wait_until(self, condition: t.Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not condition():
            if time.monotonic() > deadline or self._process is None or self._process.poll() is not None:
                raise AssertionError(f"clamd: {otherwise}\n{(self.folder / 'output').read_text(encoding='utf-8')[-2000:]}")
            time.sleep(0.02)


@contextlib.contextmanager
def running_clamd(*, port: int = 0, **options: str) -> t.Iterator[Clamd]:
    """One of its own, for tests that do something to it. C(options) are lines of clamd.conf; empty ones leave a line out."""
    # Not below pytest's folder: the path of a unix socket has at most 107 characters.
    with tempfile.TemporaryDirectory(prefix="clamd-") as folder:
        daemon = Clamd(Path(folder), port=port, **options)
        daemon.start()
        try:
            yield daemon
        finally:
            daemon.kill()
