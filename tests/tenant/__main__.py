# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(python -m tenant): a tenant in the foreground; prints one JSON line when it is ready."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import tempfile
from pathlib import Path

from .server import Announcement, Options, run
from .state import DEFAULT_DOMAIN, DEFAULT_TENANT_ID


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="tenant", description="A Microsoft 365 tenant on this machine, reached under Microsoft's own host names through a proxy."
    )
    parser.add_argument("--tenant-id", default=DEFAULT_TENANT_ID, help="directory id (default: %(default)s)")
    parser.add_argument("--domain", default=DEFAULT_DOMAIN, help="initial domain, also a name of the tenant (default: %(default)s)")
    parser.add_argument("--token-lifetime", type=float, default=3599.0, help="seconds that access tokens live (default: %(default)s)")
    parser.add_argument("--work-dir", type=Path, help="folder for certificates (default: a temporary one)")
    parser.add_argument("--address", default="127.0.0.1", help="loopback address of the TLS listener (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port of the TLS listener (default: a free one)")
    parser.add_argument("--with-parent", action="store_true", help="stop when the process that started this one ends")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tenant-") as temporary:
        work_dir = arguments.work_dir or Path(temporary)
        work_dir.mkdir(parents=True, exist_ok=True)
        options = Options(
            work_dir=work_dir,
            tenant_id=arguments.tenant_id.lower(),
            domain=arguments.domain,
            token_lifetime=arguments.token_lifetime,
            address=arguments.address,
            port=arguments.port,
            parent_pid=os.getppid() if arguments.with_parent else None,
        )
        run(options, _announce)


def _announce(announcement: Announcement) -> None:
    print(json.dumps(dataclasses.asdict(announcement)), flush=True)


if __name__ == "__main__":
    main()
