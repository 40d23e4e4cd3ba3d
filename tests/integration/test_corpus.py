# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every real and nasty message of the sample data, from the service through the repository and back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter import ItemFilter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import MAIL
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Outcome
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.choice import choose
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.infected_items import sifting
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.snapshot_choice import choose_snapshot
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.to_files_run import restore_to_files
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup, mail_of, needs_restic
from tenant.harness import running_tenant

ALICE = "alice@contoso.com"
CORPUS = os.environ.get("M365_CORPUS", "")
pytestmark = [
    needs_restic,
    pytest.mark.skipif(not CORPUS, reason="M365_CORPUS does not name a folder of sample data"),
]


def test_inv05_every_message_of_the_corpus_comes_back_byte_for_byte(tmp_path: Path) -> None:
    with running_tenant() as tenant:
        tenant.control.add_user(ALICE)
        delivered = tenant.control.load_folder(ALICE, Path(CORPUS, "mail"))
        backup = Backup(tenant=tenant, folder=tmp_path, users=(ALICE,))
        result = backup.run()
        served = mail_of(tenant, ALICE)
    assert len(served) == len(delivered) > 900
    assert (result.outcome, result.counts.fetched) == (Outcome.COMPLETE, len(served))
    assert [source.findings for member in result.members for source in member.sources] == [()]
    backup.restic("check", "--read-data")
    assert sorted(backup.restored_by_restic().values()) == served
    repository = backup.repository()
    choice = choose(repository, choose_snapshot(repository, "group", "latest"), ALICE, MAIL, None)
    with sifting(repository, repository, print, includes_infected=False) as sifter:
        assert restore_to_files(repository, [choice], ItemFilter(), tmp_path / "files", sifter=sifter).restored == len(served)
    assert sorted(path.read_bytes() for path in (tmp_path / "files").rglob("*.eml")) == served
