# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the measured process is told, and what it answers: JSON files, so that it needs nothing of ours but the collection."""

from __future__ import annotations

import dataclasses
import json
import typing as t

if t.TYPE_CHECKING:
    from pathlib import Path


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Drives:
    """That drives are backed up, not mailboxes, and at which pace: C(units) in C(seconds), None for no limit."""

    units: int | None = None
    seconds: float = 60.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Back up a group into an existing repository. C(proxy) is None where Microsoft's names lead to the tenant by themselves.

    C(workers) is None for as many processes as the product takes by itself, C(drives) where mailboxes are backed up, C(scanner),
    the socket of clamd, where nothing is scanned.
    """

    group: str
    repository: str
    run_id: str
    tenant_id: str
    client_id: str
    client_secret: str
    ca_bundle: str
    proxy: str | None
    sources: list[str]
    workers: int | None
    drives: Drives | None = None
    scanner: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Times in seconds: of the run alone, and the whole process up to here, both with their worker processes.

    C(peak) is the size of the largest of the processes.
    """

    wall: float
    cpu: float
    process_cpu: float
    peak: int
    messages: int
    fetched_bytes: int
    requests: int
    outcome: str
    is_changed: bool
    scanned: int = 0


Content = t.TypeVar("Content", Job, Answer)


def write(path: Path, content: Job | Answer) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(dataclasses.asdict(content)), encoding="utf-8")


def read(path: Path, kind: type[Content]) -> Content:
    fields = json.loads(path.read_text(encoding="utf-8"))
    if fields.get("drives"):
        fields["drives"] = Drives(**fields["drives"])
    return kind(**fields)
