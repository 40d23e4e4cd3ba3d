# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archived items back into archives and ordinary mailboxes, byte for byte and once."""

from __future__ import annotations

import collections
import dataclasses
import os
import typing as t

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter import ItemFilter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import ARCHIVE, MAIL
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.conflict import Policy
from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup
from ansible_collections.tenantvault.m365_backup.tests.integration.restores import TOP, Restore, counts, restore_in_storms
from tenant.harness import RunningTenant
from tenant.tokens import DEFAULT_ROLES

ITEMS = 13
INTO_ARCHIVE = {"into_archive": True}


@pytest.fixture(scope="module")
def backup(tenant: RunningTenant, tmp_path_factory: pytest.TempPathFactory) -> Backup:
    ann = f"ann@{tenant.domain}"
    control = tenant.control
    control.add_user(ann)
    archive = control.create_archive(ann)["archive"]
    control.create_folder(archive, "Old mail")
    control.create_folder(archive, "2020 / 2021", parent=["Old mail"])
    control.deliver_generated(archive, ITEMS - 3, folder=["Old mail"], size_limit=5000)
    control.deliver_generated(archive, 2, folder=["Old mail", "2020 / 2021"], first=900, size_limit=5000)
    control.add_item(archive, ["Old mail"], "appointment", "Board meeting")
    backup = Backup(tenant=tenant, folder=tmp_path_factory.mktemp("archive"), users=(ann,), sources=(MAIL,), archives=True)
    backup.run()
    return backup


@pytest.fixture
def restore(backup: Backup, user: str) -> Restore:
    return Restore(backup=backup, member=backup.users[0], into=user, sources=(ARCHIVE,))


def facts(restore: Restore, mailbox: str, below: tuple[str, ...] = ()) -> collections.Counter[tuple[t.Any, ...]]:
    """Folder, subject, date and state of every item below a folder."""
    found: collections.Counter[tuple[t.Any, ...]] = collections.Counter()
    for each in restore.backup.tenant.control.messages(mailbox):
        path = tuple(each["folder_path"])
        if path[: len(below)] == below:
            state = (each["is_read"], each["is_draft"], each["flagged"], tuple(each["categories"]))
            # An appointment was never received.
            received = "" if each["subject"] == "Board meeting" else each["received"]
            found[(path[len(below) :], each["subject"], received, state)] += 1
    return found


@pytest.fixture
def wanted(restore: Restore) -> collections.Counter[tuple[t.Any, ...]]:
    return facts(restore, restore.backup.tenant.control.exchange_ids(restore.member)["archive"])


PRIMARY = (TOP, "Archive mailbox")


def test_archived_items_come_into_a_folder_of_the_ordinary_mailbox(restore: Restore, wanted: t.Any) -> None:
    predicted = restore.run(is_check=True)
    assert facts(restore, restore.into) == {}
    first = restore.run()
    assert (counts(first), first.findings) == ({"restored": ITEMS}, [])
    assert predicted.as_dict() == first.as_dict()
    assert predicted.estimate.upload_bytes > predicted.restored_bytes * 4 // 3
    assert facts(restore, restore.into, PRIMARY) == wanted
    assert counts(restore.run()) == {"unchanged": ITEMS}
    assert facts(restore, restore.into, PRIMARY) == wanted


def test_archived_items_come_into_the_archive_where_the_service_takes_them(restore: Restore, wanted: t.Any) -> None:
    control = restore.backup.tenant.control
    archive = control.create_archive(restore.into)["archive"]
    into = dataclasses.replace(restore, more=INTO_ARCHIVE)
    assert counts(into.run()) == {"restored": ITEMS}
    assert facts(restore, archive, (TOP,)) == wanted
    assert counts(into.run()) == {"unchanged": ITEMS}


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"archive_import": "refused"}, "not allowed"), ({"archive_import": "beta"}, "no archive mailbox")],
)
def test_an_archive_that_takes_nothing_is_said_so(restore: Restore, settings: dict[str, str], words: str) -> None:
    control = restore.backup.tenant.control
    before = control.settings()["archive_import"]
    if settings["archive_import"] == "refused":
        control.create_archive(restore.into)
    control.settings(**settings)
    try:
        result = dataclasses.replace(restore, more=INTO_ARCHIVE).run()
    finally:
        control.settings(archive_import=before)
    assert words in result.findings[-1].reason
    assert result.written == 0


@pytest.mark.parametrize("how", ["503", "reset"])
@pytest.mark.parametrize("operation", ["import_item", "import_session", "exchange_folder_create"])
def test_a_lost_answer_imports_nothing_twice(restore: Restore, wanted: t.Any, operation: str, how: str) -> None:
    restore.backup.tenant.control.arm(
        {"name": "answer_lost", "how": how, "mailbox": restore.into, "times": 4, "match": {"operation": operation}}
    )
    result = restore.run()
    assert (counts(result), result.findings) == ({"restored": ITEMS}, [])
    assert facts(restore, restore.into, PRIMARY) == wanted


def test_sessions_that_expire_are_renewed_and_none_gets_a_token(restore: Restore, wanted: t.Any) -> None:
    control = restore.backup.tenant.control
    before = control.settings()["import_session_seconds"]
    control.settings(import_session_seconds=-1.0)
    try:
        result = dataclasses.replace(restore, item_filter=ItemFilter(subject="Board")).run()
        assert result.findings[0].code == "ErrorAccessDenied"
    finally:
        control.settings(import_session_seconds=before)
    control.arm({"name": "token_expired", "mailbox": restore.into, "times": 3, "match": {"operation": "import_item"}})
    result = restore.run()
    assert (counts(result), result.findings) == ({"restored": ITEMS}, [])
    assert facts(restore, restore.into, PRIMARY) == wanted


IMPORT_FAULTS: tuple[dict[str, t.Any], ...] = (
    {"name": "status", "status": 409, "code": "", "message": "Invalid import session.", "match": {"operation": "import_item"}},
    {"name": "status", "status": 401, "match": {"operation": "import_item"}},
    {"name": "status", "status": 403, "code": "ErrorAccessDenied", "match": {"operation": "import_item"}},
    {"name": "status", "status": 400, "code": "ErrorInvalidRequest", "match": {"operation": "import_item"}},
)


@pytest.mark.parametrize("seed", range(2 * int(os.environ.get("M365_TORTURE", "1"))))
def test_storms_import_nothing_twice_and_a_calm_start_makes_it_complete(restore: Restore, wanted: t.Any, seed: int) -> None:
    operations = ["import_item", "import_session", "exchange_folder_create", "exchange_folders_list", "exchange_items_list"]
    result = restore_in_storms(restore, operations, seed, *IMPORT_FAULTS)
    assert result.findings == []
    assert sum(counts(result).values()) == ITEMS
    assert facts(restore, restore.into, PRIMARY) == wanted


def test_a_folder_in_another_mailbox_of_a_grown_archive_is_found(restore: Restore, wanted: t.Any) -> None:
    control = restore.backup.tenant.control
    archive = control.create_archive(restore.into, auxiliaries=1)["archive"]
    into = dataclasses.replace(restore, more=INTO_ARCHIVE)
    dataclasses.replace(into, item_filter=ItemFilter(subject="Board")).run()
    control.expand_folder(archive, [TOP, "Old mail"])
    result = into.run()
    assert (counts(result), result.findings) == ({"restored": ITEMS - 1, "unchanged": 1}, [])
    assert facts(restore, archive, (TOP,)) == wanted


def test_two_copies_of_an_item_stay_two(restore: Restore) -> None:
    control, ann = restore.backup.tenant.control, restore.member
    archive = control.exchange_ids(ann)["archive"]
    board = next(item for item in control.exchange_items(archive) if item["subject"] == "Board meeting")
    control.put_stream(archive, ["Old mail"], control.stream(archive, board["id"]))
    restore.backup.run()
    copies = dataclasses.replace(restore, item_filter=ItemFilter(subject="Board meeting"))
    assert [counts(copies.run()), counts(copies.run())] == [{"restored": 2}, {"unchanged": 2}]


def test_the_original_place_skips_what_is_there_and_takes_no_other_policy(restore: Restore) -> None:
    control = restore.backup.tenant.control
    own = dataclasses.replace(restore, into=restore.member, top=None, more=INTO_ARCHIVE, item_filter=ItemFilter(subject="Board meeting"))
    archive = control.exchange_ids(restore.member)["archive"]
    before = len(control.exchange_items(archive))
    assert set(counts(own.run())) == {"kept"}
    assert len(control.exchange_items(archive)) == before
    with pytest.raises(InputError, match="cannot be copied or replaced"):
        dataclasses.replace(own, policy=Policy.REPLACE).run()


@pytest.mark.parametrize("role", ["MailboxItem.ImportExport.All", "MailboxFolder.ReadWrite.All"])
def test_a_missing_permission_is_named(restore: Restore, role: str) -> None:
    control, tenant = restore.backup.tenant.control, restore.backup.tenant
    lesser = "MailboxFolder.Read.All" if "Folder" in role else "MailboxItem.Export.All"
    control.set_roles(tenant.client_id, [each for each in DEFAULT_ROLES if each != role] + [lesser])
    try:
        result = restore.run()
    finally:
        control.set_roles(tenant.client_id, list(DEFAULT_ROLES))
    assert role in result.findings[-1].reason
    assert result.sources[ARCHIVE].is_stopped
