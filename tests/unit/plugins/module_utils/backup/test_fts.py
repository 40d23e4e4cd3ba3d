# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading export streams, as the tenant writes them and as nobody should."""

from __future__ import annotations

import contextlib
import datetime
import email
import email.policy
import itertools
import os
import struct
import tracemalloc
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup import fts_elements, fts_reader
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.fts_frames import framing_damage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.fts_mime import CONVERTED, fts_as_eml
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.fts_reader import FtsReader, ObjectKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.fts_record import FtsSummary, summary_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.fts_rtf import rtf_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.fts_spool import Spool
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.fts_tags import ATTACHMENT_DATA
from ansible_collections.tenantvault.m365_backup.tests.tenant import fts
from ansible_collections.tenantvault.m365_backup.tests.tenant.fts import MapiAttachment, MapiMessage, write_stream
from ansible_collections.tenantvault.m365_backup.tests.tenant.fts_format import Properties, frame

MOMENT = datetime.datetime(2026, 5, 17, 8, 12, 5, tzinfo=datetime.timezone.utc)
TEXTS = st.text(st.characters(exclude_categories=["C"]), max_size=12).map(lambda text: " ".join(text.split()))
WORDS = TEXTS.filter(bool)
MAILBOXES = st.from_regex(r"[a-z]{1,8}@[a-z]{1,8}\.com", fullmatch=True)
PEOPLE = st.fixed_dictionaries({fts.RECIPIENT_TYPE: st.sampled_from([1, 2, 3]), fts.DISPLAY_NAME: WORDS, fts.SMTP_ADDRESS: MAILBOXES})
_SAMPLES: dict[t.Any, t.Any] = {0x6001001F: "x" * 70, 0x60020003: 7, 0x60030102: b"\0\1" * 9, 0x60040014: -5, 0x6005000B: True}
OTHERS = st.dictionaries(
    st.sampled_from([0x6001001F, 0x60020003, 0x60030102, 0x60040014, 0x6005000B, fts.KEYWORDS]),
    st.just(0),
).map(lambda keys: {key: _SAMPLES.get(key, ["Red", "Blue"]) for key in keys})


def files() -> st.SearchStrategy[MapiAttachment]:
    return st.builds(
        lambda name, data: MapiAttachment({fts.ATTACH_METHOD: fts.BY_VALUE, fts.ATTACH_DATA: data, fts.ATTACH_LONG_NAME: name}),
        WORDS,
        st.binary(max_size=200),
    )


def held(inner: st.SearchStrategy[MapiMessage]) -> st.SearchStrategy[MapiAttachment]:
    return st.builds(lambda message, name: MapiAttachment({fts.ATTACH_METHOD: fts.EMBEDDED, fts.DISPLAY_NAME: name}, message), inner, WORDS)


def messages(attachments: st.SearchStrategy[MapiAttachment]) -> st.SearchStrategy[MapiMessage]:
    return st.builds(
        lambda subject, body, others, people, attached: MapiMessage(
            {fts.MESSAGE_CLASS: "IPM.Note", fts.SUBJECT: subject, fts.BODY: body, fts.SENT: MOMENT, **others}, people, attached
        ),
        WORDS,
        TEXTS,
        OTHERS,
        st.lists(PEOPLE, max_size=4),
        st.lists(attachments, max_size=3),
    )


MESSAGES = messages(files() | held(messages(files() | held(messages(files())))))


def cut(content: bytes, places: t.Sequence[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(content) + 1) for place in places), len(content)]
    return [content[start:end] for start, end in itertools.pairwise(edges)]


def names_in(message: MapiMessage) -> set[str]:
    names = set()
    for attachment in message.attachments:
        names.add(str(attachment.properties.get(fts.ATTACH_LONG_NAME) or attachment.properties[fts.DISPLAY_NAME]))
        if attachment.embedded is not None:
            names |= {attachment.embedded.text(fts.SUBJECT), *names_in(attachment.embedded)}
    return names


@given(message=MESSAGES, places=st.lists(st.integers(0, 10**6), max_size=9))
def test_a_stream_tells_what_was_put_into_it_in_whatever_chunks_it_comes(message: MapiMessage, places: list[int]) -> None:
    found = summary_of(cut(write_stream(message), places))
    assert (found.damage, found.fields.get("unparsed")) == ("", None)
    assert found.fields["subject"] == message.text(fts.SUBJECT)
    assert set(found.fields.get("attachment_names", ())) == names_in(message)
    for role, number in (("to", 1), ("cc", 2), ("bcc", 3)):
        people = [f"{who[fts.DISPLAY_NAME]} <{who[fts.SMTP_ADDRESS]}>" for who in message.recipients if who[fts.RECIPIENT_TYPE] == number]
        assert [person.split(" <")[-1] for person in found.fields.get(role, [])] == [person.split(" <")[-1] for person in people]


@given(message=MESSAGES)
def test_contents_of_attachments_come_out_byte_for_byte(message: MapiMessage) -> None:
    expected: list[bytes] = []
    waiting = list(message.attachments)
    while waiting:
        attachment = waiting.pop()
        if attachment.embedded is None:
            expected.append(attachment.properties[fts.ATTACH_DATA])
        else:
            waiting += attachment.embedded.attachments
    with contextlib.closing(Spool()) as spool:
        objects = list(FtsReader([write_stream(message)], spool=spool).objects())
        found = [b"".join(one.streams[ATTACHMENT_DATA].chunks()) for one in objects if ATTACHMENT_DATA in one.streams]
    assert sorted(found) == sorted(expected)


@given(message=MESSAGES, end=st.integers(0, 10**6))
def test_a_stream_that_ends_early_is_damaged_wherever_it_ends(message: MapiMessage, end: int) -> None:
    stream = write_stream(message)
    shorter = stream[: end % len(stream)]
    assert summary_of([shorter]).damage
    assert framing_damage([shorter])


@given(message=MESSAGES, changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=6))
def test_no_stream_raises_whatever_is_changed_in_it(message: MapiMessage, changes: list[tuple[int, int]]) -> None:
    stream = bytearray(write_stream(message))
    for place, byte in changes:
        stream[place % len(stream)] = byte
    assert summary_of([bytes(stream)]).__class__ is FtsSummary
    with fts_as_eml([bytes(stream)]) as mail:
        email.message_from_bytes(b"".join(mail.chunks()))


@given(content=st.binary(max_size=300))
def test_no_bytes_raise(content: bytes) -> None:
    assert summary_of([content]).damage
    # The same bytes as a property stream in a good frame.
    assert summary_of([frame(b"\x03\x00\x17\x00\x01\x00\x00\x00" + content)]).damage == ""


def test_the_beginning_of_microsofts_own_sample_is_a_good_one() -> None:
    stream = write_stream(MapiMessage({fts.IMPORTANCE: 1, fts.MESSAGE_CLASS: "IPM.Note"}))
    assert stream.startswith(bytes.fromhex("01000000080000000000000001000000030000001800000001000000"))
    assert framing_damage([stream]) == ""


@pytest.mark.parametrize("damage", ["", "no frame", "config", "opcode", "empty"])
def test_what_is_no_whole_export_stream_is_said(damage: str) -> None:
    good = write_stream(MapiMessage({fts.MESSAGE_CLASS: "IPM.Note"}))
    streams = {"no frame": b"From: a\r\n\r\n", "config": b"\x02" + good[1:], "empty": frame(b""), "": b""}
    streams["opcode"] = good + struct.pack("<II", 77, 0)
    assert framing_damage([streams[damage]])


def value(tag: int, kind: int, content: bytes, length: int | None = None) -> bytes:
    return struct.pack("<HHI", kind, tag, len(content) if length is None else length) + content


NOTE = value(0x001A, 0x84B0, "IPM.Note\0".encode("utf-16-le")) + value(0x0037, 0x84B0, "Offer\0".encode("utf-16-le"))
ATTACHMENT = struct.pack("<I", fts_elements.NEW_ATTACHMENT)


@pytest.mark.parametrize(
    "tail",
    [
        value(0x6001, 0x0102, b"x", 0xFFFFFFFF),
        value(0x1000, 0x001F, b"x", 0xFFFFFFFF),
        value(0x6001, 0x1003, b"", 0xFFFFFFFF),
        value(0x6001, 0x101F, b"\0" * 40, 0xFFFFFFFF),
        struct.pack("<HH", 0x001F, 0x8001) + b"\0" * 16 + b"\1" + b"x\0" * 5000,
        struct.pack("<HH", 0x0666, 0x6001) + b"whatever",
        struct.pack("<I", fts_elements.END_EMBEDDED) * 3,
        struct.pack("<I", fts_elements.START_RECIPIENT) * 3,
        struct.pack("<II", fts_elements.START_RECIPIENT, fts_elements.END_RECIPIENT) * 30_000,
        (ATTACHMENT + struct.pack("<I", fts_elements.START_EMBEDDED)) * 500,
        ATTACHMENT + value(0x3701, 0x0102, b"half of it", 4000),
    ],
    ids=lambda tail: f"{tail[:6].hex()}-{len(tail)}",
)
def test_hostile_lengths_and_nesting_cost_nothing_and_what_came_before_is_kept(tail: bytes) -> None:
    tracemalloc.start()
    try:
        found = summary_of([frame(NOTE + tail)])
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (found.damage, found.fields["subject"], bool(found.fields["unparsed"])) == ("", "Offer", True)
    assert peak < 4 << 20


def test_what_exchange_itself_could_not_export_is_said() -> None:
    error = struct.pack("<I", fts_elements.ERROR_INFO) + value(0x0037, 0x84B0, "not the subject\0".encode("utf-16-le"))
    found = summary_of([frame(NOTE + error)])
    assert (found.fields["subject"], "could not export" in found.fields["unparsed"]) == ("Offer", True)


def test_properties_of_the_transfer_are_none_of_the_message() -> None:
    found = summary_of([frame(struct.pack("<HHI", 3, 0x4016, 0x0E12000D) + NOTE)])
    assert (found.fields["subject"], found.fields.get("unparsed")) == ("Offer", None)


def test_strings_of_any_code_page_are_read() -> None:
    stream = value(0x0037, 0x84E3, "Предложение\0".encode("cp1251")) + value(0x0042, 0x001E, "Jörg\0".encode("cp1252"))
    assert {key: summary_of([frame(stream)]).fields[key] for key in ("subject", "from")} == {"subject": "Предложение", "from": "Jörg"}


def large_stream(size: int) -> t.Iterator[bytes]:
    """A message with one attachment of so many bytes, made as it is read."""
    head = write_stream(MapiMessage({fts.MESSAGE_CLASS: "IPM.Note", fts.SUBJECT: "Large"}))
    yield head
    rest = ATTACHMENT + struct.pack("<HHI", 0x0102, 0x3701, size)
    tail = value(0x3707, 0x84B0, "film.mp4\0".encode("utf-16-le")) + struct.pack("<I", fts_elements.END_ATTACHMENT)
    piece = bytes(64 << 10)
    for content in (rest, *itertools.repeat(piece, size // len(piece)), tail):
        yield struct.pack("<II", 2, len(content)) + content


@pytest.mark.parametrize(("as_mail", "size"), [(False, 150 << 20), (True, 24 << 20)])
def test_an_attachment_of_any_size_takes_constant_memory(as_mail: bool, size: int) -> None:
    tracemalloc.start()
    try:
        if as_mail:
            with fts_as_eml(large_stream(size)) as mail:
                written = sum(map(len, mail.chunks()))
            assert written > size * 4 // 3
        else:
            assert summary_of(large_stream(size)).fields["attachment_names"] == ["film.mp4"]
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20


def parts_of(message: email.message.EmailMessage) -> list[tuple[str, str | None, bytes]]:
    return [
        (part.get_content_type(), part.get_filename(), t.cast("bytes", part.get_payload(decode=True) or b""))
        for part in message.walk()
        if not part.is_multipart()
    ]


def converted(message: MapiMessage) -> email.message.EmailMessage:
    with fts_as_eml([write_stream(message)]) as mail:
        assert (mail.damage, mail.problems) == ("", ())
        return email.message_from_bytes(b"".join(mail.chunks()), policy=email.policy.default)


def test_a_stream_becomes_a_message_that_mail_programs_read() -> None:
    data = os.urandom(90_000)
    inner = MapiMessage({fts.MESSAGE_CLASS: "IPM.Note", fts.SUBJECT: "Inside", fts.BODY: "deep"})
    message = converted(
        MapiMessage(
            {
                fts.MESSAGE_CLASS: "IPM.Note",
                fts.SUBJECT: "Grüße an alle € und noch viel mehr, was in keine Zeile passt",
                fts.SENT: MOMENT,
                fts.FROM_NAME: "Jörg, Chef",
                fts.FROM_SMTP: "joerg@contoso.com",
                fts.BODY: "Hallo ✓\r\n",
                fts.HTML: "<p>Ä</p>".encode(),
                fts.CODE_PAGE: 65001,
                fts.INTERNET_MESSAGE_ID: "<1@contoso.com>",
            },
            [{fts.RECIPIENT_TYPE: 1, fts.DISPLAY_NAME: "Anna", fts.SMTP_ADDRESS: "anna@contoso.com"}, {fts.DISPLAY_NAME: "Only a name"}],
            [
                MapiAttachment(
                    {fts.ATTACH_METHOD: 1, fts.ATTACH_DATA: data, fts.ATTACH_LONG_NAME: "bild ä.png", fts.ATTACH_MIME_TYPE: "image/png"}
                ),
                MapiAttachment({fts.ATTACH_METHOD: 5, fts.DISPLAY_NAME: "Inside"}, inner),
            ],
        )
    )
    assert message[CONVERTED]
    assert message["subject"] == "Grüße an alle € und noch viel mehr, was in keine Zeile passt"
    assert message["from"].addresses[0].display_name == "Jörg, Chef"
    assert message["to"].addresses[0].addr_spec == "anna@contoso.com"
    assert (message["message-id"], message["date"].datetime) == ("<1@contoso.com>", MOMENT)
    assert parts_of(message) == [
        ("text/plain", None, "Hallo ✓\r\n".encode()),
        ("text/html", None, "<p>Ä</p>".encode()),
        ("image/png", "bild ä.png", data),
        ("text/plain", None, b"deep"),
    ]
    held_message = next(part for part in message.walk() if part.get_content_type() == "message/rfc822")
    assert held_message.get_content()["subject"] == "Inside"
    assert not any(part.defects for part in message.walk())


def test_headers_that_came_with_a_message_are_kept_and_nothing_can_be_slipped_in() -> None:
    headers = "Received: from a\r\n by b; x\r\nSubject: Real\r\nContent-Type: text/evil\r\nX-Long: " + "word " * 40 + "\r\n\r\n"
    message = converted(
        MapiMessage(
            {
                fts.TRANSPORT_HEADERS: headers,
                fts.SUBJECT: "Other",
                fts.FROM_NAME: "a\r\nBcc: spy@x.com\r\n",
                fts.INTERNET_MESSAGE_ID: "x\r\n\r\ny",
            }
        )
    )
    assert (message["received"], message["subject"], message["x-long"].split()) == ("from a by b; x", "Real", ["word"] * 40)
    assert (message["bcc"], message.get_content_type()) == (None, "multipart/mixed")


@given(message=MESSAGES)
def test_every_message_converts_to_parts_with_its_contents(message: MapiMessage) -> None:
    result = converted(message)
    files_in = [one for one in message.attachments if one.embedded is None]
    contents = [content for _kind, _name, content in parts_of(result)]
    for attachment in files_in:
        assert attachment.properties[fts.ATTACH_DATA] in contents
    assert sum(part.get_content_type() == "message/rfc822" for part in result.walk()) >= len(message.attachments) - len(files_in)


def test_people_without_an_address_for_mail_keep_their_name() -> None:
    exchange: Properties = {fts.DISPLAY_NAME: "Board", fts.ADDRESS_TYPE: "EX", fts.ADDRESS: "/o=x/cn=board", fts.RECIPIENT_TYPE: 1}
    found = summary_of([write_stream(MapiMessage({fts.SUBJECT: "x", fts.DISPLAY_CC: "Anna; Bob"}, [exchange]))])
    assert (found.fields["to"], found.fields["cc"]) == (["Board"], ["Anna", "Bob"])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0",
            b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n",
        ),
        ("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0", b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"),
        ("0e000000050000004d454c41000000006162636465", b"abcde"),
        ("0e000000050000004d454c4100000000616263", b"abc"),
        ("0e0000000500000041424344000000006162636465", b""),
        ("00", b""),
    ],
)
def test_compressed_rtf_is_unpacked(content: str, expected: bytes) -> None:
    packed = bytes.fromhex(content)
    assert b"".join(rtf_of([packed])) == expected
    assert b"".join(rtf_of([packed[place : place + 1] for place in range(len(packed))])) == expected


@given(content=st.binary(max_size=200))
def test_no_bytes_raise_as_compressed_rtf(content: bytes) -> None:
    assert len(b"".join(rtf_of([bytes(8) + b"LZFu" + bytes(4) + content]))) <= 18 * len(content)


def test_a_body_that_is_rtf_only_comes_as_a_file() -> None:
    packed = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")
    assert parts_of(converted(MapiMessage({fts.SUBJECT: "x", 0x10090102: packed}))) == [
        ("application/rtf", "body.rtf", b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}")
    ]


def test_the_key_that_survives_export_and_import_is_kept() -> None:
    assert summary_of([write_stream(MapiMessage({fts.SEARCH_KEY: b"\1\xff" * 8}))]).fields["search_key"] == "01ff" * 8


def test_objects_come_with_their_place() -> None:
    inner = MapiMessage({fts.SUBJECT: "In"}, [], [MapiAttachment({fts.ATTACH_DATA: b"x"})])
    stream = write_stream(
        MapiMessage({fts.SUBJECT: "Out"}, [{fts.DISPLAY_NAME: "A"}], [MapiAttachment({fts.ATTACH_DATA: b"y"}), MapiAttachment({}, inner)])
    )
    found = [(one.kind, one.path) for one in FtsReader([stream]).objects()]
    assert found == [
        (ObjectKind.RECIPIENT, ()),
        (ObjectKind.ATTACHMENT, (0,)),
        (ObjectKind.ATTACHMENT, (1, 0)),
        (ObjectKind.MESSAGE, (1,)),
        (ObjectKind.ATTACHMENT, (1,)),
        (ObjectKind.MESSAGE, ()),
    ]


def test_small_properties_without_end_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fts_reader, "_MOST_KEPT", 1000)
    people: list[Properties] = [{fts.DISPLAY_NAME: "x" * 400, fts.RECIPIENT_TYPE: 1} for _number in range(20)]
    found = summary_of([write_stream(MapiMessage({fts.SUBJECT: "Offer"}, people))])
    assert "too many" in found.fields["unparsed"]
