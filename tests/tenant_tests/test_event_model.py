# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever happens in a calendar: who follows a delta with or without a window ends with what the lists say."""

from __future__ import annotations

import asyncio
import datetime
import json
import typing as t
from urllib.parse import urlsplit

import hypothesis
from hypothesis import strategies
from tenant_tests.calendar_samples import meeting, weekly

from tenant.call import Call, read_query, read_segments
from tenant.control_calendar import CalendarControl
from tenant.control_directory import DirectoryControl
from tenant.service import Service
from tenant.state import Tenant
from tenant.tokens import App

SHARED = Tenant()
TOKEN = SHARED.tokens.issue(App("app"), "graph.microsoft.com", "login.microsoftonline.com")
WINDOW = "startDateTime=2026-03-08&endDateTime=2026-03-25T09:30:00"
DAYS = [datetime.date(2026, 3, 2) + datetime.timedelta(weeks=week) for week in range(6)]


def ask(service: Service, link: str, size: int, *, immutable: bool) -> dict[str, t.Any]:
    place = urlsplit(link)
    segments = read_segments(place.path)
    headers = {"authorization": f"Bearer {TOKEN}"}
    query = read_query(place.query)
    call = Call("GET", place.netloc, segments[0], segments, query, headers, b"", "id", immutable_ids=immutable, max_page_size=size)
    ticket = service.begin(call)
    answer = asyncio.run(service.run(ticket))
    service.finish(ticket, answer, 0)
    assert answer.status == 200, answer.body
    assert isinstance(answer.body, bytes)
    page = json.loads(answer.body)
    assert isinstance(page, dict)
    return page


class Follower:
    """A client that knows a calendar only by its delta pages."""

    def __init__(self, service: Service, link: str, *, immutable: bool) -> None:
        self._service, self._link, self._immutable = service, link, immutable
        self.known: dict[str, t.Any] = {}

    def take_page(self, size: int) -> bool:
        """Follows one link; says whether the round is over."""
        page = ask(self._service, self._link, size, immutable=self._immutable)
        for entry in page["value"]:
            if "@removed" in entry:
                self.known.pop(entry["id"], None)
            else:
                self.known[entry["id"]] = (entry["type"], entry["start"], entry["end"])
        self._link = page.get("@odata.deltaLink") or page["@odata.nextLink"]
        return "@odata.deltaLink" in page

    def take_round(self, size: int) -> None:
        assert any(self.take_page(size) for _page in range(500)), "the round does not end"


ACTIONS = ("single", "series", "delete", "subject", "exception", "move_out", "cancel", "repattern", "move", "back", "page", "round")
STEP = strategies.tuples(strategies.sampled_from(ACTIONS), strategies.integers(0, 5), strategies.integers(1, 4))


def act(control: CalendarControl, user: str, other: str, action: str, choice: int) -> None:
    if action == "single":
        control.add_event(user, meeting(day=DAYS[choice].isoformat()))
    elif action == "series":
        control.add_event(user, weekly(day=DAYS[choice % 3].isoformat()))
    elif action == "back":
        for event in control.events(user, other):
            control.move_event(user, event["id"], None)
    events = control.events(user)
    if not events or action in ("single", "series", "back"):
        return
    event = events[choice % len(events)]
    days = [day for day in (DAYS[choice], DAYS[5 - choice]) if day.isoformat() not in event["cancelled"]]
    in_series = event["recurrence"] is not None and days and days[0].isoformat() >= event["recurrence"]["range"]["startDate"]
    if action == "delete":
        control.delete_event(user, event["id"])
    elif action == "subject":
        control.update_event(user, event["id"], {"subject": "renamed"})
    elif action == "move":
        control.move_event(user, event["id"], other)
    elif action == "repattern" and event["recurrence"] is not None:
        pattern = {"type": "weekly", "interval": 1 + choice % 2, "daysOfWeek": ["monday", "wednesday"][: 1 + choice % 2]}
        control.update_event(user, event["id"], {"recurrence": {**event["recurrence"], "pattern": pattern}})
    elif in_series and action in ("exception", "move_out"):
        day = "2026-06-01" if action == "move_out" else (days[0] + datetime.timedelta(days=1)).isoformat()
        control.change_occurrence(user, event["id"], days[0].isoformat(), {name: meeting(day=day)[name] for name in ("start", "end")})
    elif in_series and action == "cancel":
        control.cancel_occurrence(user, event["id"], days[0].isoformat())


@hypothesis.settings(max_examples=150, deadline=None)
@hypothesis.given(steps=strategies.lists(STEP, min_size=2, max_size=25), immutable=strategies.booleans())
def test_who_follows_delta_knows_the_calendar(steps: list[tuple[str, int, int]], immutable: bool) -> None:
    SHARED.reset()
    SHARED.limiter.limits.requests = None
    user = DirectoryControl(SHARED).add_user("a@contoso.com")
    control, service = CalendarControl(SHARED), Service(SHARED)
    other = control.add_calendar(user, "Other")
    root = f"https://graph.microsoft.com/{{}}/users/{user}"
    bare = Follower(service, root.format("beta") + "/events/delta", immutable=immutable)
    windowed = Follower(service, root.format("v1.0") + f"/calendarView/delta?{WINDOW}", immutable=immutable)
    for action, choice, size in (("series", 0, 1), ("series", 1, 1), ("round", 0, 3), ("round", 1, 3), *steps):
        if action == "page":
            (bare, windowed)[choice % 2].take_page(size)
        elif action == "round":
            (bare, windowed)[choice % 2].take_round(size)
        else:
            act(control, user, other, action, choice)
    for follower in (bare, windowed, bare, windowed):  # the first may finish an old round, the second tells the rest
        follower.take_round(3)
    listed = {
        path: ask(service, f"{root.format('v1.0')}/{path}", 1000, immutable=immutable)["value"]
        for path in ("events", f"calendarView?{WINDOW}")
    }
    facts = {path: {one["id"]: (one["type"], one["start"], one["end"]) for one in entries} for path, entries in listed.items()}
    assert bare.known == facts["events"]
    assert {key: value for key, value in windowed.known.items() if value[0] != "seriesMaster"} == facts[f"calendarView?{WINDOW}"]
