# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The service's limits and its storms, seen from the tenant's own log."""

from __future__ import annotations

import concurrent.futures
import threading
import typing as t

import pytest
from integration.graph_tenant import HurriedClock, connected, new_user

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.clock import SystemClock
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import Cancelled
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import MessageId, UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limits import Budget, Budgets
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.mail_messages import read_mime
from tenant.harness import RunningTenant, running_tenant

MIME = {"operation": "message_mime"}


@pytest.fixture
def tenant() -> t.Iterator[RunningTenant]:
    with running_tenant() as running:
        yield running


def mailboxes(tenant: RunningTenant, count: int, messages: int) -> list[tuple[UserId, MessageId]]:
    users = [new_user(tenant, f"user{number}") for number in range(count)]
    return [(user, MessageId(one)) for user in users for one in tenant.control.deliver_generated(user, messages, size_limit=4000)]


def read_all(client: GraphClient, work: t.Sequence[tuple[UserId, MessageId]], threads: int) -> dict[tuple[UserId, MessageId], bytes | None]:
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        bodies = pool.map(lambda one: read_mime(client, *one).bytes, work)
        return dict(zip(work, bodies, strict=True))


def test_inv12_many_threads_never_have_more_than_four_requests_in_one_mailbox(tenant: RunningTenant) -> None:
    work = mailboxes(tenant, 3, 40)
    tenant.control.set_latency(5)
    with connected(tenant) as client:
        read_all(client, work, 24)
        assert client.traffic().throttled_answers == 0
    stats = tenant.control.stats()
    assert max(stats["max_concurrency"].values()) == 4
    assert stats["throttled"] == 0


def test_inv12_in_a_storm_of_throttling_everybody_obeys_and_everything_arrives(tenant: RunningTenant) -> None:
    work = mailboxes(tenant, 2, 40)
    # On a busy machine a request may be on its way for a while when the 429 leaves: that is no disobedience.
    tenant.control.limits(reaction_seconds=1)
    for retry_after in (3, 1.5, "date:3"):
        tenant.control.arm({"name": "throttled", "times": 3, "probability": 0.5, "retry_after": retry_after, "match": MIME})
    with connected(tenant, clock=SystemClock()) as client:
        found = read_all(client, work, 16)
        traffic = client.traffic()
    assert all(found[one] == tenant.control.mime(*one) for one in work)
    assert traffic.throttled_answers == 9
    assert traffic.throttled_seconds > 0.3
    stats = tenant.control.stats()
    assert stats["violations"] == []
    assert stats["retry_after_violations"] == 0


def test_inv12_the_budget_of_requests_is_kept_without_the_service_having_to_say_so(tenant: RunningTenant) -> None:
    work = mailboxes(tenant, 2, 30)
    tenant.control.limits(requests=10, window_seconds=1)
    with connected(tenant, clock=SystemClock(), budgets=Budgets(mailbox=Budget(requests=10, window=2))) as client:
        read_all(client, work[:4], 4)  # opening connections takes a while, which would blur when a request arrives
        read_all(client, work[30:], 8)
        assert client.traffic().throttled_answers == 0
        assert client.traffic().throttled_seconds > 1


def test_a_service_that_fails_at_random_is_read_completely(tenant: RunningTenant) -> None:
    work = mailboxes(tenant, 2, 60)
    faults: list[dict[str, t.Any]] = [
        {"name": "unavailable", "retry_after": 1},
        {"name": "unavailable", "body": "html"},
        {"name": "throttled", "retry_after": None},
        {"name": "reset"},
        {"name": "cut_body"},
        {"name": "not_found_empty"},
        {"name": "gateway_timeout"},
    ]
    for fault in faults:
        tenant.control.arm({"times": 10, "probability": 0.05, "match": MIME, **fault})
    with connected(tenant) as client:
        found = read_all(client, work, 16)
        assert client.traffic().retries > 5
    assert all(found[one] == tenant.control.mime(*one) for one in work)
    assert max(tenant.control.stats()["max_concurrency"].values()) <= 4


def test_tokens_that_expire_again_and_again_lead_to_one_login_each(tenant: RunningTenant) -> None:
    work = mailboxes(tenant, 2, 100)
    with connected(tenant) as client:
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            reading = [pool.submit(read_mime, client, *one) for one in work]
            for done in (20, 100):
                concurrent.futures.wait(reading[:done])
                tenant.control.expire_tokens()
            assert all(future.result().bytes for future in reading)
        assert 2 <= client.traffic().requests["login"] <= 3


def test_cancelling_ends_a_long_wait_at_once(tenant: RunningTenant) -> None:
    ((user, message),) = mailboxes(tenant, 1, 1)
    tenant.control.arm({"name": "throttled", "times": None, "retry_after": 600, "match": MIME})
    outcome: list[BaseException] = []

    def read(client: GraphClient) -> None:
        try:
            read_mime(client, user, message)
        except Cancelled as error:
            outcome.append(error)

    with connected(tenant, clock=SystemClock()) as client:
        thread = threading.Thread(target=read, args=(client,))
        thread.start()
        while client.traffic().throttled_answers == 0:
            thread.join(0.01)
        client.cancel()
        thread.join(30)
        assert not thread.is_alive()
    assert len(outcome) == 1


def test_a_client_remembers_how_long_it_was_made_to_wait(tenant: RunningTenant) -> None:
    ((user, message),) = mailboxes(tenant, 1, 1)
    tenant.control.arm({"name": "throttled", "times": 2, "retry_after": 20, "match": MIME})
    with connected(tenant, clock=HurriedClock()) as client:
        read_mime(client, user, message).close()
        assert client.traffic().throttled_seconds == pytest.approx(40, abs=1)
