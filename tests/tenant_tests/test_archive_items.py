# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The import/export API: items and their deletion (facts 8.4, 14.42, 46, 52, 53)."""

from __future__ import annotations

import typing as t

import pytest
from tenant_tests.archive_support import BETA, MAIL, V1

if t.TYPE_CHECKING:
    from tenant_tests.archive_support import Archive
    from tenant_tests.support import Client

    from tenant.control import ControlClient


def test_an_item_has_eight_properties_and_an_id_of_its_own(client: Client, control: ControlClient, box: Archive) -> None:
    item = box.items()[0]
    assert set(item) == {
        "@odata.type", "@odata.etag", "id", "createdDateTime", "lastModifiedDateTime", "changeKey", "categories", "type", "size"
    }  # fmt: skip
    message = control.deliver(box.user, "inbox", b"Subject: Here\r\n\r\n")
    (known,) = control.exchange_items(box.primary, "inbox")
    rest_id = control.messages(box.user, "inbox")[0]["rest_id"]
    assert (known["message_id"], known["subject"]) == (message, "Here")
    assert len({known["id"], message, rest_id}) == 3
    assert client.page(f"{V1}{box.primary}/folders/inbox/items/{known['id']}")["type"] == "IPM.Note"


def test_extended_properties_come_under_normalised_ids(box: Archive) -> None:
    wanted = (
        "id eq 'String 0x0037' or id eq 'SystemTime 0x0E06' or id eq 'Integer 0x0E07' or id eq 'String 0x1000' or id eq 'String 0x8888'"
    )
    item = box.items(expand=f"singleValueExtendedProperties($filter={wanted})", select="id")[0]
    assert item["singleValueExtendedProperties"] == [
        {"id": "String 0x37", "value": "Mail 0"},
        {"id": "SystemTime 0xe06", "value": "2026-03-01T10:00:00Z"},
        {"id": "Integer 0xe07", "value": "0"},
        {"id": "String 0x1000", "value": "Hello\r\n"},
    ]


def test_items_of_every_kind_lie_in_folders_of_their_type(control: ControlClient, box: Archive) -> None:
    control.create_exchange_folder(box.archive, "People", folder_type="IPF.Contact")
    control.add_item(box.archive, "People", "contact", "Ada Lovelace", company="Analytical Engines")
    control.add_item(box.archive, "People", "distribution_list", "Team", members=["a@example.com"])
    control.add_item(box.primary, "calendar", "appointment", "Lunch", location="Garden", moment="2026-05-04T12:00:00Z")
    wanted = "id eq 'String {00062002-0000-0000-C000-000000000046} Id 0x8208'"
    (lunch,) = box.items("Calendar", box.primary, expand=f"singleValueExtendedProperties($filter={wanted})")
    assert lunch["type"] == "IPM.Appointment"
    assert lunch["singleValueExtendedProperties"] == [{"id": "String {00062002-0000-0000-c000-000000000046} Id 0x8208", "value": "Garden"}]
    assert [item["type"] for item in box.items("People", filter="type eq 'IPM.DistList'")] == ["IPM.DistList"]
    assert box.client.all(f"/users/{box.user}/mailFolders/inbox/messages") == []


def test_items_come_by_ten_unless_asked_and_in_the_order_asked(control: ControlClient, box: Archive) -> None:
    control.deliver_generated(box.archive, 25, folder="Old mail")
    page = box.client.page(box.items_link(count="true"))
    assert (len(page["value"]), page["@odata.count"]) == (10, 28)
    assert len({item["id"] for item in box.items()}) == 28
    assert len(box.client.page(box.items_link(top="1000"))["value"]) == 28
    dates = [item["createdDateTime"] for item in box.items(orderby="createdDateTime desc", top="7")]
    assert dates == sorted(dates, reverse=True)


def test_filters_see_fractions_of_seconds_that_answers_do_not_show(control: ControlClient, box: Archive) -> None:
    newest = max(item["lastModifiedDateTime"] for item in box.items())
    assert newest == "2026-03-03T10:00:00Z"
    assert len(box.items(filter=f"lastModifiedDateTime gt {newest}")) == 1  # the item that gave this very time
    assert box.items(filter="lastModifiedDateTime gt 2026-03-03T10:00:01Z") == []
    assert len(box.items(filter="lastModifiedDateTime ge 2026-03-02T10:00:00.0000001Z")) == 2
    assert box.client.get(box.items_link(filter="lastModifiedDateTime gt yesterday")).status == 400
    assert box.client.get(box.items_link(filter="subject eq 'x'")).status == 400


def test_a_read_mark_moves_the_change_key_only_and_a_change_moves_both(control: ControlClient, box: Archive) -> None:
    first, second, _third = box.items()
    known = {item["id"]: item["message_id"] for item in control.exchange_items(box.archive)}
    control.update(box.archive, known[first["id"]], is_read=True)
    control.update(box.archive, known[second["id"]], categories=["Red"])
    read, changed, _third = box.items()
    assert (read["lastModifiedDateTime"], read["id"]) == (first["lastModifiedDateTime"], first["id"])
    assert read["changeKey"] != first["changeKey"]
    assert changed["lastModifiedDateTime"] > second["lastModifiedDateTime"]
    assert changed["categories"] == ["Red"]


def test_item_delta_of_an_archive_breaks_off_until_it_is_repaired(client: Client, control: ControlClient, box: Archive) -> None:
    reply = client.get(box.items_link() + "/delta")
    assert (reply.status, reply.body[-9:]) == (200, b'"value":[')
    control.settings(archive_delta_broken=False)
    entries, link = client.round(box.items_link() + "/delta", prefer="odata.maxpagesize=2")
    assert [entry["id"] for entry in entries] == [item["id"] for item in box.items()]
    numbers = [item["message_id"] for item in control.exchange_items(box.archive)]
    control.update(box.archive, numbers[0], is_read=True)
    control.delete(box.archive, numbers[1])
    control.move(box.archive, numbers[2], "archivedeleteditems")
    control.move(box.archive, numbers[2], "Old mail")
    changes, link = client.round(link, prefer="odata.maxpagesize=1")
    told = [(entry["id"], "@removed" in entry) for entry in changes]
    here = [item["id"] for item in box.items()]
    assert told == [(here[0], False), (entries[1]["id"], True), (entries[2]["id"], True), (here[1], False)]
    assert client.round(link)[0] == []
    assert client.get(box.items_link() + "/delta?$select=id").status == 400


def test_item_delta_of_the_primary_takes_a_selection_in_v1(client: Client, control: ControlClient, box: Archive) -> None:
    control.deliver(box.user, "inbox", b"Subject: Here\r\n\r\n")
    (entry,), _link = client.round(f"{V1}{box.primary}/folders/inbox/items/delta?$select=size")
    assert set(entry) == {"@odata.type", "@odata.etag", "id", "size"}


def test_sizes_in_lists_may_be_far_from_the_truth(control: ControlClient, box: Archive) -> None:
    control.deliver(box.archive, "Old mail", b"Subject: Big\r\n\r\n" + b"x" * 90_000)
    before = box.items()[-1]
    control.settings(reported_size_share=1 / 30)
    assert (before["size"] > 90_000, box.items()[-1]["size"] < 3100) == (True, True)
    assert len(box.exported(before["id"])) > 180_000


# Deletion


def test_a_soft_deletion_goes_to_the_recoverable_items(client: Client, control: ControlClient, box: Archive) -> None:
    control.deliver(box.user, "inbox", b"Subject: Away\r\n\r\n")
    (item,) = client.all(f"{V1}{box.primary}/folders/inbox/items")
    assert client.call("DELETE", f"{V1}{box.primary}/folders/inbox/items/{item['id']}?disposalType=softDelete").status == 204
    assert client.all(f"{V1}{box.primary}/folders/inbox/items") == []
    (kept,) = client.all(f"{V1}{box.primary}/folders/recoverableitemsdeletions/items")
    assert client.call("DELETE", f"{V1}{box.primary}/folders/inbox/items/{kept['id']}").code == "ErrorItemNotFound"
    gone = client.call("DELETE", f"{V1}{box.primary}/folders/recoverableitemsdeletions/items/{kept['id']}?disposalType=hardDelete")
    assert (gone.status, control.messages(box.user)) == (204, [])


def test_what_is_on_hold_is_not_deleted_for_good(client: Client, control: ControlClient, box: Archive) -> None:
    first, second, _third = [f"{BETA}{box.archive}/folders/{box.folder()}/items/{item['id']}" for item in box.items()]
    control.hold(box.archive, [box.items()[0]["id"]])
    assert client.call("DELETE", f"{first}?disposalType=hardDelete").status == 403
    assert client.call("DELETE", f"{second}?disposalType=hardDelete").status == 204
    control.hold(box.archive)
    assert (
        client.call("DELETE", f"{BETA}{box.archive}/folders/{box.folder()}/items/{box.items()[1]['id']}?disposalType=hardDelete").status
        == 403
    )
    assert client.call("DELETE", f"{first}?disposalType=softDelete").status == 204
    assert client.call("DELETE", f"{first}?disposalType=shred").status == 404


def test_a_search_folder_shows_what_lies_elsewhere(control: ControlClient, box: Archive) -> None:
    control.create_folder(box.archive, "Unread", search=True)
    control.update(box.archive, control.exchange_items(box.archive)[0]["message_id"], is_read=True)
    kind = "singleValueExtendedProperties($filter=id eq 'Integer 0x3601')"
    folders = box.client.all(f"{BETA}{box.archive}/folders?$expand={kind.replace(' ', '%20')}")
    kinds = {folder["displayName"]: folder["singleValueExtendedProperties"][0] for folder in folders}
    assert (kinds["Unread"], kinds["Old mail"]["value"]) == ({"id": "Integer 0x3601", "value": "2"}, "1")
    assert [item["id"] for item in box.items("Unread")] == [item["id"] for item in box.items()[1:]]
    assert next(folder["totalItemCount"] for folder in folders if folder["displayName"] == "Unread") == 2


@pytest.mark.parametrize("leaves_in_the_round", [False, True])
def test_who_follows_item_delta_knows_what_is_there_even_when_items_go_and_return_between_pages(
    client: Client, control: ControlClient, box: Archive, leaves_in_the_round: bool
) -> None:
    control.settings(archive_delta_broken=False)
    entries, link = client.round(box.items_link() + "/delta")
    known = {entry["id"] for entry in entries}
    traveller = control.exchange_items(box.archive, "Old mail")[0]["message_id"]
    control.deliver(box.archive, "Old mail", MAIL % b"First of the round")
    control.update(box.archive, traveller, is_read=True)
    if leaves_in_the_round:
        control.move(box.archive, traveller, "Deleted Items")
    page = client.page(link, prefer="odata.maxpagesize=1")
    if not leaves_in_the_round:
        control.move(box.archive, traveller, "Deleted Items")
    control.move(box.archive, traveller, "Old mail")
    known |= {entry["id"] for entry in page["value"]}
    link = page["@odata.nextLink"]
    for _round in range(2):
        entries, link = client.round(link, prefer="odata.maxpagesize=1")
        for entry in entries:
            (known.discard if "@removed" in entry else known.add)(entry["id"])
        if not leaves_in_the_round:
            control.move(box.archive, traveller, "Deleted Items")
    assert known == {item["id"] for item in box.items()}
