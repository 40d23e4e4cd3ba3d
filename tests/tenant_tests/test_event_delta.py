# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delta queries over events (facts 7.1, 14.55-56)."""

from __future__ import annotations

import typing as t

import pytest
from tenant_tests.calendar_samples import meeting, weekly
from tenant_tests.support import GRAPH, IMMUTABLE, Client

if t.TYPE_CHECKING:
    from tenant.control import ControlClient

BETA = GRAPH.replace("v1.0", "beta")
MARCH = "startDateTime=2026-03-01T00:00:00Z&endDateTime=2026-04-01T00:00:00Z"


def told(entries: list[dict[str, t.Any]]) -> list[tuple[str, str]]:
    return [(entry["id"], "removed" if "@removed" in entry else entry["type"]) for entry in entries]


def test_without_a_window_only_id_type_and_times_are_told(client: Client, control: ControlClient, adele: str) -> None:
    single, series = control.add_event(adele, meeting()), control.add_event(adele, weekly(exceptions={"2026-03-09": {"subject": "x"}}))
    entries, link = client.round(f"{BETA}/users/{adele}/events/delta", prefer=IMMUTABLE)
    assert told(entries) == [(single, "singleInstance"), (series, "seriesMaster")]
    assert set(entries[0]) == {"@odata.type", "@odata.etag", "id", "type", "start", "end"}
    control.change_occurrence(adele, series, "2026-03-16", subject="y")
    control.delete_event(adele, single)
    entries, link = client.round(link, prefer=IMMUTABLE)
    assert told(entries) == [(series, "seriesMaster"), (single, "removed")]
    control.change_occurrence(adele, series, "2026-03-23", silent=True, subject="z")
    assert client.round(link, prefer=IMMUTABLE)[0] == []


def test_the_delta_without_a_window_is_beta_and_takes_no_select(client: Client, adele: str) -> None:
    assert client.get(f"/users/{adele}/events/delta").status == 400
    assert client.get(f"{BETA}/users/{adele}/events/delta?$select=subject").code == "ErrorInvalidUrlQuery"


def test_without_a_window_a_first_day_may_be_given(client: Client, control: ControlClient, adele: str) -> None:
    control.add_event(adele, meeting(day="2026-01-02"))
    late = control.add_event(adele, weekly(day="2026-03-02"))
    entries, _link = client.round(f"{BETA}/users/{adele}/events/delta?startDateTime=2026-03-10T00:00:00Z", prefer=IMMUTABLE)
    assert [one["id"] for one in entries] == [late]


def test_each_calendar_has_a_delta_of_its_own(client: Client, control: ControlClient, adele: str) -> None:
    other = control.add_calendar(adele, "Other")
    event = control.add_event(adele, meeting(), other)
    paths = [f"{BETA}/users/{adele}/calendars/{calendar['id']}/events/delta" for calendar in control.calendars(adele)]
    links = [client.round(path, prefer=IMMUTABLE)[1] for path in paths]
    control.move_event(adele, event, None)
    assert [told(client.round(link, prefer=IMMUTABLE)[0]) for link in links] == [[(event, "singleInstance")], [(event, "removed")]]


def test_big_pages_of_events_may_be_too_heavy(client: Client, control: ControlClient, adele: str) -> None:
    control.arm({"name": "heavy_event_page", "times": None})
    path = f"{BETA}/users/{adele}/events/delta"
    reply = client.get(path, prefer="odata.maxpagesize=500")
    assert (reply.status, reply.body) == (503, b"")
    assert client.get(path, prefer="odata.maxpagesize=10").status == 200


def test_a_window_shows_occurrences_and_keeps_them_short(client: Client, control: ControlClient, adele: str) -> None:
    series = control.add_event(adele, weekly(exceptions={"2026-03-09": {"subject": "other"}}, cancelled=["2026-03-16"]))
    path = f"/users/{adele}/calendarView/delta?{MARCH}"
    entries, _link = client.round(path, prefer=f"{IMMUTABLE}, odata.maxpagesize=2")
    assert [entry["type"] for entry in entries] == ["seriesMaster", "occurrence", "exception", "occurrence", "occurrence"]
    assert entries[0]["id"] == series
    assert ("subject" in entries[1], entries[2]["subject"]) == (False, "other")


def test_what_changes_outside_the_window_is_told_as_removed(client: Client, control: ControlClient, adele: str) -> None:
    inside, outside = control.add_event(adele, meeting()), control.add_event(adele, meeting(day="2026-05-02"))
    entries, link = client.round(f"/users/{adele}/calendarView/delta?{MARCH}", prefer=IMMUTABLE)
    assert told(entries) == [(inside, "singleInstance")]
    control.update_event(adele, outside, subject="changed")
    assert told(client.round(link, prefer=IMMUTABLE)[0]) == [(outside, "removed")]
    assert client.get(f"/users/{adele}/events/{outside}").status == 200


def test_a_window_takes_no_options_and_must_be_given(client: Client, adele: str) -> None:
    path = f"/users/{adele}/calendarView/delta"
    assert client.get(f"{path}?{MARCH}&$select=subject").code == "ErrorInvalidUrlQuery"
    assert client.get(path).code == "ErrorInvalidParameter"


@pytest.mark.parametrize(
    "path",
    ["calendarView/delta?" + MARCH, "events/delta", "contactFolders/contacts/contacts/delta", "contactFolders/delta", "todo/lists/delta"],
)
def test_faults_of_delta_strike_every_delta(client: Client, control: ControlClient, adele: str, path: str) -> None:
    for number in range(3):
        control.add_event(adele, meeting(str(number)))
        control.add_contact(adele, {"displayName": str(number)})
        control.add_contact_folder(adele, str(number))
        control.add_task_list(adele, str(number))
    start = f"{BETA if path == 'events/delta' else GRAPH}/users/{adele}/{path}"
    calm, link = client.round(start)
    control.arm({"name": "cursor_lost"})
    assert client.get(link).code == "SyncStateNotFound"
    control.arm({"name": "empty_page"})
    control.arm({"name": "duplicate_entries", "times": None})
    spoiled, link = client.round(start, prefer="odata.maxpagesize=2")
    assert {entry["id"] for entry in spoiled} == {entry["id"] for entry in calm}
    assert len(spoiled) == 2 * len(calm)
    control.disarm()
    control.arm({"name": "unknown_removal"})
    (stranger,) = client.page(link)["value"]
    assert stranger["@removed"] == {"reason": "deleted"}
    control.expire_cursors(adele)
    assert client.get(link).status == 410
    control.set_mailbox_state(adele, "quota_exceeded")
    assert client.get(start).code == "ErrorQuotaExceeded"


def test_a_fault_may_be_bound_to_an_event_and_strikes_the_pages_that_list_it(client: Client, control: ControlClient, adele: str) -> None:
    event, other = control.add_event(adele, meeting()), control.add_event(adele, meeting())
    control.arm({"name": "corrupt_item", "mailbox": adele, "times": None, "match": {"message": event}})
    control.arm({"name": "truncated_json", "mailbox": adele, "times": None, "match": {"message": event}})
    assert client.get(f"/users/{adele}/events/{event}").code == "ErrorCorruptData"
    assert client.get(f"/users/{adele}/events/{other}").status == 200
    assert client.get(f"/users/{adele}/events").body.endswith(b'"value":[')


def test_beta_may_be_refused_as_a_whole(client: Client, control: ControlClient, adele: str) -> None:
    control.arm({"name": "beta_refused", "times": None})
    assert client.get(f"{BETA}/users/{adele}/events/delta").code == "ErrorAccessDenied"
    assert client.get(f"/users/{adele}/events").status == 200
