# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import multiprocessing.connection
import signal
import threading
import typing as t
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._signals import StopSignal, listen
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.stopping import (
    Deadline,
    Stop,
    Stopped,
    StopReason,
    deadline_of,
    left_by,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.document import plan_from_dict
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import Plan

NOON = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
LATE = Stopped(StopReason.MAX_MINUTES, "it was late")
PATIENCE = 20.0


@pytest.fixture
def listening() -> t.Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    listen()
    yield
    signal.signal(signal.SIGTERM, before)


def plan(window: dict[str, str] | None) -> Plan:
    schedule = {"every": "hourly", "timezone": "Europe/Berlin", **({} if window is None else {"window": window})}
    return plan_from_dict(
        {
            "name": "group",
            "title": "Group",
            "users": ["a@contoso.com"],
            "backup_type": "mailbox",
            "repository": "/backup",
            "retention": {"forever": True},
            "schedule": schedule,
        }
    )


@pytest.mark.parametrize(
    ("window", "max_minutes", "moment", "reason"),
    [
        (None, None, None, None),
        (None, 90, NOON + timedelta(minutes=90), StopReason.MAX_MINUTES),
        ({"start": "12:00", "end": "14:00"}, None, NOON + timedelta(hours=1), StopReason.WINDOW),
        ({"start": "12:00", "end": "14:00"}, 90, NOON + timedelta(hours=1), StopReason.WINDOW),
        ({"start": "12:00", "end": "16:00"}, 90, NOON + timedelta(minutes=90), StopReason.MAX_MINUTES),
        ({"start": "20:00", "end": "06:00"}, None, None, None),
    ],
    ids=["none", "minutes", "window", "window first", "minutes first", "outside of the window"],
)
def test_a_run_ends_when_its_window_closes_or_its_minutes_are_over(
    window: dict[str, str] | None, max_minutes: int | None, moment: datetime | None, reason: StopReason | None
) -> None:
    deadline = deadline_of(plan(window), max_minutes, NOON)
    assert (None if deadline is None else (deadline.moment, deadline.stopped.reason)) == (None if moment is None else (moment, reason))


def test_the_sentence_names_the_hour_on_the_wall_of_the_plan() -> None:
    deadline = deadline_of(plan({"start": "12:00", "end": "14:00"}), None, NOON)
    assert deadline is not None
    assert deadline.stopped.words == "the window of its plan closed at 14:00 CET"


def test_a_limit_that_lets_nothing_be_done_is_refused() -> None:
    with pytest.raises(InputError, match="max_minutes must be 1 or more, not 0"):
        deadline_of(plan(None), 0, NOON)


def test_nobody_has_to_stop_who_is_not_told_to() -> None:
    with Stop(lambda: NOON, Deadline(NOON + timedelta(hours=1), LATE)).watching() as stop, stop.calling(pytest.fail):
        assert not multiprocessing.connection.wait(stop.readable, 0.05)
        assert (stop.is_asked, stop.stopped) == (False, None)


def test_a_deadline_that_is_reached_is_told_to_who_waits_and_to_who_asks() -> None:
    called = threading.Event()
    moments = iter([NOON - timedelta(seconds=0.05)])
    with Stop(lambda: next(moments, NOON), Deadline(NOON, LATE)).watching() as stop, stop.calling(called.set):
        assert called.wait(PATIENCE)
        assert multiprocessing.connection.wait(stop.readable, PATIENCE)
        assert stop.stopped == LATE
        late = threading.Event()
        with stop.calling(late.set):
            assert late.is_set()


@pytest.mark.usefixtures("listening")
def test_the_first_signal_is_the_reason() -> None:
    called = threading.Event()
    with Stop(lambda: NOON, Deadline(NOON + timedelta(hours=1), LATE)).watching() as stop, stop.calling(called.set):
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert called.wait(PATIENCE)
        assert stop.stopped == Stopped(StopReason.SIGNAL, "it got the signal SIGTERM")


@pytest.mark.usefixtures("listening")
def test_who_only_waits_is_not_waited_for() -> None:
    with Stop(lambda: NOON).watching() as stop:
        with pytest.raises(StopSignal), stop.unwinding():
            signal.raise_signal(signal.SIGTERM)
        with pytest.raises(StopSignal, match=r"^SIGTERM$"), stop.unwinding():
            pytest.fail("it began to wait all the same")


def test_what_was_not_got_to_says_why() -> None:
    error = left_by(LATE)
    assert str(error) == "It was not read to its end because the run was stopped: it was late. The next run goes on with it."
    assert error.facts == {"code": "stopped"}
