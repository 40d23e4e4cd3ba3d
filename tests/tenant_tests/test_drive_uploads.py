# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Upload sessions of drives (facts A8, H.45-50)."""

from __future__ import annotations

import typing as t
from urllib.parse import quote

import pytest

if t.TYPE_CHECKING:
    from tenant_tests.support import Client, Reply

    from tenant.control import ControlClient

UNIT = 320 * 1024


class Uploads:
    """Sessions into the root of one drive."""

    def __init__(self, client: Client, control: ControlClient, user: str) -> None:
        self.client = client
        self.control = control
        self.user = user
        self.drive = control.create_drive(user)
        self.root = control.drive_root(user)

    def ask(self, place: str, conflict: str = "", *, defer: bool = False, **item: t.Any) -> Reply:
        behaviour = {"@microsoft.graph.conflictBehavior": conflict} if conflict else {}
        body: dict[str, t.Any] = {"item": {**behaviour, **item}, "deferCommit": defer}
        return self.client.call("POST", f"/drives/{self.drive}/items/{self.root}:/{quote(place)}:/createUploadSession", body)

    def open(self, place: str, conflict: str = "fail", *, defer: bool = False) -> str:
        reply = self.ask(place, conflict, defer=defer)
        assert reply.status == 200, reply.body
        return str(reply.json()["uploadUrl"])

    def piece(self, url: str, content: bytes, start: int = 0, total: int | None = None, headers: dict[str, str] | None = None) -> Reply:
        end = start + len(content) - 1
        sent = {"Content-Range": f"bytes {start}-{end}/{total or start + len(content)}", **(headers or {})}
        return self.client.raw("PUT", url, content, sent)

    def content(self, path: str) -> bytes:
        return self.control.file_content(self.user, path)


@pytest.fixture
def uploads(client: Client, control: ControlClient, adele: str) -> Uploads:
    return Uploads(client, control, adele)


def inner(reply: Reply) -> tuple[int, str, str]:
    return reply.status, reply.code, str(reply.error["innerError"].get("code", ""))


def test_a_file_comes_in_pieces_and_keeps_its_times(uploads: Uploads) -> None:
    times = {"createdDateTime": "2019-05-06T07:08:09Z", "lastModifiedDateTime": "2020-05-06T07:08:09.5Z"}
    opened = uploads.ask("Größe & Co.bin", fileSystemInfo=times)
    assert (opened.status, opened.json()["nextExpectedRanges"]) == (200, ["0-"])
    url = opened.json()["uploadUrl"]
    first, second = b"a" * UNIT, b"b" * 100
    half = uploads.piece(url, first, total=UNIT + 100)
    assert (half.status, half.json()["nextExpectedRanges"]) == (202, [f"{UNIT}-"])
    assert uploads.client.raw("GET", url).json()["nextExpectedRanges"] == [f"{UNIT}-"]
    assert uploads.control.drive_listing(uploads.user) == []
    last = uploads.piece(url, second, UNIT)
    assert (last.status, last.json()["size"], last.json()["name"]) == (201, UNIT + 100, "Größe & Co.bin")
    assert uploads.content("/Größe & Co.bin") == first + second
    told = uploads.control.file(uploads.user, "/Größe & Co.bin")
    assert (told["created"], told["modified"], len(told["versions"])) == ("2019-05-06T07:08:09Z", "2020-05-06T07:08:09Z", 1)
    assert uploads.client.raw("GET", url).code == "itemNotFound"


def test_a_session_needs_a_name_and_nothing_that_is_for_personal_drives(uploads: Uploads) -> None:
    refused = uploads.client.call("POST", f"/drives/{uploads.drive}/items/{uploads.root}/createUploadSession", {})
    assert (refused.status, refused.error["message"]) == (400, "File name not provided in url.")
    assert uploads.ask("a", name="b").status == uploads.ask("a", fileSize=3).status == uploads.ask("a:b").status == 400
    assert uploads.control.upload_sessions() == []


def test_an_open_session_holds_its_name_until_it_is_cancelled(uploads: Uploads) -> None:
    url = uploads.open("a.txt")
    for conflict in ("fail", "replace", "rename"):
        assert uploads.ask("A.TXT", conflict).code == "nameAlreadyExists"
    assert [one["path"] for one in uploads.control.upload_sessions()] == ["/a.txt"]
    assert uploads.client.raw("DELETE", url).status == 204
    assert uploads.piece(url, b"x").status == 404
    assert uploads.ask("a.txt").status == 200


def test_a_session_expires_and_each_piece_extends_it(uploads: Uploads) -> None:
    uploads.control.settings(drive_upload_seconds=0.0)
    url = uploads.open("a")
    refused = uploads.piece(url, b"x")
    assert (refused.status, refused.code, refused.error["message"]) == (404, "itemNotFound", "The upload session was not found")
    uploads.control.settings(drive_upload_seconds=100.0)
    first = uploads.ask("a").json()
    uploads.control.settings(drive_upload_seconds=200.0)
    assert uploads.piece(first["uploadUrl"], b"x", total=9).json()["expirationDateTime"] > first["expirationDateTime"]
    uploads.control.expire_upload_sessions()
    assert uploads.ask("a").status == 200


def test_pieces_come_in_order_and_once(uploads: Uploads) -> None:
    url = uploads.open("a")
    assert inner(uploads.piece(url, b"x" * UNIT, UNIT, 3 * UNIT)) == (416, "invalidRange", "fragmentOutOfOrder")
    assert uploads.piece(url, b"x" * UNIT, 0, 3 * UNIT).status == 202
    assert inner(uploads.piece(url, b"x" * UNIT, 0, 3 * UNIT)) == (416, "invalidRange", "fragmentOverlap")
    assert inner(uploads.piece(url, b"x" * UNIT, UNIT, 4 * UNIT)) == (400, "invalidRequest", "fragmentLengthMismatch")
    headers = {"Content-Range": f"bytes {UNIT}-{UNIT + 8}/{3 * UNIT}"}
    assert inner(uploads.client.raw("PUT", url, b"x", headers)) == (400, "invalidRequest", "fragmentLengthMismatch")
    assert uploads.client.raw("GET", url).json()["nextExpectedRanges"] == [f"{UNIT}-"]


def test_pieces_of_an_odd_size_cannot_be_put_together(uploads: Uploads) -> None:
    url = uploads.open("a")
    assert uploads.piece(url, b"x" * 1000, 0, 2000).status == 202
    assert inner(uploads.piece(url, b"x" * 1000, 1000, 2000)) == (400, "invalidRequest", "fragmentRowCountCheckFailed")
    assert uploads.client.raw("GET", url).status == 404


def test_a_piece_has_a_greatest_size(uploads: Uploads) -> None:
    url = uploads.open("a")
    assert inner(uploads.piece(url, bytes(60 * 1024 * 1024), 0, 2**30)) == (413, "invalidRequest", "maxFragmentLengthExceeded")


def test_nothing_can_be_uploaded_by_a_session_that_is_empty(uploads: Uploads) -> None:
    url = uploads.open("a")
    assert uploads.client.raw("PUT", url, b"", {"Content-Range": "bytes 0--1/0"}).status == 400
    assert uploads.client.raw("PUT", url, b"", {}).status == 400


def test_the_url_takes_no_token_where_the_service_is_strict(uploads: Uploads) -> None:
    url = uploads.open("a")
    headers = {"Authorization": f"Bearer {uploads.client.token}"}
    assert uploads.piece(url, b"x", headers=headers).status == 401
    uploads.control.settings(drive_refuses_token=False)
    assert uploads.piece(url, b"x", headers=headers).status == 201
    assert "tempauth=..." in [line["path"] for line in uploads.control.requests() if line["operation"] == "drive_upload_part"][-1]


def test_a_name_that_is_taken_is_told_of_when_the_session_is_opened(uploads: Uploads) -> None:
    item = uploads.control.put_file(uploads.user, "/a.txt", b"old")
    assert uploads.ask("a.txt", "fail").status == 409
    replaced = uploads.piece(uploads.open("a.txt", "replace"), b"new")
    assert (replaced.status, replaced.json()["id"], len(uploads.control.file(uploads.user, "/a.txt")["versions"])) == (200, item, 2)
    assert uploads.piece(uploads.open("a.txt", "rename"), b"new").json()["name"] == "a 1.txt"
    path = f"/drives/{uploads.drive}/items/{item}/createUploadSession"
    assert uploads.client.call("POST", path, {}, if_match='"{0},1"').status == 412
    url = uploads.client.call("POST", path, {}).json()["uploadUrl"]
    assert uploads.piece(url, b"newer").json()["id"] == item


@pytest.mark.parametrize("armed", [True, False])
def test_a_name_can_be_taken_before_the_last_piece(uploads: Uploads, armed: bool) -> None:
    if armed:
        uploads.control.arm({"name": "drive_name_taken"})
    else:
        uploads.control.put_file(uploads.user, "/a.txt", b"taken")
        uploads.control.settings(drive_late_conflicts=True)
    url = uploads.open("a.txt")
    refused = uploads.piece(url, b"mine")
    assert (refused.status, refused.code, uploads.content("/a.txt")) == (409, "nameAlreadyExists", b"taken")
    body = {"name": "b.txt", "@microsoft.graph.conflictBehavior": "fail", "@microsoft.graph.sourceUrl": url}
    moved = uploads.client.call("PUT", f"/drives/{uploads.drive}/items/{uploads.root}", body)
    assert (moved.status, moved.json()["name"], uploads.content("/b.txt")) == (201, "b.txt", b"mine")
    assert uploads.control.upload_sessions() == []


def test_a_deferred_file_is_there_after_its_commit(uploads: Uploads) -> None:
    url = uploads.open("a", defer=True)
    assert uploads.client.raw("POST", url).status == 400
    done = uploads.piece(url, b"x")
    assert (done.status, done.json()["nextExpectedRanges"], uploads.control.drive_listing(uploads.user)) == (202, [], [])
    assert uploads.client.raw("POST", url).status == 201


def test_a_full_drive_refuses_the_first_piece(uploads: Uploads) -> None:
    uploads.control.set_drive_quota(uploads.user, 10)
    assert uploads.piece(uploads.open("a"), b"x", total=11).code == "quotaLimitReached"


def test_a_locked_site_refuses_pieces_too(uploads: Uploads) -> None:
    url = uploads.open("a")
    uploads.control.set_drive_state(uploads.user, "locked")
    assert uploads.piece(url, b"x").status == 423


def test_a_piece_can_be_kept_and_its_answer_lost(uploads: Uploads) -> None:
    url = uploads.open("a")
    uploads.control.arm({"name": "answer_lost", "how": "503", "match": {"operation": "drive_upload_part"}})
    assert uploads.piece(url, b"x" * UNIT, total=UNIT + 1).status == 503
    assert inner(uploads.piece(url, b"x" * UNIT, total=UNIT + 1))[2] == "fragmentOverlap"
    uploads.control.arm({"name": "answer_lost", "how": "500", "match": {"operation": "drive_upload_part"}})
    assert uploads.piece(url, b"y", UNIT).status == 500
    assert uploads.client.raw("GET", url).status == 404
    assert uploads.content("/a")[-1:] == b"y"


def test_a_session_can_be_late_or_lost(uploads: Uploads) -> None:
    url = uploads.open("a")
    uploads.control.arm({"name": "drive_session_late"})
    assert [uploads.piece(url, b"x", total=2 * UNIT).status, uploads.client.raw("GET", url).status] == [404, 200]
    uploads.control.arm({"name": "drive_session_lost", "mailbox": uploads.user})
    assert [uploads.piece(url, b"x").status, uploads.client.raw("GET", url).status] == [404, 404]
    assert uploads.control.upload_sessions() == []
    assert uploads.ask("a").status == 200
