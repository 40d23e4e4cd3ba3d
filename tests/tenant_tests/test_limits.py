# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exchange's limits, and what the log says of them."""

from __future__ import annotations

import concurrent.futures
import time
import typing as t

import pytest

from tenant.call import GraphError
from tenant.limiter import Limiter

if t.TYPE_CHECKING:
    from tenant_tests.support import Client, Reply

    from tenant.control import ControlClient

KEY = ("app", "mailbox")


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def at_once(client: Client, path: str, count: int) -> list[Reply]:
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _number: client.get(path), range(count)))


def test_the_fifth_request_at_a_time_on_a_mailbox_is_refused(client: Client, control: ControlClient, adele: str) -> None:
    control.set_latency(300)
    replies = at_once(client, f"/users/{adele}/mailFolders/inbox", 6)
    assert sorted(reply.status for reply in replies) == [200] * 4 + [429] * 2
    refused = next(reply for reply in replies if reply.status == 429)
    assert (refused.code, refused.error["message"]) == ("ApplicationThrottled", "Application is over its MailboxConcurrency limit.")
    assert float(refused.headers["Retry-After"]) > 0


def test_mailboxes_have_limits_of_their_own(client: Client, control: ControlClient, adele: str) -> None:
    bruno = control.add_user("bruno@contoso.com")
    control.set_latency(300)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda user: client.get(f"/users/{user}/mailFolders/inbox").status, [adele, bruno] * 4))
    assert statuses == [200] * 8
    assert control.stats()["max_concurrency"] == {"adele.vance@contoso.com": 4, "bruno@contoso.com": 4}


def test_a_mailbox_by_name_and_by_id_is_one_mailbox(client: Client, control: ControlClient, adele: str) -> None:
    control.set_latency(300)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        users = [adele, "adele.vance@contoso.com", adele.upper()] * 2
        statuses = list(pool.map(lambda user: client.get(f"/users/{user}/mailFolders/inbox").status, users))
    assert statuses.count(429) == 2


def test_requests_in_the_window_are_counted_refused_ones_too(client: Client, control: ControlClient, adele: str) -> None:
    control.limits(requests=3)
    statuses = [client.get(f"/users/{adele}/mailFolders/inbox").status for _number in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    assert control.stats()["throttled"] == 2


def test_the_window_slides() -> None:
    clock = Clock()
    limiter = Limiter(clock)
    limiter.limits.requests = 2
    for _number in range(2):
        limiter.enter(KEY)
        limiter.check(KEY)
        limiter.leave(KEY)
        clock.now += 100
    limiter.enter(KEY)
    with pytest.raises(GraphError) as refused:
        limiter.check(KEY)
    limiter.leave(KEY)
    assert float(refused.value.headers["retry-after"]) == pytest.approx(400)
    clock.now += 600
    limiter.enter(KEY)
    limiter.check(KEY)


def test_uploads_count_their_bytes_in_a_window_of_their_own() -> None:
    clock = Clock()
    limiter = Limiter(clock)
    limiter.limits.upload_bytes = 1000
    limiter.enter(KEY)
    limiter.check(KEY, upload=900)
    with pytest.raises(GraphError, match="IncomingBytes"):
        limiter.check(KEY, upload=200)
    clock.now += 301
    limiter.check(KEY, upload=900)


def test_who_does_not_wait_as_told_is_noted(client: Client, control: ControlClient, adele: str) -> None:
    control.arm({"name": "throttled", "mailbox": adele, "retry_after": 2})
    path = f"/users/{adele}/mailFolders/inbox"
    assert client.get(path).status == 429
    time.sleep(0.5)
    assert client.get(path).status == 200
    (violation,) = control.stats()["violations"]
    assert violation["mailbox"] == "adele.vance@contoso.com"
    assert 1 < violation["early_by"] < 2


def test_who_waits_as_told_is_not(client: Client, control: ControlClient, adele: str) -> None:
    control.arm({"name": "throttled", "mailbox": adele, "retry_after": 0.4})
    path = f"/users/{adele}/mailFolders/inbox"
    assert client.get(path).headers["Retry-After"] == "0.4"
    time.sleep(0.41)
    assert client.get(path).status == 200
    assert control.stats()["retry_after_violations"] == 0


def test_the_log_tells_what_happened_without_secrets(client: Client, control: ControlClient, adele: str) -> None:
    (message,) = control.deliver_generated(adele, 1)
    body = client.get(f"/users/{adele}/messages/{message}/$value").body
    client.round(f"/users/{adele}/mailFolders/delta")
    logged = {entry["operation"]: entry for entry in control.requests()}
    mime = logged["message_mime"]
    assert (mime["method"], mime["status"], mime["bytes"], mime["mailbox"]) == ("GET", 200, len(body), "adele.vance@contoso.com")
    assert mime["concurrency"] == 1
    assert set(control.stats()["by_operation"]) == {"message_mime", "folders_delta"}
    assert control.requests(since=mime["seq"])[0]["operation"] == "folders_delta"
    control.reset_log()
    assert control.requests() == []
