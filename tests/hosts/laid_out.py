# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A booted copy of this machine that is laid out as a backup host, from what is installed here: nothing is downloaded or built.

The Python, its libraries and the collection of these tests are shown where the role backup_host puts them, so that the account of the
host, which may not look into the folders of root, can use them. The script that starts everything is that of the role.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
import sysconfig
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.tests.hosts.copies import Copy
from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import collections_path
from tenant.harness import RunningTenant

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "m365backup"
PASSPHRASE = "the passphrase of a host, which is long enough"
_RELEASE = "/opt/m365_backup/releases/tests"
_ANSIBLE = "#!/opt/m365_backup/current/venv/bin/python\nimport sys\nfrom ansible.cli.playbook import main\nsys.exit(main())\n"
_TEMPLATES = {
    "m365-backup.sh.j2": "/usr/local/bin/m365-backup",
    "python.j2": "/opt/m365_backup/bin/python",
    "ansible.cfg.j2": "/etc/m365_backup/ansible.cfg",
    "inventory.j2": "/etc/m365_backup/inventory",
}
_INVENTORY = "host ansible_connection=local ansible_python_interpreter=/usr/bin/python3\n"
_RECAP = re.compile(r"^\S+ +: ok=(\d+) +changed=(\d+) +unreachable=(\d+) +failed=(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """C(changed) tasks, whether all went well, and everything that was printed."""

    changed: int
    is_good: bool
    output: str


def shown() -> list[Path]:
    """What a copy has to show for this."""
    paths = (Path(sys.base_prefix), Path(sys.prefix), ROOT, collections_path())
    return [path.resolve() for path in paths]


def lay_out(copy: Copy, tenant: RunningTenant) -> None:
    """Make the account, the folders, the environment and the credentials."""
    installed = Path(sys.base_prefix).resolve()
    libraries = Path(sysconfig.get_path("purelib")).resolve()
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    copy.run(f"""
        useradd --system --user-group --home-dir /var/lib/m365_backup --shell /usr/sbin/nologin {ACCOUNT}
        install -d -o {ACCOUNT} -g {ACCOUNT} -m 0700 /var/lib/m365_backup /srv/m365_backup
        install -d -o {ACCOUNT} -g {ACCOUNT} -m 0750 /var/log/m365_backup
        install -d -m 0750 -g {ACCOUNT} /etc/m365_backup /etc/m365_backup/credentials
        install -d -m 0750 -g {ACCOUNT} /etc/m365_backup/plans
        install -d -m 0755 /opt/m365_backup/bin /opt/python {_RELEASE}/venv/bin {_RELEASE}/venv/lib/{version}/site-packages
        install -d -m 0755 {_RELEASE}/collections/ansible_collections/tenantvault/m365_backup
        mount --bind {installed} /opt/python
        mount --bind {libraries} {_RELEASE}/venv/lib/{version}/site-packages
        mount --bind {ROOT} {_RELEASE}/collections/ansible_collections/tenantvault/m365_backup
        ln -s {_RELEASE} /opt/m365_backup/current
        ln -s /opt/python/bin/{version} {_RELEASE}/venv/bin/python
        echo 'home = /opt/python/bin' > {_RELEASE}/venv/pyvenv.cfg
        echo /opt/python/lib > /etc/ld.so.conf.d/m365_tests.conf
        ldconfig
    """)
    settings = {
        "M365_TENANT_ID": tenant.tenant_id,
        "M365_CLIENT_ID": tenant.client_id,
        "M365_PROXY": tenant.proxy_url,
        "M365_CA_BUNDLE": "/etc/m365_backup/tenant.pem",
        "M365_BACKUP_STATE_PATH": "/var/lib/m365_backup",
    }
    write(copy, "/etc/m365_backup/environment", "".join(f"{name}={value}\n" for name, value in settings.items()))
    write(copy, "/etc/m365_backup/tenant.pem", Path(tenant.ca_bundle).read_text(encoding="utf-8"))
    write(copy, "/etc/m365_backup/credentials/client_secret", tenant.client_secret)
    write(copy, "/etc/m365_backup/credentials/passphrase", PASSPHRASE)
    write(copy, f"{_RELEASE}/venv/bin/ansible-playbook", _ANSIBLE, mode="0755")
    role = ROOT / "roles/backup_host"
    templates = [{"src": str(role / "templates" / name), "dest": path} for name, path in _TEMPLATES.items()]
    task = {"ansible.builtin.template": {"src": "{{ item.src }}", "dest": "{{ item.dest }}", "mode": "0755"}, "loop": templates}
    files = [str(role / "defaults/main.yml"), str(role / "vars/main.yml")]
    (copy.root / "root/layout.json").write_text(json.dumps([{"hosts": "host", "vars_files": files, "tasks": [task]}]), encoding="utf-8")
    outcome = play(copy, playbook="/root/layout.json")
    if not outcome.is_good:
        raise RuntimeError(outcome.output)


def write(copy: Copy, path: str, content: str, *, mode: str = "0640") -> None:
    """A file of root that the account may read."""
    (copy.root / path[1:]).write_text(content, encoding="utf-8")
    copy.run(f"chown root:{ACCOUNT} {path} && chmod {mode} {path}")


def play(copy: Copy, *arguments: str, playbook: str = "tenantvault.m365_backup.group_backup", **variables: t.Any) -> Outcome:
    """Run a playbook of the collection in the copy, by root."""
    command = (
        *(str(Path(sys.executable).with_name("ansible-playbook")), "-i", "/root/inventory", "--diff"),
        *(playbook, *arguments),
        *("-e", json.dumps({"m365_backup_hosts": "host", **variables})),
    )
    (copy.root / "root/inventory").write_text(_INVENTORY, encoding="utf-8")
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_COLLECTIONS_PATH": str(collections_path()),
        "ANSIBLE_HOME": "/run/controller",
    }
    done = copy.run(f"cd /root; exec {shlex.join(command)}", environment=environment, check=False)
    output = done.stdout + done.stderr
    recap = _RECAP.search(output)
    return Outcome(changed=int(recap.group(2)) if recap else 0, is_good=done.returncode == 0, output=output)
