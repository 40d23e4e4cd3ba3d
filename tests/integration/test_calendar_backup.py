# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calendars from the service into the repository, run after run."""

from __future__ import annotations

import base64
import re
import typing as t
from datetime import timedelta
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.calendar_reader import preview_calendar, read_calendar
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_decide import WATCH_DAYS
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph import errors
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.calendar import read_event
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import EventId, UserId
from ansible_collections.tenantvault.m365_backup.tests.integration.personal_sources import NOW, Stored, new_repository
from tenant.harness import RunningTenant

Fields = dict[str, t.Any]


@pytest.fixture
def stored(tenant: RunningTenant, client: GraphClient, user: UserId, tmp_path: Path) -> Stored:
    return Stored(client, user, new_repository(tmp_path / "repository"), read_calendar, preview_calendar)


def event(subject: str, day: str = "2026-03-02", **fields: t.Any) -> Fields:
    start, end = ({"dateTime": f"{day}T{hour}:00:00", "timeZone": "Europe/Berlin"} for hour in ("09", "10"))
    return {"subject": subject, "start": start, "end": end, **fields}


def weekly(subject: str, **fields: t.Any) -> Fields:
    pattern = {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"]}
    return event(subject, recurrence={"pattern": pattern, "range": {"type": "noEnd", "startDate": "2026-03-02"}}, **fields)


def file(name: str, content: bytes, **fields: t.Any) -> Fields:
    kind = {"@odata.type": "#microsoft.graph.fileAttachment", "contentType": "application/octet-stream"}
    return {**kind, "name": name, "contentBytes": base64.b64encode(content).decode(), **fields}


def subjects(stored: Stored) -> set[str]:
    stored.check()
    return set(stored.records())


def test_series_with_exceptions_cancellations_and_attachments_are_stored_as_graph_gives_them(tenant: RunningTenant, stored: Stored) -> None:
    control, user = tenant.control, stored.user
    exceptions = {"2026-03-09": {"subject": "Elsewhere", "attachments": [file("map.txt", b"exception")]}}
    series = weekly(
        "Round", attachments=[file("map.txt", b"series"), file("big", bytes(4 << 20))], exceptions=exceptions, cancelled=["2026-03-16"]
    )
    series_id = control.add_event(user, series)
    private = control.add_event(
        user, event("Doctor", sensitivity="private", showAs="oof", originalStartTimeZone="tzone://Microsoft/Custom")
    )
    done = stored.run()
    stored.check()
    assert (done.counts.added, done.findings, done.left_out) == (2, (), ())
    records = stored.records()
    assert records["Round"]["series"] is True
    assert "until" not in records["Round"]
    assert (records["Doctor"]["start"], records["Doctor"]["sensitivity"]) == ("2026-03-02T08:00:00Z", "private")
    document = stored.document("Round")
    (exception,) = document["exceptionOccurrences"]
    assert (exception["subject"], [name[-10:] for name in document["cancelledOccurrences"]]) == ("Elsewhere", ["2026-03-16"])
    contents = {(part.get("of"), part["name"]): stored.content(records["Round"], part["file"]) for part in records["Round"]["parts"]}
    # An exception that has an attachment of its own also has copies of those of its series.
    assert contents.pop((exception["id"], "big")) == bytes(4 << 20)
    assert contents == {(None, "map.txt"): b"series", (None, "big"): bytes(4 << 20), (exception["id"], "map.txt"): b"exception"}
    assert {entry["@m365.file"] for entry in (*document["attachments"], *exception["attachments"])} == {
        part["file"] for part in records["Round"]["parts"]
    }
    for ours in (document, exception):
        del ours["attachments"]
    assert document == read_event(stored.client, user, EventId(series_id))
    assert stored.document("Doctor") == read_event(stored.client, user, EventId(private))


def test_attached_items_and_links_are_stored_as_what_they_are(tenant: RunningTenant, stored: Stored) -> None:
    link = {"@odata.type": "#microsoft.graph.referenceAttachment", "name": "plan", "sourceUrl": "https://contoso.com/plan"}
    item = {"@odata.type": "#microsoft.graph.message", "subject": "As discussed", "body": {"contentType": "text", "content": "text"}}
    attached = {"@odata.type": "#microsoft.graph.itemAttachment", "name": "As discussed", "item": item}
    tenant.control.add_event(stored.user, event("with both", attachments=[link, attached]))
    assert stored.run().findings == ()
    stored.check()
    record, document = stored.records()["with both"], stored.document("with both")
    assert record["attachment_names"] == ["plan", "As discussed"]
    assert [(part["name"], b"As discussed" in stored.content(record, part["file"])) for part in record["parts"]] == [
        ("As discussed.eml", True)
    ]
    plan, discussed = document["attachments"]
    assert "@m365.file" not in plan
    assert discussed["item"]["subject"] == "As discussed"


def test_an_unchanged_run_writes_nothing_and_costs_one_request_a_calendar(tenant: RunningTenant, stored: Stored) -> None:
    for name in ("Work", "Sport"):
        tenant.control.add_event(stored.user, event(name), calendar=tenant.control.add_calendar(stored.user, name))
    stored.run()
    before = stored.tree
    done = stored.run()
    assert (stored.tree, done.findings, done.counts.total) == (before, (), 2)
    assert stored.requests == 1 + 3


def test_changed_moved_and_deleted_events_are_followed(tenant: RunningTenant, stored: Stored) -> None:
    control, user = tenant.control, stored.user
    work = control.add_calendar(user, "Work")
    ids = {name: control.add_event(user, event(name)) for name in ("stays", "changes", "moves", "goes")}
    other = control.add_event(user, event("of a calendar that goes"), calendar=control.add_calendar(user, "Old"))
    stored.run()
    control.update_event(
        user, ids["changes"], subject="changed", start=event("", "2026-07-01")["start"], end=event("", "2026-07-01")["end"]
    )
    control.move_event(user, ids["moves"], work)
    control.delete_event(user, ids["goes"])
    control.delete_calendar(user, "Old")
    done = stored.run()
    assert subjects(stored) == {"stays", "changed", "moves"}
    assert other not in {record["id"] for record in stored.records().values()}
    assert (done.counts.moved + done.counts.updated, done.counts.removed, done.counts.total) == (2, 2, 3)
    assert stored.folder_of("moves") == "Work"
    assert stored.records()["changed"]["file"].startswith("2026/07/01/")
    control.rename_calendar(user, work, "Arbeit")
    stored.run()
    assert subjects(stored) == {"stays", "changed", "moves"}
    assert any(path[0] == "Arbeit" for path in stored.files())


def test_an_exception_that_no_delta_names_is_found_in_turn(tenant: RunningTenant, stored: Stored) -> None:
    control, user = tenant.control, stored.user
    series = control.add_event(user, weekly("Round"))
    control.add_event(user, event("single"))
    stored.run()
    control.change_occurrence(user, series, "2026-11-30", subject="Elsewhere", silent=True)
    control.cancel_occurrence(user, series, "2026-12-07", silent=True)
    runs = [(stored.run(NOW + timedelta(days=day)), stored.requests) for day in range(WATCH_DAYS)]
    assert sum(done.counts.updated for done, _requests in runs) == 1
    assert sorted(requests for _done, requests in runs) == [2] * (WATCH_DAYS - 1) + [3]
    assert stored.document("Round")["exceptionOccurrences"][0]["subject"] == "Elsewhere"
    assert len(stored.document("Round")["cancelledOccurrences"]) == 1


def test_an_exception_that_is_named_by_its_master_is_found_at_once(tenant: RunningTenant, stored: Stored) -> None:
    series = tenant.control.add_event(stored.user, weekly("Round"))
    stored.run()
    tenant.control.change_occurrence(stored.user, series, "2026-11-30", subject="Elsewhere")
    assert stored.run().counts.updated == 1
    assert stored.records()["Round"]["exceptions"] == 1


def test_calendars_of_others_are_left_out_and_named(tenant: RunningTenant, stored: Stored) -> None:
    owner = {"name": "Berta", "address": "berta@contoso.com"}
    tenant.control.add_event(stored.user, event("hers"), calendar=tenant.control.add_calendar(stored.user, "Plans", owner=owner))
    tenant.control.add_event(stored.user, event("mine"))
    assert stored.run().left_out == ("Plans (shared by Berta)",)
    assert subjects(stored) == {"mine"}


ODD_PAGES: list[Fields] = [
    {"name": "cursor_lost"},
    {"name": "cursor_lost", "variant": "location"},
    {"name": "duplicate_entries", "times": None},
    {"name": "reordered_entries", "times": None},
    {"name": "empty_page", "times": 2},
    {"name": "unknown_removal", "times": 2},
    {"name": "replayed_round", "times": 2},
    {"name": "truncated_json", "match": {"operation": "events_delta"}, "times": 2},
    {"name": "status", "status": 503, "body": "empty", "times": None, "match": {"operation": "events_delta", "page_over": 10}},
    {"name": "status", "status": 503, "body": "empty", "times": None, "match": {"operation": "events_delta"}},
    {"name": "delta_quota_exceeded", "times": None},
    {"name": "delta_not_supported", "times": None},
]


@pytest.mark.parametrize("fault", ODD_PAGES, ids=lambda fault: f"{fault['name']}-{fault.get('variant', fault.get('match', ''))}")
def test_odd_answers_to_the_question_for_changes_lose_nothing(tenant: RunningTenant, stored: Stored, fault: Fields) -> None:
    control, user = tenant.control, stored.user
    ids = [control.add_event(user, event(f"event {number}")) for number in range(30)]
    stored.run()
    for number in range(3):
        control.update_event(user, ids[number], subject=f"changed {number}")
        control.delete_event(user, ids[number + 10])
    control.arm({"mailbox": user, **fault})
    first = stored.run()
    assert first.findings == ()
    control.disarm()
    stored.run()
    expected = {item["subject"] for item in control.events(user)}
    assert subjects(stored) == expected
    assert len(expected) == 27


def test_a_lost_cursor_costs_one_listing_and_no_event_is_read_again(tenant: RunningTenant, stored: Stored) -> None:
    for number in range(30):
        tenant.control.add_event(stored.user, event(f"event {number}"))
    stored.run()
    tenant.control.expire_cursors(stored.user)
    done = stored.run()
    assert (done.counts.updated, done.counts.removed, done.counts.fetched, stored.requests) == (0, 0, 0, 4)
    assert stored.run().tree == stored.tree


@pytest.mark.parametrize("refusal", [(403, "ErrorAccessDenied"), (404, "ResourceNotFound"), (501, "NotImplemented"), (400, "BadRequest")])
def test_where_beta_is_refused_everything_but_cancelled_dates_is_stored_and_that_is_said(
    tenant: RunningTenant, stored: Stored, refusal: tuple[int, str]
) -> None:
    control, user = tenant.control, stored.user
    gone = control.add_event(user, event("goes"))
    control.add_event(user, weekly("Round", exceptions={"2026-03-09": {"subject": "Elsewhere"}}, cancelled=["2026-03-16"]))
    status, code = refusal
    control.arm({"name": "status", "mailbox": user, "status": status, "code": code, "times": None, "match": {"path": "^/beta/"}})
    done = stored.run()
    assert [finding.object for finding in done.findings] == ["event Round, cancelled dates"]
    assert stored.document("Round")["exceptionOccurrences"][0]["subject"] == "Elsewhere"
    control.delete_event(user, gone)
    control.add_event(user, event("comes"))
    assert len(stored.run().findings) == 1
    assert subjects(stored) == {"Round", "comes"}
    control.disarm()
    assert stored.run().findings == ()
    assert len(stored.document("Round")["cancelledOccurrences"]) == 1
    before = stored.tree
    assert stored.run().tree == before


def test_a_complete_series_does_not_give_way_to_what_is_left_of_it_without_beta(tenant: RunningTenant, stored: Stored) -> None:
    control, user = tenant.control, stored.user
    series = control.add_event(user, weekly("Round", cancelled=["2026-03-16"]))
    stored.run()
    before = stored.document("Round")
    control.arm(
        {"name": "status", "mailbox": user, "status": 403, "code": "ErrorAccessDenied", "times": None, "match": {"path": "^/beta/"}}
    )
    control.cancel_occurrence(user, series, "2026-03-23")
    assert len(stored.run().findings) == 1
    assert stored.document("Round") == before
    control.disarm()
    assert stored.run().findings == ()
    assert len(stored.document("Round")["cancelledOccurrences"]) == 2


@pytest.mark.parametrize(("status", "code"), [(400, "ErrorInvalidRequest"), (403, "ErrorAccessDenied"), (404, "ErrorItemNotFound")])
def test_a_calendar_that_gives_nothing_out_is_a_finding_and_the_others_are_read(
    tenant: RunningTenant, stored: Stored, status: int, code: str
) -> None:
    control, user = tenant.control, stored.user
    work = control.add_calendar(user, "Work")
    control.add_event(user, event("at work"), calendar=work)
    stored.run()
    refused = {"name": "status", "status": status, "code": code, "times": None}
    control.arm({**refused, "mailbox": user, "match": {"path": f"{re.escape(work.rstrip('='))}.*/events"}})
    quiet = stored.run()
    control.add_event(user, event("at home"))
    busy = stored.run()
    assert [[finding.object for finding in done.findings] for done in (quiet, busy)] == [["folder Work"], ["folder Work"]]
    assert subjects(stored) == {"at work", "at home"}


@pytest.mark.parametrize("name", ["corrupt_item", "invalid_recipients"])
def test_an_event_that_cannot_be_read_is_a_finding_until_it_can(tenant: RunningTenant, stored: Stored, name: str) -> None:
    control, user = tenant.control, stored.user
    sick = control.add_event(user, event("sick"))
    control.add_event(user, event("sound"))
    control.arm({"name": name, "mailbox": user, "times": None, "match": {"message": sick, "operation": "event_get"}})
    first, second = stored.run(), stored.run()
    assert ([finding.code for finding in first.findings], len(second.findings)) == ([second.findings[0].code], 1)
    assert subjects(stored) == {"sound"}
    control.disarm()
    assert stored.run().findings == ()
    assert subjects(stored) == {"sick", "sound"}


def test_an_event_is_kept_without_the_attachment_that_cannot_be_read(tenant: RunningTenant, stored: Stored) -> None:
    control, user = tenant.control, stored.user
    control.add_event(user, event("with files", attachments=[file("good", b"1"), file("bad", b"2"), file("good", b"3")]))
    unreadable = {
        "name": "status",
        "status": 500,
        "code": "ErrorCannotOpenFileAttachment",
        "times": 1,
        "match": {"operation": "event_attachment_get"},
    }
    control.arm({"mailbox": user, "after": 1, **unreadable})
    with stored.repository.writing(hostname="backup-host") as writer:
        done = read_calendar(stored.client, user, writer, None, now=NOW, offer=lambda tree: None)
    stored.tree = done.tree
    assert [finding.object for finding in done.findings] == ["event with files, attachment bad"]
    assert [entry.get("@m365.missing") for entry in stored.document("with files")["attachments"]] == [
        None,
        "ErrorCannotOpenFileAttachment",
        None,
    ]
    assert [part["name"] for part in stored.records()["with files"]["parts"]] == ["good", "good"]
    assert stored.run().findings == ()
    assert sorted(content for path, content in stored.files().items() if not path[-1].endswith(".json")) == [b"1", b"2", b"3"]
    stored.check()


def test_a_missing_permission_is_named(tenant: RunningTenant, stored: Stored) -> None:
    tenant.control.arm({"name": "status", "mailbox": stored.user, "status": 403, "code": "ErrorAccessDenied", "times": None})
    with pytest.raises(errors.AccessDenied) as caught:
        stored.look_ahead()
    assert caught.value.permission == "Calendars.Read"


def test_a_user_without_mailbox_has_no_calendars(tenant: RunningTenant, stored: Stored) -> None:
    tenant.control.set_mailbox_state(stored.user, "not_enabled")
    with pytest.raises(errors.MailboxUnavailable):
        stored.look_ahead()
