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
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.document import plan_from_dict
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.schema import PLAN_SCHEMA
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.plan.strategies import declarations

BUCKET = {"repository": "s3://bucket/m365"}
MINIMAL = {"title": "Sales", "groups": ["Sales"], "backup_type": "mailbox", "repository": "/srv/backup"}


def problem(**declared: t.Any) -> str:
    """What is wrong with the plan."""
    with pytest.raises(InputError) as raised:
        plan_from_dict({**MINIMAL, **declared})
    return raised.value.what


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
        (
            {"groups": []},
            "The plan names nobody: give at least one entry in users, groups, administrative_units or on_premises_ous, a user_",
        ),
        ({"groups": [], "all_users": False}, "The plan names nobody"),
        ({"groups": [], "exclude": {"users": ["a"]}}, "The plan names nobody"),
        (
            {"administrative_units": [" "]},
            "Option administrative_units, entry 1 must be an administrative unit (display name or object id)",
        ),
        ({"user_filter": "department eq\n'Sales'"}, "Option user_filter must be one OData filter over users as text on one line"),
        ({"user_filter": ["a", "b"]}, "Option user_filter must be one OData filter over users as text on one line, such as department eq"),
        (
            {"on_premises_ous": ["Sales"]},
            "Option on_premises_ous, entry 1 must be the distinguished name of an organizational unit, such as OU=",
        ),
        ({"all_users": "all"}, "Option all_users must be true or false, not 'all'."),
        ({"exclude": ["a"]}, "Option exclude must be a dictionary of options, not ['a']."),
        ({"exclude": {"all_users": True}}, "Option exclude.all_users is not known."),
        ({"exclude": {"groups": ["a", 7]}}, "Option exclude.groups, entry 2 must be a group (display name, mail address or object id)"),
        ({"exclude": {"on_premises_ous": [""]}}, "Option exclude.on_premises_ous, entry 1 must be the distinguished name"),
        ({"licensed_only": "yes"}, "Option licensed_only must be true or false, not 'yes'."),
        ({"include_guests": 1}, "Option include_guests must be true or false, not 1."),
        ({"mailbox_kinds": []}, "Option mailbox_kinds must be a list of one or more of user, shared, room, equipment, other, not []."),
        ({"mailbox_kinds": ["linked"]}, "Option mailbox_kinds, entry 1 must be one of user, shared, room, equipment, other, not 'linked'."),
        ({"backup_type": "onedrive", "mailbox_kinds": ["user"]}, "Option mailbox_kinds can only be given with backup_type: mailbox."),
        ({"sources": ["post"]}, "Option sources, entry 1 must be one of mail, calendar, contacts, tasks, settings, not 'post'."),
        ({"leavers": "keep_forever"}, "Option leavers must be a dictionary of options, not 'keep_forever'."),
        (
            {"leavers": {"days": 30}},
            "Option leavers.policy is missing. It says what becomes of the backups of people who are no members any more.",
        ),
        ({"leavers": {"policy": "delete"}}, "Option leavers.policy must be keep_until_removed_by_hand, keep_forever or expire_after_days"),
        ({"leavers": {"policy": "expire_after_days"}}, "Option leavers.days is missing. So many days after they left, the backups"),
        ({"leavers": {"policy": "expire_after_days", "days": 0}}, "Option leavers.days must be a number of days, 1 or more, not 0."),
        ({"leavers": {"policy": "keep_forever", "days": 3}}, "Option leavers.days can only be given with policy: expire_after_days."),
        ({"max_member_loss_percent": 101}, "Option max_member_loss_percent must be a percentage from 0 to 100, not 101."),
        (
            {"schedule": {"every": "daily", "window": "20:00-06:00"}},
            "Option schedule.window must be a dictionary of options, not '20:00-06",
        ),
        (
            {"schedule": {"every": "daily", "window": {"start": "20:00"}}},
            "Option schedule.window.end is missing. It is the time of day at which",
        ),
        (
            {"schedule": {"every": "daily", "window": {"start": "20:00", "end": "360"}}},
            "Option schedule.window.end must be a time of day in quote",
        ),
        (
            {"schedule": {"every": "daily", "window": {"start": "06:00", "end": "06:00"}}},
            "Option schedule.window must start and end at different",
        ),
        (
            {"schedule": {"every": "daily", "at": "06:00", "window": {"start": "20:00", "end": "06:00"}}},
            "Option schedule.at must lie in schedule.window, 20:00 to 06:00, not '06:00'.",
        ),
        (
            {"schedule": {"every": "12 hours", "window": {"start": "20:00", "end": "23:00"}}},
            "Option schedule.window leaves no run: none of the times of the schedule lies in it, 20:00 to 23:00.",
        ),
        (
            {"schedule": {"every": "daily", "spread_minutes": 1440}},
            "Option schedule.spread_minutes must be a number of minutes of less than a",
        ),
        (
            {"schedule": {"calendar": "daily", "spread_minutes": 5}},
            "Option schedule.spread_minutes can only be given with every; a calendar",
        ),
        ({"retention": {"minimum_age_days": 30}}, "Option retention needs at least one rule that begins with keep, or forever: true."),
        (
            {"retention": {"forever": True, "minimum_age_days": 30}},
            "Option retention either keeps everything with forever or follows other",
        ),
        ({"retention": {"keep_last": 1, "minimum_age_days": 0}}, "Option retention.minimum_age_days must be a number of days, 1 or more"),
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
        ({"retention": {}}, "Option retention needs at least one rule that begins with keep, or forever: true."),
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


def test_all_errors_are_told_at_once_and_each_once() -> None:
    sentences = problem(title=None, backup_type="x", retention={"keep_last": -1}, schedule={"every": "daily", "window": {}})
    assert (sentences.count("window.start"), sentences.count("window.end")) == (1, 1)
    assert [option in sentences for option in ("title", "backup_type", "retention.keep_last")] == [True] * 3


@given(
    declarations,
    st.sampled_from(sorted(PLAN_SCHEMA["properties"])),
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
