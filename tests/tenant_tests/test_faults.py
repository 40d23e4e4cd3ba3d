# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault that can be armed does what its name says."""

from __future__ import annotations

import email.utils
import json
import pathlib
import time
import typing as t

import pytest
import urllib3
from tenant_tests.support import IMMUTABLE, LOGIN, Client

import tenant as package
from tenant.control import TenantControlError
from tenant.fault_effects import EFFECTS

if t.TYPE_CHECKING:
    from tenant.control import ControlClient
    from tenant.harness import RunningTenant

MIME = b"Subject: one\r\n\r\nbody\r\n"


@pytest.fixture
def delta(control: ControlClient, adele: str) -> str:
    control.deliver_generated(adele, 6)
    return f"/users/{adele}/mailFolders/inbox/messages/delta"


@pytest.fixture
def value(control: ControlClient, adele: str) -> str:
    return f"/users/{adele}/messages/{control.deliver(adele, 'inbox', MIME * 5000)}/$value"


def test_the_readme_lists_every_fault() -> None:
    readme = (pathlib.Path(str(package.__path__[0])) / "README.md").read_text(encoding="utf-8")
    assert [name for name in EFFECTS if f"`{name}`" not in readme] == []


def test_an_unknown_fault_is_refused_with_the_list(control: ControlClient) -> None:
    with pytest.raises(TenantControlError, match="cursor_lost"):
        control.arm({"name": "nonsense"})
    with pytest.raises(TenantControlError, match="cannot match on colour"):
        control.arm({"name": "reset", "match": {"colour": "red"}})


def test_a_fault_strikes_as_often_as_told_and_reports_its_hits(client: Client, control: ControlClient, delta: str) -> None:
    fault = control.arm({"name": "unavailable", "times": 2, "after": 1})
    assert [client.get(delta).status for _number in range(5)] == [200, 503, 503, 200, 200]
    assert control.armed() == [{"id": fault, "name": "unavailable", "mailbox": None, "left": 0, "hits": 2}]
    control.disarm()
    assert control.armed() == []


def test_a_fault_of_one_mailbox_leaves_the_others_alone(client: Client, control: ControlClient, adele: str) -> None:
    control.add_user("bruno@contoso.com")
    control.arm({"name": "mailbox_failure", "mailbox": adele, "times": None})
    reply = client.get(f"/users/{adele}/mailFolders")
    assert (reply.status, reply.code) == (403, "ErrorAccessDenied")
    assert client.get("/users/bruno@contoso.com/mailFolders").status == 200
    assert control.requests()[0]["fault"] == "mailbox_failure"


@pytest.mark.parametrize(
    ("spec", "status", "code"),
    [
        ({"name": "unavailable"}, 503, "ServiceUnavailable"),
        ({"name": "mailbox_stale"}, 503, "MailboxInfoStale"),
        ({"name": "gateway_timeout"}, 504, "UnknownError"),
        ({"name": "throttled"}, 429, "ApplicationThrottled"),
        ({"name": "token_expired"}, 401, "InvalidAuthenticationToken"),
        ({"name": "claims_challenge"}, 401, "InvalidAuthenticationToken"),
        ({"name": "cursor_lost", "match": {"phase": "initial"}}, 410, "SyncStateNotFound"),
        ({"name": "cursor_lost", "match": {"phase": "initial"}, "code": "resyncRequired"}, 410, "resyncRequired"),
        ({"name": "delta_not_supported"}, 400, "BadRequest"),
        ({"name": "delta_quota_exceeded"}, 403, "ErrorQuotaExceeded"),
        ({"name": "folder_gone", "code": "ErrorSyncFolderNotFound"}, 404, "ErrorSyncFolderNotFound"),
        ({"name": "status", "status": 500, "code": "ErrorInternalServerError", "message": "x"}, 500, "ErrorInternalServerError"),
    ],
)
def test_a_request_can_fail_with(
    client: Client, control: ControlClient, delta: str, spec: dict[str, t.Any], status: int, code: str
) -> None:
    control.arm(spec)
    reply = client.get(delta)
    assert (reply.status, reply.code) == (status, code)
    assert client.get(delta).status == 200


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("corrupt_item", 500, "ErrorCorruptData"),
        ("invalid_recipients", 400, "ErrorInvalidRecipients"),
        ("item_not_found", 404, "ErrorItemNotFound"),
    ],
)
def test_one_message_can_fail_for_good(client: Client, control: ControlClient, adele: str, name: str, status: int, code: str) -> None:
    bad, good = control.deliver_generated(adele, 2)
    control.arm({"name": name, "mailbox": adele, "times": None, "match": {"message": bad}})
    for _attempt in range(3):
        reply = client.get(f"/users/{adele}/messages/{bad}/$value")
        assert (reply.status, reply.code) == (status, code)
    assert client.get(f"/users/{adele}/messages/{good}/$value").status == 200


@pytest.mark.parametrize("name", ["attachment_unreadable", "too_many_attachments"])
def test_attachments_can_be_unreadable(client: Client, control: ControlClient, adele: str, name: str) -> None:
    (message,) = control.deliver_generated(adele, 1)
    control.arm({"name": name})
    assert client.get(f"/users/{adele}/messages/{message}/attachments").status == 500


def test_a_404_may_come_without_body(client: Client, control: ControlClient, value: str) -> None:
    control.arm({"name": "not_found_empty"})
    reply = client.get(value)
    assert (reply.status, reply.body) == (404, b"")
    assert client.get(value).status == 200


def test_a_lost_cursor_may_come_as_a_bare_location(client: Client, control: ControlClient, delta: str) -> None:
    _entries, link = client.round(delta)
    control.arm({"name": "cursor_lost", "variant": "location"})
    reply = client.get(link)
    assert (reply.status, reply.body) == (410, b"")
    assert reply.headers["Location"].endswith("/messages/delta?$deltatoken=")
    assert client.get(link).status == 200


def test_a_cursor_can_be_lost_in_the_middle_of_a_round(client: Client, control: ControlClient, delta: str) -> None:
    control.arm({"name": "cursor_lost", "match": {"phase": "next"}})
    page = client.page(delta, prefer="odata.maxpagesize=2")
    assert client.get(page["@odata.nextLink"]).status == 410


@pytest.mark.parametrize(("given", "shown"), [(3, "3"), (2.128, "2.128"), (None, None)])
def test_retry_after_comes_whole_broken_or_not_at_all(
    client: Client, control: ControlClient, delta: str, given: t.Any, shown: t.Any
) -> None:
    control.arm({"name": "throttled", "retry_after": given})
    assert client.get(delta).headers.get("Retry-After") == shown


def test_retry_after_may_be_a_date(client: Client, control: ControlClient, delta: str) -> None:
    control.arm({"name": "throttled", "retry_after": "date:5"})
    moment = email.utils.parsedate_to_datetime(client.get(delta).headers["Retry-After"])
    assert 3 < moment.timestamp() - time.time() <= 6


@pytest.mark.parametrize(("body", "start"), [("empty", b""), ("html", b"<html>")])
def test_a_503_may_be_empty_or_html(client: Client, control: ControlClient, delta: str, body: str, start: bytes) -> None:
    control.arm({"name": "unavailable", "body": body, "retry_after": 1})
    reply = client.get(delta)
    assert reply.body[:6] == start
    assert reply.headers["Retry-After"] == "1"


def test_the_code_of_an_error_may_lie_deep_inside(client: Client, control: ControlClient, delta: str) -> None:
    control.arm({"name": "status", "status": 400, "code": "resyncRequired", "body": "nested"})
    reply = client.get(delta)
    assert (reply.status, reply.code) == (400, "")
    assert reply.error["innererror"]["innererror"]["code"] == "resyncRequired"


def test_a_connection_can_be_reset_before_the_answer(client: Client, control: ControlClient, delta: str) -> None:
    control.arm({"name": "reset"})
    with pytest.raises(urllib3.exceptions.ProtocolError):
        client.get(delta)
    assert client.get(delta).status == 200


@pytest.mark.parametrize("how", ["end", "reset"])
@pytest.mark.parametrize("at", [0.5, 20_000])
def test_a_body_can_break_off(client: Client, control: ControlClient, value: str, how: str, at: float) -> None:
    control.arm({"name": "cut_body", "how": how, "at": at})
    with pytest.raises((urllib3.exceptions.ProtocolError, urllib3.exceptions.IncompleteRead)):
        client.get(value)
    assert client.get(value).body == MIME * 5000


def test_a_json_page_can_break_off_in_transport_too(client: Client, control: ControlClient, delta: str) -> None:
    control.arm({"name": "cut_body", "match": {"operation": "messages_delta"}})
    with pytest.raises((urllib3.exceptions.ProtocolError, urllib3.exceptions.IncompleteRead)):
        client.get(delta)


def test_a_200_can_stop_right_after_value(client: Client, control: ControlClient, delta: str) -> None:
    control.arm({"name": "truncated_json"})
    reply = client.get(delta)
    assert reply.status == 200
    assert reply.body.endswith(b'"value":[')
    assert client.page(delta)["value"]


def test_a_poisoned_message_spoils_every_page_that_lists_it(client: Client, control: ControlClient, adele: str) -> None:
    ids = control.deliver_generated(adele, 6)
    control.arm({"name": "truncated_json", "mailbox": adele, "times": None, "match": {"message": ids[4]}})
    page = client.page(f"/users/{adele}/mailFolders/inbox/messages/delta", prefer=f"{IMMUTABLE}, odata.maxpagesize=4")
    with pytest.raises(ValueError, match="Expecting value"):
        client.page(page["@odata.nextLink"], prefer="odata.maxpagesize=1")


def test_large_pages_alone_can_fail(client: Client, control: ControlClient, delta: str) -> None:
    control.arm({"name": "gateway_timeout", "times": None, "match": {"page_over": 50, "full_payload": True}})
    assert client.get(delta, prefer="odata.maxpagesize=100").status == 504
    assert client.get(delta, prefer="odata.maxpagesize=50").status == 200
    assert client.get(delta + "?$select=id", prefer="odata.maxpagesize=100").status == 200


def test_entries_can_come_twice_and_in_any_order(client: Client, control: ControlClient, delta: str) -> None:
    ids = [entry["id"] for entry in client.page(delta)["value"]]
    control.arm({"name": "duplicate_entries"})
    control.arm({"name": "reordered_entries"})
    found = [entry["id"] for entry in client.page(delta)["value"]]
    assert found != ids + ids
    assert sorted(found) == sorted(ids + ids)


def test_entries_can_be_partial(client: Client, control: ControlClient, delta: str) -> None:
    control.arm({"name": "partial_entries"})
    entry = client.page(delta)["value"][0]
    assert {name for name in entry if not name.startswith("@")} == {"id", "isRead", "parentFolderId"}


def test_booleans_can_come_as_words(client: Client, control: ControlClient, delta: str) -> None:
    control.arm({"name": "string_booleans"})
    assert client.page(delta)["value"][0]["isRead"] in ("true", "false")


def test_a_page_of_a_list_can_lose_its_entries(client: Client, control: ControlClient, delta: str) -> None:
    control.arm({"name": "lost_entries"})
    assert client.page(delta)["value"] != []
    messages = delta.removesuffix("/delta")
    assert client.page(messages)["value"] == []
    assert client.page(messages)["value"] != []


def test_requests_that_do_not_ask_for_immutable_ids_can_be_singled_out(client: Client, control: ControlClient, delta: str) -> None:
    control.arm({"name": "status", "status": 400, "times": None, "match": {"rest_ids": True}})
    assert client.get(delta).status == 400
    assert client.get(delta, prefer=IMMUTABLE).status == 200


def test_strangers_can_be_removed(client: Client, control: ControlClient, delta: str) -> None:
    control.arm({"name": "unknown_removal", "reason": "changed"})
    page = client.page(delta, prefer=IMMUTABLE)
    assert page["value"][0]["@removed"] == {"reason": "changed"}
    assert len(page["value"]) == 7


def test_a_page_can_be_empty_and_still_go_on(client: Client, control: ControlClient, delta: str) -> None:
    for phase in ("initial", "next", "delta"):
        control.arm({"name": "empty_page", "match": {"phase": phase}})
    first = client.page(delta)
    assert first["value"] == []
    entries, link = client.round(first["@odata.nextLink"])
    assert len(entries) == 6
    assert "@odata.nextLink" in client.page(link)


def test_a_round_can_be_told_again(client: Client, control: ControlClient, adele: str, delta: str) -> None:
    _entries, link = client.round(delta, prefer=IMMUTABLE)
    new = control.deliver(adele, "inbox", MIME)
    control.arm({"name": "replayed_round"})
    entries, link = client.round(link, prefer=IMMUTABLE)
    assert [entry["id"] for entry in entries] == [new]
    entries, link = client.round(link, prefer=IMMUTABLE)
    assert [entry["id"] for entry in entries] == [new]
    assert client.round(link)[0] == []


def test_links_can_lead_to_a_foreign_host(client: Client, control: ControlClient, delta: str) -> None:
    control.arm({"name": "foreign_link", "host": "attacker.example"})
    assert client.page(delta)["@odata.deltaLink"].startswith("https://attacker.example/v1.0/")


def test_a_control_character_can_stand_in_the_json(client: Client, control: ControlClient, delta: str) -> None:
    control.arm({"name": "control_characters"})
    body = client.get(delta).body
    with pytest.raises(ValueError, match="control character"):
        json.loads(body)
    assert json.loads(body, strict=False)["value"]


@pytest.mark.parametrize("how", ["503", "500", "504", "reset"])
def test_a_change_can_be_made_and_its_answer_lost(client: Client, control: ControlClient, adele: str, how: str) -> None:
    control.arm({"name": "answer_lost", "how": how})
    path = f"/users/{adele}/mailFolders"
    if how == "reset":
        with pytest.raises(urllib3.exceptions.ProtocolError):
            client.call("POST", path, {"displayName": "new"})
    else:
        assert client.call("POST", path, {"displayName": "new"}).status == int(how)
    assert client.call("POST", path, {"displayName": "new"}).code == "ErrorFolderExists"


def test_answers_can_be_slow(client: Client, control: ControlClient, delta: str) -> None:
    control.arm({"name": "slow", "seconds": 0.4})
    begin = time.monotonic()
    assert client.get(delta).status == 200
    assert time.monotonic() - begin >= 0.4


def test_members_can_be_limited_or_missing_and_page_tokens_expired(client: Client, control: ControlClient, adele: str) -> None:
    group = control.add_group("Sales")
    control.add_member(group, adele)
    control.arm({"name": "limited_members"})
    (member,) = client.page(f"/groups/{group}/transitiveMembers")["value"]
    assert (member["id"], member["displayName"]) == (adele, None)
    control.arm({"name": "empty_members"})
    assert client.page(f"/groups/{group}/members")["value"] == []
    control.add_user("bruno@contoso.com")
    control.arm({"name": "expired_page_token"})
    link = client.page("/users?$top=1")["@odata.nextLink"]
    assert client.get(link).code == "Directory_ExpiredPageToken"


def test_the_token_endpoint_can_be_away_or_busy(client: Client, control: ControlClient, tenant: RunningTenant) -> None:
    control.arm({"name": "token_unavailable"})
    control.arm({"name": "token_throttled", "retry_after": 7})
    away = client.ask_for_token()
    assert (away.status, away.body[:6]) == (503, b"<html>")
    busy = client.ask_for_token()
    assert (busy.status, busy.headers["Retry-After"], busy.json()["error"]) == (429, "7", "temporarily_unavailable")
    assert client.ask_for_token().status == 200
    control.arm({"name": "status", "status": 503, "body": "html", "match": {"operation": "openid_configuration"}})
    assert client.raw("GET", f"{LOGIN}/{tenant.tenant_id}/v2.0/.well-known/openid-configuration").status == 503


def test_chance_can_decide(client: Client, control: ControlClient, delta: str) -> None:
    control.arm({"name": "unavailable", "times": None, "probability": 0.5})
    statuses = {client.get(delta).status for _number in range(40)}
    assert statuses == {200, 503}
