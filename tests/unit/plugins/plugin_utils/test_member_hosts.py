# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.tenantvault.m365_backup.plugins.plugin_utils._member_hosts import MemberHost, member_hosts

Facts = dict[str, t.Any]


def person(key: str, name: str | None = None, **facts: t.Any) -> Facts:
    name = name or f"{key}@x.example"
    return {"id": key, "principal_name": name, "display_name": key, "kind": None, "is_protected": True, "problems": [], **facts}


def plan(name: str, *members: Facts, former: t.Sequence[Facts] = (), time: str | None = "2026-05-17T08:00:00+02:00") -> Facts:
    point = None if time is None else {"time": time}
    return {
        "name": name,
        "title": name.title(),
        "backup_type": "mailbox",
        "restore_point": point,
        "members": members,
        "former": [{key: value for key, value in each.items() if key != "is_protected"} for each in former],
    }


def hosts(*plans: Facts) -> dict[str, MemberHost]:
    return {host.name: host for host in member_hosts(plans)}


def test_a_person_in_several_plans_is_one_host_that_is_protected_when_all_of_them_say_so() -> None:
    anna = hosts(plan("mail", person("anna")), plan("files-eu", person("anna", is_protected=False, problems=["too_old"])))["anna@x.example"]
    assert anna.groups == ("m365_members", "m365_plan_mail", "m365_plan_files_eu", "m365_unprotected")
    assert anna.variables["m365_is_protected"] is False
    assert {name: facts["problems"] for name, facts in anna.variables["m365_plans"].items()} == {"mail": [], "files-eu": ["too_old"]}


def test_who_left_one_plan_is_still_a_member_of_the_other() -> None:
    both = hosts(plan("mail", former=[person("anna"), person("ben")]), plan("files", person("anna", kind="shared")))
    anna, ben = both["anna@x.example"], both["ben@x.example"]
    assert anna.groups == ("m365_members", "m365_former_of_mail", "m365_plan_files", "m365_kind_shared", "m365_protected")
    assert (anna.variables["m365_status"], anna.variables["m365_kind"]) == ("member", "shared")
    assert ben.groups == ("m365_members", "m365_former_of_mail", "m365_former")
    assert (ben.variables["m365_status"], ben.variables["m365_is_protected"]) == ("former", None)


def test_a_person_is_called_as_the_newest_restore_point_says() -> None:
    older = plan("mail", person("anna", "anna@x.example"), time="2026-05-17T08:00:00+02:00")
    newer = plan("files", person("anna", "anna.moon@x.example"), time="2026-05-17T07:00:00+00:00")
    never = plan("never", time=None)
    assert list(hosts(older, newer, never)) == ["anna.moon@x.example"]
    assert list(hosts(plan("mail", former=[person("anna", "old")], time="2027-01-01T00:00:00+00:00"), older)) == ["anna@x.example"]


def test_namesakes_are_hosts_of_their_own_and_the_one_who_did_not_leave_keeps_the_name() -> None:
    returned = hosts(plan("mail", person("2", "anna@x.example"), former=[person("1", "Anna@x.example")]))
    assert {name: host.variables["m365_member_id"] for name, host in returned.items()} == {"anna@x.example": "2", "Anna@x.example~1": "1"}
    assert list(hosts(plan("mail", former=[person("1", "anna"), person("2", "anna")]))) == ["anna~1", "anna~2"]
    assert list(hosts(plan("mail", person("1", "anna")), plan("files", person("2", "anna")))) == ["anna~1", "anna~2"]
