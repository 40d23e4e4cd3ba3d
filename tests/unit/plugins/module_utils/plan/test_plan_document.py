# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import typing as t

import pytest
from hypothesis import given

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.changes import plan_changes
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.document import plan_from_dict, plan_to_dict
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import (
    NAME_PATTERN,
    Leavers,
    Plan,
    Selection,
    Selectors,
    name_from_title,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.plan.strategies import declarations, lines, plans

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
        "administrative_units": [],
        "user_filter": None,
        "on_premises_ous": [],
        "all_users": False,
        "exclude": None,
        "licensed_only": False,
        "include_guests": False,
        "mailbox_kinds": ["user", "shared", "room", "equipment", "other"],
        "backup_type": "mailbox",
        "schedule": None,
        "retention": {"forever": True},
        "leavers": {"policy": "keep_until_removed_by_hand"},
        "max_member_loss_percent": 20,
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
    assert len(one.selection.chosen.users) == 2


def test_filters_and_units_are_tidied_as_names_are_and_an_empty_exclusion_is_none() -> None:
    untidy = {"user_filter": " jobTitle ne 'x' ", "on_premises_ous": ["OU=B,DC=x", " ou=a,dc=x", "OU=A,DC=x"], "exclude": {"users": []}}
    declared = plan_to_dict(plan_from_dict({**MINIMAL, **untidy}))
    assert (declared["user_filter"], declared["exclude"]) == ("jobTitle ne 'x'", None)
    assert [unit.casefold() for unit in declared["on_premises_ous"]] == ["ou=a,dc=x", "ou=b,dc=x"]


@pytest.mark.parametrize(("every", "at"), [("daily", "20:00"), ("weekly", "20:00"), ("monthly", "20:00"), ("hourly", "00:00")])
def test_a_plan_with_a_window_and_no_time_begins_when_the_window_opens(every: str, at: str) -> None:
    window = {"start": "20:00", "end": "06:00"}
    declared = plan_to_dict(plan_from_dict({**MINIMAL, "schedule": {"every": every, "window": window}}))["schedule"]
    assert (declared["at"], declared["window"]) == (at, window)


@given(plans)
def test_a_plan_of_an_earlier_version_loads_with_the_defaults(plan: Plan) -> None:
    later = {"administrative_units", "user_filter", "on_premises_ous", "all_users", "exclude", "licensed_only", "include_guests"}
    later |= {"mailbox_kinds", "leavers", "max_member_loss_percent"}
    document = plan_to_dict(plan)
    earlier = plan_from_dict({option: value for option, value in document.items() if option not in later})
    assert (earlier.leavers, earlier.max_member_loss_percent) == (Leavers(), 20)
    assert earlier.selection == Selection(chosen=Selectors(users=plan.selection.chosen.users, groups=plan.selection.chosen.groups))


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


def test_a_place_in_an_object_store_can_be_written_in_many_ways_and_is_one() -> None:
    one = plan_from_dict({**MINIMAL, "repository": "s3://bucket//m365/", "s3": {"endpoint": "https://host:9000/", "region": None}})
    other = plan_from_dict({**MINIMAL, "repository": "s3://bucket/m365", "s3": {"endpoint": "https://host:9000"}})
    assert one == other
    assert plan_to_dict(one)["s3"] == {"endpoint": "https://host:9000"}


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
