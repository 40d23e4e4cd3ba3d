# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refusals of drives, in both spellings of errors (onedrive facts, E, H.14, 17, 18, 38, 53-55, 61), and what decoration is worth (H.62)."""

from __future__ import annotations

import typing as t

import pytest
from integration.graph_tenant import new_user

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph import drive_errors, errors
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.drive import drive_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.drive_read import DriveReader
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.drive_write import DriveWriter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import DriveId, DriveItemId, UserId
from tenant.control import ControlClient
from tenant.harness import RunningTenant


class Place(t.NamedTuple):
    """A drive with a file, and who writes there."""

    control: ControlClient
    client: GraphClient
    user: UserId
    drive: DriveId
    root: DriveItemId
    file: DriveItemId

    @property
    def writer(self) -> DriveWriter:
        return DriveWriter(self.client, self.drive)

    @property
    def reader(self) -> DriveReader:
        return DriveReader(self.client, self.drive)

    def upload(self, name: str = "a.txt", conflict: t.Any = "replace") -> None:
        self.writer.upload(self.root, name, 3, lambda: [b"new"], conflict=conflict)


@pytest.fixture
def place(tenant: RunningTenant, client: GraphClient) -> Place:
    control = tenant.control
    control.reset()
    user = new_user(tenant, "adele")
    drive, file = DriveId(control.create_drive(user)), DriveItemId(control.put_file(user, "/a.txt", b"old"))
    return Place(control, client, user, drive, DriveItemId(control.drive_root(user)), file)


def _full(place: Place) -> None:
    place.control.set_drive_quota(place.user, 4)
    place.upload("b.txt")


def _locked_file(place: Place) -> None:
    place.control.set_item(place.user, "/a.txt", locked="checked_out")
    place.upload()


def _labelled(place: Place) -> None:
    place.control.label_item(place.user, "/a.txt", "Keep")
    place.upload()


def _sharing_off(place: Place) -> None:
    place.control.settings(drive_sharing_refusal=403)
    place.writer.invite(place.file, [{"objectId": place.user}], ["read"])


def _stranger(place: Place) -> None:
    place.writer.invite(place.file, [{"email": "stranger@elsewhere.example"}], ["read"])


def _no_drive(place: Place) -> None:
    drive_of(place.client, UserId(place.control.add_user("nobody@contoso.com")))


def _not_to_be(place: Place) -> None:
    place.control.set_drive_state(place.user, "provisioning_not_allowed")
    drive_of(place.client, place.user)


def _locked_site(place: Place) -> None:
    place.control.set_drive_state(place.user, "locked_resource")
    place.upload("b.txt")


def _malware(place: Place) -> None:
    place.control.set_item(place.user, "/a.txt", malware="refuse")
    fields = place.reader.item(place.file)
    place.control.expire_download_urls()
    list(place.reader.content(fields))


@pytest.mark.parametrize("nested", [False, True], ids=["plain", "nested"])
@pytest.mark.parametrize(
    ("act", "kind"),
    [
        (_full, errors.QuotaExceeded),
        (_locked_file, drive_errors.FileLocked),
        (_labelled, drive_errors.RetentionHeld),
        (_sharing_off, drive_errors.SharingDisabled),
        (_stranger, drive_errors.RecipientsRefused),
        (_no_drive, drive_errors.DriveMissing),
        (_not_to_be, drive_errors.DriveMissing),
        (_locked_site, drive_errors.DriveLocked),
        (_malware, drive_errors.MalwareBlocked),
        (lambda place: place.upload(conflict="fail"), drive_errors.NameTaken),
        (lambda place: place.upload("a?.txt"), drive_errors.NameRefused),
        (lambda place: place.upload("x" * 300), drive_errors.NameRefused),
        (lambda place: place.reader.item(DriveItemId("01NOTHING")), errors.NotFound),
    ],
)
def test_a_refusal_is_understood_however_deep_its_code_lies(
    place: Place, act: t.Callable[[Place], object], kind: type[errors.GraphError], nested: bool
) -> None:
    place.control.settings(drive_nested_errors=nested)
    with pytest.raises(kind) as caught:
        act(place)
    assert caught.value.__class__ is kind
    assert place.control.upload_sessions() == []


def test_the_program_says_who_made_it_and_has_the_whole_budget(place: Place) -> None:
    place.control.limits(units_per_minute=40, undecorated_share=0.1)
    place.control.reset_log()
    for _number in range(10):
        place.reader.item(place.file)
    assert (place.control.stats()["undecorated"], place.client.traffic().throttled_answers) == (0, 0)
