# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The restic binary, as tests call it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path as FilePath

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Path
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import PASSPHRASE

needs_restic = pytest.mark.skipif(shutil.which("restic") is None, reason="the restic binary is not installed (apt install restic)")


class Restic:
    """The binary with a repository of its own below a folder."""

    def __init__(self, folder: FilePath, passphrase: str = PASSPHRASE) -> None:
        self.folder = folder
        self.passphrase = passphrase
        self.repository = folder / "repository"

    def start(self, *arguments: str | FilePath) -> subprocess.Popen[str]:
        """Run it beside the test, which has its input and output."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "RESTIC_PASSWORD": self.passphrase,
        }
        command = ["restic", "--no-cache", "-r", self.repository, *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def run(self, *arguments: str | FilePath, fails: bool = False) -> str:
        """What it printed; AssertionError unless it succeeds, or fails where it shall."""
        with self.start(*arguments) as process:
            printed = "".join(process.communicate())
        assert (process.returncode != 0) == fails, printed
        return printed

    def check(self) -> None:
        """Raise AssertionError unless it finds every byte in order."""
        assert "no errors were found" in self.run("check", "--read-data")

    def restore(self, snapshot: str) -> dict[Path, bytes]:
        """{path: content} of a snapshot, through the disk."""
        target = self.folder / f"restored-{snapshot[:8]}"
        self.run("restore", snapshot, "--target", target)
        return {path.relative_to(target).parts: path.read_bytes() for path in target.rglob("*") if path.is_file()}
