# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program that tests run beside others of its kind: C(busy_program.py FOLDER TIMES). It prints every snapshot that it stored."""

from __future__ import annotations

import os
import sys
from datetime import datetime, timezone

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository, open_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Path
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import PASSPHRASE, save_files


def back_up(repository: Repository, times: int) -> None:
    """Half of the content is the same in every program, half is new."""
    with repository.writing() as writer:
        for time in range(times):
            common: dict[Path, bytes] = {("common", str(number)): b"%d %d" % (time, number) * 3000 for number in range(5)}
            new: dict[Path, bytes] = {("new", str(number)): os.urandom(20_000) for number in range(5)}
            print(writer.save_snapshot(save_files(writer, common | new), time=datetime.now(timezone.utc), paths=["/"]).id)


if __name__ == "__main__":
    back_up(open_repository(LocalStorage(sys.argv[1]), PASSPHRASE), int(sys.argv[2]))
