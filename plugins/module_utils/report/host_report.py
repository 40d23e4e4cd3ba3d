# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One report of a backup host: its summary, and the files that say the same.

A file ends with a fingerprint of what it says, without the moments at which that was said, so that the next report can tell whether
anything is new.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from .._errors import BackupError, InputError
from .._text import count_text, listed_names
from .files import replace_file
from .html_report import html_report
from .metrics import metrics_text, newest_outcome
from .summarising import Circumstances, summarise_host
from .summary import HostSummary, PlanSummary
from .summary_document import parse_summary, summary_document, to_document

if t.TYPE_CHECKING:
    from ..plan.errors import DamagedPlan
    from ..plan.store import PlanStore

_METRICS_MODE = 0o644  # the node exporter is another user
_HTML_MODE = 0o640
_MARK = "m365_backup_report"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to tell of (C(references) of plans; empty for all), where to write it, and what other hosts have told."""

    host: str
    state_path: Path
    now: datetime
    references: tuple[str, ...]
    metrics_file: Path | None
    html_file: Path | None
    title: str
    fleet: tuple[t.Mapping[str, t.Any], ...]
    is_check: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A file that was written, or would be in check mode. C(before) is None where there was none."""

    path: Path
    before: str | None
    after: str
    is_news: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HostReport:
    """What came of it. C(metrics) and C(page) are None where they were not wanted."""

    summary: HostSummary
    metrics: Written | None
    page: Written | None

    def as_dict(self, *, with_summary: bool, with_diff: bool) -> dict[str, t.Any]:
        """The report as a module returns it."""
        written = {"metrics_file": self.metrics, "html_file": self.page}
        result: dict[str, t.Any] = {
            "changed": any(file.is_news for file in written.values() if file is not None),
            "plans": [_plan(plan) for plan in self.summary.plans],
            **{name: str(file.path) for name, file in written.items() if file is not None},
            "msg": host_sentence(self.summary),
        }
        if with_summary:
            result["summary"] = summary_document(self.summary)
        if with_diff and self.metrics is not None and self.metrics.is_news:
            result["diff"] = {
                "before": self.metrics.before or "",
                "after": self.metrics.after,
                "before_header": str(self.metrics.path),
                "after_header": str(self.metrics.path),
            }
        return result


def report_host(store: PlanStore, wish: Wish) -> HostReport:
    """Raises InputError for plans that are not there, folders that are not there and summaries that are none; BackupError for files."""
    for path in (wish.metrics_file, wish.html_file):
        if path is not None and not path.parent.is_dir():
            raise InputError(f"The folder of {path} is not there.", hint="Create it, with the owner and mode that who reads it needs.")
    others = [parse_summary(dict(document)) for document in wish.fleet]
    damaged: list[DamagedPlan] = []
    stored = store.choose(wish.references) if wish.references else store.list(damaged.append)
    about = Circumstances(host=wish.host, state_path=wish.state_path, now=wish.now, keeps=not wish.is_check)
    summary = summarise_host([each.plan for each in stored], about, [str(damage) for damage in damaged])
    metrics = page = None
    if wish.metrics_file is not None:
        mark = _fingerprint([summary])
        metrics = _write(wish.metrics_file, f"{metrics_text(summary)}# {_MARK} {mark}\n", mark, _METRICS_MODE, wish.is_check)
    if wish.html_file is not None:
        hosts = [summary, *(other for other in others if other.host != wish.host)]
        mark = _fingerprint(hosts, wish.title)
        text = f"{html_report(hosts, title=wish.title, now=wish.now)}\n<!-- {_MARK} {mark} -->\n"
        page = _write(wish.html_file, text, mark, _HTML_MODE, wish.is_check)
    return HostReport(summary=summary, metrics=metrics, page=page)


def host_sentence(summary: HostSummary) -> str:
    """How many are protected, who is not, which plans have never run here."""
    if not summary.plans:
        return "No plan is stored on this host."
    members = [member for plan in summary.plans for member in plan.members]
    bad = [member for member in members if not member.is_protected]
    parts = []
    if members:
        good = len(members) - len(bad)
        about = f"{good:,} of {count_text(len(members), 'member')} of {count_text(len(summary.plans), 'plan')}"
        parts.append(f"{about} {'is' if good == 1 else 'are'} protected.")
    if bad:
        names = [f"{member.principal_name} ({', '.join(member.problems)})" for member in bad]
        parts.append(f"Not protected: {listed_names(names)}.")
    never = [plan.name for plan in summary.plans if plan.last_run is None]
    if never:
        parts.append(f"No run on this host yet: {listed_names(never)}.")
    return " ".join(parts)


def _plan(plan: PlanSummary) -> dict[str, t.Any]:
    return {
        "name": plan.name,
        "title": plan.title,
        "outcome": newest_outcome(plan),
        "members": len(plan.members),
        "members_protected": sum(member.is_protected for member in plan.members),
        "last_run": None if plan.last_run is None else plan.last_run.start.isoformat(timespec="seconds"),
        "restore_point": plan.restore_point,
    }


def _fingerprint(hosts: t.Sequence[HostSummary], *more: str) -> str:
    told = [{**to_document(host), "generated": None} for host in hosts]
    return hashlib.sha256(json.dumps([told, *more], sort_keys=True).encode()).hexdigest()


def _write(path: Path, text: str, mark: str, mode: int, is_check: bool) -> Written:
    try:
        before = path.read_text(encoding="utf-8", errors="replace") if path.exists() else None
        is_news = before is None or mark not in before.rstrip().rpartition("\n")[2]
        if not is_check:
            replace_file(path, text.encode(), mode=mode)
    except OSError as error:
        raise BackupError(
            f"The report {path} could not be written: {error.strerror}.", hint="Check the owner and mode of its folder, and the disk."
        ) from error
    return Written(path=path, before=before, after=text, is_news=is_news)
