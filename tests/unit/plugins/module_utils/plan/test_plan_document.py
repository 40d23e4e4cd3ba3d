# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.changes import plan_changes
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.document import plan_from_dict, plan_to_dict
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import NAME_PATTERN, Plan, name_from_title
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.plan.strategies import declarations, lines, plans

BUCKET = {"repository": "s3://bucket/m365"}
MINIMAL = {"title": "Sales", "groups": ["Sales"], "backup_type": "mailbox", "repository": "/srv/backup"}


def problem(**declared: t.Any) -> str:
    with pytest.raises(InputError) as raised:
        plan_from_dict({**MINIMAL, **declared})
    return raised.value.what


def test_a_short_declaration_gets_the_defaults() -> None:
    assert plan_to_dict(plan_from_dict(MINIMAL)) == {
        "name": "sales",
        "title": "Sales",
        "users": [],
        "groups": ["Sales"],
        "backup_type": "mailbox",
        "schedule": None,
        "retention": {"forever": True},
        "sources": ["mail", "calendar", "contacts", "tasks", "settings"],
        "recoverable_items": False,
        "archive_mailboxes": False,
        "versions": None,
        "permissions": None,
        "encryption": {"enabled": True},
        "malware_scan": {"enabled": False},
        "repository": "/srv/backup",
        "s3": None,
    }


def test_options_of_drives_are_those_of_plans_of_drives() -> None:
    declared = plan_to_dict(plan_from_dict({**MINIMAL, "backup_type": "onedrive", "versions": 3, "permissions": True}))
    assert (declared["versions"], declared["permissions"], declared["sources"]) == (3, True, None)
    assert problem(versions=3) == "Option versions can only be given with backup_type: onedrive."
    assert problem(permissions=False) == "Option permissions can only be given with backup_type: onedrive."
    assert plan_to_dict(plan_from_dict({**MINIMAL, "backup_type": "onedrive", "archive_mailboxes": False}))["archive_mailboxes"] is False
    for option in ("recoverable_items", "archive_mailboxes"):
        assert f"Option {option} can only be true with backup_type: mailbox, not True." in problem(backup_type="onedrive", **{option: True})
    assert problem(backup_type="onedrive", versions=-1) == "Option versions must be a number from 0 to 500, not -1."


def test_whoever_says_how_to_scan_wants_a_scan_and_gets_every_default() -> None:
    assert plan_to_dict(plan_from_dict({**MINIMAL, "malware_scan": {"on_infected": "fail_run"}}))["malware_scan"] == {
        "enabled": True,
        "engine": "auto",
        "socket": "/run/clamav/clamd.ctl",
        "rules": [],
        "on_infected": "fail_run",
        "on_unscannable": "keep_and_report",
        "on_scanner_down": "fail",
        "size_limit_mb": 200,
    }


@given(plans)
def test_a_returned_plan_can_be_declared_again(plan: Plan) -> None:
    assert plan_from_dict(plan_to_dict(plan)) == plan


@given(declarations)
def test_options_that_are_none_are_options_that_are_not_given(declaration: dict[str, t.Any]) -> None:
    given_only = {option: value for option, value in declaration.items() if value is not None}
    padded = {"name": None, "schedule": None, "retention": None, "malware_scan": None, **declaration}
    assert plan_from_dict(padded) == plan_from_dict(given_only)


def test_order_doubles_and_capitals_of_members_do_not_matter() -> None:
    one = plan_from_dict({**MINIMAL, "users": ["b@x.org", "a@x.org", "A@x.org"]})
    other = plan_from_dict({**MINIMAL, "users": ["A@x.org", "a@x.org", "b@x.org "]})
    assert one == other
    assert len(one.selection.users) == 2


@given(plans)
def test_a_plan_does_not_differ_from_itself(plan: Plan) -> None:
    assert plan_changes(plan, plan) == ()
    assert plan_changes(None, None) == ()


@given(plans, plans)
def test_plans_that_differ_have_changes_that_lead_from_one_to_the_other(current: Plan, wanted: Plan) -> None:
    changes = plan_changes(current, wanted)
    assert bool(changes) == (current != wanted)
    assert {**plan_to_dict(current), **{change.option: change.after for change in changes}} == plan_to_dict(wanted)
    assert {**plan_to_dict(wanted), **{change.option: change.before for change in changes}} == plan_to_dict(current)


@pytest.mark.parametrize("value", ["both", "mailbox,onedrive", ["mailbox", "onedrive"], "['mailbox', 'onedrive']", "Mailbox and OneDrive"])
def test_two_backup_types_are_two_plans(value: object) -> None:
    sentence = problem(backup_type=value)
    assert "exactly one backup type" in sentence
    assert "a second plan" in sentence


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        ({"title": None}, "Option title is missing. It is the name under which people know the plan."),
        ({"backup_type": None}, "Option backup_type is missing. A plan backs up either the mailbox or the onedrive of its members."),
        ({"backup_type": "mail"}, "Option backup_type must be mailbox or onedrive, not 'mail'."),
        ({"groups": []}, "The plan names nobody: give at least one entry in users or in groups."),
        ({"repository": "backup"}, "Option repository must be the absolute path of a folder, or s3://bucket/prefix."),
        ({"repository": "s3:host/bucket"}, "Option repository must be the absolute path of a folder, or s3://bucket/prefix."),
        ({"s3": {"region": "eu-central-1"}}, "Option s3 can only be given with repository: s3://bucket/prefix."),
        ({**BUCKET, "s3": {"endpoint": "host:9000"}}, "Option s3.endpoint must be an address such as https://s3.example.com:9000"),
        ({**BUCKET, "s3": {"ca_bundle": "ca.pem"}}, "Option s3.ca_bundle must be the absolute path of a file, not 'ca.pem'."),
        ({**BUCKET, "s3": {"access_key_id": "x"}}, "Option s3.access_key_id is not known."),
        ({"name": "Sales Team"}, "Option name must be 1 to 64 small letters, digits, hyphens and underscores"),
        (
            {"users": ["a", ""]},
            "Option users, entry 2 must be a user (sign-in name, mail address or object id), as text on one line, not ''.",
        ),
        ({"schedule": {}}, "Option schedule needs exactly one of every and calendar."),
        ({"schedule": {"every": "daily", "calendar": "daily"}}, "Option schedule needs exactly one of every and calendar."),
        ({"schedule": {"every": "7 hours"}}, "Option schedule.every must be hourly, daily, weekly, monthly, or an interval"),
        ({"schedule": {"every": "daily", "at": "1380"}}, 'Option schedule.at must be a time of day in quotes, such as "23:00"'),
        ({"schedule": {"every": "daily", "weekday": ["monday"]}}, "Option schedule.weekday can only be given with every: weekly."),
        ({"schedule": {"every": "weekly", "weekday": ["monday", "Freitag"]}}, "Option schedule.weekday, entry 2 must be a day of the week"),
        (
            {"schedule": {"every": "monthly", "day": "31"}},
            "Option schedule.day must be a day that every month has, 1 to 28, or last, not '31'.",
        ),
        ({"schedule": {"every": "6 hours", "at": "06:00"}}, "Option schedule.at must be less than one interval after midnight"),
        ({"schedule": {"every": "daily", "timezone": "Berlin"}}, "Option schedule.timezone must be the name of a time zone"),
        ({"schedule": {"calendar": "daily Europe/Berlin"}}, "Option schedule.calendar ends with the time zone Europe/Berlin"),
        ({"schedule": {"calendar": "daily; reboot"}}, "Option schedule.calendar must be a systemd calendar expression"),
        ({"retention": {}}, "Option retention needs at least one rule, or forever: true."),
        ({"retention": {"forever": True, "keep_last": 1}}, "Option retention either keeps everything with forever or follows other rules"),
        ({"retention": {"keep_daily": 0}}, "Option retention.keep_daily must be a number of days, 1 or more, not 0."),
        ({"malware_scan": "perhaps"}, "Option malware_scan must be true or false, or a dictionary of options, not 'perhaps'."),
        ({"malware_scan": {"engine": "yara"}}, "Option malware_scan.rules is missing. The engine yara finds what your rules describe."),
        ({"malware_scan": {"engine": "yara", "rules": []}}, "Option malware_scan.rules must name at least one file or folder"),
        ({"malware_scan": {"engine": "clamav", "rules": ["/r"]}}, "Option malware_scan.rules can only be given with engine: yara or"),
        ({"malware_scan": {"rules": ["r.yar"]}}, "Option malware_scan.rules, entry 1 must be the absolute path of a file or folder"),
        ({"malware_scan": {"socket": "clamd.ctl"}}, "Option malware_scan.socket must be the absolute path of clamd's socket, or tcp://"),
        ({"malware_scan": {"on_infected": "delete"}}, "malware_scan.on_infected must be keep_and_report or fail_run, not 'delete'."),
        ({"malware_scan": {"size_limit_mb": 0}}, "Option malware_scan.size_limit_mb must be a number of MiB from 1 to 4,000, not 0."),
        ({"colour": "blue"}, "Option colour is not known."),
    ],
)
def test_errors_speak_of_the_option_and_its_place(declared: dict[str, t.Any], sentence: str) -> None:
    assert sentence in problem(**declared)


@pytest.mark.parametrize(
    "declared",
    [
        {"repository": "s3://AKIA:the-secret@bucket/m365"},
        {**BUCKET, "s3": {"endpoint": "https://AKIA:the-secret@host"}},
        {**BUCKET, "s3": {"endpoint": "https://host/?secret=the-secret"}},
    ],
)
def test_a_secret_in_an_address_is_refused_and_not_repeated(declared: dict[str, t.Any]) -> None:
    assert "the-secret" not in problem(**declared)


def test_a_place_in_an_object_store_can_be_written_in_many_ways_and_is_one() -> None:
    one = plan_from_dict({**MINIMAL, "repository": "s3://bucket//m365/", "s3": {"endpoint": "https://host:9000/", "region": None}})
    other = plan_from_dict({**MINIMAL, "repository": "s3://bucket/m365", "s3": {"endpoint": "https://host:9000"}})
    assert one == other
    assert plan_to_dict(one)["s3"] == {"endpoint": "https://host:9000"}


def test_all_errors_are_told_at_once() -> None:
    sentences = problem(title=None, backup_type="x", retention={"keep_last": -1})
    assert [option in sentences for option in ("title", "backup_type", "retention.keep_last")] == [True] * 3


@given(
    declarations,
    st.sampled_from(["title", "users", "groups", "backup_type", "schedule", "retention", "encryption", "repository"]),
    st.data(),
)
def test_no_error_shows_the_insides_of_the_schema(declaration: dict[str, t.Any], option: str, data: st.DataObject) -> None:
    nonsense = st.one_of(
        st.integers(),
        st.text(max_size=5),
        st.lists(st.integers(), max_size=3),
        st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    )
    declaration[option] = data.draw(nonsense)
    try:
        plan_from_dict(declaration)
    except InputError as error:
        shown = re.sub(r"'[^']*'|\[.*?\]|\{.*?\}", "", error.what)
        assert not any(word in shown for word in ("anyOf", "oneOf", "$ref", "properties", "is not of type", "does not match", "schema"))


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Sales", "sales"),
        ("Sales & Marketing", "sales-marketing"),
        ("  Vertrieb Süd  ", "vertrieb-sud"),
        ("Straße 7", "strasse-7"),
    ],
)
def test_names_are_derived_from_titles(title: str, name: str) -> None:
    assert name_from_title(title) == name


def test_titles_in_other_alphabets_get_names_of_their_own() -> None:
    names = {name_from_title(title) for title in ("東京 mail", "大阪 mail", "東京", "大阪", "mail")}
    assert len(names) == 5


@given(lines)
def test_every_title_gives_a_name_that_is_allowed(title: str) -> None:
    assert re.match(NAME_PATTERN, name_from_title(title))
