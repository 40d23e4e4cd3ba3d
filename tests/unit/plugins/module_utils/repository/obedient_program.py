# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program that holds a writer and does what it is told, line by line; each answer is a line, too."""

from __future__ import annotations

import os
import sys
from datetime import datetime, timezone

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import LockLost
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import Repository, open_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Path
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import PASSPHRASE, save_files


def obey(repository: Repository, name: str) -> None:
    with repository.writing(hostname=name) as writer:
        say("ready")
        for line in sys.stdin:
            match line.strip():
                case "store":
                    common: dict[Path, bytes] = {("common", str(number)): b"%d" % number * 3000 for number in range(20)}
                    tree = save_files(writer, common | {("own", name): os.urandom(200_000)})
                    writer.flush()
                    say("stored")
                case "publish":
                    snapshot = writer.save_snapshot(tree, time=datetime.now(timezone.utc), paths=["/"])
                    say(snapshot.id)
                case "end":
                    break


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        obey(open_repository(LocalStorage(sys.argv[1]), PASSPHRASE), sys.argv[2])
    except LockLost as error:
        say(f"lost {error}")
    else:
        say("ended")
