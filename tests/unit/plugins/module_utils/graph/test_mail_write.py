# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing into mailboxes, against a scripted service."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.plugins.module_utils.graph.fakes import Answer, Scene, refusal

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph import errors
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import FolderId, MessageId, UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.mail_attachments import (
    ContentMismatch,
    _regrouped,
    add_attachment,
    upload_attachment,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.mail_write import (
    create_draft_from_mime,
    create_folder,
    create_message,
    delete_message,
    non_draft_properties,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.retry import FaultKind

ANNA, MESSAGE = UserId("anna"), MessageId("m")
EXISTS = refusal(409, "ErrorFolderExists", "A folder with the specified name already exists.")
SESSION = Answer(201, {"uploadUrl": "https://outlook.office.com/api/v2.0/Users('anna')/AttachmentSessions('s')?authtoken=secret"})


def test_a_new_folder_is_created_below_its_parent() -> None:
    scene = Scene(Answer(201, {"id": "f", "displayName": "New"}))
    created = create_folder(scene.client, ANNA, "msgfolderroot", "New")
    assert (created.id, created.was_there) == ("f", False)
    assert scene.sender.requests[0].target == "/v1.0/users/anna/mailFolders/msgfolderroot/childFolders"


def test_a_folder_that_was_created_although_the_answer_got_lost_is_found_by_its_name() -> None:
    scene = Scene(
        refusal(503, "x"), EXISTS, Answer(200, {"value": [{"id": "o", "displayName": "Other"}, {"id": "f", "displayName": "NEW"}]})
    )
    created = create_folder(scene.client, ANNA, "msgfolderroot", "New")
    assert (created.id, created.was_there) == ("f", True)


def test_a_conflict_without_a_folder_of_that_name_stays_a_conflict() -> None:
    scene = Scene(EXISTS, Answer(200, {"value": []}))
    with pytest.raises(errors.Conflict):
        create_folder(scene.client, ANNA, "msgfolderroot", "New")


def test_a_message_whose_creation_got_no_answer_is_not_created_twice() -> None:
    scene = Scene(FaultKind.BROKEN)
    with pytest.raises(errors.AmbiguousOutcome):
        create_message(scene.client, ANNA, FolderId("f"), {"subject": "x"})
    assert len(scene.sender.requests) == 1


def test_the_properties_of_an_ordinary_message_carry_its_flags_and_dates() -> None:
    assert non_draft_properties(is_read=True, sent="2026-01-02T03:04:05Z", received=None) == [
        {"id": "Integer 0x0E07", "value": "5"},
        {"id": "SystemTime 0x0039", "value": "2026-01-02T03:04:05Z"},
    ]
    assert non_draft_properties(is_read=False, sent=None, received="r")[0]["value"] == "4"


def test_mime_is_sent_in_base64_as_text() -> None:
    scene = Scene(Answer(201, {"id": "m"}))
    assert create_draft_from_mime(scene.client, ANNA, b"From: \xff") == "m"
    (request,) = scene.sender.requests
    assert request.headers["Content-Type"] == "text/plain"
    assert base64.b64decode(request.body or b"") == b"From: \xff"


def test_deleting_what_is_gone_is_a_success() -> None:
    scene = Scene(refusal(404, "ErrorItemNotFound"))
    delete_message(scene.client, ANNA, MESSAGE)
    assert scene.sender.requests[0].method == "DELETE"


def test_an_attachment_waits_until_its_new_message_is_known() -> None:
    scene = Scene(refusal(404, "ErrorItemNotFound"), refusal(404, "ErrorItemNotFound"), Answer(201, {"id": "a"}))
    assert add_attachment(scene.client, ANNA, MESSAGE, {"name": "x"}) == "a"
    assert len(scene.sender.requests) == 3


def test_a_large_attachment_goes_in_order_in_pieces_of_less_than_four_megabytes_and_without_a_token() -> None:
    content = bytes(range(256)) * 40_000
    scene = Scene(SESSION, Answer(200, {"nextExpectedRanges": ["1"]}), Answer(200, {}), Answer(201, headers={"Location": "x"}))
    upload_attachment(scene.client, ANNA, MESSAGE, name="x.bin", size=len(content), content=[content[:5], content[5:]])
    create, *pieces = scene.sender.requests
    assert json.loads(create.body or b"")["AttachmentItem"] == {
        "attachmentType": "file",
        "name": "x.bin",
        "size": len(content),
        "isInline": False,
    }
    assert b"".join(piece.body or b"" for piece in pieces) == content
    assert all(len(piece.body or b"") < 4_000_000 for piece in pieces)
    assert [piece.headers["Content-Range"] for piece in pieces] == [
        "bytes 0-3932159/10240000",
        "bytes 3932160-7864319/10240000",
        "bytes 7864320-10239999/10240000",
    ]
    assert all("Authorization" not in piece.headers for piece in pieces)


def test_inv10_an_upload_session_on_a_foreign_host_gets_nothing() -> None:
    scene = Scene(Answer(201, {"uploadUrl": "https://evil.example/upload?authtoken=secret"}))
    with pytest.raises(errors.LinkRefused):
        upload_attachment(scene.client, ANNA, MESSAGE, name="x", size=3, content=[b"abc"])
    assert len(scene.sender.requests) == 1


@pytest.mark.parametrize("content", [[b"ab"], [b"abcd"], []])
def test_content_of_another_size_than_announced_is_refused(content: list[bytes]) -> None:
    scene = Scene(SESSION, Answer(200, {}))
    with pytest.raises(ContentMismatch, match="not 3 bytes long"):
        upload_attachment(scene.client, ANNA, MESSAGE, name="x", size=3, content=content)


def test_an_upload_whose_answers_got_lost_is_looked_up_at_its_end() -> None:
    there = Answer(200, {"value": [{"id": "a", "name": "y", "size": 3}, {"id": "b", "name": "x", "size": 170}]})
    scene = Scene(SESSION, FaultKind.BROKEN, refusal(416, "ErrorInvalidRange"), there)
    upload_attachment(scene.client, ANNA, MESSAGE, name="x", size=3, content=[b"abc"])
    assert [request.method for request in scene.sender.requests] == ["POST", "PUT", "PUT", "GET"]


def test_an_upload_whose_answer_got_lost_and_that_is_not_there_is_ambiguous() -> None:
    scene = Scene(SESSION, FaultKind.BROKEN, refusal(404, "ErrorItemNotFound"), Answer(200, {"value": []}))
    with pytest.raises(errors.AmbiguousOutcome):
        upload_attachment(scene.client, ANNA, MESSAGE, name="x", size=3, content=[b"abc"])


def test_a_session_that_ends_before_the_last_piece_is_an_error() -> None:
    scene = Scene(SESSION, refusal(404, "ErrorItemNotFound"))
    with pytest.raises(errors.NotFound):
        upload_attachment(scene.client, ANNA, MESSAGE, name="x", size=5_000_000, content=[b"x" * 5_000_000])


def test_a_small_attachment_whose_answer_got_lost_is_looked_up() -> None:
    attachment = {"name": "x", "contentBytes": "AAAA"}
    there = Scene(FaultKind.BROKEN, Answer(200, {"value": [{"id": "a", "name": "x", "size": 100}]}))
    assert add_attachment(there.client, ANNA, MESSAGE, attachment) == "a"
    absent = Scene(FaultKind.BROKEN, Answer(200, {"value": [{"id": "a", "name": "x", "size": 2_000_000}]}))
    with pytest.raises(errors.AmbiguousOutcome):
        add_attachment(absent.client, ANNA, MESSAGE, attachment)


@given(st.lists(st.binary(max_size=50), max_size=20), st.integers(1, 40))
def test_regrouping_keeps_every_byte(chunks: list[bytes], length: int) -> None:
    pieces = list(_regrouped(chunks, length))
    assert b"".join(pieces) == b"".join(chunks)
    assert all(len(piece) == length for piece in pieces[:-1])
    assert all(0 < len(piece) <= length for piece in pieces)
