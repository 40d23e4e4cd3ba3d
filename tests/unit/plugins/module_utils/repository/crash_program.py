# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What hosts do to small repositories, in processes that tests kill. A secret that opens comes first."""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import WrongPassphrase
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository, open_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.killable import serve
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.life import (
    HastyClock,
    hold,
    mend,
    remove,
    rotate,
    run,
)

JOBS: dict[str, t.Callable[[Repository, t.Any], object]] = {
    "run": run,
    "prune": remove,
    "rotate": rotate,
    "hold": hold,
    "repair": mend,
}


def work(job: dict[str, t.Any]) -> None:
    cache = None if job["cache"] is None else Path(job["cache"])
    for secret in job["secrets"]:
        with contextlib.suppress(WrongPassphrase):
            JOBS[job["what"]](open_repository(LocalStorage(job["location"]), secret, clock=HastyClock(), cache_folder=cache), job["with"])
            return
    raise AssertionError("no secret opens")


if __name__ == "__main__":
    serve(work)
