# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an administrator sees of the directory before a plan is declared."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.tests.integration.playbook import Playbook
from tenant.harness import RunningTenant

MODULE = "m365_directory_info"


def test_a_preview_says_who_is_a_member_and_why_others_are_not_and_changes_nothing(tenant: RunningTenant, tmp_path: Path) -> None:
    control, playbook = tenant.control, Playbook(tenant=tenant, folder=tmp_path)
    control.reset()
    people = {name: control.add_user(f"{name}@{tenant.domain}", display_name=name.capitalize()) for name in ("alice", "bob", "carol")}
    room = control.add_user(f"room@{tenant.domain}", display_name="Room", account_enabled=False)
    control.set_mailbox_settings(f"room@{tenant.domain}", user_purpose="room")
    guest = control.add_user(f"gil#EXT#@{tenant.domain}", display_name="Gil", user_type="Guest", mailbox=False)
    group = control.add_group("Sales", kind="microsoft365")
    for member in (people["bob"], people["carol"], room, guest):
        control.add_member("Sales", member)
    users = tmp_path / "users.csv"
    users.write_bytes(f"Display name;User principal name\nAlice;alice@{tenant.domain}\n".encode("utf-16"))
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("upn\nalice\n", encoding="utf-8")

    chosen: dict[str, t.Any] = {"users_csv": str(users), "groups": ["sales"], "exclude": {"users": [people["carol"]]}}
    shown, checked, file_wrong, nobody, unknown, wrong_type, no_file = playbook.run(
        playbook.task(MODULE, **chosen),
        playbook.task(MODULE, check_mode=True, diff=True, **chosen),
        playbook.task(MODULE, users_csv=str(wrong)),
        playbook.task(MODULE),
        playbook.task(MODULE, groups=["sales"], exclude={"groups": ["Interns"]}),
        playbook.task(MODULE, groups=["sales"], mailbox_kinds=["room"], backup_type="onedrive"),
        playbook.task(MODULE, groups=["sales"], users_csv_column="upn"),
    ).answers
    assert not shown["changed"]
    assert {key: value for key, value in checked.items() if key != "diff"} == shown
    assert [(member["display_name"], member["via"], member["kind"], member["is_blocked"]) for member in shown["members"]] == [
        ("Alice", [f"user alice@{tenant.domain}"], "user", False),
        ("Bob", ["group Sales"], "user", False),
        ("Room", ["group Sales"], "room", True),
    ]
    assert [(one["display_name"], one["reason"], one["by"]) for one in shown["left_out"]] == [
        ("Carol", "excluded", [f"user carol@{tenant.domain}"]),
        ("Gil", "guest", []),
    ]
    [entry] = shown["entries"]
    assert (entry["id"], entry["users"], entry["group_kind"], entry["is_dynamic"]) == (group, 4, "microsoft_365", False)
    assert shown["seats"] == {"used": 2, "free": 1}
    assert shown["msg"] == "The selection covers 3 members, who use 2 seats. 2 users who are chosen are left out (1 excluded, 1 as guests)."
    assert any("1 guest of group 'Sales' is left out" in warning for warning in shown["warnings"])
    assert (
        f"The file {wrong} of option users_csv has no sign-in name, mail address or object id of a user in line 2 ('alice')"
        in file_wrong["msg"]
    )
    assert "names nobody" in nobody["msg"]
    assert unknown["problems"] == ["The directory has no group 'Interns', and none with a similar name."]
    assert "mailbox_kinds can only be given with backup_type: mailbox" in wrong_type["msg"]
    assert "users_csv" in no_file["msg"]
    assert not playbook.state_path.exists()
