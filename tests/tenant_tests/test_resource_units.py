# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SharePoint's limits (facts B1, B2, H.15, 56-59, 62), and what the log says of them."""

from __future__ import annotations

import dataclasses
import time
import typing as t

import pytest

from tenant.call import Call
from tenant.resource_units import UnitLimiter, is_decorated, units_of

if t.TYPE_CHECKING:
    from tenant_tests.support import Client

    from tenant.control import ControlClient

DECORATED = "NONISV|Contoso|Backup/1.0"


@dataclasses.dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def call_of(operation: str, **changes: t.Any) -> Call:
    facts: dict[str, t.Any] = {"query": {}, "headers": {}, "body": b"", "client_id": "app", **changes}
    return Call(method="GET", host="graph.microsoft.com", version="v1.0", segments=(), request_id="1", operation=operation, **facts)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(clock: Clock) -> UnitLimiter:
    return UnitLimiter(clock)


@pytest.fixture
def drive(control: ControlClient, adele: str) -> str:
    return control.create_drive(adele)


@pytest.mark.parametrize(
    ("operation", "units"),
    [
        ("drive_item_get", 1),
        ("drive_download", 1),
        ("drive_content", 1),
        ("drive_children", 2),
        ("drive_versions", 2),
        ("drive_content_put", 2),
        ("drive_upload_part", 2),
        ("drive_item_delete", 2),
        ("drive_permissions", 5),
        ("drive_invite", 5),
    ],
)
def test_requests_cost_what_microsoft_says(operation: str, units: int) -> None:
    assert units_of(call_of(operation)) == units
    assert units_of(call_of(operation, query={"expand": "permissions"})) == 5


def test_delta_costs_one_unit_with_a_token_and_two_without(client: Client, control: ControlClient, adele: str, drive: str) -> None:
    control.generate_files(adele, 5, size=10)
    control.settings(drive_page_size=2)
    control.reset_log()
    _entries, link = client.round(f"/drives/{drive}/root/delta")
    pages = len(control.requests())
    assert (pages > 2, control.stats()["units_by_operation"]["drive_delta"]) == (True, 2 * pages)
    control.generate_files(adele, 5, size=10, path="/more")
    control.reset_log()
    client.round(link)
    pages = len(control.requests())
    assert (pages > 2, control.stats()["units_by_operation"]["drive_delta"]) == (True, pages)
    assert [line["units"] for line in control.requests()] == [1] * pages


def test_budgets_follow_the_licences_of_the_tenant(control: ControlClient) -> None:
    for licenses, minute, day in ((1, 1250, 1_200_000), (1000, 1250, 1_200_000), (1001, 2500, 2_400_000), (60_000, 6250, 6_000_000)):
        limits = control.limits(licenses=licenses)
        assert (limits["units_per_minute"], limits["units_per_day"], limits["sharing_requests"]) == (minute, day, 300)
    assert control.limits(licenses=None)["units_per_minute"] is None
    assert control.limits(licenses=1000, units_per_minute=7)["units_per_minute"] == 7


def test_nothing_is_refused_until_a_limit_is_set(limiter: UnitLimiter) -> None:
    charges = [limiter.charge(call_of("drive_permissions")) for _number in range(1000)]
    assert {(charge.refusal, tuple(charge.headers)) for charge in charges} == {(None, ())}
    assert limiter.counts()["units"] == {"app": 5000}


def test_headers_tell_of_the_budget_from_four_fifths_of_its_use(client: Client, control: ControlClient, drive: str) -> None:
    control.limits(units_per_minute=10)
    replies = [client.get(f"/drives/{drive}") for _number in range(12)]
    assert [reply.status for reply in replies] == [200] * 10 + [429] * 2
    told = [reply.headers.get("RateLimit-Remaining") for reply in replies]
    assert told == [None] * 7 + ["2", "1", "0", "0", "0"]
    refused = replies[-1]
    assert (refused.code, refused.error["innerError"]["code"]) == ("activityLimitReached", "throttledRequest")
    assert refused.headers["RateLimit-Limit"] == "10"
    assert 50 < int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["RateLimit-Reset"] == refused.headers["Retry-After"]
    assert control.stats()["busiest_minute"] == 12


def test_the_minute_begins_anew_after_its_end_and_refused_requests_count(limiter: UnitLimiter, clock: Clock) -> None:
    limiter.limits.units_per_minute = 4
    assert [limiter.charge(call_of("drive_children")).refusal is None for _number in range(4)] == [True, True, False, False]
    clock.now += 59
    refusal = limiter.charge(call_of("drive_item_get")).refusal
    assert refusal is not None
    assert refusal.headers["retry-after"] == "1"
    clock.now += 1
    assert limiter.charge(call_of("drive_item_get")).refusal is None
    assert limiter.counts()["busiest_minute"] == 9


def test_apps_have_budgets_of_their_own_and_share_that_of_the_tenant(limiter: UnitLimiter) -> None:
    limiter.limits.units_per_minute = 4
    limiter.limits.tenant_units = 8
    for app, refused in (("one", False), ("two", False), ("one", True), ("three", True)):
        for _number in range(2):
            charge = limiter.charge(call_of("drive_children", client_id=app))
        assert (charge.refusal is not None) is refused


def test_a_day_has_a_limit_too_and_shrinks_with_the_minute(limiter: UnitLimiter, clock: Clock) -> None:
    limiter.limits.units_per_day = 3
    limiter.limits.units_window_seconds = 0.5
    charges = [limiter.charge(call_of("drive_children")) for _number in range(2)]
    assert charges[1].refusal is not None
    assert float(charges[1].refusal.headers["retry-after"]) == 720
    assert charges[1].headers == {}
    clock.now += 720
    assert limiter.charge(call_of("drive_children")).refusal is None


def test_sharing_has_a_limit_that_refuses_nothing_else(limiter: UnitLimiter) -> None:
    limiter.limits.sharing_requests = 2
    refused = [limiter.charge(call_of("drive_invite")).refusal is not None for _number in range(3)]
    assert (refused, limiter.charge(call_of("drive_item_get")).refusal) == ([False, False, True], None)


def test_bytes_have_limits_in_both_directions(limiter: UnitLimiter) -> None:
    limiter.limits.ingress_bytes = 10
    assert limiter.charge(call_of("drive_content_put", body=b"x" * 11)).refusal is not None
    limiter.limits.ingress_bytes = None
    limiter.limits.egress_bytes = 10
    limiter.note_sent("app", 11)
    assert limiter.charge(call_of("drive_item_get")).refusal is not None
    assert limiter.charge(call_of("drive_item_get", client_id="other")).refusal is None


@pytest.mark.parametrize(
    ("agent", "decorated"),
    [
        ("ISV|Contoso|Backup/1.0", True),
        ("python-requests/2.32 NONISV|Contoso Ltd|Backup/1.0.0", True),
        ("python-requests/2.32", False),
        ("ISV|Contoso|Backup", False),
        ("", False),
    ],
)
def test_a_decorated_user_agent_says_who_made_the_program(agent: str, decorated: bool) -> None:
    assert is_decorated(agent) is decorated


def test_without_decoration_the_budget_can_be_lower(client: Client, control: ControlClient, drive: str) -> None:
    control.limits(units_per_minute=10, undecorated_share=0.5)
    assert [client.get(f"/drives/{drive}").status for _number in range(6)] == [200] * 5 + [429]
    assert client.get(f"/drives/{drive}", user_agent=DECORATED).status == 200
    assert control.stats()["undecorated"] == 6


def test_who_asks_for_drives_that_are_not_there_too_often_is_throttled_everywhere(
    client: Client, control: ControlClient, adele: str, drive: str
) -> None:
    control.limits(missing_drives=3, missing_drives_seconds=0.5)
    nobody = control.add_user("nobody@contoso.com")
    assert [client.get(f"/users/{nobody}/drive").status for _number in range(4)] == [404] * 4
    refused = client.get(f"/drives/{drive}")
    assert (refused.status, refused.code) == (429, "activityLimitReached")
    assert client.get(f"/users/{adele}/mailFolders/inbox").status == 200
    time.sleep(0.5)
    assert client.get(f"/drives/{drive}").status == 200


def test_who_does_not_wait_with_all_drives_is_noted(client: Client, control: ControlClient, drive: str) -> None:
    bruno = control.create_drive(control.add_user("bruno@contoso.com"))
    control.arm({"name": "drive_throttled", "retry_after": 1, "reset": 2, "match": {"path": drive[-10:]}})
    refused = client.get(f"/drives/{drive}")
    assert (refused.status, refused.headers["RateLimit-Reset"], refused.headers["RateLimit-Remaining"]) == (429, "2", "0")
    time.sleep(0.3)
    assert client.get(f"/drives/{bruno}").status == 200
    (violation,) = control.stats()["violations"]
    assert 1.2 < violation["early_by"] < 1.8


def test_every_part_of_a_batch_is_charged_and_throttled_by_itself(client: Client, control: ControlClient, adele: str, drive: str) -> None:
    item = control.put_file(adele, "/a.txt", b"a")
    control.limits(units_per_minute=4)
    urls = [f"/drives/{drive}/items/nothing", f"/drives/{drive}/items/{item}/content", f"/drives/{drive}/root/children", f"/drives/{drive}"]
    parts: list[dict[str, t.Any]] = [{"id": str(number), "method": "GET", "url": url} for number, url in enumerate(urls)]
    parts.append({"id": "4", "method": "GET", "url": f"/drives/{drive}", "dependsOn": ["3"]})
    reply = client.call("POST", "/$batch", {"requests": parts})
    answers = {part["id"]: part for part in reply.json()["responses"]}
    assert (reply.status, [answers[number]["status"] for number in "01234"]) == (200, [404, 302, 200, 429, 424])
    assert answers["1"]["headers"]["Location"].startswith("https://contoso-my.sharepoint.com/")
    assert int(answers["3"]["headers"]["Retry-After"]) > 50
    assert list(control.stats()["units"].values()) == [5]
    control.reset_log()
    client.call("POST", "/$batch", {"requests": parts[:1]}, user_agent=DECORATED)
    assert control.stats()["undecorated"] == 0
    too_many = [{"id": str(number), "method": "GET", "url": f"/drives/{drive}"} for number in range(21)]
    assert client.call("POST", "/$batch", {"requests": too_many}).status == 400


def test_a_role_that_is_missing_is_sharepoints_refusal(client: Client, control: ControlClient, drive: str) -> None:
    reader = client.log_in(**control.add_app(roles=["Files.Read.All"]))
    body = {"name": "x", "folder": {}}
    refused = client.call("POST", f"/drives/{drive}/root/children", body, token=reader)
    assert (refused.status, refused.code, refused.error["message"]) == (403, "accessDenied", "Access denied")
    assert client.get(f"/drives/{drive}", token=reader).status == 200
