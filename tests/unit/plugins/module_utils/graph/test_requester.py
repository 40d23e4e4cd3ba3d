# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One operation through limits, tokens, and trying again, against a scripted service."""

from __future__ import annotations

import base64
import json

import pytest
from unit.plugins.module_utils.graph.fakes import ANNA, EPOCH, READING, WRITING, Answer, Scene, refusal

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph import errors
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.links import graph_path, upload_address
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.retry import FaultKind

PATH = graph_path("users", "anna", "messages", "m")
OK = Answer(200, {"id": "m"})


def test_a_good_answer_is_given_back_after_one_request() -> None:
    scene = Scene(OK)
    assert scene.client.get_json(READING, PATH, params={"$select": "id"}, prefer=('IdType="ImmutableId"', "x=1")) == {"id": "m"}
    (request,) = scene.sender.requests
    assert (request.method, request.host, request.target) == ("GET", "graph.microsoft.com", PATH + "?$select=id")
    assert request.headers["Authorization"] == "Bearer token-1"
    assert request.headers["Prefer"] == 'IdType="ImmutableId", x=1'
    assert request.headers["Accept-Encoding"] == "gzip"
    assert request.headers["User-Agent"].startswith("ISV|tenantvault|")


def test_every_request_has_an_id_of_its_own() -> None:
    scene = Scene(refusal(500, "x"), OK)
    scene.client.get_json(READING, PATH)
    assert len({request.headers["client-request-id"] for request in scene.sender.requests}) == 2


def test_inv12_retry_after_is_obeyed_by_the_next_request_of_the_mailbox_too() -> None:
    scene = Scene(refusal(429, "ApplicationThrottled", Retry_After="17"), OK, OK)
    scene.client.get_json(READING, PATH)
    assert scene.waits == [17.0]
    traffic = scene.client.traffic()
    assert (traffic.throttled_answers, traffic.throttled_seconds, traffic.retries) == (1, 17.0, 1)
    assert traffic.requests == {"message": 2}


def test_retry_after_as_a_date_is_obeyed() -> None:
    dates = {"Date": "Mon, 23 Nov 2026 10:00:00 GMT", "Retry-After": "Mon, 23 Nov 2026 10:00:20 GMT"}
    scene = Scene(Answer(429, headers=dates), OK)
    scene.client.get_json(READING, PATH)
    assert scene.waits == [20.0]


def test_a_storm_of_every_passing_fault_is_survived() -> None:
    scene = Scene(
        refusal(429, "TooManyRequests", Retry_After="1.5"),
        refusal(503, "MailboxInfoStale"),
        FaultKind.BROKEN,
        Answer(200, b'{"value":[', cut=True),
        Answer(200, b'{"value":['),
        Answer(404),
        OK,
    )
    assert scene.client.get_json(READING, PATH) == {"id": "m"}
    assert scene.waits == [1.5, 1.0, 2.0, 1.0, 2.0, 1.0]


def test_an_operation_that_is_throttled_for_too_long_ends_with_a_clear_error() -> None:
    scene = Scene(*[refusal(429, "ApplicationThrottled", Retry_After="700") for _unused in range(4)])
    with pytest.raises(errors.Throttled, match="ApplicationThrottled"):
        scene.client.get_json(READING, PATH)
    assert sum(scene.waits) <= 1800


def test_a_service_that_stays_away_ends_with_its_last_words() -> None:
    scene = Scene(*[refusal(503, "MailboxInfoStale", "on backend 'Unknown'") for _unused in range(20)])
    with pytest.raises(errors.ServiceUnavailable, match=r"on backend 'Unknown' \(HTTP 503, MailboxInfoStale, request id req-1\)"):
        scene.client.get_json(READING, PATH)
    assert len(scene.sender.requests) == 7


def test_a_host_that_never_answered_is_given_up_sooner_than_one_that_did() -> None:
    unknown = Scene(*[FaultKind.UNREACHABLE] * 20)
    with pytest.raises(errors.NetworkUnreachable):
        unknown.client.get_json(READING, PATH)
    known = Scene(OK, *[FaultKind.UNREACHABLE] * 20)
    known.client.get_json(READING, PATH)
    with pytest.raises(errors.NetworkUnreachable):
        known.client.get_json(READING, PATH)
    assert len(unknown.sender.requests) < len(known.sender.requests) - 1


def test_an_expired_token_is_renewed_and_the_request_repeated_with_the_new_one() -> None:
    scene = Scene(refusal(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired."), OK)
    scene.client.get_json(READING, PATH)
    assert [request.headers["Authorization"] for request in scene.sender.requests] == ["Bearer token-1", "Bearer token-2"]
    assert scene.waits == [0.0]


def test_a_token_that_is_refused_again_is_an_error() -> None:
    scene = Scene(*[refusal(401, "InvalidAuthenticationToken")] * 3)
    with pytest.raises(errors.AuthenticationFailed):
        scene.client.get_json(READING, PATH)


def test_a_claims_challenge_is_handed_to_the_login() -> None:
    claims = json.dumps({"access_token": {"nbf": {"essential": True, "value": "1"}}})
    challenge = f'Bearer realm="", error="insufficient_claims", claims="{base64.urlsafe_b64encode(claims.encode()).decode().rstrip("=")}"'
    scene = Scene(Answer(401, headers={"WWW-Authenticate": challenge}), OK)
    scene.client.get_json(READING, PATH)
    assert scene.tokens.claims == [claims]


def test_a_creation_with_an_unknown_outcome_is_not_sent_twice() -> None:
    scene = Scene(FaultKind.BROKEN)
    with pytest.raises(errors.AmbiguousOutcome):
        scene.client.post_json(WRITING, PATH, {"subject": "x"})
    assert len(scene.sender.requests) == 1


def test_a_creation_that_was_throttled_is_sent_again() -> None:
    scene = Scene(refusal(429, "x", Retry_After="1"), Answer(201, {"id": "new"}))
    assert scene.client.post_json(WRITING, PATH, {"subject": "x"}) == {"id": "new"}
    assert [request.body for request in scene.sender.requests] == [b'{"subject":"x"}'] * 2


def test_half_of_a_surrogate_pair_in_a_subject_can_be_sent() -> None:
    scene = Scene(Answer(201, {"id": "new"}))
    scene.client.post_json(WRITING, PATH, {"subject": "\ud83d"})
    assert scene.sender.requests[0].body == b'{"subject":"\\ud83d"}'


def test_inv10_a_piece_for_a_preauthenticated_address_carries_no_token_and_its_error_no_address() -> None:
    scene = Scene(refusal(403, "ErrorAccessDenied", "https://outlook.office.com/api?authtoken=secret is over"))
    address = upload_address(scene.client.cloud, "https://outlook.office.com/api/v2.0/Users('u')?authtoken=secret")
    with pytest.raises(errors.AccessDenied) as caught:
        scene.client.put_piece(WRITING, address, b"piece", "bytes 0-4/5")
    (request,) = scene.sender.requests
    assert request.host == "outlook.office.com"
    assert not {name.lower() for name in request.headers} & {"authorization", "prefer"}
    assert "secret" not in f"{caught.value} {caught.value.facts} {request!r}"
    assert "api/v2.0" not in f"{caught.value} {caught.value.facts} {request!r}"


def test_inv10_a_refused_piece_does_not_make_us_log_in_again() -> None:
    scene = Scene(refusal(401, "x"))
    address = upload_address(scene.client.cloud, "https://outlook.office.com/x?authtoken=secret")
    with pytest.raises(errors.AuthenticationFailed):
        scene.client.put_piece(WRITING, address, b"piece", "bytes 0-4/5")
    assert scene.tokens.current == 1


@pytest.mark.parametrize("link", ["https://evil.example/v1.0/x", "http://graph.microsoft.com/v1.0/x"])
def test_inv10_nothing_is_sent_for_a_link_to_another_place(link: str) -> None:
    scene = Scene()
    with pytest.raises(errors.LinkRefused):
        scene.client.get_json(READING, link)
    assert scene.sender.requests == []


def test_a_redirect_is_not_followed() -> None:
    scene = Scene(Answer(302, headers={"Location": "https://evil.example/"}))
    with pytest.raises(errors.BadAnswer):
        scene.client.get_json(READING, PATH)
    assert len(scene.sender.requests) == 1


def test_patience_begins_with_the_first_attempt_and_not_in_the_line_before_it() -> None:
    scene = Scene(refusal(429, "x", Retry_After="1000"), OK)
    scene.limiter.block(ANNA, 5000)
    assert scene.client.get_json(READING, PATH) == {"id": "m"}


def test_a_cancelled_client_sends_nothing_more() -> None:
    scene = Scene(OK)
    scene.client.cancel()
    with pytest.raises(errors.Cancelled):
        scene.client.get_json(READING, PATH)
    assert scene.sender.requests == []


def test_control_characters_in_json_are_tolerated() -> None:
    scene = Scene(Answer(200, b'{"subject":"a\x01b"}'))
    assert scene.client.get_json(READING, PATH) == {"subject": "a\x01b"}


def test_an_answer_without_a_length_is_not_trusted_to_be_whole() -> None:
    whole = Answer(200, b"From: x")
    del whole.headers["Content-Length"]
    scene = Scene(*[whole] * 7)
    with pytest.raises(errors.BadAnswer, match="how long"):
        scene.client.read_body(READING, PATH + "/$value")


def test_a_body_that_is_cut_off_is_read_again_from_its_start() -> None:
    scene = Scene(Answer(200, b"From: x\r\n\r\nhal", cut=True), Answer(200, b"From: x\r\n\r\nhalf and half"))
    with scene.client.read_body(READING, PATH + "/$value") as body:
        assert body.bytes == b"From: x\r\n\r\nhalf and half"
    assert scene.sender.requests[0].headers["Accept-Encoding"] == "identity"


def test_a_place_is_given_back_after_every_kind_of_failure() -> None:
    scene = Scene(refusal(403, "x"), FaultKind.MISCONFIGURED, Answer(409), OK)
    for _unused in range(3):
        with pytest.raises(errors.GraphError):
            scene.client.get_json(READING, PATH)
    scene.client.get_json(READING, PATH)
    assert scene.limiter._gates[ANNA]._in_flight == 0


def test_the_time_of_a_retry_after_date_without_a_server_date_is_our_own() -> None:
    scene = Scene(Answer(429, headers={"Retry-After": _http_date(EPOCH + 1000.0 + 30)}), OK)
    scene.client.get_json(READING, PATH)
    assert scene.waits == [30.0]


def _http_date(timestamp: float) -> str:
    import email.utils

    return email.utils.formatdate(timestamp, usegmt=True)


def test_inv12_a_pause_beyond_our_patience_fails_one_request_and_keeps_the_others_away() -> None:
    scene = Scene(refusal(429, "TooManyRequests", Retry_After="3600"), OK)
    with pytest.raises(errors.Throttled):
        scene.client.get_json(READING, PATH)
    scene.client.get_json(READING, PATH)
    assert scene.waits == [1800.0]
