# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How SharePoint refuses under load, in all its spellings (facts B2, H.57-59, 61)."""

from __future__ import annotations

import email.utils
import time
import typing as t

import pytest

if t.TYPE_CHECKING:
    from tenant_tests.support import Client

    from tenant.control import ControlClient


@pytest.fixture
def drive(control: ControlClient, adele: str) -> str:
    return control.create_drive(adele)


@pytest.mark.parametrize(
    ("code", "inner"), [("activityLimitReached", "throttledRequest"), ("TooManyRequests", "429"), ("ApplicationThrottled", None)]
)
def test_throttling_has_many_spellings(client: Client, control: ControlClient, drive: str, code: str, inner: str | None) -> None:
    for retry_after in (3, 2.128, None, "date:5"):
        control.arm({"name": "drive_throttled", "code": code, "retry_after": retry_after})
        refused = client.get(f"/drives/{drive}")
        assert (refused.status, refused.code, refused.error["innerError"].get("code")) == (429, code, inner)
        header = refused.headers.get("Retry-After")
        if retry_after == "date:5":
            assert email.utils.parsedate_to_datetime(str(header)).timestamp() > time.time()
        else:
            assert header == (None if retry_after is None else str(retry_after))


@pytest.mark.parametrize(
    ("variant", "status", "length"),
    [
        ("json", 503, None),
        ("html", 503, 974),
        ("empty", 503, 0),
        ("gateway", 502, None),
        ("general", 500, None),
        ("not_found", 404, 0),
        ("bandwidth", 509, None),
        ("read_only", 503, None),
    ],
)
def test_busy_servers_have_many_spellings(
    client: Client, control: ControlClient, adele: str, drive: str, variant: str, status: int, length: int | None
) -> None:
    control.arm({"name": "drive_busy", "variant": variant, "retry_after": 1})
    assert client.get(f"/users/{adele}").status == 200
    reply = client.get(f"/drives/{drive}")
    assert (reply.status, reply.headers["Retry-After"]) == (status, "1")
    assert length is None or len(reply.body) == length


def test_a_message_can_be_json_in_itself(client: Client, control: ControlClient, drive: str) -> None:
    control.arm({"name": "drive_busy", "variant": "text"})
    reply = client.get(f"/drives/{drive}")
    assert (reply.code, reply.error["message"][:9]) == ("UnknownError", '{"error":')


def test_errors_can_say_deep_down_what_happened(client: Client, control: ControlClient, drive: str) -> None:
    control.settings(drive_nested_errors=True)
    control.limits(units_per_minute=2)
    for status, code, inner in (
        (404, "itemNotFound", "itemNotFound"),
        (404, "itemNotFound", "itemNotFound"),
        (429, "activityLimitReached", "throttledRequest"),
    ):
        error = client.get(f"/drives/{drive}/items/nothing")
        told = error.error["innererror"]
        assert (error.status, error.code, told["code"], told["innererror"]["innererror"]["code"]) == (status, "", code, inner)


def test_a_blocked_app_gets_nothing_of_drives_until_it_is_unblocked(client: Client, control: ControlClient, adele: str, drive: str) -> None:
    item = control.put_file(adele, "/a.txt", b"a")
    url = client.get(f"/drives/{drive}/items/{item}/content").headers["Location"]
    blocked = control.arm({"name": "app_blocked", "times": None})
    assert [client.get(f"/drives/{drive}").status, client.raw("GET", url).status] == [503, 503]
    assert client.get(f"/users/{adele}").status == 200
    control.disarm(blocked)
    assert client.raw("GET", url).body == b"a"
