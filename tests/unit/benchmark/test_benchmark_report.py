# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmark's arithmetic and its tables; measuring itself is not tested."""

from __future__ import annotations

import dataclasses

import pytest
from benchmark.figures import EngineRun, ResticRun, Usage, bound, median_of, per_message, rate, what_limits
from benchmark.report import delayed_lines, full_lines, incremental_lines, table
from benchmark.scenarios import DelayedResult, FullResult, IncrementalResult

RUN = EngineRun(
    process=Usage(wall=10.0, cpu=6.0, peak=100 << 20),
    wall=8.0,
    cpu=4.0,
    tenant_cpu=5.0,
    others_cpu=0.5,
    messages=2000,
    fetched_bytes=200_000_000,
    requests=2100,
    written=90_000_000,
    outcome="complete",
    is_changed=True,
)
RESTIC = ResticRun(process=Usage(wall=5.0, cpu=3.0, peak=50 << 20), others_cpu=0.0, written=100_000_000)


def replaced(run: EngineRun, *, cpu: float, tenant: float, others: float) -> EngineRun:
    return dataclasses.replace(run, process=Usage(wall=10.0, cpu=cpu, peak=1), tenant_cpu=tenant, others_cpu=others)


def test_the_median_is_taken_of_each_figure_by_itself() -> None:
    slow = dataclasses.replace(RUN, wall=20.0, cpu=3.0, process=Usage(wall=30.0, cpu=1.0, peak=1))
    middle = dataclasses.replace(RUN, wall=9.0, cpu=5.0, process=Usage(wall=9.0, cpu=2.0, peak=2))
    found = median_of([slow, RUN, middle])
    assert (found.wall, found.cpu, found.process) == (9.0, 4.0, Usage(wall=10.0, cpu=2.0, peak=2))


def test_runs_of_different_outcome_have_no_median() -> None:
    with pytest.raises(ValueError, match="runs disagree on outcome: complete, partial"):
        median_of([RUN, dataclasses.replace(RUN, outcome="partial")])


def test_the_bound_is_four_requests_at_a_time_for_each_mailbox() -> None:
    assert bound(4, 0.1) == pytest.approx(160)


def test_figures_of_nothing_are_zero_and_no_error() -> None:
    assert (per_message(1.0, 0), rate(1.0, 0.0)) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("cpu", "tenant", "others", "who"),
    [
        (4.0, 9.0, 0.0, "the tenant, not the client"),
        (9.0, 4.0, 0.0, "the client"),
        (1.0, 1.0, 1.0, "waiting"),
        (9.0, 9.0, 0.0, "the machine: all cores are busy ("),
        (4.0, 5.0, 9.0, "the machine: all cores are busy, also with other work"),
    ],
)
def test_whoever_is_busy_sets_the_speed(cpu: float, tenant: float, others: float, who: str) -> None:
    assert what_limits(replaced(RUN, cpu=cpu, tenant=tenant, others=others), cores=2).startswith(who)


def test_a_table_puts_names_left_and_numbers_right() -> None:
    assert table([["", "a"], ["name", "1,000"]]) == ["            a", "  name  1,000"]


def test_a_full_run_is_shown_beside_restic_with_ratios() -> None:
    result = FullResult(mailboxes=4, size=200_000_000, engine=RUN, bodies_wall=5.0, restic=RESTIC, restic_version="restic 0.14.0")
    ratios = next(line for line in full_lines(result, 2) if line.startswith("  ratio"))
    assert ratios.split()[-5:] == ["2.00", "0.50", "0.50", "2.00", "0.90"]


def test_without_restic_there_is_no_ratio_and_the_reason() -> None:
    text = "\n".join(
        full_lines(FullResult(mailboxes=4, size=200_000_000, engine=RUN, bodies_wall=5.0, restic=None, restic_version=None), 2)
    )
    assert "restic is not on this machine" in text
    assert "ratio" not in text


@pytest.mark.parametrize(
    ("cpu", "size", "verdict"),
    [
        (3.0, 150_000_000, "75 KB: met"),
        (4.0, 150_000_000, "75 KB: NOT met"),
        (4.0, 900_000_000, "gives about that average)"),
        (3.0, 90_000_000, "gives about that average)"),
    ],
)
def test_the_target_is_judged_at_its_own_message_size_only(cpu: float, size: int, verdict: str) -> None:
    run = dataclasses.replace(RUN, cpu=cpu)
    lines = full_lines(FullResult(mailboxes=1, size=size, engine=run, bodies_wall=5.0, restic=None, restic_version=None), 2)
    assert next(line for line in lines if "target" in line).endswith(verdict)


@pytest.mark.parametrize(("mailboxes", "shares"), [(4, ["100%", "156%", "125%"]), (50, ["36%", "56%", "45%"])])
def test_a_delayed_run_is_shown_as_share_of_the_lower_bound(mailboxes: int, shares: list[str]) -> None:
    lines = delayed_lines(DelayedResult(mailboxes=mailboxes, latency=0.1, engine=RUN, bodies_wall=12.5), 2)
    assert [line.split()[-1] for line in lines[2:4]] == [f"{40 * mailboxes:,}", "444"]
    assert [line.split()[-2:] for line in lines[4:7]] == [["160", shares[0]], ["250", shares[1]], ["200", shares[2]]]


def test_an_incremental_run_says_what_was_written_besides_bodies() -> None:
    result = IncrementalResult(mailbox_messages=1000, changed=RUN, besides=65 * 1024, unchanged=dataclasses.replace(RUN, is_changed=False))
    text = "\n".join(incremental_lines(result, "20 delivered"))
    assert "65.0 KiB, target below 64 KiB: NOT met" in text
    assert "changed: false" in text
