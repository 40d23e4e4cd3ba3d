# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sharing: invitations, links, roles, and who would get mail of it (facts A7, H.30, 54)."""

from __future__ import annotations

import typing as t

import pytest

if t.TYPE_CHECKING:
    from tenant_tests.support import Client, Reply

    from tenant.control import ControlClient

SHARING = "hierarchicalsharing,deltashowremovedasdeleted,deltatraversepermissiongaps,deltashowsharingchanges"


class Shared:
    """A folder and a file below it."""

    def __init__(self, client: Client, control: ControlClient, user: str) -> None:
        self.client = client
        self.control = control
        self.user = user
        self.drive = f"/drives/{control.create_drive(user)}"
        self.folder = f"{self.drive}/items/{control.make_folder(user, '/Plans')}"
        self.file = f"{self.drive}/items/{control.put_file(user, '/Plans/a.txt', b'a')}"

    def invite(self, place: str, *recipients: dict[str, str], roles: tuple[str, ...] = ("read",), **options: t.Any) -> Reply:
        body = {"recipients": list(recipients), "roles": list(roles), "requireSignIn": True, "sendInvitation": False, **options}
        return self.client.call("POST", f"{place}/invite", body)

    def link(self, place: str, kind: str = "view", scope: str = "organization", version: str = "v1.0", **options: t.Any) -> Reply:
        url = f"https://graph.microsoft.com/{version}{place}/createLink"
        return self.client.call("POST", url, {"type": kind, "scope": scope, **options})

    def permissions(self, place: str) -> list[dict[str, t.Any]]:
        return self.client.all(f"{place}/permissions")


@pytest.fixture
def shared(client: Client, control: ControlClient, adele: str) -> Shared:
    control.add_user("bruno@contoso.com", display_name="Bruno")
    return Shared(client, control, adele)


def test_an_invitation_gives_a_permission_and_sends_no_mail_if_told_so(shared: Shared) -> None:
    (given,) = shared.invite(shared.file, {"email": "bruno@contoso.com"}).json()["value"]
    assert (given["roles"], given["grantedToV2"]["user"]["displayName"]) == (["read"], "Bruno")
    (again,) = shared.invite(shared.file, {"objectId": given["grantedToV2"]["user"]["id"]}, roles=("write",)).json()["value"]
    assert (again["id"], again["roles"]) == (given["id"], ["write"])
    assert [one["id"] for one in shared.permissions(shared.file)] == [given["id"], "owner"]
    assert shared.control.stats()["sharing_mails_sent"] == 0
    shared.invite(shared.file, {"alias": "bruno@contoso.com"}, sendInvitation=True)
    assert shared.control.outgoing()[-1]["to"] == "bruno@contoso.com"
    assert shared.control.stats()["mails_sent"] == 1


def test_a_permission_that_people_gave_gets_the_new_role(shared: Shared) -> None:
    bruno = shared.client.get("/users/bruno@contoso.com").json()["id"]
    given = shared.control.share_item(shared.user, "/Plans/a.txt", {"roles": ["read"], "grantedToV2": {"user": {"id": bruno}}})
    (told,) = shared.invite(shared.file, {"objectId": bruno}, roles=("write",)).json()["value"]
    assert (told["id"], told["roles"]) == (given, ["write"])


def test_groups_can_be_invited_and_strangers_cannot(shared: Shared) -> None:
    group = shared.control.add_group("Sales", mail="sales@contoso.com", kind="microsoft365")
    (given,) = shared.invite(shared.file, {"email": "sales@contoso.com"}).json()["value"]
    assert given["grantedToV2"]["group"]["id"] == group
    for recipient in ({"email": "x@elsewhere.org"}, {"objectId": "00000000-0000-0000-0000-000000000000"}, {}):
        refused = shared.invite(shared.file, recipient)
        assert (refused.status, refused.code) == (400, "noResolvedUsers")
    shared.control.settings(drive_unresolved_code="invalidRequest")
    assert shared.invite(shared.file, {"email": "x@elsewhere.org"}).error["message"] == "One or more users could not be resolved"
    assert shared.invite(shared.file).status == shared.invite(shared.file, {"email": "bruno@contoso.com"}, roles=()).status == 400


def test_sharing_can_be_off(shared: Shared) -> None:
    for status in (403, 400):
        shared.control.settings(drive_sharing_refusal=status)
        refused = shared.invite(shared.file, {"email": "bruno@contoso.com"})
        assert (refused.status, refused.error["innerError"]["code"]) == (status, "sharingDisabled")
        assert shared.link(shared.file).status == status
    shared.control.settings(drive_sharing_refusal=None, drive_anonymous_links=False)
    assert shared.link(shared.file, scope="anonymous").status == 403


def test_a_link_is_made_once(shared: Shared) -> None:
    first, second = shared.link(shared.file), shared.link(shared.file)
    assert (first.status, second.status, first.json()["id"]) == (201, 200, second.json()["id"])
    assert first.json()["link"]["webUrl"].startswith("https://contoso-my.sharepoint.com/")
    assert shared.link(shared.file, kind="edit").json()["roles"] == ["write"]
    assert shared.link(shared.file, kind="other").status == 400
    assert shared.link(shared.file, password="secret").status == 400
    assert shared.client.get(shared.file).json()["shared"]["scope"] == "organization"


def test_beta_says_whom_a_link_is_for(shared: Shared) -> None:
    people = [{"email": "bruno@contoso.com"}]
    told = shared.link(shared.file, scope="users", version="beta", recipients=people, sendNotification=False).json()
    assert [one["user"]["displayName"] for one in told["grantedToIdentitiesV2"]] == ["Bruno"]
    assert shared.control.stats()["mails_sent"] == 0


def test_roles_are_changed_where_they_were_given(shared: Shared) -> None:
    (given,) = shared.invite(shared.folder, {"email": "bruno@contoso.com"}).json()["value"]
    inherited = f"{shared.file}/permissions/{given['id']}"
    own = f"{shared.folder}/permissions/{given['id']}"
    assert [shared.client.call("PATCH", place, {"roles": ["write"]}).status for place in (inherited, own)] == [403, 200]
    assert shared.client.call("PATCH", own, {"roles": ["write"], "expirationDateTime": "2030-01-01"}).status == 400
    assert shared.client.get(inherited).json()["roles"] == ["write"]
    owner = shared.client.call("DELETE", f"{shared.folder}/permissions/owner")
    assert [owner.status, shared.client.call("DELETE", inherited).status, shared.client.call("DELETE", own).status] == [403, 403, 204]
    assert [shared.client.call("DELETE", own).status, len(shared.permissions(shared.file))] == [404, 1]


def test_a_change_of_permissions_is_told_to_those_who_ask(shared: Shared) -> None:
    entries, link = shared.client.round(f"{shared.drive}/root/delta", prefer=SHARING)
    shared.invite(shared.file, {"email": "bruno@contoso.com"})
    assert [one["name"] for one in shared.client.round(link)[0]] == ["root"]
    told = {one["name"]: one for one in shared.client.round(link, prefer=SHARING)[0]}
    assert (told["a.txt"]["@microsoft.graph.sharedChanged"], told["a.txt"]["shared"]["scope"], len(entries)) == ("True", "users", 3)


def test_an_invitation_costs_five_units(shared: Shared) -> None:
    shared.control.reset_log()
    shared.invite(shared.file, {"email": "bruno@contoso.com"})
    assert shared.control.stats()["units_by_operation"] == {"drive_invite": 5}
