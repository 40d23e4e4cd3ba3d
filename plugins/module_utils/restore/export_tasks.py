# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks of To Do as iCalendar files with a VTODO (RFC 5545, section 3.6.2), from the JSON that Graph gave.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import html
import typing as t
from datetime import timezone

from .choice import ChosenItem
from .export_ics import Fields, PartReader, attachment_lines, body_lines, calendar_start, graph_time, stamps
from .ical_recurrence import rule_of
from .ical_text import escaped, line, list_line, text_line, uri

_STATES = {"inprogress": "IN-PROCESS", "completed": "COMPLETED"}
_PRIORITIES = {"high": "1", "low": "9"}


def calendar_of_task(item: ChosenItem, task: Fields, read: PartReader) -> t.Iterator[bytes]:
    """The file of a task, in pieces. Due and start are days; steps stand as lines of the description."""
    yield from calendar_start()
    yield line("BEGIN", "VTODO")
    yield line("UID", escaped(str(task.get("id") or item.record["id"])))
    yield from stamps(task)
    yield text_line("SUMMARY", task.get("title"))
    yield from body_lines(_with_steps(task))
    status = str(task.get("status") or "").lower()
    yield line("STATUS", _STATES.get(status, "NEEDS-ACTION"))
    yield text_line("X-MICROSOFT-STATUS", task.get("status") if status in ("waitingonothers", "deferred") else "")
    yield line("PRIORITY", _PRIORITIES.get(str(task.get("importance") or "").lower(), "5"))
    yield list_line("CATEGORIES", task.get("categories") or ())
    yield from _time_lines(task)
    for link in task.get("linkedResources") or ():
        if link.get("webUrl"):
            yield line("ATTACH", uri(str(link["webUrl"])))
    yield from attachment_lines(task.get("attachments") or (), item.parts, read)
    yield line("END", "VTODO")
    yield line("END", "VCALENDAR")


def _time_lines(task: Fields) -> t.Iterator[bytes]:
    days = {name: graph_time(task.get(field)) for name, field in (("DTSTART", "startDateTime"), ("DUE", "dueDateTime"))}
    rule = rule_of(task.get("recurrence"), timezone.utc, is_date=True)
    if rule is not None and days["DTSTART"] is None:
        # A rule needs a first day; To Do counts from the day that the task is due.
        days["DTSTART"], days["DUE"] = days["DUE"], None
    for name, moment in days.items():
        if moment is not None:
            yield line(name, f"{moment:%Y%m%d}", [("VALUE", "DATE")])
    if rule is not None and days["DTSTART"] is not None:
        yield line("RRULE", rule)
    completed = graph_time(task.get("completedDateTime"))
    if completed is not None:
        yield line("COMPLETED", f"{completed:%Y%m%dT%H%M%SZ}")
    reminder = graph_time(task.get("reminderDateTime"))
    if task.get("isReminderOn") is True and reminder is not None:
        yield line("BEGIN", "VALARM")
        yield line("ACTION", "DISPLAY")
        yield line("TRIGGER", f"{reminder:%Y%m%dT%H%M%SZ}", [("VALUE", "DATE-TIME")])
        yield text_line("DESCRIPTION", task.get("title") or "Reminder")
        yield line("END", "VALARM")


def _with_steps(task: Fields) -> Fields:
    body: Fields = task.get("body") or {}
    steps = [f"[{'x' if step.get('isChecked') else ' '}] {step.get('displayName') or ''}" for step in task.get("checklistItems") or ()]
    if not steps:
        return body
    is_html = str(body.get("contentType") or "").lower() == "html"
    content = str(body.get("content") or "")
    if is_html:
        marks = "".join(f"<div>{html.escape(step)}</div>" for step in steps)
        return {**body, "content": content + marks}
    return {"contentType": "text", "content": "\n".join([content.rstrip(), *steps]).strip()}
