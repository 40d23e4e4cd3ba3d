# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(make bench): what a run costs, beside restic on the same bytes and the bound that Microsoft's limits set."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import sys
import tempfile
from pathlib import Path

from .processes import ProcessFailed
from .report import Machine, delayed_lines, full_lines, incremental_lines, machine_lines, memory_lines, sweep_lines
from .route import RouteFailed, open_route
from .scenarios import DELETED, DELIVERED, FLAGGED, MOVED, Bench

_PARTS = ("full", "delayed", "incremental", "sweep", "memory")


def main() -> int:
    options = _parse()
    cores = len(os.sched_getaffinity(0))
    options.folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, object] = {}
    with tempfile.TemporaryDirectory(prefix="run-", dir=options.folder.resolve()) as folder, open_route() as route:
        machine = Machine(cores=cores, python=platform.python_version(), way=route.words, repeat=options.repeat)
        _say(machine_lines(machine))
        found["machine"] = dataclasses.asdict(machine)
        bench = Bench(route, Path(folder), options.workers)
        if {"full", "incremental"} & set(options.parts):
            full = bench.full(options.mailboxes, options.messages, options.size_limit, options.repeat)
            found["full"] = dataclasses.asdict(full)
            _say(full_lines(full, cores))
        if "incremental" in options.parts:
            incremental = bench.incremental(options.repeat)
            found["incremental"] = dataclasses.asdict(incremental)
            _say(incremental_lines(incremental, f"{DELIVERED} delivered, {MOVED} moved, {DELETED} deleted, {FLAGGED} flagged"))
        if "delayed" in options.parts:
            delayed = bench.delayed(options.delayed_mailboxes, options.delayed_messages, options.latency / 1000, options.repeat)
            found["delayed"] = dataclasses.asdict(delayed)
            _say(delayed_lines(delayed, cores))
        if "sweep" in options.parts:
            sweep = bench.sweep(options.sweep_mailboxes, options.repeat)
            found["sweep"] = dataclasses.asdict(sweep)
            _say(sweep_lines(sweep, cores))
        if "memory" in options.parts:
            memory = bench.memory(options.memory_messages)
            found["memory"] = dataclasses.asdict(memory)
            _say(memory_lines(memory))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmark", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--messages", type=int, default=4000, help="messages of the full run, over all mailboxes")
    parser.add_argument("--mailboxes", type=int, default=4, help="mailboxes")
    parser.add_argument("--size-limit", type=int, help="no message of the full run larger than this many bytes; the mix has no such limit")
    parser.add_argument("--delayed-messages", type=int, default=1600, help="messages of the run with slow answers")
    parser.add_argument("--latency", type=float, default=100, help="milliseconds that the tenant adds to each answer then")
    parser.add_argument("--delayed-mailboxes", type=int, default=4, help="mailboxes of the run with slow answers")
    parser.add_argument("--sweep-mailboxes", type=int, default=100, help="mailboxes of the run in which nothing has changed")
    parser.add_argument("--memory-messages", type=int, default=20_000, help="messages of the large mailbox whose memory is measured")
    parser.add_argument("--workers", type=int, help="worker processes of a run; by default as many as the product takes")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each kind; medians are shown")
    parser.add_argument("--parts", nargs="+", choices=_PARTS, default=_PARTS, help="what to measure")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, too (seconds and bytes)")
    parser.add_argument("--folder", type=Path, default=Path(".bench"), help="where repositories and messages lie while it runs")
    return parser.parse_args()


def _say(lines: list[str]) -> None:
    print("\n".join(lines) + "\n", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ProcessFailed, RouteFailed) as error:
        sys.exit(f"benchmark: {error}")
