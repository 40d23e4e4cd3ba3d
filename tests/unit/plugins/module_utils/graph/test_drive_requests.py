# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests to OneDrive: one account for all of them, streams without a token, and a service that is out of order."""

from __future__ import annotations

import pytest
from unit.plugins.module_utils.graph.fakes import ANNA, READING, Answer, Scene, refusal

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph import drive_errors, errors
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limits import Budget, Budgets, LimitScope
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.links import download_address, graph_path, session_address
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.refusals import Call
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.resource_units import CHANGE, MANY_ITEMS, ONE_ITEM, SHARING
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.retry import FaultKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.traffic import RequestKind

DRIVES = LimitScope.drives()
FILE = Call(scope=DRIVES, kind=RequestKind.FILE, doing="Reading file 'a.txt' of user anna", permission="Files.Read.All", units=ONE_ITEM)
LISTING = Call(scope=DRIVES, kind=RequestKind.DRIVE, doing="Listing a folder", permission="Files.Read.All", units=MANY_ITEMS)
UPLOAD = Call(scope=DRIVES, kind=RequestKind.WRITE, doing="Writing file 'a.txt'", permission="Files.ReadWrite.All", units=CHANGE)
PATH = graph_path("drives", "b!1", "items", "01A")
LINK = "https://contoso-my.sharepoint.com/personal/anna/_layouts/15/download.aspx?UniqueId=1&tempauth=secret"
SESSION = "https://contoso-my.sharepoint.com/personal/anna/_api/v2.0/drives/b!1/items/01A/uploadSession?guid=1&tempauth=secret"
OK = Answer(200, {"id": "01A"})


def read(scene: Scene, **options: object) -> bytes:
    address = download_address(scene.client.cloud, LINK)
    with scene.client.open_unsigned(FILE, address, **options) as stream:  # type: ignore[arg-type]
        return b"".join(stream.pieces(4))


def test_inv10_a_file_is_read_without_a_token_from_its_own_host() -> None:
    scene = Scene(Answer(206, b"content", headers={"Content-Range": "bytes 3-9/10"}))
    address = download_address(scene.client.cloud, LINK)
    with scene.client.open_unsigned(FILE, address, headers={"Range": "bytes=3-9"}) as stream:
        assert (stream.status, stream.headers["Content-Range"]) == (206, "bytes 3-9/10")
        assert b"".join(stream.pieces(4)) == b"content"
    (request,) = scene.sender.requests
    assert request.host == "contoso-my.sharepoint.com"
    assert "Authorization" not in request.headers
    assert (request.headers["Range"], request.headers["Accept"]) == ("bytes=3-9", "*/*")
    assert request.headers["User-Agent"].startswith("ISV|tenantvault|")
    assert "secret" not in repr(request)
    assert scene.client.traffic().received_bytes == 7
    assert scene.client.traffic().requests == {"file": 1}


def test_a_stream_is_opened_again_until_it_begins_well() -> None:
    scene = Scene(refusal(503, "serviceNotAvailable"), FaultKind.BROKEN, Answer(200, b"content"))
    assert read(scene) == b"content"
    assert scene.client.traffic().retries == 2


def test_a_stream_that_breaks_gives_what_came_and_says_so_without_its_address() -> None:
    scene = Scene(Answer(200, b"content", cut=True))
    pieces: list[bytes] = []
    with (
        pytest.raises(errors.StreamBroken) as caught,
        scene.client.open_unsigned(FILE, download_address(scene.client.cloud, LINK)) as stream,
    ):
        pieces.extend(stream.pieces(4))
    assert b"".join(pieces) == b"content"
    assert "Reading file 'a.txt' of user anna failed" in str(caught.value)
    assert "secret" not in f"{caught.value} {caught.value.facts}"


def test_the_place_of_a_stream_is_given_back_whatever_happens_to_it() -> None:
    scene = Scene(Answer(200, b"content", cut=True), Answer(200, b"x"), OK, budgets=Budgets(drives=Budget(concurrency=1)))
    with pytest.raises(errors.StreamBroken):
        read(scene)
    with pytest.raises(RuntimeError), scene.client.open_unsigned(FILE, download_address(scene.client.cloud, LINK)):
        raise RuntimeError
    assert scene.client.get_json(FILE, PATH) == {"id": "01A"}


def test_a_cancelled_client_ends_a_stream_between_two_pieces() -> None:
    scene = Scene(Answer(200, b"content"))
    with scene.client.open_unsigned(FILE, download_address(scene.client.cloud, LINK)) as stream:
        pieces = stream.pieces(2)
        assert next(pieces) == b"co"
        scene.client.cancel()
        with pytest.raises(errors.Cancelled):
            next(pieces)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_an_address_that_has_expired_is_told_from_a_file_that_is_gone(status: int) -> None:
    scene = Scene(Answer(status, b"<html>gone</html>"))
    with pytest.raises(drive_errors.AddressExpired) as caught:
        read(scene)
    assert len(scene.sender.requests) == 1
    assert scene.tokens.current == 1
    assert "secret" not in f"{caught.value} {caught.value.facts}"


def test_an_answer_of_sharepoint_itself_is_named_by_its_own_request_id() -> None:
    answer = Answer(416, b"", headers={"SPRequestGuid": "sp-1"})
    del answer.headers["request-id"]
    with pytest.raises(drive_errors.RangeRefused) as caught:
        read(Scene(answer))
    assert caught.value.request_id == "sp-1"


def test_inv10_an_upload_session_is_asked_filled_and_given_up_without_a_token() -> None:
    scene = Scene(Answer(200, {"nextExpectedRanges": ["0-"]}), Answer(202, {"nextExpectedRanges": ["5-"]}), Answer(204))
    address = session_address(scene.client.cloud, SESSION)
    assert scene.client.get_unsigned_json(FILE, address) == {"nextExpectedRanges": ["0-"]}
    assert scene.client.put_piece(UPLOAD, address, b"piece", "bytes 0-4/9") == {"nextExpectedRanges": ["5-"]}
    scene.client.delete_unsigned(UPLOAD, address)
    assert [request.method for request in scene.sender.requests] == ["GET", "PUT", "DELETE"]
    assert all("Authorization" not in request.headers for request in scene.sender.requests)


@pytest.mark.parametrize("status", [401, 404, 410])
def test_an_upload_session_that_is_gone_is_not_found(status: int) -> None:
    scene = Scene(refusal(status, "itemNotFound", "The upload session was not found"))
    with pytest.raises(errors.NotFound):
        scene.client.put_piece(UPLOAD, session_address(scene.client.cloud, SESSION), b"piece", "bytes 0-4/9")


def test_a_small_file_is_put_with_a_token_and_its_item_is_told() -> None:
    scene = Scene(Answer(201, {"id": "01B"}))
    assert scene.client.put_content(UPLOAD, PATH, b"") == {"id": "01B"}
    (request,) = scene.sender.requests
    assert (request.method, request.body) == ("PUT", b"")
    assert request.headers["Authorization"] == "Bearer token-1"
    assert request.headers["Content-Type"] == "application/octet-stream"


def test_inv12_each_attempt_costs_its_units_also_one_that_is_refused() -> None:
    scene = Scene(refusal(500, "generalException"), OK, OK, budgets=Budgets(drives=Budget(requests=5, window=60.0)))
    scene.client.get_json(LISTING, PATH)
    scene.client.get_json(FILE, PATH)
    start = scene.clock.seconds
    scene.sender._script = iter([OK])
    scene.client.get_json(FILE, PATH)
    assert scene.clock.seconds - start > 50.0


def test_inv12_who_is_throttled_at_one_drive_waits_at_all_of_them_but_mailboxes_go_on() -> None:
    scene = Scene(refusal(429, "activityLimitReached", Retry_After="2.128"), OK, OK, OK)
    scene.client.get_json(FILE, PATH)
    scene.limiter.block(FILE.scope, 30.0)
    scene.client.get_json(READING, PATH)
    scene.client.get_json(LISTING, graph_path("drives", "b!2", "root"))
    assert scene.waits == [pytest.approx(2.128), 0.0, pytest.approx(30.0)]


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "3", "RateLimit-Remaining": "0", "RateLimit-Reset": "31"}, 31.0),
        ({"Retry-After": "31", "RateLimit-Remaining": "0", "RateLimit-Reset": "3"}, 31.0),
        ({"RateLimit-Limit": "1250", "RateLimit-Remaining": "0", "RateLimit-Reset": "12"}, 12.0),
        ({"Retry-After": "7", "RateLimit-Remaining": "many", "RateLimit-Reset": "soon"}, 7.0),
    ],
)
def test_inv12_of_two_times_to_wait_the_longer_one_is_meant(headers: dict[str, str], wait: float) -> None:
    scene = Scene(Answer(429, {"error": {"code": "activityLimitReached"}}, headers=headers), OK)
    scene.client.get_json(FILE, PATH)
    assert scene.waits == [pytest.approx(wait)]


def test_inv12_what_a_good_answer_says_is_left_is_not_exceeded() -> None:
    spare = {"RateLimit-Limit": "1250", "RateLimit-Remaining": "3", "RateLimit-Reset": "40"}
    scene = Scene(Answer(200, {}, headers=spare), OK, OK, OK)
    for _unused in range(2):
        scene.client.get_json(FILE, PATH)
    scene.client.get_json(LISTING, PATH)
    assert scene.waits == [0.0, 0.0]
    scene.client.get_json(FILE, PATH)
    assert sum(scene.waits) == pytest.approx(40.0)


def test_inv12_of_what_is_left_each_host_takes_its_share() -> None:
    spare = {"RateLimit-Remaining": "8", "RateLimit-Reset": "40"}
    scene = Scene(Answer(200, {}, headers=spare), OK, OK, OK, budgets=Budgets.of_tenant(1_000, 4))
    for _unused in range(4):
        scene.client.get_json(FILE, PATH)
    assert scene.waits == [0.0, 0.0, pytest.approx(40.0)]


def test_what_a_mailbox_says_in_such_headers_means_nothing() -> None:
    spare = {"RateLimit-Remaining": "0", "RateLimit-Reset": "40"}
    scene = Scene(Answer(200, {}, headers=spare), OK)
    for _unused in range(2):
        scene.client.get_json(READING, PATH)
    assert scene.waits == [0.0]


def test_sharing_has_a_budget_of_its_own_for_changes_only() -> None:
    scene = Scene(OK, OK, OK, OK, budgets=Budgets(drives=Budget(requests=None, sharings=2, sharing_window=300.0)))
    sharing = Call(scope=DRIVES, kind=RequestKind.SHARING, doing="Sharing", units=SHARING)
    scene.client.get_json(sharing, PATH)
    for _unused in range(3):
        scene.client.post_json(sharing, PATH, {})
    assert scene.waits[:2] == [0.0, 0.0]
    assert scene.waits[2] >= 300.0


def test_bytes_that_have_come_count_into_the_budget_of_an_hour() -> None:
    budgets = Budgets(drives=Budget(requests=None, download_bytes=10, download_window=3600.0))
    scene = Scene(Answer(200, b"x" * 12), Answer(200, b"y"), budgets=budgets)
    read(scene)
    read(scene)
    assert scene.waits[0] >= 3600.0


def blocked(times: int, **headers: str) -> list[Answer]:
    return [Answer(503, b"<html>busy</html>", headers={name.replace("_", "-"): value for name, value in headers.items()})] * times


def test_when_nothing_has_worked_for_long_each_operation_asks_once() -> None:
    scene = Scene(*blocked(200))
    asked = []
    for _unused in range(12):
        before = len(scene.sender.requests)
        with pytest.raises(errors.ServiceUnavailable) as caught:
            scene.client.get_json(FILE, PATH)
        asked.append(len(scene.sender.requests) - before)
    assert asked == [7] * 8 + [1] * 4
    assert "message center" in str(caught.value)


def test_a_sign_of_life_gives_the_patience_back() -> None:
    scene = Scene(*blocked(57), refusal(404, "itemNotFound"), *blocked(20))
    for _unused in range(9):
        with pytest.raises(errors.ServiceUnavailable):
            scene.client.get_json(FILE, PATH)
    with pytest.raises(errors.NotFound):
        scene.client.get_json(FILE, PATH)
    before = len(scene.sender.requests)
    with pytest.raises(errors.ServiceUnavailable):
        scene.client.get_json(FILE, PATH)
    assert len(scene.sender.requests) - before == 7


def test_during_an_outage_nobody_waits_for_the_end_of_a_long_pause() -> None:
    scene = Scene(*blocked(200, Retry_After="120"))
    for _unused in range(9):
        with pytest.raises(errors.ServiceUnavailable):
            scene.client.get_json(FILE, PATH)
    before, now = len(scene.sender.requests), scene.clock.seconds
    with pytest.raises(errors.ServiceUnavailable, match="was not tried"):
        scene.client.get_json(FILE, PATH)
    assert (len(scene.sender.requests), scene.clock.seconds) == (before, now)


def test_a_mailbox_that_fails_for_long_is_asked_with_patience_as_before() -> None:
    scene = Scene(*blocked(200))
    for _unused in range(10):
        before = len(scene.sender.requests)
        with pytest.raises(errors.ServiceUnavailable):
            scene.client.get_json(READING, PATH)
    assert READING.scope == ANNA
    assert len(scene.sender.requests) - before == 7
