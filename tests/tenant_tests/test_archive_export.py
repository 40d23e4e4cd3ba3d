# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""exportItems: streams, errors of single items, items that are silently missing (facts 8.5, 14.42, 44-46)."""

from __future__ import annotations

import base64
import typing as t

import pytest
from tenant_tests.archive_support import BETA, MAIL, V1

from tenant import fts
from tenant.fts_format import FtsError

if t.TYPE_CHECKING:
    from tenant_tests.archive_support import Archive
    from tenant_tests.support import Client

    from tenant.control import ControlClient


def ids_of(box: Archive) -> list[str]:
    return [item["id"] for item in box.items()]


def test_items_are_exported_under_v1_from_archives_too(box: Archive) -> None:
    listed = box.items()
    reply = box.export([item["id"] for item in listed])
    value = reply.json()["value"]
    assert reply.status == 200
    assert [(entry["itemId"], entry["changeKey"]) for entry in value] == [(item["id"], item["changeKey"]) for item in listed]
    messages = [fts.read_stream(base64.b64decode(entry["data"])) for entry in value]
    assert [message.text(fts.SUBJECT) for message in messages] == ["Mail 0", "Mail 1", "Mail 2"]
    assert messages[0].text(fts.SENDER_SMTP) == "bob@example.com"
    assert [recipient[fts.SMTP_ADDRESS] for recipient in messages[0].recipients] == ["adele.vance@contoso.com"]


def test_the_same_item_gives_the_same_bytes_until_it_changes(control: ControlClient, box: Archive) -> None:
    control.deliver_generated(box.archive, 5, folder="Old mail", seed=7)
    item = box.items()[-1]
    first = box.exported(item["id"])
    assert box.exported(item["id"]) == first == control.stream(box.archive, item["id"])
    control.update(box.archive, control.exchange_items(box.archive)[-1]["message_id"], is_read=True, flagged=True, categories=["Red"])
    changed = box.message(item["id"])
    assert (changed.number(fts.MESSAGE_FLAGS) & fts.READ, changed.number(fts.FLAG_STATUS)) == (fts.READ, fts.FLAGGED)
    assert changed.properties[fts.KEYWORDS] == ["Red"]


def test_one_to_twenty_ids_are_taken(box: Archive) -> None:
    item = ids_of(box)[0]
    assert len(box.export([item] * 20).json()["value"]) == 20
    assert [box.export(ids).status for ids in ([item] * 21, [])] == [400, 400]


def test_an_item_that_is_not_there_fails_alone(control: ControlClient, box: Archive) -> None:
    first, second, third = ids_of(box)
    control.deliver(box.user, "inbox", MAIL % b"Elsewhere")
    (elsewhere,) = [item["id"] for item in control.exchange_items(box.primary)]
    control.delete(box.archive, control.exchange_items(box.archive)[1]["message_id"])
    value = box.export([first, second, third, elsewhere, "nonsense"]).json()["value"]
    assert ["data" in entry for entry in value] == [True, False, True, False, False]
    assert [entry["error"]["code"] for entry in value if "error" in entry] == [
        "ErrorItemNotFound",
        "ErrorInvalidIdMalformed",
        "ErrorInvalidIdMalformed",
    ]


def test_items_fail_in_either_spelling(control: ControlClient, box: Archive) -> None:
    first, second, third = ids_of(box)
    control.arm({"name": "export_item_error", "mailbox": box.archive, "items": [second], "times": None})
    control.arm({"name": "export_item_error", "mailbox": box.archive, "items": [third], "code": "ErrorItemNotFound", "spelling": "Error"})
    value = box.export([first, second, third]).json()["value"]
    assert "data" in value[0]
    assert (value[1]["error"]["code"], value[2]["Error"]["code"]) == ("ErrorCorruptData", "ErrorItemNotFound")
    control.settings(export_error_spelling="Error")
    assert box.export([second]).json()["value"][0]["Error"]["code"] == "ErrorCorruptData"
    assert "data" in box.export([third]).json()["value"][0]


def test_items_of_large_groups_may_be_missing_without_a_word(control: ControlClient, box: Archive) -> None:
    ids = ids_of(box)
    control.arm({"name": "export_item_missing", "mailbox": box.archive, "over": 2})
    assert [entry["itemId"] for entry in box.export(ids[:2]).json()["value"]] == ids[:2]
    assert [entry["itemId"] for entry in box.export(ids).json()["value"]] == ids[:2]
    control.arm({"name": "export_item_missing", "mailbox": box.archive, "count": "all"})
    assert box.export(ids).json()["value"] == []
    control.arm({"name": "export_item_missing", "mailbox": box.archive, "items": ids[:1], "times": None})
    assert [entry["itemId"] for entry in box.export(ids).json()["value"]] == ids[1:]
    assert len(box.export(ids[1:]).json()["value"]) == 2


def test_items_of_an_expanded_folder_name_the_address_that_has_them(client: Client, control: ControlClient, box: Archive) -> None:
    control.create_exchange_folder(box.archive, "Here")
    control.deliver(box.archive, "Here", MAIL % b"Stays")
    ids = ids_of(box) + [item["id"] for item in box.items("Here")]
    control.expand_folder(box.archive, "Old mail")
    value = client.call("POST", f"{BETA}{box.archive}/exportItems", {"itemIds": ids}).json()["value"]
    assert [entry.get("Error", {}).get("code") for entry in value] == ["ErrorArchiveFolderMovedPermanently"] * 3 + [None]
    address = value[0]["Error"]["message"]
    assert address == f"{BETA}{box.auxiliary}/exportItems"
    assert all("data" in entry for entry in client.call("POST", address, {"itemIds": ids[:3]}).json()["value"])


def test_a_single_item_may_be_larger_than_fifty_megabytes(control: ControlClient, box: Archive) -> None:
    control.settings(reported_size_share=0.001)
    control.add_item(box.archive, "Old mail", "message", "Huge", attachment_size=53_000_000)
    huge = box.items()[-1]
    assert huge["size"] < 60_000
    (attachment,) = box.message(huge["id"]).attachments
    assert len(attachment.properties[fts.ATTACH_DATA]) == 53_000_000


def test_exporting_changes_nothing(control: ControlClient, box: Archive) -> None:
    before = box.items()
    box.export([item["id"] for item in before])
    assert box.items() == before
    assert [line["operation"] for line in control.requests()].count("export_items") == 1


def test_a_body_that_names_no_items_is_refused(client: Client, box: Archive) -> None:
    for body in ({}, {"itemIds": "x"}, {"itemIds": [1]}):
        assert client.call("POST", f"{V1}{box.archive}/exportItems", body).status == 400


def test_streams_may_be_damaged_on_their_way(control: ControlClient, box: Archive) -> None:
    first, second, third = ids_of(box)
    for item, how in ((first, "truncated"), (second, "not_base64"), (third, "flipped")):
        control.arm({"name": "export_damaged", "mailbox": box.archive, "items": [item], "how": how})
    data = [entry["data"] for entry in box.export([first, second, third]).json()["value"]]
    assert "*" in data[1]
    for damaged, reason in ((data[0], "ends inside a record"), (data[2], "unknown record")):
        with pytest.raises(FtsError, match=reason):
            fts.read_stream(base64.b64decode(damaged))
    assert box.message(first).text(fts.SUBJECT) == "Mail 0"
