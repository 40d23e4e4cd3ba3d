# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages taken apart for Graph: nothing of their content gets lost, whatever they are made of."""

from __future__ import annotations

import base64
import email
import email.message
import email.policy
import json
import os
import re
import typing as t
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.message_payload import MessageParts, message_parts

RECORD: dict[str, t.Any] = {
    "id": "m",
    "subject": "From the record",
    "from": "Anna <anna@x.example>",
    "to": ["Ben <ben@x.example>", "carl@x.example"],
    "received": "2026-05-17T08:12:05Z",
    "sent": "2026-05-17T08:12:01Z",
    "read": True,
    "flag": "flagged",
    "categories": ["Red"],
}


def mime(*headers: str, body: str = "Hello", newline: str = "\r\n") -> bytes:
    return newline.join([*headers, "", body, ""]).encode("utf-8", "surrogateescape")


def parts_of(*headers: str, body: str = "Hello") -> MessageParts:
    return message_parts(mime(*headers, body=body), RECORD)


def addresses(payload: dict[str, t.Any], name: str) -> list[tuple[str, str]]:
    return [(one["emailAddress"]["name"], one["emailAddress"]["address"]) for one in payload.get(name, [])]


def check(parts: MessageParts) -> None:
    """What Graph takes: real UTF-8 JSON, valid addresses, one-line headers."""
    document = json.loads(json.dumps([parts.payload, [one.as_json() for one in parts.attachments]], ensure_ascii=False).encode())
    payload = document[0]
    assert payload["body"]["contentType"] in ("text", "html")
    for name in ("toRecipients", "ccRecipients", "bccRecipients", "replyTo"):
        assert all(re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", address) for _name, address in addresses(payload, name))
    assert not set(payload["subject"] + payload.get("internetMessageId", "")) & set("\r\n\x00")
    assert all(
        one["name"] and base64.b64decode(one["contentBytes"]) == ours.content
        for one, ours in zip(document[1], parts.attachments, strict=True)
    )


# Headers


@pytest.mark.parametrize(
    ("header", "subject"),
    [
        ("Subject: Hello", "Hello"),
        ("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("Subject: =?utf-8?b?R3LDvMOfZQ==?= =?utf-8?b?IQ==?=", "Grüße!"),
        ("Subject: raw Grüße", "raw Grüße"),
        ("Subject: latin \udcfc", "latin ü"),
        ("Subject: 10\u00a0000\u3000円 👨\u200d👩", "10\u00a0000\u3000円 👨\u200d👩"),
        ("Subject: =?utf-8?b?a?=", "=?utf-8?b?a?="),
        ("Subject: =?no-such-charset?q?a?=", "=?no-such-charset?q?a?="),
        ("Subject: one\r\n two\r\n\tthree", "one two three"),
        ("Subject: ", "From the record"),
        ("X-Nothing: here", "From the record"),
    ],
)
def test_the_subject_is_what_the_sender_wrote(header: str, subject: str) -> None:
    assert parts_of(header).payload["subject"] == subject


@pytest.mark.parametrize(
    ("header", "people"),
    [
        ("To: a@x.example", [("a@x.example", "a@x.example")]),
        ('To: "Doe, John" <j@x.example>, b@x.example', [("Doe, John", "j@x.example"), ("b@x.example", "b@x.example")]),
        ("To: a@x.example, b@x.example,", [("a@x.example", "a@x.example"), ("b@x.example", "b@x.example")]),
        ("To: =?utf-8?q?J=C3=B6rg?= <j@x.example>", [("Jörg", "j@x.example")]),
        ("To: Jörg <j@x.example>", [("Jörg", "j@x.example")]),
        ("To: Team: a@x.example, b@x.example;", [("a@x.example", "a@x.example"), ("b@x.example", "b@x.example")]),
        ("To: nobody, a@x.example", [("a@x.example", "a@x.example")]),
    ],
)
def test_recipients_are_those_with_an_address(header: str, people: list[tuple[str, str]]) -> None:
    assert addresses(parts_of(header).payload, "toRecipients") == people


def test_recipients_that_the_content_does_not_name_come_from_the_record() -> None:
    payload = parts_of("To: undisclosed-recipients:;").payload
    assert addresses(payload, "toRecipients") == [("Ben", "ben@x.example"), ("carl@x.example", "carl@x.example")]
    assert payload["from"]["emailAddress"] == {"name": "Anna", "address": "anna@x.example"}
    assert "ccRecipients" not in payload


def test_sender_reply_and_copies_are_kept() -> None:
    payload = parts_of(
        "From: a@x.example", "Sender: s@x.example", "Cc: c@x.example", "Bcc: b@x.example", "Reply-To: r@x.example", "Message-ID: <1@x>"
    ).payload
    assert payload["from"]["emailAddress"]["address"] == "a@x.example"
    assert payload["sender"]["emailAddress"]["address"] == "s@x.example"
    assert [addresses(payload, name)[0][1][0] for name in ("ccRecipients", "bccRecipients", "replyTo")] == ["c", "b", "r"]
    assert payload["internetMessageId"] == "<1@x>"


def test_state_and_dates_come_from_the_record_and_it_is_no_draft() -> None:
    payload = parts_of("Subject: x", "Date: Thu, 1 Jan 1970 00:00:00 +0000").payload
    assert (payload["isRead"], payload["flag"], payload["categories"]) == (True, {"flagStatus": "flagged"}, ["Red"])
    values = {one["id"]: one["value"] for one in payload["singleValueExtendedProperties"]}
    assert values == {"Integer 0x0E07": "5", "SystemTime 0x0039": RECORD["sent"], "SystemTime 0x0E06": RECORD["received"]}


def test_a_draft_stays_a_draft_and_gets_its_date_from_the_service() -> None:
    assert "singleValueExtendedProperties" not in message_parts(mime("Subject: x"), {**RECORD, "draft": True}).payload


def test_a_flag_keeps_its_dates_in_their_zone() -> None:
    record = {**RECORD, "follow_up": {"start": "2026-05-18T00:00:00Z", "due": "2026-05-19T00:00:00 W. Europe Standard Time"}}
    assert message_parts(mime("Subject: x"), record).payload["flag"] == {
        "flagStatus": "flagged",
        "startDateTime": {"dateTime": "2026-05-18T00:00:00", "timeZone": "UTC"},
        "dueDateTime": {"dateTime": "2026-05-19T00:00:00", "timeZone": "W. Europe Standard Time"},
    }


# Bodies and attachments


def multipart(kind: str, *parts: str) -> bytes:
    lines = [f'Content-Type: multipart/{kind}; boundary="b"', "", *(f"--b\r\n{part}" for part in parts), "--b--", ""]
    return "\r\n".join(lines).encode()


HTML = "Content-Type: text/html; charset=utf-8\r\n\r\n<p>Grüße</p>"
PLAIN = "Content-Type: text/plain; charset=utf-8\r\n\r\nGrüße"


def test_of_two_bodies_the_html_is_taken() -> None:
    parts = message_parts(multipart("alternative", PLAIN, HTML), RECORD)
    assert (parts.payload["body"], parts.attachments) == ({"contentType": "html", "content": "<p>Grüße</p>"}, ())


@pytest.mark.parametrize(
    ("charset", "content", "text"),
    [
        ("utf-8", "Grüße".encode(), "Grüße"),
        ("iso-8859-1", "Grüße".encode("latin-1"), "Grüße"),
        ("gb2312", "中文".encode("gb2312"), "中文"),
        ("no-such", "Grüße".encode(), "Grüße"),
        ("us-ascii", "Grüße".encode("latin-1"), "Grüße"),
        ("utf-7", b"+2AA-", "?"),
    ],
)
def test_bodies_of_any_charset_are_read(charset: str, content: bytes, text: str) -> None:
    parts = message_parts(f"Content-Type: text/plain; charset={charset}\r\n\r\n".encode() + content, RECORD)
    assert parts.payload["body"]["content"] == text
    check(parts)


@settings(max_examples=50)
@given(
    content=st.binary(max_size=200),
    name=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20),
    inline=st.booleans(),
)
def test_an_attachment_comes_out_byte_for_byte(content: bytes, name: str, inline: bool) -> None:
    message = email.message.EmailMessage()
    message["Subject"] = "x"
    message.set_content("Hello")
    more: dict[str, t.Any] = {"disposition": "inline", "cid": "<c1@x>"} if inline else {}
    message.add_attachment(content, maintype="application", subtype="x-test", filename=name, **more)
    parts = message_parts(message.as_bytes(policy=email.policy.SMTP), RECORD)
    (attachment,) = parts.attachments
    assert (attachment.content, attachment.content_type, attachment.is_inline) == (content, "application/x-test", inline)
    assert attachment.content_id == ("c1@x" if inline else None)
    assert parts.payload["body"]["content"].strip() == "Hello"
    check(parts)


INNER = (
    b"Subject: inner\r\n\tfolded\r\n  twice\r\nX-Raw: \xfc\r\nX-Long:"
    + b" word" * 40
    + b"\r\n\r\nFrom the beginning\r\nGr\xfc\xdfe \xff\r\n"
)


def test_an_attached_message_comes_out_byte_for_byte() -> None:
    outer = b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n' + INNER + b"\r\n--b--\r\n"
    (attachment,) = message_parts(outer, RECORD).attachments
    assert attachment.content == INNER
    assert attachment.name.endswith(".eml")


def test_an_attached_message_that_was_encoded_as_a_whole_is_decoded() -> None:
    encoded = base64.encodebytes(INNER).decode().replace("\n", "\r\n")
    part = f"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded}"
    (attachment,) = message_parts(multipart("mixed", part), RECORD).attachments
    assert attachment.content == INNER


def test_a_second_text_and_a_named_text_are_attachments() -> None:
    named = 'Content-Type: text/plain; name="notes.txt"\r\n\r\nnotes'
    parts = message_parts(multipart("mixed", PLAIN, named, "Content-Type: text/plain\r\n\r\nfooter"), RECORD)
    assert [(one.name, one.content) for one in parts.attachments] == [("notes.txt", b"notes"), ("attachment 2", b"footer")]


def test_a_message_that_cannot_be_taken_apart_becomes_an_attachment() -> None:
    bomb = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (level, level) for level in range(3000))
    parts = message_parts(bomb, RECORD)
    assert [one.content for one in parts.attachments] == [bomb]
    assert parts.payload["subject"] == "From the record"
    assert addresses(parts.payload, "toRecipients")[0] == ("Ben", "ben@x.example")
    check(parts)


PIECES = st.sampled_from(
    [
        b"\r\n",
        b"\n",
        b"\r\n\r\n",
        b"Content-Type: multipart/mixed; boundary=b",
        b"Content-Type: message/rfc822",
        b"Content-Type: message/delivery-status",
        b"Content-Type: text/html; charset=\x00\xff",
        b"Content-Type: text/plain; charset*=utf-8''%ff%00",
        b"Content-Transfer-Encoding: base64",
        b"Content-Transfer-Encoding: x-uuencode",
        b"begin 644 x",
        b"#86)C",
        b"Content-Disposition: attachment; filename*0*=\xff''%zz; filename*1=b",
        b"Content-ID: <\xff\xfe>",
        b"Subject: =?utf-8?b?a?= \xff =?x\x00?q?=00?=",
        b"From: \xff <a@b>, =?,@",
        b"--b",
        b"--b--",
    ]
)


@settings(max_examples=150)
@given(pieces=st.lists(PIECES | st.binary(max_size=10), max_size=20))
@example(pieces=[b"Content-Transfer-Encoding: x-uuencode", b"\n", b"\n", b"begin 644 x", b"\n", b"\xff\xff"])
def test_no_message_is_refused(pieces: list[bytes]) -> None:
    check(message_parts(b"".join(pieces), RECORD))
    check(message_parts(b"\r\n".join(pieces), {}))


# Real mail

CORPUS = Path(os.environ.get("M365_CORPUS", "/nonexistent"))


@pytest.mark.skipif(not CORPUS.is_dir(), reason="M365_CORPUS names no folder with sample mail")
def test_real_mail_of_other_people_is_taken_apart_without_loss() -> None:
    from tenant.mail_files import find_messages

    seen = 0
    for found in find_messages(CORPUS / "mail"):
        content = found.path.read_bytes()[found.offset : found.offset + found.length]
        parts = message_parts(content, RECORD)
        check(parts)
        assert {hash(one) for one in wanted_contents(content)} <= {hash(one.content) for one in parts.attachments}, found.name
        seen += 1
    assert seen > 100


def wanted_contents(content: bytes) -> list[bytes]:
    """Every decoded part that is not text and no message; empty where the standard library gives up."""
    try:
        parts = list(email.message_from_bytes(content).walk())
    except RecursionError:
        return []
    inside = {id(child) for part in parts if part.get_content_maintype() == "message" for child in part.walk() if child is not part}
    outside = [part for part in parts if id(part) not in inside and part.get_content_maintype() not in ("text", "message", "multipart")]
    return [decoded for part in outside if isinstance(decoded := part.get_payload(decode=True), bytes)]


@pytest.mark.parametrize("kind", ["multipart/signed", "multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"])
def test_what_is_signed_or_encrypted_goes_with_its_original(kind: str) -> None:
    whole = f'Content-Type: {kind}; boundary="b"\r\n\r\n--b\r\n{PLAIN}\r\n--b--\r\n'.encode()
    assert message_parts(whole, RECORD).attachments[-1].content == whole
    assert message_parts(multipart("mixed", PLAIN), RECORD).attachments == ()


def test_an_attached_message_is_named_after_its_subject() -> None:
    attached = "Content-Type: message/rfc822\r\n\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nHi"
    assert [one.name for one in message_parts(multipart("mixed", PLAIN, attached), RECORD).attachments] == ["Gr\u00fc\u00dfe.eml"]


def test_the_text_of_a_message_that_is_nothing_else_is_its_body_whatever_it_is_called() -> None:
    parts = message_parts(mime('Content-Type: text/plain; name="note.txt"', "Content-Disposition: attachment", body="Hi"), RECORD)
    assert (parts.payload["body"]["content"].strip(), parts.attachments) == ("Hi", ())
