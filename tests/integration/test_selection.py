# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom a selection means in a directory that changes, and what it costs to know."""

from __future__ import annotations

import pytest
from integration.graph_tenant import connected, new_user

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError, InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import AccessDenied
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.errors import SelectionError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import BackupType, MailboxKind, Selection, Selectors
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.resolve import resolve_selection
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.roster import KnownMember
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.selection import Resolution
from tenant.harness import RunningTenant
from tenant.tokens import DEFAULT_ROLES


@pytest.fixture(autouse=True)
def _clean(tenant: RunningTenant) -> None:
    tenant.control.reset()


def resolved(tenant: RunningTenant, selection: Selection, known: tuple[KnownMember, ...] | None = None, **more: BackupType) -> Resolution:
    with connected(tenant) as client:
        return resolve_selection(client, selection, more.get("backup_type", BackupType.MAILBOX), known=known)


def refused(tenant: RunningTenant, selection: Selection, known: tuple[KnownMember, ...] | None = None) -> BackupError:
    with pytest.raises(BackupError) as caught:
        resolved(tenant, selection, known)
    return caught.value


def known_members(resolution: Resolution) -> tuple[KnownMember, ...]:
    """As the newest restore point has them after a run."""
    return tuple(
        KnownMember(id=member.id, principal_name=member.principal_name, display_name=member.display_name, via=member.via)
        for member in resolution.members
    )


def short(principal_name: str) -> str:
    return principal_name.partition("@")[0]


def via(resolution: Resolution) -> dict[str, list[str]]:
    return {short(member.principal_name): [entry.partition("@")[0] for entry in member.via] for member in resolution.members}


def reasons(resolution: Resolution) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {short(one.principal_name): (one.reason.value, one.by) for one in resolution.left_out}


def test_each_way_to_choose_finds_its_people_and_each_way_to_exclude_wins_over_it(tenant: RunningTenant) -> None:
    control = tenant.control
    names = ("named", "grouped", "unit", "filtered", "off", "byname", "bygroup", "byunit", "nobody")
    ids = {name: new_user(tenant, name, department="Sales" if name in ("filtered", "off") else "Other") for name in names}
    ids["guest"] = new_user(tenant, "guest", user_type="Guest")
    for name, place in {"local": r"CN=L,OU=R\,D,OU=HQ,DC=x", "away": "CN=A,OU=Away,OU=HQ,DC=x"}.items():
        new_user(tenant, name, onPremisesDistinguishedName=place, onPremisesSyncEnabled=True)
    control.add_groups({"All": [ids[each] for each in ("grouped", "off", "byname", "bygroup", "byunit", "guest")], "Out": [ids["bygroup"]]})
    control.add_unit("West", members=[ids["unit"]])
    control.add_unit("East", members=[ids["byunit"]])
    selection = Selection(
        chosen=Selectors(
            users=(f"named@{tenant.domain}",),
            groups=("all",),
            administrative_units=("West",),
            user_filter="department eq 'Sales'",
            on_premises_ous=("ou=hq,dc=X",),
        ),
        excluded=Selectors(
            users=(ids["byname"],),
            groups=("Out",),
            administrative_units=("East",),
            user_filter="startsWith(userPrincipalName,'off') and userType ne 'Guest'",
            on_premises_ous=("OU=Away,OU=HQ,DC=x",),
        ),
    )
    resolution = resolved(tenant, selection)
    assert via(resolution) == {
        "filtered": ["user filter"],
        "grouped": ["group All"],
        "local": ["on-premises OU ou=hq,dc=X"],
        "named": ["user named"],
        "unit": ["administrative unit West"],
    }
    assert reasons(resolution) == {
        "away": ("excluded", ("on-premises OU OU=Away,OU=HQ,DC=x",)),
        "bygroup": ("excluded", ("group Out",)),
        "byname": ("excluded", (f"user byname@{tenant.domain}",)),
        "byunit": ("excluded", ("administrative unit East",)),
        "guest": ("guest", ()),
        "off": ("excluded", ("user filter",)),
    }
    assert [(entry.name, entry.users, entry.is_exclusion) for entry in resolution.entries if entry.id] == [
        ("All", 6, False),
        ("West", 1, False),
        ("Out", 1, True),
        ("East", 1, True),
    ]
    everybody = resolved(tenant, Selection(all_users=True, include_guests=True, excluded=selection.excluded))
    assert set(via(everybody)) == {"filtered", "grouped", "guest", "local", "named", "nobody", "unit"}
    assert everybody.warnings == ()


def test_shared_mailboxes_and_rooms_are_told_from_people_and_need_no_licence(tenant: RunningTenant) -> None:
    control = tenant.control
    for name, purpose in {"anna": None, "old": "user", "sales": "shared", "ulm": "room", "beamer": "equipment", "nobox": None}.items():
        new_user(tenant, name, account_enabled=name in ("anna", "old"), mailbox=name != "nobox")
        if name != "anna":
            control.take_licences(f"{name}@{tenant.domain}")
        if purpose:
            control.set_mailbox_settings(f"{name}@{tenant.domain}", user_purpose=purpose)
    with connected(tenant) as client:
        resolution = resolve_selection(client, Selection(all_users=True, licensed_only=True), BackupType.MAILBOX)
        assert client.traffic().requests["directory"] == 1 + 5
    assert {short(member.principal_name): (member.kind, member.is_blocked, member.is_licensed) for member in resolution.members} == {
        "anna": (MailboxKind.USER, False, True),
        "beamer": (MailboxKind.EQUIPMENT, True, False),
        "sales": (MailboxKind.SHARED, True, False),
        "ulm": (MailboxKind.ROOM, True, False),
    }
    assert reasons(resolution) == {"nobox": ("unlicensed", ()), "old": ("unlicensed", ())}
    rooms = Selection(all_users=True, mailbox_kinds=(MailboxKind.ROOM, MailboxKind.EQUIPMENT))
    assert set(via(resolved(tenant, rooms))) == {"beamer", "ulm"}
    people = resolved(tenant, Selection(all_users=True, mailbox_kinds=(MailboxKind.USER,)))
    assert {short(member.principal_name): member.kind for member in people.members} == {
        "anna": MailboxKind.USER,
        "nobox": None,
        "old": MailboxKind.USER,
    }
    drives = resolved(tenant, Selection(all_users=True, licensed_only=True), backup_type=BackupType.ONEDRIVE)
    assert [(short(member.principal_name), member.kind) for member in drives.members] == [("anna", None)]
    control.set_mailbox_state(f"ulm@{tenant.domain}", "unavailable")
    unwell = resolved(tenant, rooms)
    assert via(unwell).keys() == {"beamer", "ulm"}
    assert "of what kind 1 mailbox is, so each counts as a seat." in " ".join(unwell.warnings)
    tenant.control.set_roles(tenant.client_id, [role for role in DEFAULT_ROLES if not role.startswith("MailboxSettings.")])
    try:
        blind = resolved(tenant, Selection(all_users=True))
        error = refused(tenant, rooms)
    finally:
        tenant.control.set_roles(tenant.client_id, list(DEFAULT_ROLES))
    assert {member.kind for member in blind.members} == {MailboxKind.USER, None}
    assert "of what kind 5 mailboxes" in " ".join(blind.warnings)
    assert isinstance(error, AccessDenied)
    assert "MailboxSettings.Read" in str(error)


def test_a_declaration_is_refused_with_candidates_for_every_entry_that_is_unknown_or_ambiguous(tenant: RunningTenant) -> None:
    new_user(tenant, "anna", mail="office@x.example")
    new_user(tenant, "ben", mail="office@x.example")
    tenant.control.add_group("Sales")
    tenant.control.add_unit("West")
    tenant.control.add_unit("West")
    selectors = Selectors(users=(f"anne@{tenant.domain}", "office@x.example"), groups=("Salse",), administrative_units=("West", "Westen"))
    for selection in (Selection(chosen=selectors), Selection(all_users=True, excluded=selectors)):
        error = refused(tenant, selection)
        assert isinstance(error, SelectionError)
        problems = error.facts["problems"]
        assert [problem.partition(" (")[0] for problem in problems] == [  # type: ignore[attr-defined]
            f"The directory has no user 'anne@{tenant.domain}'. Did you mean anna@{tenant.domain}",
            f"The user 'office@x.example' is ambiguous: it means anna@{tenant.domain}",
            "The directory has no group 'Salse'. Did you mean Sales",
            "The administrative unit 'West' is ambiguous: it means West",
            "The directory has no administrative unit 'Westen'. Did you mean West",
        ]


def test_a_filter_an_ou_and_a_permission_that_do_not_work_are_named(tenant: RunningTenant) -> None:
    new_user(tenant, "anna")
    tenant.control.add_unit("West")
    error = refused(tenant, Selection(chosen=Selectors(user_filter="departmnt eq 'Sales'")))
    assert isinstance(error, InputError)
    assert "user_filter" in str(error)
    assert "departmnt" in str(error)
    assert "on-premises OU 'OU=Sales,' must be" in str(refused(tenant, Selection(chosen=Selectors(on_premises_ous=("OU=Sales,",)))))
    tenant.control.set_roles(
        tenant.client_id, [role for role in DEFAULT_ROLES if not role.startswith(("AdministrativeUnit.", "Directory."))]
    )
    try:
        for known in (None, ()):
            error = refused(tenant, Selection(all_users=True, excluded=Selectors(administrative_units=("West",))), known)
            assert isinstance(error, AccessDenied)
            assert "AdministrativeUnit.Read.All" in str(error)
    finally:
        tenant.control.set_roles(tenant.client_id, list(DEFAULT_ROLES))


def test_a_run_goes_on_when_what_was_declared_is_called_otherwise_or_is_gone(tenant: RunningTenant) -> None:
    control = tenant.control
    ids = {name: new_user(tenant, name) for name in ("anna", "ben", "carl", "dora", "emil", "fay")}
    control.add_groups({"Sales": [ids["ben"], ids["carl"]], "Out": [ids["emil"]]})
    west = control.add_unit("West", members=[ids["dora"]])
    selection = Selection(
        chosen=Selectors(
            users=tuple(f"{name}@{tenant.domain}" for name in ("anna", "fay")), groups=("sales",), administrative_units=("West",)
        ),
        excluded=Selectors(users=(f"emil@{tenant.domain}",), groups=("Out",)),
    )
    before = resolved(tenant, selection)
    assert set(via(before)) == {"anna", "ben", "carl", "dora", "fay"}
    control.update_user(ids["anna"], userPrincipalName=f"anna.new@{tenant.domain}", mail=f"anna.new@{tenant.domain}")
    control.rename_group("Sales", "Commerce")
    control.remove_unit(west)
    control.remove_group("Out")
    for name in ("carl", "emil", "fay"):
        control.remove_user(ids[name])
    after = resolved(tenant, selection, known_members(before))
    assert via(after) == {"anna.new": ["user anna"], "ben": ["group Sales"], "dora": ["administrative unit West"]}
    assert len(after.unresolved) == 4
    said = " ".join(after.unresolved)
    for expected in (f"no user 'fay@{tenant.domain}'", "no group 'sales'", "no administrative unit 'West'", "no group 'Out'"):
        assert expected in said
    assert "Those 2 whom the newest restore point has through it stay members" in said
    assert f"The user 'anna@{tenant.domain}' is called 'anna.new@{tenant.domain}' now" in " ".join(after.warnings)
    assert f"no user 'emil@{tenant.domain}'" in " ".join(after.warnings)
    assert via(resolved(tenant, selection, known_members(after))) == via(after)
    assert "no group 'sales'" in str(refused(tenant, selection))


def test_ten_thousand_people_in_five_hundred_groups_cost_two_requests_a_group_and_stay_inside_the_budget(tenant: RunningTenant) -> None:
    people = tenant.control.add_people(10_000)
    tenant.control.add_groups({f"Team {n}": [people[(200 * n + 7 * i) % 10_000] for i in range(200)] for n in range(500)})
    groups = tuple(f"Team {n}" for n in range(500))
    with connected(tenant) as client:
        resolution = resolve_selection(
            client, Selection(chosen=Selectors(groups=groups), excluded=Selectors(groups=groups[:1])), BackupType.MAILBOX
        )
        assert client.traffic().requests["directory"] == 2 * 501
    assert len(resolution.members) == 9_800
    assert len(resolution.left_out) == 200
    assert {len(member.via) for member in resolution.members} == {10}
    with connected(tenant) as client:
        names = Selectors(users=tuple(f"person{n:05}@{tenant.domain}" for n in range(70)))
        assert len(resolve_selection(client, Selection(chosen=names), BackupType.MAILBOX).members) == 70
        assert client.traffic().requests["directory"] == 10
    with connected(tenant) as client:
        assert len(resolve_selection(client, Selection(all_users=True), BackupType.MAILBOX).members) == 10_000
        assert client.traffic().requests["directory"] == 11
    assert tenant.control.stats()["throttled"] == 0
