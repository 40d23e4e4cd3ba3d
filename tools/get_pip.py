# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for the pip bootstrap script that ansible-test wants to download.

ansible-test makes its virtual environments without pip and fetches pip's bootstrap script from a host of the Ansible
project. Where that host cannot be reached but a package index can, the same is had from Python's own ``ensurepip``.
The file lies where ansible-test itself keeps the download, so nothing of ansible-test is changed.
"""

from __future__ import annotations

import pathlib
import re
import urllib.error
import urllib.request

CACHE = pathlib.Path("~/.ansible/test/cache").expanduser()
PROBE_SECONDS = 10

STAND_IN = """\
# Written by tools/get_pip.py of tenantvault.m365_backup: the original could not be downloaded from here.
import os
import subprocess
import sys

env = {name: value for name, value in os.environ.items() if name != "GET_PIP"}
wanted = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
subprocess.check_call([sys.executable, "-m", "ensurepip", "--default-pip"], env=env, stdout=subprocess.DEVNULL)
subprocess.check_call([sys.executable, "-m", "pip", "install", "-q", *wanted], env=env)
"""


def provide(ansible_test: pathlib.Path) -> str | None:
    """Write the stand-in when it is needed, and say so; ``ansible_test`` is the installed package's folder."""
    version = pinned_pip(ansible_test)
    script = CACHE / f"get_pip_{version.replace('.', '_')}.py"
    if script.exists() or reachable(download_address(ansible_test, version)):
        return None
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(STAND_IN, encoding="utf-8")
    return f"pip's bootstrap script cannot be downloaded from here; ansible-test gets a stand-in made of ensurepip ({script})"


def pinned_pip(ansible_test: pathlib.Path) -> str:
    """The version of pip that this ansible-test pins."""
    source = (ansible_test / "_internal/python_requirements.py").read_text(encoding="utf-8")
    versions = re.findall(r"\bpip='([0-9.]+)'", source)
    if not versions:
        raise SystemExit("tools/get_pip.py does not understand this version of ansible-test: it names no version of pip.")
    return str(versions[-1])


def download_address(ansible_test: pathlib.Path, version: str) -> str:
    """Where this ansible-test would fetch pip's bootstrap script."""
    source = (ansible_test / "_util/target/setup/requirements.py").read_text(encoding="utf-8")
    found = re.search(r"url = '(https://[^']+get-pip-%s\.py)'", source)
    if not found:
        raise SystemExit("tools/get_pip.py does not understand this version of ansible-test: it names no download address.")
    return found.group(1) % version


def reachable(address: str) -> bool:
    """Whether the download would work."""
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=PROBE_SECONDS):
            return True
    except (urllib.error.URLError, OSError):
        return False
