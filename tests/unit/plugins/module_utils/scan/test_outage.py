# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a silent engine is waited for."""

from __future__ import annotations

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.outage import PROBE_EVERY, Outage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.scanner import ScannerDown


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def outage_of(time: Time) -> Outage:
    return Outage(60.0, time)


def given_up(time: Time) -> Outage:
    outage = outage_of(time)
    with pytest.raises(ScannerDown):
        outage.failed("It hangs.", "Restart it.", silent=60.0)
    return outage


def test_failures_are_forgiven_until_they_last_for_the_whole_patience() -> None:
    time = Time()
    outage = outage_of(time)
    for _second in range(60):
        outage.failed("It is away.", "")
        outage.check()
        time.now += 1
    with pytest.raises(ScannerDown, match="It is away"):
        outage.failed("It is away.", "")


def test_an_attempt_may_take_what_is_left_of_the_patience() -> None:
    time = Time()
    outage = outage_of(time)
    assert outage.remaining == 60.0
    outage.failed("It is away.", "")
    time.now += 45
    assert outage.remaining == 15.0


def test_an_answer_ends_it_and_the_next_one_gets_all_patience_again() -> None:
    time = Time()
    outage = outage_of(time)
    outage.failed("It is away.", "")
    time.now += 59
    outage.ended()
    time.now += 59
    outage.failed("It is away.", "")
    assert outage.remaining == 60.0


def test_silence_that_was_waited_for_counts() -> None:
    outage = outage_of(Time())
    outage.failed("It hangs.", "", silent=59.0)
    assert outage.remaining == 1.0


def test_who_comes_after_it_was_given_up_fails_at_once_with_the_same_words() -> None:
    outage = given_up(Time())
    for _scan in range(3):
        with pytest.raises(ScannerDown) as caught:
            outage.check()
        assert (caught.value.what, caught.value.hint) == ("It hangs.", "Restart it.")


def test_once_in_a_while_one_may_try_and_not_for_long() -> None:
    time = Time()
    outage = given_up(time)
    time.now += PROBE_EVERY
    outage.check()
    assert outage.remaining < 5
    with pytest.raises(ScannerDown):
        outage.check()
    with pytest.raises(ScannerDown):
        outage.failed("It hangs still.", "")


def test_a_probe_that_is_answered_opens_it_for_all() -> None:
    time = Time()
    outage = given_up(time)
    time.now += PROBE_EVERY
    outage.check()
    outage.ended()
    outage.check()
    assert outage.remaining == 60.0
