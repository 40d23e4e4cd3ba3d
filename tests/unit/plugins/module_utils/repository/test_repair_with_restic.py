# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""After a repair on disk restic is the judge: it misses what is truly lost and nothing else, and the quarantine does not disturb it."""

from __future__ import annotations

import os
import random
from datetime import timedelta
from pathlib import Path as FilePath

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.blobs import blob_id
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.check import ALL_DATA, check
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repair import RepairResult, repair
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import (
    Repository,
    create_repository,
    open_repository,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import FileKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_open import open_storage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobKind, Path
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.object_store import ObjectStore
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.restic_program import Restic, needs_restic
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import CHEAP, NOON, PASSPHRASE, back_up

pytestmark = needs_restic

CHANCE = random.Random(11)
FILES: dict[Path, bytes] = {("mail", folder, str(number)): CHANCE.randbytes(5000) for folder in "abc" for number in range(10)}
MORE: dict[Path, bytes] = {("more", str(number)): CHANCE.randbytes(5000) for number in range(10)}
LOST = ("mail", "a", "3")


@pytest.fixture
def restic(tmp_path: FilePath) -> Restic:
    return Restic(tmp_path)


@pytest.fixture
def ours(restic: Restic) -> Repository:
    repository = create_repository(LocalStorage(restic.repository), PASSPHRASE, kdf=CHEAP)
    first = back_up(repository, FILES)
    back_up(repository, MORE, time=NOON + timedelta(hours=1), base=first.tree)
    return reopen(repository)


def reopen(repository: Repository) -> Repository:
    return open_repository(LocalStorage(repository.storage.location), PASSPHRASE)


def path_of(repository: Repository, content: bytes) -> tuple[FilePath, int]:
    """The pack file that holds a content, and where in it."""
    place = repository.known_index.index().find(BlobKind.DATA, blob_id(content))
    assert place is not None
    return FilePath(repository.storage.location) / "data" / place.pack[:2] / place.pack, place.blob.offset


def damage(path: FilePath, position: int) -> None:
    os.chmod(path, 0o600)
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(bytes(data))


def repaired(repository: Repository) -> RepairResult:
    return repair(reopen(repository), ALL_DATA)


def test_restic_misses_what_is_lost_and_nothing_else(restic: Restic, ours: Repository) -> None:
    pack, offset = path_of(ours, FILES[LOST])
    damage(pack, offset + 20)
    result = repaired(ours)
    assert not pack.exists()
    assert {os.path.basename(path) for path in result.quarantined} >= {pack.name}
    (complaint,) = [line for line in restic.run("check", "--read-data", fails=True).splitlines() if line.startswith("  ")]
    assert f"blob {blob_id(FILES[LOST])} not found in index" in complaint
    back_up(reopen(ours), {LOST: FILES[LOST]}, time=NOON + timedelta(hours=2))
    restic.check()
    assert restic.restore(reopen(ours).snapshots()[1].id) == {**FILES, **MORE}


def test_restic_is_content_with_an_index_that_was_made_again(restic: Restic, ours: Repository) -> None:
    for number, path in enumerate(sorted((restic.repository / "index").iterdir())):
        if number:
            path.unlink()
        else:
            damage(path, 60)
    repaired(ours)
    restic.check()
    assert restic.restore("latest") == {**FILES, **MORE}


@pytest.mark.parametrize("end", ["header", "length", "longer"])
def test_restic_is_content_with_what_was_saved_out_of_a_pack_without_an_end(restic: Restic, ours: Repository, end: str) -> None:
    pack, _offset = path_of(ours, FILES[LOST])
    if end == "longer":
        os.chmod(pack, 0o600)
        pack.write_bytes(pack.read_bytes() + b"\0" * 100)
    else:
        damage(pack, -30 if end == "header" else -2)
    repaired(ours)
    restic.check()
    assert check(reopen(ours), read_data=True) == []
    assert restic.restore("latest") == {**FILES, **MORE}


def test_a_repair_in_a_bucket_is_one_that_restic_agrees_with(object_store: ObjectStore, s3_location: str) -> None:
    storage = open_storage(s3_location, object_store.options())
    repository = create_repository(storage, PASSPHRASE, kdf=CHEAP)
    back_up(repository, FILES)
    place = repository.known_index.index().find(BlobKind.DATA, blob_id(FILES[LOST]))
    assert place is not None
    pack = bytearray(storage.get(FileKind.DATA, place.pack))
    pack[-1] ^= 1
    storage.put(FileKind.DATA, place.pack, bytes(pack))
    result = repair(open_repository(storage, PASSPHRASE), ALL_DATA)
    assert f"{s3_location}/quarantine/data/{place.pack}" in result.quarantined
    assert "no errors were found" in object_store.restic(s3_location, PASSPHRASE, "check", "--read-data").stdout
    assert not repair(open_repository(storage, PASSPHRASE), ALL_DATA).plan.changes
