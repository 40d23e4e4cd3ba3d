# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Contact folders, contacts and their pictures (facts 7.2)."""

from __future__ import annotations

import typing as t

import pytest
from tenant_tests.support import IMMUTABLE, Client

if t.TYPE_CHECKING:
    from tenant.control import ControlClient

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(40)


def test_the_default_folder_is_in_no_list_and_has_an_alias(client: Client, control: ControlClient, adele: str) -> None:
    customers = control.add_contact_folder(adele, "Customers")
    north = control.add_contact_folder(adele, "North / Nord", customers)
    default = client.page(f"/users/{adele}/contactFolders/contacts")
    assert default["displayName"] == "Contacts"
    (listed,) = client.all(f"/users/{adele}/contactFolders")
    assert (listed["id"], listed["parentFolderId"]) == (customers, default["id"])
    assert [one["id"] for one in client.all(f"/users/{adele}/contactFolders/{customers}/childFolders")] == [north]
    entries, link = client.round(f"/users/{adele}/contactFolders/delta")
    assert [one["id"] for one in entries] == [customers, north]
    control.rename_contact_folder(adele, north, "North")
    control.delete_contact_folder(adele, customers)
    assert {(one["id"], "@removed" in one) for one in client.round(link)[0]} == {(customers, True), (north, True)}


def test_folders_are_made_once_under_a_name_and_the_default_one_stays(client: Client, adele: str) -> None:
    path = f"/users/{adele}/contactFolders"
    made = client.call("POST", path, {"displayName": "Team"})
    assert made.status == 201
    assert client.call("POST", path, {"displayName": "TEAM"}).code == "ErrorFolderExists"
    assert client.call("POST", f"{path}/{made.json()['id']}/childFolders", {"displayName": "Team"}).status == 201
    assert client.call("PATCH", f"{path}/{made.json()['id']}", {"displayName": "Crew"}).json()["displayName"] == "Crew"
    assert client.call("DELETE", f"{path}/contacts").code == "ErrorDeleteDistinguishedFolder"
    assert client.call("DELETE", f"{path}/{made.json()['id']}").status == 204


def test_a_contact_is_made_read_changed_and_deleted(client: Client, adele: str) -> None:
    wanted = {"givenName": "Zoë", "emailAddresses": [{"name": "Zoë", "address": "z@example.com"}], "categories": ["Red"]}
    made = client.call("POST", f"/users/{adele}/contacts", wanted, prefer=IMMUTABLE).json()
    assert wanted.items() <= made.items()
    path = f"/users/{adele}/contacts/{made['id']}"
    changed = client.call("PATCH", path, {"jobTitle": "CEO", "emailAddresses": []}).json()
    assert (changed["jobTitle"], changed["givenName"], changed["emailAddresses"]) == ("CEO", "Zoë", [])
    assert changed["changeKey"] != made["changeKey"]
    assert client.call("DELETE", path).status == 204
    assert client.get(path).code == "ErrorItemNotFound"


@pytest.mark.parametrize(
    "wanted", [{"@odata.etag": "x"}, {"shoeSize": 42}, {"emailAddresses": [{"address": f"{n}@example.com"} for n in "abcd"]}]
)
def test_what_a_contact_cannot_have_is_refused(client: Client, control: ControlClient, adele: str, wanted: dict[str, t.Any]) -> None:
    assert client.call("POST", f"/users/{adele}/contacts", wanted).status == 400
    assert control.contacts(adele) == []


def test_delta_tells_what_changes_in_a_folder_and_a_move_as_an_end_and_a_beginning(
    client: Client, control: ControlClient, adele: str
) -> None:
    customers = control.add_contact_folder(adele, "Customers")
    ids = [control.add_contact(adele, {"displayName": str(number)}) for number in range(5)]
    select = "?$select=id,changeKey,parentFolderId"
    entries, here = client.round(
        f"/users/{adele}/contactFolders/contacts/contacts/delta{select}", prefer=f"{IMMUTABLE}, odata.maxpagesize=2"
    )
    assert [one["id"] for one in entries] == ids
    assert set(entries[0]) == {"@odata.type", "@odata.etag", "id", "changeKey", "parentFolderId"}
    _none, there = client.round(f"/users/{adele}/contactFolders/{customers}/contacts/delta{select}", prefer=IMMUTABLE)
    control.move_contact(adele, ids[0], customers)
    control.update_contact(adele, ids[1], jobTitle="CEO")
    control.delete_contact(adele, ids[2])
    told = [(one["id"], "@removed" in one) for one in client.round(here, prefer=IMMUTABLE)[0]]
    assert told == [(ids[0], True), (ids[1], False), (ids[2], True)]
    assert [one["id"] for one in client.round(there, prefer=IMMUTABLE)[0]] == [ids[0]]


def test_a_picture_is_404_until_it_is_put(client: Client, control: ControlClient, adele: str) -> None:
    contact = control.add_contact(adele, {"displayName": "Bo"})
    path = f"/users/{adele}/contacts/{contact}/photo"
    assert [client.get(path).code, client.get(f"{path}/$value").code] == ["ErrorItemNotFound"] * 2
    assert client.call("PUT", f"{path}/$value", body=PICTURE, Content_Type="text/plain").status == 400
    _entries, link = client.round(f"/users/{adele}/contactFolders/contacts/contacts/delta")
    assert client.call("PUT", f"{path}/$value", body=PICTURE, Content_Type="image/png").status == 200
    assert len(client.round(link)[0]) == 1
    reply = client.get(f"{path}/$value")
    assert (reply.body, reply.headers["Content-Type"]) == (PICTURE, "image/png")
    control.set_contact_photo(adele, contact, None)
    assert client.get(f"{path}/$value").status == 404


def test_extended_properties_of_a_contact_come_when_expanded(client: Client, adele: str) -> None:
    name = "String {00020329-0000-0000-C000-000000000046} Name Mark"
    made = client.call(
        "POST", f"/users/{adele}/contacts", {"displayName": "Bo", "singleValueExtendedProperties": [{"id": name, "value": "1"}]}
    )
    client.call("PATCH", f"/users/{adele}/contacts/{made.json()['id']}", {"singleValueExtendedProperties": [{"id": name, "value": "2"}]})
    expand = f"$select=id&$expand=singleValueExtendedProperties($filter=id eq '{name}')".replace(" ", "%20")
    (contact,) = client.all(f"/users/{adele}/contacts?{expand}")
    assert contact["singleValueExtendedProperties"] == [{"id": name, "value": "2"}]
