# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changing drives: files, folders, names, places, times, versions, labels (facts A6, A8, H.18, 42, 50-53, 55)."""

from __future__ import annotations

import io
import typing as t
import zipfile
from urllib.parse import quote

import pytest

if t.TYPE_CHECKING:
    from tenant_tests.support import Client, Reply

    from tenant.control import ControlClient

YEAR_2020 = {"createdDateTime": "2020-01-01T10:00:00Z", "lastModifiedDateTime": "2020-02-01T10:00:00.9876543Z"}


class Drive:
    """One drive, named as apps name it."""

    def __init__(self, client: Client, control: ControlClient, user: str) -> None:
        self.client = client
        self.control = control
        self.user = user
        self.url = f"/drives/{control.create_drive(user)}"
        self.root = control.drive_root(user)

    def put(self, name: str, content: bytes = b"x", *, parent: str | None = None, conflict: str | None = None, **headers: t.Any) -> Reply:
        query = f"?@microsoft.graph.conflictBehavior={conflict}" if conflict else ""
        path = f"{self.url}/items/{parent or self.root}:/{quote(name)}:/content{query}"
        return self.client.call("PUT", path, body=content, **headers)

    def folder(self, name: str, conflict: str | None = None, parent: str | None = None) -> Reply:
        body = {"name": name, "folder": {}, **({"@microsoft.graph.conflictBehavior": conflict} if conflict else {})}
        return self.client.call("POST", f"{self.url}/items/{parent or self.root}/children", body)

    def patch(self, item: str, **body: t.Any) -> Reply:
        return self.client.call("PATCH", f"{self.url}/items/{item}", body)

    def delete(self, item: str, **headers: t.Any) -> Reply:
        return self.client.call("DELETE", f"{self.url}/items/{item}", **headers)

    def paths(self) -> list[str]:
        return [line["path"] for line in self.control.drive_listing(self.user)]


@pytest.fixture
def drive(client: Client, control: ControlClient, adele: str) -> Drive:
    return Drive(client, control, adele)


def inner(reply: Reply) -> str:
    return str(reply.error["innerError"].get("code", ""))


def test_a_small_file_is_put_and_put_again(drive: Drive) -> None:
    first = drive.put("a.txt", b"one")
    again = drive.put("A.TXT", b"two")
    assert (first.status, again.status, first.json()["id"]) == (201, 200, again.json()["id"])
    assert (again.json()["name"], again.json()["size"]) == ("a.txt", 3)
    assert drive.control.file_content(drive.user, "/a.txt") == b"two"
    assert [version["id"] for version in drive.control.file(drive.user, "/a.txt")["versions"]] == ["2.0", "1.0"]
    assert first.json()["createdBy"]["application"]["displayName"] == "SharePoint App"


def test_a_taken_name_is_refused_replaced_or_given_a_number(drive: Drive) -> None:
    drive.put("a.b.txt")
    assert drive.put("a.b.txt", conflict="fail").code == "nameAlreadyExists"
    assert drive.put("a.b.txt", conflict="rename").json()["name"] == "a.b 1.txt"
    assert drive.put("a.b.txt", conflict="rename").json()["name"] == "a.b 2.txt"
    assert drive.put("a.b.txt", conflict="nonsense").status == 400


def test_an_empty_file_is_put_and_an_item_can_be_replaced_by_id(drive: Drive) -> None:
    empty = drive.put("empty", b"")
    assert (empty.status, empty.json()["size"]) == (201, 0)
    place = f"{drive.url}/items/{empty.json()['id']}/content"
    assert drive.client.call("PUT", place, body=b"full").json()["size"] == 4
    assert drive.client.call("PUT", f"{drive.url}/root/content", body=b"full").status == 400


def test_tags_guard_what_is_changed(drive: Drive) -> None:
    item = drive.put("a").json()
    assert drive.put("a", if_match='"{0},1"').status == 412
    assert drive.delete(item["id"], if_match='"{0},1"').code == "resourceModified"
    assert drive.put("a", if_none_match="*").status == 412
    assert drive.put("a", if_match=item["eTag"]).status == 200


def test_folders_are_made_found_or_given_a_number(drive: Drive) -> None:
    made = drive.folder("Plans")
    assert (made.status, made.json()["folder"]) == (201, {"childCount": 0})
    assert [drive.folder("plans", conflict).status for conflict in (None, "fail", "replace", "rename")] == [409, 409, 200, 201]
    assert drive.folder("Plans", "replace").json()["id"] == made.json()["id"]
    assert drive.paths() == ["/Plans", "/plans 1"]
    drive.put("file")
    assert drive.folder("file", "replace").status == 409
    assert drive.client.call("POST", f"{drive.url}/root/children", {"name": "f", "file": {}}).status == 400


def test_rclones_spelling_of_the_conflict_is_understood(drive: Drive) -> None:
    drive.folder("Plans")
    body = {"name": "Plans", "folder": {}, "@name.conflictBehavior": "rename"}
    assert drive.client.call("POST", f"{drive.url}/root/children", body).json()["name"] == "Plans 1"


def test_a_rename_changes_the_time_and_a_move_does_not(drive: Drive) -> None:
    item = drive.put("a").json()
    folder = drive.folder("Plans").json()["id"]
    moved = drive.patch(item["id"], parentReference={"id": folder})
    assert (moved.status, moved.json()["lastModifiedDateTime"]) == (200, item["lastModifiedDateTime"])
    assert drive.patch(item["id"], name="A").json()["name"] == "A"
    assert drive.patch(item["id"], name="b", parentReference={"id": drive.root}).status == 200
    assert drive.paths() == ["/Plans", "/b"]


def test_a_move_needs_a_real_folder_of_the_same_drive(drive: Drive) -> None:
    item = drive.put("a").json()["id"]
    folder = drive.folder("Plans").json()["id"]
    below = drive.folder("below", parent=folder).json()["id"]
    assert drive.patch(item, parentReference={"id": "root"}).status == 404
    assert drive.patch(item, parentReference={"id": folder, "driveId": "b!other"}).status == 400
    assert drive.patch(folder, parentReference={"id": item}).status == 404
    assert drive.patch(folder, parentReference={"id": below}).status == 400
    assert drive.patch(drive.root, name="other").status == 400


def test_a_taken_place_is_refused_freed_or_avoided(drive: Drive) -> None:
    first, second, third = (drive.put(name, name.encode()).json()["id"] for name in "abc")
    assert drive.patch(second, name="a").code == "nameAlreadyExists"
    assert drive.patch(second, name="a", **{"@microsoft.graph.conflictBehavior": "rename"}).json()["name"] == "a 1"
    assert drive.patch(third, name="a", **{"@microsoft.graph.conflictBehavior": "replace"}).status == 200
    assert (drive.paths(), drive.control.file_content(drive.user, "/a")) == (["/a", "/a 1"], b"c")
    assert drive.client.get(f"{drive.url}/items/{first}").status == 404


def test_times_set_afterwards_make_a_version_of_a_file_and_none_of_a_folder(drive: Drive) -> None:
    item = drive.put("a").json()["id"]
    told = drive.patch(item, fileSystemInfo=YEAR_2020).json()
    assert told["fileSystemInfo"]["lastModifiedDateTime"] == "2020-02-01T10:00:00Z"
    assert len(drive.control.file(drive.user, "/a")["versions"]) == 2
    folder = drive.folder("Plans").json()["id"]
    assert drive.patch(folder, fileSystemInfo=YEAR_2020).json()["fileSystemInfo"]["createdDateTime"] == "2020-01-01T10:00:00Z"
    drive.put("new", parent=folder)
    assert not drive.control.file(drive.user, "/Plans")["modified"].startswith("2020")


def test_a_folder_goes_with_all_that_lies_in_it(drive: Drive) -> None:
    folder = drive.folder("Plans").json()["id"]
    drive.put("a", parent=folder)
    assert drive.delete(folder).status == 204
    assert (drive.paths(), drive.delete(folder).status, drive.delete(drive.root).status) == ([], 404, 400)
    item = drive.put("b").json()["id"]
    assert drive.client.call("POST", f"{drive.url}/items/{item}/permanentDelete").status == 204


@pytest.mark.parametrize(
    "name",
    ["a:b", "a<b", 'a"b', "a|b", "a*b", " a", "a ", "a.", "CON", "lpt7", ".lock", "desktop.ini", "~$a.docx", "a_vti_b", "forms", "a\x07b"],
)
def test_names_that_windows_or_sharepoint_reserve_are_refused(drive: Drive, name: str) -> None:
    refused = drive.folder(name)
    assert (refused.status, refused.code) == (400, "invalidRequest")
    item = drive.put("fine").json()["id"]
    assert drive.patch(item, name=name).status == 400


@pytest.mark.parametrize("name", ["#1 50% + a&b'c", ".profile", "CON.txt", "é", "e\u0301", "📌", "\u202eabc", "~folder.txt", "a\u00a0"])
def test_other_names_are_taken_as_they_are(drive: Drive, name: str) -> None:
    assert drive.put(name).json()["name"] == name
    assert drive.paths() == [f"/{name}"]


def test_names_and_paths_have_a_greatest_length_in_units_of_two_bytes(drive: Drive) -> None:
    assert drive.folder("📌" * 127).status == 201
    refused = drive.folder("📌" * 128)
    assert (refused.status, inner(refused)) == (400, "pathIsTooLong")
    folder = drive.folder("f" * 199).json()["id"]
    assert drive.put("x" * 200, parent=folder).status == 201
    assert inner(drive.put("x" * 201, parent=folder)) == "pathIsTooLong"


def test_names_that_differ_in_case_only_are_one_name(drive: Drive) -> None:
    drive.put("Straße.txt")
    assert drive.put("STRAßE.TXT", conflict="fail").status == 409
    assert drive.put("é", conflict="fail").status == drive.put("e\u0301", conflict="fail").status == 201


def test_a_full_drive_takes_nothing(drive: Drive) -> None:
    drive.put("a", b"12345")
    drive.control.set_drive_quota(drive.user, 8)
    refused = drive.put("b", b"1234")
    assert (refused.status, refused.code) == (507, "quotaLimitReached")
    assert drive.client.get(drive.url).json()["quota"]["used"] == 5
    drive.control.set_drive_quota(drive.user, 5)
    assert drive.client.get(drive.url).json()["quota"]["state"] == "exceeded"


def test_office_files_come_back_larger_where_that_is_wanted(drive: Drive) -> None:
    drive.control.settings(drive_enriches=True)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word/document.xml", "<xml/>")
    sent = buffer.getvalue()
    told = drive.put("a.docx", sent).json()
    back = drive.control.file_content(drive.user, "/a.docx")
    assert (told["size"], told["size"] > len(sent)) == (len(back), True)
    assert zipfile.ZipFile(io.BytesIO(back)).read("word/document.xml") == b"<xml/>"
    assert drive.put("b.txt", sent).json()["size"] == len(sent)
    assert drive.put("no.xlsx", b"no archive").json()["size"] > 10


def test_an_older_version_comes_back_on_top_of_the_others(drive: Drive) -> None:
    item = drive.put("a", b"one").json()["id"]
    drive.put("a", b"two")
    versions = f"{drive.url}/items/{item}/versions"
    assert drive.client.call("POST", f"{versions}/1.0/restoreVersion").status == 204
    assert drive.control.file_content(drive.user, "/a") == b"one"
    assert [one["id"] for one in drive.client.all(versions)] == ["3.0", "2.0", "1.0"]
    assert [drive.client.call("DELETE", f"{versions}/{number}").status for number in ("3.0", "2.0", "9.0")] == [400, 204, 404]
    assert drive.client.call("POST", f"{versions}/9.0/restoreVersion").status == 404


def test_what_a_label_keeps_is_neither_replaced_nor_deleted(drive: Drive) -> None:
    folder = drive.folder("Plans").json()["id"]
    item = drive.put("a", parent=folder).json()["id"]
    drive.control.label_item(drive.user, item, "Keep")
    assert [drive.delete(item).status, drive.delete(folder).status, drive.put("a", parent=folder).code] == [403, 403, "accessDenied"]
    assert drive.patch(item, name="b").status == 200
    drive.control.label_item(drive.user, item, "Record", isMetadataUpdateAllowed=False)
    assert drive.patch(item, name="c").status == 403
    drive.control.label_item(drive.user, item, None)
    assert drive.delete(folder).status == 204


def test_apps_read_set_and_take_labels(drive: Drive) -> None:
    label = f"{drive.url}/items/{drive.put('a').json()['id']}/retentionLabel"
    drive.control.add_retention_label("Keep", isLabelUpdateAllowed=False)
    assert drive.client.get(label).status == 404
    assert drive.client.call("PATCH", label, {"name": "Other"}).status == 400
    told = drive.client.call("PATCH", label, {"name": "Keep"}).json()
    assert (told["name"], told["retentionSettings"]["isDeleteAllowed"]) == ("Keep", False)
    assert drive.client.get(label).json()["name"] == "Keep"
    assert drive.client.call("DELETE", label).status == 403
    drive.control.label_item(drive.user, "/a", "Free")
    assert [drive.client.call("DELETE", label).status, drive.client.get(label).status] == [204, 404]


def test_what_somebody_has_checked_out_is_locked_for_others(drive: Drive) -> None:
    item = drive.put("a").json()["id"]
    drive.control.set_item(drive.user, "/a", locked="checked_out")
    assert [drive.put("a").status, drive.delete(item).status, drive.patch(item, name="b").status] == [423] * 3
    assert inner(drive.delete(item)) == "resourceLocked"
    assert drive.client.get(f"{drive.url}/items/{item}").status == 200


def test_a_change_can_be_made_and_its_answer_lost(drive: Drive) -> None:
    drive.control.arm({"name": "answer_lost", "how": "503", "match": {"area": "drive"}})
    assert drive.folder("Plans").status == 503
    assert drive.paths() == ["/Plans"]
