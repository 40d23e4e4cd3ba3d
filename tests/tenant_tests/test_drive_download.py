# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bytes of files: redirects, pre-authenticated addresses, ranges, and how they fail (facts A5, H 32-41)."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import threading
import time
from pathlib import Path

import pytest
import urllib3
from tenant_tests.drive_support import URL, TestDrive

from tenant.drive_hash import quick_xor

TEXT = bytes(range(256)) * 40


def test_h32_content_is_a_redirect_to_an_address_that_wants_no_token(drive: TestDrive) -> None:
    drive.put("/a b#c.txt", TEXT)
    reply = drive.client.get(f"/drives/{drive.id}/root:/a%20b%23c.txt:/content")
    address = reply.headers["Location"]
    assert (reply.status, reply.body) == (302, b"")
    assert address.startswith("https://contoso-my.sharepoint.com/personal/adele_vance_contoso_com/_layouts/15/download.aspx?UniqueId=")
    token = address.partition("tempauth=v1.")[2].split(".")[0]
    expires = json.loads(base64.urlsafe_b64decode(token + "=="))["exp"]
    assert 3500 < int(expires) - time.time() <= 3600
    assert (drive.client.call("GET", address).status, drive.client.raw("GET", address).body) == (401, TEXT)
    drive.control.settings(drive_refuses_token=False)
    assert drive.client.call("GET", address).body == TEXT
    drive.control.settings(drive_content_direct=True)
    assert drive.client.get(f"/drives/{drive.id}/root:/a%20b%23c.txt:/content").body == TEXT
    beta = f"https://graph.microsoft.com/beta/drives/{drive.id}/root:/a%20b%23c.txt:/contentStream"
    part = drive.client.get(beta, Range="bytes=5-6")
    assert (part.status, part.body) == (206, TEXT[5:7])


def test_h32_who_has_the_bytes_already_is_told_so(drive: TestDrive) -> None:
    drive.put("/a.txt")
    etag = drive.item("/a.txt")["eTag"]
    assert drive.client.get(f"/drives/{drive.id}/root:/a.txt:/content", If_None_Match=etag).status == 304
    drive.put("/a.txt", b"other")
    assert drive.client.get(f"/drives/{drive.id}/root:/a.txt:/content", If_None_Match=etag).status == 302


@pytest.mark.parametrize(
    ("status", "body", "said"), [(401, "empty", b""), (401, "html", b"<html>"), (403, "json", b'{"error"'), (404, "empty", b"")]
)
def test_h33_an_address_expires_and_the_item_gives_a_fresh_one(drive: TestDrive, status: int, body: str, said: bytes) -> None:
    drive.put("/a.txt", TEXT)
    address = drive.address("/a.txt")
    drive.control.settings(expired_url_status=status, expired_url_body=body)
    drive.control.expire_download_urls()
    reply = drive.client.raw("GET", address)
    assert (reply.status, reply.body[: len(said) or 1]) == (status, said)
    assert drive.download("/a.txt").body == TEXT
    drive.control.settings(download_url_seconds=0.0)
    assert drive.download("/a.txt").status == status
    drive.control.settings(download_url_seconds=60.0)
    drive.control.arm({"name": "drive_url_expired", "mailbox": drive.user, "status": 403, "body": "html"})
    assert [drive.download("/a.txt").status for _try in range(2)] == [403, 200]
    assert drive.client.raw("GET", address[:-60] + "x" + address[-59:]).status == status


def test_h33_a_transfer_goes_on_when_its_address_expires(drive: TestDrive) -> None:
    drive.control.put_file(drive.user, "/large.bin", seed=1, size=40 << 20)
    reply = drive.client.pool.request("GET", drive.address("/large.bin"), preload_content=False)
    state = hashlib.sha256(reply.read(1 << 20))
    drive.control.expire_download_urls()
    for piece in reply.stream(1 << 20):
        state.update(piece)
    assert state.hexdigest() == drive.control.file(drive.user, "/large.bin")["sha256"]


@pytest.mark.parametrize(
    ("wanted", "part"),
    [("bytes=0-0", (0, 1)), ("bytes=100-", (100, 10240)), ("bytes=-7", (10233, 10240)), ("bytes=10000-99999", (10000, 10240))],
)
def test_h34_ranges_are_served(drive: TestDrive, wanted: str, part: tuple[int, int]) -> None:
    drive.put("/a.bin", TEXT)
    reply = drive.download("/a.bin", Range=wanted)
    assert (reply.status, reply.body, reply.headers["Content-Range"]) == (206, TEXT[slice(*part)], f"bytes {part[0]}-{part[1] - 1}/10240")
    assert reply.headers["Content-Length"] == str(part[1] - part[0])


def test_h34_ranges_beyond_the_end_and_ranges_that_are_ignored(drive: TestDrive) -> None:
    drive.put("/a.bin", TEXT)
    reply = drive.download("/a.bin", Range="bytes=10240-")
    assert (reply.status, reply.headers["Content-Range"]) == (416, "bytes */10240")
    drive.control.arm({"name": "drive_range_ignored", "mailbox": drive.user})
    assert [len(drive.download("/a.bin", Range="bytes=5-6").body) for _try in range(2)] == [10240, 2]
    drive.put("/none.bin", b"")
    assert [drive.download("/none.bin").body, drive.download("/none.bin", Range="bytes=0-").status] == [b"", 416]


def test_h34_metadata_can_state_another_size_than_there_is(drive: TestDrive) -> None:
    drive.put("/photo.heic", TEXT)
    for stated in (10_000, 11_000):
        drive.control.set_item(drive.user, "/photo.heic", stated_size=stated)
        assert drive.item("/photo.heic")["size"] == drive.round()[0][-1]["size"] == stated
        assert len(drive.download("/photo.heic").body) == 10240


def take(reply: urllib3.BaseHTTPResponse, got: bytearray) -> None:
    for piece in reply.stream(1 << 16):
        got += piece


def highest_memory(drive: TestDrive) -> int:
    """What the tenant's process has ever held, in KiB."""
    lines = Path(f"/proc/{drive.client.tenant.pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


@pytest.mark.parametrize("how", ["end", "reset"])
def test_h35_a_transfer_breaks_off_and_the_rest_can_be_had(drive: TestDrive, how: str) -> None:
    drive.control.put_file(drive.user, "/large.bin", seed=1, size=30 << 20)
    address = drive.address("/large.bin")
    cut = {"name": "cut_body", "mailbox": drive.user, "at": 20 << 20, "how": how, "match": {"operation": "drive_download"}}
    drive.control.arm(cut)
    reply = drive.client.pool.request("GET", address, preload_content=False)
    got = bytearray()
    with pytest.raises((urllib3.exceptions.HTTPError, http.client.HTTPException, OSError)):
        take(reply, got)
    assert 0 < len(got) <= 20 << 20
    got += drive.client.raw("GET", address, headers={"Range": f"bytes={len(got)}-"}).body
    assert hashlib.sha256(got).hexdigest() == drive.control.file(drive.user, "/large.bin")["sha256"]


def test_h35_a_transfer_can_trickle_and_nobody_else_waits(drive: TestDrive) -> None:
    drive.put("/a.bin", TEXT)
    drive.control.arm({"name": "drive_trickle", "mailbox": drive.user, "chunk": 1024, "seconds": 0.1})
    got: list[bytes] = []
    worker = threading.Thread(target=lambda: got.append(drive.download("/a.bin").body))
    worker.start()
    time.sleep(0.2)
    started = time.monotonic()
    assert drive.client.get(f"/drives/{drive.id}").status == 200
    assert (worker.is_alive(), time.monotonic() - started < 0.5) == (True, True)
    worker.join()
    assert got == [TEXT]


def test_h35_answers_without_a_length_and_pages_for_people(drive: TestDrive) -> None:
    drive.put("/a.bin", TEXT)
    drive.control.arm({"name": "drive_no_length", "mailbox": drive.user})
    reply = drive.download("/a.bin")
    assert ("Content-Length" in reply.headers, reply.body) == (False, TEXT)
    drive.control.arm({"name": "drive_html_body", "mailbox": drive.user})
    reply = drive.download("/a.bin")
    assert (reply.status, reply.headers["Content-Type"], reply.body[:6]) == (200, "text/html; charset=utf-8", b"<html>")


def test_h36_hashes_are_wrong_missing_or_zero_as_said(drive: TestDrive) -> None:
    drive.put("/a.docx", TEXT)
    assert drive.item("/a.docx")["file"]["hashes"] == {"quickXorHash": quick_xor(TEXT)}
    drive.control.set_item(drive.user, "/a.docx", stated_hash="none")
    assert "hashes" not in drive.item("/a.docx")["file"]
    drive.control.set_item(drive.user, "/a.docx", stated_hash="zero", stated_size=17133)
    told = drive.item("/a.docx")
    assert (told["file"]["hashes"]["quickXorHash"], told["size"]) == ("AAAAAAAAAAAAAAAAAAAAAAAAAAA=", 17133)
    assert drive.download("/a.docx").body == TEXT
    drive.put("/a.docx", b"")
    told = drive.item("/a.docx")
    assert (told["size"], told["file"]["hashes"]["quickXorHash"]) == (0, quick_xor(b""))


def test_h38_what_holds_malware_is_refused_or_marked(drive: TestDrive) -> None:
    drive.put("/bad.exe", TEXT)
    drive.control.set_item(drive.user, "/bad.exe", malware="refuse")
    assert drive.item("/bad.exe")["malware"]["description"]
    path = f"/drives/{drive.id}/root:/bad.exe:/content"
    reply = drive.client.get(path)
    assert (reply.status, reply.code, reply.error["innerError"]["code"]) == (403, "malwareDetected", "virusSuspicious")
    assert drive.download("/bad.exe").status == 403
    assert drive.client.raw("GET", drive.client.get(path + "?AVOverride=1").headers["Location"]).body == TEXT
    drive.control.set_item(drive.user, "/bad.exe", malware="header")
    reply = drive.download("/bad.exe")
    assert (reply.status, reply.headers["X-Virus-Infected"], reply.body) == (200, "true", TEXT)
    drive.control.set_item(drive.user, "/bad.exe", malware=None)
    assert "malware" not in drive.item("/bad.exe")


def test_h40_a_file_can_vanish_between_delta_and_download(drive: TestDrive) -> None:
    drive.put("/a.txt")
    address, item = drive.address("/a.txt"), drive.item("/a.txt")["id"]
    drive.control.delete_item(drive.user, "/a.txt")
    for reply in (
        drive.client.get(f"/drives/{drive.id}/items/{item}"),
        drive.client.get(f"/drives/{drive.id}/items/{item}/content"),
        drive.client.raw("GET", address),
    ):
        assert (reply.status, reply.code, reply.error["message"]) == (404, "itemNotFound", "Item not found")
    drive.put("/b.txt")
    drive.put("/c.txt")
    drive.control.arm({"name": "drive_item_vanishes", "mailbox": drive.user, "match": {"item": "/b.txt"}})
    assert [drive.download("/c.txt").status, drive.download("/b.txt").status] == [200, 404]
    assert [line["path"] for line in drive.control.drive_listing(drive.user)] == ["/c.txt"]


def test_h41_a_file_that_changes_between_two_parts_is_noticed_by_its_tag(drive: TestDrive) -> None:
    drive.put("/a.bin", TEXT)
    address = drive.address("/a.bin")
    drive.control.arm({"name": "drive_content_changes", "mailbox": drive.user, "size": 9000})
    first = drive.client.raw("GET", address, headers={"Range": "bytes=0-99"})
    second = drive.client.raw("GET", address, headers={"Range": "bytes=100-"})
    assert (first.body, first.headers["ETag"] == second.headers["ETag"], len(second.body)) == (TEXT[:100], False, 8900)
    tag = first.headers["ETag"]
    assert drive.client.raw("GET", address, headers={"Range": "bytes=100-", "If-Match": tag}).status == 412
    whole = drive.client.raw("GET", address, headers={"Range": "bytes=100-", "If-Range": tag})
    assert (whole.status, len(whole.body)) == (200, 9000)
    assert drive.client.raw("GET", address, headers={"If-None-Match": second.headers["ETag"]}).status == 304


def test_a_file_of_two_gigabytes_is_served_in_little_memory(drive: TestDrive) -> None:
    drive.control.put_file(drive.user, "/huge.bin", seed=4, size=2 << 30)
    drive.control.edit_file(drive.user, "/huge.bin", 1 << 30, b"inserted", remove=3)
    told = drive.item("/huge.bin")
    assert told["size"] == (2 << 30) + 5
    part = drive.client.raw("GET", told[URL], headers={"Range": f"bytes={(1 << 30) - 2}-{(1 << 30) + 9}"})
    assert part.body[2:10] == b"inserted"
    before = highest_memory(drive)
    reply = drive.client.pool.request("GET", told[URL], preload_content=False)
    assert reply.headers["Content-Length"] == str(told["size"])
    for _mebibyte in range(500):
        assert len(reply.read(1 << 20)) == 1 << 20
    reply.close()
    assert highest_memory(drive) - before < 50 * 1024


def test_a_client_that_goes_away_costs_no_more_than_what_was_on_its_way(drive: TestDrive) -> None:
    drive.control.put_file(drive.user, "/large.bin", seed=4, size=2 << 30)
    reply = drive.client.pool.request("GET", drive.address("/large.bin"), preload_content=False)
    reply.read(1 << 20)
    reply.close()
    while not (sent := [one["bytes"] for one in drive.control.requests() if one["operation"] == "drive_download"]):
        time.sleep(0.05)
    assert sent[0] < 2 << 30
