# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One object store for all tests of a process, a prefix of its own for each test, and no AWS settings of this machine."""

from __future__ import annotations

import itertools
import os
import typing as t

import pytest

from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.object_store import (
    ObjectStore,
    running_seaweedfs,
)

BUCKET = "backups"

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[ObjectStore]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("NO_PROXY", "127.0.0.1")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        with running_seaweedfs(tmp_path_factory.mktemp("object_store") / "seaweedfs") as store:
            store.make_bucket(BUCKET)
            yield store


@pytest.fixture
def s3_location() -> str:
    """A place in the bucket that no other test uses."""
    return f"s3://{BUCKET}/tests/{next(_numbers)}"
