# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Declarations and restore points that hypothesis makes up."""

from __future__ import annotations

import datetime
import typing as t

from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.document import plan_from_dict
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import MAILBOX_SOURCES, MailboxKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.retention import RestorePoint, Retention
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.schedule import INTERVALS, Weekday

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Santiago")

lines = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=40)
times = st.times().map(lambda time: f"{time:%H:%M}")
zone_names = st.sampled_from(ZONES)
windows = st.tuples(times, times).filter(lambda sides: sides[0] != sides[1]).map(lambda sides: {"start": sides[0], "end": sides[1]})
placed = {"timezone": zone_names, "spread_minutes": st.integers(0, 1439)}


@st.composite
def _timed(draw: st.DrawFn, optional: dict[str, st.SearchStrategy[t.Any]]) -> dict[str, t.Any]:
    """A schedule with a time of day; one with a window takes its time from the window's beginning."""
    declared = draw(st.fixed_dictionaries({}, optional={**optional, **placed}))
    if draw(st.booleans()):
        window = draw(windows)
        return {**declared, "window": window, **({"at": window["start"]} if draw(st.booleans()) else {})}
    return {**declared, **({"at": draw(times)} if draw(st.booleans()) else {})}


@st.composite
def _intervals(draw: st.DrawFn) -> dict[str, t.Any]:
    """Every so often; a window begins at one of the times."""
    name = draw(st.sampled_from(list(INTERVALS)))
    first = draw(st.integers(0, INTERVALS[name] - 1))
    at = f"{first // 60:02d}:{first % 60:02d}"
    declared = {"every": name, "at": at, **draw(st.fixed_dictionaries({}, optional=placed))}
    if draw(st.booleans()):
        declared["window"] = {"start": at, "end": draw(times.filter(lambda time: time != at))}
    return declared


schedules = st.one_of(
    _intervals(),
    _timed({}).map(lambda declared: {**declared, "every": "daily"}),
    _timed({"weekday": st.lists(st.sampled_from([day.value for day in Weekday]), min_size=1)}).map(
        lambda declared: {**declared, "every": "weekly"}
    ),
    _timed({"day": st.sampled_from([*map(str, range(1, 29)), "last"])}).map(lambda declared: {**declared, "every": "monthly"}),
    st.fixed_dictionaries(
        {"calendar": st.sampled_from(["daily", "Mon..Fri *-*-* 22:30", "*-*-1,15 04:00:00", "quarterly"])},
        optional={"timezone": zone_names},
    ),
)

RULES = ("keep_last", "keep_hourly", "keep_daily", "keep_weekly", "keep_monthly", "keep_yearly", "keep_days")
retention_rules = st.dictionaries(st.sampled_from(RULES), st.integers(1, 12), min_size=1)
minimum_ages = st.fixed_dictionaries({}, optional={"minimum_age_days": st.integers(1, 400)})
retention_declarations = st.one_of(
    st.just({"forever": True}), st.builds(lambda rules, ages: {**rules, **ages}, retention_rules, minimum_ages)
)
retentions = st.one_of(
    st.just(Retention(forever=True)),
    st.builds(
        lambda rules, ages: Retention(**rules, **ages),
        retention_rules,
        minimum_ages,
    ),
)

names = st.lists(lines, max_size=4)
units = st.sampled_from(["OU=Sales,DC=example,DC=com", "ou=Süd\\, Ost,OU=Sales,DC=example,DC=com", "CN=Users,DC=example,DC=com"])
ways_to_name = {
    "users": names,
    "groups": names,
    "administrative_units": names,
    "user_filter": st.none() | st.sampled_from(["department eq 'Sales'", " not (employeeType eq 'contractor') "]) | lines,
    "on_premises_ous": st.lists(units, max_size=3),
}
leaver_policies = st.one_of(
    st.sampled_from(["keep_until_removed_by_hand", "keep_forever"]).map(lambda policy: {"policy": policy}),
    st.integers(1, 3_650).map(lambda days: {"policy": "expire_after_days", "days": days}),
)
paths = lines.map(lambda text: f"/{text}")
scan_policies = {
    "enabled": st.booleans(),
    "socket": st.sampled_from(["/run/clamd.scan/clamd.sock", "tcp://scanner.example.com:3310", "tcp://[::1]:3310"]),
    "on_infected": st.sampled_from(["keep_and_report", "fail_run"]),
    "on_unscannable": st.sampled_from(["keep_and_report", "fail_run"]),
    "on_scanner_down": st.sampled_from(["fail", "backup_unscanned"]),
    "size_limit_mb": st.integers(1, 4000),
}
scans = st.one_of(
    st.fixed_dictionaries({}, optional={**scan_policies, "engine": st.sampled_from(["auto", "clamav"])}),
    st.fixed_dictionaries({"engine": st.sampled_from(["auto", "yara"]), "rules": st.lists(paths, min_size=1)}, optional=scan_policies),
)
in_folders = st.fixed_dictionaries(
    {
        "title": lines,
        "groups": st.lists(lines, min_size=1, max_size=4),
        "backup_type": st.sampled_from(["mailbox", "onedrive"]),
        "repository": lines.map(lambda text: f"/{text}"),
    },
    optional={
        **{way: strategy for way, strategy in ways_to_name.items() if way != "groups"},
        "all_users": st.booleans(),
        "exclude": st.none() | st.fixed_dictionaries({}, optional=ways_to_name),
        "licensed_only": st.booleans(),
        "include_guests": st.booleans(),
        "leavers": st.none() | leaver_policies,
        "max_member_loss_percent": st.integers(0, 100),
        "name": st.from_regex(r"[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?", fullmatch=True),
        "schedule": st.none() | schedules,
        "retention": st.none() | retention_declarations,
        "encryption": st.fixed_dictionaries({}, optional={"enabled": st.booleans()}),
        "malware_scan": st.none() | scans,
    },
)
s3_declarations = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "endpoint": st.sampled_from(["https://s3.example.com", "http://[::1]:9000"]),
        "region": st.sampled_from(["eu-central-1", "auto"]),
        "path_style": st.none() | st.booleans(),
        "ca_bundle": lines.map(lambda text: f"/{text}"),
        "profile": lines,
    },
)
in_buckets = st.builds(
    lambda declaration, s3: {**declaration, "repository": "s3://bucket/prefix", "s3": s3},
    in_folders,
    s3_declarations,
)
of_drives = st.fixed_dictionaries({}, optional={"versions": st.none() | st.integers(0, 500), "permissions": st.none() | st.booleans()})
of_mailboxes = st.fixed_dictionaries(
    {},
    optional={
        "recoverable_items": st.booleans(),
        "archive_mailboxes": st.booleans(),
        "mailbox_kinds": st.none() | st.lists(st.sampled_from([kind.value for kind in MailboxKind]), min_size=1),
        "sources": st.none() | st.lists(st.sampled_from(MAILBOX_SOURCES), min_size=1),
    },
)
declarations = st.builds(
    lambda declaration, drives, mailboxes: {**declaration, **(drives if declaration["backup_type"] == "onedrive" else mailboxes)},
    in_folders | in_buckets,
    of_drives,
    of_mailboxes,
)
plans = declarations.map(plan_from_dict)

moments = st.datetimes(
    min_value=datetime.datetime(2024, 1, 1),  # noqa: DTZ001 - hypothesis adds the time zone
    max_value=datetime.datetime(2026, 12, 31),  # noqa: DTZ001
    timezones=st.just(datetime.timezone.utc),
)
members = st.frozensets(st.sampled_from(["alice", "bob", "carol", "dave"]))


@st.composite
def restore_points(draw: st.DrawFn) -> list[RestorePoint]:
    """Points with ids of their own, in any order; some close together, some years apart."""
    labels = st.lists(st.sampled_from(["case 1", "case 2"]), unique=True).map(tuple)
    drawn = draw(st.lists(st.tuples(moments, st.booleans(), members, labels), max_size=40, unique_by=lambda each: each[0]))
    start = draw(moments)
    burst = draw(st.integers(0, 30))
    step = draw(st.sampled_from([datetime.timedelta(minutes=20), datetime.timedelta(hours=5), datetime.timedelta(days=1)]))
    good = draw(members)
    close = [(start + step * number, draw(st.booleans()) and draw(st.booleans()), good, ()) for number in range(burst)]
    return [
        RestorePoint(snapshot_id=f"{number:064x}", time=time, is_checkpoint=is_checkpoint, last_good_of=last_good_of, holds=holds)
        for number, (time, is_checkpoint, last_good_of, holds) in enumerate([*drawn, *close])
    ]
