# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(make bench-scan): what the malware scan costs besides what clamd itself needs.

clamd is the machine's own, with three signatures of the tests and without its cache of clean contents, which would hide the
work when the same mail is measured again. With the official signatures it takes longer, and our share is smaller.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import sys
import tempfile
import typing as t
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.tests.integration.clamd_daemon import CLAMD, running_clamd

from .processes import ProcessFailed
from .report import table
from .route import RouteFailed, open_route
from .scan_parts import ClientResult, RunResult, measure_client, measure_runs

BAR = 0.10
"""Of clamd's CPU: what scanning may cost besides."""


def main() -> int:
    options = _parse()
    cores = len(os.sched_getaffinity(0))
    options.folder.mkdir(parents=True, exist_ok=True)
    threads = str(max(2, cores))
    _say([f"{cores} cores, Python {platform.python_version()}, {options.rounds} rounds, medians. MB is 10^6 bytes."])
    clients: list[ClientResult] = []
    with running_clamd(DisableCache="yes", MaxThreads=threads) as clamd:
        for at_once in sorted({1, cores}):
            clients.append(measure_client(clamd, options.messages, at_once, options.rounds))
    _say(client_lines(clients))
    with (
        tempfile.TemporaryDirectory(prefix="scan-", dir=options.folder.resolve()) as folder,
        running_clamd(DisableCache="yes", MaxThreads=threads) as clamd,
        open_route() as route,
    ):
        run = measure_runs(route, Path(folder), clamd, options.mailboxes, options.messages // options.mailboxes, options.rounds)
    _say(run_lines(run))
    missed = misses(clients, run)
    _say([f"MISSED: {line}" for line in missed] or ["All bars are met."])
    if options.json:
        found = {"clients": [dataclasses.asdict(one) for one in clients], "run": dataclasses.asdict(run)}
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


def client_lines(results: list[ClientResult]) -> list[str]:
    rows = [["at once", "mails/s", "MB/s", "clamd's CPU ms/mail", "our CPU ms/mail", "ours to clamd's"]]
    for one in results:
        rows.append(
            [
                str(one.at_once),
                f"{one.messages / one.wall:,.0f}",
                f"{one.size / one.wall / 1e6:,.1f}",
                f"{1000 * one.clamd_cpu / one.messages:.2f}",
                f"{1000 * one.our_cpu / one.messages:.2f}",
                f"{one.our_cpu / one.clamd_cpu:.1%}",
            ]
        )
    size = results[0].size / results[0].messages / 1000
    return [f"The client alone: {results[0].messages:,} mails of {size:.0f} kB on average, as a mailbox has them.", *table(rows)]


def run_lines(result: RunResult) -> list[str]:
    rows = [["run", "seconds", "our CPU s", "clamd's CPU s", "contents scanned", "peak MiB", "written MB"]]
    for name, run, clamd_cpu in result.named():
        rows.append(
            [
                name,
                f"{run.process.wall:.1f}",
                f"{run.process.cpu:.2f}",
                f"{clamd_cpu:.2f}",
                f"{run.scanned:,}",
                f"{run.process.peak / (1 << 20):.0f}",
                f"{run.written / 1e6:.1f}",
            ]
        )
    ours, theirs = result.extra, result.clamd_cpu
    return [
        f"Whole runs over {result.plain.messages:,} mails in {result.mailboxes} mailboxes:",
        *table(rows),
        f"What we do for the scan costs {ours:.2f} s of CPU beside clamd's {theirs:.2f} s: {ours / theirs:.1%}.",
        f"That clamd works on the same cores costs us {result.slower:.2f} s.",
    ]


def misses(clients: list[ClientResult], run: RunResult) -> list[str]:
    found = [
        f"the client needs {one.our_cpu / one.clamd_cpu:.1%} of clamd's CPU, {one.at_once} at once"
        for one in clients
        if one.our_cpu > BAR * one.clamd_cpu
    ]
    if run.extra > BAR * run.clamd_cpu:
        found.append(f"a run needs {run.extra / run.clamd_cpu:.1%} of clamd's CPU besides it")
    if run.scanned.scanned != run.scanned.messages:
        found.append(f"{run.scanned.scanned} contents of {run.scanned.messages} were scanned")
    return found + [f"{again.scanned} contents were scanned again" for again in (run.unchanged, run.copies) if again.scanned]


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmark.scan", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=3000, help="over all mailboxes (3,000)")
    parser.add_argument("--mailboxes", type=int, default=4, help="(4)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured; medians are shown (3)")
    parser.add_argument("--quick", action="store_true", help="few messages, once: to see that it works")
    parser.add_argument("--folder", type=Path, default=Path(".bench"), help="where repositories are made (.bench)")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    options = parser.parse_args()
    if options.quick:
        options.messages, options.mailboxes, options.rounds = 200, 2, 1
    return options


def _say(lines: t.Iterable[str]) -> None:
    print("\n".join(lines), end="\n\n", flush=True)


if __name__ == "__main__":
    if CLAMD is None:
        sys.exit("There is no clamd on this machine.")
    try:
        sys.exit(main())
    except (ProcessFailed, RouteFailed) as error:
        sys.exit(str(error))
